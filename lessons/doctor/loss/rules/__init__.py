"""The rules about a loss. A file in this folder is a family of rules; one decorated function is one rule."""

from lessons.doctor.rule import Rulebook

LOSS_RULES = Rulebook()
