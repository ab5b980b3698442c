"""Data sets, each as one frozen :class:`Split`: normal rows to train and validate on, a labelled test set.

Nothing here needs a network but :func:`load_adbench`, once. MNIST is inside the package, Iris and breast
cancer come with scikit-learn, and the synthetic sets are drawn when they are asked for.
"""

import hashlib
import operator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aecourse._support.checks import check_fraction, check_labels

MNIST_PATH = Path(__file__).parents[1] / "data" / "mnist.npz"
MNIST_SHA256 = "ee068f36682cba7f38bafdedc77b0f873ebbcf877036f7ebde566966146ac146"
SHAPES = ("blob", "two blobs", "moons", "ring", "two densities")


@dataclass(frozen=True)
class Split:
    """A data set, divided as every lesson of the course uses it.

    Parameters
    ----------
    X_train : ndarray of shape (n_train, n_features)
        Normal rows only: models and scalers are fitted on them.
    X_val : ndarray of shape (n_val, n_features)
        Normal rows only, held out: training is stopped and the threshold is chosen on them.
    X_test : ndarray of shape (n_test, n_features)
        Normal rows and anomalies, used once, for the report.
    y_test : ndarray of shape (n_test,)
        1 = anomaly, 0 = normal.
    feature_names : tuple of str
        One name a column.
    name, description, licence, citation : str
        What the data is, and under which terms it comes from whom.
    groups_test : ndarray of shape (n_test,), optional
        What each test row is, in more detail than 0 or 1: the digit, the species, the cluster.
    image_shape : tuple of int, optional
        Height and width, where a row is an image.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Examples
    --------
    >>> from aecourse import datasets
    >>> split = datasets.load_iris_novelty()
    >>> split.X_test.shape, int(split.y_test.sum())
    ((70, 4), 50)
    """

    X_train: np.ndarray
    X_val: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    feature_names: tuple
    name: str
    description: str
    licence: str
    citation: str
    groups_test: np.ndarray | None = field(default=None)
    image_shape: tuple | None = field(default=None)

    def __post_init__(self):
        check_labels(self.y_test, "y_test", n_rows=len(self.X_test))
        for part in ("X_train", "X_val", "X_test"):
            shape = getattr(self, part).shape
            if len(shape) != 2 or shape[1] != len(self.feature_names):
                raise ValueError(
                    f"{part} must have one column for each of the {len(self.feature_names)} "
                    f"feature names; found shape {shape}."
                )
        if self.groups_test is not None and len(self.groups_test) != len(self.X_test):
            raise ValueError(
                f"groups_test has {len(self.groups_test)} entries for {len(self.X_test)} test rows; "
                "pass one a row."
            )

    @property
    def n_features(self):
        """Number of columns."""
        return len(self.feature_names)

    def summary(self):
        """Count the rows of each part.

        Returns
        -------
        pandas.DataFrame
            Index: train, validation, test; columns: rows, normal, anomalies.

        Examples
        --------
        >>> from aecourse import datasets
        >>> print(datasets.load_iris_novelty().summary())
                    rows  normal  anomalies
        train         64      64          0
        validation    16      16          0
        test          70      20         50
        """
        import pandas as pd

        n_anomalies = int(np.sum(self.y_test))
        n_train, n_val, n_test = len(self.X_train), len(self.X_val), len(self.X_test)
        return pd.DataFrame(
            {
                "rows": [n_train, n_val, n_test],
                "normal": [n_train, n_val, n_test - n_anomalies],
                "anomalies": [0, 0, n_anomalies],
            },
            index=["train", "validation", "test"],
        )


def _hold_out(n_rows, fraction, rng):
    """Divide the numbers 0 … n_rows−1 at random into a kept and a held-out part, each in order."""
    n_out = int(round(n_rows * fraction))
    order = rng.permutation(n_rows)
    return np.sort(order[n_out:]), np.sort(order[:n_out])


