"""The course's own Keras layers and regulariser; their registered names let saved models load."""

from typing import Any

import numpy as np

from aecourse._support.checks import check_fraction, check_number, check_whole
from aecourse._support.tensorflow import keras

ops = keras.ops


def cast_penalty(value: Any) -> Any:
    """Cast a penalty to ``floatx``, in which Keras keeps the loss that it is added to.

    Without the cast, a float64 model with a penalty cannot be trained.
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

    def __call__(self, x: Any) -> Any:
        return cast_penalty(super().__call__(x))


@keras.saving.register_keras_serializable(package="aecourse")
class TiedDense(keras.layers.Layer):
    """A dense layer whose one kernel works in both directions.

    By default a call encodes, ``activation(x W + b)``. With ``transpose=True`` it decodes with the
    transposed kernel and a bias of its own, ``back_activation(h Wᵀ + c)``. The two calls are two nodes
    of one layer, so the weights stay tied through saving, loading and cloning.

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
        units: int,
        activation: Any = "linear",
        back_activation: Any = "linear",
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_whole(units, "units")
        self.activation = keras.activations.get(activation)
        self.back_activation = keras.activations.get(back_activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        width = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(width, self.units), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.back_bias = self.add_weight(name="back_bias", shape=(width,), initializer="zeros")

    def call(self, inputs: Any, transpose: bool = False) -> Any:
        if transpose:
            return self.back_activation(ops.matmul(inputs, ops.transpose(self.kernel)) + self.back_bias)
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "back_activation": keras.activations.serialize(self.back_activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="aecourse")
class MaskingNoise(keras.layers.Layer):
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

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = check_number(rate, "rate", at_least=0, below=1)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        draw = keras.random.uniform(ops.shape(inputs), dtype=self.compute_dtype, seed=self.seed_generator)
        return inputs * ops.cast(draw >= self.rate, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="aecourse")
class KLSparsity(keras.layers.Layer):
    """Pass codes in (0, 1) through, and add a loss if their mean activation differs from a target.

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

    def __init__(self, target: float = 0.05, weight: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = check_fraction(target, "target")
        self.weight = check_number(weight, "weight", at_least=0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        tiny = keras.config.epsilon()
        mean = ops.clip(ops.mean(inputs, axis=0), tiny, 1 - tiny)
        divergence = self.target * (np.log(self.target) - ops.log(mean)) + (1 - self.target) * (
            np.log(1 - self.target) - ops.log(1 - mean)
        )
        self.add_loss(cast_penalty(self.weight * ops.sum(divergence)))
        return inputs

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"target": self.target, "weight": self.weight}


@keras.saving.register_keras_serializable(package="aecourse")
class GaussianCode(keras.layers.Layer):
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

    def __init__(self, weight: float = 1.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = check_number(weight, "weight", at_least=0)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        mean, log_var = inputs
        rows = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_var) - 1.0 - log_var, axis=-1)
        self.add_loss(cast_penalty(self.weight * ops.mean(rows)))
        if not training:
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=self.compute_dtype, seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_var) * noise

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"weight": self.weight, "seed": self.seed}
