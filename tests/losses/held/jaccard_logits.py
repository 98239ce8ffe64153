import tensorflow as tf

def bce_jaccard(y_true, y_pred):
    prob = tf.sigmoid(y_pred)
    inter = tf.reduce_sum(y_true * prob, axis=[1, 2, 3])
    union = tf.reduce_sum(y_true + prob, axis=[1, 2, 3]) - inter
    iou = (inter + 1.0) / (union + 1.0)
    bce = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y_true, y_pred), axis=[1, 2, 3])
    return bce + (1.0 - iou)
