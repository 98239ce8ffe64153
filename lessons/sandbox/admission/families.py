"""The names that a pasted loss may call, one by one, in the families of the libraries that have them.

A name is in the table if it is pure maths on tensors or arrays. Whatever reads, writes, loads, deserialises, prints,
takes a class name or changes a setting for everybody is not.
"""

_DTYPES = """
    bfloat16 bool complex128 complex64 double float16 float32 float64 half int16 int32 int64 int8
    uint16 uint32 uint64 uint8
"""

_TF = """
    abs acos acosh add add_n argmax argmin argsort asin asinh assert_equal assert_greater assert_less
    assert_rank atan atan2 atanh boolean_mask broadcast_dynamic_shape broadcast_static_shape broadcast_to case
    cast clip_by_global_norm clip_by_norm clip_by_value complex concat cond constant convert_to_tensor cos cosh
    cumsum custom_gradient divide dynamic_partition dynamic_stitch eig eigvals einsum ensure_shape equal exp
    expand_dims eye fill floor foldl foldr gather gather_nd get_static_value gradients greater greater_equal
    guarantee_const hessians histogram_fixed_width histogram_fixed_width_bins identity is_tensor less less_equal
    linspace logical_and logical_not logical_or map_fn matmul matrix_square_root maximum meshgrid minimum
    multiply negative norm not_equal one_hot ones ones_like pad pow range rank realdiv reduce_all reduce_any
    reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse
    reverse_sequence roll round saturate_cast scalar_mul scan scatter_nd searchsorted sequence_mask shape
    sigmoid sign sin sinh size slice sort split sqrt square squeeze stack stop_gradient strided_slice subtract
    switch_case tan tanh tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub
    tensor_scatter_nd_update tensordot tile transpose truediv truncatediv truncatemod unique unique_with_counts
    unravel_index unstack vectorized_map where while_loop zeros zeros_like
"""

_TF_MATH = """
    abs accumulate_n acos acosh add add_n angle argmax argmin asin asinh atan atan2 atanh bessel_i0 bessel_i0e
    bessel_i1 bessel_i1e betainc bincount ceil confusion_matrix conj cos cosh count_nonzero cumprod cumsum
    cumulative_logsumexp digamma divide divide_no_nan equal erf erfc erfcinv erfinv exp expm1 floor floordiv
    floormod greater greater_equal igamma igammac imag in_top_k invert_permutation is_finite is_inf is_nan
    is_non_decreasing is_strictly_increasing l2_normalize lbeta less less_equal lgamma log log1p log_sigmoid
    log_softmax logical_and logical_not logical_or logical_xor maximum minimum mod multiply multiply_no_nan
    ndtri negative nextafter not_equal polygamma polyval pow real reciprocal reciprocal_no_nan reduce_all
    reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std
    reduce_sum reduce_variance rint round rsqrt scalar_mul segment_max segment_mean segment_min segment_prod
    segment_sum sigmoid sign sin sinh softmax softplus softsign sqrt square squared_difference subtract tan tanh
    top_k truediv unsorted_segment_max unsorted_segment_mean unsorted_segment_min unsorted_segment_prod
    unsorted_segment_sqrt_n unsorted_segment_sum xdivy xlog1py xlogy zero_fraction zeta
"""

_TF_NN = """
    atrous_conv2d atrous_conv2d_transpose avg_pool avg_pool1d avg_pool2d avg_pool3d batch_normalization bias_add
    collapse_repeated compute_average_loss conv1d conv1d_transpose conv2d conv2d_transpose conv3d
    conv3d_transpose conv_transpose convolution crelu ctc_beam_search_decoder ctc_greedy_decoder ctc_loss
    ctc_unique_labels depth_to_space depthwise_conv2d dilation2d dropout elu embedding_lookup erosion2d
    fractional_avg_pool fractional_max_pool gelu in_top_k isotonic_regression l2_loss l2_normalize leaky_relu
    local_response_normalization log_poisson_loss log_softmax lrn max_pool max_pool1d max_pool2d max_pool3d
    max_pool_with_argmax moments normalize_moments pool relu relu6 scale_regularization_loss selu
    separable_conv2d sigmoid sigmoid_cross_entropy_with_logits silu softmax softmax_cross_entropy_with_logits
    softplus softsign space_to_depth sparse_softmax_cross_entropy_with_logits sufficient_statistics swish tanh
    top_k weighted_cross_entropy_with_logits weighted_moments zero_fraction
"""

