"""Make the scores that lesson 12 reads: one-class MNIST, each digit normal in turn, all others anomalies.

``python -m tools.make_digits`` trains one autoencoder and five simple detectors for each digit from nothing
and writes ``notebooks/data/scores_12.npz``. With ``--architectures`` it also measures other networks on two
digits again; otherwise their stored figures are kept. `benchmarks.bench_digits` measures and compares.

The protocol: of the digit's official training images a tenth is held out for validation; the network and
the simple detectors see the other nine tenths. The test set is all 10,000 official test images.

Nothing is chosen on other digits. Each choice is made with spoiled copies of held-out normal images in place
of anomalies: a stroke erased, a stroke added, the upper half pushed aside, or all of it bent.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from aecourse import baselines, builders, datasets, evaluation, training
from aecourse._support.files import whole_file

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "scores_12.npz"
SIDE = 28
DIGITS = tuple(range(10))
Candidate = tuple[float, float]

VALIDATION_SHARE = 0.1
N_SPOILED = 500  # validation images that are spoiled in each way
BATCH, LEARNING_RATE = 128, 2e-3
NETWORK: dict[str, Any] = {"hidden": (512, 128), "code_size": 16, "epochs": 60}
# Widths of the smoothing of the residual, in pixels, and powers of the ink that divide it.
WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
POWERS = (0.0, 0.5, 1.0)
CANDIDATES = tuple((width, power) for width in WIDTHS for power in POWERS)

# Other networks, measured on these digits only.
TWO_DIGITS = (2, 8)
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "256, code 8, 30 epochs": {"hidden": (256,), "code_size": 8, "epochs": 30},
    "256, code 16, 30 epochs": {"hidden": (256,), "code_size": 16, "epochs": 30},
    "256, code 32, 30 epochs": {"hidden": (256,), "code_size": 32, "epochs": 30},
    "256, code 32, noise 0.3, 30 epochs": {"hidden": (256,), "code_size": 32, "epochs": 30, "noise": 0.3},
    "512-128, code 16, 60 epochs": NETWORK,
}


_ROWS, _COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)


def _inked(image: NDArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a pixel with ink, drawn at random, or the middle of a blank image."""
    places = np.argwhere(image > 0.5)
    return places[rng.integers(len(places))] if len(places) else np.array([SIDE // 2, SIDE // 2])


def erase(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Erase everything within five pixels of an inked pixel."""
    row, column = _inked(image, rng)
    return image * np.clip(np.hypot(_ROWS - row, _COLUMNS - column) - 5, 0, 1)


def add_stroke(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Draw a straight stroke of 8 to 13 pixels that starts at an inked pixel."""
    row, column = _inked(image, rng)
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(8, 13)
    down, right = np.sin(angle), np.cos(angle)
    along = np.clip((_ROWS - row) * down + (_COLUMNS - column) * right, 0, length)
    distance = np.hypot(_ROWS - row - along * down, _COLUMNS - column - along * right)
    return np.maximum(image, np.clip(2 - distance, 0, 1))


def push_half(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Push the upper part four to six pixels to one side."""
    cut, shift = rng.integers(11, 18), rng.integers(4, 7) * rng.choice([-1, 1])
    pushed = image.copy()
    pushed[:cut] = ndimage.shift(image[:cut], (0, shift), order=1)
    return pushed


def bend(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Move each pixel by a smooth random field of three pixels, root-mean-square."""
    field = np.stack([ndimage.gaussian_filter(rng.normal(size=image.shape), 5) for _ in range(2)])
    field *= 3 / np.sqrt(np.mean(field**2))
    return np.clip(ndimage.map_coordinates(image, [_ROWS + field[0], _COLUMNS + field[1]], order=1), 0, 1)


SPOILERS = {"erased": erase, "stroke added": add_stroke, "half pushed": push_half, "bent": bend}


def spoil(rows: ArrayLike, random_state: int = 0) -> dict[str, NDArray[np.float32]]:
    """Return {way: spoiled copies (n, 784)} of images (n, 784) with pixels from 0 to 1."""
    rng = np.random.default_rng(random_state)
    images = np.asarray(rows, dtype=float).reshape(-1, SIDE, SIDE)
    spoiled = {way: np.stack([spoiler(image, rng) for image in images]) for way, spoiler in SPOILERS.items()}
    return {way: copies.reshape(len(images), -1).astype(np.float32) for way, copies in spoiled.items()}


def train(
    rows: NDArray,
    *,
    hidden: tuple[int, ...],
    code_size: int,
    epochs: int,
    noise: float | None = None,
    random_state: int = 0,
) -> Any:
    """Train a dense autoencoder on rows (n, 784); the learning rate falls to 0 as a cosine."""
    import keras

    steps = epochs * -(-len(rows) // BATCH)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
    common = {"output": "sigmoid", "optimizer": adam, "random_state": random_state}
    if noise is None:
        model = builders.dense(SIDE**2, hidden, code_size, code_activation="linear", **common)
    else:
        model = builders.denoising(SIDE**2, hidden, code_size, amount=noise, **common)
    training.fit(model, rows, epochs=epochs, batch_size=BATCH, random_state=random_state)
    return model


def residual_score(
    rows: NDArray, reconstructions: NDArray, width: float, power: float
) -> NDArray[np.float64]:
    """Sum of squares of the smoothed residual, divided by a power of the image's ink.

    Parameters
    ----------
    rows, reconstructions : ndarray of shape (n, 784)
        Images and their reconstructions, pixels from 0 to 1.
    width : float
        Standard deviation of the Gaussian that smooths the residual, in pixels; 0 for none.
    power : float
        0, 0.5 or 1. The ink is the sum of squared pixels, plus one.

    Returns
    -------
    ndarray of shape (n,)
    """
    residual = (rows - reconstructions).reshape(-1, SIDE, SIDE).astype(np.float32)
    if width:
        residual = ndimage.gaussian_filter(residual, (0, width, width))
    ink = 1 + np.square(rows, dtype=np.float64).sum(axis=1)
    return np.square(residual, dtype=np.float64).sum(axis=(1, 2)) / ink**power


def _auroc(normal: NDArray, anomalous: NDArray) -> float:
    return evaluation.auroc(
        np.repeat([0, 1], [len(normal), len(anomalous)]), np.concatenate([normal, anomalous])
    )


def standardised(scores: NDArray, validation: NDArray) -> NDArray[np.float16]:
    """Return scores in standard deviations from the median of validation scores, in half precision."""
    return ((scores - np.median(validation)) / validation.std()).clip(-6e4, 6e4).astype(np.float16)


def run_autoencoder(
    split: datasets.Split, network: Mapping[str, Any] = NETWORK, candidates: Sequence[Candidate] = CANDIDATES
) -> dict[str, Any]:
    """Train and score one digit. Other digits are among the test images only, from which nothing here learns.

    Returns
    -------
    dict
        ``spoiled``: AUROC of each candidate score against spoiled normals. ``val``, ``scores``: each
        candidate's scores (candidates, images) of validation and test images. ``drawn``: the
        reconstructions of the test images, in bytes.
    """
    model = train(split.X_train, **network)
    spoiled = np.concatenate(list(spoil(split.X_val[:N_SPOILED]).values()))
    pairs = [(rows, training.predict(model, rows)) for rows in (split.X_val, spoiled, split.X_test)]
    val, bad, test = ([residual_score(*pair, *candidate) for candidate in candidates] for pair in pairs)
    return {
        "spoiled": [_auroc(*pair) for pair in zip(val, bad, strict=True)],
        "val": val,
        "scores": test,
        "drawn": _as_images(pairs[2][1]),
    }


def simple_detectors() -> dict[str, Any]:
    """Return the detectors to beat; those that measure distances get the pixels unscaled."""
    return {
        "PCA-32": baselines.PCAReconstruction(n_components=32, scale=False),
        "Mahalanobis": baselines.MahalanobisDistance(),
        "1-NN": baselines.KNNDistance(n_neighbors=1, scale=False),
        "Isolation Forest": baselines.IsolationForest(random_state=0),
        "OC-SVM": baselines.OneClassSVM(scale=False),
    }


def run_simple(split: datasets.Split) -> dict[str, tuple[NDArray, NDArray]]:
    """Return {detector: (scores of validation images, scores of test images)}."""
    results = {}
    for name, detector in simple_detectors().items():
        detector.fit(split.X_train)
        val = detector.anomaly_score(split.X_val)
        results[name] = standardised(val, val), standardised(detector.anomaly_score(split.X_test), val)
    return results


def choose(spoiled: NDArray) -> int:
    """Return the place of the score with the highest mean AUROC (digits, candidates): one for all digits."""
    return int(np.mean(spoiled, axis=0).argmax())


def _extremes(labels: NDArray | None, digit: int, score: NDArray) -> list[np.intp]:
    """Return the places of the normal image with the highest score and of the anomaly with the lowest."""
    normal, score = labels == digit, score.astype(np.float32)
    return [np.where(normal, score, -np.inf).argmax(), np.where(normal, np.inf, score).argmin()]


def _now() -> NDArray[np.float64]:
    """Return the seconds by the clock, and of the processor."""
    return np.array([time.perf_counter(), time.process_time()])


def _as_images(rows: NDArray) -> NDArray[np.uint8]:
    return np.round(rows * 255).astype(np.uint8).reshape(-1, SIDE, SIDE)


def run(
    digits: Sequence[int] = DIGITS, *, with_simple: bool = True, chosen: Candidate | None = None
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Train and score every digit.

    Parameters
    ----------
    digits : sequence of int
        Digits that are normal in turn.
    with_simple : bool
        Whether to run the simple detectors.
    chosen : (float, float), optional
        The candidate score to report; if it is not given, the spoiled normals of these digits choose.

    Returns
    -------
    arrays : dict of str to ndarray
        As the file holds them.
    seconds : ndarray of shape (digits, 2, 2)
        For each digit, of the autoencoder and of everything: by the clock, and of the processor.
    """
    deep, simple, test, seconds = [], [], [], []
    for digit in digits:
        start = _now()
        split = datasets.load_mnist_digit(digit, validation_fraction=VALIDATION_SHARE)
        deep.append(run_autoencoder(split))
        middle = _now()
        simple.append(run_simple(split) if with_simple else {})
        seconds.append((middle - start, _now() - start))
        test.append([evaluation.auroc(split.y_test, score) for score in deep[-1]["scores"]])
        (clock, processor), (clock_all, processor_all) = seconds[-1]
        print(
            f"digit {digit}: {clock:.0f} s for the autoencoder ({processor:.0f} of the processor), "
            f"{clock_all:.0f} s in all ({processor_all:.0f})",
            flush=True,
        )

    spoiled = np.array([result["spoiled"] for result in deep])
    place = choose(spoiled) if chosen is None else CANDIDATES.index(tuple(chosen))
    arrays = {
        "digits": np.array(digits),
        "candidates": np.array(CANDIDATES),
        "chosen": np.array(CANDIDATES[place]),
        "spoiled": spoiled,
        "test": np.array(test),
        "detectors": np.array(["autoencoder", *(simple_detectors() if with_simple else ())]),
    }
    scores, shown, drawn = [], [], []
    for digit, result, others in zip(digits, deep, simple, strict=True):
        val, scored = result["val"][place], result["scores"][place]
        arrays[f"val_{digit}"] = np.stack([standardised(val, val), *(pair[0] for pair in others.values())])
        scores.append(np.stack([standardised(scored, val), *(pair[1] for pair in others.values())]))
        shown.append(_extremes(split.groups_test, digit, scores[-1][0]))
        drawn.append(result["drawn"][shown[-1]])
    arrays |= {"scores": np.array(scores), "shown": np.array(shown), "drawn": np.array(drawn)}
    eights = datasets.load_mnist_digit(TWO_DIGITS[1], validation_fraction=VALIDATION_SHARE).X_val[:5]
    arrays["examples"] = np.stack([_as_images(rows) for rows in (eights, *spoil(eights).values())])
    return arrays, np.array(seconds)


def run_architectures(chosen: Candidate) -> dict[str, NDArray]:
    """Return the AUROC (architectures, digits, 2) of one score: of spoiled normals, and in the test."""
    values = np.empty((len(ARCHITECTURES), len(TWO_DIGITS), 2))
    for column, digit in enumerate(TWO_DIGITS):
        split = datasets.load_mnist_digit(digit, validation_fraction=VALIDATION_SHARE)
        for row, (name, network) in enumerate(ARCHITECTURES.items()):
            result = run_autoencoder(split, network, [chosen])
            values[row, column] = result["spoiled"][0], evaluation.auroc(split.y_test, result["scores"][0])
            print(f"digit {digit}, {name}: {values[row, column].round(4)}", flush=True)
    return {"architectures": np.array(list(ARCHITECTURES)), "architecture_auroc": values}


def load(path: str | os.PathLike[str] = STORED) -> dict[str, NDArray]:
    """Return the stored arrays."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--architectures", action="store_true", help="measure the other networks again")
    options = parser.parse_args(arguments)
    arrays, _ = run()
    if options.architectures:
        arrays |= run_architectures(tuple(arrays["chosen"]))
    else:
        arrays |= {name: array for name, array in load().items() if name.startswith("architecture")}
    with whole_file(STORED) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"written: {STORED} ({STORED.stat().st_size / 1e6:.2f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
