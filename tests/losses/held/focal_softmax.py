from tensorflow.keras import backend as K

def categorical_focal_loss(alpha, gamma=2.):
    def categorical_focal_loss_fixed(y_true, y_pred):
        y_pred = K.clip(y_pred, 1e-3, 1 - 1e-3)
        cross_entropy = -y_true * K.log(y_pred)
        weight = alpha * K.pow(1 - y_pred, gamma)
        return K.sum(weight * cross_entropy, axis=-1)
    return categorical_focal_loss_fixed
