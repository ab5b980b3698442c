"""Make the stored result ``adbench`` of `aecourse.datasets.load_results` from a run of the quality benchmark.

::

    PYTHONPATH=FOLDER_WITH_PYOD_AND_TORCH python -m benchmarks.bench_quality --data DIR --no-ablation --no-lab
    python -m tools.make_adbench _build/bench/quality.json

The first command takes about a quarter of an hour; without PyOD and PyTorch it leaves LUNAR and PyOD's
autoencoder out. The detector has three seeds, the other methods one.
"""

import json
import sys
from pathlib import Path

import pandas as pd

from aecourse._support.files import write_whole
from benchmarks.bench_quality import NAME
from tools.make_results import FOLDER

HEAD = (
    "# Made by: python -m benchmarks.bench_quality --data DIR, then python -m tools.make_adbench "
    "_build/bench/quality.json\n"
    "# AUROC and average precision by table, method and seed, rounded to four digits.\n"
)


def rows(quality: dict) -> pd.DataFrame:
    """Return one row for each table, method and seed of ``quality.json``."""
    found = [
        (table, NAME, seed, *values)
        for seed, by_table in zip(quality["seeds"], quality["by_seed"], strict=True)
        for table, values in by_table.items()
    ]
    found += [
        (table, name, 0, *values)
        for name, by_table in quality["simple"].items()
        for table, values in by_table.items()
    ]
    return pd.DataFrame(found, columns=["table", "method", "seed", "auroc", "average_precision"])


def main(path: str) -> None:
    """Write ``adbench.csv``."""
    results = rows(json.loads(Path(path).read_text(encoding="utf-8")))
    target = FOLDER / "adbench.csv"
    write_whole(target, HEAD + results.to_csv(index=False, float_format="%.4f"))
    print(f"written: {target.name} ({target.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main(*sys.argv[1:])