def check_mnist_file(path=MNIST_PATH):
    """See that the archive of MNIST is there and whole.

    Parameters
    ----------
    path : path-like
        The archive; by default that of the package.

    Raises
    ------
    OSError
        If the file is missing, or its SHA-256 is not the expected one.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.check_mnist_file()
    """
    restore = (
        "Restore it with 'git checkout -- aecourse/data/mnist.npz' in a clone, or reinstall the package."
    )
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing. {restore}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_SHA256:
        raise OSError(
            f"{path} is damaged: its SHA-256 is {found}, expected {MNIST_SHA256} "
            f"({len(content):,} bytes found). {restore}"
        )


def load_mnist(path=None):
    """Load MNIST: 70,000 images of handwritten digits.

    These are the arrays that ``keras.datasets.mnist.load_data()`` downloads; here they are
    read from the package, so no network is needed.

    Parameters
    ----------
    path : path-like, optional
        Another copy of the archive. Its SHA-256 is checked all the same.

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


def load_mnist_digit(digit=0, validation_fraction=0.2, random_state=0):
    """Load MNIST with one digit as normal and the nine others as anomalies.

    Parameters
    ----------
    digit : int
        The digit, 0 to 9, that counts as normal.
    validation_fraction : float
        Share of the digit's training images that is held out for validation.
    random_state : int
        Seed of that division.

    Returns
    -------
    Split
        Pixels as float32 from 0 (paper) to 1 (ink), one image of 784 pixels a row. The test
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
    if digit not in range(10):
        raise ValueError(f"digit must be a whole number from 0 to 9; found {digit!r}.")
    check_fraction(validation_fraction, "validation_fraction")
    (x_train, digits_train), (x_test, digits_test) = load_mnist()

    def rows(images):
        return images.reshape(len(images), -1).astype(np.float32) / 255

    normal = rows(x_train[digits_train == digit])
    train, val = _hold_out(len(normal), validation_fraction, np.random.RandomState(random_state))
    height, width = x_train.shape[1:]
    return Split(
        X_train=normal[train],
        X_val=normal[val],
        X_test=rows(x_test),
        y_test=(digits_test != digit).astype(int),
        feature_names=tuple(f"pixel {r},{c}" for r in range(height) for c in range(width)),
        name=f"MNIST, digit {digit} normal",
        description=f"Handwritten digits, 28 × 28 pixels: {digit} is normal, every other digit an anomaly.",
        licence="CC BY-SA 3.0",
        citation="LeCun, Bottou, Bengio and Haffner (1998), Proceedings of the IEEE 86(11).",
        groups_test=digits_test.astype(int),
        image_shape=(height, width),
    )


def load_mnist_zeros(validation_fraction=0.2, random_state=0):
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


def _novelty(X, is_anomaly, test_fraction, validation_fraction, random_state, groups, **about):
    """Split a labelled table: all anomalies and a share of the normals go into the test set."""
    check_fraction(test_fraction, "test_fraction")
    check_fraction(validation_fraction, "validation_fraction")
    rng = np.random.RandomState(random_state)
    normal_rows = np.flatnonzero(~is_anomaly)
    kept, test = _hold_out(len(normal_rows), test_fraction, rng)
    train, val = _hold_out(len(kept), validation_fraction, rng)
    test_rows = np.concatenate([normal_rows[test], np.flatnonzero(is_anomaly)])
    return Split(
        X_train=X[normal_rows[kept[train]]],
        X_val=X[normal_rows[kept[val]]],
        X_test=X[test_rows],
        y_test=is_anomaly[test_rows].astype(int),
        groups_test=groups[test_rows],
        **about,
    )


