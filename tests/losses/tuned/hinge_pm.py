from tensorflow.keras import backend as K

def hinge_loss(yTrue, yPred):
    signed = 2. * yTrue - 1.
    return K.mean(K.maximum(1. - signed * yPred, 0.), axis=-1)
