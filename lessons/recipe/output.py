"""What a model puts out: said once by its family, and asked by all that looks at predictions."""

from dataclasses import dataclass

KINDS = ("number", "binary", "class", "token")  # what a label is: a token is a class of a vocabulary


@dataclass(frozen=True)
class Output:
    """What one prediction is.

    The model puts out (batch, time, columns), or (batch, columns) where there is one prediction per sequence.
    """

    kind: str  # one of KINDS
    per_step: bool
    classes: int = 0  # of `class` and `token`; each has a column of scores
    width: int = 1  # numbers, or 0/1 labels, in a prediction
    probability: bool = False  # whether the last layer makes probabilities; else the loss says whether it takes logits

    @property
    def ranked(self) -> bool:
        """Whether a prediction is the class with the highest score, and not the number itself."""
        return self.kind in ("class", "token")

    @property
    def columns(self) -> int:
        """Of the model's last axis."""
        return self.classes if self.ranked else self.width

    @property
    def label_width(self) -> int:
        """Of a label's last axis: a class is one id."""
        return 1 if self.ranked else self.width

    @property
    def labels(self) -> range:
        """The labels that there are, counted from 0; none where they are numbers."""
        return range({"number": 0, "binary": 2}.get(self.kind, self.classes))
