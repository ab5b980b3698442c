"""Made-up data sets with anomalies that are known exactly."""

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aecourse._support.checks import check_fraction, check_whole
from aecourse.datasets.split import Split, hold_out

if TYPE_CHECKING:
    import pandas as pd

SHAPES = ("blob", "two blobs", "moons", "ring", "two densities")


def make_imbalanced(
    n_samples: int = 100_000, validation_fraction: float = 0.2, random_state: int = 0
) -> Split:
    """Draw the imbalanced synthetic set of the fourth tutorial.

    scikit-learn's ``make_classification`` draws 0.5 % anomalies in 32 informative columns. By
    default it also re-draws 1 % of the labels, so that about half of the rows labelled 1 are
    ordinary rows with a wrong label; ``groups_test`` names them.

    Parameters
    ----------
    n_samples : int
        Total number of rows, at least 1,000; one fifth of them is the test set.
    validation_fraction : float
        Share of the normal training rows that is held out for validation. The tutorial has no
        validation rows: 0 gives its 79,200 training rows and an empty ``X_val``.
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
        If ``validation_fraction`` is not from 0 to 1, or if ``n_samples`` is under 1,000.

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

    n_samples = check_whole(n_samples, "n_samples", 1000)  # fewer might hold no anomaly
    check_fraction(validation_fraction, "validation_fraction", inclusive=True)
    weights = [0.995, 0.005]
    draw = functools.partial(
        make_classification,
        n_samples=n_samples,
        n_features=32,
        n_informative=32,
        n_redundant=0,
        n_clusters_per_class=1,
        weights=weights,
        class_sep=0.5,
        random_state=random_state,
    )
    X, y = draw()
    # Without shuffling the same call gives the same rows, the anomaly cluster last. Shuffling
    # moves rows and columns but keeps each row's values, so its smallest value identifies a row.
    # (flip_y=0 would change the random stream and give other rows.)
    unshuffled, _ = draw(shuffle=False)
    first_anomaly = int(n_samples * weights[0])
    in_cluster = np.isin(X.min(axis=1), unshuffled[first_anomaly:].min(axis=1))
    groups = np.select(
        [in_cluster & (y == 1), in_cluster & (y == 0), ~in_cluster & (y == 1)],
        ["anomaly", "anomaly labelled normal", "normal labelled anomaly"],
        "normal",
    )
    X_train, X_test, y_train, y_test, _, groups_test = train_test_split(
        X, y, groups, test_size=0.2, random_state=42
    )
    rng = np.random.RandomState(random_state)
    train, validation = hold_out(X_train[y_train == 0], validation_fraction, rng)
    return Split(
        X_train=train,
        X_val=validation,
        X_test=X_test,
        y_test=y_test,
        feature_names=tuple(f"x{i}" for i in range(X.shape[1])),
        name="Imbalanced synthetic",
        description="Two Gaussian clusters in 32 columns; the small one is the anomaly, "
        "1 % of labels re-drawn.",
        licence="generated; no licence needed",
        citation="Guyon (2003); sklearn.datasets.make_classification.",
        groups_test=groups_test,
    )


def _draw_shape(kind: str, n_rows: int, rng: np.random.RandomState) -> NDArray[np.float64]:
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


def make_shape(
    kind: str = "moons", n_train: int = 300, n_anomalies: int = 40, random_state: int | None = 0
) -> Split:
    """Draw a two-dimensional shape of normal points, and anomalies spread evenly around it.

    Parameters
    ----------
    kind : {'blob', 'two blobs', 'moons', 'ring', 'two densities'}
        The shape of the normal points.
    n_train : int
        Number of normal points to train on, at least 2; as many are drawn for the test set, and
        half as many for validation.
    n_anomalies : int
        Number of anomalies, at least 1, uniform on the square from −4 to 4.
    random_state : int
        Seed.

    Returns
    -------
    Split
        Two columns, ``x`` and ``y``, without a unit.

    Raises
    ------
    ValueError
        If the shape is unknown, or if a number is too small.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.make_shape("ring").X_train.shape
    (300, 2)
    """
    if kind not in SHAPES:
        raise ValueError(f"kind must be one of {list(SHAPES)}; found {kind!r}.")
    n_train, n_anomalies = check_whole(n_train, "n_train", 2), check_whole(n_anomalies, "n_anomalies")
    rng = np.random.RandomState(random_state)
    n_val = n_train // 2
    normal = _draw_shape(kind, 2 * n_train + n_val, rng)
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


def make_sensor_rows(
    n_rows: int = 10_000, anomaly_share: float = 0.001, random_state: int | None = 0
) -> "pd.DataFrame":
    """Draw a table of eight sensors that follow three hidden quantities, of any length.

    Each sensor is a fixed mixture of the three quantities plus noise of standard deviation 0.15. In an
    anomaly one sensor is broken: it shows its value of another row, which is ordinary but does not fit the
    other seven.

    Parameters
    ----------
    n_rows : int
        Number of rows, at least 1.
    anomaly_share : float
        Probability that a row is an anomaly, from 0 to 1.
    random_state : int
        Seed of the rows; the mixture is the same for every seed, so that several parts form one table.

    Returns
    -------
    pandas.DataFrame
        Columns ``sensor_1`` to ``sensor_8`` (float32, without a unit) and ``anomaly`` (int8,
        1 = anomaly).

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
    import pandas as pd

    n_rows = check_whole(n_rows, "n_rows")
    check_fraction(anomaly_share, "anomaly_share", inclusive=True)
    mixture = np.random.default_rng(15).normal(size=(3, 8))
    rng = np.random.default_rng(random_state)
    values = rng.normal(size=(n_rows, 3)) @ mixture + 0.15 * rng.normal(size=(n_rows, 8))
    anomaly = rng.random(n_rows) < anomaly_share
    broken = np.flatnonzero(anomaly)
    sensor = rng.integers(8, size=broken.size)
    values[broken, sensor] = values[rng.integers(n_rows, size=broken.size), sensor]
    table = pd.DataFrame(values.astype(np.float32), columns=[f"sensor_{i}" for i in range(1, 9)])
    return table.assign(anomaly=anomaly.astype(np.int8))


