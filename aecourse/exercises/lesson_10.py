"""Exercises of lesson 10, autoencoder variants."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, integer, number, register
from aecourse.exercises.memory import remember_last


def _divergence(mean, log_var):
    return 0.5 * (np.square(mean) + np.exp(log_var) - 1 - log_var).sum(axis=1)


def _without_half(mean, log_var):
    return 2 * _divergence(mean, log_var)


def _mean_over_units(mean, log_var):
    return _divergence(mean, log_var) / np.shape(mean)[1]


def _one_number(mean, log_var):
    return _divergence(mean, log_var).sum()


def _without_the_logarithm(mean, log_var):
    return 0.5 * (np.square(mean) + np.exp(log_var) - 1).sum(axis=1)


# means and log variances of a few rows
_CASES = (
    (np.zeros((2, 3)), np.zeros((2, 3))),
    (np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([[0.0, 0.3], [-1.0, -4.0]])),
    (np.array([[3.0], [0.1], [-0.7]]), np.array([[-2.0], [0.5], [0.0]])),
)


# 10.5, a variational layer. Gaussians of three units in four rows, and their divergence from N(0, 1).
_UNITS = 3
_KNOWN = (
    (np.zeros((4, _UNITS)), np.zeros((4, _UNITS)), 0.0),
    (np.ones((4, _UNITS)), np.zeros((4, _UNITS)), 0.5 * _UNITS),
    (np.zeros((4, _UNITS)), np.full((4, _UNITS), np.log(4)), 0.5 * (3 - np.log(4)) * _UNITS),
)


def _call(layer: Any, mean: NDArray, log_var: NDArray, training: bool) -> tuple[NDArray, float | None]:
    """Return what a layer returns for two heads, and the loss that this call added, or None."""
    from aecourse._support.tensorflow import keras

    heads = [keras.ops.convert_to_tensor(each, dtype=layer.compute_dtype) for each in (mean, log_var)]
    before = len(layer.losses)
    code = layer(heads, training=training)
    if isinstance(code, (list, tuple)):
        raise TypeError(f"it returns {len(code)} things, where one code is wanted")
    losses = [float(each) for each in layer.losses]
    added = losses[before:] or losses  # Keras clears the losses of the last call, or keeps them
    return np.asarray(code, dtype=float), sum(added) if added else None


@remember_last
def _layer_fault(make: Any) -> str | None:
    """Return the first thing that is wrong with a layer: a sentence, or the name of a usual mistake."""
    if not callable(make):
        return "Give the class MyCode itself."
    try:
        return _loss_fault(make) or _draw_fault(make) or _gradient_fault(make)
    except (Exception, SystemExit) as error:
        words = str(error).strip().split("\n")[0][:200].rstrip(".")
        return f"Your layer stops with {type(error).__name__}{words and ': '}{words}."


def _new_layer(make: Any) -> Any:
    from aecourse._support.tensorflow import keras

    layer = make()
    if not isinstance(layer, keras.layers.Layer):
        raise TypeError("MyCode() must be a Keras layer: class MyCode(keras.layers.Layer)")
    return layer


def _loss_fault(make: Any) -> str | None:
    added = []
    for mean, log_var, _ in _KNOWN:
        code, loss = _call(_new_layer(make), mean, log_var, training=False)
        if loss is None:
            return "no loss"
        if code.shape != mean.shape:
            return f"The code must have the shape of the mean, {mean.shape}; found {code.shape}."
        if not np.allclose(code, mean, atol=1e-5):
            return "drawn at prediction"
        added.append(loss)
    wanted = np.array([value for *_, value in _KNOWN])
    factors = {"no half": 2, "mean over units": 1 / _UNITS, "sum over rows": 4, "sign": -1}
    if np.allclose(added, wanted, atol=1e-4):
        return None
    for name, factor in factors.items():
        if np.allclose(added, factor * wanted, atol=1e-4):
            return name
    return (
        f"For a mean of 1 and a log variance of 0 in {_UNITS} units the added loss must be "
        f"{wanted[1]:.2f}, and for a mean of 0 and a variance of 4 it must be {wanted[2]:.3f}; "
        f"found {added[1]:.3f} and {added[2]:.3f}."
    )


def _draw_fault(make: Any) -> str | None:
    mean, log_var = np.full((4000, _UNITS), 2.0), np.full((4000, _UNITS), np.log(0.25))
    layer = _new_layer(make)
    first, second = (_call(layer, mean, log_var, training=True)[0] for _ in range(2))
    if np.allclose(first, mean):
        return "never drawn"
    if first[:, 0].std() < 1e-3 or np.allclose(first, second):
        return "one noise for all"
    if abs(first.mean() - 2) > 0.05:
        return f"Draws from N(2, 0.25) must have a mean of 2; yours have {first.mean():.2f}."
    spread = first.std()
    for name, value in (("variance for sd", 0.25), ("log variance for sd", np.log(4)), ("sd ignored", 1.0)):
        if abs(spread - value) < 0.03:
            return name
    if abs(spread - 0.5) > 0.03:
        return f"Draws from N(2, 0.25) must have a standard deviation of 0.5; yours have {spread:.2f}."
    return None


def _gradient_fault(make: Any) -> str | None:
    from aecourse._support.tensorflow import keras, tf

    layer = _new_layer(make)
    heads = [tf.Variable(np.full((50, _UNITS), value), dtype=layer.compute_dtype) for value in (1.0, 0.5)]
    with tf.GradientTape() as tape:
        reached = keras.ops.sum(keras.ops.square(layer(heads, training=True)))
    gradients = tape.gradient(reached, heads)
    if any(each is None or not np.abs(np.asarray(each)).max() > 0 for each in gradients):
        return "no gradient"
    return None


def _layer_has(fault: str) -> Callable[[Any], bool]:
    return lambda make: _layer_fault(make) == fault


def _layer_complaint(make: Any) -> str | None:
    fault = _layer_fault(make)
    return fault if fault and fault.endswith(".") else None


def _layer_of(
    *,
    half: float = 0.5,
    reduce: str = "sum",
    add: bool = True,
    spread: Callable[[Any, Any], Any] = lambda ops, log_var: ops.exp(log_var / 2),
    always: bool = False,
    never: bool = False,
    stop: bool = False,
) -> Any:
    """Return an answer, right by default: a function that makes the layer, so that Keras loads when used."""

    def make() -> Any:
        from aecourse._support.tensorflow import keras

        ops = keras.ops

        class Code(keras.layers.Layer):
            def call(self, heads: Any, training: bool = False) -> Any:
                mean, log_var = heads
                terms = half * (ops.square(mean) + ops.exp(log_var) - 1 - log_var)
                rows = getattr(ops, reduce)(terms, axis=1)
                if add:
                    self.add_loss(ops.mean(rows))
                if never or not (training or always):
                    return mean
                noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype)
                offset = spread(ops, log_var) * noise
                return mean + (ops.stop_gradient(offset) if stop else offset)

        return Code()

    return make


def _two_parts() -> Any:
    """Answer with a layer that holds another one, and the divergence by its other formula."""
    from aecourse._support.tensorflow import keras, tf

    class Noise(keras.layers.Layer):
        def call(self, mean: Any, sd: Any) -> Any:
            return mean + sd * tf.random.normal(tf.shape(mean), dtype=mean.dtype)

    class Code(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.noise = Noise()

        def call(self, heads: Any, training: bool | None = None) -> Any:
            mean, log_var = heads
            sd = keras.ops.sqrt(keras.ops.exp(log_var))
            divergence = -0.5 * keras.ops.sum(1 + log_var - mean**2 - sd**2) / keras.ops.shape(mean)[0]
            self.add_loss(divergence)
            return self.noise(mean, sd) if training else mean

    return Code()


register(
    Exercise(
        id="10.1",
        is_right=integer(13_908),
        why="Two kernels, 196 · 64 and 64 · 16, used both ways, and the biases 64, 16, 64 and 196.",
        wrong=(
            Wrong(
                "not tied",
                integer(27_476),
                "That is the dense network: it has kernels of its own on the way back.",
            ),
            Wrong(
                "no biases", integer(13_568), "You left out the biases; each layer's outputs have their own."
            ),
            Wrong(
                "encoder only",
                integer(13_648),
                "The kernels are shared, the biases are not: the way back has biases too.",
            ),
            Wrong(
                "half of dense",
                integer(13_738),
                "Only the kernels are shared; half of the whole halves the biases too.",
            ),
        ),
        hint="Count each kernel once, and the biases of all four layers.",
    ),
    Exercise(
        id="10.2",
        is_right=function(_divergence, _CASES),
        why="Half the sum, over the units, of mean² + variance − 1 − log variance; it is 0 for mean 0 and "
        "variance 1.",
        wrong=(
            Wrong("no half", function(_without_half, _CASES), "There is a factor of one half."),
            Wrong(
                "mean over units",
                function(_mean_over_units, _CASES),
                "The divergences of the units add up: take the sum over them, not the mean.",
            ),
            Wrong(
                "one number for all",
                function(_one_number, _CASES),
                "One number a row is wanted: sum over the units only (axis=1).",
            ),
            Wrong(
                "no logarithm",
                function(_without_the_logarithm, _CASES),
                "Without − log variance nothing keeps the variance from shrinking to 0.",
            ),
        ),
        hint="Try it on a mean of 0 and a log variance of 0: the answer is 0.",
    ),
    Exercise(
        id="10.3",
        is_right=number(0.04, 1e-9),
        why="The squared error divided by beta is the squared error divided by twice the variance.",
        wrong=(
            Wrong("the variance", number(0.02, 1e-9), "Compare error / beta with error / (2 · variance)."),
            Wrong("half", number(0.01, 1e-9), "The other way round: beta / 2 is the variance."),
        ),
        hint="In nats a squared error counts 1 / (2 · variance); in this loss it counts 1 / beta.",
    ),
    Exercise(
        id="10.4",
        is_right=choice("c", "abc"),
        why="Another start gives another network; only more starts show how much that moves the figure.",
        wrong=(
            Wrong(
                "other test rows",
                choice("a", "abc"),
                "That is what the bootstrap imitates: it draws test rows again and again.",
            ),
            Wrong(
                "hard rows",
                choice("b", "abc"),
                "Pairing takes care of that: both networks are measured on the same resamples.",
            ),
        ),
    ),
    Exercise(
        id="10.5",
        is_right=Check(lambda make: _layer_fault(make) is None, _layer_complaint),
        why="The divergence of known Gaussians, the mean and the spread of the draws, and the gradients are "
        "those of a variational layer.",
        right_example=_layer_of(),
        also_right=(_two_parts,),
        wrong=(
            Wrong(
                "no loss",
                _layer_has("no loss"),
                "No loss was added. Call self.add_loss in `call`, at prediction too.",
                _layer_of(add=False),
            ),
            Wrong(
                "drawn at prediction",
                _layer_has("drawn at prediction"),
                "Without training=True the layer must return the mean as it is; does `call` have the "
                "argument training=False?",
                _layer_of(always=True),
            ),
            Wrong("no half", _layer_has("no half"), "There is a factor of one half.", _layer_of(half=1.0)),
            Wrong(
                "sign",
                _layer_has("sign"),
                "The divergence has the wrong sign: it is at least 0.",
                _layer_of(half=-0.5),
            ),
            Wrong(
                "mean over units",
                _layer_has("mean over units"),
                "The divergences of the units add up: sum over the units, mean over the rows.",
                _layer_of(reduce="mean"),
            ),
            Wrong(
                "sum over rows",
                _layer_has("sum over rows"),
                "Your loss grows with the number of rows: take the mean over the rows.",
                _layer_of(half=2.0),
            ),
            Wrong(
                "never drawn",
                _layer_has("never drawn"),
                "With training=True the layer returns the mean; it must return a draw.",
                _layer_of(never=True),
            ),
            Wrong(
                "variance for sd",
                _layer_has("variance for sd"),
                "Your draws from a variance of 0.25 have a standard deviation of 0.25. That deviation "
                "is the root of the variance: exp(log_var / 2).",
                _layer_of(spread=lambda ops, log_var: ops.exp(log_var)),
            ),
            Wrong(
                "log variance for sd",
                _layer_has("log variance for sd"),
                "You multiply the noise by the log variance; the standard deviation is exp(log_var / 2).",
                _layer_of(spread=lambda ops, log_var: log_var),
            ),
            Wrong(
                "sd ignored",
                _layer_has("sd ignored"),
                "Your draws have a standard deviation of 1 whatever log_var says.",
                _layer_of(spread=lambda ops, log_var: ops.ones_like(log_var)),
            ),
            Wrong(
                "no gradient",
                _layer_has("no gradient"),
                "No gradient reaches one of the heads through the draw. Write the draw as mean + sd · noise.",
                _layer_of(stop=True),
            ),
        ),
        hint="Try the layer on a mean of 0 and a log variance of 0: it adds no loss, and its draws have a "
        "standard deviation of 1.",
    ),
)
