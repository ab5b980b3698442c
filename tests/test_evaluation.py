"""The measures against scikit-learn, the intervals against brute force and against the truth."""

import doctest
import itertools
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from sklearn import metrics

from aecourse import evaluation
from aecourse._support import ranks
from aecourse.evaluation import (
    Interval,
    auroc,
    average_precision,
    bootstrap_interval,
    by_group,
    compare,
    false_alarm_rate,
    precision_at_k,
    report,
    scorer,
)

few = settings(max_examples=40, deadline=None)


@st.composite
def labelled_scores(draw, max_size=30):
    """Labels with both classes, and scores with many ties."""
    n = draw(st.integers(2, max_size))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    assume(0 < y.sum() < n)
    levels = draw(st.sampled_from([2, 5, 1000]))
    score = np.array(draw(st.lists(st.integers(0, levels), min_size=n, max_size=n))) / 7 - 0.5
    return y, score


def gaussian(n_normals, n_anomalies, shift, seed):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n_normals, n_anomalies])
    return y, rng.normal(size=y.size) + shift * y


# Measures


@few
@given(labelled_scores(), st.data())
def test_resampled_measures_equal_sklearn_with_weights(case, data):
    """A resample is a vector of counts: sklearn's sample_weight, ties and left-out rows included."""
    y, score = case
    weight = np.array(data.draw(st.lists(st.integers(0, 4), min_size=y.size, max_size=y.size)))
    assume(weight[y == 1].sum() > 0 and weight[y == 0].sum() > 0)
    threshold = data.draw(st.sampled_from([*score.tolist(), 0.25, np.inf, -np.inf]))
    places = ranks.Places(y, score, threshold)
    drawn = [np.repeat(np.arange((y == label).sum()), weight[y == label])[None] for label in (1, 0)]
    counts = places.counts(*drawn)

    expected = metrics.roc_auc_score(y, score, sample_weight=weight)
    assert ranks.auroc(*counts)[0] == pytest.approx(expected, abs=1e-12)
    expected = metrics.average_precision_score(y, score, sample_weight=weight)
    assert ranks.average_precision(*counts)[0] == pytest.approx(expected, abs=1e-12)
    flagged = (score > threshold).astype(int)
    found = evaluation._at_threshold(*counts, places.n_flagged)
    for name, function in [("precision", metrics.precision_score), ("recall", metrics.recall_score)]:
        expected = function(y, flagged, sample_weight=weight, zero_division=np.nan)
        assert found[name][0] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    expected = metrics.f1_score(y, flagged, sample_weight=weight, zero_division=0)
    assert found["F1"][0] == pytest.approx(expected, abs=1e-12)
    expected = np.average(flagged[y == 0], weights=weight[y == 0])
    assert found["false-alarm rate"][0] == pytest.approx(expected, abs=1e-12)


@few
@given(labelled_scores())
def test_report_values_equal_the_public_measures(case):
    y, score = case
    threshold = float(np.median(score))
    flagged = score > threshold
    table = report(y, score, threshold, n_resamples=5)
    expected = {
        "AUROC": metrics.roc_auc_score(y, score),
        "average precision": metrics.average_precision_score(y, score),
        "precision": metrics.precision_score(y, flagged, zero_division=np.nan),
        "recall": metrics.recall_score(y, flagged),
        "F1": metrics.f1_score(y, flagged, zero_division=0),
        "false-alarm rate": flagged[y == 0].mean(),
        "precision@k": precision_at_k(y, score),
        "base rate": y.mean(),
    }
    assert list(table.index) == list(expected)
    assert table["value"].to_numpy() == pytest.approx(list(expected.values()), abs=1e-12, nan_ok=True)
    assert auroc(y, score) == expected["AUROC"]
    assert average_precision(y, score) == expected["average precision"]
    assert false_alarm_rate(y, score, threshold) == expected["false-alarm rate"]


@few
@given(labelled_scores(max_size=6), st.data())
def test_precision_at_k_is_the_mean_over_all_orders_of_tied_rows(case, data):
    y, score = case
    k = data.draw(st.integers(1, y.size))
    orders = [
        order
        for order in itertools.permutations(range(y.size))
        if all(score[a] >= score[b] for a, b in itertools.pairwise(order))
    ]
    expected = np.mean([y[list(order[:k])].mean() for order in orders])
    assert precision_at_k(y, score, k) == pytest.approx(expected)


