"""Score a table of Parquet files, as large as asked for, on two local Dask workers.

    python -m benchmarks.bench_scale --rows 100000000 --folder /somewhere/large
    python -m benchmarks.bench_scale --rows 100000000 --store   # also writes what lesson 15 shows

Times are of this machine. What does not depend on it is checked: every row is scored once, the scores
are those of one process, and the workers' memory does not grow with the table.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import tempfile
import time

import numpy as np

from aecourse import AutoencoderDetector, datasets, scaling

PART_ROWS = 500_000
STORED = pathlib.Path(__file__).parents[1] / "notebooks" / "data" / "scale_15.json"


def write_part(folder, number, n_rows):
    """Draw one part of the table and write it; what a worker does."""
    rows = datasets.make_sensor_rows(n_rows, random_state=number)
    rows.insert(0, "row", np.arange(number * PART_ROWS, number * PART_ROWS + n_rows))
    rows.to_parquet(f"{folder}/part_{number:06d}.parquet", index=False)
    return n_rows


def write_table(client, folder, n_rows):
    """Write a table of ``n_rows`` rows in parts of half a million."""
    sizes = [min(PART_ROWS, n_rows - start) for start in range(0, n_rows, PART_ROWS)]
    futures = client.map(write_part, [str(folder)] * len(sizes), range(len(sizes)), sizes, pure=False)
    assert sum(client.gather(futures)) == n_rows


def peak_memory():
    """Return the peak resident memory of the process that runs this, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(n_rows, workers, folder, detector):
    """Write and score a table; return what was measured."""
    import pandas as pd

    source, destination = pathlib.Path(folder) / "rows", pathlib.Path(folder) / "scores"
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


def fit_detector():
    """Return the cheap detector that lesson 15 chooses, fitted on 20,000 normal rows."""
    rows = datasets.make_sensor_rows(20_000, anomaly_share=0, random_state=10**6).drop(columns="anomaly")
    return AutoencoderDetector(
        n_members=2, hidden=16, criterion="white", false_alarm_rate=0.001, random_state=0
    ).fit(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", default=None, help="where the table is written for the time of the run")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("_build/bench"))
    parser.add_argument("--store", action="store_true", help=f"also write {STORED.name} for lesson 15")
    options = parser.parse_args()
    detector, results = fit_detector(), []
    # A tenth beside the whole: the workers' memory must not grow with the table.
    for rows in (max(options.rows // 10, 1), options.rows):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            results.append(measure(rows, options.workers, folder, detector))
        print(results[-1], flush=True)
    small, large = (result["largest worker, MiB"] for result in results)
    # A part is read, scored and written whole; beyond that a worker holds nothing of the table.
    assert large < small * 1.5 + 100, f"a worker's memory grew with the table: {small} to {large} MiB"
    about = {"cores": os.cpu_count(), "python": platform.python_version(), "results": results}
    options.out.mkdir(parents=True, exist_ok=True)
    for path in [options.out / "scale.json", *([STORED] if options.store else [])]:
        path.write_text(json.dumps(about, indent=1) + "\n")
        print("written:", path.name)


if __name__ == "__main__":
    main()
