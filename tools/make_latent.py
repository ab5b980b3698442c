"""Make the figures of lesson 07: the sheet's model from several starts, and each digit in turn unseen.

``python -m tools.make_latent`` writes ``notebooks/data/starts_07.npz`` in about fifteen minutes on two idle
cores. Each finished training is kept in ``--work``, so an interrupted run continues.
`benchmarks.bench_latent` trains one start again and compares it with the file.
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from aecourse import baselines, builders, datasets, evaluation, training
from aecourse._support.files import whole_file
from tools.stored import write_arrays

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "starts_07.npz"
SEEDS = tuple(range(5))
DIGITS = tuple(range(10))
LOSSES = ("mae", "mse")
EPOCHS = 20
FEW, HELD_OUT = 10_000, 2_000  # images that the lesson trains on and validates on
PRECISION = "float64"  # as in the lesson, so that the figures do not depend on the processor
MAPPED = 3_000  # test digits on the map
MEASURES = ("mae", "mse", "bce", "code values above zero", "inked pixels lost", "mean value on paper")
DETECTORS = ("network, 32 units", "PCA reconstruction, 32", "k-NN, 5 nearest", "Mahalanobis")


@functools.cache
def digits() -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return training images (60000, 784), their digits, test images (10000, 784) and their digits."""
    (x_train, y_train), (x_test, y_test) = datasets.load_mnist()
    return x_train.reshape(-1, 784) / 255, y_train, x_test.reshape(-1, 784) / 255, y_test


def measure(model: keras.Model, X: NDArray) -> list[float]:
    """Return the ``MEASURES`` of an autoencoder on images X (n, 784)."""
    redrawn = training.predict(model, X)
    safe = np.clip(redrawn, 1e-7, 1 - 1e-7)
    return [
        np.abs(redrawn - X).mean(),
        ((redrawn - X) ** 2).mean(),
        -(X * np.log(safe) + (1 - X) * np.log(1 - safe)).mean(),
        (training.predict(model.encoder, X) > 0).mean(),
        (redrawn[X > 0.5] < 0.1).mean(),
        redrawn[X == 0].mean(),
    ]


def manual(loss: str, seed: int) -> keras.Model:
    """Return the sheet's network, 784 → 32 → 784, untrained, for a loss."""
    return builders.dense(784, (), 32, output="sigmoid", loss=loss, random_state=seed, dtype=PRECISION)


def as_printed(seed: int) -> dict[str, NDArray]:
    """Train on all 60,000 images as printed: mae, 20 epochs of batches of 32, the test set for validation."""
    X, _, X_test, _ = digits()
    model = manual("mae", seed)
    history = training.fit(
        model, X, epochs=EPOCHS, batch_size=32, validation_data=X_test, compiled="xla", random_state=seed
    ).history
    return {
        "measures": np.array(measure(model, X_test)),
        "loss": np.array(history["loss"]),
        "val_loss": np.array(history["val_loss"]),
    }


def short(loss: str, seed: int) -> dict[str, NDArray]:
    """Train on the lesson's 10,000 images with another loss: 20 epochs of batches of 128."""
    X, _, X_test, _ = digits()
    model = manual(loss, seed)
    training.fit(model, X[:FEW], epochs=EPOCHS, batch_size=128, compiled="xla", random_state=seed)
    return {"measures": np.array(measure(model, X_test))}


def deeper(seed: int, code_size: int) -> dict[str, NDArray]:
    """Train 784 → 128 → code → 128 → 784 on the lesson's images until the validation error stops falling."""
    X, _, X_test, y_test = digits()
    model = builders.dense(
        784,
        (128,),
        code_size,
        code_activation="linear",
        output="sigmoid",
        random_state=seed,
        dtype=PRECISION,
    )
    training.fit(
        model,
        X[:FEW],
        epochs=40,
        batch_size=128,
        validation_data=X[FEW : FEW + HELD_OUT],
        early_stopping=3,
        random_state=seed,
    )
    codes = training.predict(model.encoder, X_test[:MAPPED])
    return {"measures": np.array([measure(model, X_test)[1], *agreement(codes, y_test[:MAPPED])])}


def agreement(codes: NDArray, labels: NDArray) -> list[float]:
    """Return the share of rows whose nearest other row has the same label: of all, and of each digit."""
    _, nearest = NearestNeighbors(n_neighbors=2).fit(codes).kneighbors(codes)
    same = labels[nearest[:, 1]] == labels
    return [same.mean(), *(same[labels == digit].mean() for digit in DIGITS)]


def unseen_rows(digit: int) -> tuple[NDArray, NDArray, NDArray]:
    """Return training images without a digit, the test images, and 1 where these show the digit."""
    X, y, X_test, y_test = digits()
    return X[:FEW][y[:FEW] != digit], X_test, (y_test == digit).astype(int)


