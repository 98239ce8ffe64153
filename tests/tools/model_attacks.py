"""Hostile texts that only models have, as data: (name, text, what must become of it), as in `attacks`.

"refused": by the first wall, at admission or while the text is built. "limited": only there is too much of it.
"""

from tests.tools.attacks import LIMITED, REFUSED, TRACE

_HEAD = "import numpy as np\nimport tensorflow as tf\nimport keras\nfrom keras import layers\n"


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def _model(first: str, before: str = "") -> str:
    """A functional model whose first layer is this expression."""
    return (
        f"{_HEAD}{before}\ninputs = keras.Input((6, 3))\nx = {first}\nx = layers.Dense(1)(x)\n"
        "model = keras.Model(inputs, x)\n"
    )


def _layer(call: str = "return x", before: str = "", members: str = "", use: str = "") -> str:
    """A layer of the text's own that does `call` on x, with `before` in its constructor and more `members`."""
    return (
        f"{_HEAD}class Own(layers.Layer):\n"
        "    def __init__(self, **kwargs):\n        super().__init__(**kwargs)\n"
        f"{_indented(before, 8)}    def call(self, x, mask=None):\n{_indented(call, 8)}{_indented(members, 4)}"
        f"inputs = keras.Input((6, 3))\nlayer = Own()\n{use}\n"
        "model = keras.Model(inputs, layers.Dense(1)(layer(inputs)))\n"
    )


