"""A detector of mixed tables inside scikit-learn: gaps, categories, clones, searches."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from aecourse import evaluation
from aecourse.tabular import make_table_detector

FAST = {"n_members": 2, "epochs": 5, "random_state": 0}


def mixed(n=300, seed=0):
    """Two numbers that belong together, one with gaps, a category, a truth value."""
    rng = np.random.default_rng(seed)
    size = rng.normal(5, 1, n)
    table = pd.DataFrame(
        {
            "size": size,
            "weight": 2 * size + rng.normal(0, 0.1, n),
            "colour": rng.choice(["red", "blue"], n),
            "sold": rng.random(n) < 0.5,
        }
    )
    table.loc[rng.random(n) < 0.1, "weight"] = np.nan
    return table


@pytest.fixture(scope="module")
def fitted():
    return make_table_detector(random_state=0).fit(mixed())


def test_numbers_gaps_and_categories_count(fitted):
    usual = mixed(4, seed=1).assign(weight=lambda table: 2 * table["size"])
    usual[["size", "weight"]] = [5.0, 10.0]
    odd = usual.copy()
    odd.loc[0, "weight"] = 16.0  # it does not belong to its size
    odd.loc[1, "size"] = np.nan  # never missing in training, but the median stands in
    odd.loc[2, "colour"] = "green"
    odd.loc[3, "colour"] = None
    normal, found = fitted.score_samples(usual), fitted.score_samples(odd)
    assert (found[[0, 2, 3]] < normal[[0, 2, 3]] - 1).all()
    assert np.isfinite(found).all() and fitted.predict(usual).tolist() == [1] * 4
    assert (fitted.predict(odd)[[0, 2, 3]] == -1).all()


def test_false_alarms_stay_within_the_budget(fitted):
    assert np.mean(fitted.predict(mixed(2000, seed=5)) == -1) < 0.08


def test_it_can_be_cloned_searched_and_gives_named_columns(fitted):
    twin = clone(make_table_detector(**FAST)).set_output(transform="pandas").fit(mixed())
    columns = twin[:-1].transform(mixed(5, seed=2)).columns.tolist()
    assert columns[:3] == ["size", "weight", "missingindicator_weight"] and "colour_red" in columns
    table = pd.concat([mixed(100), mixed(20, seed=3).assign(weight=0.0)], ignore_index=True)
    labels = np.repeat([0, 1], [100, 20])
    folds = [(np.arange(70), np.arange(70, 120))]
    search = GridSearchCV(
        make_table_detector(**FAST),
        {"detector__hidden": [8, 16]},
        cv=folds,
        scoring=evaluation.scorer("AUROC"),
    )
    assert search.fit(table, labels).best_score_ > 0.95


@pytest.mark.parametrize(
    "table, message",
    [
        (np.zeros((5, 2)), "a pandas DataFrame is needed.* found ndarray"),
        (
            mixed(20).assign(day=pd.Timestamp("2024-01-01")),
            r"neither numbers nor categories: \{'day': 'datetime64",
        ),
    ],
    ids=["array", "date"],
)
def test_what_is_no_table_of_numbers_and_categories_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        make_table_detector(**FAST).fit(table)


def test_columns_count_by_their_names_wherever_they_stand(fitted):
    table = mixed(20, seed=4)
    scores = fitted.score_samples(table)
    for other in (table[table.columns[::-1]], table.assign(more=1.0)):
        np.testing.assert_array_equal(fitted.score_samples(other), scores)


@pytest.mark.parametrize("column", ["size", "colour"])
def test_a_column_that_is_missing_is_named(fitted, column):
    table = mixed(5)
    for other in (table.drop(columns=column), table.rename(columns={column: "renamed"})):
        with pytest.raises(ValueError, match=f"columns are missing: .*{column}"):
            fitted.predict(other)
