"""Real data sets that need no network: MNIST is inside the package, two tables come with scikit-learn."""

import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aecourse._support.checks import check_fraction, check_whole
from aecourse._support.files import read_undamaged
from aecourse.datasets.split import Split, hold_out, split_labelled

MNIST_PATH = Path(__file__).parents[1] / "data" / "mnist.npz"
MNIST_SHA256 = "ee068f36682cba7f38bafdedc77b0f873ebbcf877036f7ebde566966146ac146"

ImagesAndDigits: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def check_mnist_file(path: str | os.PathLike[str] = MNIST_PATH) -> None:
    """Check that the MNIST archive is present and undamaged.

    Parameters
    ----------
    path : str or path-like
        The archive; by default that of the package.

    Raises
    ------
    OSError
        If the file is missing, or if its SHA-256 is not the expected one.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.check_mnist_file()
    """
    restore = (
        "Restore it with 'git checkout -- aecourse/data/mnist.npz' in a clone, or reinstall the package."
    )
    read_undamaged(path, MNIST_SHA256, restore)


def load_mnist(path: str | os.PathLike[str] | None = None) -> tuple[ImagesAndDigits, ImagesAndDigits]:
    """Load MNIST: 70,000 images of handwritten digits.

    These are the arrays that ``keras.datasets.mnist.load_data()`` downloads; here they are
    read from the package, so no network is needed.

    Parameters
    ----------
    path : str or path-like, optional
        Another copy of the archive. Its SHA-256 is checked as well.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuple of tuple of ndarray
        Images of shape (60000, 28, 28) and (10000, 28, 28), dtype uint8, from 0 (paper) to
        255 (ink); labels of shape (60000,) and (10000,), dtype uint8, from 0 to 9.

    Raises
    ------
    OSError
        If the file is missing or damaged.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document
    recognition, Proceedings of the IEEE 86(11).

    Examples
    --------
    >>> from aecourse import datasets
    >>> (x_train, y_train), (x_test, y_test) = datasets.load_mnist()
    >>> x_train.shape, x_test.shape
    ((60000, 28, 28), (10000, 28, 28))
    """
    path = MNIST_PATH if path is None else Path(path)
    check_mnist_file(path)
    with np.load(path, allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def load_mnist_digit(digit: int = 0, validation_fraction: float = 0.2, random_state: int | None = 0) -> Split:
    """Load MNIST with one digit as normal and the nine others as anomalies.

    Parameters
    ----------
    digit : int
        The normal digit, 0 to 9.
    validation_fraction : float
        Share of the digit's training images that is held out for validation.
    random_state : int
        Seed of that division.

    Returns
    -------
    Split
        Pixels as float32 from 0 (paper) to 1 (ink); each row is one image of 784 pixels. The test
        set is all 10,000 test images; ``groups_test`` holds their digits.

    Raises
    ------
    ValueError
        If ``digit`` or ``validation_fraction`` is out of range.
    OSError
        If the data file is damaged.

    Examples
    --------
    >>> from aecourse import datasets
    >>> split = datasets.load_mnist_digit(7)
    >>> split.X_test.shape, int((split.y_test == 0).sum())
    ((10000, 784), 1028)
    """
    digit = check_whole(digit, "digit", 0, 9)
    check_fraction(validation_fraction, "validation_fraction")
    (x_train, digits_train), (x_test, digits_test) = load_mnist()

    def as_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)

    rng = np.random.RandomState(random_state)
    train, validation = hold_out(as_rows(x_train[digits_train == digit]), validation_fraction, rng)
    height, width = x_train.shape[1:]
    return Split(
        X_train=train,
        X_val=validation,
        X_test=as_rows(x_test),
        y_test=(digits_test != digit).astype(int),
        feature_names=tuple(f"pixel {row},{column}" for row in range(height) for column in range(width)),
        name=f"MNIST, digit {digit} normal",
        description=f"Handwritten digits, 28 × 28 pixels: {digit} is normal, every other digit an anomaly.",
        licence="CC BY-SA 3.0",
        citation="LeCun, Bottou, Bengio and Haffner (1998), Proceedings of the IEEE 86(11).",
        groups_test=digits_test.astype(int),
        image_shape=(height, width),
    )


