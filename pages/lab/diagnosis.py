"""What happened in a run: the doctor's findings under the charts, each with its fix to apply; what to try next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from lessons.doctor.run import diagnose, next_steps
from lessons.doctor.run.finding import Finding
from lessons.doctor.run.rules import RUN_RULES
from lessons.figures import run_figures
from lessons.recipe.recipe import MaskPath, Recipe
from lessons.recipe.settings import Settings
from lessons.runs.comparison import differences
from lessons.runs.nan_origin import COMPILED_ONLY, NaNOrigin
from lessons.runs.run import LayerMask, Run
from lessons.server.laboratory import shared
from pages.lab.form import Diagnosis, Form
from pages.parts.findings import HEALTHY, count, findings, plural
from pages.parts.quotation import first_line, quoted

LOOK = 0.2  # seconds between two looks whether the origin has been found
OWN_LOSS = ("loss", "epsilon")  # fields that change nothing while the learner's own loss is trained
UNPASSED = {
    MaskPath(): "every layer and the loss take padding for real steps",
    MaskPath(weighted=True): "every layer takes padding for real steps, and the loss weighs each step by the mask",
    MaskPath(multiplied=True): "inputs are 0 where it is False, and every layer and the loss take them for real steps",
    MaskPath(weighted=True, multiplied=True): "inputs are 0 where it is False, and the loss weighs each step by it",
}
NOWHERE = "none"  # in place of a finding's code: none is shown in the charts


def diagnosis_of(form: Form, run: Run | None) -> Diagnosis | None:
    """The diagnosis of the run in sight; None while it trains."""
    if run is None or form.watching:
        return None
    seen = form.presses, id(form.training), run.epochs
    if form.diagnosis is None or form.diagnosis.seen != seen:
        found = diagnose(run)
        form.diagnosis = Diagnosis(seen, found, next_steps(run, found, (*form.controls, *form.more)))
    return form.diagnosis


def shade_of(diagnosis: Diagnosis | None) -> dict | None:
    """What the charts mark of the finding that is shown in them."""
    finding = diagnosis.in_charts if diagnosis else None
    return run_figures.shade(finding.title, diagnosis.band(finding), finding.cells) if finding else None


def status_words(diagnosis: Diagnosis | None) -> str:
    """What was found, for the status line above the charts."""
    if diagnosis is None:
        return ""
    if not diagnosis.findings:
        return " · healthy: no finding"
    return f" · {plural(len(diagnosis.findings), 'finding')} below: {diagnosis.findings[0].title}"


def diagnosis_below(form: Form, run: Run, diagnosis: Diagnosis, start: Callable[[Form], None]) -> None:
    """Everything that is said of a run, below its charts. `start` begins a training of the form's settings."""
    with st.container(key="diagnosis-stale" if form.outdated else "diagnosis", gap="small"):
        headline(form, diagnosis, start)
        places: dict[str, object] = {}

        def below(card: Mapping) -> None:
            finding = next(finding for finding in diagnosis.findings if finding.code == card["code"])
            if finding.code == "mask_dropped":
                xray(run)
            if finding.code == "non_finite":
                places["nan-origin"] = st.container()
            buttons(form, diagnosis, finding, start)

        pages = {slug: page for slug, page in form.pages.items() if slug != form.lesson.slug}
        findings([card_of(finding) for finding in diagnosis.findings], pages, form.key("finding"), below)
        try_next(form, diagnosis, start)
        if all(finding.code != "mask_dropped" for finding in diagnosis.findings):
            with st.expander("Where the mask goes", icon=":material/conversion_path:"):
                xray(run)
        if "nan-origin" in places and not run.recipe.pasted:
            certificate(
                form, run, diagnosis, places["nan-origin"]
            )  # last: everything else is there while it is looked for


def card_of(finding: Finding) -> dict:
    """A finding as the cards of the clinic take it."""
    return {**vars(finding), "curve": None, "line": None, "evidence": {}}


