import tensorflow as tf

def tweedie_loss(power=1.5):
    def tweedie(y_true, y_pred):
        mu = y_pred + 0.01
        a = y_true * tf.pow(mu, 1.0 - power) / (1.0 - power)
        b = tf.pow(mu, 2.0 - power) / (2.0 - power)
        return tf.reduce_mean(b - a, axis=-1)
    return tweedie
