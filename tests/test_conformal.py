"""Conformal p-values and false-discovery control, each promise over 1,000 draws."""

import numpy as np
import pytest

from aecourse import conformal

DRAWS, N, M = 1000, 199, 100


def rate(values):
    """Return a mean over draws and three of its standard errors."""
    return np.mean(values), 3 * np.std(values) / np.sqrt(len(values))


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
    mean, error = rate(false)
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
