"""Make what the interactive pieces of the web book show of trained networks, ``docs/pieces/*.npz``.

``python -m tools.make_pieces`` writes the three files in about two minutes on two idle cores and prints their
SHA-256, which ``docs/pieces/pieces.toml`` holds. The networks of lesson 07 are trained by the lesson's own
cells; those of lesson 06 by the function that made its stored starts, from start 0.
"""

import argparse
import functools
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import keras
import nbformat
import numpy as np
from numpy.typing import NDArray

from aecourse import baselines, datasets, evaluation, training
from tools import catalogue, make_zeros
from tools.stored import write_arrays

FOLDER = catalogue.ROOT / "docs" / "pieces"
LATENT_LESSON = catalogue.NOTEBOOKS / "07_encoder_decoder_latent_space.ipynb"
MAPPED = 3_000  # test digits on the map, as in lesson 07


def run_cells(notebook: Path, *names: str, into: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run some cells of a lesson in the order of the page; return its variables."""
    variables: dict[str, Any] = {} if into is None else into
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.id in names:
            exec(compile(cell.source, cell.id, "exec"), variables)  # the course's own text
    return variables


@contextmanager
def double_precision() -> Iterator[None]:
    """Let Keras compute in double precision, as the lessons do from their first cell on, and restore it.

    Once a layer was made, Keras's ``set_floatx`` alone no longer changes the precision of further layers.
    """
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def as_bytes(images: NDArray) -> NDArray[np.uint8]:
    """Return grey values between 0 and 1 as whole numbers from 0 to 255."""
    return np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)


def quantised(array: NDArray) -> tuple[NDArray[np.int16], float]:
    """Return an array as whole numbers of two bytes, and the number by which to multiply them."""
    scale = float(np.abs(array).max()) / 32_767
    return np.round(array / scale).astype("<i2"), scale


def first_of_each(digits: NDArray) -> list[int]:
    """Return the place of the first image of each of the ten digits."""
    return [int(np.flatnonzero(digits == digit)[0]) for digit in range(10)]


class Album(keras.callbacks.Callback):
    """Keep what an autoencoder makes of some images before training and after each epoch."""

    def __init__(self, images: NDArray) -> None:
        super().__init__()
        self.images = images
        self.pages: list[NDArray] = []

    def keep(self) -> None:
        """Keep how the images are redrawn now."""
        self.pages.append(training.predict(self.model, self.images))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.keep()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.keep()


@double_precision()
def training_arrays(epochs: int | None = None) -> dict[str, NDArray]:
    """Return the digits that lesson 07's first model redraws after each epoch, and its losses.

    Parameters
    ----------
    epochs : int, optional
        Stop after so many epochs; the lesson's 20 by default.
    """
    lesson = run_cells(LATENT_LESSON, "imports", "data", "three-models")
    model, X_test, digits = lesson["autoencoder"], lesson["X_test"], lesson["digits_test"]
    shown = first_of_each(digits)
    album = Album(X_test[shown])
    X_val = lesson["X_all"][10_000:12_000]
    before = np.abs(training.predict(model, X_val) - X_val).mean()
    fit = model.fit

    def watched(*arguments: Any, **settings: Any) -> keras.callbacks.History:
        settings["callbacks"] = [album]
        if epochs is not None:
            settings["epochs"] = epochs
        return fit(*arguments, **settings)

    model.fit = watched
    run_cells(LATENT_LESSON, "train", into=lesson)
    pages, originals = np.array(album.pages), X_test[shown]
    history = lesson["history"].history
    return {
        "digits": digits[shown].astype(np.uint8),
        "originals": as_bytes(originals),
        "images": as_bytes(pages),
        "row_errors": np.abs(pages - originals).mean(axis=2),
        "loss": np.array([np.nan, *history["loss"]]),
        "val_loss": np.array([before, *history["val_loss"]]),
    }


@double_precision()
def latent_arrays() -> dict[str, NDArray]:
    """Return lesson 07's decoder from the plane to images, and where its test digits lie."""
    lesson = run_cells(LATENT_LESSON, "imports", "data")
    lesson |= {"X_train": lesson["X_all"][:10_000], "X_val": lesson["X_all"][10_000:12_000]}
    run_cells(LATENT_LESSON, "two-units", into=lesson)
    codes = lesson["to_plane"](lesson["X_test"][:MAPPED]).numpy()
    labels = lesson["digits_test"][:MAPPED]
    names = ("kernel_1", "bias_1", "kernel_2", "bias_2", "codes")
    weights = dict(zip(names, [*lesson["from_plane"].get_weights(), codes], strict=True))
    small = {name: quantised(array) for name, array in weights.items()}
    return {name: array for name, (array, _) in small.items()} | {
        "scales": np.array([scale for _, scale in small.values()]),
        "labels": labels.astype(np.uint8),
        "view": np.percentile(codes, [1, 99], axis=0),
        "start": np.median(codes[labels == 0], axis=0),
        "val_mse": np.array(lesson["error"]),
    }


def redrawn_digits(redraw: Any, split: datasets.Split, shown: list[int]) -> dict[str, NDArray]:
    """Return what the bottleneck's piece shows of one way to redraw: images, their errors, and measures."""
    redrawn = redraw(split.X_test)
    errors = ((redrawn - split.X_test) ** 2).mean(axis=1)
    by_class = [errors[split.y_test == label].mean() for label in (0, 1)]
    return {
        "images": as_bytes(redrawn[shown]),
        "row_errors": errors[shown],
        "measures": np.array([*by_class, evaluation.auroc(split.y_test, errors)]),
    }


def pca_redrawn(split: datasets.Split, size: int, shown: list[int]) -> dict[str, NDArray]:
    """Return the same of the principal components of the zeros."""
    pca = baselines.PCAReconstruction(n_components=size, scale=False).fit(split.X_train)
    return redrawn_digits(pca.reconstruct, split, shown)


def bottleneck_arrays() -> dict[str, NDArray]:
    """Return test digits that lesson 06's network, and PCA, redraw with codes of several sizes."""
    split = datasets.load_mnist_digit(0)
    _, (_, digits) = datasets.load_mnist()  # of all test rows
    shown = first_of_each(digits)
    networks = []
    for size in make_zeros.SIZES:
        model, _, history = make_zeros.train(split, size, seed=0, watched=())
        each = redrawn_digits(functools.partial(training.predict, model), split, shown)
        networks.append(each | {"stopping_loss": np.array(min(history["val_loss"]))})
    components = [pca_redrawn(split, size, shown) for size in make_zeros.SIZES]
    both = {
        name: np.array([[each[name] for each in rows] for rows in (networks, components)])
        for name in ("images", "row_errors", "measures")
    }
    return both | {
        "sizes": np.array(make_zeros.SIZES, np.int64),
        "counts": np.bincount(split.y_test),
        "digits": digits[shown].astype(np.uint8),
        "originals": as_bytes(split.X_test[shown]),
        "stopping_loss": np.array([each["stopping_loss"] for each in networks]),
    }


MAKERS = {"latent": latent_arrays, "bottleneck": bottleneck_arrays, "training": training_arrays}


def main(arguments: list[str] | None = None) -> int:
    """Make the files."""
    parser = argparse.ArgumentParser(description="Make what the web book's interactive pieces show.")
    parser.add_argument("--only", choices=MAKERS, action="append", help="one piece; all by default")
    for name in parser.parse_args(arguments).only or MAKERS:
        path = FOLDER / f"{name}.npz"
        write_arrays(path, MAKERS[name]())
        print(f"{name}: SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
