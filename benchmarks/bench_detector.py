"""Measure time and memory of `AutoencoderDetector` against rows and columns.

``python -m benchmarks.bench_detector --out _build/bench`` fits and scores tables of up to a million rows of
32 columns, and of 100,000 rows of up to 1,000 columns, each in a process of its own; it prints seconds, those
of the processor too, and the peak memory over the table itself, and writes ``detector.json``. The exponents
say how the seconds grow: 1 is in proportion to the size. ``--largest 1000000`` leaves out larger tables.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {"AECOURSE_PROGRESS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}

import numpy as np

from aecourse import AutoencoderDetector
from benchmarks.bench_training import memory_bytes

BY_ROWS = ((10_000, 32), (30_000, 32), (100_000, 32), (300_000, 32), (1_000_000, 32))
BY_COLUMNS = ((100_000, 10), (100_000, 32), (100_000, 100), (100_000, 320), (100_000, 1_000))
TARGET = 1.1  # of the exponents
Point = dict[str, Any]


def table(n_rows: int, n_columns: int) -> np.ndarray:
    """Draw rows near a surface of ten dimensions."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, 10)) @ rng.normal(size=(10, n_columns))
    rows += rng.normal(scale=0.3, size=rows.shape)
    return rows


def probe(n_rows: int, n_columns: int) -> Point:
    """Fit and score once."""
    AutoencoderDetector(epochs=1, n_members=3).fit(table(200, 3)).anomaly_score(table(10, 3))  # imports
    rows = table(n_rows, n_columns)
    before, _ = memory_bytes()
    measured: Point = {"rows": n_rows, "columns": n_columns}
    detector = AutoencoderDetector(random_state=0)
    for what in ("fit", "score"):
        start, processor = time.perf_counter(), time.process_time()
        detector.fit(rows) if what == "fit" else detector.anomaly_score(rows)
        measured[f"{what}, seconds"] = round(time.perf_counter() - start, 2)
        measured[f"{what}, processor seconds"] = round(time.process_time() - processor, 2)
        measured[f"{what}, peak memory over the table"] = round((memory_bytes()[1] - before) / rows.nbytes, 2)
    return measured


def probe_apart(n_rows: int, n_columns: int) -> Point:
    """Run `probe` in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.bench_detector", "--probe", str(n_rows), str(n_columns)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def exponent(points: list[Point], axis: str, what: str) -> float:
    """Return the slope of log(processor seconds) against log(size)."""
    sizes, seconds = zip(*((p[axis], p[f"{what}, processor seconds"]) for p in points), strict=True)
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=Path("_build/bench"), help="folder for detector.json")
    parser.add_argument("--largest", type=int, default=10**9, help="most values of a table")
    parser.add_argument("--probe", nargs=2, type=int, metavar=("ROWS", "COLUMNS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.probe:
        print(json.dumps(probe(*options.probe)))
        return 0
    results: dict[str, Any] = {"cores": os.cpu_count(), "python": platform.python_version()}
    for axis, sizes in {"rows": BY_ROWS, "columns": BY_COLUMNS}.items():
        points = []
        for n_rows, n_columns in sizes:
            if n_rows * n_columns <= options.largest:
                points.append(probe_apart(n_rows, n_columns))
                print(points[-1], flush=True)
        results[axis] = points
        for what in ("fit", "score") if len(points) > 1 else ():
            slope = results[f"{what} grows with {axis} to the power"] = round(exponent(points, axis, what), 2)
            print(f"{what} grows with {axis} to the power {slope} (target at most {TARGET})", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "detector.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"written: {options.out / 'detector.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
