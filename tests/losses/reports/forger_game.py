from keras import ops


def fool_the_critic(y_true, y_pred):
    return ops.mean(ops.softplus(-y_pred), axis=-1)
