"""The threshold rules against independent references, and each promise over 1,000 resamples.

Where a test simulates, its tolerance is four standard errors, computed from the simulation or
from theory, and the seed is fixed.
"""

import doctest
import inspect
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import fbeta_score, precision_recall_curve

from aecourse import thresholds
from aecourse.thresholds import (
    AlertBudget,
    CannotPromise,
    Conformal,
    ExpectedCost,
    FBeta,
    MeanSD,
    MedianMAD,
    PeaksOverThreshold,
    Percentile,
    Realised,
    rows_needed,
)

RESAMPLES = 1000
LABEL_FREE = [
    Percentile(95),
    MeanSD(2),
    MedianMAD(2),
    Conformal(0.05),
    Conformal(0.05, confidence=0.9),
    PeaksOverThreshold(0.02),
    AlertBudget(5, 100),
]
WITH_LABELS = [FBeta(1.0), ExpectedCost(10, 1), ExpectedCost(10, 1, base_rate=0.01)]
EVERY_RULE = LABEL_FREE + WITH_LABELS

by_rule = pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
abrupt_tails = pytest.mark.filterwarnings("ignore:The tail of these scores ends abruptly")
by_label_free_rule = pytest.mark.parametrize("rule", LABEL_FREE, ids=repr)


@pytest.fixture(scope="module")
def normals():
    return np.random.default_rng(0).gamma(3, size=1000)


@pytest.fixture(scope="module")
def labelled():
    rng = np.random.default_rng(1)
    y = (rng.random(400) < 0.1).astype(int)
    return rng.normal(size=400) + 2 * y, y


def fitted(rule, normals, labelled):
    """Fit a copy on what the rule needs."""
    return clone(rule).fit(*labelled) if rule.needs_labels else clone(rule).fit(normals)


def false_alarm_rates(rule, draw, tail, n, seed=0, resamples=RESAMPLES):
    """Fit on ``resamples`` samples; return each fit's exact false-alarm rate, and its promise."""
    rng = np.random.default_rng(seed)
    fits = [clone(rule).fit(draw(rng, n)) for _ in range(resamples)]
    return tail(np.array([fit.threshold_ for fit in fits])), np.array([fit.promised_rate for fit in fits])


def gaussian(rng, n):
    return rng.standard_normal(n)


def standard_error(values):
    return values.std(ddof=1) / math.sqrt(values.size)


# --- the promises, over 1,000 resamples ------------------------------------------------------


@pytest.mark.parametrize(("rate", "n"), [(0.01, 99), (0.01, 250), (0.1, 57)])
def test_conformal_keeps_its_mean_rate(rate, n):
    rates, _ = false_alarm_rates(Conformal(rate), gaussian, stats.norm.sf, n)
    m = math.floor((n + 1) * rate + 1e-9)
    coverage = stats.beta(m, n + 1 - m)
    error = coverage.std() / math.sqrt(RESAMPLES)
    assert coverage.mean() <= rate + 1e-12
    assert abs(rates.mean() - coverage.mean()) <= 4 * error
    # Not only the mean: the whole distribution of the rate is the Beta that the promise rests on.
    assert stats.kstest(rates, coverage.cdf).pvalue > 1e-4


@pytest.mark.parametrize(("rate", "n", "confidence"), [(0.01, 299, 0.95), (0.05, 500, 0.9), (0.1, 80, 0.99)])
def test_conditional_conformal_keeps_its_rate_in_enough_fits(rate, n, confidence):
    rates, _ = false_alarm_rates(Conformal(rate, confidence), gaussian, stats.norm.sf, n)
    kept = int((rates <= rate).sum())
    assert kept >= stats.binom.ppf(1e-4, RESAMPLES, confidence)
    marginal, _ = false_alarm_rates(Conformal(rate), gaussian, stats.norm.sf, n)
    assert (marginal <= rate).mean() < confidence  # the plain rule does not promise this


@pytest.mark.parametrize("rule", [Conformal(0.05), Conformal(0.05, 0.9), AlertBudget(5, 100)], ids=repr)
def test_conformal_promises_hold_with_ties(rule):
    # A geometric score takes few values; its rate above a whole-number threshold is known exactly.
    rates, _ = false_alarm_rates(rule, lambda rng, n: rng.geometric(0.4, n), stats.geom(0.4).sf, 120)
    if getattr(rule, "confidence", None):
        assert (rates <= 0.05).sum() >= stats.binom.ppf(1e-4, RESAMPLES, 0.9)
    assert rates.mean() <= 0.05 + 4 * standard_error(rates)


