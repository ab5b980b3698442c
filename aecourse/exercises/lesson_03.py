"""Exercises of lesson 03, the autoencoder from equations."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, function, integer, number, register
from aecourse.exercises.memory import remember_last


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _before_sigmoid(X, output):
    return 2 / X.size * (output - X) * output * (1 - output)


def _bias_gradient(X, output):
    return _before_sigmoid(X, output).sum(axis=0)


def _bias_mean(X, output):
    return _before_sigmoid(X, output).mean(axis=0)


def _bias_sign(X, output):
    return -_bias_gradient(X, output)


def _bias_no_slope(X, output):
    return (2 / X.size * (output - X)).sum(axis=0)


def _bias_no_average(X, output):
    return X.size * _bias_gradient(X, output)


def _bias_rows_only(X, output):
    return X.shape[1] * _bias_gradient(X, output)


def _bias_no_two(X, output):
    return _bias_gradient(X, output) / 2


def _bias_every_row(X, output):
    return _before_sigmoid(X, output)


def _tied_parts(X, W):
    """Return the gradients of W as encoder and as decoder."""
    H = _sigmoid(X @ W)
    D2 = _before_sigmoid(X, _sigmoid(H @ W.T))
    return X.T @ ((D2 @ W) * H * (1 - H)), (H.T @ D2).T


def _tied_gradient(X, W):
    encoder, decoder = _tied_parts(X, W)
    return encoder + decoder


def _tied_encoder(X, W):
    return _tied_parts(X, W)[0]


def _tied_decoder(X, W):
    return _tied_parts(X, W)[1]


def _tied_mean(X, W):
    return _tied_gradient(X, W) / 2


_rng = np.random.default_rng(3)
_ROWS_AND_OUTPUTS = [(_rng.random((n, d)), _rng.random((n, d))) for n, d in ((1, 3), (5, 4))]
_ROWS_AND_WEIGHTS = [(_rng.random((n, d)), _rng.normal(size=(d, k))) for n, d, k in ((1, 3, 2), (6, 4, 3))]


# 03.5, the gradients of another loss, and a check of gradients.
_Gradients = Callable[[NDArray, NDArray, NDArray], tuple[Any, Any, Any]]
_NETWORKS = [
    (_rng.uniform(0.05, 0.95, size=(n, 20)), _rng.normal(size=(20, 10)), _rng.normal(size=(10, 20)))
    for n in (3, 7)
]


def _with_loss(loss: Callable[..., Any], slope: Callable[..., Any], sign: int = 1) -> _Gradients:
    """Return the loss of the network and its gradients, from the loss and its slope before the output."""

    def gradients(X: NDArray, W1: NDArray, W2: NDArray) -> tuple[Any, NDArray, NDArray]:
        H = _sigmoid(X @ W1)
        output = _sigmoid(H @ W2)
        D2 = sign * slope(X, output)
        return loss(X, output), X.T @ ((D2 @ W2.T) * H * (1 - H)), H.T @ D2

    return gradients


def _entropy(X, output):
    return -np.mean(X * np.log(output) + (1 - X) * np.log(1 - output))


def _entropy_slope(X, output):
    return (output - X) / X.size


def _entropy_sum(X, output):
    return X.size * _entropy(X, output)


def _squares(X, output):
    return np.mean((output - X) ** 2)


def _slope_kept(X, output):
    return _entropy_slope(X, output) * output * (1 - output)


_REFERENCE = _with_loss(_entropy, _entropy_slope)
_OF_SQUARES = _with_loss(_squares, _before_sigmoid)


def _spoiled(where: int, factor: float, only_one: bool = False) -> _Gradients:
    """Return the squared error's gradients with one matrix, or one entry of it, wrong by a factor."""

    def gradients(X: NDArray, W1: NDArray, W2: NDArray) -> tuple[Any, NDArray, NDArray]:
        loss, *both = _OF_SQUARES(X, W1, W2)
        place = np.unravel_index(np.abs(both[where]).argmax(), both[where].shape) if only_one else ...
        both[where][place] *= factor
        return loss, both[0], both[1]

    return gradients


@remember_last
def _pair_fault(answer: Any) -> str | None:
    """Return the first thing that is wrong with the two functions: a sentence, or a usual mistake's name."""
    if not (isinstance(answer, (list, tuple)) and len(answer) == 2 and all(map(callable, answer))):
        return "Give both functions in a list, without calling them: [entropy_gradients, agree]."
    gradients, agree = answer
    try:
        return _gradients_fault(gradients) or _agree_fault(agree)
    except (Exception, SystemExit) as error:
        words = str(error).strip().split("\n")[0][:200].rstrip(".")
        return f"One of your functions stops with {type(error).__name__}{words and ': '}{words}."


