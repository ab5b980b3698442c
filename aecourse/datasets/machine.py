"""A simulated machine: its temperature over weeks, with faults whose times are known."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aecourse._support.checks import check_labels, check_number, check_whole

if TYPE_CHECKING:
    import pandas as pd

FAULTS = ("point", "level shift", "frequency", "contextual")

_MINUTES_PER_SAMPLE = 10
_SAMPLES_PER_DAY = 24 * 60 // _MINUTES_PER_SAMPLE
_SAMPLES_PER_TURN = 8  # of the thermostat


@dataclass(frozen=True)
class Event:
    """A fault in a series: what it is, and which samples it affects.

    Parameters
    ----------
    kind : str
        The kind of fault.
    start, stop : int
        First sample, and one past the last, counted from the start of the series.

    Raises
    ------
    ValueError
        If the event is empty or starts before the series.

    Examples
    --------
    >>> from aecourse import datasets
    >>> len(datasets.Event("level shift", start=100, stop=130))
    30
    """

    kind: str
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(
                "start and stop must be sample numbers with 0 <= start < stop; "
                f"found {self.start} and {self.stop}."
            )

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def samples(self) -> slice:
        """The samples of the event."""
        return slice(self.start, self.stop)


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
        Samples of each part, in this order. Train and validation are free of faults.
    unit, name, description, licence, citation : str
        Unit of the values, what the data set is, its licence and its source.

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

    values: NDArray[np.floating]
    times: NDArray[np.datetime64]
    y: NDArray[np.integer]
    events: tuple[Event, ...]
    train: slice
    validation: slice
    test: slice
    unit: str
    name: str
    description: str
    licence: str
    citation: str

    def __post_init__(self) -> None:
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

    def summary(self) -> "pd.DataFrame":
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


@dataclass(frozen=True)
class _Life:
    """What the temperature depends on, sample by sample."""

    load: NDArray[np.float64]
    jobs: NDArray[np.float64]
    weather: NDArray[np.float64]
    turns: NDArray[np.float64]
    noise: NDArray[np.float64]

    def temperature(self, drift: float) -> NDArray[np.float64]:
        """Return the degrees Celsius at each sample, with a drift in degrees a week."""
        from scipy.signal import lfilter

        days = np.arange(len(self.load)) / _SAMPLES_PER_DAY
        daily = 1.5 * np.sin(2 * np.pi * (days - 9 / 24))
        inertia = np.exp(-_MINUTES_PER_SAMPLE / 40)  # the time constant of the machine is 40 minutes
        heat = lfilter([1 - inertia], [1, -inertia], self.load * (8 + 0.8 * self.jobs))
        thermostat = 0.7 * np.sin(2 * np.pi * self.turns)
        drifted = drift * np.arange(len(self.load)) / (7 * _SAMPLES_PER_DAY)
        return 45 + daily + heat + 0.6 * self.weather + thermostat + 0.15 * self.noise + drifted


def _draw_life(n_days: int, rng: np.random.RandomState) -> _Life:
    load = _draw_shifts(n_days, rng)
    jobs, weather, speed, noise = rng.normal(size=(4, len(load)))
    return _Life(
        load=load,
        jobs=_autoregressive(jobs, half_life=4),
        weather=_autoregressive(weather, half_life=2 * _SAMPLES_PER_DAY),
        turns=np.cumsum((1 + 0.15 * speed) / _SAMPLES_PER_TURN),
        noise=noise,
    )


def _draw_shifts(n_days: int, rng: np.random.RandomState) -> NDArray[np.float64]:
    """Draw the planned load, 0 to 1: full from six to ten on workdays, slightly different each day."""
    hour = np.arange(_SAMPLES_PER_DAY) * _MINUTES_PER_SAMPLE / 60
    at_work = ((hour >= 6) & (hour < 22)).astype(float)
    day = np.arange(n_days)
    height = np.where(day % 7 < 5, 1.0, 0.15) * (1 + 0.05 * rng.normal(size=n_days))
    return (height[:, None] * at_work).ravel()


def _autoregressive(noise: NDArray[np.float64], half_life: float) -> NDArray[np.float64]:
    """Turn white noise into noise of variance 1 whose memory halves in so many samples."""
    from scipy.signal import lfilter

    memory = 0.5 ** (1 / half_life)
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], noise)


def _plan_faults(
    load: NDArray[np.float64], first: int, n_faults: int, rng: np.random.RandomState
) -> list[Event]:
    """Draw kind, start and stop of every fault, in order: one in each equal stretch of the test part."""
    kinds = rng.permutation(np.repeat(FAULTS, n_faults))
    length = (len(load) - first) // max(1, len(kinds))
    planned = []
    for place, kind in enumerate(kinds):
        n = 1 if kind == "point" else int(rng.randint(18, 37))
        low = first + place * length + _SAMPLES_PER_DAY // 4
        starts = np.arange(low, first + (place + 1) * length - _SAMPLES_PER_DAY // 4 - n)
        if kind == "contextual":  # the plan must not change while the machine does its opposite
            starts = np.array([s for s in starts if np.ptp(load[s - 6 : s + n + 6]) == 0])
        start = int(starts[rng.randint(len(starts))])
        planned.append(Event(str(kind), start, start + n))
    return planned


def _faulty_temperature(
    life: _Life, planned: list[Event], drift: float, rng: np.random.RandomState
) -> NDArray[np.float64]:
    load, turns, added = life.load.copy(), life.turns.copy(), np.zeros(len(life.load))
    for event in planned:
        sign = rng.choice([-1, 1])
        if event.kind == "point":
            added[event.samples] = sign * rng.uniform(3, 6)
        elif event.kind == "level shift":
            added[event.samples] = sign * rng.uniform(2.5, 4)
        elif event.kind == "contextual":
            load[event.samples] = 1.0 if life.load[event.start] < 0.5 else 0.0
        else:  # whole extra turns, so that the thermostat continues where it would have been
            extra = round(len(event) * 0.2)
            turns[event.samples] += extra * np.arange(1, len(event) + 1) / len(event)
    return replace(life, load=load, turns=turns).temperature(drift) + added


def _measured_event(planned: Event, difference: NDArray[np.float64]) -> Event:
    """Return a fault with the samples that it really moves: heat lasts beyond the end of its cause."""
    reach = difference[planned.start : planned.stop + _SAMPLES_PER_DAY // 4]
    moved = planned.start + np.flatnonzero(np.abs(reach) > 0.45)
    return Event(planned.kind, int(moved[0]), int(moved[-1]) + 1)


def _check_weeks(weeks: Iterable[int]) -> tuple[int, int, int]:
    try:
        train, validation, test = (check_whole(each, "weeks") for each in weeks)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "weeks must be three whole numbers of at least 1, for train, validation and test; "
            f"found {weeks!r}."
        ) from error
    return train, validation, test


def make_machine_temperature(
    weeks: tuple[int, int, int] = (4, 2, 12),
    n_faults: int = 10,
    drift: float = 0.0,
    random_state: int | None = 0,
) -> TimeSeries:
    """Draw the temperature of a machine, every ten minutes for weeks, with faults in the test part.

    The normal temperature has a daily rhythm; two shifts a day on workdays, which heat the machine;
    jobs that vary the load; a thermostat with a cycle of 80 minutes; weather, which changes over days;
    and the noise of the sensor. There are four kinds of fault:

    - *point*: one sample is 3 to 6 °C off, a glitch of the sensor;
    - *level shift*: three to six hours are 2.5 to 4 °C too warm or too cold;
    - *frequency*: for three to six hours the thermostat runs more than twice as fast, with its usual
      amplitude;
    - *contextual*: for three to six hours the machine runs when it should rest, or rests when it
      should run. Each value is ordinary at another time of the week.

    The same ``random_state`` gives the same normal temperature whatever the faults and the drift:
    ``n_faults=0`` gives the series that would have been measured without faults.

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
        standard deviations of the sensor's noise. All samples between the two are labelled.

    Raises
    ------
    ValueError
        If ``weeks`` is not three whole numbers of at least 1, if ``drift`` is not finite, or if the
        faults do not fit: each of the four times ``n_faults`` needs a day and a half of the test part.

    Examples
    --------
    >>> from aecourse import datasets
    >>> series = datasets.make_machine_temperature(weeks=(2, 1, 3), n_faults=2)
    >>> print(series.events[0], series.times[series.test][0])
    Event(kind='level shift', start=3276, stop=3307) 2025-01-27T00:00
    """
    train, validation, test = _check_weeks(weeks)
    drift = check_number(drift, "drift")
    try:
        n_faults = check_whole(n_faults, "n_faults", 0, 7 * test * 2 // 3 // len(FAULTS))
    except ValueError as error:
        raise ValueError(
            f"{error} The limit is what fits into {test} weeks of test; ask for more weeks or fewer faults."
        ) from error
    # Two streams, so that the normal temperature does not depend on the faults.
    life_seed, fault_seed = np.random.RandomState(random_state).randint(2**31 - 1, size=2)
    life = _draw_life(7 * (train + validation + test), np.random.RandomState(life_seed))
    fault_rng = np.random.RandomState(fault_seed)
    first_validation = 7 * _SAMPLES_PER_DAY * train
    first_test = first_validation + 7 * _SAMPLES_PER_DAY * validation
    planned = _plan_faults(life.load, first_test, n_faults, fault_rng)
    values = _faulty_temperature(life, planned, drift, fault_rng)
    difference = values - life.temperature(drift)
    events = tuple(_measured_event(event, difference) for event in planned)
    y = np.zeros(len(values), dtype=int)
    for event in events:
        y[event.samples] = 1
    return TimeSeries(
        values=values,
        times=np.datetime64("2025-01-06T00:00")
        + np.arange(len(values)) * np.timedelta64(_MINUTES_PER_SAMPLE, "m"),
        y=y,
        events=events,
        train=slice(0, first_validation),
        validation=slice(first_validation, first_test),
        test=slice(first_test, len(values)),
        unit="°C",
        name="Machine temperature",
        description="Simulated temperature of a machine with daily and weekly rhythm, every ten minutes; "
        "four kinds of fault in the test part.",
        licence="generated; no licence needed",
        citation="This course.",
    )