@pytest.mark.parametrize(("q", "n"), [(99, 99), (98, 30), (90, 100)])
def test_percentile_keeps_its_bound_but_not_the_rate_asked_for(q, n):
    rule = Percentile(q)
    rates, promised = false_alarm_rates(rule, gaussian, stats.norm.sf, n)
    assert rates.mean() <= promised[0] + 4 * standard_error(rates)
    assert rates.mean() - 4 * standard_error(rates) > rule.target_rate


@pytest.mark.parametrize(("k", "n"), [(2, 20), (3, 100)])
def test_mean_sd_keeps_its_exact_rate_on_gaussian_scores(k, n):
    rates, promised = false_alarm_rates(MeanSD(k), gaussian, stats.norm.sf, n)
    assert abs(rates.mean() - promised[0]) <= 4 * standard_error(rates)


def test_mean_sd_breaks_its_promise_on_heavy_tails():
    heavy = stats.t(df=3)
    rates, promised = false_alarm_rates(MeanSD(3), lambda rng, n: rng.standard_t(3, n), heavy.sf, 1000)
    assert rates.mean() - 4 * standard_error(rates) > 3 * promised[0]
    # The conformal rule, asked for the same rate on the same rows, keeps it.
    rates, _ = false_alarm_rates(
        Conformal(MeanSD(3).target_rate), lambda rng, n: rng.standard_t(3, n), heavy.sf, 1000
    )
    assert rates.mean() <= MeanSD(3).target_rate + 4 * standard_error(rates)


@pytest.mark.parametrize(("k", "n"), [(2, 20), (3, 200)])
def test_median_mad_keeps_its_first_order_rate_on_gaussian_scores(k, n):
    rates, promised = false_alarm_rates(MedianMAD(k), gaussian, stats.norm.sf, n)
    assert rates.mean() <= promised[0] + 4 * standard_error(rates)
    # It is a promise worth having: nearer to the truth than the limit for many rows is.
    assert abs(rates.mean() - promised[0]) < abs(rates.mean() - MedianMAD(k).target_rate)


def test_median_mad_stays_where_mean_sd_is_carried_away():
    rng = np.random.default_rng(0)
    clean = rng.standard_normal(900)
    dirty = np.concatenate([clean, np.full(100, 50.0)])
    assert MedianMAD(3).fit(dirty).threshold_ < MedianMAD(3).fit(clean).threshold_ + 1
    assert MeanSD(3).fit(dirty).threshold_ > MeanSD(3).fit(clean).threshold_ + 10


@abrupt_tails  # some samples of 50 exceedances do, by chance
def test_peaks_over_threshold_keeps_its_first_order_rate_on_a_pareto_tail():
    tail = stats.genpareto(0.2)
    rule = PeaksOverThreshold(0.02, tail_fraction=0.1)
    rates, promised = false_alarm_rates(rule, lambda rng, n: tail.rvs(n, random_state=rng), tail.sf, 500)
    assert rates.mean() <= promised.mean() + 4 * standard_error(rates - promised)
    assert 0.02 < promised.mean() < 0.025


def test_alert_budget_keeps_its_alerts_a_day():
    rng = np.random.default_rng(3)
    rule = AlertBudget(alerts_per_day=4, rows_per_day=200)
    alerts, busy = np.empty(RESAMPLES), np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        fit = rule.fit(rng.gumbel(size=149))
        alerts[i] = fit.predict(rng.gumbel(size=200)).sum()
        busy[i] = fit.busy_day(0.9) if i == 0 else busy[0]  # it depends on n alone
    m, n = 3, 149
    law = stats.betabinom(200, m, n + 1 - m)
    assert abs(alerts.mean() - law.mean()) <= 4 * law.std() / math.sqrt(RESAMPLES)
    assert law.mean() <= 4 + 1e-12
    assert (alerts <= busy).sum() >= stats.binom.ppf(1e-4, RESAMPLES, 0.9)
    assert (alerts <= busy - 1).sum() <= stats.binom.ppf(1 - 1e-4, RESAMPLES, 0.9)


# --- thresholds and p-values against references ------------------------------------------------


def test_thresholds_against_numpy_and_scipy(normals):
    assert Percentile(97.5).fit(normals).threshold_ == np.percentile(normals, 97.5)
    n = normals.size
    sd = math.sqrt(((normals - normals.sum() / n) ** 2).sum() / (n - 1))
    assert MeanSD(2.5).fit(normals).threshold_ == pytest.approx(normals.sum() / n + 2.5 * sd, rel=1e-12)
    mad = stats.median_abs_deviation(normals, scale="normal")
    assert MedianMAD(3).fit(normals).threshold_ == pytest.approx(np.median(normals) + 3 * mad, rel=1e-12)
    assert thresholds._MAD_TO_SD == pytest.approx(1.4826, abs=5e-5)
    # SciPy's "higher" quantile of the scores with one infinite score added is the conformal limit.
    reference = np.quantile(np.append(normals, np.inf), 0.95, method="inverted_cdf")
    assert Conformal(0.05).fit(normals).threshold_ == reference
    assert AlertBudget(5, 100).fit(normals).threshold_ == reference


