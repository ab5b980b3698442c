"""Exercises of lesson 13, time series."""

import numpy as np

from aecourse.exercises.checks import Exercise, Wrong, choice, function, integer, register


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


def _event_recall(events, flags):
    flags = np.asarray(flags)
    return np.mean([flags[start:stop].any() for start, stop in events])


def _event_recall_inclusive(events, flags):
    return np.mean([np.asarray(flags)[start : stop + 1].any() for start, stop in events])


def _point_recall(events, flags):
    return np.mean(np.concatenate([np.asarray(flags)[start:stop] for start, stop in events]))


def _event_all(events, flags):
    return np.mean([np.asarray(flags)[start:stop].all() for start, stop in events])


def _event_count(events, flags):
    return np.sum([np.asarray(flags)[start:stop].any() for start, stop in events])


_FLAGS = np.array([0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0])
_EVENT_CASES = (
    ([(1, 4), (4, 6), (7, 8), (10, 12)], _FLAGS),
    ([(2, 4), (3, 8), (8, 9)], _FLAGS),
    ([(4, 6)], _FLAGS),
)

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
        is_right=function(_event_recall, _EVENT_CASES),
        why="An event is found when any of its points is flagged, and each event counts once.",
        wrong=(
            Wrong(
                "stop included",
                function(_event_recall_inclusive, _EVENT_CASES),
                "stop is one past the last point of the event.",
            ),
            Wrong(
                "points",
                function(_point_recall, _EVENT_CASES),
                "That is the share of points. Each event counts once, however long.",
            ),
            Wrong("all points", function(_event_all, _EVENT_CASES), "One flagged point is enough."),
            Wrong(
                "count",
                function(_event_count, _EVENT_CASES),
                "That is a number of events; the question asks for a share.",
            ),
        ),
        hint="For each event look whether any flag between start and stop is 1; then take the mean.",
    ),
    Exercise(
        id="13.5",
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
)
