"""What all builders share: layers with seeds of their own, compiling, and the encoder and decoder."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aecourse._support.checks import RandomState, check_number, check_random_state, check_whole
from aecourse._support.tensorflow import keras

CODE_LAYER = "code"  # the name of the layer that ends the encoder

LOSSES = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "binary_crossentropy": "BinaryCrossentropy",
    "huber": "Huber",
}


def check_widths(values: int | Iterable[int], name: str) -> tuple[int, ...]:
    """Return layer widths as a tuple; a single number is one layer."""
    if isinstance(values, (int, np.integer)):
        values = (values,)
    try:
        widths = tuple(values)
    except TypeError as error:
        raise ValueError(
            f"{name} must be a tuple of layer widths, such as (64, 32); found {values!r}."
        ) from error
    return tuple(check_whole(width, f"{name}[{i}]") for i, width in enumerate(widths))


def warn_if_overcomplete(code_size: int, n_features: int) -> None:
    """Warn if the code is not narrower than the data; a builder that the user calls must call this itself."""
    if code_size >= n_features:
        warnings.warn(
            f"The code has {code_size} units for {n_features} features, so it is no bottleneck: the "
            "network can learn to copy its input, anomalies included, and their reconstruction "
            f"error will be as small as that of normal rows. Use a code_size below {n_features}, "
            "or noise or a sparsity penalty that makes copying costly.",
            UserWarning,
            stacklevel=3,  # the line that calls the builder
        )


class ModelFactory:
    """Makes one model: its layers, each with the model's dtype and a seed of its own, and the compiled whole.

    The same ``random_state`` gives the same seeds, in the order in which the layers are made.
    """

    def __init__(self, name: str, random_state: RandomState, dtype: str | None) -> None:
        self.name, self.dtype = name, dtype
        self._rng = check_random_state(random_state)

    def seed(self) -> int:
        """Return the next seed."""
        return int(self._rng.randint(2**31 - 1))

    def glorot(self) -> Any:
        """Return Keras's default initialiser of kernels, seeded."""
        return keras.initializers.GlorotUniform(seed=self.seed())

    def layer(self, kind: Any, *sizes: int, **options: Any) -> Any:
        """Return a layer of any ``kind``, a Keras class, with Keras's default initialiser."""
        return kind(*sizes, kernel_initializer=self.glorot(), dtype=self.dtype, **options)

    def dense(self, units: int, activation: Any, name: str, **options: Any) -> Any:
        """Return a dense layer."""
        return self.layer(keras.layers.Dense, units, activation=activation, name=name, **options)

    def encoder(self, hidden: Sequence[int], activation: Any) -> list[Any]:
        """Return the hidden layers before the code."""
        return [self.dense(units, activation, f"encoder_{i}") for i, units in enumerate(hidden, start=1)]

    def decoder(self, hidden: Sequence[int], n_features: int, activation: Any, output: Any) -> list[Any]:
        """Return the hidden layers after the code, which mirror the encoder's, and the output layer."""
        mirrored = enumerate(reversed(hidden), start=1)
        layers = [self.dense(units, activation, f"decoder_{i}") for i, units in mirrored]
        return [*layers, self.dense(n_features, output, "output")]

    def input(self, shape: tuple[int, ...]) -> Any:
        """Return the tensor that the model starts from."""
        return keras.Input(shape, dtype=self.dtype, name="input")

    def compile(
        self, inputs: Any, outputs: Any, *, loss: Any, optimizer: Any, learning_rate: float | None = None
    ) -> keras.Model:
        """Return the compiled model between two tensors, with its ``.encoder`` and ``.decoder``."""
        model = keras.Model(inputs, outputs, name=self.name)
        optimizer = make_optimizer(optimizer, learning_rate)
        model.compile(optimizer=optimizer, loss=make_loss(loss, self.dtype))
        model.optimizer.build(model.trainable_variables)  # so that an untrained model can be saved, too
        return attach_parts(model)

    def compile_chain(
        self, input_shape: tuple[int, ...], layers: Iterable[Any], **options: Any
    ) -> keras.Model:
        """Return the compiled model of layers that follow one another; the options are those of `compile`."""
        inputs = self.input(input_shape)
        return self.compile(inputs, apply_layers(layers, inputs), **options)