def test_peaks_over_threshold_against_scipy(normals):
    rule = PeaksOverThreshold(0.002, tail_fraction=0.2).fit(normals)
    excess = np.sort(normals)[-200:] - np.sort(normals)[-201]
    index, _, scale = stats.genpareto.fit(excess, floc=0)
    assert rule.level_ == np.sort(normals)[-201] and rule.n_exceedances_ == 200
    assert (rule.tail_index_, rule.scale_) == pytest.approx((index, scale), abs=1e-3)
    fit = stats.genpareto(rule.tail_index_, scale=rule.scale_)
    assert 0.2 * fit.sf(rule.threshold_ - rule.level_) == pytest.approx(0.002, rel=1e-9)
    assert fit.logpdf(excess).sum() >= stats.genpareto(index, scale=scale).logpdf(excess).sum() - 1e-9
    assert not rule.fallback_


@pytest.mark.parametrize("index", [-0.3, 0.0, 1e-7, 0.4])
@pytest.mark.parametrize("share", [0.3, 0.01])
def test_peaks_over_threshold_variance_against_numerical_delta_method(index, share):
    def log_rate(shape, log_scale):
        limit = stats.genpareto.isf(share, shape) * math.exp(log_scale)
        return stats.genpareto.logsf(limit, index)

    step = 1e-4
    gradient = np.array(
        [
            (log_rate(index + step, 0) - log_rate(index - step, 0)) / (2 * step),
            (log_rate(index, step) - log_rate(index, -step)) / (2 * step),
        ]
    )
    inverse_information = (1 + index) * np.array([[1 + index, -1], [-1, 2]])
    expected = gradient @ inverse_information @ gradient / 50
    assert PeaksOverThreshold._log_variance(share, index, 50) == pytest.approx(expected, rel=1e-4)


@given(
    calibration=hnp.arrays(int, st.integers(4, 40), elements=st.integers(-5, 5)),
    new=hnp.arrays(int, st.integers(1, 10), elements=st.integers(-7, 7)),
)
@settings(max_examples=60, deadline=None)
def test_p_values_by_brute_force(calibration, new):
    rule = Conformal(0.2).fit(calibration)
    expected = [(1 + sum(old >= score for old in calibration)) / (len(calibration) + 1) for score in new]
    assert rule.p_values(new) == pytest.approx(expected, abs=1e-15)
    assert (rule.predict(new) == (rule.p_values(new) <= 0.2)).all()


def test_p_values_of_normals_are_small_no_more_often_than_they_say():
    rng = np.random.default_rng(0)
    fits = (Conformal(0.1).fit(rng.normal(size=19)) for _ in range(RESAMPLES))
    p = np.array([fit.p_values(rng.normal(size=1))[0] for fit in fits])
    # Exchangeable continuous scores: p is uniform on 1/20, …, 20/20.
    counts = np.bincount(np.rint(20 * p).astype(int), minlength=21)[1:]
    assert counts.sum() == RESAMPLES
    assert stats.chisquare(counts).pvalue > 1e-4


@given(n=st.integers(1, 400), percent=st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_conformal_rank_is_exact_in_whole_numbers(n, percent):
    # (n + 1)·0.29 is 28.999… in floats for n = 99; the rank must not lose that row.
    m = (n + 1) * percent // 100
    if m == 0:
        with pytest.raises(CannotPromise, match=f"needs at least {math.ceil(100 / percent) - 1} rows"):
            Conformal(percent / 100).fit(range(n))
    else:
        assert Conformal(percent / 100).fit(range(n)).threshold_ == n - m


@given(
    n=st.integers(5, 600),
    rate=st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.3]),
    confidence=st.sampled_from([0.2, 0.5, 0.8, 0.9, 0.95, 0.99]),
)
@settings(max_examples=100, deadline=None)
def test_conditional_rank_by_brute_force(n, rate, confidence):
    # The rate of the m-th largest is at most `rate` just where a Binomial(n, rate) count is at least m.
    good = [
        m
        for m in range(1, n + 1)
        if stats.binom.sf(m - 1, n, rate) >= confidence and m <= math.floor((n + 1) * rate + 1e-9)
    ]
    if good:
        assert n >= rows_needed(rate, confidence)
        assert Conformal(rate, confidence).fit(range(n)).threshold_ == n - max(good)
    else:
        assert n < rows_needed(rate, confidence)
        with pytest.raises(CannotPromise):
            Conformal(rate, confidence).fit(range(n))


