"""Make the figures that lesson 15 shows: the benchmark of large tables, on this machine.

python -m tools.make_scale --folder A_LARGE_FOLDER    write notebooks/data/scale_15.json
"""

import argparse
import json
import sys
from pathlib import Path

from aecourse._support.files import write_whole
from benchmarks import bench_scale

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "scale_15.json"


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_scale", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=100_000_000, help="rows of the table (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the tables are written during the run")
    options = parser.parse_args(arguments)
    write_whole(STORED, json.dumps(bench_scale.run(options.rows, folder=options.folder), indent=1) + "\n")
    print(f"written: {STORED}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
