"""The origin of a NaN of a number that is not finite: when, where and from what it came. Plain values only."""

from dataclasses import dataclass

COMPILED_ONLY = "Only inside the compiled graph, which fit runs: operation by operation it stays finite."


@dataclass(frozen=True)
class NaNOrigin:
    """The first number of a run that was not finite, in the order of computation.

    Everything counts from 0 here; `said` counts epochs and batches from 1, as the charts do.
    """

    epoch: int
    batch: int | None  # None: the whole data set is one batch
    sequence: int | None  # of the first bad cell; None where the tensor has no sequences
    timestep: int | None
    phase: str  # "forward", or "backward": the loss was still finite, what came after it was not
    tensor: str  # what went bad, as an expression or a weight's name
    op: str  # what made it: an operation of the loss, a layer, or the optimizer
    inputs: str  # what it was made from
    line: int | None = None  # of the loss as it is shown, from 1
    code: str = ""  # that line
    compiled_only: bool = False  # operation by operation everything stays finite

    @property
    def where(self) -> str:
        """Sequence and step, as far as they are known."""
        parts = [("sequence", self.sequence), ("step", self.timestep)]
        return ", ".join(f"{name} {index}" for name, index in parts if index is not None)

    @property
    def when(self) -> str:
        """Epoch and batch in words, counted from 1."""
        batch = f", batch {self.batch + 1}" if self.batch is not None else ""
        return f"epoch {self.epoch + 1}{batch}"

    @property
    def way(self) -> str:
        """Forward or backward, in words."""
        return "on the way forward" if self.phase == "forward" else "on the way back, after a finite loss"

    @property
    def said(self) -> str:
        """The certificate in a sentence or two."""
        place = f" at {self.where}" if self.where else ""
        line = f", line {self.line} of the loss" if self.line is not None else ""
        tensor = f", in {self.tensor}" if self.tensor else ""
        sentence = f"Born in {self.when}{place}, {self.way}{tensor}{line}: {self.inputs}."
        return f"{sentence} {COMPILED_ONLY}" if self.compiled_only else sentence