def test_precision_at_the_number_of_anomalies_is_recall_there():
    y, score = gaussian(300, 40, 1.5, seed=0)
    threshold = np.sort(score)[-41]  # 40 rows are above it
    assert precision_at_k(y, score) == metrics.recall_score(y, score > threshold)


def test_a_score_equal_to_the_threshold_is_not_flagged():
    y, score = [0, 0, 0, 1, 1], [1.0, 2.0, 3.0, 2.0, 5.0]
    table = report(y, score, threshold=2.0, n_resamples=5)
    assert false_alarm_rate(y, score, 2.0) == pytest.approx(1 / 3)
    assert table.loc["false-alarm rate", "value"] == pytest.approx(1 / 3)
    assert table.loc["recall", "value"] == 0.5


def test_chance_level_of_average_precision_is_the_base_rate():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [1900, 100])
    found = [average_precision(y, rng.normal(size=y.size)) for _ in range(200)]
    error = np.std(found) / np.sqrt(200)
    # In expectation a little above the base rate of 0.05, by less than 0.005 at this size.
    assert 0.05 - 4 * error < np.mean(found) < 0.055 + 4 * error
    assert report(y, rng.normal(size=y.size), n_resamples=5).loc["base rate", "value"] == 0.05


# Intervals


@pytest.mark.parametrize("seed", [0, 1])
def test_report_intervals_equal_brute_force_on_the_same_resamples(seed):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [60, 15]))
    score = (rng.normal(size=75) + y).round(1)  # rounded: ties
    table = report(y, score, 0.8, k=10, confidence=0.9, n_resamples=80, random_state=seed)
    brute = {
        "AUROC": metrics.roc_auc_score,
        "average precision": metrics.average_precision_score,
        "precision": lambda y, s: metrics.precision_score(y, s > 0.8),
        "F1": lambda y, s: metrics.f1_score(y, s > 0.8),
        "precision@k": lambda y, s: precision_at_k(y, s, 10),
    }
    for name, measure in brute.items():
        interval = bootstrap_interval(measure, y, score, confidence=0.9, n_resamples=80, random_state=seed)
        assert table.loc[name].to_numpy() == pytest.approx(list(interval), abs=1e-12), name


def test_the_interval_is_the_bca_interval_of_scipy_where_the_two_agree():
    """For the mean of many values, the acceleration by jackknife and by skewness are the same."""
    from scipy.stats import bootstrap

    rng = np.random.default_rng(0)
    values = rng.exponential(size=400)
    scipys = bootstrap((values,), np.mean, n_resamples=10_000, method="BCa").confidence_interval
    resampled = values[rng.integers(400, size=(10_000, 400))].mean(axis=1)
    ours = evaluation._interval(values.mean(), resampled, 0.95, 400)
    width = scipys.high - scipys.low
    # Both ends are 2.5 % quantiles of 10,000 values: one standard error is 0.011 of the width.
    assert ours.low == pytest.approx(scipys.low, abs=0.06 * width)
    assert ours.high == pytest.approx(scipys.high, abs=0.06 * width)


def _covers(n_normals, n_anomalies, shift, repeats, n_resamples, confidence):
    """How many of many reports hold the true values of two normal distributions, by measure."""
    threshold = 1.0
    truth = {
        "AUROC": norm.cdf(shift / np.sqrt(2)),
        "recall": norm.sf(threshold - shift),
        "false-alarm rate": norm.sf(threshold),
    }
    x = np.linspace(-8, 12, 20_001)
    true, false = n_anomalies * norm.sf(x - shift), n_normals * norm.sf(x)
    truth["average precision"] = np.trapezoid(norm.pdf(x - shift) * true / (true + false), x)
    hits = dict.fromkeys(truth, 0)
    for seed in range(repeats):
        y, score = gaussian(n_normals, n_anomalies, shift, seed)
        table = report(y, score, threshold, confidence=confidence, n_resamples=n_resamples, random_state=seed)
        for name, value in truth.items():
            hits[name] += table.loc[name, "low"] <= value <= table.loc[name, "high"]
    return hits


