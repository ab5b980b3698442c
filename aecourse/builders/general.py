"""Autoencoders as Keras functional models: the published architectures by name, and general ones.

Every model that a function here returns is compiled, so that ``model.fit`` or
``training.fit`` can be called on it at once, and carries two further models that share its
weights: ``model.encoder`` (rows → code) and ``model.decoder`` (code → rows).

The published architectures are built as they were printed, faults included; `SEEDS` names them.
The general builders are the ones to use on data of your own.
"""

import warnings

import numpy as np
from sklearn.utils import check_random_state

from aecourse._support.tensorflow import keras

layers, ops = keras.layers, keras.ops

__all__ = [
    "SEEDS",
    "ActivityL1",
    "GaussianCode",
    "KLSparsity",
    "MaskingNoise",
    "TiedDense",
    "attach_parts",
    "convolutional",
    "convolutional_1d",
    "dense",
    "denoising",
    "eight_step",
    "imbalanced_lab",
    "iris_printed",
    "mnist_zeros",
    "output_activation",
    "sparse",
    "theano_symbolic",
    "theory_code32",
    "tied",
    "variational",
]

_CODE = "code"  # the name of the layer that ends the encoder


# ---------------------------------------------------------------------------- checks


def _positive_int(value, name):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1; found {value!r}.")
    return int(value)


def _units(values, name):
    """Return layer widths as a tuple; a single number is one layer."""
    if isinstance(values, (int, np.integer)):
        values = (values,)
    try:
        values = tuple(values)
    except TypeError as error:
        raise ValueError(
            f"{name} must be a tuple of layer widths, such as (64, 32); found {values!r}."
        ) from error
    return tuple(_positive_int(value, f"{name}[{i}]") for i, value in enumerate(values))


def _number(value, name, low, high=None, low_inside=False):
    """Return a float in (low, high), or in [low, high) where ``low_inside``."""
    limits = f"{'at least' if low_inside else 'above'} {low}"
    limits += "" if high is None else f" and below {high}"
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number {limits}; found {value!r}.") from error
    inside = number >= low if low_inside else number > low
    if not inside or (high is not None and number >= high) or not np.isfinite(number):
        raise ValueError(f"{name} must be a number {limits}; found {value!r}.")
    return number


def _warn_overcomplete(code_size, n_features, stacklevel=3):
    if code_size >= n_features:
        warnings.warn(
            f"The code has {code_size} units for {n_features} features, so it is no bottleneck: the "
            "network can learn to copy its input, anomalies included, and their reconstruction "
            f"error will be as small as that of normal rows. Use a code_size below {n_features}, "
            "or noise or a sparsity penalty that makes copying costly.",
            UserWarning,
            stacklevel=stacklevel,
        )


# ---------------------------------------------------------------------------- small parts


class _Seeds:
    """An endless supply of distinct integer seeds, the same for the same ``random_state``."""

    def __init__(self, random_state):
        try:
            self._rng = check_random_state(random_state)
        except ValueError as error:
            raise ValueError(
                f"random_state must be None, a whole number of at least 0, or a "
                f"numpy RandomState; found {random_state!r}."
            ) from error

    def __call__(self):
        return int(self._rng.randint(2**31 - 1))

    def glorot(self):
        return keras.initializers.GlorotUniform(seed=self())


def _dense(units, activation, seeds, dtype, name=None, **more):
    """A Keras Dense layer with Keras's own default initialiser, seeded."""
    return layers.Dense(
        units, activation=activation, kernel_initializer=seeds.glorot(), dtype=dtype, name=name, **more
    )


def _stack(inputs, chain):
    for layer in chain:
        inputs = layer(inputs)
    return inputs


def _loss(name, dtype):
    """A loss that computes in the model's own precision.

    Keras computes a loss given by name in ``keras.config.floatx()``, whatever the model's dtype.
    """
    if not isinstance(name, str):
        return name
    if name not in _LOSSES:
        raise ValueError(f"loss must be one of {sorted(_LOSSES)} or a keras.losses.Loss; found {name!r}.")
    return getattr(keras.losses, _LOSSES[name])(dtype=dtype)


_LOSSES = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "binary_crossentropy": "BinaryCrossentropy",
    "huber": "Huber",
}


def _finish(inputs, outputs, name, optimizer, loss, dtype):
    model = keras.Model(inputs, outputs, name=name)
    model.compile(optimizer=optimizer, loss=_loss(loss, dtype))
    model.optimizer.build(model.trainable_variables)  # so that the model can be saved before it is trained
    return attach_parts(model)


def _optimizer(name, learning_rate):
    """An optimizer by Keras's name for it, at a learning rate of its own if one is given."""
    if not isinstance(name, str):
        return name
    config = {} if learning_rate is None else {"learning_rate": _number(learning_rate, "learning_rate", 0)}
    try:
        return keras.optimizers.get({"class_name": name, "config": config})
    except ValueError as error:
        raise ValueError(
            f"optimizer must be a Keras optimizer or its name, such as 'adam'; found {name!r}."
        ) from error


