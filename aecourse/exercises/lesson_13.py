"""Exercises of lesson 13, time series."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, integer, register
from aecourse.exercises.memory import remember_last


def _mean_scores(errors):
    errors = np.asarray(errors, dtype=float)
    n_windows, size = errors.shape
    total, count = np.zeros(n_windows + size - 1), np.zeros(n_windows + size - 1)
    for j in range(size):
        total[j : j + n_windows] += errors[:, j]
        count[j : j + n_windows] += 1
    return total / count


def _mean_scores_by_point(errors):
    n_windows, size = errors.shape
    return [
        np.mean([errors[i, t - i] for i in range(max(0, t - size + 1), min(t, n_windows - 1) + 1)])
        for t in range(n_windows + size - 1)
    ]


def _sum_scores(errors):
    errors = np.asarray(errors, dtype=float)
    n_windows, size = errors.shape
    total = np.zeros(n_windows + size - 1)
    for j in range(size):
        total[j : j + n_windows] += errors[:, j]
    return total


def _sum_over_size(errors):
    return _sum_scores(errors) / np.asarray(errors).shape[1]


def _mirrored(errors):
    return _mean_scores(np.asarray(errors)[:, ::-1])


def _one_late(errors):
    return np.roll(_mean_scores(errors), 1)


_ERRORS = np.random.RandomState(0).uniform(size=(7, 4)).round(2)
_ERROR_CASES = ((_ERRORS,), (_ERRORS[:2],), (_ERRORS[:, :1],))


# 13.5, a detector for a series: the student's function is run on a short wave with five spikes, and once more
# with a test part that is a hundred times as large, which nothing that was learned before may notice.
_SIZE, _TRAIN, _VALIDATION, _POINTS, _BUDGET = 16, 600, 900, 1300, 0.02
_SPIKES = ((960, 962), (1040, 1042), (1100, 1103), (1170, 1172), (1250, 1252))
_KEYS = ("training starts", "validation starts", "scores", "threshold", "events found", "false alarms")


@functools.cache
def _wave() -> NDArray:
    rng = np.random.default_rng(0)
    values = 20 + 3 * np.sin(2 * np.pi * np.arange(_POINTS) / 25) + rng.normal(0, 0.3, _POINTS)
    for start, stop in _SPIKES:
        values[start:stop] += 9
    return values


@remember_last
def _watch_fault(watch: Any) -> str | None:
    """Return the first thing that is wrong with a detector: a sentence, or the name of a usual mistake."""
    if not callable(watch):
        return "Give the function my_watch itself, without calling it."
    louder = _wave().copy()
    louder[_VALIDATION:] *= 100
    reports = []
    for values in (_wave(), louder):
        try:
            reports.append(watch(values.copy(), _SIZE, _TRAIN, _VALIDATION, list(_SPIKES)))
        except (Exception, SystemExit) as error:
            words = str(error).strip().split("\n")[0][:200].rstrip(".")
            return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
        if fault := _form_fault(reports[-1]):
            return fault
    first, second = (_plain(report) for report in reports)
    return _starts_fault(first) or _past_fault(first, second) or _score_fault(first) or _count_fault(first)


def _form_fault(report: Any) -> str | None:
    """Return what is wrong with the form of a report: its keys, shapes and numbers."""
    if not isinstance(report, Mapping):
        return "Your function must return a dictionary; does it end with a return statement?"
    if missing := [key for key in _KEYS if key not in report]:
        return f"Your report lacks {missing[0]!r}; look at the list of keys."
    for key in _KEYS:
        try:
            values = np.asarray(report[key], dtype=float)
        except (TypeError, ValueError):
            return f"{key!r} must hold numbers."
        if key == "scores":
            if values.shape != (_POINTS,):
                return (
                    f"'scores' must hold one score for each of the {_POINTS} points; found the shape "
                    f"{values.shape}. Bring the errors of the windows back to points."
                )
            if not np.isfinite(values[_TRAIN + _SIZE : -_SIZE]).all():
                return "'scores' is not finite for points of the validation or test part."
        elif key in _KEYS[:2]:
            if values.ndim != 1 or not values.size:
                return f"{key!r} must hold the first points of windows; found the shape {values.shape}."
        elif values.size != 1 or not np.isfinite(values).all():
            return f"{key!r} must be one number; found {report[key]!r}."
    return None


def _plain(report: Mapping[str, Any]) -> dict[str, Any]:
    arrays = {key: np.asarray(report[key], dtype=float) for key in _KEYS}
    return {key: array if key in _KEYS[:3] else float(array.item()) for key, array in arrays.items()}


def _starts_fault(report: dict[str, Any]) -> str | None:
    """Return what is wrong with the windows that trained and those that chose the threshold."""
    for key, first, stop in ((_KEYS[0], 0, _TRAIN), (_KEYS[1], _TRAIN, _VALIDATION)):
        starts = report[key]
        if starts.min() < first or starts.max() + _SIZE > stop:
            worst = starts.max() if starts.max() + _SIZE > stop else starts.min()
            return (
                f"{key!r}: the window that starts at {worst:.0f} holds the points {worst:.0f} to "
                f"{worst + _SIZE - 1:.0f}, but this part has the points {first} to {stop - 1}."
            )
        if len(np.unique(starts)) < (stop - first) // (2 * _SIZE):
            return (
                f"{key!r} names only {len(np.unique(starts))} windows; use more of the {stop - first} points."
            )
    return None


def _past_fault(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Return whether the past depends on the future: the scaling, or the threshold."""
    past = slice(_TRAIN + _SIZE, _VALIDATION - _SIZE)
    before, after = np.median(first["scores"][past]), np.median(second["scores"][past])
    if before > 0 and not 0.1 < after / before < 10:
        return "scaled by the whole series"
    if first["threshold"] > 0 and not 0.1 < second["threshold"] / first["threshold"] < 10:
        return "threshold from the test"
    return None


