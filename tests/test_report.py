"""What the report says: for people on one page, and for programs in `report.json`."""

import gzip
import hashlib
import json
import re

import chromium
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aecourse.tabular import TableDetector, detect, findings, report, score, scoring, series
from aecourse.tabular.comparison import NAME, Method, compare

QUERY = "label == 'normal'"


def make(n=400, seed=0):
    """Correlated numbers, a text, gaps, a key and repeated rows; the last tenth breaks the correlation."""
    rng = np.random.RandomState(seed)
    width = rng.normal(5, 1, n)
    table = pd.DataFrame(
        {
            "key": [f"k{number}" for number in rng.permutation(n)],
            "width": width,
            "height": width + rng.normal(0, 0.1, n),
            "colour": rng.choice(["red", "blue"], n),
            "depth": np.where(rng.rand(n) < 0.1, np.nan, rng.normal(size=n)),
            "when": pd.date_range("2024-03-01", periods=n, freq="5min").strftime("%Y-%m-%d %H:%M"),
            "label": np.where(np.arange(n) < 0.9 * n, "normal", "odd"),
        }
    )
    table.loc[table["label"] == "odd", "height"] += 3
    used = ["width", "height", "colour", "depth"]
    table.loc[10:14, used] = table.loc[[0] * 5, used].to_numpy()
    return table


@pytest.fixture(scope="module")
def table():
    return make()


@pytest.fixture(scope="module")
def results(tmp_path_factory, table):
    """A packed table, and what was found in it."""
    path = tmp_path_factory.mktemp("report") / "data.csv.gz"
    path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    return path, detect(path, train_on=QUERY, budget=0.05, random_state=3).output


def load(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.fixture(scope="module")
def found(results):
    return load(results[1] / "report.json")


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """What is found in a small table without a query."""
    path = tmp_path_factory.mktemp("report") / "small.csv"
    pd.DataFrame({"x": np.random.RandomState(0).normal(size=60)}).to_csv(path, index=False)
    return load(detect(path, budget=0.05).output / "report.json")


# --- the file for programs -----------------------------------------------------------------------

KINDS = {
    "text": lambda value: isinstance(value, str),
    "whole number": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "true or false": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "list of texts": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "interval": lambda value: set(value) == {"value", "low", "high"},
    "count": lambda value: set(value) == {"rows", "flagged", "share", "low", "high"},
}


def documented(module):
    """Return {path: (kind, whether it may be null)} from the table in a module's docstring."""
    row = r"^``([\w.\[\]]+)`` {2,}(list of texts|true or false|whole number|\w+)(\?)?"
    return {path: (kind, bool(optional)) for path, kind, optional in re.findall(row, module.__doc__, re.M)}


def leaves(value, described, path=""):
    """Yield (path, value) of each entry that the module describes, and of each that it does not."""
    if described.get(path) or not isinstance(value, (dict, list)):
        yield path, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, described, f"{path}.{name}".strip("."))
    else:
        for each in value:
            yield from leaves(each, described, f"{path}[]")


@pytest.fixture(scope="module")
def scored(tmp_path_factory, results):
    """What is said of a new table: with an unknown column, a gap, labels, and values far outside."""
    folder = tmp_path_factory.mktemp("scored")
    make(seed=1).assign(more=1).to_csv(folder / "new.csv", index=False)
    result = score(results[1] / "detector.aecourse", folder / "new.csv")
    assert result.report == folder / "new-scores-report.json"
    return result.report


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """The report of a series, and that of a later one scored with the saved detector."""
    folder = tmp_path_factory.mktemp("events")
    for seed in (0, 1):
        rng = np.random.RandomState(seed)
        load = np.sin(np.arange(2000) / 8) + 0.1 * rng.normal(size=2000)
        load[1500:1515] += 3
        table = pd.DataFrame({"ts": np.arange(2000), "load": load, "state": "ok"})
        table.to_csv(folder / f"{seed}.csv", index=False)
    found = detect(folder / "0.csv", time="ts", window=12, train_on="state == 'ok'", budget=0.05).output
    return found / "report.json", score(found / "detector.aecourse", folder / "1.csv").report


