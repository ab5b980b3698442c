"""The threshold explorer: its numbers by hand, its picture, and its widgets."""

import math
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aecourse import explorer, thresholds

Y = np.array([0, 0, 0, 0, 1, 1])
SCORE = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 9.0])


@pytest.fixture(autouse=True)
def close_figures():
    plt.close("all")
    yield
    assert plt.get_fignums() == []


# --- Numbers ---------------------------------------------------------------------------------


def test_counts_by_hand():
    found = explorer.outcome(Y, SCORE, 3.0)  # the rows at 3 are not above it
    assert (found.caught, found.missed, found.false_alarms, found.passed) == (1, 1, 1, 3)
    assert (found.recall, found.false_alarm_rate) == (0.5, 0.25)


def test_a_day_by_hand():
    found = explorer.outcome(Y, SCORE, 3.0, cost_miss=20, cost_false_alarm=2, base_rate=0.1, rows_per_day=200)
    # 20 anomalies, 10 caught and 10 missed; 180 normal rows, 45 flagged
    assert (found.misses, found.false_alerts, found.alerts) == pytest.approx((10, 45, 55))
    assert found.precision == pytest.approx(10 / 55)
    assert found.cost == pytest.approx(10 * 20 + 45 * 2)


def test_base_rate_is_that_of_the_labels_unless_given():
    assert explorer.outcome(Y, SCORE, 3.0).precision == pytest.approx(0.5)
    rare = explorer.outcome(Y, SCORE, 3.0, base_rate=0.01)
    assert rare.precision == pytest.approx(0.005 / (0.005 + 0.2475))


def test_nothing_flagged_has_no_precision():
    found = explorer.outcome(Y, SCORE, 9.0)
    assert math.isnan(found.precision) and found.alerts == 0 and found.recall == 0
    assert "precision undefined" in str(found)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=0, max_size=60),
    st.lists(st.integers(-2, 22), min_size=1, max_size=10),
    st.floats(0.001, 0.999),
)
def test_curve_is_the_outcome_at_each_threshold(rows, cuts, base_rate):
    rows = [(False, 3), (True, 8), *rows]
    y, score = np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], float)
    curve = explorer.cost_curve(y, score, cuts, base_rate=base_rate)
    singles = [explorer.outcome(y, score, cut, base_rate=base_rate) for cut in cuts]
    assert curve == pytest.approx([single.cost for single in singles])
    for cut, single in zip(cuts, singles, strict=True):
        flagged = score > cut
        assert single.caught == np.sum(flagged & (y == 1))
        assert single.false_alarms == np.sum(flagged & (y == 0))
        assert single.caught + single.missed + single.false_alarms + single.passed == y.size


def test_cheapest_cut_is_that_of_the_rule():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [300, 60])
    score = rng.normal(size=360) + 1.5 * y
    rule = thresholds.ExpectedCost(cost_miss=10, cost_false_alarm=1, base_rate=0.02).fit(score, y)
    curve = explorer.cost_curve(y, score, np.append(score.min() - 1, np.sort(score)), base_rate=0.02)
    assert curve.min() == pytest.approx(1000 * rule.cost_)
    assert explorer.outcome(y, score, rule.threshold_, base_rate=0.02).cost == pytest.approx(curve.min())


@pytest.mark.parametrize(
    "bad, named",
    [
        ({"cost_miss": 0}, "cost_miss"),
        ({"cost_false_alarm": "dear"}, "cost_false_alarm"),
        ({"base_rate": 1}, "base_rate"),
        ({"rows_per_day": math.inf}, "rows_per_day"),
        ({"threshold": math.nan}, "threshold"),
        ({"y": Y * 0}, "y has no anomalies"),
        ({"score": SCORE[1:]}, "y has 6"),
    ],
)
def test_unusable_arguments_are_named(bad, named):
    with pytest.raises(ValueError, match=named):
        explorer.outcome(**{"y": Y, "score": SCORE, "threshold": 3.0} | bad)


# --- Picture and widgets -----------------------------------------------------------------------


def test_picture_says_its_numbers(capsys):
    assert explorer.explore(Y, SCORE, 3.0, base_rate=0.1, interactive=False) is None
    words = capsys.readouterr().out
    assert "At threshold 3: recall 50.0 %, false-alarm rate 25.0 %, precision 18 %" in words
    for title in ("Scores and threshold", "Decisions on these rows", "Cost of a day"):
        assert title in words


def test_without_a_reader_it_is_a_picture(capsys, monkeypatch):
    monkeypatch.setenv("AECOURSE_PROGRESS", "0")
    assert explorer.explore(Y, SCORE, 3.0) is None
    monkeypatch.setenv("AECOURSE_PROGRESS", "1")
    assert explorer.explore(Y, SCORE, 3.0) is None  # a plain script has no place for widgets either
    assert capsys.readouterr().out.count("At threshold 3:") == 2


def test_in_a_notebook_it_is_widgets_by_default(monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.setenv("AECOURSE_PROGRESS", "1")
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    assert explorer._widgets(None) is sys.modules["ipywidgets"]
    monkeypatch.setenv("AECOURSE_PROGRESS", "0")
    assert explorer._widgets(None) is None


def test_without_ipywidgets(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setenv("AECOURSE_PROGRESS", "1")
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    assert explorer._widgets(None) is None
    with pytest.raises(ValueError, match="ipywidgets"):
        explorer.explore(Y, SCORE, 3.0, interactive=True)


def test_sliders_move_the_numbers_and_the_picture():
    pytest.importorskip("ipywidgets")
    box = explorer.explore(Y, SCORE, 2.9, base_rate=0.1, interactive=True)
    slider, ratio, base_rate, table, picture = box.children
    assert slider.value == pytest.approx(2.9, abs=slider.step) and ratio.value == pytest.approx(10)
    seen = [(table.value, picture.value)]
    for control, value in ((slider, 4.5), (ratio, 100.0), (base_rate, 0.01)):
        control.value = value
        seen.append((table.value, picture.value))
        assert seen[-1][0] != seen[-2][0] and seen[-1][1] != seen[-2][1]
        assert 'src="data:image/png;base64,iVBORw0KGgo' in picture.value
    found = explorer.outcome(Y, SCORE, slider.value, cost_miss=100, base_rate=0.01)
    assert f'alt="At {found}."' in picture.value
    assert f"cost {found.cost:.1f}" in table.value and "<td>1</td><td>1 (50.0%)</td>" in table.value


def test_sliders_leave_the_figures_of_pyplot_alone():
    """A second thread may move them while a cell draws, and all threads share pyplot's current figure."""
    pytest.importorskip("ipywidgets")
    mine, ax = plt.subplots()
    box = explorer.explore(Y, SCORE, 2.9, base_rate=0.1, interactive=True)
    box.children[1].value = 100.0
    assert plt.gcf() is mine and plt.gca() is ax
    plt.close(mine)


def test_slider_reaches_both_ends():
    pytest.importorskip("ipywidgets")
    slider = explorer.explore(Y, SCORE, 99.0, interactive=True).children[0]
    assert (slider.min, slider.max, slider.value) == (1.0, 9.0, 9.0)


@pytest.mark.parametrize("view", [(2, 1), (1,), (1, 1)])
def test_view_must_be_a_range(view):
    with pytest.raises(ValueError, match="view"):
        explorer.explore(Y, SCORE, 3.0, view=view, interactive=False)
