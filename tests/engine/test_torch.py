"""Examples D2 and D3: PyTorch where it is installed, the same arithmetic in TensorFlow where it is not."""

import importlib.util
import sys

import pytest

from lessons.catalog import validation

PAIRS = {
    "multiplied input": (validation.multiplied_input, validation.multiplied_in_tensorflow),
    "masked cell": (validation.masked_cell, validation.masked_cell_in_tensorflow),
}
with_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="PyTorch is optional and not installed: pip install -r requirements-torch.txt",
)


@pytest.fixture
def no_torch(monkeypatch):
    """`import torch` fails, as where it is not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)


@with_torch
@pytest.mark.parametrize("name", PAIRS)
def test_torch_and_tensorflow_agree(name):
    import torch

    in_torch, in_tensorflow = PAIRS[name]
    measured = in_torch()
    assert f"PyTorch {torch.__version__}" in measured.sentence
    assert measured.numbers == pytest.approx(in_tensorflow(), rel=0, abs=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_without_torch_tensorflow_runs_and_says_so(name, no_torch):
    in_torch, in_tensorflow = PAIRS[name]
    measured = in_torch()
    assert validation.WITHOUT_TORCH in measured.sentence
    assert measured.numbers == in_tensorflow()


def test_multiplied_input_does_not_hold_the_state():
    told = validation.multiplied_input().numbers
    assert told["gradient_at_masked_inputs"] == 0
    assert told["state_moved"] > 0.1
    assert abs(told["answer"] - told["answer_with_steps_deleted"]) > 0.01
    assert told["nan_stays_nan"]
    assert told["loss_fixed_targets"] < 0.1 < 0.5 < told["loss_redrawn_targets"]


def test_only_the_finished_cell_holds_the_state():
    told = validation.masked_cell().numbers
    assert min(told["input_h_moved"], told["input_c_moved"], told["h_only_c_moved"]) > 0.1
    assert told["h_only_h_moved"] == 0 < told["h_only_off"]
    assert told["h_and_c_h_moved"] == told["h_and_c_c_moved"] == 0
    assert told["h_and_c_off"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("library", [pytest.param("torch", marks=with_torch), "tensorflow"])
def test_the_published_cell_raises_its_name_error(library, request):
    if library == "tensorflow":
        request.getfixturevalue("no_torch")
    with pytest.raises(NameError, match="next_hidden"):
        validation.cell_as_published()