@pytest.fixture(
    params=[(findings, "detect", 60), (scoring, "score", 30), (series, "series", 20)],
    ids=["detect", "score", "series"],
)
def reports(request, results, unlabelled, scored, events):
    """A module that describes a structure, reports that have it, and the fewest entries expected."""
    module, kind, at_least = request.param
    texts = {
        "detect": [load(results[1] / "report.json"), unlabelled],
        "score": [load(scored)],
        "series": [load(each) for each in events],
    }
    return module, texts[kind], at_least


def test_the_file_has_the_structure_that_is_documented(reports):
    module, found, at_least = reports
    described = documented(module)
    seen = dict.fromkeys(described, 0)
    for path, value in [leaf for each in found for leaf in leaves(each, described)]:
        if path == "drift" and value is None:
            continue
        assert path in described, f"{path} is not described"
        kind, optional = described[path]
        assert (optional and value is None) or KINDS[kind](value), f"{path} is {value!r}, and no {kind}"
        seen[path] += value is not None
    assert len(seen) > at_least and not [path for path, n in seen.items() if not n], (
        "described, but never there"
    )


def test_the_report_of_scores_has_the_structure_of_the_other_as_far_as_it_applies():
    """A program that reads one reads the other: what both have is of the same kind."""
    own, other = documented(scoring), documented(findings)
    only_here = {"table.unknown", "detector.name", "detector.sha256"}
    assert set(own) - set(other) == only_here
    assert {path for path in set(own) & set(other) if own[path][0] != other[path][0]} == set()


def test_what_is_said_of_scores_is_true(scored, results):
    said, table = load(scored), make(seed=1)
    lines = pd.read_csv(scored.with_name("new-scores.csv"))
    assert said["table"]["sha256"] == hashlib.sha256(scored.with_name("new.csv").read_bytes()).hexdigest()
    saved = results[1] / "detector.aecourse"
    assert said["detector"]["sha256"] == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert said["settings"]["random_state"] == 3 and said["table"]["unknown"] == ["more"]
    assert said["rows"] == [{"used_for": "nothing", "rows": 400, "flagged": int(lines["flagged"].sum())}]
    flagged = lines[lines["flagged"] == 1].sort_values("score", ascending=False, kind="stable")
    assert len(flagged) > 30 and [row["row"] for row in said["flagged"]] == flagged["row"].tolist()
    for row, reasons in zip(said["flagged"], flagged["reasons"], strict=True):
        assert row["labels"] == {"label": table["label"].iloc[row["row"] - 1]}
        assert reasons.startswith(f"{row['reasons'][0]['column']} = {row['reasons'][0]['found']}")
    drift = TableDetector.load(saved).drift(table)
    assert said["drift"]["warnings"] == drift.warnings and said["drift"]["broken"]
    assert {each["name"]: each["outside"] for each in said["drift"]["columns"]} == drift.outside


def test_pieces_and_the_limit_change_nothing_else(results, tmp_path, monkeypatch):
    make(seed=1).to_csv(tmp_path / "new.csv", index=False)
    saved = results[1] / "detector.aecourse"
    whole = load(score(saved, tmp_path / "new.csv").report)
    monkeypatch.setattr("aecourse.tabular.jobs.CHUNK", 30)
    monkeypatch.setattr("aecourse.tabular.scoring.MOST_FLAGGED", 5)
    pieces = load(score(saved, tmp_path / "new.csv", force=True).report)
    assert [row["row"] for row in pieces["flagged"]] == [row["row"] for row in whole["flagged"][:5]]
    assert pieces["rows"] == whole["rows"] and pieces["drift"] == whole["drift"]


@pytest.mark.parametrize("there", ["new-scores.csv", "new-scores-report.json"])
def test_neither_file_is_replaced_unasked(results, tmp_path, there):
    make(60).to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / there).write_text("mine")
    with pytest.raises(FileExistsError, match=f"{there} exists already"):
        score(results[1] / "detector.aecourse", tmp_path / "new.csv")
    assert (tmp_path / there).read_text() == "mine" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", ["table", "series"])