def _gradients_fault(gradients: _Gradients) -> str | None:
    """Return what is wrong with the cross-entropy and its gradients."""
    for X, W1, W2 in _NETWORKS:
        result = gradients(X.copy(), W1.copy(), W2.copy())
        if result is None or len(result) != 3:
            return "entropy_gradients must return three things: the loss and two gradients."
        right = _REFERENCE(X, W1, W2)
        loss = float(np.asarray(result[0]).item())
        names = {-1: "sign of the loss", X.size: "no mean", 20: "mean over rows", 1: None}
        found = next((name for factor, name in names.items() if np.isclose(loss, factor * right[0])), "other")
        if found == "other":
            return f"Your loss is {loss:.4f} on a batch of {len(X)} rows where {right[0]:.4f} is right."
        if found:
            return found
        for which in (2, 1):  # the second layer's gradient comes first in the derivation
            given = np.asarray(result[which], dtype=float)
            if given.shape != right[which].shape:
                return (
                    f"The gradient of W{which} must have the shape of W{which}, {right[which].shape}; "
                    f"found {given.shape}."
                )
            if not np.allclose(given, right[which], rtol=1e-5, atol=1e-9):
                return _gradient_mistake(which, given, (X, W1, W2))
    return None


def _gradient_mistake(which: int, given: NDArray, network: tuple[NDArray, NDArray, NDArray]) -> str:
    """Return the name of a usual mistake in a gradient, or a sentence that says where it differs."""
    X = network[0]
    right = _REFERENCE(*network)[which]
    slopes = _with_loss(_entropy, _slope_kept)(*network)[which]
    squared = _OF_SQUARES(*network)[which]
    for wrong, name in (
        (slopes, "slope kept"),
        (squared, "squared error"),
        (-right, "sign"),
        (X.size * right, "gradient not averaged"),
        (20 * right, "gradient not averaged"),
    ):
        if np.allclose(given, wrong, rtol=1e-5, atol=1e-9):
            return name
    place = np.unravel_index(np.abs(given - right).argmax(), right.shape)
    where = ", ".join(map(str, place))
    return (
        f"The gradient of W{which} is wrong: at [{where}] yours is {given[place]:.5f}, and the central "
        f"difference of the loss is {right[place]:.5f}."
    )


def _agree_fault(agree: Callable[..., Any]) -> str | None:
    """Return what is wrong with a check of gradients."""
    X, W1, W2 = _NETWORKS[1]

    def says(function: _Gradients) -> bool:
        return bool(agree(function, X.copy(), W1.copy(), W2.copy()))

    tripled = _with_loss(
        lambda X, output: 3 * _squares(X, output), lambda X, output: 3 * _before_sigmoid(X, output)
    )
    if not all(map(says, (_OF_SQUARES, _REFERENCE, tripled))):
        return "too strict"
    whole = [says(_spoiled(where, factor)) for where, factor in ((0, -1), (1, 0.5))]
    if all(whole):
        return "always true"
    if any(whole):
        return "one matrix"
    if any(says(_spoiled(where, 1.05, only_one=True)) for where in (0, 1)):
        return "too coarse"
    return None


def _pair_has(fault: str) -> Callable[[Any], bool]:
    return lambda answer: _pair_fault(answer) == fault


def _pair_complaint(answer: Any) -> str | None:
    fault = _pair_fault(answer)
    return fault if fault and fault.endswith((".", "?")) else None


def _agree_by_entries(function, X, W1, W2, epsilon=1e-5, tolerance=1e-4):
    """Answer entry by entry, both sides of each weight."""
    gradients = function(X, W1, W2)[1:]
    for W, gradient in zip((W1, W2), gradients, strict=True):
        numeric = np.empty_like(W)
        for place in np.ndindex(W.shape):
            value = W[place]
            W[place] = value + epsilon
            above = function(X, W1, W2)[0]
            W[place] = value - epsilon
            numeric[place] = (above - function(X, W1, W2)[0]) / (2 * epsilon)
            W[place] = value
        if np.abs(numeric - gradient).max() > tolerance * np.abs(gradient).max():
            return False
    return True


def _agree_by_scipy(function, X, W1, W2):
    """Answer with SciPy's one-sided differences on one vector of all weights."""
    from scipy.optimize import check_grad

    def split(weights):
        return weights[: W1.size].reshape(W1.shape), weights[W1.size :].reshape(W2.shape)

    gradient = np.concatenate([each.ravel() for each in function(X, W1, W2)[1:]])
    error = check_grad(
        lambda weights: function(X, *split(weights))[0],
        lambda weights: gradient,
        np.concatenate([W1.ravel(), W2.ravel()]),
    )
    return error < 1e-3 * np.linalg.norm(gradient)


