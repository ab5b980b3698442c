"""Score a table of Parquet files, as large as asked for, on two local Dask workers.

    python -m benchmarks.bench_scale --rows 100000000 --folder A_LARGE_FOLDER

Times are of this machine. Everything that does not depend on it is checked: every row is scored once, the
scores are those of one process, and the workers' memory does not grow with the table. `tools.make_scale`
runs the same for lesson 15.
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from aecourse import AutoencoderDetector, datasets, scaling

PART_ROWS = 500_000


def write_part(folder: str, number: int, n_rows: int) -> int:
    """Draw one part of the table and write it, on a worker; return its number of rows."""
    rows = datasets.make_sensor_rows(n_rows, random_state=number)
    rows.insert(0, "row", np.arange(number * PART_ROWS, number * PART_ROWS + n_rows))
    rows.to_parquet(f"{folder}/part_{number:06d}.parquet", index=False)
    return n_rows


def write_table(client: Any, folder: Path, n_rows: int) -> None:
    """Write a table of ``n_rows`` rows in parts of half a million."""
    sizes = [min(PART_ROWS, n_rows - start) for start in range(0, n_rows, PART_ROWS)]
    futures = client.map(write_part, [str(folder)] * len(sizes), range(len(sizes)), sizes, pure=False)
    assert sum(client.gather(futures)) == n_rows


def peak_memory() -> float:
    """Return the peak resident memory of the process that runs this, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(n_rows: int, *, workers: int, folder: Path, detector: AutoencoderDetector) -> dict[str, float]:
    """Write and score a table; return what was measured."""
    import pandas as pd

    source, destination = folder / "rows", folder / "scores"
    source.mkdir()
    with scaling.cluster(n_workers=workers) as client:
        start = time.perf_counter()
        write_table(client, source, n_rows)
        written = time.perf_counter() - start
    with scaling.cluster(n_workers=workers) as client:
        start = time.perf_counter()
        n_scored = scaling.score_parquet(detector, source, destination, keep=["row", "anomaly"])
        scored = time.perf_counter() - start
        peaks = list(client.run(peak_memory).values())
    assert n_scored == n_rows, (n_scored, n_rows)
    files = sorted(destination.glob("*.parquet"))
    flagged = caught = anomalies = rows = 0
    for file in files:
        part = pd.read_parquet(file)
        assert (part["row"].diff().dropna() == 1).all()
        flagged += int(part["flagged"].sum())
        anomalies += int(part["anomaly"].sum())
        caught += int((part["flagged"] & (part["anomaly"] == 1)).sum())
        rows += len(part)
    assert rows == n_rows
    first = pd.read_parquet(sorted(source.glob("*.parquet"))[0])[list(detector.feature_names_in_)].head(
        20_000
    )
    assert np.allclose(detector.anomaly_score(first), pd.read_parquet(files[0])["anomaly_score"].head(20_000))
    return {
        "rows": n_rows,
        "workers": workers,
        "seconds writing": round(written, 1),
        "seconds scoring": round(scored, 1),
        "GB on disk": round(sum(file.stat().st_size for file in source.glob("*")) / 1e9, 2),
        "largest worker, MiB": round(max(peaks)),
        "anomalies": anomalies,
        "caught": caught,
        "false alarms": flagged - caught,
    }


def fit_detector() -> AutoencoderDetector:
    """Return the cheap detector that lesson 15 chooses, fitted on 20,000 normal rows."""
    rows = datasets.make_sensor_rows(20_000, anomaly_share=0, random_state=10**6).drop(columns="anomaly")
    return AutoencoderDetector(
        n_members=2, hidden=16, criterion="white", false_alarm_rate=0.001, random_state=0
    ).fit(rows)


def run(n_rows: int, *, workers: int = 2, folder: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Measure a table and one of a tenth of its rows; return all results, with words about the machine.

    Parameters
    ----------
    n_rows : int
        Rows of the larger table.
    workers : int
        Processes of the local Dask cluster.
    folder : path, optional
        Where the tables are written during the run; the system's temporary folder by default.
    """
    detector, results = fit_detector(), []
    for rows in (max(n_rows // 10, 1), n_rows):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            results.append(measure(rows, workers=workers, folder=Path(place), detector=detector))
        print(results[-1], flush=True)
    small, large = (result["largest worker, MiB"] for result in results)
    # A worker reads, scores and writes one part at a time, and holds nothing else of the table.
    assert large < small * 1.5 + 100, f"a worker's memory grew with the table: {small} to {large} MiB"
    return {"cores": os.cpu_count(), "python": platform.python_version(), "results": results}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the table (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes of the cluster (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the tables are written during the run")
    parser.add_argument("--out", type=Path, default=Path("_build/bench"), help="folder for scale.json")
    options = parser.parse_args(arguments)
    figures = run(options.rows, workers=options.workers, folder=options.folder)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "scale.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(f"written: {options.out / 'scale.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