_TF_LINALG = """
    adjoint band_part banded_triangular_solve cholesky cholesky_solve cross det diag diag_part eig eigh
    eigh_tridiagonal eigvals eigvalsh einsum expm eye global_norm inv l2_normalize logdet logm lstsq lu
    lu_matrix_inverse lu_reconstruct lu_solve matmul matrix_rank matrix_transpose matvec norm normalize pinv qr
    set_diag slogdet solve sqrtm svd tensor_diag tensor_diag_part tensordot trace triangular_solve
    tridiagonal_matmul tridiagonal_solve
"""

_TF_SIGNAL = """
    dct fft fft2d fft3d fftnd fftshift frame hamming_window hann_window idct ifft ifft2d ifft3d ifftnd ifftshift
    inverse_mdct inverse_stft inverse_stft_window_fn irfft irfft2d irfft3d irfftnd kaiser_bessel_derived_window
    kaiser_window linear_to_mel_weight_matrix mdct mfccs_from_log_mel_spectrograms overlap_and_add rfft rfft2d
    rfft3d rfftnd stft vorbis_window
"""

_TF_IMAGE = """
    adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_saturation central_crop
    combined_non_max_suppression convert_image_dtype crop_and_resize crop_to_bounding_box extract_glimpse
    extract_patches flip_left_right flip_up_down generate_bounding_box_proposals grayscale_to_rgb hsv_to_rgb
    image_gradients non_max_suppression non_max_suppression_overlaps non_max_suppression_padded
    non_max_suppression_with_scores pad_to_bounding_box per_image_standardization psnr random_brightness
    random_contrast random_crop random_flip_left_right random_flip_up_down random_hue random_saturation resize
    resize_with_crop_or_pad resize_with_pad rgb_to_grayscale rgb_to_hsv rgb_to_yiq rgb_to_yuv rot90 sobel_edges
    ssim ssim_multiscale stateless_random_brightness stateless_random_contrast stateless_random_crop
    stateless_random_flip_left_right stateless_random_flip_up_down stateless_random_hue
    stateless_random_saturation total_variation transpose yiq_to_rgb yuv_to_rgb
"""

_TF_RANDOM = """
    categorical fold_in gamma normal poisson shuffle split stateless_binomial stateless_categorical
    stateless_gamma stateless_normal stateless_parameterized_truncated_normal stateless_poisson
    stateless_truncated_normal stateless_uniform truncated_normal uniform
"""

_TF_DEBUGGING = """
    assert_all_finite assert_equal assert_greater assert_greater_equal assert_integer assert_less
    assert_less_equal assert_near assert_negative assert_non_negative assert_non_positive assert_none_equal
    assert_positive assert_proper_iterable assert_rank assert_rank_at_least assert_rank_in
    assert_same_float_dtype assert_scalar assert_shapes assert_type check_numerics is_numeric_tensor
"""

