"""The folklore page: what is said of masks and losses, claim by claim, each put to the test on this machine."""

import time

import streamlit as st

from lessons.claims import CLAIMS, DEPENDS, FAILS, HOLDS, Claim, Outcome, find
from lessons.recipe.bad_input import BadInput
from lessons.server.verification import Verification, shared
from pages.parts.address import root_link
from pages.parts.layout import button, row
from pages.parts.quotation import fail, quoted, warn
from pages.parts.scrolling import scroll_to
from pages.parts.waiting import LOOK, poll
from pages.server.presence import session

TITLES = {
    "A": "Why does my masked LSTM fail after the first iteration?",
    "B": "Why is my model with a custom loss not learning?",
    "C": "Why does masking not affect the loss?",
    "D": "How do I apply a mask to training and validation data?",
    "E": "Can NaN labels be masked?",
    "F": "What is said of attention masks",
    "G": "What is said of losses over tokens",
}
UNMEASURED = "not yet measured"
# Mark, word and colour: the word is enough, and the marks differ in shape.
MARKS = {
    HOLDS: ":blue-badge[:material/check_circle: holds]",
    FAILS: ":orange-badge[:material/cancel: fails]",
    DEPENDS: ":violet-badge[:material/call_split: depends]",
    UNMEASURED: f":gray-badge[:material/radio_button_unchecked: {UNMEASURED}]",
}


def render() -> None:
    verification = shared()
    asked = follow_address()
    st.markdown("### Folklore")
    st.markdown(
        f"{len(CLAIMS)} things that people say about masks and losses: five published answers (A to E), and what is "
        "repeated of attention and tokens (F and G). Here each is an experiment: this server measures it, when you ask "
        "or when nobody needs it, and a written rule turns its numbers into a verdict. No verdict is written down."
    )
    claims = chosen(verification)
    drawn = verification.state()  # the rows are drawn anew only when there is another
    every = LOOK if verification.busy else None
    poll(lambda: verification.state() != drawn, lambda: progress(verification), every)
    if not claims:
        st.info("No claim passes both filters.")
    for title, group in grouped(verification, claims):
        st.markdown(f"#### {title}")
        for claim in group:
            entry(verification, claim)
    if asked:
        scroll_to("folklore:scroll", anchor(asked), st.session_state["folklore:visit"])


# --- address and filters


def follow_address() -> Claim | None:
    """The claim that the address asks for, opened. An id that is none is told."""
    asked = st.query_params.get("claim")
    try:
        claim = find(asked) if asked is not None else None
    except BadInput as problem:
        warn(problem)
        claim = None
    if claim and st.session_state.get("folklore:address") != asked:
        st.session_state["folklore:visit"] = st.session_state.get("folklore:visit", 0) + 1
        st.session_state[opened(claim)] = True
        st.session_state["folklore:answers"] = []
        st.session_state["folklore:verdicts"] = []
    st.session_state["folklore:address"] = asked
    return claim


def chosen(verification: Verification) -> list[Claim]:
    """The claims that pass the filters; nothing chosen lets all pass."""
    place = st.container(horizontal=True, gap="medium")
    answers = place.pills("Answer", list(TITLES), selection_mode="multi", wrap=True, key="folklore:answers")
    words = place.pills(
        "Verdict",
        [*MARKS],
        selection_mode="multi",
        wrap=True,
        key="folklore:verdicts",
        format_func=lambda word: MARKS[word].split("[")[1].removesuffix("]"),
    )
    return [
        claim
        for claim in CLAIMS.values()
        if (not answers or claim.answer in answers) and (not words or word_of(verification, claim) in words)
    ]


def grouped(verification: Verification, claims: list[Claim]) -> list[tuple[str, list[Claim]]]:
    """The claims under their titles: by verdict, what is not yet measured last, or by answer."""
    how = st.segmented_control(
        "Sorted by", ["verdict", "answer"], default="verdict", required=True, key="folklore:order"
    )
    if how == "answer":
        titles = {f"{letter} · {title}": letter for letter, title in TITLES.items()}
        groups = [(title, [one for one in claims if one.answer == letter]) for title, letter in titles.items()]
    else:
        groups = [
            (word.capitalize(), [one for one in claims if word_of(verification, one) == word])
            for word in (FAILS, DEPENDS, HOLDS, UNMEASURED)
        ]
    return [(title, group) for title, group in groups if group]


def word_of(verification: Verification, claim: Claim) -> str:
    outcome = verification.outcomes.get(claim.id)
    return outcome.verdict if outcome else UNMEASURED


# --- progress


