"""The examination of a loss: admit the text, settle how it is used, let every rule look. For walled processes only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import tensorflow as tf

from lessons.doctor.loss import rules
from lessons.doctor.loss.completions import completions
from lessons.doctor.loss.crash import about_shapes, cleaned, runs
from lessons.doctor.loss.inference import settle
from lessons.doctor.loss.rules.agreement import behind_another
from lessons.doctor.loss.rules.nothing_left import behind_the_mask
from lessons.doctor.loss.subject import Subject
from lessons.doctor.loss.traced import Hints
from lessons.doctor.refusal import refused
from lessons.doctor.rule import SEVERITIES, Evidence, Rule
from lessons.doctor.usage import Usage
from lessons.recipe.bad_input import BadInput
from lessons.recipe.plain import plain
from lessons.sandbox.admission import Admitted, NeverRun, Refused, admit, line_of
from lessons.sandbox.admission.written import wipe_what_is_freed

LOSS_RULES = rules.LOSS_RULES
LOSS_RULES.read(rules)
AFTER_A_CRASH = ("raises_in_fit", "no_gradient")


def examine(text: str, function: str | None, options: Mapping[str, Any]) -> dict:
    """What is wrong with a loss, as `python -m lessons check --json` prints it."""
    started = time.perf_counter()
    try:
        admitted = admit(text)
        declared = Usage.parse(options)
        subject, *others = subjects_of(admitted, function, declared)
        findings, unprobed = look(subject)
        told = [(subject.usage, findings), *((other.usage, look(other)[0]) for other in others)]
    except Refused as refusal:
        return refused(function, refusal.line, refusal.message)
    except BadInput as problem:
        return refused(function, None, str(problem))
    findings, elsewhere = divided(told)
    return {
        "function": function or admitted.default,
        "findings": findings,
        "elsewhere": elsewhere,
        "healthy": any(all(finding["severity"] == "note" for finding in found) for _, found in told),
        "refused": None,
        "usage": subject.usage.declared(),
        "inferred": sorted(subject.usage.declared().keys() - declared.declared().keys()),
        "tried": [LOSS_RULES.rules[code].tried for code in subject.seen],
        "unprobed": unprobed,
        "limits": limits(subject),
        "seconds": time.perf_counter() - started,
    }


def divided(told: list[tuple[Usage, list[dict]]]) -> tuple[list[dict], list[dict]]:
    """Of the findings in each usage: (what is found in all of them, by usage what is found there and not in all).

    The latter is empty where all say the same.
    """
    common = set.intersection(*({finding["code"] for finding in found} for _, found in told))
    findings = [finding for finding in told[0][1] if finding["code"] in common]
    only = [(usage, [finding for finding in found if finding["code"] not in common]) for usage, found in told]
    return findings, [{"usage": usage.declared(), "findings": f} for usage, f in only] if any(
        f for _, f in only
    ) else []


def look(subject: Subject) -> tuple[list[dict], list[str]]:
    """(findings, codes whose probe could not be made). What a probe makes the loss raise is a finding as well."""
    found, unprobed = {}, []
    for code in AFTER_A_CRASH if subject.crash or subject.never_run else LOSS_RULES.rules:
        try:
            found[code] = LOSS_RULES.evidence(subject, code)
        except Refused:
            raise
        except tf.errors.OpError as failure:
            subject.crash = subject.crash or crash_of(failure)
        except Exception as failure:
            unprobed.append(f"{code}: {type(failure).__name__}: {failure}"[:200])
    if subject.crash and not found.get("raises_in_fit"):
        found["raises_in_fit"] = LOSS_RULES.rules["raises_in_fit"].judge(subject)
    findings = [finding_of(LOSS_RULES.rules[code], evidence) for code, evidence in found.items() if evidence]
    name_causes(findings)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding["severity"])), unprobed


def limits(subject: Subject) -> list[str]:
    """What holds of this usage only while something else does, in sentences: no fault, and no health either."""
    if subject.crash or subject.never_run:
        return []
    sentences = []
    for told in (behind_the_mask, behind_another, columns_apart):
        try:
            sentences.append(told(subject))
        except Exception:  # it does not take such labels or predictions at all
            continue
    return [sentence for sentence in sentences if sentence]


def columns_apart(subject: Subject) -> str | None:
    """What is not judged where the columns of labels and predictions mean different things, and how to have it."""
    if not subject.sampler.unpaired:
        return None
    return (
        "Labels and predictions are taken apart into columns that do not answer each other, so where its lowest value "
        "is was not judged. Say what each column of the labels is, such as nonnegative,binary."
    )


def subject_of(admitted: Admitted, function: str | None, declared: Usage) -> Subject:
    """The loss in the usage that fits it best, tried once: what it raises is noted. Raises Refused."""
    return subjects_of(admitted, function, declared)[0]


def subjects_of(admitted: Admitted, function: str | None, declared: Usage) -> list[Subject]:
    """The same in that usage and in each other that fits as well. Raises Refused."""
    try:
        loss = admitted.build(function)
    except Refused:
        raise
    except NeverRun as what:
        return [stillborn(declared, never_run=(what.what, what.line))]
    except Exception as failure:
        return [stillborn(declared, crash=crash_of(failure))]
    usage, raised, others, told = settle(loss, declared)
    if raised is not None and declared.task is None and declared.shape is None and about_shapes(raised):
        known = with_written_batch(loss, declared, told)
        if known is None:
            raise Refused(
                "the loss runs with none of the shapes that were tried: which shapes have the prediction and the "
                f"label? Declare them, such as B,T,4 ({cleaned(str(raised))[:120]})",
                line_of(raised),
            )
        usage = known
    subject = Subject(loss, usage)
    subject.activation_declared = declared.activation is not None
    subject.sampler.unpaired = declared.labels is None and flags_elsewhere(usage)
    subject.settle_rows()
    if isinstance(raised, Refused):  # only running it showed what it does
        raise raised
    if isinstance(raised, NeverRun):
        subject.never_run = raised.what, raised.line
    elif raised is not None:
        subject.crash = crash_of(raised)
    else:
        settle_labels(subject)
    if subject.sampler.unused:  # then usages that differ in their labels are one
        return [subject]
    return [subject, *(in_usage(loss, other) for other in others)]


def with_written_batch(loss: Callable, declared: Usage, told: Hints) -> Usage | None:
    """The usage in which the loss runs with a batch as large as a constant of its own, and with no other."""
    if told.fixed is None:
        return None
    rows, *shape = told.fixed
    usage = next(completions(replace(declared, shape=tuple(shape), label_shape=tuple(shape), padding="none"), told))
    return usage if runs(Subject(loss, usage), usage, rows) else None


def flags_elsewhere(usage: Usage) -> bool:
    """Whether a column of the label is a flag and the same one of the prediction is no probability: it says when
    something else counts, and the columns do not answer each other."""
    kinds, activations = usage.label_kinds, usage.activation
    if len(kinds) < 2:
        return False
    return any(
        kind == "binary" and activations[min(column, len(activations) - 1)] != "sigmoid"
        for column, kind in enumerate(kinds)
    )


def in_usage(loss: Callable, usage: Usage) -> Subject:
    """The loss in another usage, in which it is known to run."""
    subject = Subject(loss, usage)
    subject.settle_rows()
    settle_labels(subject)
    return subject


def settle_labels(subject: Subject) -> None:
    """Find out what labels are to the loss. What other labels make it raise is noted as a crash."""
    try:
        subject.settle_labels()
    except tf.errors.OpError as failure:
        subject.crash = crash_of(failure)


def stillborn(declared: Usage, **what) -> Subject:
    """A loss that could not even be built."""
    subject = Subject(None, settle(None, declared).usage)
    for name, value in what.items():
        setattr(subject, name, value)
    return subject


def crash_of(failure: Exception) -> tuple[str, str, int | None]:
    """(exception, what it says, line of the pasted text)"""
    return type(failure).__name__, cleaned(str(failure)), line_of(failure)


def name_causes(findings: list[dict]) -> None:
    """Say which finding may come of which."""
    titles = {finding["code"]: finding["title"] for finding in findings}
    for finding in findings:
        if cause := titles.get(LOSS_RULES.rules[finding["code"]].comes_of):
            finding["message"] += f" This may come of “{cause}”: mend that first."


def finding_of(rule: Rule, evidence: Evidence) -> dict:
    """A finding in plain values, as a walled process answers it."""
    return {
        "code": rule.code,
        "severity": rule.severity,
        "title": rule.title,
        "message": evidence.message,
        "why": rule.why,
        "fix": evidence.fix or rule.fix,
        "lesson": rule.lesson,
        "line": evidence.line,
        "evidence": plain(evidence.numbers),
        "curve": plain(evidence.curve),
    }


def warm_up() -> None:
    """Do once what the first examination would have to wait for, and keep texts from outliving theirs."""
    wipe_what_is_freed()
    examine("def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n", None, {})