@pytest.mark.parametrize(("shift", "confidence"), [(1.5, 0.95), (2.5, 0.8)])
def test_intervals_cover_the_truth_at_the_nominal_rate(shift, confidence):
    repeats = 150
    hits = _covers(150, 80, shift, repeats, n_resamples=200, confidence=confidence)
    # What a rate of exactly ``confidence`` stays within in all but 1 of 1,000 runs; and two
    # points below are allowed, since bootstrap intervals hold their rate only as n grows.
    low = binom.ppf(0.0005, repeats, confidence - 0.02)
    high = binom.ppf(0.9995, repeats, confidence)
    for name, count in hits.items():
        assert low <= count <= high, (name, count, low, high)


def test_what_is_drawn_does_not_depend_on_how_much_is_drawn_at_a_time(monkeypatch):
    y, score = gaussian(90, 10, 1, seed=3)
    expected = report(y, score, 0.5, n_resamples=50)
    monkeypatch.setattr(evaluation, "_DRAWS_AT_A_TIME", 700)
    pd.testing.assert_frame_equal(report(y, score, 0.5, n_resamples=50), expected)


def test_the_same_random_state_gives_the_same_table_and_another_does_not():
    y, score = gaussian(90, 10, 1, seed=3)
    pd.testing.assert_frame_equal(report(y, score, random_state=7), report(y, score, random_state=7))
    assert not report(y, score, random_state=7).equals(report(y, score, random_state=8))


@few
@given(labelled_scores(), st.integers(1, 40))
def test_every_interval_holds_its_value_and_stays_between_0_and_1(case, n_resamples):
    y, score = case
    table = report(y, score, float(score[0]), n_resamples=n_resamples).dropna()
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert (table["low"] >= 0).all() and (table["high"] <= 1).all()
    assert {"AUROC", "average precision", "recall", "F1", "false-alarm rate"} <= set(table.index)


def test_more_rows_give_narrower_intervals_and_higher_confidence_wider_ones():
    def width(n, confidence):
        y, score = gaussian(9 * n, n, 1, seed=0)
        table = report(y, score, n_resamples=300, confidence=confidence)
        return table.loc["AUROC", "high"] - table.loc["AUROC", "low"]

    assert width(400, 0.95) < 0.7 * width(100, 0.95)
    assert width(100, 0.8) < 0.8 * width(100, 0.95)


def test_edge_cases_of_the_interval():
    assert evaluation._interval(1.0, np.ones(50), 0.95, 30) == Interval(1.0, 1.0, 1.0)
    assert evaluation._interval(0.7, np.full(50, 0.7), 0.95, 30, trials=30) == Interval(0.7, 0.7, 0.7)
    undefined = evaluation._interval(np.nan, np.ones(50), 0.95, 30)
    assert np.isnan(undefined).all()
    nothing = evaluation._interval(0.5, np.full(50, np.nan), 0.95, 30)
    assert nothing.value == 0.5 and np.isnan([nothing.low, nothing.high]).all()
    # One anomaly: the spread is unknown, so the interval takes in all resampled values.
    resampled = np.random.default_rng(0).normal(size=200)
    assert evaluation._interval(0.0, resampled, 0.95, 1) == Interval(0.0, resampled.min(), resampled.max())
    # So skewed that the far end is past every quantile.
    resampled = np.append(np.zeros(999), 1000.0)
    assert evaluation._interval(0.0, resampled, 0.999, 3).high == 1000.0


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_a_measure_at_its_bound_has_the_exact_binomial_interval(confidence):
    y = np.repeat([0, 1], [40, 12])
    table = report(y, y + 0.0, 0.5, k=6, confidence=confidence, n_resamples=20)
    trials = {"AUROC": 12, "average precision": 12, "precision": 12, "recall": 12, "F1": 12, "precision@k": 6}
    for name, n in trials.items():
        exact = binomtest(n, n).proportion_ci(confidence, method="exact")
        assert table.loc[name].tolist() == pytest.approx([1, exact.low, 1]), name
    exact = binomtest(0, 40).proportion_ci(confidence, method="exact")
    assert table.loc["false-alarm rate"].tolist() == pytest.approx([0, 0, exact.high])
    table = compare(y, {"perfect": y, "inverted": -y}, confidence=confidence, n_resamples=20)
    exact = binomtest(12, 12).proportion_ci(confidence, method="exact")
    assert table.loc["perfect", "AUROC low"] == pytest.approx(exact.low)
    assert table.loc["inverted", "AUROC high"] == pytest.approx(1 - exact.low)


