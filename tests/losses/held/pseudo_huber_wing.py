import numpy as np
import tensorflow as tf

W, EPS = 10.0, 0.5
C = W - W * np.log(1.0 + W / EPS)

def wing_loss(landmarks, labels):
    x = tf.abs(landmarks - labels)
    losses = tf.where(W > x, W * tf.math.log(1.0 + x / EPS), x - C)
    return tf.reduce_mean(tf.reduce_sum(losses, axis=[1, 2]), axis=0)
