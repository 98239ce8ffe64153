"""The rules about a run. A file in this folder is a family of rules; one decorated function is one rule."""

from lessons.doctor.rule import Rulebook

RUN_RULES = Rulebook()
