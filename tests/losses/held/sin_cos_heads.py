import numpy as np
import tensorflow as tf

HALF_TURN = np.pi

def heading_loss(y_true, y_pred):
    theta = y_true[:, 0] * (HALF_TURN / np.pi)
    target = tf.stack([tf.sin(theta), tf.cos(theta)], axis=1)
    return tf.reduce_sum(tf.square(target - y_pred), axis=1)
