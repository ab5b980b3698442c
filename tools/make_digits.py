"""Make the scores that lesson 12 reads: one-class MNIST, each digit normal in turn.

``python -m tools.make_digits`` trains from nothing, for each digit, an autoencoder that repairs from five
starts, and the simple detectors. It writes ``notebooks/data/scores_12.npz``.
With ``--work``, each finished part is kept there, so that an interrupted run continues.
`benchmarks.bench_digits` measures again and compares.

The protocol: of the digit's official training images a tenth is held out for validation; networks and simple
detectors see the other nine tenths. The test set is all 10,000 official test images. Settings are chosen on
training images only, with a tenth of the normal ones held out and training images of the nine other digits as
anomalies. Spoiled copies of the held-out images in place of other digits show what could have been chosen
without labels.
"""

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from aecourse import baselines, datasets, evaluation
from aecourse._support.files import whole_file
from tools.stored import write_arrays

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "scores_12.npz"
SIDE = 28
DIGITS = tuple(range(10))
SEEDS = tuple(range(5))
Candidate = tuple[float, ...]

VALIDATION_SHARE = 0.1
N_SPOILED = 250  # validation images that are spoiled in each way
N_OTHERS = 220  # training images of each other digit, for choosing

# The network, and how it is trained; chosen on training images, with 4 and 8 as the normal digits.
HIDDEN, CODE = 512, 16
EPOCHS, BATCH, LEARNING_RATE = 25, 128, 2e-3

# Widths of the smoothing of the residual, in pixels, and powers of the ink that divide it.
WIDTHS = (0.0, 0.7, 1.0, 1.5, 2.0)
POWERS = (0.0, 0.5, 1.0)
SIZES = {"PCA": (16, 24, 32), "k-NN": (1, 3, 5)}  # components, and neighbours
NETWORK_CANDIDATES = tuple((width, power) for width in WIDTHS for power in POWERS)
CANDIDATES: dict[str, tuple[Candidate, ...]] = {
    "repairing": NETWORK_CANDIDATES,
    **{
        name: tuple((size, *rest) for size in sizes for rest in NETWORK_CANDIDATES)
        for name, sizes in SIZES.items()
    },
}


# --- Spoiled copies to choose by: one image at a time -----------------------------------------------

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


# --- Damage to train with: all images at once, as the lesson shows it --------------------------------

PIXEL_ROW, PIXEL_COLUMN = np.divmod(np.arange(SIDE**2), SIDE)