def test_bootstrap_interval_leaves_out_undefined_resamples():
    y, score = gaussian(30, 5, 1, seed=0)
    calls = []

    def every_other(y, score):
        calls.append(score)
        return score[y == 1].mean() if len(calls) % 2 else np.nan

    interval = bootstrap_interval(every_other, y, score, n_resamples=200)
    assert len(calls) == 201 and interval.value == score[y == 1].mean()
    assert interval.low < interval.value < interval.high


# Report


def test_report_keeps_its_settings_and_leaves_out_what_needs_a_threshold():
    y, score = gaussian(95, 5, 2, seed=0)
    table = report(y, score, n_resamples=20)
    assert list(table.index) == ["AUROC", "average precision", "precision@k", "base rate"]
    assert list(table.columns) == ["value", "low", "high"]
    assert table.attrs == {"threshold": None, "k": 5, "confidence": 0.95, "n_anomalies": 5, "n_normals": 95}
    assert table.loc["base rate"].tolist() == [0.05] * 3


def test_nothing_flagged_leaves_precision_undefined():
    y, score = gaussian(95, 5, 2, seed=0)
    table = report(y, score, np.inf, n_resamples=20)
    assert np.isnan(table.loc["precision"]).all()
    assert (table.loc[["recall", "F1", "false-alarm rate"], "value"] == 0).all()


def test_tables_show_three_decimals_in_text_and_in_html():
    y, score = gaussian(95, 5, 2, seed=0)
    table = report(y, score, 1.0, n_resamples=20)
    exact = table.loc["AUROC", "value"]
    assert exact != round(exact, 3)  # the numbers themselves are not rounded
    for text in (str(table), repr(table), table._repr_html_()):
        assert f"{exact:.3f}" in text and f"{exact:.4f}" not in text
    assert f"{exact:.3f}" in str(table[["value"]])
    assert "-0.000" not in str(evaluation.Table({"value": [-1e-9]}))
    wide = compare(y, {"a": score, "b": -score}, n_resamples=20)
    assert len(str(wide).splitlines()) == 3  # never wrapped
    assert f"{exact:.3f}" in str(wide)


def test_a_thousand_resamples_of_20_000_rows_take_seconds():
    for n_anomalies in (200, 10_000):
        y, score = gaussian(20_000 - n_anomalies, n_anomalies, 2, seed=0)
        start = time.process_time()
        report(y, score, 1.6)
        assert time.process_time() - start < 4  # 0.13 s and 1.0 s on a quiet core


# Compare


def test_compare_sorts_ranks_and_subtracts():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [400, 80])
    noise = rng.normal(size=480)
    scores = {"worst": noise, "best": noise + 2 * y, "same": np.exp(noise + 2 * y), "middle": noise + y}
    table = compare(y, scores, n_resamples=200)
    assert table.index.tolist() == ["best", "same", "middle", "worst"]
    assert table["rank"].tolist() == [1, 1, 3, 4]  # a monotone function of a score changes nothing
    assert table.attrs == {"reference": "best", "by": "AUROC", "confidence": 0.95, "base_rate": 80 / 480}
    for name, score in scores.items():
        assert table.loc[name, "AUROC"] == pytest.approx(metrics.roc_auc_score(y, score))
        assert table.loc[name, "AP"] == pytest.approx(metrics.average_precision_score(y, score))
        alone = report(y, score, n_resamples=200)
        row = table.loc[name]
        assert row[["AUROC", "AUROC low", "AUROC high"]].tolist() == alone.loc["AUROC"].tolist()
        assert row[["AP", "AP low", "AP high"]].tolist() == alone.loc["average precision"].tolist()
    expected = table["AUROC"] - table.loc["best", "AUROC"]
    assert table["difference"].tolist() == pytest.approx(expected.tolist())
    assert (table.loc["same", ["difference", "difference low", "difference high"]] == 0).all()
    assert (table.loc[["middle", "worst"], "difference high"] < 0).all()


def test_compare_with_a_named_reference_by_average_precision():
    y, score = gaussian(200, 40, 1, seed=1)
    rng = np.random.default_rng(1)
    scores = {"a": score, "b": score + rng.normal(size=240), "c": rng.normal(size=240)}
    table = compare(y, scores, reference="b", by="AP", n_resamples=200)
    assert table.attrs["reference"] == "b"
    assert table["AP"].is_monotonic_decreasing
    assert table.loc["b", ["difference", "difference low", "difference high"]].tolist() == [0, 0, 0]
    assert table.loc["a", "difference low"] > 0 > table.loc["c", "difference"]