def headline(form: Form, diagnosis: Diagnosis, start: Callable[[Form], None]) -> None:
    """How many findings; the way back from a fix that was applied; or healthy, and what that means."""
    row = st.container(key="diagnosis-head", horizontal=True, vertical_alignment="center", gap="small")
    if diagnosis.findings:
        row.markdown(f"**What happened** :gray[· {count([card_of(finding) for finding in diagnosis.findings])}]")
    else:
        row.markdown(f"{HEALTHY} **No finding.**")
        with row.popover("What was looked at", type="tertiary", icon=":material/stethoscope:"):
            st.markdown("\n".join(f"- {quoted(rule.tried)}" for rule in RUN_RULES.rules.values()))
            st.caption("No finding means that none of these looked wrong in this run. It is no proof.")
    if form.undo and form.undo[1] == form.settings:
        row.markdown(f":gray[Applied: {change_words(*form.undo)}]")
        row.button(
            "Undo",
            key=form.key("undo"),
            type="tertiary",
            icon=":material/undo:",
            help="The settings from before come back, and run.",
            on_click=lambda: undo(form, start),
        )


def buttons(form: Form, diagnosis: Diagnosis, finding: Finding, start: Callable[[Form], None]) -> None:
    """Apply the fix, where a field of the settings is one; show the finding in the charts."""
    row = st.container(key=f"finding-buttons-{finding.code}", horizontal=True, vertical_alignment="center", gap="small")
    fixed = fixed_settings(form, finding)
    if fixed is not None:
        row.button(
            "Apply the fix and run",
            key=form.key(f"fix:{finding.code}"),
            icon=":material/build:",
            disabled=fixed == form.settings,
            on_click=lambda: apply(form, fixed, start),
        )
        row.markdown(f":small[{change_words(form.settings, fixed) or 'These settings have it already.'}]")
    elif finding.changes:
        row.markdown(":small[Your own loss has to be mended in its text.]")
    if diagnosis.has_marks(finding):
        shown = diagnosis.in_charts is finding
        row.button(
            "Shown in the charts" if shown else "Show in the charts",
            key=form.key(f"show:{finding.code}"),
            type="tertiary",
            icon=":material/visibility:" if shown else ":material/visibility_off:",
            help="Marks its epochs in the curve and its cells in the gradient."
            if not shown
            else "Takes the marks off.",
            on_click=lambda: show(diagnosis, NOWHERE if shown else finding.code),
        )


def show(diagnosis: Diagnosis, code: str) -> None:
    diagnosis.shown = code


def fixed_settings(form: Form, finding: Finding) -> Settings | None:
    """The form's settings with the fix; None where no field is one."""
    if not finding.changes or (form.pasted and any(name in OWN_LOSS for name in finding.changes)):
        return None
    return form.settings.with_changes(finding.changes)


def change_words(before: Settings, after: Settings) -> str:
    found = differences(Recipe(before), Recipe(after))
    return "; ".join(f"**{quoted(each.label)}** {quoted(each.pinned)} → {quoted(each.other)}" for each in found)


def apply(form: Form, settings: Settings, start: Callable[[Form], None]) -> None:
    """Take these settings, keep the way back, and run."""
    before = form.settings
    lay_and_run(form, settings, start)
    form.undo = before, form.settings


def undo(form: Form, start: Callable[[Form], None]) -> None:
    before, _ = form.undo
    form.undo = None
    lay_and_run(form, before, start)


def lay_and_run(form: Form, settings: Settings, start: Callable[[Form], None]) -> None:
    form.problems = []
    form.lay(settings)
    form.moves += 1
    start(form)


