from tensorflow.keras import backend as K

def binary_focal_loss(gamma=2.0, alpha=0.75):
    def loss(y_true, y_pred):
        epsilon = K.epsilon()
        p = K.clip(y_pred, epsilon, 1.0 - epsilon)
        a = -alpha * y_true * K.pow(1.0 - p, gamma) * K.log(p)
        b = -(1 - alpha) * (1 - y_true) * K.pow(p, gamma) * K.log(1.0 - p)
        return K.mean(a + b)
    return loss
