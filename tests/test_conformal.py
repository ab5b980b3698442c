"""Conformal p-values and false-discovery control, each promise over 1,000 draws.

``pytest -s`` prints the rates that were reached.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from aecourse import conformal

DRAWS, N, M = 1000, 199, 100


def rate(values, what=""):
    """Return a mean over draws and three of its standard errors."""
    mean, error = np.mean(values), 3 * np.std(values) / np.sqrt(len(values))
    if what:
        print(f"\n{what}: {mean:.4f} ± {error:.4f} over {len(values)} draws")
    return mean, error


@pytest.mark.parametrize("decimals", [None, 0], ids=["continuous", "ties"])
@pytest.mark.parametrize("randomised", [False, True])
def test_p_values_of_normal_rows_are_at_least_uniform(decimals, randomised):
    rng = np.random.default_rng(0)
    p = []
    for draw in range(DRAWS):
        scores = rng.normal(size=N + 1)
        scores = scores if decimals is None else scores.round(decimals)
        p.append(conformal.p_values(scores[:1], scores[1:], randomised=randomised, random_state=draw)[0])
    for t in (0.05, 0.1, 0.25, 0.5, 0.9):
        share = np.mean(np.array(p) <= t)
        allowed = 3 * np.sqrt(t * (1 - t) / DRAWS)
        print(f"\nP(p ≤ {t}), {randomised=}, {decimals=}: {share:.3f} over {DRAWS} draws")
        assert share <= t + allowed
        if randomised or decimals is None:
            assert share >= t - allowed


def discoveries(n_anomalies, level, storey, seed=1):
    """Return the false-discovery proportion and the power over the draws."""
    rng = np.random.default_rng(seed)
    false, power = [], []
    for _ in range(DRAWS):
        new = rng.normal(size=M) + 4.0 * (np.arange(M) < n_anomalies)
        p = conformal.p_values(new, rng.normal(size=N))
        flagged = conformal.select(p, level, null_share=conformal.null_share(p) if storey else 1.0)
        false.append(flagged[n_anomalies:].sum() / max(1, flagged.sum()))
        power.append(flagged[:n_anomalies].mean() if n_anomalies else 0.0)
    return np.array(false), np.array(power)


@pytest.mark.parametrize("n_anomalies", [0, 10, 50])
@pytest.mark.parametrize("storey", [False, True])
def test_the_false_discovery_rate_stays_within_the_level(n_anomalies, storey):
    false, _ = discoveries(n_anomalies, 0.1, storey)
    mean, error = rate(false, f"FDR at level 0.1, {n_anomalies} anomalies of {M}, {storey=}")
    # Benjamini and Hochberg's promise is sharper: the level times the share of normal rows.
    assert mean <= 0.1 * (1 if storey else 1 - n_anomalies / M) + error


def test_storeys_correction_finds_more_where_many_rows_are_anomalies():
    plain, corrected = (discoveries(50, 0.1, storey)[1] for storey in (False, True))
    gain, error = rate(corrected - plain)
    assert gain > error


def test_flagging_more_than_the_procedure_does_breaks_the_promise():
    """The check above can fail: each p-value compared with the level itself has many false discoveries."""
    rng = np.random.default_rng(2)
    false = []
    for _ in range(DRAWS):
        p = conformal.p_values(rng.normal(size=M) + 4.0 * (np.arange(M) < 10), rng.normal(size=N))
        false.append((p[10:] <= 0.1).sum() / max(1, (p <= 0.1).sum()))
    mean, error = rate(false)
    assert mean - error > 0.1


def test_weights_keep_the_promise_under_a_shift_where_equal_weights_break_it():
    """Normal rows move from N(0, 1) to N(1, 1), whose density ratio is exp(x - 1/2)."""
    rng = np.random.default_rng(3)
    plain, weighted = [], []
    for _ in range(DRAWS):
        old, new = rng.normal(size=N), rng.normal(1.0, size=1)
        plain.append(conformal.p_values(new, old)[0])
        ratio = {"weights": np.exp(new - 0.5), "calibration_weights": np.exp(old - 0.5)}
        weighted.append(conformal.weighted_p_values(new, old, **ratio)[0])
    for t in (0.1, 0.25):
        allowed = 3 * np.sqrt(t * (1 - t) / DRAWS)
        assert np.mean(np.array(weighted) <= t) <= t + allowed
        assert np.mean(np.array(plain) <= t) > t + allowed


def shifted_batches(n_anomalies, n_rows, seed=4):
    """Yield p-values, selection by plain Benjamini-Hochberg, and the weighted one, of shifted batches."""
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        where, old_where = rng.normal(1.0, size=n_rows), rng.normal(size=2 * N)
        # The score of a normal row rises with the place that shifts; its density ratio is exp(place - 1/2).
        new = where + rng.normal(size=n_rows) + 5.0 * (np.arange(n_rows) < n_anomalies)
        old = old_where + rng.normal(size=2 * N)
        ratio = {"weights": np.exp(where - 0.5), "calibration_weights": np.exp(old_where - 0.5)}
        yield conformal.p_values(new, old), conformal.select_weighted(new, old, level=0.1, **ratio)


@pytest.mark.parametrize("n_anomalies", [0, 5, 15])
def test_the_false_discovery_rate_stays_within_the_level_under_a_known_shift(n_anomalies):
    false, power, plain = [], [], []
    for p, flagged in shifted_batches(n_anomalies, 30):
        false.append(flagged[n_anomalies:].sum() / max(1, flagged.sum()))
        power.append(flagged[:n_anomalies].mean() if n_anomalies else 0.0)
        flagged = conformal.select(p, 0.1)
        plain.append(flagged[n_anomalies:].sum() / max(1, flagged.sum()))
    mean, error = rate(false, f"FDR at level 0.1 under a shift, {n_anomalies} anomalies of 30")
    assert mean <= 0.1 + error
    if n_anomalies:
        assert np.mean(power) > 0.1
        # The check can fail: without weights the level is exceeded.
        mean, error = rate(plain, "the same without weights")
        assert mean - error > 0.1


@pytest.mark.parametrize("confidence", [0.9, 0.5])
@pytest.mark.parametrize("n", [19, 200, 1001])
def test_conditional_p_values_hold_for_all_but_a_stated_share_of_calibration_sets(n, confidence):
    """Scores are uniform, so that for each calibration set P(p ≤ t) is known exactly."""
    rng = np.random.default_rng(5)
    broken, broken_by_plain = [], []
    for _ in range(DRAWS):
        calibration = np.sort(rng.uniform(size=n))
        # At a score equal to a calibration score p is smallest just above it, where P(score > it) = 1 - it.
        just_above = np.nextafter(calibration, 2)
        shares = 1 - calibration
        p = conformal.conditional_p_values(just_above, calibration, confidence=confidence)
        broken.append((shares > p + 1e-12).any())
        broken_by_plain.append((shares > conformal.p_values(just_above, calibration) + 1e-12).any())
    mean, error = rate(broken, f"calibration sets that break the promise, {n=}, {confidence=}")
    assert mean <= 1 - confidence + error
    assert mean > 0.2 * (1 - confidence)  # and the p-values are no larger than they have to be
    assert np.mean(broken_by_plain) > 0.9


def test_conditional_p_values_are_never_below_the_plain_ones_and_keep_their_order():
    rng = np.random.default_rng(6)
    for n in (1, 2, 3, 50):
        scores, calibration = rng.normal(size=60), rng.normal(size=n)
        plain = conformal.p_values(scores, calibration)
        p = conformal.conditional_p_values(scores, calibration)
        assert ((plain <= p + 1e-12) & (p <= 1)).all()
        assert (np.diff(p[np.argsort(plain, kind="stable")]) >= 0).all()


def test_conditional_p_values_keep_the_false_discovery_rate_of_one_calibration_set():
    """Of 60 calibration sets with 60 batches each, hardly any has a rate above the level."""
    rng = np.random.default_rng(7)
    above = []
    for _ in range(60):
        calibration, false = rng.normal(size=500), []
        for _ in range(60):
            new = rng.normal(size=40) + 4.0 * (np.arange(40) < 8)
            p = conformal.conditional_p_values(new, calibration, confidence=0.9)
            flagged = conformal.select(p, 0.2)
            false.append(flagged[8:].sum() / max(1, flagged.sum()))
        mean, error = rate(false)
        above.append(mean - error > 0.2)
    mean, error = rate(above, "calibration sets with a rate above the level")
    assert mean <= 0.1 + error


NONCONFORM = json.loads((Path(__file__).parent / "nonconform.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", NONCONFORM["cases"], ids=lambda case: f"{len(case['scores'])} rows")
def test_the_package_nonconform_gives_the_same_values_and_selections(case):
    level, confidence = NONCONFORM["level"], NONCONFORM["confidence"]
    scores, calibration = case["scores"], case["calibration_scores"]
    weights = {name: case[name] for name in ("weights", "calibration_weights")}
    p = conformal.p_values(scores, calibration)
    np.testing.assert_allclose(p, case["p_values"], atol=1e-12)
    np.testing.assert_allclose(
        conformal.weighted_p_values(scores, calibration, **weights), case["weighted_p_values"], atol=1e-12
    )
    # Where (n + 1)(1 - p) is a whole number but for its last digit, nonconform rounds it down to the one
    # below and returns the next larger p-value. We count.
    n = len(calibration)
    rounded_down = np.floor((n + 1) * (1 - p)) < np.rint((n + 1) * (1 - p))
    conditional = conformal.conditional_p_values(scores, calibration, confidence=confidence)
    theirs = np.array(case["conditional_p_values"])
    np.testing.assert_allclose(conditional[~rounded_down], theirs[~rounded_down], atol=1e-12)
    assert (conditional <= theirs + 1e-12).all() and rounded_down.mean() < 0.2
    assert conformal.select(p, level).tolist() == case["selected"]
    # Of p-values equal to the cut, nonconform takes all for those of normal rows, and we none.
    n_at_cut = np.isclose(p, case["cut"]).sum()
    ours = conformal.null_share(p, case["cut"] + 1e-9)
    assert ours == pytest.approx(case["null_share"] - n_at_cut / (len(p) * (1 - case["cut"])), rel=1e-6)
    assert conformal.select(p, level, null_share=case["null_share"]).tolist() == case["selected_storey"]
    selected = conformal.select_weighted(scores, calibration, level=level, **weights)
    if len(set(scores) | set(calibration)) == len(scores) + len(calibration):  # it has no rule for ties
        assert selected.tolist() == case["selected_weighted"]
    assert any(NONCONFORM["cases"][0]["selected_weighted"])  # so that there was something to compare


def test_equal_weights_give_the_plain_p_values():
    scores, old = np.array([0.0, 1.0, 1.0, 9.0]), np.array([1.0, 1.0, 2.0])
    for randomised in (False, True):
        weighted = conformal.weighted_p_values(
            scores, old, weights=[3] * 4, calibration_weights=[3] * 3, randomised=randomised
        )
        np.testing.assert_allclose(weighted, conformal.p_values(scores, old, randomised=randomised))


def test_a_whole_number_boundary_is_flagged():
    assert conformal.select([3 / 30] * 30, 0.1).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: conformal.p_values([np.nan], [1.0]), "NaN"),
        (lambda: conformal.p_values([1.0], []), "at least 1"),
        (lambda: conformal.select([1.2]), "from 0 to 1"),
        (lambda: conformal.select([0.2], level=1), "level"),
        (lambda: conformal.select([0.2], null_share=0), "null_share"),
        (lambda: conformal.null_share([0.2], cut=0), "cut"),
        (lambda: conformal.conditional_p_values([0.2], [0.1], confidence=1), "confidence"),
        (lambda: conformal.conditional_p_values([0.2], []), "at least 1"),
        (lambda: conformal.select_weighted([1], [1], weights=[0], calibration_weights=[1]), "above 0"),
        (lambda: conformal.select_weighted([1], [1], weights=[1], calibration_weights=[1], level=0), "level"),
        (lambda: conformal.weighted_p_values([1], [1], weights=[0], calibration_weights=[1]), "above 0"),
        (lambda: conformal.weighted_p_values([1], [1], weights=[1], calibration_weights=[-1]), "at least 0"),
        (
            lambda: conformal.weighted_p_values([1], [1], weights=[1, 1], calibration_weights=[1]),
            "one weight",
        ),
    ],
)
def test_bad_arguments_say_what_to_do(call, words):
    with pytest.raises(ValueError, match=words):
        call()
