import tensorflow as tf

def euclidean_distance_loss(y_true, y_pred):
    return tf.norm(y_true - y_pred, axis=-1)
