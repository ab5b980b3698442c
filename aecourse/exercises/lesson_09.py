"""Exercises of lesson 09, threshold evaluation."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from aecourse.exercises.checks import Check, Exercise, Wrong, function, number, register
from aecourse.exercises.memory import remember_last


def _cost(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return base_rate * (1 - recall) * cost_miss + (1 - base_rate) * false_alarm_rate * cost_false_alarm


# recall, false-alarm rate, base rate, cost of a miss, cost of a false alarm
_COST_CASES = ((0.9, 0.01, 0.01, 100, 1), (0.5, 0.2, 0.3, 10, 2), (1.0, 0.05, 0.001, 500, 3))


def _cost_of_hits(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return base_rate * recall * cost_miss + (1 - base_rate) * false_alarm_rate * cost_false_alarm


def _cost_without_base_rate(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return (1 - recall) * cost_miss + false_alarm_rate * cost_false_alarm


def _cost_all_rows_false(recall, false_alarm_rate, base_rate, cost_miss, cost_false_alarm):
    return base_rate * (1 - recall) * cost_miss + false_alarm_rate * cost_false_alarm


def _precision(y, flagged, base_rate):
    y, flagged = np.asarray(y), np.asarray(flagged)
    hits = base_rate * np.mean(flagged[y == 1])
    return hits / (hits + (1 - base_rate) * np.mean(flagged[y == 0]))


_LABELS = np.repeat([0, 1], [8, 4])
_FLAGS = np.array([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0])
_FLAG_CASES = ((_LABELS, _FLAGS, 0.01), (_LABELS, _FLAGS, 0.5), (_LABELS[::-1], _FLAGS, 0.1))


def _precision_at_hand(y, flagged, base_rate):
    return np.mean(np.asarray(y)[np.asarray(flagged) == 1])


def _precision_of_counts(y, flagged, base_rate):
    hits = base_rate * np.sum(flagged[y == 1])
    return hits / (hits + (1 - base_rate) * np.sum(flagged[y == 0]))


# 09.5, a rule for a cost and a budget. The student's rule learns from drawn scores whose law is known, so
# its true false-alarm rate and its true cost are computed, not estimated.
_NORMAL, _ANOMALY = stats.lognorm(0.5), stats.lognorm(0.5, scale=np.exp(1.2))
_BASE_RATE, _BUDGET, _DRAWS = 0.01, 0.05, 200
_COSTS = {"a miss is expensive": 300.0, "a miss is cheap": 1.0}
_OVER, _TOO_DEAR = 0.09, 1.15  # share of fits over the budget; cost over that of the reference


@functools.cache
def _draws() -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Return scores of 1,000 normal rows and 100 anomalies, in random order, with their labels."""
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(_DRAWS):
        y = rng.permutation(np.repeat([0, 1], [1000, 100]))
        normal, anomaly = (law.rvs(1100, random_state=rng) for law in (_NORMAL, _ANOMALY))
        drawn.append((np.where(y == 1, anomaly, normal), y))
    return drawn


def _true_cost(threshold: NDArray, cost_miss: float) -> NDArray[np.float64]:
    misses, false_alarms = _ANOMALY.cdf(threshold), _NORMAL.sf(threshold)
    return _BASE_RATE * misses * cost_miss + (1 - _BASE_RATE) * false_alarms


@functools.cache
def _reference_cost(cost_miss: float) -> float:
    limits = [_floor_and_cost(*draw, cost_miss, _BASE_RATE, _BUDGET) for draw in _draws()]
    return float(_true_cost(np.array(limits), cost_miss).mean())


def _fit_all(rule: Callable[..., Any], cost_miss: float) -> NDArray[np.float64] | str:
    """Return the threshold of each draw, or what is wrong with what the rule returns."""
    limits = []
    for scores, y in _draws():
        try:
            limit = rule(scores.copy(), y.copy(), cost_miss, _BASE_RATE, _BUDGET)
        except (Exception, SystemExit) as error:
            words = str(error).strip().split("\n")[0][:200].rstrip(".")
            return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
        if limit is None:
            return "Your function returns None; does it end with a return statement?"
        try:
            limits.append(float(np.asarray(limit, dtype=float).item()))
        except (TypeError, ValueError):
            return "Return one number, the threshold."
        if np.isnan(limits[-1]):
            return "Your threshold is not a number (NaN); look for a division by zero or an empty selection."
    return np.array(limits)