_OPS = """
    abs absolute adaptive_average_pool adaptive_max_pool add all allclose amax amin angle any append arange
    arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argpartition argsort array array_split
    associative_scan average average_pool bartlett batch_normalization binary_crossentropy bincount bitwise_and
    bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman
    broadcast_to cast categorical_crossentropy cbrt cdist ceil celu cholesky cholesky_inverse clip concatenate
    cond conj conjugate conv conv_transpose convert_to_numpy convert_to_tensor copy corrcoef correlate cos cosh
    count_nonzero cross ctc_decode ctc_loss cumprod cumsum custom_gradient deg2rad depth_to_space depthwise_conv
    det diag diagflat diagonal diff digitize divide divide_no_nan dot dot_product_attention dsplit dstack dtype
    eig eigh einsum elu empty empty_like equal erf erfc erfinv exp exp2 expand_dims expm1 extract_sequences eye
    fabs fft fft2 flip fliplr flipud floor floor_divide fmax fmin fmod fold fori_loop full full_like gcd gelu
    geomspace get_item glu greater greater_equal hamming hanning hard_shrink hard_sigmoid hard_silu hard_swish
    hard_tanh heaviside histogram hsplit hstack hypot i0 identity ifft2 imag in_top_k inner inv irfft is_tensor
    isclose isfinite isin isinf isnan isneginf isposinf isreal istft jvp kaiser kron layer_normalization lcm
    ldexp leaky_relu left_shift less less_equal linspace log log10 log1p log2 log_sigmoid log_softmax logaddexp
    logaddexp2 logdet logical_and logical_not logical_or logical_xor logspace logsumexp lstsq lu_factor map
    matmul matrix_rank max max_pool maximum mean median meshgrid min minimum mod moments moveaxis multi_hot
    multiply nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile
    nanprod nanquantile nanstd nansum nanvar ndim negative nextafter nonzero norm normalize not_equal one_hot
    ones ones_like outer pad percentile pinv polar power prod psnr ptp qr quantile rad2deg ravel real rearrange
    reciprocal relu relu6 repeat reshape rfft right_shift rms_normalization roll rot90 round rsqrt saturate_cast
    scan scatter scatter_update searchsorted segment_max segment_min segment_prod segment_sum select selu
    separable_conv shape sigmoid sign signbit silu sin sinc sinh size slice slice_update slogdet soft_shrink
    softmax softplus softsign solve solve_triangular sort space_to_depth sparse_categorical_crossentropy
    sparse_plus sparse_sigmoid sparsemax split sqrt square squareplus squeeze stack std stft stop_gradient
    subtract sum svd swapaxes swish switch take take_along_axis tan tanh tanh_shrink tensordot threshold tile
    top_k trace transpose trapezoid tri tril triu true_divide trunc unfold unique unravel_index unstack vander
    var vdot vectorized_map view_as_complex view_as_real vsplit vstack where while_loop zeros zeros_like
"""

LOSS_CLASSES = """
    BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy CategoricalFocalCrossentropy
    CategoricalGeneralizedCrossEntropy CategoricalHinge Circle CosineSimilarity Dice Hinge Huber KLDivergence
    LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
    SparseCategoricalCrossentropy SquaredHinge Tversky
"""

LOSSES = """
    binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
    categorical_generalized_cross_entropy categorical_hinge circle cosine_similarity ctc dice hinge huber
    kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error mean_squared_error
    mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge tversky
    KLD MAE MAPE MSE MSLE kld kullback_leibler_divergence logcosh mae mape mse msle
"""

_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
"""

_METRICS = """
    binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy categorical_crossentropy
    categorical_focal_crossentropy categorical_hinge concordance_correlation hinge huber kl_divergence log_cosh
    mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error
    pearson_correlation poisson sparse_categorical_accuracy sparse_categorical_crossentropy
    sparse_top_k_categorical_accuracy squared_hinge top_k_categorical_accuracy
"""

_BACKEND = """
    abs all any arange argmax argmin batch_dot batch_flatten batch_normalization bias_add binary_crossentropy
    binary_focal_crossentropy cast cast_to_floatx categorical_crossentropy categorical_focal_crossentropy clip
    concatenate constant conv1d conv2d conv2d_transpose conv3d cos ctc_batch_cost ctc_decode
    ctc_label_dense_to_sparse cumprod cumsum depthwise_conv2d dot dropout dtype elu epsilon equal exp
    expand_dims eye flatten floatx foldl foldr gather gradients greater greater_equal hard_sigmoid
    image_data_format in_top_k int_shape is_float_dtype is_int_dtype is_keras_tensor is_sparse l2_normalize less
    less_equal log map_fn max maximum mean min minimum ndim not_equal one_hot ones ones_like permute_dimensions
    pool2d pool3d pow prod random_bernoulli random_normal random_uniform relu repeat repeat_elements reshape
    resize_images resize_volumes result_type reverse round separable_conv2d shape sigmoid sign sin softmax
    softplus softsign sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding sqrt square squeeze
    stack standardize_dtype std stop_gradient sum switch tanh temporal_padding tile to_dense transpose
    truncated_normal var variable zeros zeros_like
