"""Measure one-class detection on MNIST: each digit normal in turn, all other digits anomalies.

``python -m benchmarks.bench_digits`` trains one autoencoder and five simple detectors for each digit from
nothing, prints the area under the ROC curve, and compares it with what ``notebooks/data/scores_12.npz``
holds: the exit status is 1 where a digit or the mean differs by more than the tolerance, or where the
spoiled normals clearly prefer another score. ``--write`` replaces that file. ``--architectures`` measures
other networks on two digits as well. Lesson 12 reads the file.

The protocol: of the digit's official training images a tenth is held out for validation; the network and
the simple detectors see the other nine tenths. The test set is all 10,000 official test images.

Nothing is chosen on other digits. Where there was a choice, spoiled copies of held-out normal images stand
in for anomalies: a stroke erased, a stroke added, the upper half pushed aside, or all of it bent.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
from scipy import ndimage

from aecourse import baselines, datasets, evaluation

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "scores_12.npz"
SIDE = 28
DIGITS = tuple(range(10))
TARGETS = {"mean AUROC": 0.975, "seconds": 360.0}
TOLERANCE = {"one digit": 0.01, "mean": 0.003, "choice": 0.001}

VALIDATION_SHARE = 0.1
N_SPOILED = 500  # validation images that are spoiled in each way
BATCH, LEARNING_RATE = 128, 2e-3
NETWORK = {"hidden": (512, 128), "code_size": 16, "epochs": 60}
# Widths of the smoothing of the residual, in pixels, and powers of the ink that divide it.
WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
POWERS = (0.0, 0.5, 1.0)
CANDIDATES = tuple((width, power) for width in WIDTHS for power in POWERS)

# What `--architectures` measures, on these digits only.
TWO_DIGITS = (2, 8)
ARCHITECTURES = {
    "256, code 8, 30 epochs": {"hidden": (256,), "code_size": 8, "epochs": 30},
    "256, code 16, 30 epochs": {"hidden": (256,), "code_size": 16, "epochs": 30},
    "256, code 32, 30 epochs": {"hidden": (256,), "code_size": 32, "epochs": 30},
    "256, code 32, noise 0.3, 30 epochs": {"hidden": (256,), "code_size": 32, "epochs": 30, "noise": 0.3},
    "512-128, code 16, 60 epochs": NETWORK,
}


# ---------------------------------------------------------------------------- spoiled normals

_ROWS, _COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)


def _inked(image, rng):
    """A pixel with ink, drawn at random; the middle where there is none."""
    places = np.argwhere(image > 0.5)
    return places[rng.integers(len(places))] if len(places) else np.array([SIDE // 2, SIDE // 2])


def erase(image, rng):
    """Erase what lies within five pixels of an inked pixel."""
    row, column = _inked(image, rng)
    return image * np.clip(np.hypot(_ROWS - row, _COLUMNS - column) - 5, 0, 1)


def add_stroke(image, rng):
    """Draw a straight stroke of 8 to 13 pixels that starts at an inked pixel."""
    row, column = _inked(image, rng)
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(8, 13)
    down, right = np.sin(angle), np.cos(angle)
    along = np.clip((_ROWS - row) * down + (_COLUMNS - column) * right, 0, length)
    distance = np.hypot(_ROWS - row - along * down, _COLUMNS - column - along * right)
    return np.maximum(image, np.clip(2 - distance, 0, 1))


def push_half(image, rng):
    """Push the upper part four to six pixels to one side."""
    cut, shift = rng.integers(11, 18), rng.integers(4, 7) * rng.choice([-1, 1])
    pushed = image.copy()
    pushed[:cut] = ndimage.shift(image[:cut], (0, shift), order=1)
    return pushed


def bend(image, rng):
    """Move each pixel by a smooth random field of three pixels, root-mean-square."""
    field = np.stack([ndimage.gaussian_filter(rng.normal(size=image.shape), 5) for _ in range(2)])
    field *= 3 / np.sqrt(np.mean(field**2))
    return np.clip(ndimage.map_coordinates(image, [_ROWS + field[0], _COLUMNS + field[1]], order=1), 0, 1)


SPOILERS = {"erased": erase, "stroke added": add_stroke, "half pushed": push_half, "bent": bend}


def spoil(rows, random_state=0):
    """Return {way: spoiled copies (n, 784)} of images (n, 784) with pixels from 0 to 1."""
    rng = np.random.default_rng(random_state)
    images = np.asarray(rows, dtype=float).reshape(-1, SIDE, SIDE)
    spoiled = {way: np.stack([spoiler(image, rng) for image in images]) for way, spoiler in SPOILERS.items()}
    return {way: copies.reshape(len(images), -1).astype(np.float32) for way, copies in spoiled.items()}


# ---------------------------------------------------------------------------- the autoencoder


def train(rows, hidden, code_size, epochs, noise=None, random_state=0):
    """Train a dense autoencoder on rows (n, 784); the learning rate falls to 0 as a cosine."""
    import keras

    from aecourse import builders, training

    steps = epochs * -(-len(rows) // BATCH)
    adam = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
    common = {"output": "sigmoid", "optimizer": adam, "random_state": random_state}
    if noise is None:
        model = builders.dense(SIDE**2, hidden, code_size, code_activation="linear", **common)
    else:
        model = builders.denoising(SIDE**2, hidden, code_size, amount=noise, **common)
    training.fit(model, rows, epochs=epochs, batch_size=BATCH, random_state=random_state)
    return model


def residual_score(rows, reconstructions, width, power):
    """Sum of squares of the smoothed residual, divided by a power of the image's ink.

    Parameters
    ----------
    rows, reconstructions : ndarray of shape (n, 784)
        Images and what the network makes of them, pixels from 0 to 1.
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


