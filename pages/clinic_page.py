"""The clinic: a learner's own loss, examined behind walls, and what is wrong with it."""

import time
from collections.abc import Mapping
from urllib.parse import quote

import streamlit as st

from lessons.course.discovery import LESSONS
from lessons.doctor.examples import EXAMPLES
from lessons.doctor.usage import ACTIVATIONS, LABELS, PADDINGS, TASKS
from lessons.recipe.recipe import Pasted
from lessons.sandbox.admission.screening import MAX_CHARACTERS
from lessons.sandbox.walled_pool import Overrun, shared
from lessons.workers.job import OutOfOrder, WorkerDied
from pages.clinic.consultation import OPTIONS, Consultation, answer_of, consultation, failure_of, key_of
from pages.lab.form import BROUGHT
from pages.parts.address import root_link
from pages.parts.findings import HEALTHY, MARKS, REFUSED, count, findings
from pages.parts.quotation import fail, first_line, quoted, warn
from pages.server import shown

LOOK = 0.3  # seconds between two looks for the answer while something is examined
TEXT_HEIGHT = 316  # so that text, Examine and the headline fit a projector
LINE = 20  # pixels of a line of the text, as in style.css
NUMBERED = 999  # lines that get a number

# label, help, what the list offers, whether other values can be typed
CHOICES = {
    "task": ("Task", "What the model is for.", TASKS, False),
    "activation": (
        "Activation",
        "What the model's last layer applies. For heads with several columns one for each: linear,softplus.",
        ACTIVATIONS,
        True,
    ),
    "shape": (
        "Prediction's shape",
        "B is the batch and T time; other sizes can be typed.",
        ("B", "B,1", "B,3", "B,T", "B,T,1", "B,T,3"),
        True,
    ),
    "label_shape": (
        "Label's shape",
        "Where it differs from the prediction's.",
        ("B", "B,1", "B,3", "B,T", "B,T,1", "B,T,3"),
        True,
    ),
    "labels": ("Labels", "What a label is.", LABELS, False),
    "padding": (
        "Padding",
        "How padded or missing labels are marked: keras is a Masking layer, a number is the label that marks them.",
        (*PADDINGS, "0", "-1", "-999"),
        True,
    ),
}
assert tuple(CHOICES) == OPTIONS


def render(pages: Mapping) -> None:
    """`pages`: the course's st.Page of each slug."""
    mine = consultation()
    st.markdown("### What is wrong with my loss?")
    st.markdown(
        "Paste a custom Keras loss and press Examine. It is run here, behind walls, on batches that `fit` could hand "
        "it; every finding comes with the numbers that showed it."
    )
    for problem in mine.problems:
        warn(problem)
    examples(mine)
    left, right = st.columns([1.9, 1], gap="medium")
    with left.container(key="clinic-left"):
        editor(mine)
        bar(mine)
        status(mine)
    with right.container(key="clinic-options"):
        options(mine)
    results(mine, pages)
    fine_print()
    shared().start()  # last, because starting processes slows the first paint down


# --- what the learner brings


def examples(mine: Consultation) -> None:
    """Ready texts. The one that is in the text area is marked."""
    st.session_state["clinic:example"] = mine.example.name if mine.example else None
    st.pills(
        "Example",
        list(EXAMPLES),
        format_func=lambda name: EXAMPLES[name].label,
        key="clinic:example",
        label_visibility="collapsed",
        on_change=lambda: take_example(mine),
    )


def take_example(mine: Consultation) -> None:
    """An example comes without options: what was declared was about another text."""
    name = st.session_state["clinic:example"]
    if name:
        mine.bring(EXAMPLES[name].text, options={})


def editor(mine: Consultation) -> None:
    st.html(text_style(mine.text.count("\n") + 1, marked_lines(mine)))
    st.text_area("Your loss", key="clinic:text", height=TEXT_HEIGHT, label_visibility="collapsed")


def marked_lines(mine: Consultation) -> list[int]:
    """The line that was refused, or those that the findings are about."""
    if mine.refusal:
        return [mine.refusal.line] if mine.refusal.line else []
    result = mine.result
    if not result or mine.asked.text != mine.text:
        return []
    if result["refused"]:
        return [result["refused"]["line"]] if result["refused"]["line"] else []
    return sorted({finding["line"] for finding in result["findings"] if finding["line"]})