def load_iris_novelty(held_out="virginica", test_fraction=0.2, validation_fraction=0.2, random_state=0):
    """Load Iris with one species held out as the anomaly.

    Parameters
    ----------
    held_out : {'setosa', 'versicolor', 'virginica'}
        The species that no model sees in training; the two others are normal.
    test_fraction : float
        Share of the 100 normal flowers in the test set, beside all 50 anomalies.
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
        If the species is not one of the three, or a fraction is out of range.

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
    return _novelty(
        iris.data,
        species == held_out,
        test_fraction,
        validation_fraction,
        random_state,
        species,
        feature_names=tuple(iris.feature_names),
        name=f"Iris, {held_out} held out",
        description=f"Four measurements of 150 iris flowers in centimetres; {held_out} is the anomaly.",
        licence="CC BY 4.0",
        citation="Fisher (1936), Annals of Eugenics 7; the copy that scikit-learn ships.",
    )


def load_breast_cancer_novelty(test_fraction=0.3, validation_fraction=0.2, random_state=0):
    """Load the Wisconsin breast cancer table with malignant tumours as anomalies.

    Parameters
    ----------
    test_fraction : float
        Share of the 357 benign tumours in the test set, beside all 212 malignant ones.
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
    kinds = np.asarray(table.target_names)[table.target]
    return _novelty(
        table.data,
        kinds == "malignant",
        test_fraction,
        validation_fraction,
        random_state,
        kinds,
        feature_names=tuple(map(str, table.feature_names)),
        name="Breast cancer, malignant as anomaly",
        description="Thirty measurements of the cell nuclei of 569 tumours; malignant is the anomaly.",
        licence="CC BY 4.0",
        citation="Street, Wolberg and Mangasarian (1993); the copy that scikit-learn ships.",
    )


def make_imbalanced(n_samples=100_000, validation_fraction=0.2, random_state=0):
    """Draw the imbalanced synthetic set of the fourth tutorial.

    ``make_classification`` is asked for 0.5 % anomalies in 32 informative columns. By default
    it also re-draws 1 % of the labels, so that about half of the rows labelled 1 are ordinary
    rows with a wrong label. ``groups_test`` says which.

    Parameters
    ----------
    n_samples : int
        Number of rows in all; one fifth of them is the test set.
    validation_fraction : float
        Share of the normal training rows that is held out for validation. The tutorial holds
        none out: 0 gives its 79,200 training rows and an empty ``X_val``.
    random_state : int
        Seed of the data and of the validation rows. The tutorial's is 0.

    Returns
    -------
    Split
        ``y_test`` holds the labels as given. ``groups_test`` holds ``'normal'``, ``'anomaly'``,
        ``'normal labelled anomaly'`` or ``'anomaly labelled normal'``.

    Raises
    ------
    ValueError
        If ``validation_fraction`` is not from 0 to 1, or ``n_samples`` is under 1,000.

    References
    ----------
    Guyon (2003), Design of experiments for the NIPS 2003 variable selection benchmark: the
    design behind ``sklearn.datasets.make_classification``.

    Examples
    --------
    >>> from aecourse import datasets
    >>> split = datasets.make_imbalanced(validation_fraction=0)
    >>> split.X_train.shape, split.X_test.shape, int(split.y_test.sum())
    ((79200, 32), (20000, 32), 197)
    """
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

    check_fraction(validation_fraction, "validation_fraction", inclusive=True)
    if n_samples < 1000:
        raise ValueError(f"n_samples must be at least 1,000, to hold any anomalies; found {n_samples}.")
    call = {
        "n_samples": n_samples,
        "n_features": 32,
        "n_informative": 32,
        "n_redundant": 0,
        "n_repeated": 0,
        "n_classes": 2,
        "n_clusters_per_class": 1,
        "weights": [0.995, 0.005],
        "class_sep": 0.5,
        "random_state": random_state,
    }
    X, y = make_classification(**call)
    # Without shuffling the same call gives the same rows, the anomaly cluster last. Shuffling
    # moves rows and columns but keeps each row's values, so a row is known by its smallest.
    # (flip_y=0 would change the random stream, and give other rows.)
    unshuffled, _ = make_classification(**call, shuffle=False)
    first_anomaly = int(n_samples * call["weights"][0])
    in_cluster = np.isin(X.min(axis=1), unshuffled[first_anomaly:].min(axis=1))
    groups = np.select(
        [in_cluster & (y == 1), in_cluster & (y == 0), ~in_cluster & (y == 1)],
        ["anomaly", "anomaly labelled normal", "normal labelled anomaly"],
        "normal",
    )
    X_train, X_test, y_train, y_test, _, groups_test = train_test_split(
        X, y, groups, test_size=0.2, random_state=42
    )
    normal = X_train[y_train == 0]
    train, val = _hold_out(len(normal), validation_fraction, np.random.RandomState(random_state))
    return Split(
        X_train=normal[train],
        X_val=normal[val],
        X_test=X_test,
        y_test=y_test,
        feature_names=tuple(f"x{i}" for i in range(X.shape[1])),
        name="Imbalanced synthetic",
        description="Two Gaussian clusters in 32 columns; the small one is the anomaly, 1 % of labels re-drawn.",
        licence="generated; no licence needed",
        citation="Guyon (2003); sklearn.datasets.make_classification.",
        groups_test=groups_test,
    )


