import tensorflow as tf

L1_WEIGHT = 5.0

def _area(b):
    return tf.maximum(b[..., 2] - b[..., 0], 0.0) * tf.maximum(b[..., 3] - b[..., 1], 0.0)

def box_loss(y_true, y_pred):
    lo = tf.maximum(y_true[..., :2], y_pred[..., :2])
    hi = tf.minimum(y_true[..., 2:], y_pred[..., 2:])
    inter = tf.reduce_prod(tf.maximum(hi - lo, 0.0), axis=-1)
    union = _area(y_true) + _area(y_pred) - inter
    elo = tf.minimum(y_true[..., :2], y_pred[..., :2])
    ehi = tf.maximum(y_true[..., 2:], y_pred[..., 2:])
    hull = tf.reduce_prod(tf.maximum(ehi - elo, 0.0), axis=-1)
    giou = inter / (union + 1e-3) - (hull - union) / (hull + 1e-3)
    l1 = tf.reduce_sum(tf.abs(y_true - y_pred), axis=-1)
    return L1_WEIGHT * l1 + (1.0 - giou)
