"""The machine-temperature series, sliding windows, their scores and events, and the network for windows."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aecourse import datasets, thresholds, windows
from aecourse.datasets import Event, TimeSeries

# --- the series ----------------------------------------------------------------------------------

SHORT = {"weeks": (2, 1, 3), "n_faults": 2}


@pytest.fixture(scope="module")
def series():
    return datasets.make_machine_temperature()


def test_parts_follow_each_other(series):
    assert (series.train, series.validation) == (slice(0, 4032), slice(4032, 6048))
    assert series.test == slice(6048, 18144)
    assert len(series.values) == len(series.times) == len(series.y) == 18144
    assert set(np.diff(series.times).tolist()) == {np.timedelta64(10, "m").tolist()}
    assert np.isfinite(series.values).all() and 38 < series.values.min() < series.values.max() < 65


def test_faults_only_in_the_test_part_ten_of_each(series):
    kinds = [event.kind for event in series.events]
    assert {kind: kinds.count(kind) for kind in datasets.FAULTS} == dict.fromkeys(datasets.FAULTS, 10)
    assert all(event.start >= series.test.start for event in series.events)
    assert sorted(series.events, key=lambda event: event.start) == list(series.events)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n_faults=st.integers(0, 3), drift=st.sampled_from([0.0, -0.2, 0.5]))
def test_labels_are_where_the_faults_move_the_series(seed, n_faults, drift):
    """Against the series without faults: equal outside of the events, moved at both ends of each."""
    call = {"weeks": (1, 1, 3), "drift": drift, "random_state": seed}
    faulty = datasets.make_machine_temperature(n_faults=n_faults, **call)
    moved = np.abs(faulty.values - datasets.make_machine_temperature(n_faults=0, **call).values)
    assert (moved[faulty.y == 0] <= 0.45).all()
    assert (moved[: faulty.test.start] == 0).all()
    assert len(faulty.events) == 4 * n_faults
    labelled = np.zeros(len(faulty.y), dtype=int)
    for event in faulty.events:
        assert moved[event.start] > 0.45 and moved[event.stop - 1] > 0.45
        labelled[event.start : event.stop] += 1
    assert np.array_equal(labelled, faulty.y)  # no two events overlap


def test_each_kind_of_fault_is_what_it_says(series):
    normal = datasets.make_machine_temperature(n_faults=0).values
    low, high, turns = normal.min(), normal.max(), []

    def count_turns(values):
        return int(np.sum(np.diff(np.sign(np.diff(values))) != 0))

    for event in series.events:
        inside = slice(event.start, event.stop)
        change = series.values[inside] - normal[inside]
        if event.kind == "point":
            assert len(event) == 1 and 3 <= abs(change[0]) <= 6
        elif event.kind == "level shift":
            assert 18 <= len(event) <= 36 and np.ptp(change) < 1e-9 and 2.5 <= abs(change[0]) <= 4
        elif event.kind == "frequency":
            assert 12 <= len(event) <= 36 and np.abs(change).max() <= 1.4 + 1e-9
            turns.append([count_turns(values[inside]) for values in (series.values, normal)])
        else:
            assert 18 <= len(event) <= 36 + 18 and np.abs(change).max() > 4
            # every value is one that the machine has on some ordinary day
            assert low <= series.values[inside].min() and series.values[inside].max() <= high
    faster, usual = np.sum(turns, axis=0)
    assert len(turns) == 10 and faster > 1.7 * usual  # the thermostat goes up and down more often


def test_the_same_seed_gives_the_same_series_and_another_another():
    a, b, c = (datasets.make_machine_temperature(**SHORT, random_state=seed) for seed in (3, 3, 4))
    assert np.array_equal(a.values, b.values) and a.events == b.events
    assert not np.allclose(a.values, c.values)


def test_drift_is_a_straight_line_on_top():
    still, drifting = (datasets.make_machine_temperature(**SHORT, drift=drift) for drift in (0.0, 0.7))
    weeks = np.arange(len(still.values)) / 1008
    assert np.allclose(drifting.values - still.values, 0.7 * weeks, atol=1e-9)
    assert still.events == drifting.events


def test_rhythm_of_the_normal_series():
    normal = datasets.make_machine_temperature(n_faults=0)
    by_slot = normal.values.reshape(18, 7, 144)
    at_work, at_night = by_slot[:, :5, 60:120].mean(), by_slot[:, :5, 6:30].mean()
    assert 7 < at_work - at_night < 12  # shifts heat the machine
    assert by_slot[:, 5:, 60:120].mean() < at_work - 5  # at the weekend it rests
    spectrum = np.abs(np.fft.rfft(np.diff(normal.values[:8192]))) ** 2
    periods = 1 / np.fft.rfftfreq(8191)[1:]
    fast = periods < 20
    assert 7 < periods[fast][np.argmax(spectrum[1:][fast])] < 9  # the thermostat, every 80 minutes


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"weeks": (4, 2)}, "weeks must be three"),
        ({"weeks": (4, 0, 2)}, "at least 1"),
        ({"weeks": 5}, "weeks must be three"),
        ({"weeks": (1.5, 1, 1)}, "weeks must be three whole numbers"),
        (
            {"weeks": (1, 1, 1), "n_faults": 2},
            "n_faults must be a whole number from 0 to 1; .* 1 weeks.*more weeks",
        ),
        ({"n_faults": -1}, "n_faults must be a whole number from 0 to 14; found -1"),
        ({"drift": float("nan")}, "drift must be a finite number"),
    ],
)
def test_arguments_that_cannot_be(wrong, words):
    with pytest.raises(ValueError, match=words):
        datasets.make_machine_temperature(**wrong)


def test_as_many_faults_as_are_allowed_fit():
    for seed in range(5):
        full = datasets.make_machine_temperature(weeks=(1, 1, 6), n_faults=7, random_state=seed)
        assert len(full.events) == 28


def _series(**changes):
    parts = {
        "values": np.zeros(10),
        "times": np.arange(10).astype("datetime64[m]"),
        "y": np.zeros(10, dtype=int),
        "events": (),
        "train": slice(0, 4),
        "validation": slice(4, 6),
        "test": slice(6, 10),
        "unit": "",
        "name": "",
        "description": "",
        "licence": "",
        "citation": "",
    }
    return TimeSeries(**parts | changes)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"y": np.zeros(9, dtype=int)}, "y has 9 labels for 10"),
        ({"times": np.arange(9)}, "times has 9 entries for 10"),
        ({"validation": slice(3, 6)}, "must follow each other"),
        ({"test": slice(6, 11)}, "within the 10 samples"),
        ({"y": np.eye(1, 10, 5, dtype=int)[0]}, "normal samples only"),
    ],
)
def test_a_series_whose_parts_do_not_fit_is_refused(changes, words):
    assert len(_series().values) == 10
    with pytest.raises(ValueError, match=words):
        _series(**changes)


def test_an_event_without_samples_is_refused():
    with pytest.raises(ValueError, match="start < stop"):
        Event("point", 5, 5)


def test_summary_counts(series):
    table = series.summary()
    assert table["samples"].sum() == len(series.values)
    assert table.loc["test", "in a fault"] == series.y.sum() == sum(len(event) for event in series.events)
    assert str(table.loc["test", "from"]) == "2025-02-17 00:00:00"


# --- windows -------------------------------------------------------------------------------------

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 12), st.integers(1, 6)).filter(lambda n: n[1] <= n[0])


@settings(deadline=None)
@given(SIZES)
def test_windows_are_slices_of_the_series(sizes):
    n, size, stride = sizes
    values = np.arange(n) ** 2.0
    expected = [values[i : i + size] for i in range(0, n, stride) if i + size <= n]
    assert np.array_equal(windows.sliding(values, size, stride), expected)
    assert windows.starts(n, size, stride).tolist() == [i for i in range(0, n, stride) if i + size <= n]
    two = np.column_stack([values, -values])
    assert np.array_equal(windows.sliding(two, size, stride), [[[v, -v] for v in each] for each in expected])


def test_windows_share_memory_and_are_read_only():
    values = np.arange(100.0)
    cut = windows.sliding(values, 10)
    assert np.shares_memory(cut, values)
    with pytest.raises(ValueError, match="read-only"):
        cut[0, 0] = 1


@settings(deadline=None)
@given(
    n_windows=st.integers(2, 60),
    size=st.integers(1, 12),
    stride=st.integers(1, 6),
    fraction=st.floats(0.05, 0.9),
)
def test_the_gap_is_the_smallest_that_shares_no_point(n_windows, size, stride, fraction):
    try:
        train, validation = windows.split(n_windows, size, stride, fraction)
    except ValueError as error:
        assert "leave none to train on" in str(error)
        return

    def points(numbers):
        return {int(i) * stride + k for i in numbers for k in range(size)}

    assert not points(train) & points(validation)
    assert validation[-1] == n_windows - 1 and len(validation) == max(1, round(n_windows * fraction))
    assert np.array_equal(train, np.arange(len(train)))
    gap = validation[0] - train[-1] - 1
    if gap:  # one window less left out, and a point is shared
        assert points([*train, train[-1] + 1]) & points(validation)
    if stride == 1:
        assert gap == size - 1


@settings(deadline=None)
@given(n=st.integers(1, 30), size=st.integers(1, 8), data=st.data())
def test_shared_points_against_sets(n, size, data):
    some = st.lists(st.integers(0, n), min_size=1, max_size=10)
    train, asked = data.draw(some), data.draw(some)
    taken = {start + k for start in train for k in range(size)}
    expected = [sum(start + k in taken for k in range(size)) / size for start in asked]
    assert np.allclose(windows.shared_points(train, asked, size), expected)


def test_a_random_split_shares_nearly_every_point():
    numbers = np.random.RandomState(0).permutation(1000)
    assert windows.shared_points(numbers[300:], numbers[:300], 36).mean() > 0.999
    train, validation = windows.split(1000, 36)
    assert windows.shared_points(train, validation, 36).max() == 0
    no_gap = windows.shared_points(*windows.split(1000, 36, gap=0), 36)
    assert (no_gap > 0).sum() == 35 and no_gap[0] == pytest.approx(35 / 36)


def _point_scores_by_hand(scores, n_points, stride, how, size):
    """One point, one window, one offset at a time."""
    held = [[] for _ in range(n_points)]
    last = [np.nan] * n_points
    for i, each in enumerate(scores):
        for k in range(size):
            held[i * stride + k].append(each[k] if np.ndim(each) else each)
        last[i * stride + size - 1] = each[-1] if np.ndim(each) else each
    if how == "last":
        return last
    return [getattr(np, how)(found) if found else np.nan for found in held]


@settings(deadline=None)
@given(sizes=SIZES, how=st.sampled_from(["mean", "max", "last"]), wide=st.booleans(), seed=st.integers(0, 99))
def test_point_scores_against_a_loop(sizes, how, wide, seed):
    n, size, stride = sizes
    n_windows = len(windows.starts(n, size, stride))
    scores = np.random.RandomState(seed).normal(size=(n_windows, size) if wide else n_windows)
    found = windows.point_scores(scores, n, stride, how, size)
    assert np.allclose(found, _point_scores_by_hand(scores, n, stride, how, size), equal_nan=True)


@pytest.mark.parametrize("how", ["mean", "max", "last"])
@pytest.mark.parametrize("at", [35, 36, 100, 163, 164])
def test_a_spike_is_scored_at_its_own_point(how, at):
    """The error of each point in each window: the peak stands at the spike, nowhere else."""
    values = np.zeros(200)
    values[at] = 5
    errors = windows.sliding(values, 36) ** 2
    scores = windows.point_scores(errors, 200, how=how)
    assert np.nanargmax(scores) == at and np.nansum(scores > 0) == 1
    # With one score a window, "last" peaks first where the spike enters; the mean peaks at the spike.
    per_window = errors.sum(axis=1)
    if how == "last":
        assert np.nanargmax(windows.point_scores(per_window, 200, how=how, size=36)) == at
    if how == "mean" and 36 <= at < 164:
        assert np.argmax(windows.point_scores(per_window, 200, how=how, size=36)) == at


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: windows.starts(10, 11), "size must be at most the 10 points"),
        (lambda: windows.starts(10, 0), "size must be a whole number of at least 1"),
        (lambda: windows.starts(10, 2.5), "size must be a whole number"),
        (lambda: windows.starts(10, 2, True), "stride must be a whole number"),
        (lambda: windows.sliding([1, np.nan, 2], 2), "values holds 1 NaN"),
        (lambda: windows.sliding(np.zeros((2, 2, 2)), 2), r"shape \(n,\) or"),
        (lambda: windows.sliding(["a", "b"], 2), "must hold numbers"),
        (lambda: windows.split(10, 8), "leave none to train on"),
        (lambda: windows.split(10, 2, validation_fraction=1.5), "validation_fraction"),
        (lambda: windows.split(10, 2, gap=-1), "gap must be a whole number of at least 0"),
        (lambda: windows.shared_points([], [1], 2), "train_starts must hold window starts"),
        (lambda: windows.shared_points([1], [-1], 2), "starts must hold window starts"),
        (lambda: windows.shared_points([0.5], [1], 2), "train_starts must hold window starts"),
        (lambda: windows.point_scores(np.zeros((4, 3)), 7), "4 windows, but a series of 7 points has 5"),
        (lambda: windows.point_scores(np.zeros(5), 7), "size is missing"),
        (lambda: windows.point_scores(np.zeros((5, 3)), 7, size=4), "size must be the width"),
        (lambda: windows.point_scores(np.zeros((5, 3)), 7, how="median"), "how must be one of"),
        (lambda: windows.point_scores([], 7), "window_scores must have shape"),
        (lambda: windows.point_scores([np.inf] * 5, 7, size=3), "5 infinite"),
    ],
)
def test_windows_that_cannot_be(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- events --------------------------------------------------------------------------------------

FLAGS = st.lists(st.integers(0, 1), min_size=1, max_size=40)


@settings(deadline=None)
@given(FLAGS)
def test_runs_give_back_the_flags(flags):
    rebuilt = np.zeros(len(flags), dtype=int)
    found = windows.runs(flags)
    for start, stop in found:
        assert flags[start:stop] == [1] * (stop - start)
        rebuilt[start:stop] = 1
    assert rebuilt.tolist() == flags
    assert all(b.start > a.stop for a, b in zip(found, found[1:], strict=False))  # and none can be joined


@settings(deadline=None)
@given(FLAGS, st.integers(0, 6))
def test_merged_runs_are_those_of_the_flags_with_short_holes_filled(flags, merge):
    text = "".join(map(str, flags))
    for hole in range(1, merge + 1):
        while f"1{'0' * hole}1" in text:
            text = text.replace(f"1{'0' * hole}1", f"1{'1' * hole}1")
    assert windows.runs(flags, merge) == windows.runs([int(each) for each in text])


@settings(deadline=None)
@given(y=FLAGS, data=st.data(), merge=st.integers(0, 3), lag=st.integers(0, 5))
def test_event_report_against_a_loop(y, data, merge, lag):
    flags = data.draw(st.lists(st.integers(0, 1), min_size=len(y), max_size=len(y)))
    report = windows.event_report(windows.runs(y), flags, merge=merge, lag=lag)
    delays = []
    for start, stop in windows.runs(y):
        hits = [point for point in range(start, stop) if flags[point]]
        delays.append(hits[0] - start + lag if hits else np.nan)
    right = [any(flags[p] and y[p] for p in range(*alarm)) for alarm in windows.runs(flags, merge)]
    assert np.array_equal(report.delays, delays, equal_nan=True)
    assert (report.n_events, report.found) == (len(delays), int(np.isfinite(delays).sum()))
    assert (report.n_alarms, report.right) == (len(right), sum(right))
    if delays:
        assert report.recall == report.found / report.n_events
        assert report.recall_interval[0] <= report.recall <= report.recall_interval[1]
    else:
        assert np.isnan(report.recall) and report.recall_interval == (0, 1)
    assert np.isnan(report.precision) if not right else report.precision == sum(right) / len(right)
    if report.found:
        assert report.f1 == pytest.approx(2 / (1 / report.recall + 1 / report.precision))
    else:
        assert report.f1 == 0


def test_event_report_takes_the_events_of_a_series():
    series = datasets.make_machine_temperature(**SHORT)
    report = windows.event_report(series.events, series.y)
    assert (report.recall, report.precision, report.f1) == (1, 1, 1) and (report.delays == 0).all()
    assert report.n_alarms == report.n_events == 8
    nothing = windows.event_report(series.events, np.zeros(len(series.y), dtype=int))
    assert nothing.found == 0 and np.isnan(nothing.precision) and nothing.f1 == 0


def test_length_does_not_count():
    """A long event found by one point counts as a short one does; point-wise it would not."""
    y = np.zeros(200, dtype=int)
    y[[10, *range(50, 150)]] = 1
    flags = np.zeros(200, dtype=int)
    flags[[10, 149]] = 1
    report = windows.event_report(windows.runs(y), flags)
    assert report.recall == 1 and report.delays.tolist() == [0, 99]
    assert flags[y == 1].mean() < 0.02


@settings(deadline=None)
@given(y=FLAGS, data=st.data())
def test_point_adjust_against_its_definition(y, data):
    flags = data.draw(st.lists(st.integers(0, 1), min_size=len(y), max_size=len(y)))
    expected = list(flags)
    for start, stop in windows.runs(y):
        if 1 in flags[start:stop]:
            expected[start:stop] = [1] * (stop - start)
    assert windows.point_adjust(y, flags).tolist() == expected
    before, after = (windows.event_report(windows.runs(y), each) for each in (flags, expected))
    assert before.found == after.found


def test_point_adjust_leaves_its_arguments_alone():
    flags = np.array([0, 1, 0])
    windows.point_adjust([1, 1, 1], flags)
    assert flags.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: windows.runs([0, 2]), "flags must hold 0 .* and 1"),
        (lambda: windows.runs([0, 1], merge=-1), "merge must be a whole number of at least 0"),
        (lambda: windows.event_report([(0, 5)], [0, 1]), "events must lie within the 2 points"),
        (lambda: windows.event_report([(1, 1)], [0, 1]), "start < stop"),
        (lambda: windows.event_report([(0, 1)], [0, 1], lag=-1), "lag"),
        (lambda: windows.point_adjust([0, 1], [0, 1, 0]), "flags has 3 labels for 2 rows"),
    ],
)
def test_events_that_cannot_be(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- dependence and drift ------------------------------------------------------------------------


def _mean(y, score):
    return score.mean()


def test_block_interval_holds_the_truth_where_the_plain_bootstrap_does_not():
    """Noise with a memory of some 20 points: of 100 intervals for the mean, most blocked ones hold 0."""
    rng = np.random.RandomState(0)
    y = np.zeros(1500, dtype=int)
    held = {1: 0, 100: 0}
    for _ in range(100):
        score = np.convolve(rng.normal(size=1539), np.ones(40) / 40, mode="valid")
        for block in held:
            interval = windows.block_interval(_mean, y, score, block, n_resamples=100)
            held[block] += interval.low <= 0 <= interval.high
    assert held[1] < 50 and held[100] > 80


def test_block_interval_of_one_block_has_no_width():
    """A single block is the whole circle, wherever it begins."""
    score = np.random.RandomState(0).normal(size=50)
    found = windows.block_interval(_mean, np.zeros(50, dtype=int), score, block=50, n_resamples=20)
    assert found.low == pytest.approx(found.value) and found.high == pytest.approx(found.value)


def test_block_interval_leaves_out_what_cannot_be_measured():
    from aecourse import evaluation

    y = np.zeros(400, dtype=int)
    y[:20] = 1
    score = np.arange(400.0)
    interval = windows.block_interval(evaluation.auroc, y, score, block=40, n_resamples=60)
    assert interval.low <= interval.value == 0 <= interval.high
    with pytest.raises(ValueError, match="y has no anomalies"):
        windows.block_interval(evaluation.auroc, np.zeros(400, dtype=int), score, block=40)
    with pytest.raises(ValueError, match="no resample could be measured"):
        windows.block_interval(lambda y, score: np.nan, y, score, block=40)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: windows.block_interval(0.5, [0, 1], [1.0, 2.0], 1), "measure must be a function"),
        (lambda: windows.block_interval(_mean, [0, 1], [1.0, 2.0], 3), "block must be at most the 2 points"),
        (lambda: windows.block_interval(_mean, [0, 1, 1], [1.0, 2.0], 1), "y has 3 labels for 2 rows"),
        (lambda: windows.block_interval(_mean, [0, 1], [1.0, 2.0], 1, confidence=2), "confidence"),
        (lambda: windows.block_compare([0, 1], {}, 1), "scores must be a dict .* dict without entries"),
        (lambda: windows.block_compare([0, 1], [1.0, 2.0], 1), "scores must be a dict .* list"),
        (lambda: windows.block_compare([0, 1], {"a": [1.0]}, 1), "scores\\['a'\\] has 1 scores for 2"),
        (lambda: windows.block_compare([0, 0], {"a": [1.0, 2.0]}, 1), "y has no anomalies"),
        (lambda: windows.block_compare([0, 1], {"a": [1.0, 2.0]}, 3), "block must be at most the 2 points"),
        (
            lambda: windows.block_compare(
                [1] + [0] * 399, {"a": np.arange(400.0)}, 200, n_resamples=1, random_state=2
            ),
            "no resample holds both classes",
        ),
    ],
)
def test_block_intervals_that_cannot_be(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(12, 40),
    memory=st.integers(5, 8),
    step=st.integers(1, 5),
    seed=st.integers(0, 99),
    keep=st.sampled_from([None, "accepted", "array"]),
)
def test_rolling_thresholds_against_a_loop(n, memory, step, seed, keep):
    rng = np.random.RandomState(seed)
    scores = rng.normal(size=n)
    marked = np.ones(n, dtype=int)
    marked[rng.randint(n, size=2)] = 0
    rule = thresholds.Percentile(80)
    counted = marked == 1 if keep == "array" else np.ones(n, dtype=bool)
    expected = np.full(n, np.nan)
    for point in range(memory, n):
        first = memory + (point - memory) // step * step
        before = [scores[i] for i in range(first - memory, first) if counted[i]]
        if not before:  # each fit accepts fewer, until nothing is left
            with pytest.raises(ValueError, match="at least 1 scores"):
                windows.rolling_thresholds(scores, rule, memory, step, keep=keep)
            return
        expected[point] = np.percentile(before, 80)
        if keep == "accepted":
            counted[point] = scores[point] <= expected[point]
    found = windows.rolling_thresholds(scores, rule, memory, step, keep=marked if keep == "array" else keep)
    assert np.array_equal(found, expected, equal_nan=True)
    assert not hasattr(rule, "threshold_")  # a copy was fitted


def test_block_compare_gives_what_block_interval_gives():
    from aecourse import evaluation

    rng = np.random.RandomState(0)
    y = (np.convolve(rng.normal(size=409), np.ones(10), mode="valid") > 4).astype(int)
    scores = {"rounded": np.round(rng.normal(size=400) + y, 1), "shifted": rng.normal(size=400) - y}
    table = windows.block_compare(y, scores, 30, n_resamples=40, confidence=0.8, random_state=3)
    assert list(table.index) == list(scores)
    for name, score in scores.items():
        for measure, function in (("AUROC", evaluation.auroc), ("AP", evaluation.average_precision)):
            expected = windows.block_interval(
                function, y, score, 30, n_resamples=40, confidence=0.8, random_state=3
            )
            found = table.loc[name, [measure, f"{measure} low", f"{measure} high"]]
            assert np.allclose(found.astype(float), expected, atol=1e-12)


def test_rolling_thresholds_do_not_look_ahead():
    scores = np.random.RandomState(0).normal(size=100)
    changed = scores.copy()
    changed[60:] += 100
    rule = thresholds.Conformal(0.1)
    one, other = (windows.rolling_thresholds(each, rule, 30, 10) for each in (scores, changed))
    assert np.array_equal(one[:70], other[:70], equal_nan=True)
    assert other[70] > one[70]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda s, r: windows.rolling_thresholds(s, r, 20, 5), "start must be at least memory"),
        (lambda s, r: windows.rolling_thresholds(s, r, 10, 5, start=9), "start must be at least memory"),
        (lambda s, r: windows.rolling_thresholds(s, r, 10, 5, keep="some"), "keep must be None"),
        (lambda s, r: windows.rolling_thresholds(s, r, 10, 5, keep=[1, 0]), "keep has 2 labels for 20 rows"),
        (lambda s, r: windows.rolling_thresholds(s, r, 10, 0), "step must be a whole number"),
        (
            lambda s, r: windows.rolling_thresholds(s, r, 10, 5, keep=np.zeros(20, dtype=int)),
            "at least 1 scores",
        ),
    ],
)
def test_rolling_thresholds_that_cannot_be(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.arange(20.0), thresholds.Percentile(90))


# --- a network for windows -----------------------------------------------------------------------


@pytest.mark.parametrize("shape, plain", [(36, (36,)), ((36,), (36,)), ((24, 3), (24, 3))])
def test_convolutional_1d_returns_its_own_shape(shape, plain):
    from aecourse import builders

    model = builders.convolutional_1d(
        shape, filters=(4, 3), code_size=5, code_activation="linear", dtype="float64"
    )
    assert model.input_shape == model.output_shape == (None, *plain)
    assert model.encoder.output_shape == (None, 5) and model.decoder.input_shape == (None, 5)
    X = np.random.RandomState(0).normal(size=(7, *plain))
    assert np.allclose(model.decoder(model.encoder(X)), model(X))  # the parts share its weights
    assert model(X).dtype == "float64"
    assert model.get_layer("code").activation.__name__ == "linear"


def test_convolutional_1d_learns_and_repeats():
    from aecourse import builders, training

    X = windows.sliding(np.sin(np.arange(300) / 3), 16)
    losses = []
    for seed in (0, 0, 1):
        model = builders.convolutional_1d(
            16, filters=(6,), code_size=4, learning_rate=0.01, random_state=seed, dtype="float64"
        )
        losses.append(training.fit(model, X, epochs=15).history["loss"][-1])
    assert losses[0] == losses[1] != losses[2]
    assert max(losses) < 0.1 * X.var()


def test_convolutional_1d_says_what_is_wrong():
    from aecourse import builders

    with pytest.raises(ValueError, match="divisible by 4.*found \\(30,\\)"):
        builders.convolutional_1d(30, filters=(4, 4))
    with pytest.raises(ValueError, match="window_shape must be the time steps"):
        builders.convolutional_1d((8, 8, 8))
    with pytest.raises(ValueError, match="at least one"):
        builders.convolutional_1d(8, filters=())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        builders.convolutional_1d(8, filters=(2,), code_size=8)
    assert "no bottleneck" in str(caught[0].message)


# --- the docstrings of the module ----------------------------------------------------------------


def test_every_public_name_has_an_example():
    assert sorted(windows.__all__) == sorted(
        name
        for name, value in vars(windows).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == windows.__name__
    )
    for name in windows.__all__:
        assert "Examples\n" in getattr(windows, name).__doc__, name