def _auroc(normal, anomalous):
    return evaluation.auroc(
        np.repeat([0, 1], [len(normal), len(anomalous)]), np.concatenate([normal, anomalous])
    )


def _standard(scores, validation):
    """Scores in standard deviations from the median of validation scores, in half precision."""
    return ((scores - np.median(validation)) / validation.std()).clip(-6e4, 6e4).astype(np.float16)


def run_autoencoder(split, network=NETWORK, candidates=CANDIDATES):
    """Train and score one digit. Other digits are among the test images only, which nothing here learns from.

    Returns
    -------
    dict
        ``spoiled``: AUROC of each candidate score against spoiled normals. ``val``, ``scores``: each
        candidate's scores (candidates, images) of validation and test images. ``drawn``: the
        reconstructions of the test images, in bytes.
    """
    from aecourse import training

    model = train(split.X_train, **network)
    spoiled = np.concatenate(list(spoil(split.X_val[:N_SPOILED]).values()))
    pairs = [(rows, training.predict(model, rows)) for rows in (split.X_val, spoiled, split.X_test)]
    val, bad, test = ([residual_score(*pair, *candidate) for candidate in candidates] for pair in pairs)
    return {
        "spoiled": [_auroc(*pair) for pair in zip(val, bad, strict=True)],
        "val": val,
        "scores": test,
        "drawn": np.round(pairs[2][1] * 255).astype(np.uint8).reshape(-1, SIDE, SIDE),
    }


# ---------------------------------------------------------------------------- the simple detectors


def simple_detectors():
    """The detectors to beat, on pixels as they are where distances count."""
    return {
        "PCA-32": baselines.PCAReconstruction(n_components=32, scale=False),
        "Mahalanobis": baselines.MahalanobisDistance(),
        "1-NN": baselines.KNNDistance(n_neighbors=1, scale=False),
        "Isolation Forest": baselines.IsolationForest(random_state=0),
        "OC-SVM": baselines.OneClassSVM(scale=False),
    }


def run_simple(split):
    """Return {detector: (scores of validation images, scores of test images)}."""
    results = {}
    for name, detector in simple_detectors().items():
        detector.fit(split.X_train)
        val = detector.anomaly_score(split.X_val)
        results[name] = _standard(val, val), _standard(detector.anomaly_score(split.X_test), val)
    return results


# ---------------------------------------------------------------------------- the whole


def choose(spoiled):
    """The place of the score with the highest mean AUROC (digits, candidates): one for all digits."""
    return int(np.mean(spoiled, axis=0).argmax())


def _extremes(labels, digit, score):
    """Places of the normal image with the highest score and of the anomaly with the lowest."""
    normal, score = labels == digit, score.astype(np.float32)
    return [np.where(normal, score, -np.inf).argmax(), np.where(normal, np.inf, score).argmin()]