def test_on_standard_output_no_report_is_written_and_this_is_said(results, events, tmp_path, kind, capsys):
    path = tmp_path / "new.csv"
    if kind == "table":
        make(60).to_csv(path, index=False)
    else:
        path.write_bytes((events[0].parents[1] / "1.csv").read_bytes())
    saved = results[1] if kind == "table" else events[0].parent
    result = score(saved / "detector.aecourse", path, "-")
    assert result.report is None and result.lines[-1].endswith(
        "so no report is written; name a file for both: -o FILE."
    )
    assert len(list(tmp_path.iterdir())) == 1 and capsys.readouterr().out.count("\n") > 1


def test_where_the_results_come_from_is_said(results, found):
    path, folder = results
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["table"]["sha256"] == digest and digest in (folder / "report.html").read_text("utf-8")
    assert found["settings"]["random_state"] == 3 and found["table"]["rows"] == 400


def test_shares_have_the_interval_of_clopper_and_pearson(results, found):
    scores = pd.read_csv(results[1] / "scores.csv")
    rows = {"false_alarms": scores["used_for"] == "later", "recall": scores["used_for"] == "nothing"}
    for name, chosen in rows.items():
        flagged, n = int(scores.loc[chosen, "flagged"].sum()), int(chosen.sum())
        assert (found[name]["flagged"], found[name]["rows"]) == (flagged, n)
        low = stats.beta.ppf(0.025, flagged, n - flagged + 1) if flagged else 0
        high = stats.beta.ppf(0.975, flagged + 1, n - flagged) if flagged < n else 1
        assert (found[name]["low"], found[name]["high"]) == pytest.approx((low, high))
    assert found["recall"]["share"] > 0.9 > 0.2 > found["false_alarms"]["share"]


def test_without_labels_there_is_no_recall(unlabelled):
    assert unlabelled["recall"] is None and unlabelled["drift"] is None
    assert unlabelled["comparison"]["sentences"] == []
    assert [method["recall"] for method in unlabelled["comparison"]["methods"]] == [None] * 5


def test_repeated_rows_are_counted(found, table):
    used = ["width", "height", "colour", "depth"]
    assert found["table"]["repeated"] == table.duplicated(used).sum() == 5


def test_columns_are_described_by_their_training_rows(results, found, table):
    used_for = pd.read_csv(results[1] / "scores.csv")["used_for"]
    rows = table[used_for == "training"]
    columns = {column["name"]: column for column in found["columns"]}
    assert list(columns) == list(table.columns)
    assert columns["width"]["median"] == pytest.approx(rows["width"].median())
    assert columns["width"]["low_5"] == pytest.approx(rows["width"].quantile(0.05))
    assert columns["depth"]["missing"] == pytest.approx(rows["depth"].isna().mean())
    assert columns["colour"]["different"] == 2 and len(columns["colour"]["frequent"]) == 2
    assert columns["key"]["left_out"] and not columns["key"]["used"]
    assert sum(column["leads"] for column in columns.values()) == len(found["flagged"])


def test_flagged_rows_have_their_id_their_label_and_the_usual_value(results, found, table):
    n_flagged = int(pd.read_csv(results[1] / "scores.csv")["flagged"].sum())
    assert len(found["flagged"]) == n_flagged
    median = {column["name"]: column["median"] for column in found["columns"]}
    page = (results[1] / "report.html").read_text("utf-8")
    for row in found["flagged"]:
        there = table.iloc[row["row"] - 1]
        assert (row["id"], row["labels"]) == (there["key"], {"label": there["label"]})
        for reason in row["reasons"]:
            value = there[reason["column"]]
            shown = value if isinstance(value, str) else "missing" if np.isnan(value) else f"{value:.6g}"
            assert reason["found"] == shown
            if median[reason["column"]] is not None:
                assert float(reason["usual"]) == pytest.approx(median[reason["column"]], rel=1e-4)
    first = found["flagged"][0]
    assert f"Row {first['row']} · {first['id']}</h3>" in page and "label: odd" in page


@pytest.mark.parametrize(
    "columns, left_out, name",
    [
        ({"n": [1, 2], "key": ["a", "b"]}, ["n", "key"], "key"),
        ({"n": [1, 2], "key": ["a", "b"]}, ["n"], "n"),
        ({"n": [1, 1], "size": [0.5, 0.7]}, ["n", "size"], None),
        ({"key": ["a", "b"]}, [], None),
    ],
)
def test_the_column_that_identifies_rows_is_found(columns, left_out, name):
    assert findings.find_id(pd.DataFrame(columns), dict.fromkeys(left_out, "asked for")) == name