def text_style(lines: int, marked: list[int]) -> str:
    """Line numbers and marks behind the text: as backgrounds they scroll with it, in a plain text area."""
    numbers = "".join(f'<tspan x="30" dy="{LINE}">{n}</tspan>' for n in range(1, min(lines + 40, NUMBERED) + 1))
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="36" height="{(lines + 40) * LINE + 8}">'
        f'<text y="2" font-family="monospace" font-size="11" fill="#8A8A8A" text-anchor="end">{numbers}</text></svg>'
    )
    layers = [(f'url("data:image/svg+xml,{quote(picture)}")', "0 0", "auto")]
    mark = "linear-gradient(var(--clinic-mark), var(--clinic-mark))"
    layers += [(mark, f"0 {8 + (line - 1) * LINE}px", f"100% {LINE}px") for line in marked]
    images, places, sizes = (", ".join(column) for column in zip(*layers, strict=True))
    return (
        "<style>.st-key-clinic-text textarea {"
        f"background-image: {images}; background-position: {places}; background-size: {sizes};"
        "}</style>"
    )


def bar(mine: Consultation) -> None:
    """Examine and Stop; a file; a link."""
    row = st.container(key="clinic-bar", horizontal=True, vertical_alignment="center", gap="small")
    row.button(
        "Examine",
        key="clinic:examine",
        type="primary",
        icon=":material/play_arrow:",
        shortcut="Ctrl+Enter",  # never disabled: the press may bring the text that is better than the refused one
        on_click=lambda: examine(mine),
    )
    row.button(
        "Stop", key="clinic:stop", icon=":material/stop:", disabled=mine.waits_for is None, on_click=lambda: mine.stop()
    )
    with row.popover("Upload", icon=":material/upload_file:", type="tertiary"):
        st.file_uploader(
            f"A Python file of up to {MAX_CHARACTERS:,} characters",
            type="py",
            max_upload_size=1,
            key="clinic:file",
            on_change=lambda: take_file(mine),
        )
    with row.popover("Share", icon=":material/link:", type="tertiary"):
        st.caption("This link opens the clinic with the example and the options. Your own text is never in it.")
        st.code(share_link(mine), language=None, wrap_lines=True)


def examine(mine: Consultation) -> None:
    """The text may have come with the very click."""
    mine.problems = []
    mine.collect()
    if not (mine.refusal or mine.mistake):
        mine.examine(shared())


def take_file(mine: Consultation) -> None:
    file = st.session_state["clinic:file"]
    if file is None:  # removed from the list
        return
    try:
        text = file.getvalue().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        mine.problems = [f"{file.name[:40]}: it is no text in UTF-8; a Python file is accepted."]
        return
    if len(text) > MAX_CHARACTERS:
        mine.problems = [f"{file.name[:40]}: it has {len(text):,} characters; up to {MAX_CHARACTERS:,} are accepted."]
        return
    mine.bring(text)


def share_link(mine: Consultation) -> str:
    return root_link({"page": "clinic", **mine.query()}, "clinic")


def options(mine: Consultation) -> None:
    """How the loss is used. What is left out is inferred, and what was inferred is shown in its place."""
    if mine.refusal is None and (len(mine.admission.candidates) > 1 or mine.admission.default is None):
        default = mine.admission.default
        st.selectbox(
            "Function",
            mine.admission.candidates,
            index=None,
            placeholder=f"the last: {default}" if default else "choose one",
            accept_new_options=True,
            key="clinic:function",
            help="Which one is examined. One that makes a loss is called: focal(2.0).",
        )
    for names in (OPTIONS[:2], OPTIONS[2:4], OPTIONS[4:]):
        for place, name in zip(st.columns(2, gap="small"), names, strict=True):
            label, help_, offered, free = CHOICES[name]
            place.selectbox(
                label,
                offered,
                index=None,
                placeholder=inferred(mine, name),
                accept_new_options=free,
                key=key_of(name),
                help=help_,
            )
    if mine.mistake:
        warn(mine.mistake)
    if mine.options:
        st.button(
            "Infer everything",
            key="clinic:infer",
            type="tertiary",
            icon=":material/undo:",
            on_click=lambda: infer_everything(mine),
        )