def make_mixed_table(
    table_id: int, n_normal: int = 300, n_new: int = 240, anomaly_share: float = 0.15
) -> "tuple[pd.DataFrame, pd.DataFrame, NDArray[np.int64]]":
    """Draw a small table of parcels with numbers, words, a date and gaps; each id gives another one.

    A table has a running ``number``, three to five measurements that belong together, a ``depot`` and a
    ``service`` in words, the day on which a parcel was ``posted``, and a column that never changes. Of the
    measurements some are missing. In an anomaly one measurement is given in another unit, or the depot does
    not offer the service. The new rows come later than the normal ones, and name a depot that was not there
    before.

    Parameters
    ----------
    table_id : int
        Which table; a whole number of at least 0.
    n_normal, n_new : int
        Normal rows to learn from, and later rows to score.
    anomaly_share : float
        Share of the new rows that are anomalies, strictly between 0 and 1.

    Returns
    -------
    normal, new : pandas.DataFrame
        Both have the same columns.
    y : ndarray of int of shape (n_new,)
        1 = anomaly, for the new rows.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from aecourse import datasets
    >>> normal, new, y = datasets.make_mixed_table(7)
    >>> normal.shape, new.shape, int(y.sum())
    ((300, 10), (240, 10), 36)
    """
    import pandas as pd

    rng = np.random.default_rng(check_whole(table_id, "table_id", 0))
    n_normal, n_new = check_whole(n_normal, "n_normal", 30), check_whole(n_new, "n_new", 10)
    n = n_normal + n_new
    n_measured = int(rng.integers(3, 6))
    mixture = rng.normal(size=(2, n_measured))
    values = rng.normal(size=(n, 2)) @ mixture + 0.15 * rng.normal(size=(n, n_measured))
    values = 10.0 ** rng.integers(0, 4, n_measured) * (5 + values)
    depots = np.array(["north", "south", "east", "west"], dtype="U7")  # room for "harbour"
    depot = depots[rng.integers(4, size=n)]
    service = np.where(rng.random(n) < 0.5, "standard", "express")
    service[(depot == "north") & (service == "express")] = "night"  # only there, and no express
    y = np.zeros(n_new, dtype=np.int64)
    y[rng.permutation(n_new)[: round(n_new * check_fraction(anomaly_share, "anomaly_share"))]] = 1
    for row in n_normal + np.flatnonzero(y):
        if rng.random() < 0.6:
            values[row, rng.integers(n_measured)] *= 2.54
        else:
            depot[row], service[row] = "south", "night"
    renamed = n_normal + np.flatnonzero((y == 0) & (depot[n_normal:] == "west"))[:3]
    depot[renamed] = "harbour"
    values[rng.random((n, n_measured)) < 0.04] = np.nan
    table = pd.DataFrame(values.round(3), columns=[f"measure {i}" for i in range(1, n_measured + 1)])
    table.insert(0, "number", np.arange(1, n + 1))
    table["depot"], table["service"] = depot, service
    days = np.sort(rng.integers(0, 180, n))
    table["posted"] = (np.datetime64("2026-01-05") + days).astype(str)
    table["country"] = "here"
    return table[:n_normal], table[n_normal:].reset_index(drop=True), y