def _score_fault(report: dict[str, Any]) -> str | None:
    """Return what is wrong with the place of the scores, or of the threshold among them."""
    scores, threshold = report["scores"], report["threshold"]
    offsets = []
    for start, _ in _SPIKES:
        around = scores[start - 2 * _SIZE : start + 2 * _SIZE]
        offsets.append(int(np.nanargmax(around)) - 2 * _SIZE)
    if np.median(offsets) < -2:
        return "early"
    if np.median(offsets) > _SIZE + 2:
        return "late"
    known = scores[_TRAIN:_VALIDATION]
    share = np.mean(known[np.isfinite(known)] > threshold)
    if share > _BUDGET + 0.01:
        return (
            f"{share:.1%} of your validation scores lie above your threshold; the budget is 2 %. Take the "
            "m-th largest of n validation scores, with m the whole part of 0.02 · (n + 1)."
        )
    tall = np.mean([np.nanmax(scores[start : stop + _SIZE]) > threshold for start, stop in _SPIKES])
    if tall < 0.6:
        return "The spikes are thirty times the noise, but most stay below your threshold. Is it too high?"
    return None


def _count_fault(report: dict[str, Any]) -> str | None:
    """Return what is wrong with the two counts, given the scores and the threshold."""
    flags = (report["scores"] > report["threshold"]).astype(int)
    flags[:_VALIDATION] = 0
    found = sum(flags[start:stop].any() for start, stop in _SPIKES)
    if report["events found"] != found:
        return (
            f"You count {report['events found']:g} events found; with your scores and threshold {found} of "
            f"{len(_SPIKES)} events hold a point above it."
        )
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags, [0]]))).reshape(-1, 2)
    touching = [any(a < stop and b > start for start, stop in _SPIKES) for a, b in edges]
    false = len(edges) - sum(touching)
    if report["false alarms"] == false:
        return None
    points = int(flags.sum() - sum(flags[start:stop].sum() for start, stop in _SPIKES))
    if report["false alarms"] == points:
        return "points for alarms"
    return (
        f"You count {report['false alarms']:g} false alarms; in the test part {false} runs of points above "
        "your threshold touch no event."
    )


