from keras import ops


def listnet(y_true, y_pred):
    wanted = ops.softmax(y_true, axis=-1)
    return -ops.sum(wanted * ops.log_softmax(y_pred, axis=-1), axis=-1)
