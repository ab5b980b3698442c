"""Looking at a table before anything is fitted: what is said is what `detect` then does."""

import os

import numpy as np
import pandas as pd
import pytest

from aecourse import cli
from aecourse.tabular import Choices, TableDetector, detect, detector, look

N = 300
QUERY = "label == 'normal'"


@pytest.fixture(scope="module")
def table():
    rng = np.random.RandomState(0)
    return pd.DataFrame(
        {
            "line": np.arange(N),
            "size": rng.normal(5, 1, N).round(3),
            "price": [f"${value:,.2f}" for value in rng.uniform(1, 3000, N)],
            "when": pd.date_range("2024-01-01", periods=N, freq="5h").strftime("%Y-%m-%d %H:%M"),
            "day": [f"{1 + row % 12:02d}/{1 + row % 11:02d}/2024" for row in range(N)],
            "gap": np.where(np.arange(N) % 5 == 0, np.nan, rng.normal(size=N)),
            "colour": rng.choice(["red", "blue", "None"], N),
            "note": [f"note {value:.9f}" for value in rng.rand(N)],
            "label": np.where(np.arange(N) % 10 == 3, "odd", "normal"),
        }
    )


@pytest.fixture
def csv(table, tmp_path):
    table.to_csv(tmp_path / "data.csv", index=False)
    return tmp_path / "data.csv"


def test_each_column_has_its_sentence(csv):
    said = look(csv, train_on=QUERY, budget=0.02)
    for name, words in {
        "line": "numbers. Left out: it rises from row to row",
        "size": "numbers from 2.",
        "price": "numbers written with decimal sign '.', thousands separated by ',', unit '$' from",
        "when": "dates. Used: its weekday and hour.",
        "day": "unclear. column 'day' holds dates such as",
        "gap": "20.0% missing. Used, with a feature that says where it is missing.",
        "colour": "'None'",
        "note": "texts. Left out: nearly every row has another text",
        "label": "texts. Left out: it is named in the query",
    }.items():
        (line,) = [each for each in said if each.startswith(f"  {name!r}: ")]
        assert words in line
    assert said[-1].startswith("With 'day' decided or ignored: ")
    assert os.listdir(csv.parent) == ["data.csv"]


def test_what_is_said_is_what_is_done(csv, table, monkeypatch):
    choices = Choices(date_formats=["%d/%m/%Y"], ignore=["note"])
    said = look(csv, train_on=QUERY, budget=0.02, choices=choices)
    done = TableDetector(0.02, choices=choices).prepare(table, QUERY)
    n = pd.Series(done.used_for_).value_counts()
    assert f"train on {n['training']} rows, set the threshold with {n['threshold']} others" in said[-1]
    assert f"and test it on the last {n['later']} in time" in said[-1]
    for name, reason in done.preparation_.left_out_.items():
        assert any(
            each.startswith(f"  {name!r}: ") and each.endswith(f"Left out: {reason}.") for each in said
        )
    assert [each for each in said if each.startswith("Noticed: ")] == [
        f"Noticed: {note}" for note in done.preparation_.notes_ if "written like" not in note
    ]


def test_a_table_that_detect_refuses_is_described_all_the_same(csv):
    said = look(csv, budget=0.0001, choices=Choices(ignore=["day"]))
    assert "would refuse the table: a budget of 0.0001 needs" in said[-1]
    assert any(each.startswith("  'price': numbers written with") for each in said)


def test_only_and_ignore_are_kept_in_the_saved_detector(csv, tmp_path):
    choices = Choices(only=["size", "gap", "colour"], ignore=["line"], na_values=["?"], units={"g": 0.001})
    result = detect(csv, tmp_path / "out", train_on=QUERY, budget=0.05, choices=choices)
    loaded = TableDetector.load(result.output / "detector.aecourse")
    assert loaded.choices == choices
    assert loaded.preparation_.source_names_ == ["size", "gap", "colour"]
    left_out = loaded.preparation_.left_out_
    assert left_out["price"] == "it is not among those to use" and left_out["line"] == "you asked for it"
    assert left_out["label"] == "it is named in the query that selects the normal rows"


@pytest.mark.parametrize(
    "choices, words",
    [
        ({"only": ["sizes"]}, "only names the column 'sizes', .* have. Did you mean 'size'\\? It has "),
        ({"numeric": ["zzz"]}, "numeric names the column 'zzz', which the table does not have. It has "),
        ({"ignore": ["sizes"]}, "ignore names the column 'sizes'"),
        ({"only": ["size"], "ignore": ["size"]}, "only and ignore both name 'size'"),
        ({"only": "size"}, "only must be a list of texts"),
    ],
)
def test_wrong_choices_are_refused(csv, choices, words):
    with pytest.raises(ValueError, match=words):
        look(csv, choices=Choices(**choices))


def test_the_command_says_the_same(csv, capsys, monkeypatch):
    monkeypatch.setattr(detector, "AutoencoderDetector", None)  # nothing is fitted
    options = ["--train-on", QUERY, "--date-format", "%d/%m/%Y", "--numeric", "line", "--categorical", "gap"]
    assert cli.main(["look", str(csv), *options, "--ignore", "note", "--only", "line", "--only", "gap"]) == 0
    said = capsys.readouterr().out.splitlines()
    choices = Choices(
        date_formats=["%d/%m/%Y"],
        numeric=["line"],
        categorical=["gap"],
        ignore=["note"],
        only=["line", "gap"],
    )
    assert tuple(said) == look(csv, train_on=QUERY, choices=choices)
    assert "  'line': numbers from 0 to 299. Used." in said
    assert cli.main(["look", str(csv), "--train-on", "colour == 'None' and size == 'x'"]) == 1
    assert "selects none of 300 rows" in capsys.readouterr().err


def test_durations_and_weeks_are_said(tmp_path):
    rng = np.random.RandomState(0)
    table = pd.DataFrame(
        {
            "took": [f"{v // 60}:{v % 60:02d}" for v in rng.randint(60, 9000, N)],
            "week": [f"2024-W{v:02d}" for v in rng.randint(1, 53, N)],
            "area": [f"{v:.1f} m2" for v in rng.normal(80, 9, N)],
        }
    )
    table.to_csv(tmp_path / "data.csv", index=False)
    took, week, area = look(tmp_path / "data.csv")[1:4]
    seconds = table["took"].str.split(":", expand=True).astype(int) @ [60, 1]
    assert took == f"  'took': durations in seconds from {seconds.min()} to {seconds.max()}. Used."
    assert week == "  'week': dates. Left out: a week, which has neither weekday nor hour."
    assert "unit 'm²' from" in area


def test_how_numbers_are_written_is_said_once(csv):
    said = "\n".join(look(csv, train_on=QUERY, budget=0.02))
    assert said.count("thousands separated by ','") == said.count("decimal sign '.', thousands") == 1