@remember_last
def _rule_fault(rule: Any) -> str | None:
    """Return the first thing that is wrong with a rule: a sentence, or the name of a usual mistake."""
    if not callable(rule):
        return "Give the function my_rule itself, without calling it."
    ratios = {}
    for name, cost_miss in _COSTS.items():
        limits = _fit_all(rule, cost_miss)
        if isinstance(limits, str):
            return limits
        rates = _NORMAL.sf(limits)
        if np.mean(rates > _BUDGET) > _OVER:
            return "mean alone" if rates.mean() <= 1.05 * _BUDGET else "cost alone"
        ratios[name] = _true_cost(limits, cost_miss).mean() / _reference_cost(cost_miss)
    dear = [name for name, ratio in ratios.items() if ratio > _TOO_DEAR]
    if not dear:
        return None
    if dear == ["a miss is cheap"]:
        floor = np.mean([_conformal_floor(*draw, _BUDGET) for draw in _draws()])
        return "budget alone" if limits.mean() < 1.005 * floor else "base rate of the rows"
    return (
        f"The budget is kept, but where {dear[0]} ({_COSTS[dear[0]]:g} times a false alarm) your threshold "
        f"costs {ratios[dear[0]]:.1f} times what is possible. Does it lie higher than it must?"
    )


def _rule_has(fault: str) -> Callable[[Any], bool]:
    return lambda rule: _rule_fault(rule) == fault


def _rule_complaint(rule: Any) -> str | None:
    fault = _rule_fault(rule)
    return fault if fault and fault.endswith((".", "?")) else None


def _conformal_floor(scores, y, budget, confident=True):
    """Return the lowest threshold that the budget allows; ``confident`` in 95 % of all fits."""
    normal = np.sort(scores[y == 0])
    places = np.arange(1, int(budget * (len(normal) + 1)) + 1)
    if confident:
        places = places[stats.beta.cdf(budget, places, len(normal) + 1 - places) >= 0.95]
    return normal[-places[-1]]


def _cheapest(scores, y, cost_miss, base_rate):
    cuts = np.sort(scores)
    misses = np.searchsorted(np.sort(scores[y == 1]), cuts, side="right") / np.sum(y == 1)
    false_alarms = 1 - np.searchsorted(np.sort(scores[y == 0]), cuts, side="right") / np.sum(y == 0)
    return cuts[np.argmin(base_rate * misses * cost_miss + (1 - base_rate) * false_alarms)]


def _floor_and_cost(scores, y, cost_miss, base_rate, budget):
    return max(_conformal_floor(scores, y, budget), _cheapest(scores, y, cost_miss, base_rate))


def _with_the_package(scores, y, cost_miss, base_rate, budget):
    """Answer with the package: the cheapest of the cuts that the budget leaves."""
    from aecourse import thresholds

    floor = thresholds.Conformal(rate=budget, confidence=0.95).fit(scores[y == 0]).threshold_
    clipped = np.maximum(scores, floor)
    return thresholds.ExpectedCost(cost_miss, 1, base_rate=base_rate).fit(clipped, y).threshold_


def _cost_alone(scores, y, cost_miss, base_rate, budget):
    return _cheapest(scores, y, cost_miss, base_rate)