"""

_NUMPY = """
    abs absolute acos acosh add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh
    arctan arctan2 arctanh argmax argmin argpartition argsort argwhere around array array_equal array_equiv
    array_split asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asin asinh astype atan
    atan2 atanh atleast_1d atleast_2d atleast_3d average bartlett bincount bitwise_and bitwise_count
    bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman block bool
    bool_ broadcast_arrays broadcast_shapes broadcast_to cbrt cdouble ceil clip clongdouble column_stack
    complex128 complex256 complex64 compress concat concatenate conj conjugate convolve copy copysign corrcoef
    correlate cos cosh count_nonzero cov cross csingle cumprod cumsum cumulative_prod cumulative_sum deg2rad
    degrees delete diag diag_indices diag_indices_from diagflat diagonal diff digitize divide divmod dot double
    dsplit dstack ediff1d einsum einsum_path empty empty_like equal exp exp2 expand_dims expm1 extract eye fabs
    finfo fix flatnonzero flip fliplr flipud float128 float16 float32 float64 float_power floor floor_divide
    fmax fmin fmod full full_like gcd geomspace gradient greater greater_equal half hamming hanning heaviside
    histogram histogram2d histogram_bin_edges histogramdd hsplit hstack hypot i0 identity iinfo imag indices
    inner insert int16 int32 int64 int8 int_ intc interp intersect1d intp invert isclose iscomplex iscomplexobj
    isfinite isfortran isin isinf isnan isneginf isposinf isreal isrealobj isscalar ix_ kaiser kron lcm ldexp
    left_shift less less_equal lexsort linspace log log10 log1p log2 logaddexp logaddexp2 logical_and
    logical_not logical_or logical_xor logspace long longdouble longlong matmul matrix_transpose matvec max
    maximum mean median meshgrid min minimum mod modf moveaxis multiply nan_to_num nanargmax nanargmin
    nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar
    ndim negative nextafter nonzero not_equal ones ones_like outer pad partition percentile permute_dims
    piecewise poly polyadd polyder polydiv polyfit polyint polymul polysub polyval positive pow power prod ptp
    quantile rad2deg radians ravel ravel_multi_index real real_if_close reciprocal remainder repeat reshape
    resize right_shift rint roll rollaxis roots rot90 round row_stack searchsorted select setdiff1d setxor1d
    shape short sign signbit sin sinc single sinh size sort sort_complex spacing split sqrt square squeeze stack
    std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose trapezoid tri tril
    tril_indices tril_indices_from trim_zeros triu triu_indices triu_indices_from true_divide trunc uint uint16
    uint32 uint64 uint8 uintc uintp ulong ulonglong union1d unique unique_all unique_counts unique_inverse
    unique_values unravel_index unstack unwrap ushort vander var vdot vecdot vsplit vstack where zeros
    zeros_like
"""

# Not np.vecmat and np.choose: NumPy 2.4 writes past the end of a result that is not contiguous.
_NUMPY_LINALG = """
    cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul matrix_norm matrix_power
    matrix_rank matrix_transpose multi_dot norm outer pinv qr slogdet solve svd svdvals tensordot tensorinv
    tensorsolve trace vecdot vector_norm
"""

_NUMPY_FFT = """
    fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft rfft2 rfftfreq
    rfftn
"""

_MATH = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist erf erfc exp exp2 expm1
    fabs factorial floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf isnan isqrt lcm ldexp lgamma log
    log10 log1p log2 modf nextafter perm pow prod radians remainder sin sinh sqrt tan tanh trunc ulp
"""

_OPS_IMAGE = """
    affine_transform crop_images elastic_transform extract_patches extract_patches_3d gaussian_blur hsv_to_rgb
    map_coordinates pad_images perspective_transform resize rgb_to_grayscale rgb_to_hsv scale_and_translate
    sobel_edges ssim
"""

