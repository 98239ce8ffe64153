"""What arrays hold, for annotations; shapes stand in docstrings and comments."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Whole = NDArray[np.integer]
