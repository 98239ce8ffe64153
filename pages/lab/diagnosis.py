"""What happened in a run: the doctor's findings under the charts, each with its fix to apply; what to try next."""

from collections.abc import Mapping

import streamlit as st

from lessons.doctor.run.finding import Finding
from lessons.doctor.run.rules import RUN_RULES
from lessons.figures import run_figures
from lessons.recipe.recipe import MaskPath, Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.words import first_line
from lessons.runs.comparison import differences
from lessons.runs.nan_origin import COMPILED_ONLY, NaNOrigin
from lessons.runs.run import LayerMask, Run
from pages.lab.bench import Bench
from pages.lab.state import Diagnosis, Form
from pages.parts.findings import HEALTHY, count, findings, plural
from pages.parts.layout import button, row
from pages.parts.quotation import quoted
from pages.parts.waiting import poll

UNPASSED = {
    MaskPath(): "every layer and the loss take padding for real steps",
    MaskPath(weighted=True): "every layer takes padding for real steps, and the loss weighs each step by the mask",
    MaskPath(multiplied=True): "inputs are 0 where it is False, and every layer and the loss take them for real steps",
    MaskPath(weighted=True, multiplied=True): "inputs are 0 where it is False, and the loss weighs each step by it",
}
UNENDED = "It was stopped: what shows in a trained model only was not looked at."
NOWHERE = "none"  # in place of a finding's code: none is shown in the charts


def shade_of(diagnosis: Diagnosis | None) -> dict | None:
    """What the charts mark of the finding that is shown in them."""
    finding = diagnosis.in_charts if diagnosis else None
    return run_figures.shade(finding.title, diagnosis.band(finding), finding.cells) if finding else None


def status_words(diagnosis: Diagnosis | None) -> str:
    """What was found, for the status line above the charts."""
    if diagnosis is None:
        return ""
    if not diagnosis.findings:  # of a model its layers may say otherwise: they stand above
        return " · no finding in this run" if diagnosis.run.recipe.model else " · healthy: no finding"
    return f" · {plural(len(diagnosis.findings), 'finding')} below: {diagnosis.findings[0].title}"


def diagnosis_below(bench: Bench, run: Run, diagnosis: Diagnosis) -> None:
    """Everything that is said of a run, below its charts."""
    with st.container(key="diagnosis-stale" if bench.outdated else "diagnosis", gap="small"):
        headline(bench, diagnosis)

        def below(card: Mapping) -> None:
            finding = next(finding for finding in diagnosis.findings if finding.code == card["code"])
            if finding.code == "mask_dropped":
                xray(run)
            if finding.code == "non_finite" and not run.recipe.walled:
                certificate(diagnosis)
            buttons(bench, diagnosis, finding)

        pages = {slug: page for slug, page in bench.pages.items() if slug != bench.lesson.slug}
        findings([card_of(finding) for finding in diagnosis.findings], pages, bench.key("finding"), below)
        try_next(bench, diagnosis)
        if all(finding.code != "mask_dropped" for finding in diagnosis.findings):
            key = bench.key("xray")
            fold = st.expander("Where the mask goes", icon=":material/conversion_path:", key=key, on_change="rerun")
            if fold.open:
                with fold:
                    xray(run)


def card_of(finding: Finding) -> dict:
    """A finding as the cards of the clinic take it."""
    return {**vars(finding), "curve": None, "line": None, "evidence": {}}


def headline(bench: Bench, diagnosis: Diagnosis) -> None:
    """How many findings; the way back from a fix that was applied; or healthy, and what that means.

    Who stops a run cannot call it healthy: much is measured of the trained model only.
    """
    place = row("diagnosis-head")
    if diagnosis.findings:
        place.markdown(f"**What happened** :gray[· {count([card_of(finding) for finding in diagnosis.findings])}]")
    else:
        whole = diagnosis.run.closing is not None
        place.markdown(f"{HEALTHY} **No finding.**" if whole else f"**No finding so far.** {UNENDED}")
        with place.popover("What was looked at", type="tertiary", icon=":material/stethoscope:"):
            st.markdown("\n".join(f"- {quoted(rule.tried)}" for rule in RUN_RULES.rules.values()))
            st.caption("No finding means that none of these looked wrong in this run. It is no proof.")
    undo = bench.runs.undo
    if undo and undo[1] == bench.form.settings:
        place.markdown(f":gray[Applied: {change_words(*undo)}]")
        back = "The settings from before come back, and run."
        button(place, "Undo", bench.key("undo"), "undo", bench.undo, quiet=True, help=back)