def _entropy_by_chain(X, W1, W2):
    """Answer with every factor of the chain written out."""
    H = _sigmoid(X @ W1)
    output = _sigmoid(H @ W2)
    D = (-X / output + (1 - X) / (1 - output)) / X.size
    D2 = D * output * (1 - output)
    loss = (-X * np.log(output) - (1 - X) * np.log(1 - output)).mean()
    return [loss, X.T @ (D2 @ W2.T * H * (1 - H)), H.T @ D2]


def _first_matrix_only(function, X, W1, W2):
    def first(X, W1, W2):
        loss, gradient, _ = function(X, W1, W2)
        return loss, gradient, _numeric_second(function, X, W1, W2)

    return _agree_by_entries(first, X, W1, W2)


def _numeric_second(function, X, W1, W2, epsilon=1e-5):
    gradient = np.empty_like(W2)
    for place in np.ndindex(W2.shape):
        step = np.zeros_like(W2)
        step[place] = epsilon
        both = [function(X, W1, W2 + sign * step)[0] for sign in (1, -1)]
        gradient[place] = (both[0] - both[1]) / (2 * epsilon)
    return gradient


register(
    Exercise(
        id="03.1",
        is_right=integer(430),
        why="200 weights and 10 biases in the first layer, 200 weights and 20 biases in the second.",
        wrong=(
            Wrong("no biases", integer(400), "Those are the weights; the biases come on top."),
            Wrong("biases of the code", integer(410), "The output layer's units have biases too."),
            Wrong("biases of the output", integer(420), "The code's units have biases too."),
            Wrong(
                "biases of the input",
                integer(440),
                "A bias belongs to a unit that computes something; the 20 inputs do not.",
            ),
            Wrong(
                "biases of three layers",
                integer(450),
                "A bias belongs to a unit that computes something; the 20 inputs do not.",
            ),
        ),
        hint="Each layer has inputs · units weights and one bias a unit.",
    ),
    Exercise(
        id="03.2",
        is_right=function(_bias_gradient, _ROWS_AND_OUTPUTS),
        why="The bias is added to every row, so the rows of D2 are summed.",
        wrong=(
            Wrong(
                "mean over the rows",
                function(_bias_mean, _ROWS_AND_OUTPUTS),
                "The 1 / n is in D2 already. A bias acts on every row, and effects add up.",
            ),
            Wrong(
                "sign",
                function(_bias_sign, _ROWS_AND_OUTPUTS),
                "The size is right. Does the loss rise or fall when an output that is too high rises?",
            ),
            Wrong(
                "no slope",
                function(_bias_no_slope, _ROWS_AND_OUTPUTS),
                "The bias stands inside the sigmoid: its slope O (1 − O) belongs to the chain.",
            ),
            Wrong(
                "no average",
                function(_bias_no_average, _ROWS_AND_OUTPUTS),
                "The loss is a mean over all entries; where is the number of entries?",
            ),
            Wrong(
                "average over rows only",
                function(_bias_rows_only, _ROWS_AND_OUTPUTS),
                "The loss is averaged over the columns as well as over the rows.",
            ),
            Wrong(
                "no two",
                function(_bias_no_two, _ROWS_AND_OUTPUTS),
                "Half of it: the derivative of a square has a factor 2.",
            ),
            Wrong(
                "every row",
                function(_bias_every_row, _ROWS_AND_OUTPUTS),
                "That is D2, with one row for each row of X. There is one bias for each column.",
            ),
        ),
        hint="A bias is a weight from an input that is always 1. Put a column of ones for A into fact 3.",
    ),
    Exercise(
        id="03.3",
        is_right=number(0.00005, 1e-9),
        why="Her gradient is 20 times as large, so the rate must be 20 times as small.",
        wrong=(
            Wrong(
                "wrong direction",
                number(0.02, 1e-6),
                "Summing makes the gradient larger. Must the rate then grow or shrink?",
            ),
            Wrong(
                "batch size too",
                number(0.001 / 640, 1e-9),
                "She still averages over the 32 rows; only the 20 columns are summed.",
            ),
            Wrong(
                "batch size instead",
                number(0.001 / 32, 1e-9),
                "She still averages over the 32 rows; it is the columns that are summed.",
            ),
            Wrong(
                "unchanged",
                number(0.001, 1e-9),
                "The steps would differ: by which factor does her gradient differ?",
            ),
        ),
        also_right=(Fraction(1, 20_000), np.float32(0.00005), [0.00005]),
        hint="A step is rate times gradient. By which factor does her gradient differ?",
    ),
    Exercise(
        id="03.4",
        is_right=function(_tied_gradient, _ROWS_AND_WEIGHTS),
        why="W stands in two places, and a weight's effects add up.",
        wrong=(
            Wrong(
                "encoder only",
                function(_tied_encoder, _ROWS_AND_WEIGHTS),
                "That is W's part as encoder. W also stands in the decoder.",
            ),
            Wrong(
                "decoder only",
                function(_tied_decoder, _ROWS_AND_WEIGHTS),
                "That is W's part as decoder. W also stands in the encoder.",
            ),
            Wrong(
                "mean of both",
                function(_tied_mean, _ROWS_AND_WEIGHTS),
                "Both parts are there, but halved. Effects add up; they are not averaged.",
            ),
        ),
        hint="Write both gradients as in section 1.3 with W2 = Wᵀ, bring them to W's shape, and add them.",
    ),
    Exercise(
        id="03.5",
        is_right=Check(lambda answer: _pair_fault(answer) is None, _pair_complaint),
        why="The slope O (1 − O) cancels, so that D2 is (O − X) / (nd); and your own check finds wrong "
        "gradients, down to one entry.",
        right_example=[_REFERENCE, _agree_by_entries],
        also_right=((_entropy_by_chain, _agree_by_scipy),),
        wrong=(
            Wrong(
                "sign of the loss",
                _pair_has("sign of the loss"),
                "Your loss is negative. Logarithms of numbers below 1 are negative; where is the minus sign?",
                [_with_loss(lambda X, output: -_entropy(X, output), _entropy_slope), _agree_by_entries],
            ),
            Wrong(
                "no mean",
                _pair_has("no mean"),
                "Your loss is a sum over all entries; take the mean.",
                [_with_loss(_entropy_sum, _entropy_slope), _agree_by_entries],
            ),
            Wrong(
                "mean over rows",
                _pair_has("mean over rows"),
                "Your loss is summed over the columns; take the mean over rows and columns.",
                [_with_loss(lambda X, output: 20 * _entropy(X, output), _entropy_slope), _agree_by_entries],
            ),
            Wrong(
                "slope kept",
                _pair_has("slope kept"),
                "One factor O (1 − O) too many. The derivative of the loss with respect to O has it in the "
                "denominator; what is left after the product?",
                [
                    _with_loss(_entropy, _slope_kept),
                    _agree_by_entries,
                ],
            ),
            Wrong(
                "squared error",
                _pair_has("squared error"),
                "Those are the gradients of the squared error. Begin again with the derivative of the "
                "cross-entropy with respect to O.",
                [_with_loss(_entropy, _before_sigmoid), _agree_by_entries],
            ),
            Wrong(
                "sign",
                _pair_has("sign"),
                "The size is right, the sign is not. Does the loss rise or fall when an output that is too "
                "high rises?",
                [_with_loss(_entropy, _entropy_slope, sign=-1), _agree_by_entries],
            ),
            Wrong(
                "gradient not averaged",
                _pair_has("gradient not averaged"),
                "The loss is a mean over all entries, so its gradients have 1 / (nd), too.",
                [_with_loss(_entropy, lambda X, output: output - X), _agree_by_entries],
            ),
            Wrong(
                "too strict",
                _pair_has("too strict"),
                "agree rejects right gradients. Central differences are not exact: allow a relative error "
                "such as 1e-4, and use the loss of the function that is passed in.",
                [_REFERENCE, lambda f, X, W1, W2: _agree_by_entries(f, X, W1, W2, tolerance=1e-13)],
            ),
            Wrong(
                "always true",
                _pair_has("always true"),
                "agree accepts gradients with a wrong sign or a wrong factor. Compare them with central "
                "differences.",
                [_REFERENCE, lambda f, X, W1, W2: True],
            ),
            Wrong(
                "one matrix",
                _pair_has("one matrix"),
                "agree accepts a wrong gradient of one of the two matrices. Compare both.",
                [_REFERENCE, _first_matrix_only],
            ),
            Wrong(
                "too coarse",
                _pair_has("too coarse"),
                "agree accepts a gradient of which one entry is wrong by 5 %. Compare every entry, with a "
                "smaller tolerance.",
                [_REFERENCE, lambda f, X, W1, W2: _agree_by_entries(f, X, W1, W2, tolerance=0.2)],
            ),
        ),
        hint="First the derivative of the loss with respect to O, then times O (1 − O), then fact 3 of "
        "section 1.3.",
    ),
)
