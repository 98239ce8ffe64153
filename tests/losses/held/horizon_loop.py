import tensorflow as tf

STEPS = 4
WEIGHTS = [1.0, 0.8, 0.6, 0.4]

def horizon_weighted(y_true, y_pred):
    total = 0.0
    for h in range(STEPS):
        total += WEIGHTS[h] * tf.square(y_true[:, h] - y_pred[:, h])
    return total / sum(WEIGHTS)