def load_adbench(name, validation_fraction=0.2, random_state=0, base_url=None, cache=None):
    """Load a table of the ADBench collection; it is downloaded once, checked and kept.

    The split is that of the benchmark: 70 % of the rows to train on and 30 % to test on, drawn so that both
    hold the same share of anomalies. As everywhere in this course the anomalies among the training rows are
    then dropped. Other than the benchmark's own code, rows of small tables are not repeated, which would
    put copies of training rows into the test set, and large tables are not thinned.

    Parameters
    ----------
    name : str
        Such as ``"glass"`` or ``"14_glass"``; the error for an unknown name lists all.
    validation_fraction : float
        Share of the normal training rows that is held out for validation.
    random_state : int
        Seed of both divisions.
    base_url : str, optional
        A mirror, see :func:`aecourse.downloads.fetch_adbench`.
    cache : path-like, optional
        Folder for downloads, see :func:`aecourse.downloads.cache_folder`.

    Returns
    -------
    Split
        Features in their own units, called ``x0``, ``x1`` and so on.

    Raises
    ------
    ValueError
        If the name is unknown, or ``validation_fraction`` is out of range.
    OSError
        If the table cannot be downloaded, or is damaged.

    References
    ----------
    Han, S., Hu, X., Huang, H., Jiang, M., and Zhao, Y. (2022). ADBench: Anomaly detection benchmark. Advances
    in Neural Information Processing Systems 35.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.load_adbench("unknown")
    Traceback (most recent call last):
        ...
    ValueError: name must be one of annthyroid, ...; found 'unknown'.
    """
    from sklearn.model_selection import train_test_split

    from aecourse.datasets import adbench as downloads

    check_fraction(validation_fraction, "validation_fraction")
    path = downloads.fetch_adbench(name, base_url=base_url, cache=cache)
    with np.load(path, allow_pickle=False) as arrays:
        X, y = arrays["X"].astype(float), arrays["y"].astype(int)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=random_state
    )
    normal = X_train[y_train == 0]
    train, val = _hold_out(len(normal), validation_fraction, np.random.RandomState(random_state))
    return Split(
        X_train=normal[train],
        X_val=normal[val],
        X_test=X_test,
        y_test=y_test,
        feature_names=tuple(f"x{place}" for place in range(X.shape[1])),
        name=f"ADBench, {path.stem}",
        description=f"Table {path.stem} of the ADBench collection, {len(X):,} rows.",
        licence="that of the table's source, which ADBench names",
        citation="Han, Hu, Huang, Jiang and Zhao (2022), NeurIPS 35.",
    )


