"""The processes that texts are tried on, and what they may use."""

import pytest

from lessons.sandbox.walled_pool import WARM, Limits, WalledPool
from lessons.server import walled_tasks
from tests.tools.patience import PATIENCE

LIMITS = Limits(waiting=14, computing=4, memory=1.5e9)
HEALTHY = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"


@pytest.fixture(scope="module")
def walled_pool():
    walled_pool = WalledPool(1, spares=1, limits=LIMITS, warm=WARM)
    assert walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}).result(PATIENCE)["healthy"]
    yield walled_pool
    walled_pool.shutdown()
