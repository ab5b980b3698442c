"""The networks inside `AutoencoderDetector`: several small autoencoders in one Keras model.

The members are trained at once. Each layer holds the weights of all members, with the member as
its first axis, so that a step is a handful of batched matrix products however many members there
are, and one graph is compiled for all of them.

A member sees the rows in one of two views: *plain*, the columns as they are given, or *white*,
multiplied by a fixed symmetric matrix that makes the columns uncorrelated with equal variance.

This module is apart from ``detector`` so that the detector can be imported without TensorFlow.
"""

import collections
import threading

import numpy as np
from sklearn.utils import check_random_state

from aecourse import builders, training
from aecourse._support.tensorflow import keras

layers, ops = keras.layers, keras.ops

__all__ = [
    "Fan",
    "Gather",
    "JoinMembers",
    "MemberDense",
    "RowNoise",
    "SplitMembers",
    "build",
    "get_weights",
    "set_weights",
    "shape_of",
    "squared_residual",
    "train",
]

_PACKAGE = "aecourse.members"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Fan(layers.Layer):
    """Hand the rows to all members: (b, d) → (members, b, d), the last ``n_white`` of them whitened."""

    def __init__(self, n_plain, n_white, **kwargs):
        super().__init__(**kwargs)
        self.n_plain, self.n_white = n_plain, n_white

    def build(self, input_shape):
        width = input_shape[-1]
        if self.n_white:
            self.whitener = self.add_weight(
                name="whitener", shape=(width, width), initializer="zeros", trainable=False
            )

    def call(self, inputs):
        views = [ops.repeat(inputs[None], self.n_plain, axis=0)] if self.n_plain else []
        if self.n_white:
            views.append(ops.repeat(ops.matmul(inputs, self.whitener)[None], self.n_white, axis=0))
        return views[0] if len(views) == 1 else ops.concatenate(views, axis=0)

    def get_config(self):
        return super().get_config() | {"n_plain": self.n_plain, "n_white": self.n_white}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Gather(layers.Layer):
    """Turn the members' outputs back into the columns as given, and average: (members, b, d) → (b, d)."""

    def __init__(self, n_plain, n_white, **kwargs):
        super().__init__(**kwargs)
        self.n_plain, self.n_white = n_plain, n_white

    def build(self, input_shape):
        width = input_shape[-1]
        if self.n_white:
            self.colourer = self.add_weight(
                name="colourer", shape=(width, width), initializer="zeros", trainable=False
            )

    def call(self, inputs):
        total = ops.sum(inputs[: self.n_plain], axis=0)
        if self.n_white:
            total += ops.matmul(ops.sum(inputs[self.n_plain :], axis=0), self.colourer)
        return total / (self.n_plain + self.n_white)

    def get_config(self):
        return super().get_config() | {"n_plain": self.n_plain, "n_white": self.n_white}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class RowNoise(layers.Layer):
    """Add Gaussian noise in training, of a standard deviation drawn anew for each row and member.

    The standard deviation is log-uniform between ``low`` and ``high``, and the network is not told it.
    """

    def __init__(self, low, high, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high, self.seed = low, high, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.high == 0:
            return inputs
        shape = ops.shape(inputs)
        size = ops.exp(
            keras.random.uniform(
                (*shape[:-1], 1),
                np.log(self.low),
                np.log(self.high),
                dtype=self.compute_dtype,
                seed=self.seed_generator,
            )
        )
        return inputs + size * keras.random.normal(shape, dtype=self.compute_dtype, seed=self.seed_generator)

    def get_config(self):
        return super().get_config() | {"low": self.low, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class MemberDense(layers.Layer):
    """A dense layer with weights of its own for each member: (members, b, i) → (members, b, units)."""

    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        members, _, width = input_shape
        self.kernel = self.add_weight(name="kernel", shape=(members, width, self.units), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(members, 1, self.units), initializer="zeros")

    def call(self, inputs):
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def get_config(self):
        return super().get_config() | {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable(package=_PACKAGE)
class JoinMembers(layers.Layer):
    """Lay the members side by side: (members, b, k) → (b, members · k)."""

    def call(self, inputs):
        members, _, width = inputs.shape
        return ops.reshape(ops.transpose(inputs, (1, 0, 2)), (-1, members * width))


@keras.saving.register_keras_serializable(package=_PACKAGE)
class SplitMembers(layers.Layer):
    """Undo `JoinMembers`: (b, members · k) → (members, b, k)."""

    def __init__(self, members, **kwargs):
        super().__init__(**kwargs)
        self.members = members

    def call(self, inputs):
        width = inputs.shape[-1] // self.members
        return ops.transpose(ops.reshape(inputs, (-1, self.members, width)), (1, 0, 2))

    def get_config(self):
        return super().get_config() | {"members": self.members}


@keras.saving.register_keras_serializable(package=_PACKAGE)
def squared_residual(y_true, y_pred):
    """Mean square of the residual, which is the output of the model that is trained."""
    return ops.mean(ops.square(y_pred), axis=-1)


def build(n_features, n_plain, n_white, hidden, code_size, noise, dtype="float32"):
    """Build the members as one autoencoder, with all weights zero; `set_weights` fills them.

    Parameters
    ----------
    n_features : int
        Columns d.
    n_plain, n_white : int
        Members that see the columns as they are, and members that see them whitened.
    hidden, code_size : int
        Width of the hidden layers and of the code of each member.
    noise : tuple of float
        Smallest and largest standard deviation of the noise that is added in training.
    dtype : str
        Precision of the model.

    Returns
    -------
    keras.Model
        Rows (b, d) → their mean reconstruction (b, d), uncompiled, with ``.encoder`` and ``.decoder``. The
        layer ``"code"`` has ``(n_plain + n_white) * code_size`` units.
    """

    def dense(units, activation, name):
        return MemberDense(units, activation, dtype=dtype, name=name)

    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    x = Fan(n_plain, n_white, dtype=dtype, name="views")(inputs)
    x = RowNoise(*noise, seed=0, dtype=dtype, name="noise")(x)  # training.fit seeds it anew
    x = dense(hidden, "relu", "encoder_1")(x)
    x = dense(code_size, None, "encoder_2")(x)
    x = JoinMembers(dtype=dtype, name="code")(x)
    x = SplitMembers(n_plain + n_white, dtype=dtype, name="split")(x)
    x = dense(hidden, "relu", "decoder_1")(x)
    x = dense(n_features, None, "decoder_2")(x)
    outputs = Gather(n_plain, n_white, dtype=dtype, name="output")(x)
    return builders.attach_parts(keras.Model(inputs, outputs, name="ensemble"))


def _variables(model):
    """The weights of a built model by name, such as ``encoder_1.kernel``."""
    return {
        f"{layer.name}.{weight.name}": weight
        for layer in model.layers
        for weight in layer.weights
        if not weight.name.startswith("seed")
    }


def get_weights(model):
    """Return the weights of a built model as arrays in double precision, by name."""
    return {name: weight.numpy().astype(np.float64) for name, weight in _variables(model).items()}


def set_weights(model, weights):
    """Set all weights of a built model."""
    variables = _variables(model)
    for name in variables.keys() | weights.keys():  # so that one too many or too few is an error
        variables[name].assign(weights[name])


def _starting_weights(model, whitener, random_state):
    """Draw each member's kernels as Keras draws a dense layer's; biases start at zero."""
    rng = check_random_state(random_state)
    weights = {}
    for name, weight in _variables(model).items():
        weights[name] = np.zeros(weight.shape)
        if name.endswith("kernel"):
            limit = np.sqrt(6 / (weight.shape[1] + weight.shape[2]))
            weights[name] = rng.uniform(-limit, limit, size=weight.shape)
    if whitener is not None:
        weights |= {"views.whitener": whitener, "output.colourer": np.linalg.inv(whitener)}
    return weights


def shape_of(model):
    """Return the arguments of `build`, but ``dtype``, that made a model."""
    views, noise = model.get_layer("views"), model.get_layer("noise")
    return {
        "n_features": model.input_shape[1],
        "n_plain": views.n_plain,
        "n_white": views.n_white,
        "hidden": model.get_layer("encoder_1").units,
        "code_size": model.get_layer("encoder_2").units,
        "noise": (noise.low, noise.high),
    }


# ---------------------------------------------------------------------------- training

# Building and compiling a model takes longer than training it on a small table. Models that have done
# their work are kept for the next fit of the same shape, as in cross-validation; fits in other
# threads find none and build their own.
_KEPT = 4
_idle = collections.OrderedDict()
_idle_lock = threading.Lock()


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for the first tenth of the steps and then falls as a cosine to 0.

    The number of steps is a variable, so that a compiled model can be trained again for another number.
    """

    def __init__(self, highest):
        super().__init__()
        self.highest = highest
        self.n_steps = keras.Variable(1.0, trainable=False, dtype="float32")

    def __call__(self, step):
        n_steps = ops.convert_to_tensor(self.n_steps)
        step = ops.cast(step, n_steps.dtype)
        warm_up = ops.maximum(1.0, ops.floor(n_steps / 10))
        rising = 0.1 + 0.9 * step / warm_up
        share = ops.clip((step - warm_up) / ops.maximum(1.0, n_steps - warm_up), 0.0, 1.0)
        return self.highest * ops.where(step < warm_up, rising, 0.5 * (1 + ops.cos(np.pi * share)))


def _compiled(shape, learning_rate):
    """Build the model, the one that is trained, and its learning rate.

    The trained one maps rows to the residual of each member (b, members · d).
    """
    model = build(**shape)
    residual = model.get_layer("views").output - model.get_layer("decoder_2").output
    trainee = keras.Model(model.input, JoinMembers(name="residual")(residual), name="residuals")
    schedule = _Schedule(learning_rate)
    trainee.compile(optimizer=keras.optimizers.Adam(schedule), loss=squared_residual)
    return model, trainee, schedule


def train(shape, rows, held_out, epochs, batch_size, learning_rate, patience, whitener, seed):
    """Train the members.

    Parameters
    ----------
    shape : dict
        Arguments of `build`, but ``dtype``.
    rows, held_out : ndarray of shape (n, d)
        Standardised rows to train on, and to stop on.
    epochs, batch_size, learning_rate, patience
        As in `AutoencoderDetector`.
    whitener : ndarray of shape (d, d) or None
        The fixed, symmetric, invertible matrix of the white view.
    seed : int
        Seeds the starting weights, the noise and the order of the rows.

    Returns
    -------
    weights : dict of str to ndarray
        As `get_weights` returns them.
    history : dict of str to list of float
        Loss and held-out loss of each epoch.
    """
    key = (*shape.items(), learning_rate)
    with _idle_lock:
        kept = _idle.pop(key, None)
    model, trainee, schedule = kept or _compiled(shape, learning_rate)
    schedule.n_steps.assign(epochs * -(-len(rows) // batch_size))
    set_weights(model, _starting_weights(model, whitener, seed))
    for variable in trainee.optimizer.variables:  # moments and step count of the last fit
        variable.assign(np.zeros(variable.shape))
    history = training.fit(
        trainee,
        rows.astype(np.float32),
        epochs=epochs,
        batch_size=batch_size,
        validation_data=held_out.astype(np.float32),
        early_stopping=patience,
        random_state=seed,
        compiled="graph",
        progress=False,
    )
    weights = get_weights(model)
    if whitener is not None:  # these are not trained; keep their full precision
        weights |= {"views.whitener": whitener, "output.colourer": np.linalg.inv(whitener)}
    with _idle_lock:
        _idle[key] = model, trainee, schedule
        while len(_idle) > _KEPT:
            _idle.popitem(last=False)
    return weights, {name: [float(value) for value in values] for name, values in history.history.items()}