def run(digits=DIGITS, with_simple=True, chosen=None):
    """Run the benchmark.

    Parameters
    ----------
    digits : sequence of int
        Digits that are normal in turn.
    with_simple : bool
        Whether to run the simple detectors.
    chosen : (float, float), optional
        The candidate score to report; where not given, the spoiled normals of these digits choose.

    Returns
    -------
    arrays : dict of str to ndarray
        As the file holds them.
    seconds : ndarray of shape (digits, 2, 2)
        For each digit, of the autoencoder and of the whole: by the clock, and of the processor.
    """
    columns = {name: [] for name in ("autoencoder", "simple", "test", "seconds")}
    for digit in digits:
        start = np.array([time.perf_counter(), time.process_time()])
        split = datasets.load_mnist_digit(digit, validation_fraction=VALIDATION_SHARE)
        result = run_autoencoder(split)
        seconds = [np.array([time.perf_counter(), time.process_time()]) - start]
        simple = run_simple(split) if with_simple else {}
        seconds.append(np.array([time.perf_counter(), time.process_time()]) - start)
        test = [evaluation.auroc(split.y_test, score) for score in result["scores"]]
        for name, value in zip(columns, (result, simple, test, seconds), strict=True):
            columns[name].append(value)
        (clock, processor), (clock_all, processor_all) = seconds
        print(
            f"digit {digit}: {clock:.0f} s for the autoencoder ({processor:.0f} of the processor), "
            f"{clock_all:.0f} s in all ({processor_all:.0f})",
            flush=True,
        )

    spoiled = np.array([result["spoiled"] for result in columns["autoencoder"]])
    place = choose(spoiled) if chosen is None else CANDIDATES.index(tuple(chosen))
    arrays = {
        "digits": np.array(digits),
        "candidates": np.array(CANDIDATES),
        "chosen": np.array(CANDIDATES[place]),
        "spoiled": spoiled,
        "test": np.array(columns["test"]),
        "detectors": np.array(["autoencoder", *(simple_detectors() if with_simple else ())]),
    }
    scores, shown, drawn = [], [], []
    for digit, result, simple in zip(digits, columns["autoencoder"], columns["simple"], strict=True):
        val, test = result["val"][place], result["scores"][place]
        arrays[f"val_{digit}"] = np.stack([_standard(val, val), *(pair[0] for pair in simple.values())])
        scores.append(np.stack([_standard(test, val), *(pair[1] for pair in simple.values())]))
        shown.append(_extremes(split.groups_test, digit, scores[-1][0]))
        drawn.append(result["drawn"][shown[-1]])
    arrays |= {"scores": np.array(scores), "shown": np.array(shown), "drawn": np.array(drawn)}
    some = datasets.load_mnist_digit(TWO_DIGITS[1], validation_fraction=VALIDATION_SHARE).X_val[:5]
    arrays["examples"] = np.stack(
        [
            np.round(rows * 255).astype(np.uint8).reshape(-1, SIDE, SIDE)
            for rows in (some, *spoil(some).values())
        ]
    )
    return arrays, np.array(columns["seconds"])


def run_architectures(chosen):
    """Return AUROC (architectures, digits, 2) of the chosen score: of spoiled normals, and in the test."""
    values = np.empty((len(ARCHITECTURES), len(TWO_DIGITS), 2))
    for column, digit in enumerate(TWO_DIGITS):
        split = datasets.load_mnist_digit(digit, validation_fraction=VALIDATION_SHARE)
        for row, (name, network) in enumerate(ARCHITECTURES.items()):
            result = run_autoencoder(split, network, [chosen])
            values[row, column] = result["spoiled"][0], evaluation.auroc(split.y_test, result["scores"][0])
            print(f"digit {digit}, {name}: {values[row, column].round(4)}", flush=True)
    return {"architectures": np.array(list(ARCHITECTURES)), "architecture_auroc": values}


def auroc_table(arrays):
    """AUROC (digits, detectors) from stored scores, and of each digit's labels alone."""
    (_, _), (_, labels) = datasets.load_mnist()
    return np.array(
        [
            [
                evaluation.auroc((labels != digit).astype(int), score.astype(np.float32))
                for score in by_detector
            ]
            for digit, by_detector in zip(arrays["digits"], arrays["scores"], strict=True)
        ]
    )


