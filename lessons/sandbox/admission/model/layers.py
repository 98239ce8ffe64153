"""The layers that a pasted model may have, with the arguments of each, and what else of Keras its text may name.

A layer is in the table if it does nothing but compute with tensors and weights of its own. What reads vocabularies,
files or other programs' models, and what looks up classes by name, is not.
"""

_WEIGHTS = {
    kind: f"{kind}_initializer {kind}_regularizer {kind}_constraint"
    for kind in (
        "kernel bias recurrent depthwise pointwise beta gamma alpha embeddings moving_mean moving_variance".split()
    )
}
_DENSE = f"activation use_bias activity_regularizer {_WEIGHTS['kernel']} {_WEIGHTS['bias']} "
_CELL = f"units {_DENSE}{_WEIGHTS['recurrent']} dropout recurrent_dropout seed "
_GATED = "recurrent_activation "
_RNN = "return_sequences return_state go_backwards stateful unroll time_major "
_CONV = f"filters kernel_size strides padding data_format dilation_rate groups {_DENSE}"
_DEPTHWISE = (
    "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias activity_regularizer "
    f"{_WEIGHTS['depthwise']} {_WEIGHTS['bias']} "
)
_SEPARABLE = f"filters {_DEPTHWISE}{_WEIGHTS['pointwise']} "
_POOL = "pool_size strides padding data_format"
_NORM = f"axis epsilon center scale {_WEIGHTS['beta']} {_WEIGHTS['gamma']} "
_HEADS = f"dropout use_bias sliding_window flash_attention use_gate seed {_DENSE}"

# What every layer takes. The shapes are those of older Keras, which it still reads or refuses itself.
COMMON = frozenset(
    "name dtype trainable autocast input_shape input_dim input_length batch_input_shape batch_size batch_shape "
    "implementation reset_after unit_forget_bias use_cudnn zero_output_for_mask".split()
)

# layer -> its arguments
LAYERS: dict[str, frozenset[str]] = {
    name: frozenset(arguments.split())
    for names, arguments in {
        "Dense": f"units {_DENSE}",
        "EinsumDense": f"equation output_shape bias_axes {_DENSE}",
        "Embedding": f"input_dim output_dim mask_zero weights {_WEIGHTS['embeddings']}",
        "Masking": "mask_value",
        "LSTM GRU": _CELL + _GATED + _RNN,
        "SimpleRNN": _CELL + _RNN,
        "LSTMCell GRUCell": _CELL + _GATED,
        "SimpleRNNCell": _CELL,
        "StackedRNNCells": "cells",
        "RNN": f"cell {_RNN}",
        "Bidirectional": "layer merge_mode weights backward_layer",
        "TimeDistributed": "layer",
        "SpectralNormalization": "layer power_iterations",
        "Conv1D Conv2D Convolution1D Convolution2D": _CONV,
        "Conv1DTranspose Conv2DTranspose": f"output_padding {_CONV}",
        "ConvLSTM1D ConvLSTM2D": (
            f"{_CONV}{_GATED}{_WEIGHTS['recurrent']} dropout recurrent_dropout seed return_sequences return_state "
            "go_backwards stateful"
        ),
        "DepthwiseConv1D DepthwiseConv2D": _DEPTHWISE,
        "SeparableConv1D SeparableConv2D": _SEPARABLE,
        "MultiHeadAttention": f"num_heads key_dim value_dim output_shape attention_axes {_HEADS}",
        "GroupQueryAttention": f"head_dim num_query_heads num_key_value_heads {_HEADS}",
        "Attention": "use_scale score_mode dropout seed",
        "AdditiveAttention": "use_scale dropout",
        "Activation": "activation",
        "ActivityRegularization": "l1 l2",
        "Softmax UnitNormalization": "axis",
        "ReLU": "max_value negative_slope threshold",
        "LeakyReLU": "negative_slope alpha",
        "ELU": "alpha",
        "PReLU": f"shared_axes {_WEIGHTS['alpha']}",
        "Dropout AlphaDropout": "rate noise_shape seed",
        "SpatialDropout1D GaussianDropout": "rate seed",
        "SpatialDropout2D": "rate data_format seed",
        "GaussianNoise": "stddev seed",
        "BatchNormalization": (
            f"momentum renorm renorm_clipping renorm_momentum synchronized {_NORM}"
            f"{_WEIGHTS['moving_mean']} {_WEIGHTS['moving_variance']}"
        ),
        "LayerNormalization": f"rms_scaling {_NORM}",
        "GroupNormalization": f"groups {_NORM}",
        "RMSNormalization": "axis epsilon",
        "Add Average Maximum Minimum Multiply Subtract Identity": "",
        "Concatenate": "axis",
        "Dot": "axes normalize",
        "Flatten": "data_format",
        "Permute": "dims",
        "RepeatVector": "n",
        "Reshape": "target_shape",
        "Cropping1D Cropping2D": "cropping data_format",
        "ZeroPadding1D ZeroPadding2D": "padding data_format",
        "UpSampling1D UpSampling2D": "size data_format interpolation",
        "MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D MaxPool1D MaxPool2D AvgPool1D AvgPool2D": _POOL,
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D": "data_format keepdims",
        "GlobalAvgPool1D GlobalAvgPool2D GlobalMaxPool1D GlobalMaxPool2D": "data_format keepdims",
        "AdaptiveAveragePooling1D AdaptiveMaxPooling1D": "output_size data_format",
        "Lambda": "function output_shape mask arguments",
    }.items()
    for name in names.split()
}

# The functions of older Keras that make a layer and call it, with what they take beside the tensors.
MERGING = {"add average maximum minimum multiply subtract": "", "concatenate": "axis", "dot": "axes normalize"}
MERGES: dict[str, frozenset[str]] = {
    name: frozenset(arguments.split()) for names, arguments in MERGING.items() for name in names.split()
}

INPUT = frozenset("shape batch_size dtype sparse name batch_shape tensor optional".split())
ADDED_WEIGHT = frozenset(
    "shape initializer dtype trainable autocast regularizer constraint name".split()  # of Layer.add_weight
)
MODEL = frozenset("inputs outputs name trainable dtype".split())  # of keras.Model(…)
SEQUENTIAL = frozenset("layers name trainable".split())

INITIALIZERS = frozenset(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros constant glorot_normal glorot_uniform he_normal
    he_uniform identity lecun_normal lecun_uniform ones orthogonal random_normal random_uniform truncated_normal
    variance_scaling zeros normal one uniform zero
    """.split()
)
REGULARIZERS = frozenset("L1 L1L2 L2 OrthogonalRegularizer l1 l1_l2 l2 orthogonal_regularizer".split())
CONSTRAINTS = frozenset("MaxNorm MinMaxNorm NonNeg UnitNorm max_norm min_max_norm non_neg unit_norm".split())
ACTIVATIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """.split()
)
DTYPES = frozenset("bool float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16".split())
