"""Make the figures that lesson 15 shows of one machine: its benchmark, on this machine.

python -m tools.make_one_machine --folder A_LARGE_FOLDER    write notebooks/data/one_machine_15.json

DuckDB and Polars are no part of the course; they are measured where they can be imported.
"""

import argparse
import json
import sys
from pathlib import Path

from aecourse._support.files import write_whole
from benchmarks import bench_one_machine

STORED = Path(__file__).parents[1] / "notebooks" / "data" / "one_machine_15.json"


def main(arguments: list[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_one_machine", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the table (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the tables are written during the run")
    options = parser.parse_args(arguments)
    write_whole(STORED, json.dumps(bench_one_machine.run(options.rows, options.folder), indent=1) + "\n")
    print(f"written: {STORED.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
