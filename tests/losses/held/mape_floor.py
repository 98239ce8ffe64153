import tensorflow as tf

mape1 = lambda y, p: 100.0 * tf.reduce_mean(tf.abs(y - p) / tf.maximum(tf.abs(y), 1.0), axis=-1)
