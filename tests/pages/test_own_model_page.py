"""“Your case”: a model as text and what becomes of its mask, in a real browser before a real walled process."""

import pytest

from lessons.course.model_examples import EXAMPLES
from tests.tools.screen import await_


@pytest.mark.verify
def test_an_example_a_text_of_ones_own_and_what_is_refused(page, site):
    page.goto(f"{site.url}/?page=your_case")
    await_(lambda: page.get_by_role("radio", name="Flatten").count(), "the examples")
    page.get_by_role("radio", name="Flatten").click()
    await_(lambda: page.get_by_text("Padding enters at flatten").count(), "what became of the padding")
    assert page.get_by_role("textbox", name="Your model").input_value() == EXAMPLES["Flatten"]
    await_(lambda: page.locator(".stDataFrame").count(), "the layers")
    write(page, EXAMPLES["Flatten"].replace("layers.Flatten()", "layers.LSTM(4)"))
    await_(lambda: page.get_by_text("The mask goes through").count(), "that all is right")
    assert page.get_by_role("radio", name="Flatten", checked=True).count() == 0
    write(page, "x = 1\nmodel = keras.models.load_model('x')")
    await_(lambda: page.get_by_text("no model in this text").count(), "the refusal")
    page.get_by_role("link", name="Clinic").click()
    await_(lambda: page.get_by_role("heading", name="What is wrong with my loss?").count(), "another page")
    page.get_by_role("link", name="Your case").click()
    await_(lambda: page.get_by_role("textbox", name="Your model").count(), "the page again")
    assert "load_model" in page.get_by_role("textbox", name="Your model").input_value(), "the text is still there"
    assert not page.get_by_text("Traceback").count() and not page.locator(".stDataFrame").count()


def test_a_model_is_trained_compared_and_forgotten(page, site):
    page.goto(f"{site.url}/?page=your_case")
    await_(lambda: page.get_by_role("radio", name="Attention with a residual").count(), "the examples")
    page.get_by_role("radio", name="Attention with a residual").click()
    await_(lambda: page.get_by_role("button", name="Train it").count(), "that it can be trained")
    page.get_by_role("button", name="Train it").click()
    await_(lambda: page.get_by_text("60 epochs in").count(), "its run")
    await_(lambda: page.get_by_text("The mask is lost on the way").count(), "what is wrong with it")
    page.get_by_role("button", name="Pin", exact=True).click()
    await_(lambda: page.get_by_text("change one toggle and press Run").count(), "that it is pinned")
    page.get_by_text("Your model, layer by layer").click()
    box = page.get_by_role("textbox", name="Your model")
    await_(lambda: box.first.is_visible(), "the text")
    write(page, EXAMPLES["Attention with a residual"].replace("layers.Add()([x, attended])", "attended"))
    await_(lambda: page.get_by_role("button", name="Train it").count(), "that the other can be trained")
    page.get_by_role("button", name="Train it").click()
    await_(lambda: page.get_by_text("Text of the model").count(), "the comparison of two models")
    page.get_by_role("button", name="Forget it").click()
    await_(lambda: page.get_by_role("button", name="Try a sample").count(), "the empty bench")
    assert not page.get_by_text("Traceback").count()


@pytest.mark.verify
def test_of_several_outputs_one_is_looked_at_and_metrics_stand_beside_the_loss(page, site):
    page.goto(f"{site.url}/?page=your_case")
    await_(lambda: page.get_by_role("radio", name="Two outputs").count(), "the examples")
    page.get_by_role("radio", name="Two outputs").click()
    await_(lambda: page.get_by_text("all is trained together").count(), "the choice of what is looked at")
    write(page, EXAMPLES["Two outputs"] + 'model.compile(loss=["mse", "mae"], metrics=[["mae"], []])\n')
    await_(lambda: not page.get_by_text("The text has changed since").count(), "what is found of it")
    page.get_by_role("button", name="Train it").click()
    await_(lambda: page.get_by_role("heading", name="Metrics beside the loss").count(), "the metrics")
    await_(lambda: page.get_by_text("masked steps are left out").count(), "why they differ")
    assert not page.get_by_text("Traceback").count()


@pytest.mark.verify
def test_a_loss_that_the_text_names_is_trained_itself_and_what_is_done_otherwise_is_said(page, site):
    page.goto(f"{site.url}/?page=your_case")
    await_(lambda: page.get_by_role("radio", name="Flatten").count(), "the examples")
    page.get_by_role("radio", name="Flatten").click()
    await_(lambda: page.get_by_role("button", name="Train it").count(), "that it can be asked for")
    write(page, EXAMPLES["Flatten"] + 'model.compile("nadam", "poisson")\n')
    await_(lambda: page.get_by_text("nadam is not on offer here").count(), "what is done otherwise")
    assert not page.get_by_text("poisson is not on offer").count()
    page.get_by_role("button", name="Train it").click()
    await_(lambda: page.get_by_text("of your model names it").count(), "the loss of the text")
    page.locator(".st-key-own_model-forget button").click()
    await_(lambda: not page.get_by_text("of your model names it").count(), "that its loss is forgotten with it")
    assert not page.get_by_text("Traceback").count()


@pytest.mark.verify
def test_what_is_not_trained_is_said(page, site):
    page.goto(f"{site.url}/?page=your_case")
    await_(lambda: page.get_by_role("radio", name="Two sequences in a row").count(), "the examples")
    page.get_by_role("radio", name="Flatten").click()
    await_(lambda: page.get_by_role("button", name="Train it").count(), "that it can be asked for")
    write(page, "i = keras.Input((6,))\nmodel = keras.Model(i, layers.Dense(2)(i))")
    await_(lambda: page.get_by_text("What is trained here takes a sequence").count(), "why it is not trained")
    write(page, "i = keras.Input((12, 100))\nmodel = keras.Model(i, layers.Dense(1)(i))")
    await_(lambda: page.get_by_role("button", name="Train it").count(), "that it can be asked for")
    page.get_by_role("button", name="Train it").click()
    await_(lambda: page.get_by_text("features: got “100”; takes").count(), "why it cannot be trained")
    assert not page.get_by_role("button", name="Run", exact=True).count()


def write(page, text: str) -> None:
    """Into the text area, as one who pastes does, and look at it."""
    page.get_by_role("textbox", name="Your model").fill(text)
    page.get_by_role("textbox", name="Your model").press("Control+Enter")
    await_(lambda: page.get_by_text("The text has changed since").count(), "that it is another text")
    page.get_by_role("button", name="Look at it").click()