# Expressions that stand where a layer is put on `inputs`.
_FIRST = {
    "a saved model as a layer": f"layers.TFSMLayer('{TRACE}')(inputs)",
    "a vocabulary of a file": f"layers.StringLookup(vocabulary='{TRACE}')(inputs)",
    "a vocabulary of integers": f"layers.IntegerLookup(vocabulary='{TRACE}')(inputs)",
    "words read by a layer": f"layers.TextVectorization(vocabulary='{TRACE}')(inputs)",
    "hashing": "layers.Hashing(num_bins=3)(inputs)",
    "a function of another program": "layers.TorchModuleWrapper(inputs)",
    "a function of jax": "layers.JaxLayer(call_fn=print)(inputs)",
    "the base class itself": "layers.Layer(activity_regularizer={'class_name': 'L2'})(inputs)",
    "a layer from a configuration": "layers.deserialize({'class_name': 'Dense', 'config': {'units': 1}})(inputs)",
    "a layer by from_config": "layers.Dense.from_config({'units': 1})(inputs)",
    "the configuration of a layer": "layers.Dense(**layers.Dense(1).get_config())(inputs)",
    "an activation by dictionary": "layers.Dense(2, activation={'class_name': 'function', 'config': 'relu'})(inputs)",
    "an initializer by dictionary": "layers.Dense(2, kernel_initializer={'class_name': 'Zeros', 'config': {}})(inputs)",
    "a regularizer by dictionary": "layers.Dense(2, kernel_regularizer={'class_name': 'L2', 'config': {}})(inputs)",
    "a constraint by dictionary": "layers.Dense(2, bias_constraint=dict(class_name='NonNeg', config={}))(inputs)",
    "an activation by a dotted name": "layers.Dense(2, activation='keras.src.utils.get_file')(inputs)",
    "an initializer by a path": f"layers.Dense(2, kernel_initializer='{TRACE}')(inputs)",
    "an initializer by an unknown name": "layers.Dense(2, kernel_initializer='get_file')(inputs)",
    "a dictionary by star": "layers.Dense(**{'units': 2, 'activation': {'class_name': 'ReLU'}})(inputs)",
    "a dictionary in a list": "layers.Dot(axes=[{'class_name': 'ReLU'}])([inputs, inputs])",
    "an argument that is not listed": "layers.Dense(2, quantization_config='int8')(inputs)",
    "ranks of another kind": "layers.Dense(2, lora_rank=2)(inputs)",
    "a policy as dtype": "layers.Dense(2, dtype='mixed_float16')(inputs)",
    "a policy as a dictionary": "layers.Dense(2, dtype={'class_name': 'DTypePolicy', 'config': {}})(inputs)",
    "a policy as an object": "layers.Dense(2, dtype=keras.dtype_policies.DTypePolicy('int8'))(inputs)",
    "a policy for everybody": "keras.config.set_dtype_policy('float16') or layers.Dense(2)(inputs)",
    "a type for everybody": "keras.backend.set_floatx('float64') or layers.Dense(2)(inputs)",
    "epsilon for everybody": "keras.config.set_epsilon(1.0) or layers.Dense(2)(inputs)",
    "unsafe loading for everybody": "keras.config.enable_unsafe_deserialization() or layers.Dense(2)(inputs)",
    "a seed for everybody": "keras.utils.set_random_seed(1) or layers.Dense(2)(inputs)",
    "custom objects for everybody": "keras.utils.get_custom_objects().update(a=1) or layers.Dense(2)(inputs)",
    "a registered class": "keras.saving.register_keras_serializable()(print) or layers.Dense(2)(inputs)",
    "a file from the network": f"keras.utils.get_file('{TRACE}', 'x') or layers.Dense(2)(inputs)",
    "a picture of the model": f"keras.utils.plot_model(layers, '{TRACE}') or layers.Dense(2)(inputs)",
    "a downloaded model": "keras.applications.VGG16()(inputs)",
    "a loaded model": f"keras.models.load_model('{TRACE}')(inputs)",
    "a model of a text": "keras.models.model_from_json('{}')(inputs)",
    "a cloned model": "keras.models.clone_model(inputs, clone_function=print)(inputs)",
    "a foreign function in Lambda": "layers.Lambda(keras.utils.get_file)(inputs)",
    "a dictionary as a function in Lambda": "layers.Lambda({'class_name': 'function', 'config': 'relu'})(inputs)",
    "Python run by Lambda": "layers.Lambda(lambda x: eval('1'))(inputs)",
    "a dictionary of objects for Lambda": "layers.Lambda(lambda x, a: x, arguments={'a': {'b': layers}})(inputs)",
    "a module for Lambda": "layers.Lambda(tf)(inputs)",
    "graph of a symbolic tensor": "layers.Dense(2)(inputs).graph",
    "history of a symbolic tensor": "inputs._keras_history.operation",
    "class of a symbolic tensor": "inputs.__class__",
    "class of a layer": "layers.Dense(2).__class__",
    "fields of a layer": "layers.Dense(2).__dict__",
    "tracker of a layer": "layers.Dense(2)._tracker",
    "a saved file of weights": f"keras.Sequential([layers.Dense(2)]).save_weights('{TRACE}') or inputs",
    "weights of a file": f"keras.Sequential([layers.Dense(2)]).load_weights('{TRACE}') or inputs",
    "an exported model": f"keras.Sequential([layers.Dense(2)]).export('{TRACE}') or inputs",
    "a trained model": "keras.Sequential([layers.Dense(2)]).fit(np.ones((1, 2))) or inputs",
    "a function of the optimizer": "keras.optimizers.Adam().apply(inputs)",
    "a callback": f"keras.callbacks.ModelCheckpoint('{TRACE}')(inputs)",
    "an inner node of a layer": "layers.Dense(2)._inbound_nodes[0]",
    "a very long name": "layers.Dense(2, name='a' * 100000)(inputs)",
    "a name that formats": "layers.Dense(2, name='{0.graph}')(inputs)",
    "a name that is a path": f"layers.Dense(2, name='..{TRACE}')(inputs)",
    "a name that is a list": "layers.Dense(2, name=['a'])(inputs)",
    "a text that formats attributes": "layers.Dense(2, name='{0.graph}'.format(inputs))(inputs)",
    "a text that formats a width": "layers.Dense(2, name='{:>1000000}'.format(1))(inputs)",
    "a text of a tensor": "layers.Dense(2, name='{}'.format(inputs))(inputs)",
    "an activation by get": "layers.Dense(2, activation=keras.activations.get({'class_name': 'ReLU'}))(inputs)",
    "a regularizer by get": "layers.Dense(2, kernel_regularizer=keras.regularizers.get('get_file'))(inputs)",
    "an f-string with a format": "layers.Dense(2, name=f'{inputs:>10000000}')(inputs)",
    "an f-string of a tensor": "layers.Dense(2, name=f'{inputs}')(inputs)",
    "an f-string with repr": "layers.Dense(2, name=f'{inputs!r}')(inputs)",
    "weights of 10^10": "layers.Dense(10**10)(inputs)",
    "weights of 10^6 by words": "layers.Embedding(10**6, 300)(layers.Flatten()(inputs))",
    "weights in a wrapped layer": "layers.Bidirectional(layers.LSTM(10**4))(inputs)",
    "weights in heads": "layers.MultiHeadAttention(1000, 1000)(inputs, inputs)",
    "weights added up by many layers": "keras.Sequential([layers.Dense(200) for i in range(100)])(inputs)",
    "a thousand small layers": "keras.Sequential([layers.Dense(1) for i in range(3000)])(inputs)",
    "an initializer of huge numbers": "keras.initializers.get({'class_name': 'Zeros'})((2,)) or inputs",
    "an initializer by a class of Python": "layers.Dense(2, kernel_initializer=dict)(inputs)",
    "an activation by a class of Python": "layers.Dense(2, activation=dict)(inputs)",
}

