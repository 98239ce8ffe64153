import tensorflow as tf

def cosine_distance(y_true, y_pred):
    return 1 - tf.keras.losses.cosine_similarity(y_true, y_pred, axis=-1)