def attach_parts(model):
    """Give a functional autoencoder its ``.encoder`` and ``.decoder``, which share its weights.

    The encoder ends at the layer named ``"code"``. The builders call this; call it yourself after
    ``keras.models.load_model`` or ``keras.models.clone_model``, which return the whole model only.

    Parameters
    ----------
    model : keras.Model
        A functional model with one input, one output and a layer named ``"code"`` between them.

    Returns
    -------
    keras.Model
        The same object, with the attributes ``encoder`` and ``decoder`` set.

    Raises
    ------
    ValueError
        Where the model is not functional or has no layer named ``"code"``.

    Examples
    --------
    >>> import keras
    >>> from aecourse import builders
    >>> copy = builders.attach_parts(keras.models.clone_model(builders.dense(6, code_size=2)))
    >>> copy.encoder.output_shape, copy.decoder.output_shape
    ((None, 2), (None, 6))
    """
    names = [layer.name for layer in getattr(model, "layers", [])]
    if _CODE not in names or not isinstance(model, keras.Model) or not hasattr(model, "output"):
        raise ValueError(
            f"model must be a functional Keras model with a layer named {_CODE!r}, the "
            f"last one of the encoder; found a {type(model).__name__} with layers {names}."
        )
    code = model.get_layer(_CODE).output
    # Set past Keras's attribute tracking: the parts own no weights, so they must not be
    # counted or saved a second time.
    object.__setattr__(model, "encoder", keras.Model(model.input, code, name="encoder"))
    tail = keras.Model(code, model.output)
    start = keras.Input(code.shape[1:], dtype=code.dtype, name="code_input")
    object.__setattr__(model, "decoder", keras.Model(start, tail.call(start), name="decoder"))
    return model


