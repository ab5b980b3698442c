"""What one machine does with a table of Parquet files, before a cluster is worth it, and rows to train on.

``python -m benchmarks.bench_one_machine`` measures, on a table of ten million rows,

- a summary (how many anomalies; mean and standard deviation of each sensor) by a loop over pyarrow's batches,
  by Dask on two workers, and by DuckDB and Polars where they can be imported (the course does not use them);
- the detector's scores, written to Parquet, by a loop over the parts in this process and by Dask;
- the detector's quality after training on a thousand to a hundred thousand rows, from several starts.

Seconds are by the clock, and of the processor, in all processes and threads. Results are compared with each
other. `tools.make_one_machine` stores the same for lesson 15.
"""

import argparse
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
import pandas as pd
import psutil

from aecourse import AutoencoderDetector, baselines, datasets, evaluation, scaling
from benchmarks.bench_scale import PART_ROWS, write_part

SENSORS = [f"sensor_{i}" for i in range(1, 9)]
SIZES = (1_000, 10_000, 100_000)
SEEDS = tuple(range(5))
CHOSEN: dict[str, Any] = {"n_members": 2, "hidden": 16, "criterion": "white"}  # by the search in lesson 15


def seconds(task: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what a task returns, and its seconds by the clock and of the processor, children included."""
    me = psutil.Process()

    def used() -> float:
        return sum(sum(each.cpu_times()[:2]) for each in (me, *me.children(recursive=True)))

    clock, processor = time.perf_counter(), used()
    result = task()
    return result, time.perf_counter() - clock, used() - processor


def summary_pyarrow(table: Path) -> list[float]:
    """Return the summary by a loop over batches: one batch in memory at a time."""
    import pyarrow.dataset

    count, total, squares, anomalies = 0, np.zeros(8), np.zeros(8), 0
    for batch in pyarrow.dataset.dataset(table).to_batches(columns=[*SENSORS, "anomaly"]):
        rows = np.column_stack([batch.column(name).to_numpy() for name in SENSORS]).astype(float)
        count, total, squares = count + len(rows), total + rows.sum(axis=0), squares + (rows**2).sum(axis=0)
        anomalies += int(batch.column("anomaly").to_numpy().sum())
    mean = total / count
    return [anomalies, *mean, *np.sqrt(squares / count - mean**2)]


def summary_dask(table: Path) -> list[float]:
    """Return the summary by Dask."""
    import dask
    import dask.dataframe as dd

    plan = dd.read_parquet(str(table), columns=[*SENSORS, "anomaly"])
    anomalies, mean, sd = dask.compute(
        plan["anomaly"].astype("int64").sum(),
        plan[SENSORS].astype("float64").mean(),
        plan[SENSORS].astype("float64").std(ddof=0),
    )
    return [int(anomalies), *mean[SENSORS], *sd[SENSORS]]


def summary_duckdb(table: Path) -> list[float]:
    """Return the summary by DuckDB, with two threads."""
    import duckdb

    parts = [
        "sum(anomaly)",
        *(f"avg({s}::DOUBLE)" for s in SENSORS),
        *(f"stddev_pop({s}::DOUBLE)" for s in SENSORS),
    ]
    with duckdb.connect(config={"threads": 2}) as connection:
        return list(
            connection.execute(f"SELECT {', '.join(parts)} FROM read_parquet('{table}/*.parquet')").fetchone()
        )


def summary_polars(table: Path) -> list[float]:
    """Return the summary by Polars, streamed."""
    import polars

    sensors = [polars.col(name).cast(polars.Float64) for name in SENSORS]
    plan = polars.scan_parquet(f"{table}/*.parquet").select(
        polars.col("anomaly").cast(polars.Int64).sum(),
        *(each.mean().name.suffix("_mean") for each in sensors),
        *(each.std(ddof=0).name.suffix("_sd") for each in sensors),
    )
    return list(plan.collect(engine="streaming").row(0))


def score_loop(detector: Any, table: Path, target: Path) -> int:
    """Score part after part in this process; return the number of rows."""
    target.mkdir()
    rows = 0
    for file in sorted(table.glob("*.parquet")):
        part = pd.read_parquet(file, columns=["row", *SENSORS])
        scored = pd.DataFrame({"row": part["row"], "anomaly_score": detector.anomaly_score(part[SENSORS])})
        scored.to_parquet(target / file.name, index=False)
        rows += len(part)
    return rows


def on_one_machine(folder: Path, n_rows: int) -> dict[str, Any]:
    """Return the seconds of each way, after checking that all give the same."""
    table = folder / "rows"
    table.mkdir()
    for number in range(n_rows // PART_ROWS):
        write_part(str(table), number, PART_ROWS)
    found: dict[str, Any] = {
        "rows": n_rows,
        "GB on disk": round(sum(f.stat().st_size for f in table.iterdir()) / 1e9, 2),
    }
    summaries: dict[str, list[float]] = {}
    ways = {
        "pyarrow, a loop": summary_pyarrow,
        "DuckDB, 2 threads": summary_duckdb,
        "Polars, streamed": summary_polars,
    }
    for name, way in ways.items():
        try:
            summaries[name], *found[f"summary: {name}"] = seconds(functools.partial(way, table))
        except ImportError:
            print(f"{name}: not installed, left out")
    normal = datasets.make_sensor_rows(20_000, anomaly_share=0, random_state=1000)[SENSORS]
    detector = AutoencoderDetector(random_state=0, false_alarm_rate=0.001, **CHOSEN).fit(normal)
    simple = baselines.MahalanobisDistance().fit(normal)
    for name, each in (("autoencoders", detector), ("Mahalanobis", simple)):
        task = functools.partial(score_loop, each, table, folder / f"loop {name}")
        n_scored, *found[f"scores: {name}, a loop"] = seconds(task)
        assert n_scored == n_rows

    def in_cluster() -> None:
        with scaling.cluster(n_workers=2):
            summaries["Dask, 2 workers"], *found["summary: Dask, 2 workers"] = seconds(
                lambda: summary_dask(table)
            )
            _, *found["scores: autoencoders, Dask, 2 workers"] = seconds(
                lambda: scaling.score_parquet(detector, table, folder / "dask", keep=["row"])
            )

    _, found["Dask, both, start and stop included"], _ = seconds(in_cluster)
    reference = summaries["pyarrow, a loop"]
    assert all(np.allclose(values, reference, rtol=1e-4) for values in summaries.values())
    loop, dask = (pd.read_parquet(folder / name) for name in ("loop autoencoders", "dask"))
    assert np.array_equal(loop["row"], dask["row"])
    assert np.allclose(loop["anomaly_score"], dask["anomaly_score"], rtol=1e-6)
    return found


def quality(size: int, seed: int) -> list[float]:
    """Return AUROC and average precision on fresh rows after training on so many normal rows."""
    train = datasets.make_sensor_rows(size, anomaly_share=0, random_state=5000 + seed)[SENSORS]
    fresh = datasets.make_sensor_rows(200_000, anomaly_share=0.01, random_state=4000)
    score = AutoencoderDetector(random_state=seed, **CHOSEN).fit(train).anomaly_score(fresh[SENSORS])
    y = fresh["anomaly"].to_numpy()
    return [evaluation.auroc(y, score), evaluation.average_precision(y, score)]


def run(n_rows: int, folder: Path | None = None, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Measure everything."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        machine = on_one_machine(Path(place), n_rows)
    machine = {
        name: np.round(value, 2).tolist() if not isinstance(value, int) else value
        for name, value in machine.items()
    }
    print(json.dumps(machine, indent=1), flush=True)
    trained: dict[str, list[list[float]]] = {}
    for size in sizes:
        trained[str(size)] = [[round(v, 4) for v in quality(size, seed)] for seed in SEEDS]
        print(size, trained[str(size)], flush=True)
    return {"cores": os.cpu_count(), "one machine": machine, "trained on": trained}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the table (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the tables are written during the run")
    options = parser.parse_args(arguments)
    run(options.rows, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