def inferred(mine: Consultation, name: str) -> str:
    """What stands where nothing was chosen."""
    result = mine.result
    if result and not mine.stale and name in result.get("inferred", ()):
        return f"inferred: {result['usage'][name]}"
    return "infer"


def infer_everything(mine: Consultation) -> None:
    mine.collect()
    mine.options = {}
    mine.lay()


# --- how far it is


def status(mine: Consultation) -> None:
    """One place below the buttons: refused, under way, or the headline of what was found."""
    drawn = mine.waits_for  # looked at once, and first: what ends while this is drawn is news
    with st.container(key="clinic-status", gap="xsmall"):
        if trouble := shared().trouble:
            st.warning(f"{trouble[:1].upper()}{trouble[1:]}.")
        if mine.busy:
            warn(mine.busy)
        if mine.refusal:
            st.markdown(refused(mine.refusal.line, mine.refusal.message))
        else:
            headline(mine)
        # Polling is a fragment of a line; the page is drawn anew only when there is news.
        every = LOOK if drawn or mine.wants_mending else None
        st.fragment(progress, run_every=every)(mine, drawn)


def progress(mine: Consultation, drawn: object) -> None:
    if mine.wants_mending:
        mine.mend(shared())
    if mine.waits_for is not drawn:
        st.rerun()
    job = mine.waits_for
    if job is None:
        return
    if job.running():
        words = "examining" if job is mine.examination else "looking for a mended version"
    elif shared().ready():
        words = "waiting for its turn"
    else:
        words = "warming up the walled_pool: TensorFlow is loading"
    st.markdown(f":material/hourglass_top: {words}, {time.monotonic() - job.asked:.0f} s")


def headline(mine: Consultation) -> None:
    """What came of the examination, in one line."""
    job = mine.examination
    if job is None:
        st.caption("Nothing has been examined yet: press Examine or Ctrl+Enter.")
        return
    if not job.done():
        return
    result = mine.result
    if failure := failure_of(job):
        if not (isinstance(failure, OutOfOrder) and shared().trouble):  # that is told above
            fail(failed(failure))
    elif result is None:
        st.markdown("Stopped: nothing was found out.")
    elif result["refused"]:
        st.markdown(refused(**result["refused"]))
    else:
        name = quoted(result["function"] or "the loss")
        took = f":gray[:small[{result['seconds']:.1f} s]]"
        if result["findings"]:
            worst = result["findings"][0]["severity"]
            st.markdown(f"{MARKS[worst]} **{name}** has {count(result['findings'])}. {took}")
        else:
            st.markdown(f"{HEALTHY} **{name}**: nothing was found. {took}")


def refused(line: int | None, message: str) -> str:
    where = f"Line {line}: " if line else ""
    return f"{REFUSED} {where}{quoted(message.removesuffix('.'))}."


def failed(failure: BaseException) -> str:
    """Why there is no answer, in one sentence."""
    words = first_line(failure)
    if isinstance(failure, Overrun):
        return f"The loss asked for too much: {words}."
    if isinstance(failure, WorkerDied):
        return f"The loss ended its examination: {words}."
    return f"It cannot be examined: {words}"


# --- what was found


def results(mine: Consultation, pages: Mapping) -> None:
    result = mine.result
    if not result or result["refused"]:
        return
    if mine.stale:
        st.markdown(f":orange[:material/history: {mine.stale}]")
    st.markdown(f":small[{used(result)}]")
    with st.container(key="clinic-stale" if mine.stale else "clinic-fresh", gap="small"):
        findings(result["findings"], pages, "clinic")
        if not result["findings"]:
            tried(result)
        if result["unprobed"]:
            st.caption(f"Could not be probed: {quoted('; '.join(result['unprobed']))}.")
        if result["findings"]:
            mended(mine)
        train_it(mine, pages)