def apply_layers(layers: Iterable[Any], inputs: Any) -> Any:
    """Return the output of layers that follow one another."""
    for layer in layers:
        inputs = layer(inputs)
    return inputs


def make_loss(loss: Any, dtype: str | None) -> Any:
    """Return a loss, given as an object or by name, that computes in the model's own precision.

    Keras computes a loss given by name in ``keras.config.floatx()``, whatever the model's dtype.
    """
    if not isinstance(loss, str):
        return loss
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {sorted(LOSSES)} or a keras.losses.Loss; found {loss!r}.")
    return getattr(keras.losses, LOSSES[loss])(dtype=dtype)


def make_optimizer(optimizer: Any, learning_rate: float | None) -> Any:
    """Return an optimizer, given as an object or by Keras's name for it, the latter at a learning rate."""
    if not isinstance(optimizer, str):
        return optimizer
    config = (
        {}
        if learning_rate is None
        else {"learning_rate": check_number(learning_rate, "learning_rate", above=0)}
    )
    try:
        return keras.optimizers.get({"class_name": optimizer, "config": config})
    except ValueError as error:
        raise ValueError(
            f"optimizer must be a Keras optimizer or its name, such as 'adam'; found {optimizer!r}."
        ) from error


def attach_parts(model: keras.Model) -> keras.Model:
    """Give a functional autoencoder its ``.encoder`` and ``.decoder``, which share its weights.

    The encoder ends at the layer named ``"code"``. The builders call this function; call it yourself
    after ``keras.models.load_model`` or ``keras.models.clone_model``, which return the whole model only.

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
        If the model is not functional or has no layer named ``"code"``.

    Examples
    --------
    >>> import keras
    >>> from aecourse import builders
    >>> copy = builders.attach_parts(keras.models.clone_model(builders.dense(6, code_size=2)))
    >>> copy.encoder.output_shape, copy.decoder.output_shape
    ((None, 2), (None, 6))
    """
    names = [layer.name for layer in getattr(model, "layers", [])]
    if CODE_LAYER not in names or not isinstance(model, keras.Model) or not hasattr(model, "output"):
        raise ValueError(
            f"model must be a functional Keras model with a layer named {CODE_LAYER!r}, the "
            f"last one of the encoder; found a {type(model).__name__} with layers {names}."
        )
    code = model.get_layer(CODE_LAYER).output
    tail = keras.Model(code, model.output)
    start = keras.Input(code.shape[1:], dtype=code.dtype, name="code_input")
    parts = {
        "encoder": keras.Model(model.input, code, name="encoder"),
        "decoder": keras.Model(start, tail.call(start), name="decoder"),
    }
    for name, part in parts.items():
        # Keras tracks every model that is set as an attribute. The parts own no weights, so they must
        # not be counted or saved a second time.
        object.__setattr__(model, name, part)
    return model


def output_activation(X: ArrayLike) -> str:
    """Choose the output layer's activation from the range of the data.

    A sigmoid reaches (0, 1) only, so it fits data that lie in [0, 1], and nothing else.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Training rows, as they are given to the model (after scaling).

    Returns
    -------
    str
        ``"sigmoid"`` if every value lies in [0, 1], otherwise ``"linear"``.

    Raises
    ------
    ValueError
        If X is empty or holds NaN or infinite values.

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


def choose_output(output: Any, X: ArrayLike | None) -> Any:
    """Return the output layer's activation, chosen from the rows if ``output`` is ``"auto"``."""
    if output != "auto":
        return output
    return "linear" if X is None else output_activation(X)  # linear reaches every value