def test_the_difference_is_paired():
    """Two detectors that err on the same rows are told apart where their intervals overlap."""
    y, score = gaussian(300, 60, 1, seed=2)
    other = score + 0.3 * np.random.default_rng(2).normal(size=360) - 0.1 * y
    table = compare(y, {"one": score, "other": other}, n_resamples=500)
    one, other = table.loc["one"], table.loc["other"]
    assert other["AUROC high"] > one["AUROC low"]
    assert other["difference high"] < 0
    unpaired = np.hypot(one["AUROC high"] - one["AUROC low"], other["AUROC high"] - other["AUROC low"])
    assert other["difference high"] - other["difference low"] < unpaired / 2


def test_the_paired_interval_covers_the_true_difference():
    repeats, hits = 100, 0
    truth = norm.cdf(1 / np.sqrt(2)) - norm.cdf(1.5 / np.sqrt(2))
    for seed in range(repeats):
        y, score = gaussian(120, 60, 1.5, seed)
        scores = {"a": score, "b": score - 0.5 * y}
        table = compare(y, scores, reference="a", n_resamples=200, random_state=seed)
        hits += table.loc["b", "difference low"] <= truth <= table.loc["b", "difference high"]
    assert binom.ppf(0.0005, repeats, 0.93) <= hits <= binom.ppf(0.9995, repeats, 0.95)


# Groups


def test_by_group_sets_each_kind_of_anomaly_against_all_normal_rows():
    rng = np.random.default_rng(0)
    digit = rng.integers(0, 4, size=400)
    y = (digit > 1).astype(int)  # two kinds of normal rows, two of anomalies
    score = rng.normal(size=400) + digit
    table = by_group(y, score, digit, threshold=2.0, n_resamples=100)
    assert table.index.tolist() == [2, 3]
    for group in (2, 3):
        chosen = (y == 0) | (digit == group)
        row = table.loc[group]
        assert row["anomalies"] == (digit == group).sum()
        assert row["AUROC"] == pytest.approx(metrics.roc_auc_score(y[chosen], score[chosen]))
        assert row["AUROC low"] < row["AUROC"] < row["AUROC high"]
        assert row["flagged"] == pytest.approx((score[digit == group] > 2).mean())
    assert "flagged" not in by_group(y, score, digit.astype(str), n_resamples=5).columns


# Bad input