def train_it(mine: Consultation, pages: Mapping) -> None:
    """The loss, in place of a lesson's own: what it does to a model that trains."""
    advised = [finding["lesson"] for finding in mine.result["findings"]]
    slugs = list(dict.fromkeys([*(slug for slug in advised if slug in LESSONS), *LESSONS]))
    row = st.container(key="clinic-course", horizontal=True, vertical_alignment="bottom", gap="small")
    slug = row.selectbox(
        "Train it in a lesson",
        slugs,
        format_func=lambda slug: LESSONS[slug].title,
        key="clinic:lesson",
        help="The lesson's model, data and mask with your loss. Its charts show where the gradient goes.",
    )
    if row.button("Train it there", key="clinic:train", icon=":material/model_training:"):
        st.session_state[BROUGHT] = Pasted(mine.asked.text, mine.asked.function)
        st.switch_page(pages[slug])


def used(result: Mapping) -> str:
    """The options of the examination; which of them were inferred is told."""
    usage = {name: value for name in OPTIONS if (value := result["usage"].get(name)) is not None}
    words = {name: CHOICES[name][0].lower() for name in usage}
    said = ", ".join(f"{words[name]} **{quoted(usage[name])}**" for name in usage)
    declared = [words[name] for name in usage if name not in result["inferred"]]
    if not declared:
        return f"Examined with {said}: all inferred."
    rest = "" if len(declared) == len(usage) else ", the rest is inferred"
    return f"Examined with {said}. You declared {', '.join(declared)}{rest}."


def tried(result: Mapping) -> None:
    """What healthy means: what was done to the loss without finding anything."""
    with st.container(border=True, key="clinic-tried", gap="xsmall"):
        st.markdown("**What was tried**")
        if sentences := result.get("tried"):
            st.markdown("\n".join(f"- {quoted(sentence)}" for sentence in sentences))
        st.caption("Healthy means that no probe found a fault in this usage. It is no proof.")


def mended(mine: Consultation) -> None:
    """Versions in which a fix was made, examined again."""
    if failure := failure_of(mine.mending):
        fail(f"A mended version could not be made: {first_line(failure)[:300]}")
        return
    versions = answer_of(mine.mending)
    if versions is None:
        return
    if not versions:
        st.caption("No mended version is offered: none of these has a mechanical fix.")
        return
    st.markdown("#### A mended version" if len(versions) == 1 else "#### Mended versions")
    titles = {finding["code"]: finding["title"] for finding in mine.result["findings"]}
    for index, version in enumerate(versions):
        title = quoted(version["title"][:1].upper() + version["title"][1:])
        with st.expander(f"**{title}**", expanded=not index, key=f"clinic-mended-{index}-{id(mine.mending)}"):
            st.markdown(f"Removes: {named(version['codes'], titles)}. Left: {named(version['left'], titles)}.")
            st.code(version["text"], language="python", wrap_lines=True)
            st.button(
                "Examine this version",
                key=f"clinic:mended:{index}",
                icon=":material/play_arrow:",
                on_click=lambda text=version["text"]: examine_version(mine, text),
            )


def named(codes: list[str], titles: Mapping[str, str]) -> str:
    return ", ".join(f"“{quoted(titles.get(code, code))}”" for code in codes) or "nothing"


def examine_version(mine: Consultation, text: str) -> None:
    """In the usage of the examination that it was made after: left to itself, another one could be inferred."""
    mine.bring(text, mine.asked.function, mine.result["usage"])
    examine(mine)


def fine_print() -> None:
    """How good the clinic is, and what the walls promise."""
    with st.expander("How good is it? The scorecard", icon=":material/analytics:"):
        st.markdown(shown.text(shown.SCORECARD))
    with st.expander("Code from strangers: the walls", icon=":material/shield:", key="clinic-walls"):
        standing, trouble = shared().walls, shared().trouble
        st.markdown(
            "The text is parsed first and only what a loss needs is admitted; nothing else of it runs. What is "
            "admitted runs in a process of its own, which is ended when it takes too long."
        )
        if standing:
            st.markdown("Around that process on this server:\n" + "\n".join(f"- {quoted(wall)}" for wall in standing))
        elif trouble:
            st.markdown("There is no such process on this server, and nothing is examined.")
        else:
            st.markdown("The process is still being started; its walls are listed here when it stands.")
        st.markdown(
            "No wall is complete. They do not promise to hold against a hole in TensorFlow or in the system's kernel, "
            "and they do not make the machine fast for others while losses are examined. Your text stays in your "
            "session: no other learner, no link and no file gets it."
        )
