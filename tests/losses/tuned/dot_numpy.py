import tensorflow as tf

def loss_np(y_true, y_pred):
    yt = y_true.numpy()
    yp = y_pred.numpy()
    return tf.constant(((yt - yp) ** 2).mean())
