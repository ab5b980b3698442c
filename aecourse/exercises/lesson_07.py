"""Exercises of lesson 07, encoder, decoder, latent space."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, array, choice, integer, register
from aecourse.exercises.memory import remember_last


def _stopped(error: BaseException) -> str:
    words = str(error).strip().split("\n")[0][:200].rstrip(".")
    return f"Your function stops with {type(error).__name__}{words and ': '}{words}."


# 07.3, the row halfway between two codes. The parts are those of a small untrained network.


@functools.cache
def _halfway_case() -> tuple[Any, Any, NDArray, NDArray]:
    """Return an encoder, a decoder and two rows."""
    from aecourse import builders

    model = builders.dense(784, (), 2, activation="tanh", output="sigmoid", random_state=0)
    kernel = model.get_layer("output").kernel
    kernel.assign(40 * kernel)  # bent enough that decoding and taking the mean cannot be swapped
    first, second = np.random.default_rng(0).random((2, 784))
    return model.encoder, model.decoder, first, second


@remember_last
def _run_halfway(halfway: Callable[..., Any]) -> Any:
    encoder, decoder, first, second = _halfway_case()
    try:
        return halfway(encoder, decoder, first.copy(), second.copy())
    except (Exception, SystemExit) as error:
        return error


def _halfway_complaint(halfway: Any) -> str | None:
    if not callable(halfway):
        return "Give the function halfway itself, without calling it."
    result = _run_halfway(halfway)
    if isinstance(result, BaseException):
        return _stopped(result)
    if result is None:
        return "Your function returns None; does it end with a return statement?"
    try:
        found = np.asarray(result, dtype=float).shape
    except (TypeError, ValueError):
        return "Your function must return an array of numbers."
    if found != (784,):
        return f"The decoded row must have the shape (784,); found {found}."
    return None


@functools.cache
def _halfway_parts() -> dict[str, NDArray]:
    """Return what right and wrong answers give."""
    encoder, decoder, first, second = _halfway_case()
    codes = np.asarray(encoder(np.stack([first, second])))  # predict would have TensorFlow warn of new traces
    return {
        "right": np.asarray(decoder(codes.mean(axis=0, keepdims=True)))[0],
        "images": (first + second) / 2,
        "decoded": np.asarray(decoder(codes)).mean(axis=0),
    }


def _halfway_gives(part: str) -> Callable[[Any], bool]:
    return lambda halfway: np.allclose(_run_halfway(halfway), _halfway_parts()[part], atol=1e-6)


def _halfway_has_shape(*shapes: tuple[int, ...]) -> Callable[[Any], bool]:
    return lambda halfway: np.shape(_run_halfway(halfway)) in shapes


def _halfway(encoder: Any, decoder: Any, first: NDArray, second: NDArray) -> NDArray:
    codes = encoder.predict(np.stack([first, second]), verbose=0)
    return decoder.predict(codes.mean(axis=0, keepdims=True), verbose=0)[0]


def _halfway_by_calls(encoder: Any, decoder: Any, first: NDArray, second: NDArray) -> Any:
    middle = (encoder(first[None]) + encoder(second[None])) / 2
    return decoder(middle)[0]


# 07.5, an encoder, a decoder and their map. The student's function is run on some digits.
_STEPS, _SIDE = 8, 28
_Pair = tuple[Any, Any, NDArray]


@functools.cache
def _digits() -> NDArray:
    """Return 600 digits, shape (600, 784)."""
    from aecourse import datasets

    (images, _), _ = datasets.load_mnist()
    return images[:600].reshape(600, -1) / 255


def _run_pair(pair: Callable[..., Any]) -> Any:
    try:
        return pair(_digits().copy())
    except (Exception, SystemExit) as error:
        return error


def _apply(part: Any, rows: NDArray) -> NDArray:
    """Return what a Keras model, or a function, makes of rows."""
    return np.asarray(part(rows) if callable(part) else part.predict(rows), dtype=float)


def _map(decoder: Any, codes: NDArray, low: float = 5, high: float = 95) -> NDArray:
    """Return the decoded grid, shape (8, 8, 28, 28): first unit along the second axis."""
    (left, top), (right, bottom) = np.percentile(codes, [low, high], axis=0)
    across, down = np.meshgrid(np.linspace(left, right, _STEPS), np.linspace(top, bottom, _STEPS))
    tiles = _apply(decoder, np.column_stack([across.ravel(), down.ravel()]))
    return tiles.reshape(_STEPS, _STEPS, _SIDE, _SIDE)


def _joined(tiles: NDArray) -> NDArray:
    return tiles.swapaxes(1, 2).reshape(_STEPS * _SIDE, _STEPS * _SIDE)


@remember_last
def _pair_fault(pair: Any) -> str | None:
    """Return the first thing that is wrong: a sentence, or the name of a usual mistake."""
    if not callable(pair):
        return "Give the function my_pair itself, without calling it."
    result, X = _run_pair(pair), _digits()
    if isinstance(result, BaseException):
        return _stopped(result)
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        return "Your function must return three things: return encoder, decoder, canvas."
    encoder, decoder, canvas = result
    try:
        codes = _apply(encoder, X)
        if codes.shape != (len(X), 2):
            return f"Your encoder must give two numbers a row, ({len(X)}, 2); found the shape {codes.shape}."
        redrawn = _apply(decoder, codes)
        if redrawn.shape != X.shape:
            return f"Your decoder must give rows of 784 pixels, {X.shape}; found the shape {redrawn.shape}."
    except Exception as error:
        return f"The encoder or the decoder cannot be used on rows: {type(error).__name__}."
    if not np.mean((redrawn - X) ** 2) < 0.95 * np.mean((X - X.mean(axis=0)) ** 2):
        return "hardly trained"
    return _canvas_fault(canvas, decoder, codes)


def _canvas_fault(canvas: Any, decoder: Any, codes: NDArray) -> str | None:
    """Return what is wrong with a map, given the decoder and the codes."""
    try:
        canvas = np.asarray(canvas, dtype=float)
    except (TypeError, ValueError):
        return "The map must be an array of numbers."
    tiles = _map(decoder, codes)
    if canvas.shape != _joined(tiles).shape:
        return f"The map must have the shape {_joined(tiles).shape}, 8 × 8 images; found {canvas.shape}."
    pictures = {
        None: _joined(tiles),
        "rows of pixels": tiles.reshape(_joined(tiles).shape),
        "units swapped": _joined(tiles.swapaxes(0, 1)),
        "upside down": _joined(tiles[::-1]),
        "whole range": _joined(_map(decoder, codes, 0, 100)),
    }
    for name, picture in pictures.items():
        if np.allclose(canvas, picture, atol=1e-3):
            return name
    return (
        "The map is not that of your decoder on the grid. Decode one corner by hand, the 5th percentile of "
        "both units, and compare it with canvas[:28, :28]."
    )


def _pair_complaint(pair: Any) -> str | None:
    fault = _pair_fault(pair)
    return fault if fault and fault.endswith((".", "?")) else None


def _pair_has(fault: str) -> Callable[[Any], bool]:
    return lambda pair: _pair_fault(pair) == fault


def _keras_pair(X: NDArray) -> _Pair:
    """Answer in Keras, as the lesson does."""
    import keras

    encoder = keras.Sequential(
        [keras.Input((784,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2)]
    )
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(784, activation="sigmoid")])
    both = keras.Sequential([encoder, decoder])
    both.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    both.fit(X, X, epochs=8, batch_size=32, verbose=0)
    return encoder, decoder, _joined(_map(decoder, encoder.predict(X, verbose=0)))


def _linear_pair(
    picture: Callable[[Any, NDArray], NDArray] = lambda decoder, codes: _joined(_map(decoder, codes)),
    trained: bool = True,
) -> Callable[[NDArray], _Pair]:
    """Return an answer in NumPy: the linear network of two units that PCA finds, and a picture of it."""

    def pair(X: NDArray) -> _Pair:
        mean = X.mean(axis=0)
        directions = np.linalg.svd(X - mean, full_matrices=False)[2][:2]
        outward = directions if trained else 0 * directions

        def decoder(codes: NDArray) -> NDArray:
            return mean + codes @ outward

        def encoder(rows: NDArray) -> NDArray:
            return (rows - mean) @ directions.T

        return encoder, decoder, picture(decoder, encoder(X))

    return pair


register(
    Exercise(
        id="07.1",
        is_right=integer(25_872),
        why="32 · 784 weights and 784 biases.",
        wrong=(
            Wrong("no biases", integer(25_088), "You left out the biases: one for each of the 784 outputs."),
            Wrong(
                "biases of the code",
                integer(25_120),
                "That is the encoder: the biases belong to a layer's outputs, here 784.",
            ),
            Wrong("whole autoencoder", integer(50_992), "That is encoder and decoder together."),
        ),
        hint="A layer has inputs · units weights and one bias a unit.",
    ),
    Exercise(
        id="07.2",
        is_right=array([0.0, 0.28], tol=0.005),
        why="The median is 0, the mean is 1.4 / 5 = 0.28.",
        right_example=(0.0, 0.28),
        wrong=(
            Wrong(
                "the other way round",
                array([0.28, 0.0], tol=0.005),
                "Right values, the wrong way round.",
                (0.28, 0.0),
            ),
            Wrong(
                "mean twice",
                array([0.28, 0.28], tol=0.005),
                "The absolute error is minimised by the median.",
                (0.28, 0.28),
            ),
            Wrong(
                "midrange",
                array([0.5, 0.28], tol=0.005),
                "The middle of the range is not the median: sort the five values and take the third.",
                (0.5, 0.28),
            ),
        ),
        hint="One is the median, the other the mean.",
    ),
    Exercise(
        id="07.3",
        is_right=Check(_halfway_gives("right"), _halfway_complaint),
        why="The mean of two codes is a code, and a code decodes to one image row.",
        right_example=_halfway,
        also_right=(_halfway_by_calls,),
        wrong=(
            Wrong(
                "a batch of one",
                _halfway_has_shape((1, 784)),
                "That is a batch of one row; take its first row with [0].",
                lambda *case: _halfway(*case)[None],
            ),
            Wrong(
                "two rows",
                _halfway_has_shape((2, 784)),
                "You decoded both ends; take the mean of the two codes first.",
                lambda encoder, decoder, *rows: decoder.predict(
                    encoder.predict(np.stack(rows), verbose=0), verbose=0
                ),
            ),
            Wrong(
                "the code",
                _halfway_has_shape((2,), (1, 2)),
                "That is the code itself; send it through the decoder.",
                lambda encoder, decoder, *rows: encoder.predict(np.stack(rows), verbose=0).mean(axis=0),
            ),
            Wrong(
                "mean of the images",
                _halfway_gives("images"),
                "That is halfway between the two images. Encode them first; the mean is taken of the codes.",
                lambda encoder, decoder, first, second: (first + second) / 2,
            ),
            Wrong(
                "mean of the decoded images",
                _halfway_gives("decoded"),
                "You decoded both codes and took the mean after that. Take the mean of the codes first.",
                lambda encoder, decoder, *rows: decoder.predict(
                    encoder.predict(np.stack(rows), verbose=0), verbose=0
                ).mean(axis=0),
            ),
        ),
        hint="Encode both rows, take the mean of the codes, decode it.",
    ),
    Exercise(
        id="07.4",
        is_right=choice("b", "abc"),
        why="One layer, two models: training one changes both.",
        wrong=(
            Wrong("compile", choice("a", "abc"), "Compiling sets optimizer and loss; it trains nothing."),
            Wrong(
                "copied",
                choice("c", "abc"),
                "If they had been copied, they would be the untrained ones. What did the proof show?",
            ),
        ),
    ),
    Exercise(
        id="07.5",
        is_right=Check(lambda pair: _pair_fault(pair) is None, _pair_complaint),
        why="Two numbers an image, and a map that shows what each of them draws.",
        right_example=_keras_pair,
        also_right=(_linear_pair(),),
        wrong=(
            Wrong(
                "hardly trained",
                _pair_has("hardly trained"),
                "Decoded codes are hardly closer to the images than the mean image is. Print the loss by "
                "epoch; train longer, or with a larger learning rate.",
                _linear_pair(trained=False),
            ),
            Wrong(
                "rows of pixels",
                _pair_has("rows of pixels"),
                "The tiles are torn into rows of pixels. After reshape(8, 8, 28, 28) swap the two middle "
                "axes, and only then reshape to (224, 224).",
                _linear_pair(lambda decoder, codes: _map(decoder, codes).reshape(224, 224)),
            ),
            Wrong(
                "units swapped",
                _pair_has("units swapped"),
                "Your map has the first unit going down and the second across; it must be the other way.",
                _linear_pair(lambda decoder, codes: _joined(_map(decoder, codes).swapaxes(0, 1))),
            ),
            Wrong(
                "upside down",
                _pair_has("upside down"),
                "The second unit must grow from top to bottom; on your map it grows upwards.",
                _linear_pair(lambda decoder, codes: _joined(_map(decoder, codes)[::-1])),
            ),
            Wrong(
                "whole range",
                _pair_has("whole range"),
                "Your grid runs from the smallest to the largest code, which a few strange images decide. "
                "Use the 5th and the 95th percentile.",
                _linear_pair(lambda decoder, codes: _joined(_map(decoder, codes, 0, 100))),
            ),
        ),
        hint="Build it in three steps: the pair, the grid of codes, the canvas; print a shape after each.",
    ),
)
