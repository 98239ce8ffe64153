"""What stands in front of an experiment's model. Their texts are part of the experiments, as the answers' own are."""


def masking_of_zeros():
    """What everybody writes."""
    import keras

    return keras.layers.Masking(0.0)


def no_masking():
    """A layer that leaves the padding in."""
    import keras

    return keras.layers.Identity()
