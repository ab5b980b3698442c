"""Recorded data that needs no network: a walk with nine sensors, and a table of penguins.

A third recording, heart beats, states no licence; it is read from a package file that the reader fetches.
"""

import io
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aecourse._support.files import check_undamaged, read_undamaged
from aecourse.datasets.machine import Event, TimeSeries

if TYPE_CHECKING:
    import pandas as pd

_DATA = Path(__file__).parents[1] / "data"
_WALK_SHA256 = "f7664af44e32ce7ded24392112a6d039de43a4caec266a4c877b7252b60c424b"
_PENGUINS_SHA256 = "144f623143c9360fd77322a4f86acb06dc198814dbd2669724c63e6457b907bd"
_BEATS = "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv"
_BEATS_SHA256 = "fe26577b94896943e8205d04d56bf2511fe05c008df535a1ec3826adff3597e2"
_WALK_HERTZ = 64
#: Seconds of the walk at which training, validation and test begin, and the end of the test.
_WALK_SECONDS = (25, 65, 85, 110)
#: Points of the beats at which training, validation and test begin; the archive marks 1,200 as normal.
_BEATS_POINTS = (0, 900, 1200)


def _from_package(name: str, sha256: str) -> bytes:
    """Return the content of a data file of the package."""
    restore = f"Restore it with 'git checkout -- aecourse/data/{name}' in a clone, or reinstall the package."
    return read_undamaged(_DATA / name, sha256, restore)


def load_walk() -> TimeSeries:
    """Load a recording of a person walking: nine channels of acceleration, 64 times a second.

    Three sensors, at the ankle, above the knee and at the hip, each with three directions. The recording is
    number S06R02E0 of the Daphnet data set, made with patients whose gait sometimes freezes. These 110
    seconds contain no freezing: every point is labelled as normal.

    Returns
    -------
    TimeSeries
        ``values`` of shape (7040, 9) in thousandths of the acceleration of gravity, ``y`` all 0, no events.
        Training from second 25 to 65, validation to 85, test to 110; in the first 25 seconds the person
        mostly stands.

    Raises
    ------
    OSError
        If the file is missing or damaged.

    References
    ----------
    Bächlin, Plotnik, Roggen, Maidan, Hausdorff, Giladi and Tröster (2010). Wearable assistant for
    Parkinson's disease patients with the freezing of gait symptom. IEEE Transactions on Information
    Technology in Biomedicine 14(2), 436–446.

    Examples
    --------
    >>> from aecourse import datasets
    >>> walk = datasets.load_walk()
    >>> walk.values.shape, walk.values[walk.test].shape, int(walk.y.sum())
    ((7040, 9), (1600, 9), 0)
    """
    with np.load(io.BytesIO(_from_package("walk.npz", _WALK_SHA256)), allow_pickle=False) as arrays:
        values, y = arrays["values"].astype(float), arrays["freezing"].astype(int)
    edges = [second * _WALK_HERTZ for second in _WALK_SECONDS]
    return TimeSeries(
        values=values,
        times=np.datetime64("1970-01-01T00:04:40", "us")
        + np.arange(len(values)) * np.timedelta64(10**6 // _WALK_HERTZ, "us"),
        y=y,
        events=(),
        train=slice(*edges[:2]),
        validation=slice(*edges[1:3]),
        test=slice(*edges[2:]),
        unit="mg",
        name="Walk (Daphnet S06R02E0)",
        description="Acceleration at ankle, leg and trunk of a walking person, nine channels at 64 Hz.",
        licence="CC BY 4.0",
        citation="Bächlin et al. (2010), IEEE Transactions on Information Technology in Biomedicine 14(2); "
        "D. Roggen, M. Plotnik and J. Hausdorff, Daphnet Freezing of Gait, UCI Machine Learning Repository, "
        "doi 10.24432/C56K78.",
    )


def load_internal_bleeding(wheel: str | os.PathLike[str]) -> TimeSeries:
    """Read a series of heart beats from a package file: number 135 of the UCR anomaly archive.

    The archive states no licence, so the series is not part of this package. The wheel of aeon 1.6.0 holds
    it; ``pip download --no-deps aeon==1.6.0`` fetches that file, which need not be installed.

    Parameters
    ----------
    wheel : str or path-like
        The wheel.

    Returns
    -------
    TimeSeries
        ``values`` of shape (7501,), one event of twelve points. The archive calls the first 1,200 points
        normal: training to 900, validation to 1,200, then the test. ``times`` counts points.

    Raises
    ------
    OSError
        If there is no such file, or it does not contain the series as expected.

    References
    ----------
    Wu and Keogh (2023). Current time series anomaly detection benchmarks are flawed and are creating the
    illusion of progress. IEEE Transactions on Knowledge and Data Engineering 35(3), 2421–2429.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.load_internal_bleeding("aeon-1.6.0-py3-none-any.whl")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: aeon-1.6.0-py3-none-any.whl is missing. Fetch it with 'pip download ...
    """
    import pandas as pd

    fetch = "Fetch it with 'pip download --no-deps aeon==1.6.0'."
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(_BEATS)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{os.fspath(wheel)} is missing. {fetch}") from error
    except (KeyError, zipfile.BadZipFile) as error:
        raise OSError(f"{os.fspath(wheel)} does not hold the series ({error}). {fetch}") from error
    check_undamaged(content, _BEATS_SHA256, f"{_BEATS} in {wheel}", fetch)
    table = pd.read_csv(io.BytesIO(content))
    labels = table["is_anomaly"].to_numpy(int)
    inside = np.flatnonzero(labels)
    train, validation, test = _BEATS_POINTS
    return TimeSeries(
        values=table["value"].to_numpy(float),
        times=np.datetime64(0, "s") + np.arange(len(table)),
        y=labels,
        events=(Event("changed beat", int(inside[0]), int(inside[-1]) + 1),),
        train=slice(train, validation),
        validation=slice(validation, test),
        test=slice(test, len(table)),
        unit="",
        name="Internal bleeding 16 (UCR 135)",
        description="Heart beats with one changed stretch of twelve points.",
        licence="not stated by its source; not redistributed",
        citation="Wu and Keogh (2023), IEEE Transactions on Knowledge and Data Engineering 35(3).",
    )


def load_penguins() -> "pd.DataFrame":
    """Load the raw table of Palmer penguins: 344 birds of three species, as the researchers wrote it down.

    Returns
    -------
    pandas.DataFrame of shape (344, 17)
        Numbers, texts and a date, with missing values (``NA`` in the file), an identifier that repeats, two
        columns that never change, and remarks in words. Nothing is converted but what
        ``pandas.read_csv`` converts.

    Raises
    ------
    OSError
        If the file is missing or damaged.

    References
    ----------
    Gorman, Williams and Fraser (2014). Ecological sexual dimorphism and environmental variability within a
    community of Antarctic penguins (genus Pygoscelis). PLoS ONE 9(3), e90081.

    Examples
    --------
    >>> from aecourse import datasets
    >>> penguins = datasets.load_penguins()
    >>> penguins.shape, int(penguins["Sex"].isna().sum())
    ((344, 17), 11)
    """
    import pandas as pd

    return pd.read_csv(io.BytesIO(_from_package("penguins.csv", _PENGUINS_SHA256)))
