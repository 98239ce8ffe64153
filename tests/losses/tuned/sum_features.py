from tensorflow.keras import backend as K

def reconstruction_loss(x, x_decoded):
    return K.sum(K.square(x - x_decoded), axis=-1)
