import tensorflow as tf

def get_huber_loss(delta=1.0):
    def huber(y_true, y_pred):
        e = y_true - y_pred
        a = tf.abs(e)
        small = 0.5 * e * e
        big = delta * a - 0.5 * delta ** 2
        return tf.reduce_mean(tf.where(a <= delta, small, big), axis=-1)
    return huber
