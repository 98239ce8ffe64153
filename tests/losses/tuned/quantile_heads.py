import tensorflow as tf

QUANTILES = [0.1, 0.5, 0.9]

def multi_quantile_loss(y_true, y_pred):
    losses = []
    for i, q in enumerate(QUANTILES):
        e = y_true[:, 0] - y_pred[:, i]
        losses.append(tf.maximum(q * e, (q - 1) * e))
    return tf.add_n(losses)