def network_scores(digit: int, seed: int) -> NDArray[np.float64]:
    """Return the test scores of the sheet's network, trained on mse without a digit."""
    X, X_test, _ = unseen_rows(digit)
    model = manual("mse", seed)
    training.fit(model, X, epochs=EPOCHS, batch_size=128, compiled="xla", random_state=seed)
    return ((training.predict(model, X_test) - X_test) ** 2).mean(axis=1)


def unseen_network(digit: int, seed: int) -> dict[str, NDArray]:
    """Return the AUROC of the network on a digit that it has not seen."""
    score = network_scores(digit, seed)
    return {"measures": np.array(evaluation.auroc(unseen_rows(digit)[2], score)), "score": score}


def unseen_simple(digit: int, network: NDArray) -> dict[str, NDArray]:
    """Return AUROC of all detectors on an unseen digit, and k-NN minus the network with its interval."""
    X, X_test, unseen = unseen_rows(digit)
    methods = (
        baselines.PCAReconstruction(n_components=32, scale=False),
        baselines.KNNDistance(n_neighbors=5, scale=False),
        baselines.MahalanobisDistance(),
    )
    scores = dict(zip(DETECTORS[1:], (m.fit(X).anomaly_score(X_test) for m in methods), strict=True))
    table = evaluation.compare(unseen, {DETECTORS[0]: network} | scores, reference=DETECTORS[0])
    row = table.loc["k-NN, 5 nearest"]
    return {
        "measures": np.array([evaluation.auroc(unseen, score) for score in scores.values()]),
        "difference": np.array([row["difference"], row["difference low"], row["difference high"]]),
    }


def kept(path: Path, make: Callable[..., dict[str, NDArray]], *arguments: Any) -> dict[str, NDArray]:
    """Return the arrays of a file, which is made first, with these arguments, if it does not exist."""
    if not path.exists():
        arrays: dict[str, Any] = make(*arguments)
        with whole_file(path) as temporary:
            np.savez(temporary, **arrays)
        print(path.stem, np.round(arrays["measures"], 4), flush=True)
    with np.load(path) as archive:
        return dict(archive)


def run(work: Path) -> dict[str, NDArray]:
    """Return the arrays of ``starts_07.npz``."""
    X, _, X_test, y_test = digits()
    unseen = [[kept(work / f"unseen-{d}-{s}.npz", unseen_network, d, s) for s in SEEDS] for d in DIGITS]
    simple = [kept(work / f"simple-{d}.npz", unseen_simple, d, unseen[d][0]["score"]) for d in DIGITS]
    deep = {size: [kept(work / f"deeper-{size}-{s}.npz", deeper, s, size) for s in SEEDS] for size in (2, 32)}
    shorter = [[kept(work / f"short-{loss}-{s}.npz", short, loss, s) for s in SEEDS] for loss in LOSSES]
    printed = [kept(work / f"printed-mae-{s}.npz", as_printed, s) for s in SEEDS]
    pca = baselines.PCAReconstruction(32, scale=False).fit(X)
    few = baselines.PCAReconstruction(32, scale=False).fit(X[:FEW])
    centred = X_test[:MAPPED] - X[:FEW].mean(axis=0)
    _, _, directions = np.linalg.svd(X[:FEW] - X[:FEW].mean(axis=0), full_matrices=False)
    return {
        "losses": np.array(LOSSES),
        "measure_names": np.array(MEASURES),
        "printed": np.array([each["measures"] for each in printed]),
        "printed_loss": np.array([each["loss"] for each in printed]),
        "printed_val_loss": np.array([each["val_loss"] for each in printed]),
        "short": np.array([[each["measures"] for each in row] for row in shorter]),
        "pca_mse": np.array([((pca.reconstruct(X_test) - X_test) ** 2).mean()]),
        "pca_mse_few": np.array([((few.reconstruct(X_test) - X_test) ** 2).mean()]),
        "deeper_mse": np.array([each["measures"][0] for each in deep[32]]),
        "map_agreement": np.array([each["measures"][1:] for each in deep[2]]),
        "map_mse": np.array([each["measures"][0] for each in deep[2]]),
        "map_agreement_pca": np.array(agreement(centred @ directions[:2].T, y_test[:MAPPED])),
        "detectors": np.array(DETECTORS),
        "unseen_network": np.array([[each["measures"] for each in row] for row in unseen]),
        "unseen_simple": np.array([each["measures"] for each in simple]),
        "unseen_difference": np.array([each["difference"] for each in simple]),
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("_build/bench/latent"),
        help="folder for finished trainings (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    write_arrays(STORED, run(options.work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