def buttons(bench: Bench, diagnosis: Diagnosis, finding: Finding) -> None:
    """Apply the fix, where a field of the settings is one; show the finding in the charts."""
    form, code = bench.form, finding.code
    place = row(f"finding-buttons-{code}")
    fixed = fixed_settings(form, finding)
    if fixed is not None:
        button(place, "Apply the fix and run", bench.key(f"fix:{code}"), "build", bench.apply, fixed,
               disabled=fixed == form.settings)  # fmt: skip
        place.markdown(f":small[{change_words(form.settings, fixed) or 'These settings have it already.'}]")
    elif finding.changes:
        place.markdown(":small[What is yours has to be mended in its text.]")
    if not diagnosis.has_marks(finding):
        return
    key = bench.key(f"show:{code}")
    if diagnosis.in_charts is finding:
        button(place, "Shown in the charts", key, "visibility", bench.show, NOWHERE, quiet=True,
               help="Takes the marks off.")  # fmt: skip
    else:
        marks = "Marks its epochs in the curve and its cells in the gradient."
        button(place, "Show in the charts", key, "visibility_off", bench.show, code, quiet=True, help=marks)


def fixed_settings(form: Form, finding: Finding) -> Settings | None:
    """The form's settings with the fix; None where no field is one."""
    if not finding.changes or any(name in form.decided for name in finding.changes):
        return None
    return form.settings.with_changes(finding.changes)


def change_words(before: Settings, after: Settings) -> str:
    found = differences(Recipe(before), Recipe(after))
    return "; ".join(f"**{quoted(each.label)}** {quoted(each.pinned)} → {quoted(each.other)}" for each in found)


def try_next(bench: Bench, diagnosis: Diagnosis) -> None:
    """One toggle at a time: a button for each, and what to look for."""
    form = bench.form
    steps = [step for step in diagnosis.steps if step.field not in form.decided]
    if not steps:
        return
    st.markdown("**Try this next** :gray[· one toggle at a time]")
    for number, step in enumerate(steps):
        changed = form.settings.with_changes({step.field: step.value})
        place = row(f"try-{number}")
        found = differences(form.recipe, form.recipe_of(changed))
        label = f"{found[0].label}: {found[0].other}" if found else "These are the settings now"
        button(place, label, bench.key(f"try:{number}"), "play_arrow", bench.apply, changed, disabled=not found)
        place.markdown(quoted(step.says))


# --- the x-ray


def xray(run: Run) -> None:
    """One row per layer: whether a mask goes in and whether one comes out."""
    layers = run.opening.layers
    if not any(layer.mask_in for layer in layers):
        st.markdown(f"No mask is passed to this model: {unpassed(run.recipe)}.")
        return
    rows = ["| layer | mask in | mask out | |", "|---|---|---|---|"]
    for layer in layers:
        out = heeded(layer.mask_out) if layer is layers[-1] else said(layer.mask_out)
        rows.append(f"| {named(layer)} | {said(layer.mask_in)} | {out} | {fate(layer, run)} |")
    with st.container(key="xray"):
        st.markdown("\n".join(rows))


def unpassed(recipe: Recipe) -> str:
    """What becomes of a mask that no layer is told of."""
    return UNPASSED[MaskPath() if recipe.settings.mask == "none" else recipe.mask_path]


def named(layer: LayerMask) -> str:
    return f"`{layer.name}` :gray[{quoted(layer.layer)}]"


def heeded(mask: bool) -> str:
    return "heeded" if mask else ":gray[not heeded]"


def said(mask: bool) -> str:
    return "yes" if mask else ":gray[no]"


def fate(layer: LayerMask, run: Run) -> str:
    """What became of the mask in this layer, where it does not come out."""
    if not layer.mask_in or layer.mask_out:
        return ""
    if layer is run.opening.layers[-1]:
        return ":orange[**labels of masked steps still change the loss**]"
    if not run.settings.predicts.per_step:
        return ":gray[used here: one output per sequence is left]"
    warned = any(f"of type {layer.layer})" in warning for warning in run.opening.warnings)
    return f":orange[**lost here**, {'and Keras warns' if warned else 'and Keras says nothing'}]"


# --- the origin of a NaN


def certificate(diagnosis: Diagnosis) -> None:
    """Where the first number that is not finite came from, once a worker has found it."""
    job = diagnosis.nan_origin
    if not job.done():
        poll(job.done, "looking for the first number that is not finite")
    elif job.exception() is not None:
        st.caption(f"Where it came from could not be found: {quoted(first_line(job.exception()))}")
    elif (found := job.result()) and found.epoch < diagnosis.run.epochs:  # of a run that was stopped, it may be later
        certify(found)


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