def load_mnist_zeros(validation_fraction: float = 0.2, random_state: int | None = 0) -> Split:
    """Load MNIST with zeros as normal: :func:`load_mnist_digit` with ``digit=0``.

    Parameters
    ----------
    validation_fraction : float
        Share of the 5,923 training zeros that is held out for validation.
    random_state : int
        Seed of that division.

    Returns
    -------
    Split
        See :func:`load_mnist_digit`.

    Examples
    --------
    >>> from aecourse import datasets
    >>> print(datasets.load_mnist_zeros().summary())
                 rows  normal  anomalies
    train        4738    4738          0
    validation   1185    1185          0
    test        10000     980       9020
    """
    return load_mnist_digit(0, validation_fraction, random_state)


def load_iris_novelty(
    held_out: str = "virginica",
    test_fraction: float = 0.2,
    validation_fraction: float = 0.2,
    random_state: int | None = 0,
) -> Split:
    """Load Iris with one species held out as the anomaly.

    Parameters
    ----------
    held_out : {'setosa', 'versicolor', 'virginica'}
        The species that no model sees in training; the two others are normal.
    test_fraction : float
        Share of the 100 normal flowers that joins the 50 anomalies in the test set.
    validation_fraction : float
        Share of the remaining normal flowers that is held out for validation.
    random_state : int
        Seed of both divisions.

    Returns
    -------
    Split
        Lengths and widths in centimetres; ``groups_test`` holds the species.

    Raises
    ------
    ValueError
        If the species is not one of the three, or if a fraction is out of range.

    References
    ----------
    Fisher (1936), The use of multiple measurements in taxonomic problems, Annals of Eugenics 7.

    Examples
    --------
    >>> from aecourse import datasets
    >>> sorted(set(datasets.load_iris_novelty("setosa").groups_test.tolist()))
    ['setosa', 'versicolor', 'virginica']
    """
    from sklearn.datasets import load_iris

    iris = load_iris()
    species = np.asarray(iris.target_names)[iris.target]
    if held_out not in iris.target_names:
        raise ValueError(f"held_out must be one of {list(map(str, iris.target_names))}; found {held_out!r}.")
    return split_labelled(
        iris.data,
        species == held_out,
        species,
        test_fraction,
        validation_fraction,
        random_state,
        feature_names=tuple(iris.feature_names),
        name=f"Iris, {held_out} held out",
        description=f"Four measurements of 150 iris flowers in centimetres; {held_out} is the anomaly.",
        licence="CC BY 4.0",
        citation="Fisher (1936), Annals of Eugenics 7; the copy that scikit-learn ships.",
    )


def load_breast_cancer_novelty(
    test_fraction: float = 0.3, validation_fraction: float = 0.2, random_state: int | None = 0
) -> Split:
    """Load the Wisconsin breast cancer table with malignant tumours as anomalies.

    Parameters
    ----------
    test_fraction : float
        Share of the 357 benign tumours that joins all 212 malignant ones in the test set.
    validation_fraction : float
        Share of the remaining benign tumours that is held out for validation.
    random_state : int
        Seed of both divisions.

    Returns
    -------
    Split
        Thirty measurements of cell nuclei, in their own units; ``groups_test`` holds
        ``'benign'`` or ``'malignant'``.

    Raises
    ------
    ValueError
        If a fraction is out of range.

    References
    ----------
    Street, Wolberg and Mangasarian (1993), Nuclear feature extraction for breast tumor diagnosis.

    Examples
    --------
    >>> from aecourse import datasets
    >>> print(datasets.load_breast_cancer_novelty().summary())
                rows  normal  anomalies
    train        200     200          0
    validation    50      50          0
    test         319     107        212
    """
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    diagnoses = np.asarray(table.target_names)[table.target]
    return split_labelled(
        table.data,
        diagnoses == "malignant",
        diagnoses,
        test_fraction,
        validation_fraction,
        random_state,
        feature_names=tuple(map(str, table.feature_names)),
        name="Breast cancer, malignant as anomaly",
        description="Thirty measurements of the cell nuclei of 569 tumours; malignant is the anomaly.",
        licence="CC BY 4.0",
        citation="Street, Wolberg and Mangasarian (1993); the copy that scikit-learn ships.",
    )