def test_rows_needed():
    assert rows_needed(0.01) == 99
    assert rows_needed(0.01, confidence=0.95) == 299
    assert rows_needed(0.05) == 19
    assert rows_needed(0.3) == 3
    for rate in (0.5, 0.07, 0.001):
        for confidence in (0.01, 0.75, 0.99):
            n = rows_needed(rate, confidence)

            def enough(rows, rate=rate, confidence=confidence):
                return 1 - (1 - rate) ** rows >= confidence - 1e-12 and rows >= 1 / rate - 1 - 1e-9

            assert enough(n) and not enough(n - 1)
    with pytest.raises(ValueError, match="rate"):
        rows_needed(0)
    with pytest.raises(ValueError, match="confidence"):
        rows_needed(0.1, confidence=1)


LABELLED = st.lists(st.tuples(st.integers(-3, 6), st.integers(0, 1)), min_size=2, max_size=25).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def every_cut(scores):
    """Thresholds below, at, between and above the scores."""
    values = np.unique(scores)
    return np.concatenate([values - 0.5, values, [values[-1] + 0.5]])


@given(rows=LABELLED, beta=st.sampled_from([0.25, 0.5, 1, 2, 3.7]))
@settings(max_examples=40, deadline=None)
def test_f_beta_by_brute_force(rows, beta):
    scores, y = map(np.array, zip(*rows, strict=True))
    rule = FBeta(beta).fit(scores, y)
    values = [fbeta_score(y, scores > cut, beta=beta, zero_division=0) for cut in every_cut(scores)]
    assert rule.value_ == pytest.approx(max(values), abs=1e-12)
    assert fbeta_score(y, rule.predict(scores), beta=beta) == pytest.approx(rule.value_, abs=1e-12)


@given(
    rows=LABELLED,
    cost_miss=st.integers(1, 30),
    cost_false_alarm=st.integers(1, 30),
    base_rate=st.sampled_from([None, 0.01, 0.5]),
)
@settings(max_examples=60, deadline=None)
def test_expected_cost_by_brute_force(rows, cost_miss, cost_false_alarm, base_rate):
    scores, y = map(np.array, zip(*rows, strict=True))
    share = y.mean() if base_rate is None else base_rate

    def cost(flags):
        miss_rate, false_alarm_rate = (~flags[y == 1]).mean(), flags[y == 0].mean()
        return share * cost_miss * miss_rate + (1 - share) * cost_false_alarm * false_alarm_rate

    rule = ExpectedCost(cost_miss, cost_false_alarm, base_rate).fit(scores, y)
    assert rule.cost_ == pytest.approx(min(cost(scores > cut) for cut in every_cut(scores)), abs=1e-12)
    assert cost(rule.predict(scores) == 1) == pytest.approx(rule.cost_, abs=1e-12)


