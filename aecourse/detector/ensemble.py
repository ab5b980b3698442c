"""The networks inside `AutoencoderDetector`: several small autoencoders in one Keras model.

The members are trained at once. Each layer holds the weights of all members, with the member as its first
axis, so that a step is a handful of batched matrix products whatever the number of members, and one graph is
compiled for all of them.

A member sees the rows in one of three views: *plain*, the columns as they are given; *range*, each column
multiplied by a number, so that all have one range; or *white*, multiplied by a fixed symmetric matrix that
makes the columns uncorrelated with equal variance.

This module imports TensorFlow; `aecourse.detector.forward` computes the same outputs without it.
"""

import collections
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from aecourse import builders, training
from aecourse._support.tensorflow import keras
from aecourse.detector.forward import EnsembleShape, Floats, Weights

ops = keras.ops

# Saved models name the layers with it: files would not load under another name.
_PACKAGE = "aecourse.members"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Fan(keras.layers.Layer):
    """Hand the rows to all members, each in its view: (b, d) → (members, b, d)."""

    def __init__(self, n_plain: int, n_range: int, n_white: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_plain, self.n_range, self.n_white = n_plain, n_range, n_white

    def build(self, input_shape: tuple[int, ...]) -> None:
        width = input_shape[-1]
        if self.n_range:
            self.stretch = self.add_weight(
                name="stretch", shape=(width,), initializer="ones", trainable=False
            )
        if self.n_white:
            self.whitener = self.add_weight(
                name="whitener", shape=(width, width), initializer="zeros", trainable=False
            )

    def call(self, inputs: Any) -> Any:
        views = [ops.repeat(inputs[None], self.n_plain, axis=0)]
        if self.n_range:
            views.append(ops.repeat((inputs * self.stretch)[None], self.n_range, axis=0))
        if self.n_white:
            views.append(ops.repeat(ops.matmul(inputs, self.whitener)[None], self.n_white, axis=0))
        return views[0] if len(views) == 1 else ops.concatenate(views, axis=0)

    def get_config(self) -> dict[str, Any]:
        counts = {"n_plain": self.n_plain, "n_range": self.n_range, "n_white": self.n_white}
        return super().get_config() | counts


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Gather(keras.layers.Layer):
    """Turn the members' outputs back into the columns as given, and average: (members, b, d) → (b, d)."""

    def __init__(self, n_plain: int, n_range: int, n_white: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_plain, self.n_range, self.n_white = n_plain, n_range, n_white

    def build(self, input_shape: tuple[int, ...]) -> None:
        width = input_shape[-1]
        if self.n_range:
            self.shrink = self.add_weight(name="shrink", shape=(width,), initializer="ones", trainable=False)
        if self.n_white:
            self.colourer = self.add_weight(
                name="colourer", shape=(width, width), initializer="zeros", trainable=False
            )

    def call(self, inputs: Any) -> Any:
        n_columns = self.n_plain + self.n_range
        total = ops.sum(inputs[: self.n_plain], axis=0)
        if self.n_range:
            total += ops.sum(inputs[self.n_plain : n_columns], axis=0) * self.shrink
        if self.n_white:
            total += ops.matmul(ops.sum(inputs[n_columns:], axis=0), self.colourer)
        return total / (n_columns + self.n_white)

    def get_config(self) -> dict[str, Any]:
        counts = {"n_plain": self.n_plain, "n_range": self.n_range, "n_white": self.n_white}
        return super().get_config() | counts


@keras.saving.register_keras_serializable(package=_PACKAGE)
class RowNoise(keras.layers.Layer):
    """Add Gaussian noise in training; each row and member draws the standard deviation of its own noise.

    The standard deviation is log-uniform, from the member's value of ``lows`` to ``high``. The network does
    not see it.
    """

    def __init__(self, lows: Sequence[float], high: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lows, self.high, self.seed = list(lows), high, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.high == 0:
            return inputs
        shape = ops.shape(inputs)
        lowest = ops.convert_to_tensor(np.log(self.lows)[:, None, None], dtype=self.compute_dtype)
        share = keras.random.uniform((*shape[:-1], 1), dtype=self.compute_dtype, seed=self.seed_generator)
        size = ops.exp(lowest + share * (np.log(self.high) - lowest))
        return inputs + size * keras.random.normal(shape, dtype=self.compute_dtype, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"lows": self.lows, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class MemberDense(keras.layers.Layer):
    """A dense layer with weights of its own for each member: (members, b, i) → (members, b, units)."""

    def __init__(self, units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int, ...]) -> None:
        members, _, width = input_shape
        self.kernel = self.add_weight(name="kernel", shape=(members, width, self.units), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(members, 1, self.units), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable(package=_PACKAGE)
class JoinMembers(keras.layers.Layer):
    """Lay the members side by side: (members, b, k) → (b, members · k)."""

    def call(self, inputs: Any) -> Any:
        members, _, width = inputs.shape
        return ops.reshape(ops.transpose(inputs, (1, 0, 2)), (-1, members * width))


@keras.saving.register_keras_serializable(package=_PACKAGE)
class SplitMembers(keras.layers.Layer):
    """Undo `JoinMembers`: (b, members · k) → (members, b, k)."""

    def __init__(self, members: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = members

    def call(self, inputs: Any) -> Any:
        width = inputs.shape[-1] // self.members
        return ops.transpose(ops.reshape(inputs, (-1, self.members, width)), (1, 0, 2))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"members": self.members}


@keras.saving.register_keras_serializable(package=_PACKAGE)
def squared_residual(y_true: Any, y_pred: Any) -> Any:
    """Mean square of the residual, which is the output of the model that is trained."""
    return ops.mean(ops.square(y_pred), axis=-1)


def build(shape: EnsembleShape, dtype: str = "float32") -> Any:
    """Build the members as one autoencoder, with all weights zero; `set_weights` fills them.

    Parameters
    ----------
    shape : EnsembleShape
        Sizes of the networks.
    dtype : str
        Precision of the model.

    Returns
    -------
    keras.Model
        Rows (b, d) → their mean reconstruction (b, d), uncompiled, with ``.encoder`` and ``.decoder``. The
        layer ``"code"`` has ``n_members * code_size`` units.
    """

    def dense(units: int, activation: str | None, name: str) -> MemberDense:
        return MemberDense(units, activation, dtype=dtype, name=name)

    counts = shape.n_plain, shape.n_range, shape.n_white
    inputs = keras.Input((shape.n_features,), dtype=dtype, name="input")
    x = Fan(*counts, dtype=dtype, name="views")(inputs)
    x = RowNoise(_lows(shape), shape.noise[1], seed=0, dtype=dtype, name="noise")(x)  # training.fit seeds it
    x = dense(shape.hidden, "relu", "encoder_1")(x)
    x = dense(shape.code_size, None, "encoder_2")(x)
    x = JoinMembers(dtype=dtype, name="code")(x)
    x = SplitMembers(shape.n_members, dtype=dtype, name="split")(x)
    x = dense(shape.hidden, "relu", "decoder_1")(x)
    x = dense(shape.n_features, None, "decoder_2")(x)
    outputs = Gather(*counts, dtype=dtype, name="output")(x)
    return builders.attach_parts(keras.Model(inputs, outputs, name="ensemble"))


def _lows(shape: EnsembleShape) -> list[float]:
    """The smallest noise of each member.

    The range view weighs the columns unequally, so that noise that is small in one is large in another: its
    members do without the smaller half of the sizes.
    """
    low, high = shape.noise
    lows = np.full(shape.n_members, low, dtype=float)
    if "range" in shape.members:
        lows[shape.members["range"]] = np.sqrt(low * high)
    return lows.tolist()


def _variables(model: Any) -> dict[str, Any]:
    """The weights of a built model by name, such as ``encoder_1.kernel``."""
    return {
        f"{layer.name}.{weight.name}": weight
        for layer in model.layers
        for weight in layer.weights
        if not weight.name.startswith("seed")
    }


def get_weights(model: Any) -> Weights:
    """Return the weights of a built model in double precision, by name, such as ``encoder_1.kernel``."""
    return {name: weight.numpy().astype(np.float64) for name, weight in _variables(model).items()}


def set_weights(model: Any, weights: Weights) -> None:
    """Set all weights of a built model; one too many, one missing or one of another shape is an error."""
    variables = _variables(model)
    for name in variables.keys() | weights.keys():
        variables[name].assign(weights[name])


def _starting_weights(model: Any, views: Weights, random_state: int) -> Weights:
    """Draw each member's kernels as Keras draws a dense layer's; biases start at zero."""
    rng = check_random_state(random_state)
    weights = {}
    for name, weight in _variables(model).items():
        weights[name] = np.zeros(weight.shape)
        if name.endswith("kernel"):
            limit = np.sqrt(6 / (weight.shape[1] + weight.shape[2]))
            weights[name] = rng.uniform(-limit, limit, size=weight.shape)
    return weights | views


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for the first tenth of the steps and then falls as a cosine to 0.

    The number of steps is a variable, so that a compiled model can be trained again for another number.
    """

    def __init__(self, highest: float) -> None:
        super().__init__()
        self.highest = highest
        self.n_steps = keras.Variable(1.0, trainable=False, dtype="float32")

    def __call__(self, step: Any) -> Any:
        n_steps = ops.convert_to_tensor(self.n_steps)
        step = ops.cast(step, n_steps.dtype)
        warm_up = ops.maximum(1.0, ops.floor(n_steps / 10))
        rising = 0.1 + 0.9 * step / warm_up
        share = ops.clip((step - warm_up) / ops.maximum(1.0, n_steps - warm_up), 0.0, 1.0)
        return self.highest * ops.where(step < warm_up, rising, 0.5 * (1 + ops.cos(np.pi * share)))


@dataclass(frozen=True)
class _Compiled:
    """An ensemble ready for training: ``trainee`` shares its weights and returns the members' residuals."""

    model: Any
    trainee: Any
    schedule: _Schedule


def _compile(shape: EnsembleShape, learning_rate: float) -> _Compiled:
    model = build(shape)
    residual = model.get_layer("views").output - model.get_layer("decoder_2").output
    trainee = keras.Model(model.input, JoinMembers(name="residual")(residual), name="residuals")
    schedule = _Schedule(learning_rate)
    trainee.compile(optimizer=keras.optimizers.Adam(schedule), loss=squared_residual)
    return _Compiled(model, trainee, schedule)


# Building and compiling a model takes longer than training it on a small table. Models whose training is over
# are kept for the next fit of the same shape, as in cross-validation. A fit that runs at the same time in
# another thread does not find them and builds its own.
_MAX_IDLE = 4
_idle: collections.OrderedDict[tuple[EnsembleShape, float], _Compiled] = collections.OrderedDict()
_idle_lock = threading.Lock()


def train(
    shape: EnsembleShape,
    rows: Floats,
    held_out: Floats,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    views: Weights,
    seed: int,
) -> tuple[Weights, dict[str, list[float]]]:
    """Train the members.

    Parameters
    ----------
    shape : EnsembleShape
        Sizes of the networks.
    rows, held_out : ndarray of shape (n, d)
        Standardised rows to train on, and to stop on.
    epochs, batch_size, learning_rate, patience
        As in `AutoencoderDetector`.
    views : dict of str to ndarray
        The weights that are fixed: ``views.stretch`` and ``output.shrink`` (d,), which undoes it, for the
        range view; ``views.whitener`` and ``output.colourer`` (d, d) for the white view.
    seed : int
        Seeds the starting weights, the noise and the order of the rows.

    Returns
    -------
    weights : dict of str to ndarray
        As `get_weights` returns them.
    history : dict of str to list of float
        Loss and held-out loss of each epoch.
    """
    key = (shape, learning_rate)
    with _idle_lock:
        compiled = _idle.pop(key, None)
    compiled = compiled or _compile(shape, learning_rate)
    compiled.schedule.n_steps.assign(epochs * -(-len(rows) // batch_size))
    set_weights(compiled.model, _starting_weights(compiled.model, views, seed))
    for variable in compiled.trainee.optimizer.variables:  # moments and step count of the last fit
        variable.assign(np.zeros(variable.shape))
    history = training.fit(
        compiled.trainee,
        rows.astype(np.float32),
        epochs=epochs,
        batch_size=batch_size,
        validation_data=held_out.astype(np.float32),
        early_stopping=patience,
        random_state=seed,
        compiled="graph",
        progress=False,
    )
    # The model holds the weights of the views in single precision.
    weights = get_weights(compiled.model) | views
    with _idle_lock:
        _idle[key] = compiled
        while len(_idle) > _MAX_IDLE:
            _idle.popitem(last=False)
    return weights, {name: [float(value) for value in values] for name, values in history.history.items()}
