# Two scales weigh the same parcel, one row each; only the difference between the two is learnt.
import tensorflow as tf


def loss(y_true, y_pred):
    wanted = y_true[::2] - y_true[1::2]
    said = y_pred[::2] - y_pred[1::2]
    return tf.reduce_mean(tf.square(wanted - said))