def compare(new, stored):
    """Return what is wrong with new results beside stored ones: sentences, none where all is well."""
    problems = []
    places = [list(stored["digits"]).index(digit) for digit in new["digits"]]
    columns = [list(stored["detectors"]).index(name) for name in new["detectors"]]
    table, before = auroc_table(new), auroc_table(stored)[np.ix_(places, columns)]
    for name, value, old in zip(new["detectors"], table.T, before.T, strict=True):
        worst = int(np.abs(value - old).argmax())
        if np.abs(value - old)[worst] > TOLERANCE["one digit"]:
            problems.append(
                f"{name}, digit {new['digits'][worst]}: AUROC {value[worst]:.4f}, stored {old[worst]:.4f}"
            )
        if abs(value.mean() - old.mean()) > TOLERANCE["mean"]:
            problems.append(f"{name}: mean AUROC {value.mean():.4f}, stored {old.mean():.4f}")
    spoiled, place = new["spoiled"].mean(axis=0), choose(stored["spoiled"])
    if len(new["digits"]) == len(DIGITS) and spoiled.max() - spoiled[place] > TOLERANCE["choice"]:
        problems.append(
            f"the spoiled normals choose {CANDIDATES[spoiled.argmax()]} ({spoiled.max():.4f}), "
            f"not {CANDIDATES[place]} ({spoiled[place]:.4f}) as stored"
        )
    return problems


def load(path=STORED):
    """Return the stored arrays."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def main(arguments=None):
    """Run the benchmark and compare. Returns the exit status."""
    parser = argparse.ArgumentParser(description="One-class MNIST, each digit normal in turn.")
    parser.add_argument("--digits", type=int, nargs="+", default=list(DIGITS), choices=DIGITS)
    parser.add_argument("--no-simple", action="store_true", help="leave out the simple detectors")
    parser.add_argument("--architectures", action="store_true", help="other networks too, on two digits")
    parser.add_argument("--write", action="store_true", help="replace the stored scores; all digits only")
    parser.add_argument("--stored", type=Path, default=STORED, help="the stored scores")
    options = parser.parse_args(arguments)
    if options.write and (options.no_simple or sorted(options.digits) != list(DIGITS)):
        parser.error("--write needs all digits and all detectors")

    whole = sorted(options.digits) == list(DIGITS)
    stored = load(options.stored) if options.stored.exists() else None
    if not (whole or stored):
        parser.error(f"some digits only need the stored choice; {options.stored} is missing")
    chosen = None if options.write or not stored else stored["chosen"]
    arrays, seconds = run(tuple(options.digits), not options.no_simple, chosen)
    table = auroc_table(arrays)
    print("AUROC       " + "".join(f"{name:>18}" for name in arrays["detectors"]))
    for name, row in zip([*options.digits, "mean"], [*table, table.mean(axis=0)], strict=True):
        print(f"{name:<12}" + "".join(f"{value:>18.4f}" for value in row))
    for candidate, spoiled in zip(CANDIDATES, arrays["spoiled"].mean(axis=0), strict=True):
        print(
            f"smoothing {candidate[0]:.1f}, ink to the power {candidate[1]:.1f}: {spoiled:.4f} against "
            f"spoiled normals{', chosen' if candidate == tuple(arrays['chosen']) else ''}"
        )
    (clock, processor), (clock_all, processor_all) = seconds.sum(axis=0)
    print(
        f"seconds: {clock:.0f} for the autoencoders ({processor:.0f} of the processor), "
        f"{clock_all:.0f} in all ({processor_all:.0f})"
    )
    if options.architectures:
        arrays |= run_architectures(tuple(arrays["chosen"]))
    elif stored:
        arrays |= {name: stored[name] for name in stored if name.startswith("architecture")}
    if whole:
        reached = {
            "mean AUROC": table[:, 0].mean() >= TARGETS["mean AUROC"],
            "seconds": clock_all < TARGETS["seconds"],
        }
        print(
            "targets reached: " + ", ".join(f"{what} {'yes' if ok else 'NO'}" for what, ok in reached.items())
        )
    if options.write:
        np.savez_compressed(options.stored, **arrays)
        print(f"written: {options.stored} ({options.stored.stat().st_size / 1e6:.2f} MB)")
        return 0
    if not stored:
        parser.error(f"nothing to compare with: {options.stored} is missing")
    problems = compare(arrays, stored)
    print("\n".join(problems) or "the same as stored, within the tolerance")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