def _normal_shape(kind, n_rows, rng):
    """Draw points of one two-dimensional shape."""
    from sklearn.datasets import make_moons

    if kind == "blob":
        return rng.normal(0, 0.6, (n_rows, 2))
    if kind == "two blobs":
        centres = np.where(rng.random_sample((n_rows, 1)) < 0.5, -1.5, 1.5)
        return rng.normal(0, 0.4, (n_rows, 2)) + centres
    if kind == "moons":
        points, _ = make_moons(n_rows, noise=0.08, random_state=rng)
        return 1.6 * (points - points.mean(axis=0))
    if kind == "ring":
        angle = rng.uniform(0, 2 * np.pi, n_rows)
        radius = rng.normal(2, 0.12, n_rows)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    dense = rng.random_sample((n_rows, 1)) < 0.5  # two densities
    return np.where(dense, rng.normal(0, 0.12, (n_rows, 2)) - 1.5, rng.normal(0, 0.7, (n_rows, 2)) + 1)


def make_shape(kind="moons", n_train=300, n_anomalies=40, random_state=0):
    """Draw a two-dimensional shape of normal points, and anomalies spread evenly around it.

    Parameters
    ----------
    kind : {'blob', 'two blobs', 'moons', 'ring', 'two densities'}
        The shape of the normal points.
    n_train : int
        Number of normal points to train on; as many again are drawn for the test set, and half
        as many for validation.
    n_anomalies : int
        Number of anomalies, uniform on the square from −4 to 4.
    random_state : int
        Seed.

    Returns
    -------
    Split
        Two columns, ``x`` and ``y``, without unit.

    Raises
    ------
    ValueError
        If the shape is unknown or a number is not positive.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.make_shape("ring").X_train.shape
    (300, 2)
    """
    if kind not in SHAPES:
        raise ValueError(f"kind must be one of {list(SHAPES)}; found {kind!r}.")
    if n_train < 2 or n_anomalies < 1:
        raise ValueError(
            "n_train must be at least 2 and n_anomalies at least 1; "
            f"found n_train={n_train!r}, n_anomalies={n_anomalies!r}."
        )
    rng = np.random.RandomState(random_state)
    n_val = n_train // 2
    normal = _normal_shape(kind, 2 * n_train + n_val, rng)
    anomalies = rng.uniform(-4, 4, (n_anomalies, 2))
    return Split(
        X_train=normal[:n_train],
        X_val=normal[n_train : n_train + n_val],
        X_test=np.vstack([normal[n_train + n_val :], anomalies]),
        y_test=np.repeat([0, 1], [n_train, n_anomalies]),
        feature_names=("x", "y"),
        name=f"Shape: {kind}",
        description=f"Points in the plane: {kind}, with anomalies spread evenly around it.",
        licence="generated; no licence needed",
        citation="This course.",
    )


FAULTS = ("point", "level shift", "frequency", "contextual")
_STEP = 10  # minutes between two samples of the machine
_DAY = 24 * 60 // _STEP  # samples of a day
_CYCLE = 8  # samples of one turn of the machine's thermostat


@dataclass(frozen=True)
class Event:
    """A fault in a series: what it is, and which samples it touches.

    Parameters
    ----------
    kind : str
        The kind of fault.
    start, stop : int
        First sample, and one past the last, counted from the start of the series.

    Raises
    ------
    ValueError
        If the event has no sample.

    Examples
    --------
    >>> from aecourse import datasets
    >>> len(datasets.Event("level shift", start=100, stop=130))
    30
    """

    kind: str
    start: int
    stop: int

    def __post_init__(self):
        if not 0 <= self.start < self.stop:
            raise ValueError(
                "start and stop must be sample numbers with 0 <= start < stop; "
                f"found {self.start} and {self.stop}."
            )

    def __len__(self):
        return self.stop - self.start