def progress(verification: Verification) -> None:
    """Buttons and how far things are."""
    bar, me = row("folklore-bar"), session()
    waits = verification.waits_for(me)
    label = "Verify all" if len(verification.outcomes) < len(CLAIMS) else "Verify all again"
    button(bar, label, "folklore:all", "play_arrow", verification.ask, CLAIMS, me, type="primary", disabled=waits)
    button(bar, "Stop", "folklore:stop", "stop", verification.stop, me, disabled=not waits)
    bar.markdown(tally(verification))
    if verification.when:
        st.caption(f"Measured on this server since {clock(min(verification.when.values()))}.")
    if verification.busy:
        left = len(verification.waiting) + len(verification.running)
        now = ", ".join(map(str, verification.running)) or "none"
        st.progress(1 - left / len(CLAIMS), f"measuring claim {now}; {len(verification.waiting)} waiting")


def tally(verification: Verification) -> str:
    """How many claims have which verdict."""
    words = [word_of(verification, claim) for claim in CLAIMS.values()]
    return " ".join(f"{words.count(word)} {MARKS[word]}" for word in MARKS if word in words)


# --- one claim


@st.fragment
def entry(verification: Verification, claim: Claim) -> None:
    """A claim, its verdict, and behind a click all that led to it."""
    outcome = verification.outcomes.get(claim.id)
    with st.container(border=True, key=anchor(claim), gap="xsmall"):
        head = row()
        example = "" if claim.example == "-" else f" · {claim.example}"
        head.markdown(f"{claim.id}{example} {MARKS[word_of(verification, claim)]}")
        verify_button(head, verification, claim, outcome)
        st.markdown(f"**{quoted(claim.text)}**")
        if outcome:
            if outcome.on:
                st.markdown(f"It {quoted(outcome.on)}.")
            note = footnote(outcome, verification.when.get(claim.id))
            st.markdown(f"{quoted(outcome.sentence)} :gray[:small[{note}]]")
        if claim.id in verification.failures:
            fail(f"It cannot be measured here: {verification.failures[claim.id]}")
        details = st.expander("Experiment and rule", type="compact", key=opened(claim), on_change="rerun")
        if details.open:
            with details:
                evidence(claim, outcome)


def verify_button(place, verification: Verification, claim: Claim, outcome: Outcome | None) -> None:
    if claim.id in verification.running:
        label = "measuring"
    elif claim.id in verification.waiting:
        label = "waiting"
    else:
        label = "Verify again" if outcome else "Verify"
    place.button(
        label,
        type="tertiary",
        icon=":material/refresh:" if outcome else ":material/play_arrow:",
        key=f"folklore:verify:{claim.id}",
        disabled=claim.id in verification.running,
        help=f"Measure claim {claim.id} now",
        on_click=verify,
        args=(verification, claim),
    )


def verify(verification: Verification, claim: Claim) -> None:
    verification.ask([claim.id], session(), first=True)
    st.rerun()


def evidence(claim: Claim, outcome: Outcome | None) -> None:
    """Conditions and numbers as measured, then the code that measures and judges."""
    if outcome:
        met = {True: ":material/check: true", False: ":material/close: not true"}
        st.markdown("**What the rule found**")
        st.markdown("\n".join(f"- {quoted(name)}: **{met[value]}**" for name, value in outcome.conditions.items()))
        st.markdown("**Numbers**")
        st.dataframe(
            {"number": list(outcome.measured), "measured": [shown(value) for value in outcome.measured.values()]},
            hide_index=True,
            width="stretch",
        )
    else:
        st.caption(UNMEASURED)
    st.markdown("**The rule: it sees the numbers and nothing else**")
    st.code(claim.verdict_rule, language="python", wrap_lines=True)
    st.markdown("**The experiment**")
    st.code(claim.experiment, language="python", wrap_lines=True)
    st.markdown(f"**What would turn the verdict:** {quoted(claim.counter_says)}")
    st.code(claim.counter_world, language="python", wrap_lines=True)
    if claim.source:
        st.markdown(f"**Where it comes up:** [{claim.source.removeprefix('https://')}]({claim.source})")
    st.caption("A link to this claim")
    st.code(link_to(claim), language=None, wrap_lines=True)


def footnote(outcome: Outcome, when: float | None) -> str:
    """What a verdict is about, for other versions may turn it, and `when` it came, in seconds since the epoch."""
    versions = [f"{name} {version}" for name, version in outcome.versions.items()]
    return " · ".join([*versions, f"{outcome.seconds:.1f} s", *([f"at {clock(when)}"] if when else [])])


def clock(when: float) -> str:
    """The hour of this server, such as 14:05, of seconds since the epoch."""
    return time.strftime("%H:%M", time.localtime(when))


def shown(value: object) -> str:
    if value is None:
        return "not finite"
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def link_to(claim: Claim) -> str:
    return root_link({"page": "folklore", "claim": str(claim.id)}, "folklore")


def anchor(claim: Claim) -> str:
    """The key of a claim's box, which is its CSS class too."""
    return f"claim-{claim.id}"


def opened(claim: Claim) -> str:
    return f"folklore:open:{claim.id}"