def around_ink(images: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Return each pixel's offset, down and right, from an inked pixel drawn for each image."""
    place = (rng.random(images.shape) * (images > 0.5)).argmax(axis=1)
    return PIXEL_ROW - PIXEL_ROW[place, None], PIXEL_COLUMN - PIXEL_COLUMN[place, None]


def with_hole(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Erase a disk of 2.5 to 6 pixels around an inked pixel."""
    down, right = around_ink(images, rng)
    radius = rng.uniform(2.5, 6, (len(images), 1))
    return images * np.clip(np.hypot(down, right) - radius, 0, 1)


def with_stroke(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Draw a straight stroke of 5 to 14 pixels from an inked pixel."""
    down, right = around_ink(images, rng)
    low, high = np.array([[0.0], [5.0], [1.2]]), np.array([[2 * np.pi], [14.0], [2.4]])
    angle, length, pen = rng.uniform(low, high, (3, len(images)))[..., None]
    along = np.clip(down * np.sin(angle) + right * np.cos(angle), 0, length)
    distance = np.hypot(down - along * np.sin(angle), right - along * np.cos(angle))
    return np.maximum(images, np.clip(pen - distance, 0, 1))


def with_patch(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Paste a rectangle of another image, moved by up to three pixels."""
    down, right = around_ink(images, rng)
    half_height, half_width = rng.uniform(3, 8, (2, len(images), 1))
    others = images[rng.permutation(len(images))].reshape(-1, SIDE, SIDE)
    others = np.roll(others, rng.integers(-3, 4, 2), axis=(1, 2)).reshape(images.shape)
    return np.where((abs(down) < half_height) & (abs(right) < half_width), others, images)


FIELD = ndimage.zoom(np.eye(5), (SIDE / 5, 1), order=3, mode="nearest", grid_mode=True)


def bent(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Move each pixel by a smooth random field of 2.5 pixels, root-mean-square."""
    fields = FIELD @ rng.normal(size=(2, len(images), 5, 5)) @ FIELD.T
    fields *= 2.5 / np.sqrt((fields**2).mean(axis=(2, 3), keepdims=True))
    places = np.mgrid[: len(images), :SIDE, :SIDE].astype(float)
    places[1:] += fields
    return ndimage.map_coordinates(images.reshape(-1, SIDE, SIDE), places, order=1).reshape(images.shape)


DAMAGES = (with_hole, with_stroke, with_patch, bent)


def damaged(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Damage four fifths of the images in one way each; then cut a hole into 30 % of all."""
    result, way = images.copy(), rng.integers(0, 5, len(images))
    for number, damage in enumerate(DAMAGES):
        result[way == number] = damage(images[way == number], rng)
    again = rng.random(len(images)) < 0.3
    result[again] = with_hole(result[again], rng)
    return result


def train(rows: NDArray, seed: int = 0, epochs: int = EPOCHS) -> Any:
    """Train 784 → 512 → 16 → 512 → 784 to repair damaged rows (n, 784)."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((SIDE**2,)),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(CODE),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(SIDE**2, activation="sigmoid"),
        ]
    )
    steps = epochs * -(-len(rows) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse", steps_per_execution=20)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):  # other damage in each epoch
        model.fit(damaged(rows, rng), rows, batch_size=BATCH, epochs=1, verbose=0)
    return model


# --- Scores -----------------------------------------------------------------------------------------


def smooth(rows: NDArray, width: float) -> NDArray:
    """Return images, or residuals, (n, 784) smoothed by a Gaussian of this width in pixels; 0 for none."""
    if not width:
        return rows
    return ndimage.gaussian_filter(rows.reshape(-1, SIDE, SIDE), (0, width, width)).reshape(rows.shape)


def ink(rows: NDArray) -> NDArray[np.float64]:
    """Return one plus the sum of squared pixels of each image (n, 784)."""
    return 1 + np.square(rows, dtype=np.float64).sum(axis=1)


def residual_score(rows: NDArray, drawn: NDArray, width: float, power: float) -> NDArray[np.float64]:
    """Sum of squares of the smoothed residual, divided by a power of the image's ink.

    Parameters
    ----------
    rows, drawn : ndarray of shape (n, 784)
        Images and their reconstructions, pixels from 0 to 1.
    width : float
        Standard deviation of the Gaussian that smooths the residual, in pixels; 0 for none.
    power : float
        Power of the ink that divides.

    Returns
    -------
    ndarray of shape (n,)
    """
    residual = smooth((rows - drawn).astype(np.float32), width)
    return np.square(residual, dtype=np.float64).sum(axis=1) / ink(rows) ** power


Scorer = Callable[[NDArray, Candidate], NDArray]


def network_scorer(model: Any) -> Scorer:
    """Return a function (rows, (width, power)) → scores; each set of rows is drawn once."""
    drawn: dict[int, NDArray] = {}

    def score(rows: NDArray, candidate: Candidate) -> NDArray:
        if id(rows) not in drawn:
            drawn[id(rows)] = model.predict(rows, batch_size=1024, verbose=0)
        return residual_score(rows, drawn[id(rows)], *candidate)

    return score


def pca_scorer(train_rows: NDArray) -> Scorer:
    """Return a function (rows, (components, width, power)) → scores of PCA's residuals."""
    full = PCA(max(SIZES["PCA"]), svd_solver="randomized", random_state=0).fit(train_rows)

    def score(rows: NDArray, candidate: Candidate) -> NDArray:
        size, width, power = candidate
        directions = full.components_[: int(size)]
        drawn = full.mean_ + (rows - full.mean_) @ directions.T @ directions
        return residual_score(rows, drawn, width, power)

    return score


def knn_scorer(train_rows: NDArray) -> Scorer:
    """Return a function (rows, (neighbours, width, power)) → scores.

    The mean squared distance of the smoothed image to the nearest smoothed training images, over a power of
    the ink: what `residual_score` is for a reconstruction, with training images in place of it.
    """
    found: dict[tuple[int, float], NDArray] = {}

    def score(rows: NDArray, candidate: Candidate) -> NDArray:
        size, width, power = candidate
        if (id(rows), width) not in found:
            index = NearestNeighbors(n_neighbors=max(SIZES["k-NN"]), algorithm="brute").fit(
                smooth(train_rows, width)
            )
            found[id(rows), width] = index.kneighbors(smooth(rows, width))[0] ** 2
        return found[id(rows), width][:, : int(size)].mean(axis=1) / ink(rows) ** power

    return score


def simple_detectors() -> dict[str, Any]:
    """Return detectors on the pixels as they are, without smoothing and ink."""
    return {
        "PCA-32, squared error": baselines.PCAReconstruction(n_components=32, scale=False),
        "1-NN, distance": baselines.KNNDistance(n_neighbors=1, scale=False),
        "Isolation Forest": baselines.IsolationForest(random_state=0),
    }


def _auroc(normal: NDArray, anomalous: NDArray) -> float:
    return evaluation.auroc(
        np.repeat([0, 1], [len(normal), len(anomalous)]), np.concatenate([normal, anomalous])
    )


def standardised(scores: NDArray, validation: NDArray) -> NDArray[np.float16]:
    """Return scores in standard deviations from the median of validation scores, in half precision."""
    return ((scores - np.median(validation)) / validation.std()).clip(-6e4, 6e4).astype(np.float16)


def rows_of(digit: int) -> dict[str, NDArray]:
    """Return the sets of images (n, 784) that serve one normal digit.

    Returns
    -------
    dict
        ``train`` and ``val`` normal; ``others``: training images of the other digits; ``spoiled`` copies of
        ``val``; ``test`` and its labels, ``y`` (1 where it is another digit).
    """
    split = datasets.load_mnist_digit(digit, validation_fraction=VALIDATION_SHARE)
    (images, labels), _ = datasets.load_mnist()
    rng = np.random.default_rng(0)
    chosen = {other: rng.permutation(np.flatnonzero(labels == other))[:N_OTHERS] for other in DIGITS}
    places = np.concatenate([chosen[other] for other in DIGITS if other != digit])
    val = split.X_val.astype(np.float32)
    return {
        "train": split.X_train.astype(np.float32),
        "val": val,
        "others": (images[places].reshape(-1, SIDE**2) / 255).astype(np.float32),
        "spoiled": np.concatenate(list(spoil(val[:N_SPOILED]).values())),
        "test": split.X_test.astype(np.float32),
        "y": split.y_test,
    }


def judged(score: Scorer, rows: Mapping[str, NDArray], candidates: Sequence[Candidate]) -> NDArray:
    """Return AUROCs (candidates, 2) of held-out normals: against other digits, and against spoiled copies."""
    return np.array(
        [
            [_auroc(score(rows["val"], each), score(rows[bad], each)) for bad in ("others", "spoiled")]
            for each in candidates
        ]
    )


def choose(aurocs: NDArray) -> int:
    """Return the place of the candidate with the highest mean AUROC, from (digits, candidates)."""
    return int(np.mean(aurocs, axis=0).argmax())


# --- Parts: what is computed once and kept ----------------------------------------------------------


def network_part(digit: int, seed: int) -> dict[str, NDArray]:
    """Train one network; score all candidates on training images, and on the test images."""
    rows = rows_of(digit)
    start = time.process_time()
    score = network_scorer(train(rows["train"], seed))
    test = np.array([score(rows["test"], each) for each in NETWORK_CANDIDATES])
    seconds = time.process_time() - start
    return {
        "judged": judged(score, rows, NETWORK_CANDIDATES),
        "val": np.array([score(rows["val"], each) for each in NETWORK_CANDIDATES]),
        "test": test.astype(np.float32),
        "test_auroc": np.array([evaluation.auroc(rows["y"], each) for each in test]),
        "seconds": np.array(seconds),
    }


def simple_part(digit: int, name: str, chosen: Candidate | None = None) -> dict[str, NDArray]:
    """Judge all candidates of PCA or k-NN on training images; with ``chosen``, score the test images."""
    rows = rows_of(digit)
    start = time.process_time()
    score = {"PCA": pca_scorer, "k-NN": knn_scorer}[name](rows["train"])
    if chosen is None:
        return {"judged": judged(score, rows, CANDIDATES[name])}
    test = score(rows["test"], chosen)
    seconds = time.process_time() - start
    return {"val": score(rows["val"], chosen), "test": test, "seconds": np.array(seconds)}


def plain_part(digit: int) -> dict[str, NDArray]:
    """Score the detectors that see the pixels as they are."""
    rows, result = rows_of(digit), {}
    for name, detector in simple_detectors().items():
        detector.fit(rows["train"])
        result[f"val {name}"] = detector.anomaly_score(rows["val"])
        result[f"test {name}"] = detector.anomaly_score(rows["test"])
    return result


def kept(work: Path | None, name: str, make: Callable[[], dict[str, NDArray]]) -> dict[str, NDArray]:
    """Return a part: read from ``work`` if it is there, else made, and written there."""
    path = work / f"{name}.npz" if work else None
    if path is None or not path.exists():
        arrays: dict[str, Any] = make()
        print(f"made {name}", flush=True)
        if path is None:
            return arrays
        with whole_file(path) as temporary:
            np.savez(temporary, **arrays)
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


NAMES = ("repairing, mean of five", "repairing, start 0", "k-NN, same score", "PCA, same score")


def chosen_candidates(parts: Mapping[str, Sequence[Mapping[str, NDArray]]]) -> dict[str, int]:
    """Return the place of the chosen candidate of each method, by the AUROC on training images."""
    return {name: choose(np.array([part["judged"][:, 0] for part in of])) for name, of in parts.items()}


def digit_scores(
    digit: int,
    networks: Sequence[Mapping[str, NDArray]],
    place: int,
    simple: Mapping[str, Candidate],
    work: Path | None,
) -> dict[str, tuple[NDArray, NDArray]]:
    """Return {detector: (validation scores, test scores)} of one digit; networks are averaged start by start.

    Each start's score is divided by its median on validation rows first, so that all weigh the same.
    """
    val, test = (np.array([part[rows][place] for part in networks]) for rows in ("val", "test"))
    medians = np.median(val, axis=1, keepdims=True)
    pixels = kept(work, f"pixels-{digit}", lambda: plain_part(digit))
    scored = {
        name: kept(work, f"{name}-{digit}-chosen", functools.partial(simple_part, digit, name, candidate))
        for name, candidate in simple.items()
    }
    return {
        NAMES[0]: ((val / medians).mean(axis=0), (test / medians).mean(axis=0)),
        NAMES[1]: (val[0], test[0]),
        NAMES[2]: (scored["k-NN"]["val"], scored["k-NN"]["test"]),
        NAMES[3]: (scored["PCA"]["val"], scored["PCA"]["test"]),
        **{name: (pixels[f"val {name}"], pixels[f"test {name}"]) for name in simple_detectors()},
    }


def run(
    digits: Sequence[int] = DIGITS,
    seeds: Sequence[int] = SEEDS,
    *,
    chosen: Mapping[str, Candidate] | None = None,
    work: Path | None = None,
) -> dict[str, NDArray]:
    """Train and score every digit.

    Parameters
    ----------
    digits, seeds : sequence of int
        Digits that are normal in turn, and the starts of the networks.
    chosen : dict of str to tuple, optional
        The candidate of each method to report; if it is not given, training images choose.
    work : Path, optional
        Where finished parts are kept.

    Returns
    -------
    dict of str to ndarray
        As the file holds them.
    """
    repairing = {
        digit: [
            kept(work, f"repairing-{digit}-{seed}", functools.partial(network_part, digit, seed))
            for seed in seeds
        ]
        for digit in digits
    }
    parts = {"repairing": [part for digit in digits for part in repairing[digit]]}
    for name in SIZES if chosen is None else ():
        parts[name] = [
            kept(work, f"{name}-{digit}", functools.partial(simple_part, digit, name)) for digit in digits
        ]
    if chosen is None:
        places = chosen_candidates(parts)
    else:
        places = {name: CANDIDATES[name].index(tuple(candidate)) for name, candidate in chosen.items()}
    simple = {name: CANDIDATES[name][places[name]] for name in SIZES}
    arrays: dict[str, Any] = {"digits": np.array(digits), "seeds": np.array(seeds)}
    for name, of in parts.items():
        judged_all = np.array([part["judged"] for part in of]).reshape(
            len(digits), -1, len(CANDIDATES[name]), 2
        )
        arrays[f"candidates {name}"] = np.array(CANDIDATES[name])
        arrays[f"judged {name}"] = judged_all.mean(axis=1)  # over starts: (digits, candidates, 2)
        arrays[f"chosen {name}"] = np.array(CANDIDATES[name][places[name]])
    place = places["repairing"]
    arrays["test repairing"] = np.array(
        [[part["test_auroc"] for part in repairing[digit]] for digit in digits]
    )
    arrays["seconds"] = np.array([[part["seconds"] for part in repairing[digit]] for digit in digits])
    scores, shown = [], []
    for digit in digits:
        found = digit_scores(digit, repairing[digit], place, simple, work)
        arrays[f"val_{digit}"] = np.stack([standardised(val, val) for val, _ in found.values()])
        scores.append(np.stack([standardised(test, val) for val, test in found.values()]))
        shown.append(_extremes(rows_of_test_labels(), digit, scores[-1][0]))
    arrays |= {"detectors": np.array(list(found)), "scores": np.array(scores), "shown": np.array(shown)}
    eights = datasets.load_mnist_digit(8, validation_fraction=VALIDATION_SHARE).X_val[:5]
    arrays["examples"] = np.stack([_as_images(rows) for rows in (eights, *spoil(eights).values())])
    return arrays


def rows_of_test_labels() -> NDArray:
    """Return the digits of the official test images."""
    return datasets.load_mnist()[1][1]


def _extremes(labels: NDArray, digit: int, score: NDArray) -> list[np.intp]:
    """Return the places of the normal image with the highest score and of the anomaly with the lowest."""
    normal, score = labels == digit, score.astype(np.float32)
    return [np.where(normal, score, -np.inf).argmax(), np.where(normal, np.inf, score).argmin()]


def _as_images(rows: NDArray) -> NDArray[np.uint8]:
    return np.round(rows * 255).astype(np.uint8).reshape(-1, SIDE, SIDE)


def load(path: str | os.PathLike[str] = STORED) -> dict[str, NDArray]:
    """Return the stored arrays."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--work", type=Path, help="folder for finished parts, so that a run can continue")
    options = parser.parse_args(arguments)
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    write_arrays(STORED, run(work=options.work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