@dataclass(frozen=True)
class TimeSeries:
    """A series of one sensor, divided by time: train first, then validation, then test.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The measurements, at equal steps.
    times : ndarray of datetime64 of shape (n,)
        When each was taken.
    y : ndarray of shape (n,)
        1 = the sample belongs to a fault, 0 = normal.
    events : tuple of Event
        The faults, in order of time.
    train, validation, test : slice
        Samples of each part, in this order. Train and validation hold no fault.
    unit, name, description, licence, citation : str
        Unit of the values, and what the data is.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Examples
    --------
    >>> from aecourse import datasets
    >>> series = datasets.make_machine_temperature()
    >>> series.values[series.test].shape, len(series.events), int(series.y.sum())
    ((12096,), 40, 924)
    """

    values: np.ndarray
    times: np.ndarray
    y: np.ndarray
    events: tuple
    train: slice
    validation: slice
    test: slice
    unit: str
    name: str
    description: str
    licence: str
    citation: str

    def __post_init__(self):
        check_labels(self.y, "y", n_rows=len(self.values))
        if len(self.times) != len(self.values):
            raise ValueError(
                f"times has {len(self.times)} entries for {len(self.values)} values; pass one each."
            )
        parts = (self.train, self.validation, self.test)
        edges = [edge for part in parts for edge in (part.start, part.stop)]
        if edges != sorted(edges) or edges[0] < 0 or edges[-1] > len(self.values):
            raise ValueError(
                f"train, validation and test must follow each other within the {len(self.values)} "
                f"samples; found {parts}."
            )
        if self.y[self.train].any() or self.y[self.validation].any():
            raise ValueError("y marks faults in train or validation; both must hold normal samples only.")

    def summary(self):
        """Count the samples and the faults of each part.

        Returns
        -------
        pandas.DataFrame
            Index: train, validation, test; columns: from, to (first and last time stamp),
            samples, in a fault, faults.

        Examples
        --------
        >>> from aecourse import datasets
        >>> print(datasets.make_machine_temperature().summary()[["samples", "in a fault", "faults"]])
                    samples  in a fault  faults
        train          4032           0       0
        validation     2016           0       0
        test          12096         924      40
        """
        import pandas as pd

        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return pd.DataFrame(
            {
                "from": [self.times[part][0] for part in parts.values()],
                "to": [self.times[part][-1] for part in parts.values()],
                "samples": [len(self.values[part]) for part in parts.values()],
                "in a fault": [int(self.y[part].sum()) for part in parts.values()],
                "faults": [
                    sum(part.start <= event.start < part.stop for event in self.events)
                    for part in parts.values()
                ],
            },
            index=list(parts),
        )


def _autoregressive(noise, half_life):
    """Turn white noise into noise of variance 1 whose memory halves in so many samples."""
    from scipy.signal import lfilter

    memory = 0.5 ** (1 / half_life)
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], noise)


def _shifts(n_days, rng):
    """Planned load of the machine, 0 to 1: full from six to ten on workdays, each day a little different."""
    hour = np.arange(_DAY) * _STEP / 60
    at_work = ((hour >= 6) & (hour < 22)).astype(float)
    day = np.arange(n_days)
    height = np.where(day % 7 < 5, 1.0, 0.15) * (1 + 0.05 * rng.normal(size=n_days))
    return (height[:, None] * at_work).ravel()


