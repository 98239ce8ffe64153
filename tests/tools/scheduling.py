"""In which order the test processes take the files: those that take longest first, so that all are busy to the end.

A file is run by one process, which shares its server and its traced graphs. So are the files of a group, which look at
the same server or at the same runs. What is missing here is short, and comes last. `--durations=0` tells how long a
test takes.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

GROUPS = {  # the longest first
    "the server of the tests": (
        *(
            "browser/test_browser",
            "pages/test_comparison_page",
            "pages/test_diagnosis_page",
            "pages/test_own_data_page",
            "pages/test_own_model_page",
            "pages/test_case_page",
        ),
        *("pages/test_takeaway_page", "pages/test_folklore_page", "pages/test_plan_page", "browser/test_leaving"),
        *("pages/test_grid_page", "browser/test_accessibility"),
    ),
    "runs": (
        *("engine/test_engine", "course/test_visible", "course/test_variation", "course/test_predictions"),
        *("doctor/test_findings", "course/test_lessons"),
    ),
    "pages": (
        *("pages/test_learner_page", "pages/test_pages", "pages/test_clinic_page", "pages/test_exercises_page"),
        "pages/test_presence",
    ),
    "families": ("families/test_family", "families/test_encoder", "families/test_decoder"),
    "models": ("engine/test_pasted_training", "engine/test_model_examples", "export/test_own_model_script"),
    "walled processes": ("sandbox/test_walled_pool",),
    "examinations": ("doctor/test_examination",),
    "scripts": ("export/test_script", "export/test_export"),
    "rooms": ("browser/test_room_browser", "pages/test_room_page"),
    "maps": ("server/test_grid",),
    "walls": ("sandbox/test_walls",),
    "mends": ("doctor/test_mending",),
    "workers": ("workers/test_pool",),
    "laboratory": ("server/test_laboratory",),
    "recipes": ("recipe/test_idle", "recipe/test_settings", "recipe/test_output"),
    "own data": ("engine/test_own_data", "own_data/test_public"),
    "privacy": ("pages/test_privacy",),
}
GROUP_OF = {f"tests/{file}.py": group for group, files in GROUPS.items() for file in files}
PLACE_OF = {group: place for place, group in enumerate(GROUPS)}


def group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return GROUP_OF.get(file, file)


def place(nodeid: str) -> int:
    return PLACE_OF.get(group(nodeid), len(PLACE_OF))


class LongestFirst(LoadScopeScheduling):
    """Of xdist; `_split_scope` is its own hook for this."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # by the number of tests
    return LongestFirst(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: place(item.nodeid))
