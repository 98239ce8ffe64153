"""What one learner has brought to the clinic: a text, how it is used, the examination under way and what it found.

It lives in the session and nowhere else: no learner's text is in a module, a cache or an address.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.doctor.examples import EXAMPLES, Example, find
from lessons.doctor.usage import Usage
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import sentence
from lessons.sandbox.admission import Admitted, Refused, admit
from lessons.sandbox.walled_pool import Busy, WalledPool
from lessons.server import walled_tasks
from lessons.workers.job import Job
from pages.learner import identity
from pages.learner.seat import ran
from pages.parts.address import Address

OPTIONS = ("task", "shape", "labels", "padding", "activation", "label_shape", "sample_weight", "class_weight")
PLACE = "clinic:consultation"


@dataclass(frozen=True)
class Question:
    """What an examination was asked."""

    text: str
    function: str | None
    options: tuple[tuple[str, str], ...]


@dataclass
class Consultation:
    text: str
    options: dict[str, str] = field(default_factory=dict)  # those that are set, as texts
    function: str | None = None
    problems: list[str] = field(default_factory=list)  # what an address or an upload brought and cannot be had
    address: Address = field(default_factory=Address)
    asked: Question | None = None  # what the examination in sight was asked
    examination: Job | None = None
    mending: Job | None = None
    examined: int = 0  # how often: the versions of each examination open anew
    busy: str = ""  # why the last press could not be taken
    _admission: tuple[str, Admitted | Refused] | None = None

    # --- what is on the page

    @property
    def example(self) -> Example | None:
        """The example whose text this is."""
        return next((example for example in EXAMPLES.values() if example.text == self.text), None)

    @property
    def admission(self) -> Admitted | Refused:
        """What the first wall says of the text."""
        if self._admission is None or self._admission[0] != self.text:
            try:
                self._admission = self.text, admit(self.text)
            except Refused as refusal:
                self._admission = self.text, refusal
        return self._admission[1]

    @property
    def admitted(self) -> Admitted | None:
        return self.admission if isinstance(self.admission, Admitted) else None

    @property
    def refusal(self) -> Refused | None:
        return self.admission if isinstance(self.admission, Refused) else None

    @property
    def mistake(self) -> str:
        """What is wrong with the options, in one sentence; empty if nothing is."""
        try:
            Usage.parse(self.options)
        except BadInput as problem:
            return str(problem)
        return ""

    @property
    def question(self) -> Question:
        return Question(self.text, self.function, tuple(self.options.items()))

    def lay(self) -> None:
        """Set the widgets to what is here: Streamlit forgets those that another page does not show."""
        st.session_state["clinic:text"] = self.text
        st.session_state["clinic:function"] = self.function
        for name in OPTIONS:
            st.session_state[key_of(name)] = self.options.get(name)

    def collect(self) -> None:
        """Take what the widgets stand at."""
        state = st.session_state
        self.text = state.get("clinic:text", self.text)
        self.function = state.get("clinic:function", self.function)
        self.options = {name: value for name in OPTIONS if (value := (state.get(key_of(name)) or "").strip())}
        if self.admitted and self.function is not None:
            name = self.function.partition("(")[0].strip()
            if name not in self.admitted.candidates:  # it was another text's
                self.function = state["clinic:function"] = None

    def bring(self, text: str, function: str | None = None, options: Mapping[str, str] | None = None) -> None:
        """Put another text in place of this one; the options stay unless there are others."""
        self.text, self.function, self.problems = text, function, []
        if options is not None:
            self.options = dict(options)
        self.lay()

    # --- the walled pool

    def examine(self, walled_pool: WalledPool) -> None:
        """Ask for an examination of what is here; one that is under way is given up."""
        self.stop()
        self.busy, question = "", self.question
        try:
            pace.spend("clinic", identity.who())
            self.examination = submit(walled_pool, walled_tasks.examine, question)
        except (Busy, TooOften) as busy:
            self.busy = sentence(busy)
        else:
            self.asked, self.mending = question, None
            self.examined += 1
            ran()

    def mend(self, walled_pool: WalledPool) -> None:
        """Ask for mended versions, if there is something to mend and it has not been asked."""
        if self.wants_mending:
            with contextlib.suppress(Busy):  # what was stopped is not gone yet: the next look asks again
                self.mending = submit(walled_pool, walled_tasks.mend, self.asked)

    @property
    def wants_mending(self) -> bool:
        return bool(self.mending is None and self.result and self.result["findings"])

    def stop(self) -> None:
        for job in (self.examination, self.mending):
            if job:
                job.stop()

    @property
    def waits_for(self) -> Job | None:
        """The job that the page waits for."""
        return next((job for job in (self.examination, self.mending) if job and not job.done()), None)

    @property
    def result(self) -> dict | None:
        """What the examination found, if it ended with an answer."""
        return answer_of(self.examination)

    @property
    def stale(self) -> str:
        """What has changed since the examination, in one sentence."""
        now, then = self.question, self.asked
        if then is None or now == then:
            return ""
        what = "text" if now.text != then.text else "function" if now.function != then.function else "options"
        return f"The {what} {'have' if what == 'options' else 'has'} changed since this examination."

    # --- the address

    def query(self) -> dict[str, str]:
        """The address: the example's name and the options, never a text."""
        return ({"example": self.example.name} if self.example else {}) | self.options

    def read(self, query: dict[str, str]) -> None:
        """Set up what an address asks for. What cannot be had is told, the rest is taken."""
        query, self.problems, self.options = dict(query), [], {}
        if "example" in query:
            try:
                self.text, self.function = find(query.pop("example")).text, None
            except BadInput as problem:
                self.problems.append(str(problem))
        for name, value in query.items():
            try:
                Usage.parse({name: value})
            except BadInput as problem:
                self.problems.append(str(problem))
            else:
                self.options |= {name: value} if value else {}
        self.lay()


def bring(text: str, function: str | None) -> None:
    """Let this learner's clinic have a text that another page sends; it runs when they press Examine."""
    st.session_state.setdefault(PLACE, Consultation(text)).bring(text, function, {})


def key_of(option: str) -> str:
    return f"clinic:option:{option}"


def submit(walled_pool: WalledPool, order: Callable, question: Question) -> Job:
    return walled_pool.submit(order, question.text, question.function, dict(question.options), who=identity.who())


def failure_of(job: Job | None) -> BaseException | None:
    """Why a job ended without an answer; None too while it runs and when it was stopped."""
    return job.exception() if job and job.done() and not job.cancelled() else None


def answer_of(job: Job | None):
    """What a job returned; None while it runs, when it was stopped and when it failed."""
    return job.result() if job and job.done() and not job.cancelled() and not job.exception() else None


def consultation() -> Consultation:
    """This learner's, set up from the address when that is new."""
    mine = st.session_state.get(PLACE)
    if mine is None:
        first = next(iter(EXAMPLES.values()))
        mine = st.session_state[PLACE] = Consultation(first.text)
    asked = mine.address.news(["example", *OPTIONS])
    if asked is not None:
        mine.read(asked)
    elif "clinic:text" not in st.session_state:  # back from another page
        mine.lay()
    mine.collect()
    mine.address.write(mine.query(), opening=True)
    return mine
