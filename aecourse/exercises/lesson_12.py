"""Exercises of lesson 12, the ten-digit benchmark."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, number, register
from aecourse.exercises.memory import remember_last

# One-class Deep SVDD, digit by digit, in percent, as published.
DEEP_SVDD = (98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5)
_WITHOUT_WORST = float(np.mean(sorted(DEEP_SVDD)[1:])) / 100


def _overall(aurocs, counts):
    return float(np.average(aurocs, weights=counts))


def _unweighted(aurocs, counts):
    return float(np.mean(aurocs))


def _smallest(aurocs, counts):
    return float(np.min(aurocs))


# AUROC of each kind of anomaly, and how many of each there are
_CASES = (((0.99, 0.90), (900, 100)), ((0.95, 0.85, 0.6), (10, 10, 80)), ((0.7,), (5,)))


# 12.4, a fifth way to spoil. The student's function is run on forty eights and a blank page.
_Spoiler = Callable[[NDArray, np.random.Generator], Any]


@functools.cache
def _eights() -> NDArray:
    from aecourse import datasets

    return datasets.load_mnist_digit(8).X_val[:40].reshape(-1, 28, 28)


def _spoiled(spoil: _Spoiler, images: NDArray, seed: int) -> NDArray | str:
    """Return the spoiled images, or what is wrong with their form."""
    given = images.copy()
    try:
        found = spoil(given, np.random.default_rng(seed))
    except (Exception, SystemExit) as error:
        words = str(error).strip().split("\n")[0][:200].rstrip(".")
        return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
    if found is None:
        return "Your function returns None; does it end with a return statement?"
    try:
        found = np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        return "Your function must return an array of numbers."
    if found.shape != images.shape:
        return f"The result must have the shape of the images, {images.shape}; found {found.shape}."
    if not np.isfinite(found).all():
        return "Some of the pixels that you return are not finite."
    if not np.array_equal(given, images):
        return "in place"
    if found.min() < -1e-6 or found.max() > 1 + 1e-6:
        return "out of range"
    return found


@remember_last
def _spoil_fault(spoil: Any) -> str | None:
    """Return the first thing that is wrong: a sentence, or the name of a usual mistake."""
    if not callable(spoil):
        return "Give the function my_spoil itself, without calling it."
    images = _eights()
    blank = np.zeros((2, 28, 28))
    copies = []
    for each, seed in ((images, 0), (images, 0), (images, 1), (blank, 0)):
        found = _spoiled(spoil, each, seed)
        if isinstance(found, str):
            return found
        copies.append(found)
    first, again, other = copies[:3]
    changed = np.abs(first - images)
    if (changed.sum(axis=(1, 2)) < 1).mean() > 0.05:
        return "unchanged"
    if not np.array_equal(first, again):
        return "another generator"
    if np.array_equal(first, other):
        return "not random"
    if _own_rank(first, images) < 0.5:
        return "another image"
    if np.median((changed > 0.05).mean(axis=(1, 2))) > 0.6:
        return "everywhere"
    return None


def _own_rank(spoiled: NDArray, images: NDArray) -> float:
    """Return the share of spoiled images that look more like their own original than like most others."""
    flat, originals = (
        ndimage.gaussian_filter(each, (0, 2, 2)).reshape(len(each), -1) for each in (spoiled, images)
    )
    distances = ((flat[:, None] - originals[None]) ** 2).sum(axis=2)
    return float(np.mean((distances < np.diag(distances)[:, None]).mean(axis=1) < 0.25))


def _spoil_has(fault: str) -> Callable[[Any], bool]:
    return lambda spoil: _spoil_fault(spoil) == fault


def _spoil_complaint(spoil: Any) -> str | None:
    fault = _spoil_fault(spoil)
    return fault if fault and fault.endswith((".", "?")) else None


def _turn(images: NDArray, rng: np.random.Generator) -> NDArray:
    """Answer by turning each image by 20 to 40 degrees, one way or the other."""
    turned = [
        ndimage.rotate(image, rng.uniform(20, 40) * rng.choice([-1, 1]), reshape=False, order=1)
        for image in images
    ]
    return np.clip(turned, 0, 1)


def _one_stroke_left(images: NDArray, rng: np.random.Generator) -> list[NDArray]:
    """Answer by erasing one side of a slanted line through the middle, with a list of images."""
    row, column = np.mgrid[:28, :28] - 13.5
    result = []
    for image in images:
        angle = rng.uniform(0, 2 * np.pi)
        result.append(image * (row * np.sin(angle) + column * np.cos(angle) < 2))
    return result


def _unchanged(images: NDArray, rng: np.random.Generator) -> NDArray:
    return images


def _in_place(images: NDArray, rng: np.random.Generator) -> NDArray:
    images[:, 10:16, rng.integers(8, 14)] = 0
    return images


def _out_of_range(images: NDArray, rng: np.random.Generator) -> NDArray:
    return images + rng.normal(size=images.shape)


def _same_hole(images: NDArray, rng: np.random.Generator) -> NDArray:
    result = images.copy()
    result[:, 8:20, 8:14] = 0
    return result


def _own_generator(images: NDArray, rng: np.random.Generator) -> NDArray:
    return _turn(images, np.random.default_rng())


def _shuffled(images: NDArray, rng: np.random.Generator) -> NDArray:
    return images[rng.permutation(len(images))]


def _noise(images: NDArray, rng: np.random.Generator) -> NDArray:
    return np.clip(images + rng.uniform(0, 0.6, images.shape), 0, 1)


register(
    Exercise(
        id="12.1",
        is_right=number(0.948, 0.0006),
        why="The ten values sum to 948.0 percent.",
        wrong=(
            Wrong("percent", number(94.8, 0.06), "Right value, wrong unit: give a share between 0 and 1."),
            Wrong(
                "worst digit left out",
                number(_WITHOUT_WORST, 0.0006),
                "That leaves out the five, the worst digit. All ten count.",
            ),
        ),
        hint="Sum the ten values, divide by ten, and by 100.",
    ),
    Exercise(
        id="12.2",
        is_right=function(_overall, _CASES),
        why="AUROC is a mean over pairs of a normal and an anomaly; a kind with more images has more pairs.",
        wrong=(
            Wrong(
                "plain mean",
                function(_unweighted, _CASES),
                "The kinds have different numbers of images; a frequent kind counts more.",
            ),
            Wrong(
                "the worst kind",
                function(_smallest, _CASES),
                "That is the worst kind. All anomalies together are a mean over kinds.",
            ),
        ),
        hint="Each anomaly is paired with every normal image. How many pairs does each kind have?",
    ),
    Exercise(
        id="12.3",
        is_right=choice("c", "abc"),
        why="The choice used the labels of the rows on which the result is reported, ten times over.",
        wrong=(
            Wrong(
                "nothing",
                choice("a", "abc"),
                "All candidates see the same images, yet the labels made the choice.",
            ),
            Wrong(
                "too few candidates",
                choice("b", "abc"),
                "More candidates make it worse: the best of many is more often lucky.",
            ),
        ),
        hint="Ask which rows decided, and on which rows the result is reported.",
    ),
    Exercise(
        id="12.4",
        is_right=Check(lambda spoil: _spoil_fault(spoil) is None, _spoil_complaint),
        why="Your copies keep their range and their likeness to the original, differ from it, and are "
        "drawn from the generator. Whether they choose well is the question to ask next.",
        right_example=_turn,
        also_right=(_one_stroke_left,),
        wrong=(
            Wrong(
                "in place",
                _spoil_has("in place"),
                "Your function changes the images that it is given. Work on a copy: result = images.copy().",
                _in_place,
            ),
            Wrong(
                "out of range",
                _spoil_has("out of range"),
                "Some pixels lie outside 0 to 1. Such copies can be told apart by their range; use np.clip.",
                _out_of_range,
            ),
            Wrong(
                "unchanged",
                _spoil_has("unchanged"),
                "More than one image in twenty comes back as it was. An unspoiled copy is a normal image.",
                _unchanged,
            ),
            Wrong(
                "another generator",
                _spoil_has("another generator"),
                "The same generator state gives different copies. Draw from `rng` only.",
                _own_generator,
            ),
            Wrong(
                "not random",
                _spoil_has("not random"),
                "Two different generators give the same copies. Draw place, size or direction from `rng`, or "
                "the copies test one damage only.",
                _same_hole,
            ),
            Wrong(
                "another image",
                _spoil_has("another image"),
                "Your copies do not look like their originals. Another whole normal image is still normal.",
                _shuffled,
            ),
            Wrong(
                "everywhere",
                _spoil_has("everywhere"),
                "Your copies differ from the original nearly everywhere, also on blank paper. Any detector "
                "sees that, so it chooses nothing. Damage a part.",
                _noise,
            ),
        ),
        hint="Try your function on five images and look at them with plots.image_grid.",
    ),
)