# What a layer of the text's own would do. (call, in the constructor, more members, after it is made)
_OWN: dict[str, tuple[str, str, str, str]] = {
    "saving itself": (f"return self.save('{TRACE}') or x", "", "", ""),
    "saving its variables": ("self.save_own_variables({})\nreturn x", "", "", ""),
    "its tracker": ("return x", "self._tracker.unlock()", "", ""),
    "its fields": ("return self.__dict__", "", "", ""),
    "its class": ("return self.__class__", "", "", ""),
    "its configuration": ("return self.get_config()['name']", "", "", ""),
    "state in a call": ("self.count.assign_add(1.0)\nreturn x", "self.count = self.add_weight(shape=())", "", ""),
    "a hook for subclasses": ("return x", "", "def __init_subclass__(cls):\n    pass", ""),
    "a hook for names": ("return x", "", "def __set_name__(self, a, b):\n    pass", ""),
    "a descriptor": ("return x", "", "def __get__(self, a, b):\n    return 1", ""),
    "a property": ("return x", "", "@property\ndef losses(self):\n    return []", ""),
    "a class method": ("return x", "", "@classmethod\ndef make(cls):\n    return cls", ""),
    "attribute access": ("return x", "", "def __getattr__(self, name):\n    return 1", ""),
    "attribute setting": ("return x", "", "def __setattr__(self, name, value):\n    pass", ""),
    "its own call of everything": ("return x", "", "def __call__(self, x):\n    return x", ""),
    "a metaclass": ("return x", "", "", "class B(layers.Layer, metaclass=type):\n    pass\nlayer = B()"),
    "two bases": ("return x", "", "", "class B(layers.Dense, layers.Layer):\n    pass\nlayer = B(1)"),
    "a base of TensorFlow": ("return x", "", "", "class B(tf.Module):\n    pass\nlayer = B()"),
    "a base of saving": ("return x", "", "", "class B(keras.callbacks.Callback):\n    pass\nlayer = B()"),
    "names in compute_mask": ("return x", "", "def compute_mask(self, x, mask=None):\n    return open('x')", ""),
    "class of a mask": ("return mask.__class__", "", "", ""),
    "history of its input": ("return x._keras_history", "", "", ""),
    "an initializer by dictionary for its weight": (
        "return x", "self.w = self.add_weight(shape=(1,), initializer={'class_name': 'Zeros'})", "", "",
    ),
    "an initializer that is a function": (
        "return x", "self.w = self.add_weight(shape=(1,), initializer=lambda shape: tf.io.read_file('x'))", "", "",
    ),
    "a weight of 10^10": ("return x", "self.w = self.add_weight(shape=(10**5, 10**5))", "", ""),
    "a weight whose size is an array's": ("return x", "self.w = self.add_weight(shape=(np.int64(10**10),))", "", ""),
    "many weights": ("return x", "self.w = [self.add_weight(shape=()) for i in range(10**5)]", "", ""),
    "a weight with a dictionary": ("return x", "self.w = self.add_weight(shape=(1,), regularizer={'a': 1})", "", ""),
    "a policy in its constructor": ("return x", "super().__init__(dtype={'class_name': 'DTypePolicy'})", "", ""),
    "what it is trained with": ("return x", "self.supports_masking = 'yes'", "", ""),
    "a huge state": ("return x", "self.state_size = 'a'", "", ""),
    "a private field of a layer": ("return x", "", "", "layer._tracker = None"),
    "a method of a layer put": ("return x", "", "", "layer.call = print"),
    "trainable of anything": ("return x", "", "", "layer.trainable = 'no'"),
    "an imported module": ("import os\nreturn x", "", "", ""),
    "a tape in a call": ("with tf.GradientTape() as tape:\n    pass\nreturn x", "", "", ""),
    "Python from a graph": ("return tf.py_function(lambda v: v, [x], tf.float32) if open('x') else x", "", "", ""),
    "an exception of its own": ("raise Own('x')", "", "", ""),
    "an exception that prints": ("return x", "", "", "class E(Exception):\n    pass\nlayer = E()"),
    "layers in themselves": ("return x", "self.own = layers.TimeDistributed(self)", "", ""),
    "itself in a wrapper": ("return layers.Bidirectional(self)(x)", "", "", ""),
    "a decorator": ("return x", "", "@layers\ndef f(self):\n    return 1", ""),
    "a build hook by constant": ("return x", "", "build = 3", ""),
    "a loop that never ends": ("while True:\n    pass", "", "", ""),
}  # fmt: skip