def _watch_has(fault: str) -> Callable[[Any], bool]:
    return lambda watch: _watch_fault(watch) == fault


def _watch_complaint(watch: Any) -> str | None:
    fault = _watch_fault(watch)
    return fault if fault and fault.endswith((".", "?")) else None


def _watch(
    scaled_by: Callable[[NDArray, int], NDArray] = lambda values, stop: values[:stop],
    place: int = 0,
    threshold_on_test: bool = False,
    count_points: bool = False,
    overlap: int = 0,
) -> Callable[..., dict[str, Any]]:
    """Return a detector by principal components, with at most one mistake."""

    def watch(
        values: NDArray, size: int, train_stop: int, validation_stop: int, events: Any
    ) -> dict[str, Any]:
        known = scaled_by(values, train_stop)
        rows = np.lib.stride_tricks.sliding_window_view((values - known.mean()) / known.std(), size)
        train = np.arange(train_stop - size + 1 + overlap)
        centre = rows[train].mean(axis=0)
        main = np.linalg.svd(rows[train] - centre, full_matrices=False)[2][:4]
        errors = ((rows - centre) - (rows - centre) @ main.T @ main) ** 2
        scores = _mean_scores(errors)
        chosen = (
            scores[validation_stop:] if threshold_on_test else scores[train_stop : validation_stop - size]
        )
        threshold = np.sort(chosen)[-int(0.02 * (len(chosen) + 1))]
        scores = np.roll(scores, place)
        flags = (scores > threshold).astype(int)
        flags[:validation_stop] = 0
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flags, [0]]))).reshape(-1, 2)
        false = sum(not any(a < stop and b > start for start, stop in events) for a, b in edges)
        if count_points:
            false = flags.sum() - sum(flags[start:stop].sum() for start, stop in events)
        return {
            "training starts": train,
            "validation starts": np.arange(train_stop, validation_stop - size + 1),
            "scores": scores,
            "threshold": threshold,
            "events found": sum(flags[start:stop].any() for start, stop in events),
            "false alarms": false,
        }

    return watch


def _nearest_watch(
    values: NDArray, size: int, train_stop: int, validation_stop: int, events: Any
) -> dict[str, Any]:
    """Answer with the nearest training window, known at the last point of each window, every other window."""
    from scipy.spatial.distance import cdist

    rows = np.array([values[i : i + size] for i in range(len(values) - size + 1)])
    train = list(range(0, train_stop - size + 1, 2))
    scores = np.full(len(values), np.nan)
    scores[size - 1 :] = cdist(rows, rows[train]).min(axis=1)
    validation = list(range(train_stop, validation_stop - size + 1))
    known = [scores[start + size - 1] for start in validation]
    threshold = sorted(known)[-int(0.02 * (len(known) + 1))]
    above = [i for i in range(validation_stop, len(values)) if scores[i] > threshold]
    runs: list[list[int]] = []
    for i in above:
        if runs and i == runs[-1][1]:
            runs[-1][1] = i + 1
        else:
            runs.append([i, i + 1])
    return {
        "training starts": train,
        "validation starts": validation,
        "scores": list(scores),
        "threshold": float(threshold),
        "events found": sum(any(start <= i < stop for i in above) for start, stop in events),
        "false alarms": sum(all(b <= start or a >= stop for start, stop in events) for a, b in runs),
    }


