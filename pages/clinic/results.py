"""What an examination found: findings, mended versions, the way to a lesson."""

from collections.abc import Mapping

import streamlit as st

from lessons.course.discovery import LESSONS
from lessons.recipe.recipe import Pasted
from lessons.recipe.words import first_line
from pages.clinic.buttons import examine
from pages.clinic.consultation import OPTIONS, Consultation, answer_of, failure_of
from pages.clinic.options import CHOICES
from pages.lab.brought import BROUGHT
from pages.parts.findings import count, findings
from pages.parts.layout import button, row
from pages.parts.quotation import fail, quoted

TRAIN_IN = "clinic:lesson"  # session key: the lesson that a loss is trained in


def results(mine: Consultation, pages: Mapping) -> None:
    result = mine.result
    if not result or result["refused"]:
        return
    if mine.stale:
        st.markdown(f":orange[:material/history: {mine.stale}]")
    st.markdown(f":small[{used(result)}]")
    with st.container(key="clinic-stale" if mine.stale else "clinic-fresh", gap="small"):
        findings(result["findings"], pages, "clinic")
        if result.get("elsewhere"):
            elsewhere(result["elsewhere"])
        elif not result["findings"]:
            tried(result)
        if result["unprobed"]:
            st.caption(f"Could not be probed: {quoted('; '.join(result['unprobed']))}.")
        for sentence in result.get("limits", ()):
            st.caption(quoted(sentence))
        if result["findings"]:
            mended(mine)
        train_it(mine, pages)


def train_it(mine: Consultation, pages: Mapping) -> None:
    """The loss, in place of a lesson's own: what it does to a model that trains."""
    advised = [finding["lesson"] for finding in mine.result["findings"]]
    slugs = list(dict.fromkeys([*(slug for slug in advised if slug in LESSONS), *LESSONS]))
    place = row("clinic-course", vertical_alignment="bottom")
    place.selectbox(
        "Train it in a lesson",
        slugs,
        format_func=lambda slug: LESSONS[slug].title,
        key=TRAIN_IN,
        help="The lesson's model, data and mask with your loss. Its charts show where the gradient goes.",
    )
    button(place, "Train it there", "clinic:train", "model_training", train, mine, pages)


def train(mine: Consultation, pages: Mapping) -> None:
    st.session_state[BROUGHT] = Pasted(mine.asked.text, mine.asked.function)
    st.switch_page(pages[st.session_state[TRAIN_IN]])


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


def elsewhere(usages: list[Mapping]) -> None:
    """Usages that fit as well as each other, and what is found in one of them only: the learner knows which it is."""
    st.markdown(
        "**The loss makes sense in more than one usage.** Above is what is wrong in each of them. Which is yours?"
    )
    for one in usages:
        said = ", ".join(f"{CHOICES[name][0].lower()} {quoted(value)}" for name, value in one["usage"].items())
        with st.expander(f"{said}: {count(one['findings']) if one['findings'] else 'nothing else'}"):
            for finding in one["findings"]:
                st.markdown(f"**{quoted(finding['title'])}.** {quoted(finding['message'])} *{quoted(finding['fix'])}*")


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
        with st.expander(f"**{title}**", expanded=not index, key=f"clinic-mended-{index}-{mine.examined}"):
            st.markdown(f"Removes: {named(version['codes'], titles)}. Left: {named(version['left'], titles)}.")
            st.code(version["text"], language="python", wrap_lines=True)
            again = mine, version["text"]
            button(st, "Examine this version", f"clinic:mended:{index}", "play_arrow", examine_version, *again)


def named(codes: list[str], titles: Mapping[str, str]) -> str:
    return ", ".join(f"“{quoted(titles.get(code, code))}”" for code in codes) or "nothing"


def examine_version(mine: Consultation, text: str) -> None:
    """In the usage of the examination that it was made after: left to itself, another one could be inferred."""
    mine.bring(text, mine.asked.function, mine.result["usage"])
    examine(mine)
