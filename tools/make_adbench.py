"""Make the stored result ``adbench`` of `aecourse.datasets.load_results`: simple methods and PyOD's networks.

::

    PYTHONPATH=FOLDER_WITH_PYOD_AND_TORCH python -m tools.make_adbench --data DIR

measures the rivals of `benchmarks.bench_quality` on the ``.npz`` files in DIR, by its protocol, in some ten
minutes on two idle cores; without PyOD and PyTorch it stops and says so. The detector's rows are
those of the stored ``ablation`` with all parts: same tables, protocol and seeds. Isolation Forest gets
three seeds too, the others one. Finished tables are kept in ``--work``; on few cores OMP_NUM_THREADS=1 helps.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from aecourse import datasets
from aecourse._support.files import write_whole
from benchmarks.bench_quality import NAME, SEEDS, Rows, load, measures, rivals
from tools.make_results import FOLDER, WHOLE

COLUMNS = ["table", "method", "seed", "auroc", "average_precision"]
NETWORKS = ("LUNAR", "PyOD autoencoder")
RANDOM = ("Isolation Forest",)
HEAD = (
    "# Made by: python -m tools.make_adbench --data DIR; the protocol: benchmarks/bench_quality.py\n"
    "# AUROC and average precision by table, method and seed, rounded to four digits.\n"
)


def measure(table: str, rows: Rows) -> pd.DataFrame:
    """Return one row for each rival and seed on one table."""
    train, test, y = rows
    found = []
    for seed in SEEDS:
        for name, detector in rivals(seed).items():
            if seed == SEEDS[0] or name in RANDOM:
                score = -detector.fit(train).score_samples(test)
                found.append((table, name, seed, *measures(y, score)))
    return pd.DataFrame(found, columns=COLUMNS)


def with_detector(others: pd.DataFrame, ablation: pd.DataFrame) -> pd.DataFrame:
    """Return the rivals' rows with those of the whole detector before them."""
    whole = ablation[ablation["method"] == WHOLE].assign(method=NAME)
    if set(whole["table"]) != set(others["table"]):
        raise ValueError(
            f"the stored ablation has the tables {sorted(set(whole['table']))}; found "
            f"{sorted(set(others['table']))}. Measure both on the same folder."
        )
    return pd.concat([whole[COLUMNS], others[COLUMNS]], ignore_index=True)


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of ADBench's .npz files")
    parser.add_argument("--work", type=Path, default=Path("_build/bench/adbench"), help="for finished tables")
    options = parser.parse_args(arguments)
    if missing := set(NETWORKS) - set(rivals(0)):
        parser.error(f"{', '.join(sorted(missing))} cannot be imported; put PyOD and PyTorch on PYTHONPATH")
    options.work.mkdir(parents=True, exist_ok=True)
    parts = []
    for table, rows in load(options.data).items():
        path = options.work / f"{table}.csv"
        if not path.exists():
            write_whole(path, measure(table, rows).to_csv(index=False))
            print(f"{table}: done", flush=True)
        parts.append(pd.read_csv(path))
    results = with_detector(pd.concat(parts), datasets.load_results("ablation"))
    target = FOLDER / "adbench.csv"
    write_whole(target, HEAD + results.to_csv(index=False, float_format="%.4f"))
    print(f"written: {target.name} ({target.stat().st_size:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