_KERAS_RANDOM = """
    beta binomial categorical dropout gamma normal randint shuffle truncated_normal uniform
"""

_TF_SPECIAL = """
    bessel_i0 bessel_i0e bessel_i1 bessel_i1e bessel_j0 bessel_j1 bessel_k0 bessel_k0e bessel_k1 bessel_k1e
    bessel_y0 bessel_y1 dawsn expint fresnel_cos fresnel_sin spence
"""

_TF_1 = """
    abs add cast clip_by_value concat cond constant div div_no_nan equal exp expand_dims floor floordiv gather
    identity is_finite is_inf is_nan lgamma log log1p maximum minimum multiply ones_like pow reciprocal reduce_all
    reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_sum reshape round rsqrt shape sigmoid sign
    sqrt square squared_difference squeeze stack stop_gradient subtract tile to_double to_float to_int32 transpose
    where zeros_like
"""

_TF_1_LOSSES = """
    absolute_difference cosine_distance hinge_loss huber_loss log_loss mean_pairwise_squared_error
    mean_squared_error sigmoid_cross_entropy softmax_cross_entropy sparse_softmax_cross_entropy
"""

_EPSILON = "epsilon floatx image_data_format"


def _keras(root: str) -> dict[str, str]:
    """The same families below `keras` and below `tf.keras`; names that only one of them has fail as they do there."""
    losses = LOSSES + LOSS_CLASSES
    operations = {f"{root}.ops{part}": _OPS for part in ("", ".numpy", ".nn", ".linalg")}
    return operations | {
        f"{root}.ops.image": _OPS_IMAGE,
        f"{root}.losses": losses,
        f"{root}.losses.Reduction": "AUTO NONE SUM SUM_OVER_BATCH_SIZE",
        f"{root}.metrics": _METRICS + LOSSES,
        f"{root}.activations": _ACTIVATIONS,
        f"{root}.backend": _BACKEND + "name_scope",
        f"{root}.config": _EPSILON,
        f"{root}.random": _KERAS_RANDOM,
        f"{root}.utils": "to_categorical normalize is_keras_tensor",
    }


# family -> the names in it
TABLE: dict[str, frozenset[str]] = {
    family: frozenset(names.split())
    for family, names in {
        "tf": _TF + _DTYPES + "newaxis Assert Tensor TensorShape Variable name_scope control_dependencies no_op",
        "tf.math": _TF_MATH,
        "tf.math.special": _TF_SPECIAL,
        "tf.nn": _TF_NN,
        "tf.linalg": _TF_LINALG,
        "tf.signal": _TF_SIGNAL,
        "tf.image": _TF_IMAGE,
        "tf.image.ResizeMethod": "AREA BICUBIC BILINEAR GAUSSIAN LANCZOS3 LANCZOS5 MITCHELLCUBIC NEAREST_NEIGHBOR",
        "tf.random": _TF_RANDOM,
        "tf.debugging": _TF_DEBUGGING + "Assert",
        "tf.sparse": "from_dense to_dense",
        "tf.bitwise": "bitwise_and bitwise_or bitwise_xor invert left_shift right_shift",
        "tf.dtypes": _DTYPES + "cast saturate_cast complex",
        "tf.losses": LOSSES + LOSS_CLASSES,
        "tf.losses.Reduction": "AUTO NONE SUM SUM_OVER_BATCH_SIZE",
        "tf.metrics": _METRICS + LOSSES,
        "tf.compat.v1": _TF_1,
        "tf.compat.v1.losses": _TF_1_LOSSES,
        **_keras("keras"),
        **_keras("tf.keras"),
        "np": _NUMPY + "e euler_gamma inf nan newaxis pi",
        "np.linalg": _NUMPY_LINALG,
        "np.fft": _NUMPY_FFT,
        "np.random": "normal permutation rand randint randn random standard_normal uniform",
        "functools": "partial reduce",
        "math": _MATH + "e inf nan pi tau",
    }.items()
}