register(
    Exercise(
        id="13.1",
        is_right=integer(242),
        why="Starts are 0, 4, …, 964: (1000 − 36)/4 + 1 of them.",
        wrong=(
            Wrong("stride one", integer(965), "That is a stride of 1. Only every fourth start counts."),
            Wrong("first forgotten", integer(241), "Count the window that starts at 0 as well."),
            Wrong("ends ignored", integer(250), "The last starts leave no room for 36 points."),
        ),
        hint="Where does the last window start? Then count the starts from 0 on.",
    ),
    Exercise(
        id="13.2",
        is_right=integer(5),
        why="The sixth window on starts 36 points later, so the five between are left out.",
        wrong=(
            Wrong(
                "stride one", integer(35), "35 is right for a stride of 1. How far apart are two starts here?"
            ),
            Wrong(
                "one too many",
                integer(6),
                "The window that starts exactly 36 points later shares no point; it need not be left out.",
            ),
            Wrong("points", integer(30), "That is in points; the question is about windows."),
        ),
        hint="Which is the first window whose start lies behind the last point of window 0?",
    ),
    Exercise(
        id="13.3",
        is_right=function(_mean_scores, _ERROR_CASES),
        why="The j-th error of window i belongs to point i + j, and points near the ends are in fewer "
        "windows.",
        also_right=(_mean_scores_by_point,),
        wrong=(
            Wrong(
                "sum",
                function(_sum_scores, _ERROR_CASES),
                "That is the sum. Divide by the number of windows that hold the point.",
            ),
            Wrong(
                "always size",
                function(_sum_over_size, _ERROR_CASES),
                "Points near the ends lie in fewer than size windows.",
            ),
            Wrong(
                "mirrored",
                function(_mirrored, _ERROR_CASES),
                "Column 0 is the first point of the window, not the last.",
            ),
            Wrong(
                "one late",
                function(_one_late, _ERROR_CASES),
                "Your scores are one point late. Window 0 starts at point 0.",
            ),
        ),
        hint="Add column j of the errors to the points j to j + n_windows − 1, and count how often you did.",
    ),
    Exercise(
        id="13.4",
        is_right=choice("b", "abc"),
        why="Each fit drops the highest scores, so the next threshold is lower: a ratchet.",
        wrong=(
            Wrong(
                "stays",
                choice("a", "abc"),
                "The highest 1 % of the normal scores are missing from the next fit.",
            ),
            Wrong(
                "rises",
                choice("c", "abc"),
                "That happens when the faults' scores are kept. Here the high scores are left out.",
            ),
        ),
    ),
    Exercise(
        id="13.5",
        is_right=Check(lambda watch: _watch_fault(watch) is None, _watch_complaint, _watch()),
        why="Nothing that the test holds reached the training or the threshold, and the scores lie at their "
        "points.",
        also_right=(_nearest_watch,),
        wrong=(
            Wrong(
                "scaled by the whole series",
                _watch_has("scaled by the whole series"),
                "When the test part is a hundred times as large, your validation scores change. Take the "
                "mean and the standard deviation of the points before train_stop only.",
                _watch(scaled_by=lambda values, stop: values),
            ),
            Wrong(
                "threshold from the test",
                _watch_has("threshold from the test"),
                "When the test part is a hundred times as large, your threshold changes. Choose it on the "
                "validation part; a window that reaches past validation_stop belongs to the test.",
                _watch(threshold_on_test=True),
            ),
            Wrong(
                "early",
                _watch_has("early"),
                "Your scores are high before the spikes begin. The j-th error of window i belongs to point "
                "i + j; a single score of a window belongs to its last point, not to its first.",
                _watch(place=-15),
            ),
            Wrong(
                "late",
                _watch_has("late"),
                "Your scores are high only after the last window that holds the spike. Does window 0 start "
                "at point 0?",
                _watch(place=22),
            ),
            Wrong(
                "points for alarms",
                _watch_has("points for alarms"),
                "You count points. An unbroken run of points above the threshold is one alarm.",
                _watch(count_points=True),
            ),
        ),
        hint="Cut the windows, keep those that lie wholly in the training part, and fit on them alone.",
    ),
)