register(
    Exercise(
        id="09.1",
        is_right=number(1 / 250, 1e-6),
        why="A new row exceeds the largest of 249 scores with probability 1/250 = 0.4 %.",
        also_right=(0.004,),
        wrong=(
            Wrong(
                "one over n",
                number(1 / 249, 7e-6),  # also rounded, to 0.00402
                "Close. How many gaps do 249 sorted scores leave for a new one?",
            ),
            Wrong("percent", number(0.4, 0.003), "Give a share: 1 % is 0.01."),
            Wrong(
                "the budget of the lesson",
                number(0.01, 1e-9),
                "1 % needs 99 rows only. With 249 you can promise less.",
            ),
        ),
        hint="The threshold can be no higher than the largest score. How likely is a new row to exceed that?",
    ),
    Exercise(
        id="09.2",
        is_right=function(_cost, _COST_CASES),
        why="Each kind of error counts with the share of rows that it happens to, times its cost.",
        wrong=(
            Wrong(
                "hits for misses",
                function(_cost_of_hits, _COST_CASES),
                "The recall is the share of anomalies that are found. Which share costs?",
            ),
            Wrong(
                "no base rate",
                function(_cost_without_base_rate, _COST_CASES),
                "Weight both errors by the share of their class: base rate, and one minus base rate.",
            ),
            Wrong(
                "normals not weighted",
                function(_cost_all_rows_false, _COST_CASES),
                "The false-alarm rate is a share of the normal rows; how many of all rows are normal?",
            ),
        ),
        hint="Add up: share of rows that are missed anomalies, times a cost, and the same for false alarms.",
    ),
    Exercise(
        id="09.3",
        is_right=number(499 * 3 / 90, 0.166),
        why="499 normal rows for each anomaly, times 3/90: the curve rises 16.6 times as fast as it runs.",
        wrong=(
            Wrong(
                "costs turned",
                number(499 * 90 / 3, 100),
                "Invert the ratio of the costs: if a miss is expensive, even a flat curve pays.",
            ),
            Wrong(
                "base rates turned",
                number(3 / 90 / 499, 1e-6),
                "Invert the ratio of the base rates: false alarms happen among the many normal rows.",
            ),
            Wrong("costs only", number(3 / 90, 1e-3), "The costs alone; where is the base rate?"),
            Wrong(
                "upside down",
                number(90 / 3 / 499, 1e-3),
                "That is one over the slope: recall is on the vertical axis.",
            ),
        ),
        hint="Slope = (1 − b)/b · (cost of a false alarm)/(cost of a miss).",
    ),
    Exercise(
        id="09.4",
        is_right=function(_precision, _FLAG_CASES),
        why="Recall and false-alarm rate hold at any base rate; the base rate then weighs the two classes.",
        wrong=(
            Wrong(
                "as in the rows",
                function(_precision_at_hand, _FLAG_CASES),
                "That is the precision in these rows. Where is the other base rate?",
            ),
            Wrong(
                "counts",
                function(_precision_of_counts, _FLAG_CASES),
                "Counts hold the base rate of these rows already. Take shares of each class.",
            ),
        ),
        hint="Compute the recall and the false-alarm rate from the arrays, then use the formula of section "
        "6.",
    ),
    Exercise(
        id="09.5",
        is_right=Check(lambda rule: _rule_fault(rule) is None, _rule_complaint),
        why="Your threshold keeps the budget on rows that it has not seen, and costs little more than need "
        "be.",
        right_example=_floor_and_cost,
        also_right=(_with_the_package,),
        wrong=(
            Wrong(
                "cost alone",
                _rule_has("cost alone"),
                "Where a miss is expensive, your threshold flags far more normal rows than the budget "
                "allows. How low may it go?",
                _cost_alone,
            ),
            Wrong(
                "mean alone",
                _rule_has("mean alone"),
                "Your threshold keeps the budget on average, and is over it in too many single fits. Ask for "
                "a confidence: fewer normal scores may lie above it.",
                lambda scores, y, cost_miss, base_rate, budget: max(
                    _conformal_floor(scores, y, budget, confident=False),
                    _cheapest(scores, y, cost_miss, base_rate),
                ),
            ),
            Wrong(
                "budget alone",
                _rule_has("budget alone"),
                "The budget is kept, but where a miss is cheap your threshold uses it up although a higher "
                "one would cost less. The budget is a limit, not a target.",
                lambda scores, y, cost_miss, base_rate, budget: _conformal_floor(scores, y, budget),
            ),
            Wrong(
                "base rate of the rows",
                _rule_has("base rate of the rows"),
                "One row in eleven of those you learn from is an anomaly; in use it is one in a hundred. "
                "Weigh the two classes by base_rate.",
                lambda scores, y, cost_miss, base_rate, budget: max(
                    _conformal_floor(scores, y, budget), _cheapest(scores, y, cost_miss, 1 / 11)
                ),
            ),
        ),
        hint="Find the lowest threshold that the budget allows, and the cheapest cut at or above it.",
    ),
)
