import numpy as np

def mean_sq(y_true, y_pred):
    diff = np.subtract(y_true, y_pred)
    return np.mean(np.square(diff))
