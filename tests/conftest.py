"""What all tests share: the repository on the path, a quiet TensorFlow, and `verify` tests only when asked for."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def pytest_collection_modifyitems(config, items):
    if os.environ.get("VERIFY") or "verify" in config.getoption("markexpr", ""):
        return
    for item in items:
        if "verify" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="full set: run with -m verify or VERIFY=1"))
