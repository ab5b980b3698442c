"""Write the version for students of each assignment from its source.

python assignments/make.py           write assignments/release/
python assignments/make.py --check   fail where a released notebook differs from what its source gives
"""

import argparse
import pathlib
import sys

from aecourse.grading import assignment

HERE = pathlib.Path(__file__).parent


def pairs():
    """Return (source path, released path) of each assignment."""
    return [
        (path, HERE / "release" / path.parent.name / path.name)
        for path in sorted((HERE / "source").glob("*/*.ipynb"))
    ]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    drifted = []
    for source, released in pairs():
        data = assignment.release(assignment.read(source.read_bytes()))
        if options.check:
            if not released.is_file() or released.read_bytes() != data:
                drifted.append(released)
        else:
            released.parent.mkdir(parents=True, exist_ok=True)
            released.write_bytes(data)
            print(released)
    for path in drifted:
        print(f"{path} is not what its source gives; run python assignments/make.py", file=sys.stderr)
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
