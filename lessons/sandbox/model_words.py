"""What a model as text may say: layers with their arguments, operations, and the texts that arguments are."""

RNN = "units activation recurrent_activation use_bias return_sequences go_backwards dropout recurrent_dropout unroll"
LAYERS = {  # name: the arguments that it takes here, those without a name in this order
    "Input": "shape dtype",
    "InputLayer": "shape dtype",
    "Masking": "mask_value",
    "Embedding": "input_dim output_dim mask_zero input_length",
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), RNN),
    "Bidirectional": "layer merge_mode",
    "TimeDistributed": "layer",
    "Dense": "units activation use_bias",
    "Dropout": "rate",
    "SpatialDropout1D": "rate",
    "GaussianNoise": "stddev",
    "LayerNormalization": "axis epsilon",
    "BatchNormalization": "axis momentum epsilon",
    "Conv1D": "filters kernel_size strides padding dilation_rate groups activation use_bias",
    "SeparableConv1D": "filters kernel_size strides padding activation",
    **dict.fromkeys(("MaxPooling1D", "AveragePooling1D"), "pool_size strides padding"),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalMaxPooling1D"), "keepdims"),
    "Flatten": "",
    "Reshape": "target_shape",
    "Permute": "dims",
    "RepeatVector": "n",
    "ZeroPadding1D": "padding",
    "Cropping1D": "cropping",
    "Concatenate": "axis",
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), ""),
    "Dot": "axes normalize",
    "Activation": "activation",
    "ReLU": "",
    "LeakyReLU": "negative_slope",
    "Softmax": "axis",
    "UnitNormalization": "axis",
    "MultiHeadAttention": "num_heads key_dim value_dim dropout use_bias",
    "Attention": "use_scale score_mode dropout",
    "AdditiveAttention": "use_scale dropout",
    "Lambda": "function",
}
CALLED = ("mask", "attention_mask", "training", "initial_state", "use_causal_mask", "query", "value", "key")
# Passed over: they say nothing of masks.
NAMED = ("name", "dtype", "input_shape", "batch_input_shape", "kernel_initializer", "embeddings_initializer")
WORDS = frozenset(
    "linear relu tanh sigmoid softmax softplus gelu elu selu silu swish leaky_relu hard_sigmoid exponential "
    "same valid causal concat sum mul ave dot float32 int32 int64 bool float16".split()
)
SAME_NAME = (
    "tanh relu sigmoid softmax abs exp log sqrt square multiply add subtract maximum minimum concatenate stack "
    "expand_dims squeeze mean sum max min reshape transpose cast where not_equal"
)
OPS = {  # names of keras.ops, of tf and of the old backend -> of keras.ops
    **{name: name for name in SAME_NAME.split()},
    **{"reduce_mean": "mean", "reduce_sum": "sum", "reduce_max": "max", "concat": "concatenate"},
    "permute_dimensions": "transpose",
}
OF_OPS = ("axis", "keepdims", "newshape", "axes", "dtype")
PASSED_OVER = "compile fit summary evaluate predict print build set_random_seed seed plot_model".split()
