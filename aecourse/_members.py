"""The networks inside `AutoencoderDetector`: several small autoencoders in one Keras model.

The members are trained at once. Each layer holds the weights of all members, with the member as
its first axis, so that a step is a handful of batched matrix products however many members there
are, and one graph is compiled for all of them.

A member sees the rows in one of two views: *plain*, the columns as they are given, or *white*,
multiplied by a fixed symmetric matrix that makes the columns uncorrelated with equal variance.

This module is apart from ``detector`` so that the detector can be imported without TensorFlow.
"""

import numpy as np
from sklearn.utils import check_random_state

from aecourse import builders
from aecourse._tensorflow import keras

layers, ops = keras.layers, keras.ops

__all__ = ["Fan", "Gather", "MemberDense", "Residual", "RowNoise", "SplitMembers", "JoinMembers",
           "build", "parts", "squared_residual"]

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
            self.whitener = self.add_weight(name="whitener", shape=(width, width), initializer="zeros",
                                            trainable=False)

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
            self.colourer = self.add_weight(name="colourer", shape=(width, width), initializer="zeros",
                                            trainable=False)

    def call(self, inputs):
        total = ops.sum(inputs[:self.n_plain], axis=0)
        if self.n_white:
            total += ops.matmul(ops.sum(inputs[self.n_plain:], axis=0), self.colourer)
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
        size = ops.exp(keras.random.uniform((*shape[:-1], 1), np.log(self.low), np.log(self.high),
                                            dtype=self.compute_dtype, seed=self.seed_generator))
        return inputs + size * keras.random.normal(shape, dtype=self.compute_dtype,
                                                   seed=self.seed_generator)

    def get_config(self):
        return super().get_config() | {"low": self.low, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class MemberDense(layers.Layer):
    """A dense layer with weights of its own for each member: (members, b, i) → (members, b, units)."""

    def __init__(self, units, activation=None, kernel_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        members, _, width = input_shape
        self.kernel = self.add_weight(name="kernel", shape=(members, width, self.units),
                                      initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=(members, 1, self.units), initializer="zeros")

    def call(self, inputs):
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def get_config(self):
        return super().get_config() | {
            "units": self.units, "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}


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


def _glorot(rng, members, width, units):
    """Starting kernels; each member's is drawn as Keras draws a dense layer's."""
    limit = np.sqrt(6 / (width + units))
    return rng.uniform(-limit, limit, size=(members, width, units))


def build(n_features, n_plain, n_white, hidden, code_size, noise, whitener=None, random_state=0, dtype="float32"):
    """Build the members as one autoencoder.

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
    whitener : ndarray of shape (d, d), optional
        The fixed, symmetric, invertible matrix of the white view.
    random_state : int, RandomState or None
        Seeds the starting weights and the noise.
    dtype : str
        Precision of the model.

    Returns
    -------
    keras.Model
        Rows (b, d) → their mean reconstruction (b, d), uncompiled. It has the layer ``"code"``, of
        ``(n_plain + n_white) * code_size`` units; `parts` gives the models that share its weights.
    """
    rng = check_random_state(random_state)
    members = n_plain + n_white
    seed = int(rng.randint(2**31 - 1))

    def dense(units, activation, name):
        return MemberDense(units, activation, dtype=dtype, name=name)

    inputs = keras.Input((n_features,), dtype=dtype, name="input")
    views = Fan(n_plain, n_white, dtype=dtype, name="views")(inputs)
    x = RowNoise(*noise, seed=seed, dtype=dtype, name="noise")(views)
    x = dense(hidden, "relu", "encoder_1")(x)
    x = dense(code_size, None, "member_codes")(x)
    x = JoinMembers(dtype=dtype, name="code")(x)
    x = SplitMembers(members, dtype=dtype, name="split")(x)
    x = dense(hidden, "relu", "decoder_1")(x)
    x = dense(n_features, None, "member_outputs")(x)
    outputs = Gather(n_plain, n_white, dtype=dtype, name="output")(x)
    model = keras.Model(inputs, outputs, name="ensemble")

    for layer in model.layers:
        if isinstance(layer, MemberDense):
            layer.kernel.assign(_glorot(rng, *layer.kernel.shape))
    if n_white:
        model.get_layer("views").whitener.assign(whitener)
        model.get_layer("output").colourer.assign(np.linalg.inv(whitener))
    return model


def parts(model):
    """Return the residual model and the scoring model, which share the weights of a built model.

    Parameters
    ----------
    model : keras.Model
        What `build` returned, or the same loaded from a file.

    Returns
    -------
    residual : keras.Model
        Rows (b, d) → view minus output of each member (b, members · d). This one is trained.
    scoring : keras.Model
        Rows (b, d) → the same and the codes beside it, (b, members · (d + code_size)).
    """
    builders.attach_parts(model)
    views, outputs = model.get_layer("views").output, model.get_layer("member_outputs").output
    dtype = model.input.dtype
    residual = JoinMembers(dtype=dtype, name="residual")(views - outputs)
    both = layers.Concatenate(dtype=dtype, name="residual_and_code")(
        [residual, model.get_layer("code").output])
    return keras.Model(model.input, residual, name="residuals"), keras.Model(model.input, both, name="scoring")
