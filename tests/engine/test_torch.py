"""Examples D2 and D3: PyTorch's arithmetic in TensorFlow, held against PyTorch itself where it is installed."""

import importlib.util

import pytest

from lessons.catalog import validation
from lessons.course.torch_lstm import FEATURES, UNITS, drawn, run_through

with_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="PyTorch is optional and not installed: pip install -r requirements-torch.txt",
)


@with_torch
def test_the_cell_computes_what_torch_computes():
    import torch

    cell, _, x, _, _ = drawn()
    lstm = torch.nn.LSTM(FEATURES, UNITS, batch_first=True, dtype=torch.float64)
    kernel, recurrent, bias = (torch.tensor(weight) for weight in cell.get_weights())
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(kernel.T)
        lstm.weight_hh_l0.copy_(recurrent.T)
        lstm.bias_ih_l0.copy_(bias)
        lstm.bias_hh_l0.zero_()
        output, (_, last_c) = lstm(torch.tensor(x))
    h, c = run_through(cell, x).numpy()
    assert h == pytest.approx(output.numpy(), rel=0, abs=1e-12)
    assert c[:, -1] == pytest.approx(last_c[0].numpy(), rel=0, abs=1e-12)


@pytest.mark.parametrize("example", [validation.multiplied_input, validation.masked_cell])
def test_an_example_says_in_which_library_it_was_measured(example):
    assert "PyTorch's arithmetic in TensorFlow" in example().sentence


@pytest.mark.verify
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


def test_the_published_cell_raises_its_name_error():
    with pytest.raises(NameError, match="next_hidden"):
        validation.cell_as_published()