def _plan_faults(load, first, n_faults, rng):
    """Choose kind, start and stop of every fault, in order: one in each equal stretch of the test part."""
    kinds = rng.permutation(np.repeat(FAULTS, n_faults))
    length = (len(load) - first) // max(1, len(kinds))
    planned = []
    for place, kind in enumerate(kinds):
        n = 1 if kind == "point" else int(rng.randint(18, 37))
        low = first + place * length + _DAY // 4
        starts = np.arange(low, first + (place + 1) * length - _DAY // 4 - n)
        if kind == "contextual":  # the plan must not change while the machine does its opposite
            starts = np.array([s for s in starts if np.ptp(load[s - 6 : s + n + 6]) == 0])
        start = int(starts[rng.randint(len(starts))])
        planned.append(Event(str(kind), start, start + n))
    return planned


def _temperature(load, jobs, wander, turns, noise, drift):
    """Put the parts together: degrees Celsius at each sample."""
    from scipy.signal import lfilter

    samples = np.arange(len(load))
    day = 1.5 * np.sin(2 * np.pi * (samples / _DAY - 9 / 24))
    inertia = np.exp(-_STEP / 40)  # the machine follows its load with a time constant of 40 minutes
    heat = lfilter([1 - inertia], [1, -inertia], load * (8 + 0.8 * jobs))
    thermostat = 0.7 * np.sin(2 * np.pi * turns)
    return 45 + day + heat + 0.6 * wander + thermostat + 0.15 * noise + drift * samples / (7 * _DAY)


def make_machine_temperature(weeks=(4, 2, 12), n_faults=10, drift=0.0, random_state=0):
    """Draw the temperature of a machine, every ten minutes for weeks, with faults in the test part.

    Normal life is made of a daily rhythm; two shifts a day on workdays, which heat the machine;
    jobs that vary the load; a thermostat that turns every 80 minutes; weather, which wanders over days;
    and the noise of the sensor. There are four kinds of fault:

    - *point*: one sample is 3 to 6 °C off, a glitch of the sensor;
    - *level shift*: three to six hours are 2.5 to 4 °C too warm or too cold;
    - *frequency*: for three to six hours the thermostat turns more than twice as fast, as far up
      and down as ever;
    - *contextual*: for three to six hours the machine runs when it should rest, or rests when it
      should run. Each value is ordinary at another time of the week.

    The same ``random_state`` gives the same normal life whatever the faults and the drift, so that
    ``n_faults=0`` is the series that would have been measured without any.

    Parameters
    ----------
    weeks : tuple of int
        Weeks of train, validation and test, each at least 1. The first sample is a Monday, 0:00.
    n_faults : int
        Faults of each of the four kinds; 0 for none.
    drift : float
        Slow change of the sensor's level over the whole series, in °C a week.
    random_state : int
        Seed.

    Returns
    -------
    TimeSeries
        A fault's event begins and ends with the samples that it moves by more than 0.45 °C, three
        standard deviations of the sensor's noise. Samples within count as labelled.

    Raises
    ------
    ValueError
        If ``weeks`` is not three whole numbers of at least 1, ``drift`` is not finite, or so many
        faults do not fit: each of the four times ``n_faults`` needs a day and a half of the test part.

    Examples
    --------
    >>> from aecourse import datasets
    >>> series = datasets.make_machine_temperature(weeks=(2, 1, 3), n_faults=2)
    >>> print(series.events[0], series.times[series.test][0])
    Event(kind='level shift', start=3276, stop=3307) 2025-01-27T00:00
    """
    try:
        n_weeks = [operator.index(each) for each in weeks]
        n_faults = operator.index(n_faults)
    except TypeError as error:
        raise ValueError(
            "weeks must be three whole numbers and n_faults one; "
            f"found weeks={weeks!r}, n_faults={n_faults!r}."
        ) from error
    if len(n_weeks) != 3 or min(n_weeks) < 1:
        raise ValueError(
            f"weeks must be three whole numbers of at least 1, for train, validation and test; "
            f"found {weeks!r}."
        )
    if not np.isfinite(drift):
        raise ValueError(f"drift must be a finite number of °C a week; found {drift!r}.")
    first, most = 7 * _DAY * sum(n_weeks[:2]), 7 * n_weeks[2] * 2 // 3 // len(FAULTS)
    if not 0 <= n_faults <= most:
        raise ValueError(
            f"n_faults must be from 0 to {most} of each kind for {n_weeks[2]} weeks of test; "
            f"found {n_faults!r}. Ask for more weeks or fewer faults."
        )
    # Two streams, so that the faults leave the normal life as it is.
    life, harm = (
        np.random.RandomState(seed) for seed in np.random.RandomState(random_state).randint(2**31 - 1, size=2)
    )
    n_days = 7 * sum(n_weeks)
    load = _shifts(n_days, life)
    n = len(load)
    noise = life.normal(size=(4, n))
    jobs, wander = _autoregressive(noise[0], 4), _autoregressive(noise[1], 2 * _DAY)
    turns = np.cumsum((1 + 0.15 * noise[2]) / _CYCLE)
    parts = (jobs, wander, turns, noise[3], drift)
    normal = _temperature(load, *parts)

    planned = _plan_faults(load, first, n_faults, harm)
    swapped, faster, added = load.copy(), turns.copy(), np.zeros(n)
    for event in planned:
        inside, size = slice(event.start, event.stop), event.stop - event.start
        sign = harm.choice([-1, 1])
        if event.kind == "point":
            added[inside] = sign * harm.uniform(3, 6)
        elif event.kind == "level shift":
            added[inside] = sign * harm.uniform(2.5, 4)
        elif event.kind == "contextual":
            swapped[inside] = 1.0 if load[event.start] < 0.5 else 0.0
        else:  # whole turns more, so that the thermostat goes on where it would have been
            more = round(size * 0.2)
            faster[inside] += more * np.arange(1, size + 1) / size
    values = _temperature(swapped, jobs, wander, faster, noise[3], drift) + added
    events = []
    for event in planned:
        reach = slice(event.start, event.stop + _DAY // 4)
        moved = event.start + np.flatnonzero(np.abs(values[reach] - normal[reach]) > 0.45)
        events.append(Event(event.kind, int(moved[0]), int(moved[-1]) + 1))
    y = np.zeros(n, dtype=int)
    for event in events:
        y[event.start : event.stop] = 1
    second = 7 * _DAY * n_weeks[0]
    return TimeSeries(
        values=values,
        times=np.datetime64("2025-01-06T00:00") + np.arange(n) * np.timedelta64(_STEP, "m"),
        y=y,
        events=tuple(events),
        train=slice(0, second),
        validation=slice(second, first),
        test=slice(first, n),
        unit="°C",
        name="Machine temperature",
        description="Simulated temperature of a machine with daily and weekly rhythm, every ten minutes; "
        "four kinds of fault in the test part.",
        licence="generated; no licence needed",
        citation="This course.",
    )


def make_sensor_rows(n_rows=10_000, anomaly_share=0.001, random_state=0):
    """Draw a table of eight sensors that follow three hidden quantities, as large as wanted.

    Each sensor is a fixed mixture of the three quantities plus noise of standard deviation 0.15. In an
    anomaly one sensor is broken: it shows what it showed for another row. Its value is ordinary, and does
    not fit the other seven.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    anomaly_share : float
        Probability that a row is an anomaly, from 0 to 1.
    random_state : int
        Seed of the rows; the mixture is the same for every seed, so that parts fit together.

    Returns
    -------
    pandas.DataFrame
        Columns ``sensor_1`` to ``sensor_8`` (float32, no unit) and ``anomaly`` (int8, 1 = anomaly).

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> from aecourse import datasets
    >>> rows = datasets.make_sensor_rows(1000, anomaly_share=0.1)
    >>> rows.shape, int(rows["anomaly"].sum())
    ((1000, 9), 98)
    """
    if not isinstance(n_rows, (int, np.integer)) or isinstance(n_rows, bool) or n_rows < 1:
        raise ValueError(f"n_rows must be a positive whole number; found {n_rows!r}.")
    check_fraction(anomaly_share, "anomaly_share", inclusive=True)
    mixture = np.random.default_rng(15).normal(size=(3, 8))
    rng = np.random.default_rng(random_state)
    values = rng.normal(size=(n_rows, 3)) @ mixture + 0.15 * rng.normal(size=(n_rows, 8))
    anomaly = rng.random(n_rows) < anomaly_share
    broken = np.flatnonzero(anomaly)
    sensor = rng.integers(8, size=broken.size)
    values[broken, sensor] = values[rng.integers(n_rows, size=broken.size), sensor]
    import pandas as pd

    table = pd.DataFrame(values.astype(np.float32), columns=[f"sensor_{i}" for i in range(1, 9)])
    return table.assign(anomaly=anomaly.astype(np.int8))