@given(rows=LABELLED, cheap=st.integers(1, 20), extra=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_a_costlier_miss_never_raises_the_threshold(rows, cheap, extra):
    scores, y = map(np.array, zip(*rows, strict=True))
    dear = ExpectedCost(cheap + extra, 5).fit(scores, y)
    assert dear.threshold_ <= ExpectedCost(cheap, 5).fit(scores, y).threshold_


def test_f_beta_on_many_rows_against_the_precision_recall_curve():
    rng = np.random.default_rng(0)
    y = (rng.random(200_000) < 0.02).astype(int)
    scores = rng.normal(size=y.size) + 1.5 * y
    precision, recall, _ = precision_recall_curve(y, scores)
    best = np.nanmax(5 * precision * recall / np.where(precision + recall > 0, 4 * precision + recall, 1))
    assert FBeta(2).fit(scores, y).value_ == pytest.approx(best, rel=1e-12)


def test_flagging_every_row_or_none_is_among_the_cuts():
    scores, y = [1, 2, 3], [1, 0, 0]
    flag_all = ExpectedCost(100, 1).fit(scores, y)
    assert flag_all.threshold_ < 1 and flag_all.predict(scores).tolist() == [1, 1, 1]
    flag_none = ExpectedCost(1, 100).fit(scores, y)
    assert flag_none.threshold_ == 3 and flag_none.predict(scores).tolist() == [0, 0, 0]


# --- properties that all rules share -----------------------------------------------------------


@by_rule
def test_flagged_means_strictly_above(rule, normals, labelled):
    rule = fitted(rule, normals, labelled)
    t = rule.threshold_
    flags = rule.predict([np.nextafter(t, -np.inf), t, np.nextafter(t, np.inf)])
    assert flags.tolist() == [0, 0, 1] and flags.dtype.kind == "i"


@by_rule
def test_each_rule_tells_about_itself(rule, normals, labelled):
    assert "threshold" not in clone(rule).rule  # not fitted: only what it will do
    assert clone(rule).promised_rate == rule.target_rate
    rule = fitted(rule, normals, labelled)
    assert f"{rule.threshold_:.4g}" in rule.rule and f"{rule.n_rows_:,} rows" in rule.rule
    assert rule.assumption.endswith(".")
    if rule.needs_labels:
        assert rule.promised_rate is None and "No false-alarm rate is promised" in rule.assumption
    else:
        assert 0 < rule.target_rate <= rule.promised_rate < 1
    assert eval(repr(rule), vars(thresholds)).get_params() == rule.get_params()


def test_the_rule_names_its_numbers(normals, labelled):
    assert "percentile 97.5" in Percentile(97.5).rule
    assert "mean + 2.5 standard deviations" in MeanSD(2.5).rule
    assert "median + 3 × 1.4826 × MAD" in MedianMAD(3).rule
    assert "on average at most 1 %" in Conformal(0.01).rule
    assert "with confidence 0.95 at most 1 %" in Conformal(0.01, 0.95).rule
    pot = PeaksOverThreshold(0.01).fit(normals)
    for words in ("1 % of rows", f"index {pot.tail_index_:.2g}", "largest 10 %"):
        assert words in pot.rule
    assert "5 false alerts a day among 1,000 rows" in AlertBudget(5, 1000).rule
    beta = FBeta(2).fit(*labelled)
    assert "beta 2" in beta.rule and f"{beta.value_:.4g}" in beta.rule
    cost = ExpectedCost(10, 1).fit(*labelled)
    assert "a miss 10, a false alarm 1" in cost.rule and f"{cost.cost_:.4g}" in cost.rule


@by_rule
def test_realised_is_the_clopper_pearson_interval(rule, normals, labelled):
    rule = fitted(rule, normals, labelled)
    scores = np.concatenate([np.full(7, rule.threshold_ + 1), np.full(93, rule.threshold_)])
    got = rule.realised(scores, confidence=0.9)
    assert isinstance(got, Realised)
    assert (got.rate, got.n, got.flagged, got.confidence) == (0.07, 100, 7, 0.9)
    assert got.low == pytest.approx(stats.beta.ppf(0.05, 7, 94))
    assert got.high == pytest.approx(stats.beta.ppf(0.95, 8, 93))
    assert "7 of 100 rows; 90 % interval" in str(got)
    nothing = rule.realised(np.full(10, rule.threshold_))
    assert (nothing.rate, nothing.low) == (0, 0) and nothing.high == pytest.approx(1 - 0.025 ** (1 / 10))
    with pytest.raises(ValueError, match="confidence"):
        rule.realised(scores, confidence=1.5)


@by_rule
def test_clone_pickle_and_refit(rule, normals, labelled):
    first = fitted(rule, normals, labelled)
    again = pickle.loads(pickle.dumps(first))
    assert again.threshold_ == first.threshold_ and again.rule == first.rule
    assert not hasattr(clone(first), "threshold_")
    assert fitted(rule, normals, labelled).threshold_ == first.threshold_


@by_rule
def test_rules_show_as_text_in_a_notebook(rule):
    assert rule._repr_html_ is None and not callable(rule._repr_mimebundle_)


@by_rule
def test_training_scores_warn(rule, normals, labelled):
    args = labelled if rule.needs_labels else (normals,)
    with pytest.warns(UserWarning, match="false-alarm rate will be higher") as caught:
        on_training = clone(rule).fit(*args, trained_on=True)
    assert caught[0].filename == __file__
    assert "training rows" in on_training.rule and on_training.trained_on_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held_out = clone(rule).fit(*args)
    assert held_out.threshold_ == on_training.threshold_ and not held_out.trained_on_


def test_training_scores_do_give_a_higher_rate():
    # PCA through fewer rows than it could need reconstructs them better than new ones.
    from sklearn.decomposition import PCA

    X = np.random.default_rng(0).normal(size=(1100, 30))
    pca = PCA(20).fit(X[:100])
    errors = ((X - pca.inverse_transform(pca.transform(X))) ** 2).mean(axis=1)
    with pytest.warns(UserWarning, match="trained on"):
        wrong = Conformal(0.05).fit(errors[:100], trained_on=True)
    assert wrong.realised(errors[600:]).low > 0.05
    assert Conformal(0.05).fit(errors[100:600]).realised(errors[600:]).low < 0.05


@st.composite
def samples(draw):
    """400 different scores of a drawn shape, in quarters, so that whole shifts do not round them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    power = draw(st.sampled_from([1, 2, 3]))
    different = rng.choice(2000, size=400, replace=False).astype(float)
    return different**power / 4


@abrupt_tails
@given(scores=samples(), low=st.floats(0.02, 0.04), step=st.floats(0.005, 0.04))
@settings(max_examples=15, deadline=None)
def test_a_lower_rate_never_lowers_the_threshold(scores, low, step):
    strict, loose = thresholds.rules(low), thresholds.rules(low + step)
    for name in strict:
        assert strict[name].fit(scores).threshold_ >= loose[name].fit(scores).threshold_, name


@abrupt_tails
@given(scores=samples(), shift=st.integers(-1000, 1000), factor=st.sampled_from([0.25, 2.0, 1024.0]))
@settings(max_examples=15, deadline=None)
def test_shifted_and_scaled_scores_shift_and_scale_the_threshold(scores, shift, factor):
    for rule in LABEL_FREE:
        plain = clone(rule).fit(scores).threshold_
        moved = clone(rule).fit(scores * factor + shift).threshold_
        assert moved == pytest.approx(plain * factor + shift, rel=1e-5, abs=1e-5 * factor), rule


@abrupt_tails
@given(scores=samples(), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(scores, seed):
    shuffled = np.random.default_rng(seed).permutation(scores)
    for rule in LABEL_FREE:
        expected = clone(rule).fit(scores).threshold_
        assert clone(rule).fit(shuffled).threshold_ == pytest.approx(expected, rel=1e-12), rule


# --- what must be refused ----------------------------------------------------------------------


@given(
    position=st.integers(0, 199),
    bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    rule=st.sampled_from(EVERY_RULE),
)
@settings(max_examples=40, deadline=None)
def test_non_finite_scores_raise(position, bad, rule):
    scores = np.linspace(0, 1, 200)
    y = np.arange(200) % 2 if rule.needs_labels else None
    broken = scores.copy()
    broken[position] = bad
    with pytest.raises(ValueError, match="scores holds .* NaN and .* infinite"):
        clone(rule).fit(broken, y)
    with pytest.raises(ValueError, match="scores holds .* NaN and .* infinite"):
        FBeta().fit(scores, np.arange(200) % 2).predict(broken)


@by_rule
@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([], "at least 1 score"),
        ([[1.0, 2.0]], "one-dimensional"),
        (3.0, "one-dimensional"),
        (["a", "b"], "must hold numbers"),
        ([None, 1.0], "NaN"),
    ],
    ids=["empty", "2-D", "number", "text", "None"],
)
def test_other_unusable_scores_raise(rule, scores, message):
    with pytest.raises(ValueError, match=message):
        clone(rule).fit(scores)


@by_rule
def test_an_unfitted_rule_raises(rule):
    rule = clone(rule)
    for call in (rule.predict, rule.realised):
        with pytest.raises(NotFittedError, match=type(rule).__name__):
            call([1.0])


def test_other_calls_on_unfitted_rules_raise():
    with pytest.raises(NotFittedError):
        Conformal(0.1).p_values([1.0])
    with pytest.raises(NotFittedError):
        AlertBudget(1, 10).busy_day()


@by_label_free_rule
def test_anomalies_in_y_raise(rule, normals):
    y = np.zeros(normals.size, int)
    assert clone(rule).fit(normals, y).threshold_ == clone(rule).fit(normals).threshold_
    y[:3] = 1
    with pytest.raises(ValueError, match=r"y holds 3 anomalies .* fit\(scores\[y == 0\]\)"):
        clone(rule).fit(normals, y)


@pytest.mark.parametrize("rule", WITH_LABELS, ids=repr)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is missing"),
        ([0, 0, 0, 0], "no anomalies"),
        ([1, 1, 1, 1], "no normal rows"),
        ([0, 1], "2 labels for 4 rows"),
        ([1, -1, 1, -1], "0 .normal. and 1 .anomaly. only"),
        ([[0, 1, 0, 1]], "one-dimensional"),
        ([0, 1, np.nan, 1], "only"),
    ],
)
def test_wrong_labels_raise(rule, y, message):
    with pytest.raises(ValueError, match=message):
        clone(rule).fit([1, 2, 3, 4], y)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (Percentile(101), "q"),
        (Percentile(-1), "q"),
        (Percentile(math.nan), "q"),
        (Percentile("98th"), "q"),
        (Percentile(None), "q"),
        (MeanSD(-1), "k"),
        (MeanSD(math.inf), "k"),
        (MeanSD("three"), "k"),
        (MedianMAD(math.nan), "k"),
        (MedianMAD(None), "k"),
        (Conformal(0), "rate"),
        (Conformal(1), "rate"),
        (Conformal(1.5), "rate"),
        (Conformal("1 %"), "rate"),
        (Conformal(0.1, confidence=0), "confidence"),
        (Conformal(0.1, confidence=1), "confidence"),
        (PeaksOverThreshold(0), "rate"),
        (PeaksOverThreshold(0.1, tail_fraction=1), "tail_fraction"),
        (PeaksOverThreshold(0.1, tail_fraction=0.1), "rate must be below tail_fraction"),
        (AlertBudget(0, 100), "alerts_per_day"),
        (AlertBudget(-1, 100), "alerts_per_day"),
        (AlertBudget("many", 100), "alerts_per_day"),
        (AlertBudget(1, math.inf), "rows_per_day"),
        (AlertBudget(1, 10.5), "rows_per_day must be a whole number"),
        (AlertBudget(100, 100), "alerts_per_day must be fewer"),
        (FBeta(0), "beta"),
        (FBeta(math.nan), "beta"),
        (ExpectedCost(0, 1), "cost_miss"),
        (ExpectedCost(1, -1), "cost_false_alarm"),
        (ExpectedCost(1, 1, base_rate=0), "base_rate"),
    ],
    ids=repr,
)
def test_wrong_parameters_raise(rule, name, normals, labelled):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rule.fit(*labelled) if rule.needs_labels else rule.fit(normals)


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        (Conformal(0.01), 99),
        (Conformal(0.01, confidence=0.95), 299),
        (AlertBudget(2, 1000), 499),
        (AlertBudget(0.5, 100), 199),
        (MedianMAD(3), 10),
        (MeanSD(3), 2),
        (PeaksOverThreshold(0.01), 300),
        (PeaksOverThreshold(0.01, tail_fraction=0.3), 100),
    ],
    ids=repr,
)
def test_too_few_rows_for_the_promise_raise(rule, needed):
    scores = np.random.default_rng(0).gumbel(size=needed)
    assert math.isfinite(clone(rule).fit(scores).threshold_)
    with pytest.raises(CannotPromise, match=f"at least {30 if 'Peaks' in repr(rule) else needed}"):
        clone(rule).fit(scores[1:])


def test_peaks_over_threshold_refuses_to_reach_too_far():
    scores = np.random.default_rng(0).exponential(size=1000)
    with pytest.raises(CannotPromise, match="reaches too far") as refusal:
        PeaksOverThreshold(1e-5).fit(scores)
    needed = int(str(refusal.value).split("about ")[1].split(" ")[0].replace(",", ""))
    assert needed > 1000
    # Ten times as many rows with the same tail would do what the message says of them.
    enough = stats.expon.ppf((np.arange(needed * 2) + 0.5) / (needed * 2))
    assert 1e-5 < PeaksOverThreshold(1e-5).fit(enough).promised_rate < 2e-5


@abrupt_tails
@pytest.mark.parametrize("rate", [1e-320, 1e-100, 1e-9])
@pytest.mark.parametrize("power", [0.2, 1, -0.3, -2], ids=lambda power: f"tail of power {power}")
def test_peaks_over_threshold_refuses_absurd_rates_on_any_tail(rate, power):
    # Uniform numbers to a power run from a tail that ends abruptly to one without a mean.
    scores = np.random.default_rng(0).random(1000) ** power
    with pytest.raises(CannotPromise, match="rows are needed, scores has 1,000"):
        PeaksOverThreshold(rate).fit(scores)


def test_equal_scores_are_refused_where_they_leave_no_scale():
    with pytest.raises(CannotPromise, match="all 50 scores equal 0.1"):
        MeanSD().fit(np.full(50, 0.1))
    with pytest.raises(CannotPromise, match="more than half of the scores are equal"):
        MedianMAD().fit([1.0] * 60 + list(range(40)))
    ties = np.repeat(np.arange(20.0), 50)
    with pytest.raises(CannotPromise, match="only 2 different scores lie above"):
        PeaksOverThreshold(0.01, tail_fraction=0.149).fit(ties)
    # Many equal scores at the level: fewer lie above it than the rate asks for.
    below, above = np.linspace(0, 1, 500, endpoint=False), np.linspace(2, 3, 40)
    plateau = np.concatenate([below, np.full(460, 1.0), above])
    with pytest.raises(CannotPromise, match="only 40 of 1,000 scores lie above"):
        PeaksOverThreshold(0.05).fit(plateau)
    # Order statistics take any ties.
    assert Conformal(0.1).fit(np.full(50, 0.1)).threshold_ == 0.1


def test_an_abrupt_tail_falls_back_and_warns():
    scores = np.random.default_rng(0).random(3000)
    with pytest.warns(UserWarning, match="ends abruptly") as caught:
        rule = PeaksOverThreshold(0.01).fit(scores)
    assert caught[0].filename == __file__
    assert rule.fallback_ and rule.tail_index_ == -0.5
    excess = np.sort(scores)[-300:] - rule.level_
    # The maximum-likelihood scale at index -0.5, found by search over a fine grid.
    grid = rule.scale_ * np.linspace(0.9, 1.1, 2001)
    best = grid[np.argmax([stats.genpareto(-0.5, scale=scale).logpdf(excess).sum() for scale in grid])]
    assert rule.scale_ == pytest.approx(best, rel=2e-4)
    assert rule.realised(np.random.default_rng(1).random(3000)).rate < 0.02


def test_a_failed_fit_falls_back(monkeypatch, normals):
    fit = stats.genpareto.fit

    def failing(*args, **keywords):
        if "fc" not in keywords:
            raise stats.FitError("out of range")
        return fit(*args, **keywords)

    monkeypatch.setattr(stats.genpareto, "fit", failing)
    with pytest.warns(UserWarning, match="set to -0.5"):
        assert PeaksOverThreshold(0.01).fit(normals).fallback_


def test_scores_too_large_to_compute_with_raise():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="too large to compute with"):
            MeanSD(3).fit([1e308, -1e308, 1.7e308, 0.0])


# --- all rules at once -------------------------------------------------------------------------


@given(rate=st.floats(1e-4, 0.25))
@settings(max_examples=50, deadline=None)
def test_rules_all_ask_for_the_rate(rate):
    for name, rule in thresholds.rules(rate).items():
        assert rule.target_rate == pytest.approx(rate, rel=1e-9), name


@pytest.mark.parametrize("rate", [0, 0.3, 1, "1 %"])
def test_rules_refuse_other_rates(rate):
    with pytest.raises(ValueError, match="rate"):
        thresholds.rules(rate)


def test_table_agrees_with_the_rules(normals, labelled):
    test_normals = np.random.default_rng(5).gamma(3, size=700)
    rules = thresholds.rules(0.02) | {"labels": FBeta().fit(*labelled)}
    out = thresholds.table(rules, normals, test_normals, confidence=0.9)
    assert list(out.index) == list(rules) and out.index.name == "rule"
    assert (out["note"] == "").all()
    for name, rule in rules.items():
        if name != "labels":
            assert not hasattr(rule, "threshold_")  # copied, not changed
            rule = clone(rule).fit(normals)
        got = rule.realised(test_normals, 0.9)
        row = out.loc[name]
        assert (row["threshold"], row["realised"]) == (rule.threshold_, got.rate)
        assert (row["low"], row["high"]) == (got.low, got.high)
        assert (row["flagged"], row["rows"]) == (got.flagged, 700)
        if name == "labels":
            assert np.isnan(row["promised"]) and np.isnan(row["asked"])
        else:
            assert (row["promised"], row["asked"]) == (rule.promised_rate, rule.target_rate)


def test_table_notes_what_cannot_be_promised(normals):
    out = thresholds.table([Percentile(99), Conformal(0.01)], normals[:30], normals)
    refused = out.loc["Conformal(rate=0.01, confidence=None)"]
    assert "needs at least 99 rows" in refused["note"] and np.isnan(refused["threshold"])
    assert refused["asked"] == 0.01 and out["rows"].isna().sum() == 1
    assert out.loc["Percentile(q=99)", "rows"] == 1000
    only_refused = thresholds.table({"a": Conformal(0.01)}, normals[:30], normals)
    assert only_refused["realised"].isna().all() and list(only_refused.columns) == list(out.columns)


def test_table_refuses_what_is_wrong(normals):
    with pytest.raises(ValueError, match="rules_to_compare is empty"):
        thresholds.table([], normals, normals)
    with pytest.raises(ValueError, match="validation_scores"):
        thresholds.table([Conformal(0.1)], [np.nan], normals)
    with pytest.raises(ValueError, match="test_normal_scores"):
        thresholds.table([Conformal(0.1)], normals, [])
    with pytest.raises(ValueError, match="rate"):
        thresholds.table([Conformal(2)], normals, normals)
    with pytest.raises(NotFittedError):
        thresholds.table([FBeta()], normals, normals)


def test_examples_in_the_documentation_run():
    result = doctest.testmod(thresholds)
    assert result.attempted > 40 and result.failed == 0


def test_every_public_name_has_an_example():
    for name in thresholds.__all__:
        public = getattr(thresholds, name)
        members = vars(public).items() if isinstance(public, type) else ()
        for thing in [public, *(value for key, value in members if not key.startswith("_"))]:
            if inspect.isfunction(thing) or isinstance(thing, (type, property)):
                assert ">>> " in thing.__doc__, (name, thing)
