"""A time series from the shell: windows cut without leakage, events, gaps, and the share that is left out."""

import json

import numpy as np
import pandas as pd
import pytest

from aecourse import cli
from aecourse.tabular import Choices, TableDetector, detect, score, series, windowing


def make(n=3000, seed=0, events=((2500, 2520),)):
    """Two waves with noise, every minute; in an event the second one stops following the first."""
    rng = np.random.RandomState(seed)
    wave = np.sin(np.arange(n) / 8)
    table = pd.DataFrame(
        {
            "ts": pd.date_range("2024-01-01", periods=n, freq="min"),
            "load": wave + 0.1 * rng.normal(size=n),
            "speed": 5 - wave + 0.1 * rng.normal(size=n),
            "state": "ok",
        }
    )
    for start, stop in events:
        table.loc[start : stop - 1, "speed"] += 2
        table.loc[start : stop - 1, "state"] = "fault"
    return table


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A series and what the command wrote for it."""
    path = tmp_path_factory.mktemp("series") / "plant.csv"
    make().to_csv(path, index=False, sep=";", decimal=",")
    words = ["detect", path, "--time", "ts", "--window", 12, "--train-on", "state == 'ok'", "--budget", 0.05]
    assert cli.main([*map(str, words), "--decimal", ","]) == 0
    return path, path.with_name("plant-results")


def test_an_event_is_found_and_named(results):
    path, folder = results
    assert sorted(each.name for each in folder.iterdir()) == [
        "detector.aecourse",
        "events.csv",
        "report.html",
        "report.json",
        "scores.csv",
    ]
    events = pd.read_csv(folder / "events.csv").sort_values("score", ascending=False)
    first = events.iloc[0]
    assert first["start"] <= "2024-01-02 17:40:00" <= first["end"], "row 2500"
    assert first["reasons"].startswith("speed at 2024-01-02 17:")
    facts = json.loads((folder / "report.json").read_text("utf-8"))
    assert facts["settings"]["series"]["step"] == 60 and len(facts["events"]) == len(events)
    page = (folder / "report.html").read_text("utf-8")
    assert first["start"] in page and "https" not in page and "<script" not in page


def test_windows_that_set_the_threshold_share_no_point_with_others(results):
    scores = pd.read_csv(results[1] / "scores.csv", parse_dates=["start", "end"])
    train = scores[scores["used_for"] == "training"]
    later = scores[scores["used_for"] == "threshold"]
    assert train["end"].max() < later["start"].min()
    assert (later["start"].iloc[1:].to_numpy() > later["end"].iloc[:-1].to_numpy()).all()
    fault = scores[(scores["end"] >= "2024-01-02 17:40") & (scores["start"] < "2024-01-02 18:00")]
    assert (fault["used_for"] == "nothing").all(), "windows with a point that the query does not select"
    assert len(later) >= 19 and later["flagged"].mean() <= 0.05


def test_a_saved_detector_finds_events_in_a_new_series(results, tmp_path, capsys):
    new = tmp_path / "new.csv"
    make(800, seed=1, events=[(400, 430)]).to_csv(new, index=False, sep=";", decimal=",")
    detector = results[1] / "detector.aecourse"
    assert cli.main(["score", str(detector), str(new)]) == 0, capsys.readouterr().err
    events = pd.read_csv(tmp_path / "new-scores.csv").sort_values("score")
    assert events.iloc[-1]["start"] <= "2024-01-01 06:40:00" <= events.iloc[-1]["end"], "row 400"
    slower = make(800, seed=1)
    slower["ts"] = pd.date_range("2024-01-01", periods=800, freq="2min")
    slower.to_csv(new, index=False, sep=";", decimal=",")
    with pytest.raises(ValueError, match="step of 120, and the detector was trained on a step of 60"):
        score(detector, new, force=True)


def test_no_window_reaches_across_a_gap():
    table = make(300).drop(index=range(100, 140))
    plan = windowing.make_plan(table, "ts", 12, Choices(), {"state"})
    found = windowing.cut(table.reset_index(drop=True), plan, Choices())
    assert "1 gaps, where 40 points are missing, the first before row 101" in found.notes[0]
    assert not [first for first in found.first if first < 100 < first + 12]
    np.testing.assert_allclose(found.table["speed, point 12"], table["speed"].to_numpy()[found.first + 11])


def uneven(table):
    return table.assign(ts=table["ts"] + pd.to_timedelta(np.arange(len(table)) % 7 * 5, unit="s"))


@pytest.mark.parametrize(
    "change, words",
    [
        (uneven, "uneven steps.*resample"),
        (lambda table: table.iloc[::-1], "must rise from row to row; row 2 is earlier"),
        (lambda table: table.iloc[[0, 0, *range(1, 900)]], "row 2 repeats the time before it"),
        (
            lambda table: table.assign(ts=table["ts"].where(table.index != 4)),
            "1 times that are missing.*row 5",
        ),
        (lambda table: table.assign(ts=table["state"]), "neither dates nor numbers, such as 'ok'"),
        (
            lambda table: table.rename(columns={"ts": "t"}),
            "time names the column 'ts', which the table does not",
        ),
        (lambda table: table[["ts", "state"]], "needs a column of numbers besides 'ts'"),
        (lambda table: table.head(2), "at least 3 points; found 2"),
        (lambda table: table.head(100), "needs 19 later windows of 12 quiet points.*larger budget"),
        (lambda table: table.head(8), "size must be|no window of 12 points"),
    ],
)
def test_a_series_that_cannot_be_used_is_refused(change, words):
    table = change(make(900)).reset_index(drop=True)
    with pytest.raises(ValueError, match=words):
        series.find(table, "ts", 12, detector=TableDetector(budget=0.05))


def test_time_and_window_belong_together(results):
    with pytest.raises(ValueError, match="a series needs both"):
        detect(results[0], results[0].with_name("other"), time="ts")


# --- anomalies among the training rows ---------------------------------------------------------------


def test_a_share_of_the_training_rows_is_left_out_and_this_is_said(tmp_path, capsys):
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(600, 4)) @ rng.normal(size=(4, 4))
    rows[::20] = 4 * rng.normal(size=(30, 4))
    path = tmp_path / "mixed.csv"
    pd.DataFrame(rows, columns=list("abcd")).to_csv(path, index=False)
    assert cli.main(["detect", str(path), "--budget", "0.1", "--trim", "0.05"]) == 0
    printed = capsys.readouterr().out
    assert "The 5.0% of the training rows with the highest scores were left out" in printed
    assert "at most 10.000% are flagged" in printed
    folder = tmp_path / "mixed-results"
    assert json.loads((folder / "report.json").read_text())["settings"]["trim"] == 0.05
    assert "The 5.0% of the training rows" in (folder / "report.html").read_text("utf-8")
    loaded = TableDetector.load(folder / "detector.aecourse")
    assert loaded.trim == loaded.detector_.trim == 0.05


@pytest.mark.parametrize("share", ["0.6", "-0.1", "x", "nan"])
def test_a_wrong_share_to_leave_out_is_refused(share, capsys):
    with pytest.raises(SystemExit):
        cli.main(["detect", "data.csv", "--trim", share])
    assert "must be a share from 0 to 0.5" in capsys.readouterr().err
