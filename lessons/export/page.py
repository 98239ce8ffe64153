"""A run's figures as one HTML file that needs no network."""

from html import escape

from lessons.export.bundle import Bundle
from lessons.figures import run_figures
from lessons.runs.run import Run

HEIGHT = 460  # pixels of a figure
STYLE = "body { font: 15px system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem }"


def page(bundle: Bundle, run: Run) -> str:
    """Curve, gradient and predictions, with all of Plotly in the file."""
    import plotly.graph_objects as go

    words = run_figures.run_words(run)
    titles = {
        "Loss and error": (run_figures.curve_figure(run), words["curve"]),
        "Gradient at the predictions, last epoch": (run_figures.gradient_figure(run), words["gradient"]),
        "Gradient at the inputs, last epoch": (run_figures.gradient_figure(run, at="inputs"), ""),
        "Gradient at the predictions, all epochs": (run_figures.gradient_over_epochs_figure(run), ""),
        "Predictions on real steps": (run_figures.prediction_figure(run), words["prediction"]),
    }
    sections = []
    for place, (title, (figure, told)) in enumerate(titles.items()):
        drawn = go.Figure(figure).update_layout(height=HEIGHT, template="plotly_white")
        text = drawn.to_html(full_html=False, include_plotlyjs=place == 0, config={"displaylogo": False})
        sections.append(f"<h2>{escape(title)}</h2>\n<p>{escape(told)}</p>\n{text}")
    name = f"{bundle.lesson.title} {bundle.lesson.preset(bundle.preset).label}"
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(name)}</title>',
            f"<style>{STYLE}</style>",
            f"<h1>{escape(bundle.lesson.title)}</h1>\n<p>{escape(bundle.query)}</p>",
            *sections,
        ]
    )