def output_activation(X):
    """Choose the output layer's activation from the range of the data.

    A sigmoid reaches (0, 1) only, so it fits data that lie in [0, 1], and nothing else.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Training rows, as they are given to the model (after scaling).

    Returns
    -------
    str
        ``"sigmoid"`` where every value lies in [0, 1], otherwise ``"linear"``.

    Raises
    ------
    ValueError
        Where X is empty or holds NaN or infinite values.

    Examples
    --------
    >>> from aecourse import builders
    >>> builders.output_activation([[0.0, 0.5], [1.0, 0.25]])
    'sigmoid'
    >>> builders.output_activation([[-1.2, 0.5], [1.0, 0.25]])
    'linear'
    """
    X = np.asarray(X)
    if X.size == 0:
        raise ValueError("X is empty; pass the training rows.")
    low, high = float(X.min()), float(X.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("X holds NaN or infinite values. Fill or drop them before this call.")
    rounding = 1e-9  # scikit-learn's MinMaxScaler returns 1.0000000000000002 for its own largest value
    return "sigmoid" if low >= -rounding and high <= 1 + rounding else "linear"


def _choose_output(output, X):
    if output != "auto":
        return output
    if X is None:
        return "linear"  # reaches every value, so it is right where nothing is known of the data
    return output_activation(X)


# ---------------------------------------------------------------------------- custom layers


def _penalty(value):
    """Cast a penalty to ``floatx``, in which Keras keeps the loss that it is added to.

    Without it a float64 model with a penalty cannot be trained.
    """
    return ops.cast(value, keras.config.floatx())


@keras.saving.register_keras_serializable(package="aecourse")
class ActivityL1(keras.regularizers.L1):
    """Keras's L1 penalty, for the activity of layers of any dtype.

    Parameters
    ----------
    l1 : float
        Factor of the sum of the absolute values.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> round(float(builders.ActivityL1(0.5)(np.array([[1.0, -3.0]]))), 3)
    2.0
    """

    def __call__(self, x):
        return _penalty(super().__call__(x))


@keras.saving.register_keras_serializable(package="aecourse")
class TiedDense(layers.Layer):
    """A dense layer whose one kernel works in both directions.

    Called plainly it encodes, ``activation(x W + b)``. Called with ``transpose=True`` it decodes with
    the transposed kernel and a bias of its own, ``back_activation(h Wᵀ + c)``. The two calls are two
    nodes of one layer, so the weights stay tied through saving, loading and cloning.

    Parameters
    ----------
    units : int
        Width of the code side.
    activation, back_activation : str or callable
        Activations of the encoding and of the decoding call.
    kernel_initializer : str or keras.initializers.Initializer
        How the shared kernel starts.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010). Stacked denoising autoencoders.
    Journal of Machine Learning Research 11, section 2.2 (tied weights).

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> layer = builders.TiedDense(2)
    >>> code = layer(np.ones((3, 5), dtype="float32"))
    >>> code.shape, layer(code, transpose=True).shape, [tuple(w.shape) for w in layer.weights]
    (TensorShape([3, 2]), TensorShape([3, 5]), [(5, 2), (2,), (5,)])
    """

    def __init__(
        self,
        units,
        activation="linear",
        back_activation="linear",
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = _positive_int(units, "units")
        self.activation = keras.activations.get(activation)
        self.back_activation = keras.activations.get(back_activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        width = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(width, self.units), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.back_bias = self.add_weight(name="back_bias", shape=(width,), initializer="zeros")

    def call(self, inputs, transpose=False):
        if transpose:
            return self.back_activation(ops.matmul(inputs, ops.transpose(self.kernel)) + self.back_bias)
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def get_config(self):
        return super().get_config() | {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "back_activation": keras.activations.serialize(self.back_activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="aecourse")
class MaskingNoise(layers.Layer):
    """Set a random share of the inputs to zero, in training only.

    Unlike dropout, the inputs that stay are not scaled up: the network must fill the gaps.

    Parameters
    ----------
    rate : float
        Share of the inputs to set to zero, in [0, 1).
    seed : int, optional
        Seed of the layer's random generator.

    References
    ----------
    Vincent, Larochelle, Bengio, Manzagol (2008). Extracting and composing robust features with
    denoising autoencoders. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> noise = builders.MaskingNoise(0.5, seed=0)
    >>> x = np.ones((4, 100), dtype="float32")
    >>> float(noise(x).numpy().mean())   # at prediction, nothing is masked
    1.0
    >>> sorted({float(v) for v in noise(x, training=True).numpy().ravel()})
    [0.0, 1.0]
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = _number(rate, "rate", 0, 1, low_inside=True)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        draw = keras.random.uniform(ops.shape(inputs), dtype=self.compute_dtype, seed=self.seed_generator)
        return inputs * ops.cast(draw >= self.rate, self.compute_dtype)

    def get_config(self):
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="aecourse")
class KLSparsity(layers.Layer):
    """Pass codes in (0, 1) through, and add a loss where their mean activation leaves a target.

    The loss is ``weight`` · Σ over units of KL(Bernoulli(target) ‖ Bernoulli(mean activation of the
    unit over the batch)).

    Parameters
    ----------
    target : float
        Wanted mean activation of each unit, in (0, 1).
    weight : float
        Factor of the penalty, at least 0.

    References
    ----------
    Ng (2011). Sparse autoencoder. CS294A lecture notes, Stanford University, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> layer = builders.KLSparsity(target=0.1, weight=1.0)
    >>> _ = layer(np.full((8, 3), 0.1, dtype="float32"))
    >>> round(abs(float(layer.losses[0])), 5)   # on target: no penalty
    0.0
    >>> _ = layer(np.full((8, 3), 0.5, dtype="float32"))
    >>> round(float(layer.losses[-1]), 4)
    1.1042
    """

    def __init__(self, target=0.05, weight=0.1, **kwargs):
        super().__init__(**kwargs)
        self.target = _number(target, "target", 0, 1)
        self.weight = _number(weight, "weight", 0, low_inside=True)
        self.built = True

    def call(self, inputs):
        tiny = keras.config.epsilon()
        mean = ops.clip(ops.mean(inputs, axis=0), tiny, 1 - tiny)
        divergence = self.target * (np.log(self.target) - ops.log(mean)) + (1 - self.target) * (
            np.log(1 - self.target) - ops.log(1 - mean)
        )
        self.add_loss(_penalty(self.weight * ops.sum(divergence)))
        return inputs

    def get_config(self):
        return super().get_config() | {"target": self.target, "weight": self.weight}


@keras.saving.register_keras_serializable(package="aecourse")
class GaussianCode(layers.Layer):
    """Draw a code from N(mean, exp(log_var)), and add its divergence from N(0, 1) to the loss.

    In training the code is ``mean + exp(log_var / 2) · noise``; at prediction it is the mean. The
    added loss is ``weight`` · mean over rows of ½ Σ (mean² + exp(log_var) − 1 − log_var).

    Parameters
    ----------
    weight : float
        Factor of the divergence, at least 0.
    seed : int, optional
        Seed of the layer's random generator.

    References
    ----------
    Kingma, Welling (2014). Auto-encoding variational Bayes. ICLR, appendix B.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> layer = builders.GaussianCode(weight=1.0, seed=0)
    >>> mean, log_var = np.ones((4, 3), dtype="float32"), np.zeros((4, 3), dtype="float32")
    >>> bool((layer([mean, log_var]).numpy() == mean).all())
    True
    >>> float(layer.losses[0])   # half of 3 squared means
    1.5
    """

    def __init__(self, weight=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.weight = _number(weight, "weight", 0, low_inside=True)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        mean, log_var = inputs
        rows = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_var) - 1.0 - log_var, axis=-1)
        self.add_loss(_penalty(self.weight * ops.mean(rows)))
        if not training:
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=self.compute_dtype, seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_var) * noise

    def get_config(self):
        return super().get_config() | {"weight": self.weight, "seed": self.seed}


# ---------------------------------------------------------------------------- general builders


def _widths(n_features, hidden, code_size):
    n_features = _positive_int(n_features, "n_features")
    if code_size is None:
        code_size = max(1, n_features // 4)
    return n_features, _units(hidden, "hidden"), _positive_int(code_size, "code_size")


def _decoder_chain(hidden, n_features, activation, output, seeds, dtype):
    chain = [
        _dense(units, activation, seeds, dtype, name=f"decoder_{i}")
        for i, units in enumerate(reversed(hidden), start=1)
    ]
    return [*chain, _dense(n_features, output, seeds, dtype, name="output")]


def _encoder_chain(hidden, activation, seeds, dtype):
    return [
        _dense(units, activation, seeds, dtype, name=f"encoder_{i}")
        for i, units in enumerate(hidden, start=1)
    ]


def dense(
    n_features,
    hidden=(64, 32),
    code_size=None,
    *,
    activation="relu",
    code_activation=None,
    output="auto",
    X=None,
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a dense autoencoder: hidden layers down to a code, and the same widths back up.

    Parameters
    ----------
    n_features : int
        Number of columns of the data.
    hidden : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them. ``()`` for none.
    code_size : int, optional
        Width of the code; a quarter of ``n_features`` where it is not given.
    activation : str
        Activation of the hidden layers, by Keras's name for it.
    code_activation : str, optional
        Activation of the code; that of the hidden layers where it is not given.
    output : {"auto", "linear", "sigmoid"} or another activation
        ``"auto"`` chooses by `output_activation` from ``X``, or linear where there is no ``X``.
    X : array-like of shape (n, n_features), optional
        Training rows, as they will be given to the model; used for ``output="auto"`` only.
    optimizer : str or keras.optimizers.Optimizer
        Optimizer, by Keras's name or as an object.
    learning_rate : float, optional
        Step size for an optimizer given by name; Keras's own default where it is not given.
    loss : {"mse", "mae", "binary_crossentropy", "huber"} or keras.losses.Loss
        Reconstruction loss, computed in the model's dtype.
    random_state : int, RandomState or None
        Seeds the initial weights; each layer gets a seed of its own.
    dtype : str, optional
        Precision of the weights and the arithmetic; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model, rows of shape (n, n_features) to rows of the same shape, with
        ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range.

    Warns
    -----
    UserWarning
        Where the code is no narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.dense(20, hidden=(12,), code_size=4)
    >>> [layer.name for layer in model.layers]
    ['input', 'encoder_1', 'code', 'decoder_1', 'output']
    >>> model.encoder.output_shape, model.layers[-1].activation.__name__
    ((None, 4), 'linear')
    """
    n_features, hidden, code_size = _widths(n_features, hidden, code_size)
    _warn_overcomplete(code_size, n_features)
    return _plain(
        n_features,
        hidden,
        code_size,
        activation,
        code_activation or activation,
        _choose_output(output, X),
        "dense",
        _optimizer(optimizer, learning_rate),
        loss,
        random_state,
        dtype,
    )


def _plain(
    n_features,
    hidden,
    code_size,
    activation,
    code_activation,
    output,
    name,
    optimizer,
    loss,
    random_state,
    dtype,
):
    seeds = _Seeds(random_state)
    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    outputs = _stack(
        inputs,
        [
            *_encoder_chain(hidden, activation, seeds, dtype),
            _dense(code_size, code_activation, seeds, dtype, name=_CODE),
            *_decoder_chain(hidden, n_features, activation, output, seeds, dtype),
        ],
    )
    return _finish(inputs, outputs, name, optimizer, loss, dtype)


def tied(
    n_features,
    hidden=(64, 32),
    code_size=None,
    *,
    activation="tanh",
    output="auto",
    X=None,
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a dense autoencoder whose decoder uses the encoder's kernels, transposed.

    It has about half the weights of `dense`, and a linear one of a single layer is nearer to PCA.
    Each `TiedDense` layer is used twice, so it stands once in ``model.layers``.

    Parameters
    ----------
    n_features, hidden, code_size, output, X, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    activation : str
        Activation of the hidden layers and of the code.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range.

    Warns
    -----
    UserWarning
        Where the code is no narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> tied, free = (build(20, (12,), 4) for build in (builders.tied, builders.dense))
    >>> tied.count_params(), free.count_params()
    (336, 624)
    """
    n_features, hidden, code_size = _widths(n_features, hidden, code_size)
    _warn_overcomplete(code_size, n_features)
    seeds = _Seeds(random_state)
    backs = [_choose_output(output, X), *[activation] * len(hidden)]
    chain = [
        TiedDense(units, activation, back, seeds.glorot(), dtype=dtype, name=f"tied_{i}")
        for i, (units, back) in enumerate(zip((*hidden, code_size), backs, strict=True), start=1)
    ]
    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    outputs = layers.Identity(name=_CODE, dtype=dtype)(_stack(inputs, chain))
    for layer in reversed(chain):
        outputs = layer(outputs, transpose=True)
    return _finish(inputs, outputs, "tied", _optimizer(optimizer, learning_rate), loss, dtype)


def denoising(
    n_features,
    hidden=(64, 32),
    code_size=None,
    *,
    noise="gaussian",
    amount=0.1,
    activation="relu",
    output="auto",
    X=None,
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a dense autoencoder that is trained to undo noise on its input.

    The noise acts in training only; at prediction the model sees the rows as they are.

    Parameters
    ----------
    n_features, hidden, code_size, activation, output, X, optimizer, learning_rate, loss, dtype
        As in `dense`.
    noise : {"gaussian", "masking"}
        Add normal noise, or set a share of the values to zero.
    amount : float
        Standard deviation of the Gaussian noise, in the units of the data, in (0, 1], or the share of
        values that masking sets to zero, in (0, 1).
    random_state : int, RandomState or None
        Seeds the initial weights and the noise.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range.

    References
    ----------
    Vincent, Larochelle, Bengio, Manzagol (2008). Extracting and composing robust features with
    denoising autoencoders. ICML.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.denoising(20, (12,), 4, noise="masking", amount=0.25)
    >>> model.layers[1].rate
    0.25
    """
    n_features, hidden, code_size = _widths(n_features, hidden, code_size)
    seeds = _Seeds(random_state)
    if noise == "gaussian":
        if _number(amount, "amount", 0) > 1:
            raise ValueError(
                f"amount must be at most 1 with noise='gaussian', Keras's limit; found {amount!r}. "
                "Scale the rows to a standard deviation of 1 or less."
            )
        layer = layers.GaussianNoise(float(amount), seed=seeds(), dtype=dtype, name="noise")
    elif noise == "masking":
        layer = MaskingNoise(_number(amount, "amount", 0, 1), seed=seeds(), dtype=dtype, name="noise")
    else:
        raise ValueError(f"noise must be 'gaussian' or 'masking'; found {noise!r}.")
    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    outputs = _stack(
        inputs,
        [
            layer,
            *_encoder_chain(hidden, activation, seeds, dtype),
            _dense(code_size, activation, seeds, dtype, name=_CODE),
            *_decoder_chain(hidden, n_features, activation, _choose_output(output, X), seeds, dtype),
        ],
    )
    return _finish(inputs, outputs, "denoising", _optimizer(optimizer, learning_rate), loss, dtype)


def sparse(
    n_features,
    hidden=(64,),
    code_size=None,
    *,
    penalty="l1",
    weight=1e-3,
    target=0.05,
    activation="relu",
    output="auto",
    X=None,
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a dense autoencoder whose code is pushed to be mostly zero.

    Parameters
    ----------
    n_features, hidden, activation, output, X, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    code_size : int, optional
        Width of the code. As the penalty, not the width, limits the code, it may be wider than the data.
    penalty : {"l1", "kl"}
        ``"l1"`` adds ``weight`` · Σ |code| a row; ``"kl"`` makes the code a sigmoid and adds the
        divergence of its mean activation from ``target`` (`KLSparsity`).
    weight : float
        Factor of the penalty, above 0.
    target : float
        Wanted mean activation for ``"kl"``, in (0, 1).

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range.

    References
    ----------
    Ng (2011). Sparse autoencoder. CS294A lecture notes, Stanford University.

    Examples
    --------
    >>> from aecourse import builders
    >>> builders.sparse(20, (12,), 40, penalty="kl", target=0.1).encoder.output_shape
    (None, 40)
    """
    n_features, hidden, code_size = _widths(n_features, hidden, code_size)
    weight = _number(weight, "weight", 0)
    seeds = _Seeds(random_state)
    chain = _encoder_chain(hidden, activation, seeds, dtype)
    if penalty == "l1":
        chain += [
            _dense(code_size, activation, seeds, dtype, name=_CODE, activity_regularizer=ActivityL1(weight))
        ]
    elif penalty == "kl":
        chain += [
            _dense(code_size, "sigmoid", seeds, dtype, name="code_units"),
            KLSparsity(target, weight, dtype=dtype, name=_CODE),
        ]
    else:
        raise ValueError(f"penalty must be 'l1' or 'kl'; found {penalty!r}.")
    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    outputs = _stack(
        inputs,
        [*chain, *_decoder_chain(hidden, n_features, activation, _choose_output(output, X), seeds, dtype)],
    )
    return _finish(inputs, outputs, "sparse", _optimizer(optimizer, learning_rate), loss, dtype)


def variational(
    n_features,
    hidden=(64, 32),
    code_size=None,
    *,
    beta=0.1,
    activation="relu",
    output="auto",
    X=None,
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a variational autoencoder: the code is a normal distribution, kept near N(0, 1).

    The loss is the reconstruction loss (a mean over features) plus ``beta`` · KL / n_features. With
    ``loss="mse"`` that is, up to a constant factor, the evidence lower bound of outputs with noise of
    variance ``beta / 2``; with ``"binary_crossentropy"`` and ``beta=1`` it is that of binary outputs.
    At prediction the code is its mean, so that scores do not change from call to call.

    Parameters
    ----------
    n_features, hidden, code_size, activation, output, X, optimizer, learning_rate, dtype
        As in `dense`.
    loss : str or keras.losses.Loss
        As in `dense`. Where it is a name, the reconstruction part is reported under that name beside
        the whole ``loss``, so their difference is the divergence.
    beta : float
        Factor of the divergence, at least 0.
    random_state : int, RandomState or None
        Seeds the initial weights and the draws of the code.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` (rows → mean of the code) and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range.

    Warns
    -----
    UserWarning
        Where the code is no narrower than the data.

    References
    ----------
    Kingma, Welling (2014). Auto-encoding variational Bayes. ICLR.
    Higgins et al. (2017). beta-VAE: learning basic visual concepts with a constrained variational
    framework. ICLR (the factor beta).

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> model = builders.variational(20, (12,), 4)
    >>> _ = model(np.ones((8, 20), dtype="float32"))
    >>> len(model.losses), float(model.losses[0]) > 0
    (1, True)
    """
    n_features, hidden, code_size = _widths(n_features, hidden, code_size)
    _warn_overcomplete(code_size, n_features)
    beta = _number(beta, "beta", 0, low_inside=True)
    seeds = _Seeds(random_state)
    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    last = _stack(inputs, _encoder_chain(hidden, activation, seeds, dtype))
    mean = _dense(code_size, "linear", seeds, dtype, name="code_mean")(last)
    log_var = _dense(code_size, "linear", seeds, dtype, name="code_log_var")(last)
    code = GaussianCode(beta / n_features, seed=seeds(), dtype=dtype, name=_CODE)([mean, log_var])
    outputs = _stack(
        code, _decoder_chain(hidden, n_features, activation, _choose_output(output, X), seeds, dtype)
    )
    model = _finish(inputs, outputs, "variational", _optimizer(optimizer, learning_rate), loss, dtype)
    if isinstance(loss, str):
        model.compile(optimizer=model.optimizer, loss=model.loss, metrics=[loss])
    return model


def convolutional(
    image_shape,
    filters=(16, 8),
    code_size=32,
    *,
    kernel_size=3,
    activation="relu",
    output="auto",
    X=None,
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a convolutional autoencoder for images, with a dense code in the middle.

    Each convolution of the encoder halves height and width (stride 2); the decoder doubles them back.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width) or (height, width, channels). Height and width must divide by
        2 to the power of ``len(filters)``.
    filters : tuple of int
        Number of filters of each convolution of the encoder; the decoder mirrors them.
    code_size : int
        Width of the code.
    kernel_size : int
        Side of each filter, in pixels.
    activation, output, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    X : array-like of shape (n, *image_shape), optional
        Training images, used for ``output="auto"`` only.

    Returns
    -------
    keras.Model
        A compiled model, images to images of the same shape, with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range, or the image cannot be halved so often.

    Warns
    -----
    UserWarning
        Where the code has no fewer units than the image has values.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.convolutional((28, 28), filters=(4, 4), code_size=8)
    >>> model.encoder.output_shape, model.output_shape
    ((None, 8), (None, 28, 28))
    """
    shape = _units(image_shape, "image_shape")
    filters, code_size = _units(filters, "filters"), _positive_int(code_size, "code_size")
    kernel_size = _positive_int(kernel_size, "kernel_size")
    factor = 2 ** len(filters)
    if len(shape) not in (2, 3) or not filters or shape[0] % factor or shape[1] % factor:
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, channels), with height and width "
            f"divisible by {factor}, as each of the {len(filters)} entries of filters (at least one) "
            f"halves them; found {shape}. Crop or pad the images, or change filters."
        )
    _warn_overcomplete(code_size, int(np.prod(shape)))
    height, width, channels = shape if len(shape) == 3 else (*shape, 1)
    small = (height // factor, width // factor, filters[-1])
    seeds = _Seeds(random_state)

    def conv(kind, units, stride, act, name):
        return kind(
            units,
            kernel_size,
            strides=stride,
            padding="same",
            activation=act,
            kernel_initializer=seeds.glorot(),
            dtype=dtype,
            name=name,
        )

    inputs = keras.Input(shape, dtype=dtype, name="input")
    chain = (
        [layers.Reshape((height, width, channels), dtype=dtype, name="add_channel")]
        if len(shape) == 2
        else []
    )
    chain += [
        conv(layers.Conv2D, units, 2, activation, f"encoder_{i}") for i, units in enumerate(filters, start=1)
    ]
    chain += [
        layers.Flatten(dtype=dtype, name="flatten"),
        _dense(code_size, activation, seeds, dtype, name=_CODE),
        _dense(int(np.prod(small)), activation, seeds, dtype, name="decoder_dense"),
        layers.Reshape(small, dtype=dtype, name="unflatten"),
    ]
    chain += [
        conv(layers.Conv2DTranspose, units, 2, activation, f"decoder_{i}")
        for i, units in enumerate(reversed(filters), start=1)
    ]
    chain += [conv(layers.Conv2D, channels, 1, _choose_output(output, X), "output")]
    if len(shape) == 2:
        chain += [layers.Reshape(shape, dtype=dtype, name="drop_channel")]
    return _finish(
        inputs, _stack(inputs, chain), "convolutional", _optimizer(optimizer, learning_rate), loss, dtype
    )


def convolutional_1d(
    window_shape,
    filters=(16, 8),
    code_size=8,
    *,
    kernel_size=5,
    activation="relu",
    code_activation=None,
    output="linear",
    optimizer="adam",
    learning_rate=None,
    loss="mse",
    random_state=0,
    dtype=None,
):
    """Build a convolutional autoencoder for windows of a series, with a dense code in the middle.

    Each convolution of the encoder halves the number of time steps (stride 2); the decoder doubles
    them back. A filter is the same at every step, so a pattern is known wherever in the window it is.

    Parameters
    ----------
    window_shape : int or tuple of int
        Time steps, or (time steps, channels). The steps must divide by 2 to the power of
        ``len(filters)``.
    filters : tuple of int
        Number of filters of each convolution of the encoder; the decoder mirrors them.
    code_size : int
        Width of the code.
    kernel_size : int
        Width of each filter, in time steps.
    activation, code_activation, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    output : str
        Activation of the last layer, by Keras's name for it.

    Returns
    -------
    keras.Model
        A compiled model, windows to windows of the same shape, with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where an argument is out of range, or the window cannot be halved so often.

    Warns
    -----
    UserWarning
        Where the code has no fewer units than the window has values.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.convolutional_1d(36, filters=(4, 4), code_size=6)
    >>> model.encoder.output_shape, model.output_shape
    ((None, 6), (None, 36))
    """
    shape = _units(window_shape, "window_shape")
    filters, code_size = _units(filters, "filters"), _positive_int(code_size, "code_size")
    kernel_size = _positive_int(kernel_size, "kernel_size")
    factor = 2 ** len(filters)
    if len(shape) not in (1, 2) or not filters or shape[0] % factor:
        raise ValueError(
            f"window_shape must be the time steps, or (time steps, channels), with steps divisible by "
            f"{factor}, as each of the {len(filters)} entries of filters (at least one) halves them; found "
            f"{shape}. Change the size of the windows, or filters."
        )
    _warn_overcomplete(code_size, int(np.prod(shape)))
    steps, channels = shape if len(shape) == 2 else (*shape, 1)
    small = (steps // factor, filters[-1])
    seeds = _Seeds(random_state)

    def conv(kind, units, stride, act, name):
        return kind(
            units,
            kernel_size,
            strides=stride,
            padding="same",
            activation=act,
            kernel_initializer=seeds.glorot(),
            dtype=dtype,
            name=name,
        )

    inputs = keras.Input(shape, dtype=dtype, name="input")
    chain = [layers.Reshape((steps, channels), dtype=dtype, name="add_channel")] if len(shape) == 1 else []
    chain += [
        conv(layers.Conv1D, units, 2, activation, f"encoder_{i}") for i, units in enumerate(filters, start=1)
    ]
    chain += [
        layers.Flatten(dtype=dtype, name="flatten"),
        _dense(code_size, code_activation or activation, seeds, dtype, name=_CODE),
        _dense(int(np.prod(small)), activation, seeds, dtype, name="decoder_dense"),
        layers.Reshape(small, dtype=dtype, name="unflatten"),
    ]
    chain += [
        conv(layers.Conv1DTranspose, units, 2, activation, f"decoder_{i}")
        for i, units in enumerate(reversed(filters), start=1)
    ]
    chain += [conv(layers.Conv1D, channels, 1, output, "output")]
    if len(shape) == 1:
        chain += [layers.Reshape(shape, dtype=dtype, name="drop_channel")]
    return _finish(
        inputs, _stack(inputs, chain), "convolutional_1d", _optimizer(optimizer, learning_rate), loss, dtype
    )


# ---------------------------------------------------------------------------- the published models


def theano_symbolic(random_state=0, dtype=None):
    """Build the symbolic autoencoder written for Theano: 20 → 10 → 20, sigmoid, no biases.

    Weights start from N(0, 1); plain gradient descent at 0.001 on the mean squared error. It was
    published with 100 epochs of batches of 32, taken in order.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Examples
    --------
    >>> from aecourse import builders
    >>> [tuple(w.shape) for w in builders.theano_symbolic().weights]
    [(20, 10), (10, 20)]
    """
    seeds = _Seeds(random_state)

    def layer(units, name):
        start = keras.initializers.RandomNormal(mean=0.0, stddev=1.0, seed=seeds())
        return layers.Dense(
            units, activation="sigmoid", use_bias=False, kernel_initializer=start, dtype=dtype, name=name
        )

    inputs = keras.Input((20,), dtype=dtype, name="input")
    outputs = _stack(inputs, [layer(10, _CODE), layer(20, "output")])
    return _finish(inputs, outputs, "theano_symbolic", keras.optimizers.SGD(0.001), "mse", dtype)


def eight_step(n_features=32, random_state=0, dtype=None):
    """Build the model of the eight-step pipeline: 64 → 32 → 64 relu, sigmoid output, adam, mse.

    It was published with 10 epochs of batches of 32, and without data.

    Parameters
    ----------
    n_features : int
        Number of columns of the data.
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where ``n_features`` is no whole number of at least 1.

    Warns
    -----
    UserWarning
        Where the code of 32 units is no narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> [layer.units for layer in builders.eight_step(40).layers[1:]]
    [64, 32, 64, 40]
    """
    n_features = _positive_int(n_features, "n_features")
    _warn_overcomplete(32, n_features)
    return _plain(
        n_features,
        (64,),
        32,
        "relu",
        "relu",
        "sigmoid",
        "eight_step",
        keras.optimizers.Adam(),
        "mse",
        random_state,
        dtype,
    )


def iris_printed(random_state=0, dtype=None):
    """Build the Iris model as printed: 4 → 100 → 50 → 50 → 100 → 4, relu output, adadelta.

    The first layer is tanh with an L1 penalty of 10e-5 (that is 1e-4) on its activity. The relu output
    cannot reach the negative half of standardised data, and adadelta at 0.001 hardly moves: both
    faults are kept. It was published with 10 epochs of batches of 256.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Warns
    -----
    UserWarning
        Always: a code of 50 units for 4 features is no bottleneck.

    Examples
    --------
    >>> import warnings
    >>> from aecourse import builders
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", UserWarning)
    ...     model = builders.iris_printed()
    >>> [layer.activation.__name__ for layer in model.layers[1:]]
    ['tanh', 'relu', 'tanh', 'tanh', 'relu']
    """
    _warn_overcomplete(50, 4)
    seeds = _Seeds(random_state)
    inputs = keras.Input((4,), dtype=dtype, name="input")
    outputs = _stack(
        inputs,
        [
            _dense(100, "tanh", seeds, dtype, name="encoder_1", activity_regularizer=ActivityL1(10e-5)),
            _dense(50, "relu", seeds, dtype, name=_CODE),
            _dense(50, "tanh", seeds, dtype, name="decoder_1"),
            _dense(100, "tanh", seeds, dtype, name="decoder_2"),
            _dense(4, "relu", seeds, dtype, name="output"),
        ],
    )
    return _finish(inputs, outputs, "iris_printed", keras.optimizers.Adadelta(0.001), "mse", dtype)


def mnist_zeros(random_state=0, dtype=None):
    """Build the MNIST-zeros model: flatten → 16 relu → 784 sigmoid → 28 × 28, adam, mse.

    It was published with 10 epochs, on pixels divided by 255.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model, images of shape (n, 28, 28) to the same, with ``.encoder`` and ``.decoder``.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.mnist_zeros()
    >>> model.output_shape, model.count_params()
    ((None, 28, 28), 25888)
    """
    seeds = _Seeds(random_state)
    inputs = keras.Input((28, 28), dtype=dtype, name="input")
    outputs = _stack(
        inputs,
        [
            layers.Flatten(dtype=dtype, name="flatten"),
            _dense(16, "relu", seeds, dtype, name=_CODE),
            _dense(784, "sigmoid", seeds, dtype, name="output"),
            layers.Reshape((28, 28), dtype=dtype, name="image"),
        ],
    )
    return _finish(inputs, outputs, "mnist_zeros", keras.optimizers.Adam(), "mse", dtype)


def theory_code32(n_features=784, random_state=0, dtype=None):
    """Build the theory model: one relu layer to 32 units, one sigmoid layer back, adam, mae.

    The published text makes three models that share their weights: the autoencoder, an encoder, and a
    decoder from the autoencoder's last layer. Here they are the model, ``.encoder`` and ``.decoder``.
    Its optimizer is printed as 'ada', which does not exist; adam is meant. 20 epochs.

    Parameters
    ----------
    n_features : int
        Number of columns; 784 for flattened digits.
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        Where ``n_features`` is no whole number of at least 1.

    Warns
    -----
    UserWarning
        Where the code of 32 units is no narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.theory_code32()
    >>> model.decoder.layers[-1] is model.layers[-1]
    True
    """
    n_features = _positive_int(n_features, "n_features")
    _warn_overcomplete(32, n_features)
    return _plain(
        n_features,
        (),
        32,
        "relu",
        "relu",
        "sigmoid",
        "theory_code32",
        keras.optimizers.Adam(),
        "mae",
        random_state,
        dtype,
    )


def imbalanced_lab(random_state=0, dtype=None):
    """Build the model of the imbalanced lab: 32 → 16 → 8 → 4 → 8 → 16 → 32, adam, mae.

    All layers are relu but the output, a sigmoid, although the inputs run from −19 to 20. It was
    published with 20 epochs of batches of 64.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` where it is not given.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Examples
    --------
    >>> from aecourse import builders
    >>> [layer.units for layer in builders.imbalanced_lab().layers[1:]]
    [16, 8, 4, 8, 16, 32]
    """
    return _plain(
        32,
        (16, 8),
        4,
        "relu",
        "relu",
        "sigmoid",
        "imbalanced_lab",
        keras.optimizers.Adam(),
        "mae",
        random_state,
        dtype,
    )


SEEDS = {
    "theano_symbolic": theano_symbolic,
    "eight_step": eight_step,
    "iris_printed": iris_printed,
    "mnist_zeros": mnist_zeros,
    "theory_code32": theory_code32,
    "imbalanced_lab": imbalanced_lab,
}
