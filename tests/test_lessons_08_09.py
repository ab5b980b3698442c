"""Lessons 08, 09 and 16: stored figures, and construction exercises judged by what an answer does."""

import numpy as np
import pytest

from aecourse import evaluation, exercises, thresholds
from benchmarks import bench_imbalanced
from tools import make_imbalanced


def verdict(name, answer):
    return exercises.verdict(exercises.all_exercises()[name], answer)


# --- The stored figures of lesson 08 ---------------------------------------------------------------


def test_the_figures_of_lesson_08_are_complete():
    with np.load(make_imbalanced.STORED, allow_pickle=False) as stored:
        assert tuple(stored["names"]) == make_imbalanced.NAMES
        assert tuple(stored["measure_names"]) == make_imbalanced.MEASURES
        shape = len(make_imbalanced.SEEDS), len(make_imbalanced.NAMES), len(make_imbalanced.MEASURES)
        assert stored["by_start"].shape == shape
        assert np.isfinite(stored["by_start"]).all()
    assert make_imbalanced.STORED.stat().st_size < 50_000


def test_one_start_trained_again_gives_the_stored_figures():
    """In double precision other processors differ in late digits, which can swap a few pairs of rows."""
    assert bench_imbalanced.difference() < 0.01


def test_whitened_residuals_of_full_rank_are_mahalanobis_distances_and_of_less_rank_stay_positive():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 6)) * [1, 2, 3, 4, 5, 6]
    away = rows - rows.mean(axis=0)
    by_inverse = (away @ np.linalg.inv(np.cov(rows.T)) * away).sum(axis=1)
    assert np.allclose(make_imbalanced.whitened_size(rows, rows), by_inverse)
    first = np.linalg.svd(away, full_matrices=False)[2][:2]
    left_over = away - away @ first.T @ first  # rank 4 of 6
    sizes = make_imbalanced.whitened_size(left_over, left_over)
    assert sizes.min() >= 0
    assert np.isclose(sizes.mean(), 4, rtol=0.01)  # one for each direction that is left


# --- 08.5: the lab rebuilt -------------------------------------------------------------------------


def lab(validation_size=1500, seed=5, power=-0.5, choose=None, share=0.25, changed=()):
    """Return a lab with whitened rows; ``power`` 0 leaves every direction its own spread."""

    def my_lab(X, y):
        order = np.random.default_rng(seed).permutation(len(y))
        test, rest = np.split(order, [int(share * len(y))])
        rest = rest[y[rest] == 0]
        val, train = rest[:validation_size], rest[validation_size:]
        lengths, axes = np.linalg.eigh(np.cov(X[train].T))
        code = (X - X[train].mean(axis=0)) @ axes * lengths**power
        score = (code[:, : 28 if power == 0 else 32] ** 2).sum(axis=1).astype("float32")
        rule = thresholds.Conformal(rate=0.01, confidence=choose).fit(score[val])
        flagged, truth = score[test] > rule.threshold_, y[test]
        report = {
            "validation rows": val.tolist(),
            "test rows": test,
            "validation scores": score[val],
            "test scores": list(score[test]),
            "threshold": np.float64(rule.threshold_),
            "average precision": round(evaluation.average_precision(truth, score[test]), 3),
            "base rate": truth.mean(),
            "false-alarm rate": [flagged[truth == 0].mean()],
            "recall": flagged[truth == 1].mean(),
        }
        return report | dict(changed)

    return my_lab


@pytest.mark.parametrize("right", [lab(), lab(choose=0.95), lab(share=0.15, validation_size=900)])
def test_every_right_form_of_the_lab_passes(right):
    assert verdict("08.5", right).startswith("right.")


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lab(power=0), "directions of low variance"),
        (lab(validation_size=200), "at least 500 normal rows"),
        (lab(changed={"recall": 61.0}), "Your recall is 61.000"),
        (lambda X, y: None, "must return a dictionary"),
        (lab(changed={"test scores": np.zeros((3000, 32))}), "Take the mean over the columns"),
    ],
)
def test_a_wrong_lab_gets_its_hint(wrong, words):
    assert words in verdict("08.5", wrong)


# --- 09.1 and 09.5 ---------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [1 / 249, 0.00402, 0.004016])
def test_a_rounded_near_miss_gets_its_own_hint(answer):
    assert verdict("09.1", answer).startswith("not yet. Close.")


def plain_rule(scores, y, cost_miss, base_rate, budget):
    """Answer by trying every normal score at or above the floor as a cut."""
    normal, anomaly = np.sort(scores[y == 0]), np.sort(scores[y == 1])
    floor = thresholds.Conformal(rate=budget, confidence=0.95).fit(normal).threshold_
    cuts = np.append(normal[normal >= floor], anomaly[anomaly >= floor])
    costs = [
        base_rate * cost_miss * np.mean(anomaly <= cut) + (1 - base_rate) * np.mean(normal > cut)
        for cut in cuts
    ]
    return float(cuts[int(np.argmin(costs))])


def test_another_right_rule_for_a_cost_and_a_budget_passes():
    assert verdict("09.5", plain_rule).startswith("right.")


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda scores, y, *_: np.quantile(scores[y == 0], 0.95), "over it in too many single fits"),
        (lambda *_: 0.0, "far more normal rows than the budget allows"),
        (lambda *_: 1e9, "where a miss is expensive"),
        (lambda scores, *_: scores > 1, "Return one number"),
        (lambda *_: float("nan"), "not a number"),
    ],
)
def test_a_wrong_rule_gets_its_hint(wrong, words):
    assert words in verdict("09.5", wrong)


# --- 16.5: a monitor -------------------------------------------------------------------------------


def shewhart_and_sums(usual_days, counts):
    """Answer with sums over the last 4 and 12 days, each with a limit of its own."""
    usual = sum(usual_days) / len(usual_days)
    for day in range(len(counts)):
        for span, limit in ((4, 4.4), (12, 4.2)):
            recent = counts[max(0, day + 1 - span) : day + 1]
            if (sum(recent) - len(recent) * usual) / (len(recent) * usual) ** 0.5 > limit:
                return np.int64(day)
    return None


def test_another_right_monitor_passes():
    assert verdict("16.5", shewhart_and_sums).startswith("right.")


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda usual, counts: 0, "in 100% of the quiet years"),
        (lambda usual, counts: len(counts) - 1, "it used later days"),
        (lambda usual, counts: True, "Return the index of a day"),
        (
            lambda usual, counts: next(
                (day for day, x in enumerate(counts) if x > 1.5 * np.mean(usual)), None
            ),
            "of the quiet years",
        ),
        (lambda usual, counts: 1 / 0, "stops with ZeroDivisionError"),
    ],
)
def test_a_wrong_monitor_gets_its_hint(wrong, words):
    assert words in verdict("16.5", wrong)
