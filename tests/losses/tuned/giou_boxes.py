import tensorflow as tf


def giou_loss(y_true, y_pred):
    """Boxes as x1, y1, x2, y2."""
    tx1, ty1, tx2, ty2 = tf.unstack(y_true, 4, axis=-1)
    px1, py1, px2, py2 = tf.unstack(y_pred, 4, axis=-1)
    tw, th = tf.maximum(tx2 - tx1, 0.), tf.maximum(ty2 - ty1, 0.)
    pw, ph = tf.maximum(px2 - px1, 0.), tf.maximum(py2 - py1, 0.)
    iw = tf.maximum(tf.minimum(tx2, px2) - tf.maximum(tx1, px1), 0.)
    ih = tf.maximum(tf.minimum(ty2, py2) - tf.maximum(ty1, py1), 0.)
    inter = iw * ih
    union = tw * th + pw * ph - inter
    iou = inter / (union + 1e-3)
    cw = tf.maximum(tx2, px2) - tf.minimum(tx1, px1)
    ch = tf.maximum(ty2, py2) - tf.minimum(ty1, py1)
    hull = cw * ch
    giou = iou - (hull - union) / (hull + 1e-3)
    return 1. - giou