GOOD_Y, GOOD_SCORE = [0, 1, 0], [0.1, 0.9, 0.3]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: report([0, 0, 0], GOOD_SCORE), "y has no anomalies"),
        (lambda: report([1, 1, 1], GOOD_SCORE), "y has no normal rows"),
        (lambda: report([0, 1], GOOD_SCORE), "y has 2 labels for 3 rows"),
        (lambda: report([1, -1, 1], GOOD_SCORE), "y must hold 0"),
        (lambda: report([], []), "score must hold at least 1"),
        (lambda: report(GOOD_Y, [0.1, np.nan, 1]), "score holds 1 NaN"),
        (lambda: report(GOOD_Y, [0.1, np.inf, 1]), "1 infinite"),
        (lambda: report(GOOD_Y, [[0.1, 1, 1]]), "score must be one-dimensional"),
        (lambda: report(GOOD_Y, ["a", "b", "c"]), "score must hold numbers"),
        (lambda: report(GOOD_Y, GOOD_SCORE, "high"), "threshold must be a number"),
        (lambda: report(GOOD_Y, GOOD_SCORE, np.nan), "threshold must be a number; found nan"),
        (lambda: report(GOOD_Y, GOOD_SCORE, k=4), "k must be a whole number from 1"),
        (lambda: report(GOOD_Y, GOOD_SCORE, k=1.5), "k must be a whole number from 1"),
        (lambda: report(GOOD_Y, GOOD_SCORE, confidence=95), "confidence must be"),
        (lambda: report(GOOD_Y, GOOD_SCORE, n_resamples=0), "n_resamples must be"),
        (lambda: auroc([0, 0], [1, 2]), "no anomalies"),
        (lambda: average_precision([0, 1], [1, np.nan]), "score holds 1 NaN"),
        (lambda: false_alarm_rate([1, 1], [1, 2], 0.5), "no normal rows"),
        (lambda: precision_at_k(GOOD_Y, GOOD_SCORE, 0), "k must be"),
        (lambda: compare(GOOD_Y, {}), "scores must be a dict"),
        (lambda: compare(GOOD_Y, GOOD_SCORE), "scores must be a dict.*found list"),
        (lambda: compare(GOOD_Y, {"a": [1, 2, np.nan]}), r"scores\['a'\] holds 1 NaN"),
        (lambda: compare(GOOD_Y, {"a": GOOD_SCORE}, reference="b"), "reference must be one of"),
        (lambda: compare(GOOD_Y, {"a": GOOD_SCORE}, by="F1"), "by must be 'AUROC' or 'AP'"),
        (lambda: bootstrap_interval("auroc", GOOD_Y, GOOD_SCORE), "measure must be a function"),
        (lambda: by_group(GOOD_Y, GOOD_SCORE, [1, 2]), "groups must hold one label"),
        (lambda: by_group(GOOD_Y, GOOD_SCORE, [1, 2, 3], np.nan), "threshold must be a number; found nan"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@few
@given(st.lists(st.one_of(st.floats(), st.none(), st.text(max_size=2)), max_size=6), st.data())
def test_any_list_gives_a_table_or_a_value_error(score, data):
    y = data.draw(st.lists(st.sampled_from([0, 1, 2, True, 0.5]), max_size=6))
    try:
        table = report(y, score, n_resamples=3)
    except ValueError as error:
        assert str(error).split()[0] in ("y", "score")
    else:
        assert np.isfinite(table["value"]).all()


def test_the_examples_in_the_docstrings_run():
    outcome = doctest.testmod(evaluation)
    assert outcome.attempted > 20 and outcome.failed == 0


# Input with labels, and scorers


def test_rows_are_matched_by_their_labels_or_refused():
    rows = [f"row {number}" for number in range(6)]
    y = pd.Series([0, 0, 0, 1, 1, 1], index=rows)
    score = pd.Series([1.0, 2, 3, 4, 5, 6], index=rows)
    shuffled = score.sample(frac=1, random_state=1)
    assert auroc(y, shuffled) == auroc(y, score) == 1
    assert auroc(y, shuffled.to_numpy()) < 1  # without labels their order counts
    groups = pd.Series(list("nnnaab"), index=rows)
    pd.testing.assert_frame_equal(by_group(y, score, groups), by_group(y, shuffled, groups[::-1]))
    compared = compare(y, {"one": score, "other": shuffled}, n_resamples=20)
    assert (compared["AUROC"] == 1).all()
    for other in (
        score.rename(lambda name: name + "!"),
        score.reset_index(drop=True),
        score[:5],
        score.iloc[[0] * 6],
    ):
        with pytest.raises(ValueError, match="score and y have different row labels.*to_numpy"):
            auroc(y, other)


@pytest.mark.parametrize("values", [[0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0]])
def test_masked_entries_are_refused(values):
    """Each public entry goes through the same checks: a mask must not be dropped."""
    masked = np.ma.masked_array(values, mask=[0, 0, 0, 1])
    with pytest.raises(ValueError, match="has 1 masked entries"):
        auroc(masked, [0.0, 1, 2, 3]) if values[-1] == 1 else auroc([0, 0, 1, 1], masked)
    assert auroc([0, 0, 1, 1], np.ma.masked_array([0.0, 1, 2, 3])) == 1


@pytest.mark.parametrize("method", ["anomaly_score", "score_samples", "decision_function"])
@pytest.mark.parametrize("measure", ["AUROC", "average precision", "precision@k", auroc])
def test_a_scorer_counts_anomalies_as_the_class_to_find(method, measure):
    y, score = gaussian(50, 10, 2, 0)

    class Detector:
        pass

    detector = Detector()
    sign = 1 if method == "anomaly_score" else -1
    setattr(detector, method, lambda X: sign * X[:, 0])
    function = {"average precision": average_precision, "precision@k": precision_at_k}.get(measure, auroc)
    assert scorer(measure)(detector, score[:, np.newaxis], y) == function(y, score)


def test_wrong_scorers_are_refused():
    with pytest.raises(ValueError, match="measure must be one of"):
        scorer("roc_auc")
    with pytest.raises(ValueError, match="gives no scores"):
        scorer()(object(), [[1.0]], [1])
