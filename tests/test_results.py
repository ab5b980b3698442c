"""Stored results of benchmarks: read, compared, and made again in part."""

import inspect

import numpy as np
import pandas as pd
import pytest

from aecourse import AutoencoderDetector, datasets
from aecourse.datasets import results
from tools import make_results

NAMES = sorted(path.stem for path in make_results.FOLDER.glob("*.csv"))


def test_there_are_results():
    assert {"untuned", "ablation"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_result_is_complete_and_says_how_it_was_made(name):
    found = datasets.load_results(name)
    assert found.attrs["about"].startswith("Made by: ")
    assert not found.isna().any(axis=None)
    assert found[["auroc", "average_precision"]].apply(lambda each: each.between(0, 1)).all(axis=None)
    assert not found.duplicated(["table", "method", "seed"]).any()
    sizes = found.groupby(["table", "method"]).size()
    assert len(sizes) == found["table"].nunique() * found["method"].nunique()


def test_an_unknown_name_is_told_which_there_are():
    with pytest.raises(ValueError, match="must be one of .*untuned; found 'tuned'"):
        datasets.load_results("tuned")


def made_up(**scores):
    """Return results of methods with these AUROCs by table and seed, and average precisions of half."""
    rows = [
        (f"table {table}", method, seed, value, value / 2)
        for method, tables in scores.items()
        for table, seeds in enumerate(tables)
        for seed, value in enumerate(seeds)
    ]
    return pd.DataFrame(rows, columns=["table", "method", "seed", "auroc", "average_precision"])


def test_methods_are_compared_table_by_table_over_the_means_of_their_seeds():
    compared = datasets.compare_results(
        made_up(one=[[0.4, 0.6], [0.9, 0.9]], ours=[[0.7, 0.9], [0.8, 0.8]]), reference="ours"
    )
    assert list(compared.index) == ["ours", "one"]
    other = compared.loc["one"]
    assert other["auroc"] == pytest.approx(0.7)
    assert other["auroc_difference"] == pytest.approx((-0.3 + 0.1) / 2)
    assert (other["auroc_low"], other["auroc_high"]) == pytest.approx((-0.3, 0.1))
    assert (other["auroc_ahead"], other["auroc_behind"]) == (1, 1)
    assert other["average_precision_difference"] == pytest.approx(-0.05)
    assert (compared.loc["ours", ["auroc_difference", "auroc_low", "auroc_high", "auroc_ahead"]] == 0).all()


def test_the_interval_of_a_difference_covers_its_mean_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(results, "DRAWS", 500)
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        tables = 0.7 + 0.05 * rng.normal(size=(2, 30, 1))
        other = datasets.compare_results(made_up(ours=tables[0], one=tables[1] + 0.01), "ours").loc["one"]
        covered.append(other["auroc_low"] <= 0.01 <= other["auroc_high"])
    assert 0.83 <= np.mean(covered) <= 1 - 1e-9


def test_methods_that_cannot_be_compared_are_refused():
    incomplete = made_up(ours=[[0.5], [0.6]], one=[[0.5]])
    with pytest.raises(ValueError, match="one is not"):
        datasets.compare_results(incomplete, "ours")
    with pytest.raises(ValueError, match="reference must be one of ours, one; found 'other'"):
        datasets.compare_results(incomplete, "other")


def test_a_stored_table_is_what_its_maker_measures(monkeypatch):
    monkeypatch.setattr(make_results, "SEEDS", (0,))
    stored = datasets.load_results("untuned")
    table, scores = next(make_results.tables("untuned", None))
    again = make_results.measure(table, scores)
    both = stored.merge(again, on=["table", "method", "seed"], suffixes=("", "_again"))
    assert len(both) == len(again) > 6
    for measure in ("auroc", "average_precision"):
        np.testing.assert_allclose(both[measure], both[f"{measure}_again"], atol=0.02)


def test_a_maker_continues_where_it_was_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(make_results, "SEEDS", (0,))
    rows = np.random.default_rng(0).normal(size=(60, 3))
    np.savez(tmp_path / "1_small.npz", X=rows, y=np.repeat([0, 1], [50, 10]))
    first = make_results.make("ablation", tmp_path, tmp_path)
    assert {"all parts", "without the stretched view", "without noise", "code of 2"} <= set(first["method"])
    monkeypatch.setattr(make_results, "measure", None)
    pd.testing.assert_frame_equal(make_results.make("ablation", tmp_path, tmp_path), first)


@pytest.mark.parametrize(
    ("name", "reference", "first"),
    [("ablation", "all parts", "Score"), ("untuned", "AutoencoderDetector", "Method")],
)
def test_the_documentation_of_the_detector_shows_the_stored_results(name, reference, first):
    """After a new measurement: put the table that this test expects into the docstring."""
    table = make_results.in_words(name, reference, first)
    assert table in inspect.getdoc(AutoencoderDetector), table


def test_what_the_documentation_says_of_the_stored_results_is_so():
    ablation = datasets.compare_results(datasets.load_results("ablation"), "all parts")
    single = ablation.loc[[f"without {part}" for part in ("plain", "latent", "range", "columns", "white")]]
    for measure in ("auroc", "average_precision"):
        assert ((single[f"{measure}_low"] < 0) & (single[f"{measure}_high"] > 0)).all()
    assert (
        ablation.loc[["without local", "without the stretched view", "code of 2"], "average_precision_high"]
        < 0
    ).all()
    untuned = datasets.compare_results(datasets.load_results("untuned"), "AutoencoderDetector")
    assert (untuned.loc["k-NN, one range", ["auroc_low", "average_precision_low"]] > 0).all()
