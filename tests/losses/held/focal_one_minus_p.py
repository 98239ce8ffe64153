import tensorflow as tf

def focal(gamma):
    def loss(y_true, y_pred):
        pos = -y_true * tf.pow(1.0 - y_pred, gamma) * tf.math.log(y_pred + 1e-8)
        neg = -(1.0 - y_true) * tf.pow(y_pred, gamma) * tf.math.log(1.0 - y_pred + 1e-8)
        return tf.reduce_mean(pos + neg, axis=-1)
    return loss