def _build(body: str, head: str = "def build(timesteps, features):") -> str:
    return f"{_HEAD}{head}\n{_indented(body, 4)}    return keras.Sequential([layers.Dense(1)])\n"


_TEXTS = {
    "a build that reads": _build("open('/etc/passwd')"),
    "a build that imports": _build("os.getcwd()", "import os\ndef build(timesteps, features):"),
    "a build that gives a number": _build("return 3"),
    "a build that gives a layer": _build("return layers.Dense(1)"),
    "no model": "x = 1\n",
    "a default that opens": _build("", "def build(timesteps, features, a=open('x')):"),
    "a decorator on build": _build("", "@keras.saving.load_model\ndef build(timesteps, features):"),
    "an annotation that runs": _build("", "def build(timesteps: open('x'), features):"),
    "a model of a name that is none": "model = keras.Sequential([Nothing(3)])\n",
}  # fmt: skip

_LIMITED = {
    "a build that never ends": _build("for i in range(10**15):\n    pass"),
    "a call that never ends": _layer("for i in range(10**12):\n    x = x + 1.0\nreturn x"),
    "memory in a call": _layer("return x + tf.reduce_sum(tf.ones([10**5, 10**5]))"),
    "memory by RepeatVector": _model("layers.RepeatVector(10**9)(layers.Flatten()(inputs))"),
    "memory by padding": _model("layers.ZeroPadding1D(10**9)(inputs)"),
    "a layer that calls itself": _layer("return self.call(x)"),
    "a mask that asks for itself": _layer(
        members="def compute_mask(self, x, mask=None):\n    return self.compute_mask(x)"
    ),
    "a layer in itself": _layer(members="def keep(self, x):\n    self.own = x", use="layer.keep(layer)"),
    "wrappers in wrappers": _model(
        "d(inputs)", "d = layers.Dense(1)\nfor i in range(10**5):\n    d = layers.TimeDistributed(d)"
    ),
    "a custom gradient that never ends": _layer(
        "return f(x)",
        use="@tf.custom_gradient\ndef f(x):\n    for i in range(10**15):\n        pass\n    return x, lambda d: d",
    ),
    "an exception as long as a book": _layer("raise ValueError(str(list(range(10**6))))"),
}  # fmt: skip

MODEL_ATTACKS: list[tuple[str, str, str]] = [
    *((name, _model(first), REFUSED) for name, first in _FIRST.items()),
    *((name, _layer(*parts), REFUSED) for name, parts in _OWN.items()),
    *((name, text, REFUSED) for name, text in _TEXTS.items()),
    *((name, text, LIMITED) for name, text in _LIMITED.items()),
]
