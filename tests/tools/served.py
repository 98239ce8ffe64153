"""`python -P tests/tools/served.py run app.py …` is `streamlit run app.py …` by a server that does nothing ahead.

For people the workers start with the server, and they trace all presets of a lesson that is opened: TensorFlow in each
process, and a minute of the processor, that hardly a test waits for.
"""

from lessons.server.laboratory import Laboratory
from pages.server import beginning

NEVER = 1e6  # seconds
prepare = Laboratory.prepare


def do_nothing_ahead() -> None:
    """Workers start with the first job; of a lesson only the settings in sight are traced in the background."""
    beginning.HEAD_START = NEVER
    Laboratory.prepare = lambda laboratory, *recipes: prepare(laboratory, *recipes[:1])


if __name__ == "__main__":
    from streamlit.web.cli import main

    do_nothing_ahead()
    main()