# --- the simple methods ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(table):
    return TableDetector(budget=0.05).fit(table, QUERY)


def test_simple_methods_see_the_same_rows_at_the_same_budget(table, fitted):
    scored = fitted.score(table)
    comparison = compare(table, fitted, scored)
    assert (comparison.n_trained_on, comparison.n_rejected) == (fitted.preparation_.n_rows_, 40)
    assert comparison.n_normal == (fitted.used_for_ != "training").sum() - 40
    me, *others = comparison.methods
    assert me.name == NAME and me.recall == scored["flagged"][table["label"] == "odd"].mean()
    assert [method.name for method in others] == [
        "PCA reconstruction",
        "Mahalanobis",
        "k-NN",
        "Isolation Forest",
    ]
    assert {method.name: method.recall for method in others}["Mahalanobis"] > 0.9


def test_a_simple_method_that_is_ahead_is_named(table, fitted):
    """The detector's scores are exchanged for noise: then every sound method is ahead of it."""
    noise = np.random.RandomState(0).rand(len(table))
    scored = fitted.score(table).assign(score=noise, flagged=(noise > 0.95).astype(int))
    first, *named = compare(table, fitted, scored).sentences
    assert "does better than the detector" in first
    mahalanobis = next(each for each in named if each.startswith("Mahalanobis"))
    assert all(measure in mahalanobis for measure in ("in AUROC by", "in average precision by", "in recall"))
    scored = scored.assign(row=range(1, 401), used_for=fitted.used_for_)
    flagged = scored[scored["flagged"] == 1].sort_values("score", ascending=False)
    assert first in report.render_report("noise", table, fitted, scored, flagged)


def test_a_detector_that_is_not_behind_is_not_said_to_be(table, fitted):
    (sentence,) = compare(table, fitted, fitted.score(table)).sentences
    assert "no simple method is ahead" in sentence


@pytest.mark.parametrize("only_this, only_detector, ahead", [(5, 0, False), (6, 0, True), (9, 6, False)])
def test_recall_is_ahead_by_the_exact_test_of_pairs(only_this, only_detector, ahead):
    method = Method("k-NN", 20, 5, recall=0.5, only_this=only_this, only_detector=only_detector)
    assert bool(method.ahead()) == ahead == (0.5**only_this < 0.025 and not only_detector)


def test_of_large_tables_some_rows_are_drawn(table, fitted, monkeypatch):
    monkeypatch.setattr("aecourse.tabular.comparison.MOST_TRAINED_ON", 100)
    monkeypatch.setattr("aecourse.tabular.comparison.MOST_COMPARED", 30)
    comparison = compare(table, fitted, fitted.score(table))
    assert (comparison.n_trained_on, comparison.n_normal, comparison.n_rejected) == (100, 30, 30)
    assert compare(table, fitted, fitted.score(table)) == comparison, "the same rows each time"


def test_values_far_outside_do_not_stop_the_simple_methods(table):
    far = table.assign(width=np.where(np.arange(400) % 50, table["width"], np.inf))
    fitted = TableDetector(budget=0.05).fit(far, QUERY)
    comparison = compare(far, fitted, fitted.score(far))
    assert all(np.isfinite(method.auroc).all() for method in comparison.methods)


# --- the page ----------------------------------------------------------------------------------


def test_the_page_fits_a_narrow_screen(tmp_path):
    """Names of columns, texts and the file may be long; nothing needs to be pushed sideways."""
    long = "a_name_without_any_blank_" * 5
    table = make(200).rename(columns={"width": long})
    table["colour"] = table["colour"].str.replace("red", "r" * 200)
    table["key"] += "0123456789" * 10
    path = tmp_path / f"{'long' * 30}.csv"
    table.to_csv(path, index=False)
    output = detect(path, train_on=QUERY, budget=0.05).output
    with chromium.browser() as browser:
        for width in chromium.WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 2400})
            page.goto((output / "report.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('td')).fontSize)")
            assert size >= 14
            chromium.keep_picture(page, f"report-{width}")
            page.close()