def try_next(form: Form, diagnosis: Diagnosis, start: Callable[[Form], None]) -> None:
    """One toggle at a time: a button for each, and what to look for."""
    steps = [step for step in diagnosis.steps if not (form.pasted and step.field in OWN_LOSS)]
    if not steps:
        return
    st.markdown("**Try this next** :gray[· one toggle at a time]")
    for place, step in enumerate(steps):
        changed = form.settings.with_changes({step.field: step.value})
        row = st.container(key=f"try-{place}", horizontal=True, vertical_alignment="center", gap="small")
        found = differences(form.recipe, Recipe(changed, form.table))
        row.button(
            f"{found[0].label}: {found[0].other}" if found else "These are the settings now",
            key=form.key(f"try:{place}"),
            icon=":material/play_arrow:",
            disabled=not found,
            on_click=lambda changed=changed: apply(form, changed, start),
        )
        row.markdown(quoted(step.says))


# --- the x-ray


def xray(run: Run) -> None:
    """One row per layer: whether a mask goes in and whether one comes out."""
    layers = run.opening.layers
    if not any(row.mask_in for row in layers):
        st.markdown(f"No mask is passed to this model: {unpassed(run.recipe)}.")
        return
    rows = ["| layer | mask in | mask out | |", "|---|---|---|---|"]
    for row in layers:
        out = heeded(row.mask_out) if row is layers[-1] else said(row.mask_out)
        rows.append(f"| {named(row)} | {said(row.mask_in)} | {out} | {fate(row, run)} |")
    with st.container(key="xray"):
        st.markdown("\n".join(rows))


def unpassed(recipe: Recipe) -> str:
    """What becomes of a mask that no layer is told of."""
    return UNPASSED[MaskPath() if recipe.settings.mask == "none" else recipe.mask_path]


def named(row: LayerMask) -> str:
    return f"`{row.name}` :gray[{quoted(row.layer)}]"


def heeded(mask: bool) -> str:
    return "heeded" if mask else ":gray[not heeded]"


def said(mask: bool) -> str:
    return "yes" if mask else ":gray[no]"


def fate(row: LayerMask, run: Run) -> str:
    """What became of the mask in this layer, where it does not come out."""
    if not row.mask_in or row.mask_out:
        return ""
    if row is run.opening.layers[-1]:
        return ":orange[**labels of masked steps still change the loss**]"
    if not run.settings.predicts.per_step:
        return ":gray[used here: one output per sequence is left]"
    warned = any(f"of type {row.layer})" in warning for warning in run.opening.warnings)
    return f":orange[**lost here**, {'and Keras warns' if warned else 'and Keras says nothing'}]"


# --- the origin of a NaN


def certificate(form: Form, run: Run, diagnosis: Diagnosis, place) -> None:
    """Where the first number that is not finite came from, once a worker has found it."""
    if diagnosis.nan_origin is None:
        diagnosis.nan_origin = shared().nan_origin(run.recipe)
    job = diagnosis.nan_origin
    if not job.done():
        with place, st.spinner("looking for the first number that is not finite"):
            while not job.wait_beyond(0, LOOK):
                st.empty()  # lets Streamlit interrupt: a click must not wait for this
    if job.exception() is not None:
        place.caption(f"Where it came from could not be found: {quoted(first_line(job.exception()))}")
        return
    nan_origin = job.result()
    if nan_origin and nan_origin.epoch < run.epochs:  # of a run that was stopped, it could be a later one
        with place:
            certify(nan_origin)


def certify(nan_origin: NaNOrigin) -> None:
    rows = [("Born", f"{nan_origin.when}{', ' + nan_origin.where if nan_origin.where else ''}, {nan_origin.way}")]
    if nan_origin.tensor:
        rows.append(("In", f"{as_code(nan_origin.tensor)}, made by {as_code(nan_origin.op)}"))
    if nan_origin.line is not None:
        rows.append((f"Line {nan_origin.line}", as_code(nan_origin.code)))
    rows.append(("From", quoted(nan_origin.inputs)))
    if nan_origin.compiled_only:
        rows.append(("Mind", COMPILED_ONLY))
    with st.container(key="nan-origin"):
        cells = "\n".join(f"| **{name}** | {words} |" for name, words in rows)
        st.markdown(f"**Where the NaN came from**\n\n| | |\n|---|---|\n{cells}")


def as_code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"
