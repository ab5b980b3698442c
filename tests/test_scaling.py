"""Tables in parts: scored on a Dask cluster as in one process, and trained on block by block."""

import os
import pathlib
import signal
import time

import numpy as np
import pandas as pd
import pytest

from aecourse import AutoencoderDetector, datasets, scaling

SENSORS = [f"sensor_{i}" for i in range(1, 9)]


@pytest.fixture(scope="module")
def detector():
    rows = datasets.make_sensor_rows(2000, anomaly_share=0, random_state=100)[SENSORS]
    return AutoencoderDetector(n_members=2, hidden=16, criterion="white", random_state=0).fit(rows)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Twelve parts, so that their order is not that of their names as plain numbers."""
    folder = tmp_path_factory.mktemp("table")
    for number in range(12):
        rows = datasets.make_sensor_rows(500 + number, anomaly_share=0.02, random_state=number)
        rows.assign(row=np.arange(len(rows)) + 1000 * number).to_parquet(
            folder / f"part_{number:03d}.parquet"
        )
    return folder


@pytest.fixture(scope="module")
def client():
    with scaling.cluster(n_workers=2) as client:
        yield client


def whole(table):
    return pd.concat([pd.read_parquet(file) for file in sorted(table.glob("*"))], ignore_index=True)


def test_scores_are_those_of_one_process(client, detector, table, tmp_path):
    n_rows = scaling.score_parquet(detector, table, tmp_path / "scores", keep=["row", "anomaly"])
    scored, rows = whole(tmp_path / "scores"), whole(table)
    assert n_rows == len(rows) == len(scored)
    np.testing.assert_array_equal(scored["row"], rows["row"])
    np.testing.assert_array_equal(scored["anomaly"], rows["anomaly"])
    np.testing.assert_allclose(scored["anomaly_score"], detector.anomaly_score(rows[SENSORS]), rtol=1e-12)
    np.testing.assert_array_equal(scored["flagged"], scored["anomaly_score"] > detector.threshold_)
    assert len(list((tmp_path / "scores").iterdir())) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["scores"]


def test_both_workers_are_processes_of_their_own(client):
    pids = client.run(os.getpid)
    assert len(set(pids.values())) == 2 and os.getpid() not in pids.values()


def slowly(detector, log):
    """Wrap a detector: it leaves its process id, and takes its time."""

    class Slow:  # a class of a function is sent to the workers whole, so they need not import this file
        threshold_ = 0.0
        feature_names_in_ = detector.feature_names_in_

        def anomaly_score(self, rows):
            if len(rows):
                (pathlib.Path(log) / f"{time.time_ns()}_{os.getpid()}").touch()
                time.sleep(0.1)
            return detector.anomaly_score(rows)

    return Slow()


def test_a_killed_worker_loses_nothing(detector, table, tmp_path):
    (tmp_path / "log").mkdir()
    with scaling.cluster(n_workers=2) as client:
        victim = next(iter(client.run(os.getpid).values()))
        killer = _kill_when_half_done(victim, tmp_path / "log")
        n_rows = scaling.score_parquet(
            slowly(detector, tmp_path / "log"), table, tmp_path / "scores", keep=["row"]
        )
        killer.join()
        assert victim not in client.run(os.getpid).values()
    scored, rows = whole(tmp_path / "scores"), whole(table)
    assert n_rows == len(rows)
    np.testing.assert_array_equal(scored["row"], rows["row"])
    np.testing.assert_allclose(scored["anomaly_score"], detector.anomaly_score(rows[SENSORS]), rtol=1e-12)


def _kill_when_half_done(pid, log):
    import threading

    def wait_and_kill():
        waited = time.monotonic() + 60
        while len(list(log.iterdir())) < 5 and time.monotonic() < waited:
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


def test_a_scheduler_that_runs_is_used(client, detector, table, tmp_path):
    with scaling.cluster(client.scheduler.address) as second:
        assert second.scheduler.address == client.scheduler.address
        assert scaling.score_parquet(detector, table / "part_000.parquet", tmp_path / "scores") == 500
    assert client.submit(sum, [1, 2]).result() == 3, "the cluster that was joined keeps running"


def test_threads_do_the_work_without_a_cluster(detector, table, tmp_path):
    import dask

    with dask.config.set(scheduler="threads"):
        assert scaling.score_parquet(detector, table / "part_001.parquet", tmp_path / "new" / "scores") == 501


def test_a_failure_leaves_nothing(client, detector, tmp_path):
    rows = datasets.make_sensor_rows(10)
    rows.loc[3, "sensor_2"] = np.nan
    rows.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match="NaN"):
        scaling.score_parquet(detector, tmp_path / "rows.parquet", tmp_path / "scores")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_bad_input_is_refused_before_any_work(detector, table, tmp_path):
    with pytest.raises(FileNotFoundError, match="source: no Parquet file"):
        scaling.score_parquet(detector, tmp_path / "nowhere", tmp_path / "scores")
    with pytest.raises(FileExistsError, match="destination"):
        scaling.score_parquet(detector, table, tmp_path)
    with pytest.raises(ValueError, match="keep: .* has no column 'number'"):
        scaling.score_parquet(detector, table, tmp_path / "scores", keep=["number"])
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="detector: .* has no column 'sensor_1'"):
        scaling.score_parquet(detector, tmp_path / "other.parquet", tmp_path / "scores")
    nameless = AutoencoderDetector(epochs=1).fit(np.random.default_rng(0).normal(size=(50, 2)))
    with pytest.raises(ValueError, match="fit it on a DataFrame"):
        scaling.score_parquet(nameless, table, tmp_path / "scores")
    with pytest.raises(ValueError, match="n_workers"), scaling.cluster(n_workers=0):
        pass
    with pytest.raises(OSError, match="no Dask scheduler answers"), scaling.cluster("nonsense://nowhere"):
        pass
    with pytest.raises(ValueError, match="columns: .* has no column 'x'"):
        scaling.parquet_batches(table, ["x"])
    for name in ("batch_size", "block_rows"):
        with pytest.raises(ValueError, match=name):
            scaling.parquet_batches(table, SENSORS, **{name: 0})
    assert not (tmp_path / "scores").exists()


def rows_of(batches):
    return np.concatenate([x.numpy() for x, _ in batches])


def test_batches_hold_every_row_once_an_epoch(table):
    rows = whole(table)[SENSORS].to_numpy()
    plain = scaling.parquet_batches(table, SENSORS, 64, shuffle=False, block_rows=100)
    np.testing.assert_array_equal(rows_of(plain), rows)
    assert {len(x) for x, _ in plain.take(5)} == {64}
    shuffled = scaling.parquet_batches(table, SENSORS, 64, block_rows=100, random_state=3)
    first, second = rows_of(shuffled), rows_of(shuffled)
    for epoch in (first, second):
        assert not np.array_equal(epoch, rows)
        np.testing.assert_array_equal(np.sort(epoch, axis=0), np.sort(rows, axis=0))
    assert not np.array_equal(first, second), "a new order every epoch"
    again = scaling.parquet_batches(table, SENSORS, 64, block_rows=100, random_state=3)
    np.testing.assert_array_equal(rows_of(again), first)
    assert all(np.array_equal(x, y) for x, y in shuffled)


def test_only_a_few_blocks_are_read_ahead(table, monkeypatch):
    import pyarrow.parquet

    read = []
    iter_batches = pyarrow.parquet.ParquetFile.iter_batches

    def counted(self, **kwargs):
        for block in iter_batches(self, **kwargs):
            read.append(block.num_rows)
            yield block

    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "iter_batches", counted)
    batches = iter(scaling.parquet_batches(table, SENSORS, 50, block_rows=100))
    next(batches)
    time.sleep(0.2)
    assert max(read) <= 100 and sum(read) <= 400, "the table has over 6,000 rows"


def test_training_from_parquet_learns_as_from_memory(table):
    from aecourse import builders, training

    rows = whole(table)[SENSORS].to_numpy()
    rest = datasets.make_sensor_rows(1000, 0, 999)[SENSORS].to_numpy()

    def model():
        return builders.dense(8, hidden=(), code_size=3, output="linear", learning_rate=0.01, random_state=0)

    streamed, in_memory = model(), model()
    streamed.fit(scaling.parquet_batches(table, SENSORS, 64), epochs=8, verbose=0)
    training.fit(in_memory, rows, epochs=8, batch_size=64, random_state=0)
    losses = [net.evaluate(rest, rest, verbose=0) for net in (streamed, in_memory)]
    assert losses[0] == pytest.approx(losses[1], rel=0.1) and losses[0] < 0.2 * rest.var()


def test_sensor_rows():
    rows = datasets.make_sensor_rows(20_000, anomaly_share=0.05, random_state=1)
    pd.testing.assert_frame_equal(rows, datasets.make_sensor_rows(20_000, anomaly_share=0.05, random_state=1))
    assert rows["anomaly"].mean() == pytest.approx(0.05, abs=0.005)
    values, broken = rows[SENSORS].to_numpy(), rows["anomaly"].to_numpy() == 1
    # A broken sensor's value is ordinary by itself: the columns have the same spread with and without.
    np.testing.assert_allclose(values[broken].std(axis=0), values[~broken].std(axis=0), rtol=0.15)
    # Normal rows lie in three directions, but for the noise.
    variances = np.sort(np.linalg.eigvalsh(np.cov(values[~broken].T)))
    np.testing.assert_allclose(variances[:5], 0.15**2, rtol=0.1)
    assert variances[5] > 10 * variances[4]
    assert datasets.make_sensor_rows(10, anomaly_share=0)["anomaly"].sum() == 0
    for bad in ({"n_rows": 0}, {"n_rows": 2.5}, {"anomaly_share": 2}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            datasets.make_sensor_rows(**bad)
