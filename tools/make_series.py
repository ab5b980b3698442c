"""Make the two files of recorded data in ``aecourse/data``: a walk, and the table of penguins.

Both come from wheels of the package registry, read as archives and not installed::

    pip download --no-deps aeon==1.6.0 palmerpenguins==0.1.6
    python -m tools.make_series aeon-1.6.0-py3-none-any.whl palmerpenguins-0.1.6-py3-none-any.whl

Each member is checked against its SHA-256 before anything is written. The series of heart beats in the
first wheel states no licence, so it stays there: `datasets.load_internal_bleeding` reads it from the wheel.
"""

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from aecourse._support.files import whole_file
from tools.stored import write_arrays

DATA = Path(__file__).parents[1] / "aecourse" / "data"
WALK = (
    "aeon/datasets/data/Daphnet_S06R02E0/S06R02E0.csv",
    "5a1d2990fec3846c3e1bc43487f0860e63434bd06b3df763012e97ce23d0d84c",
)
PENGUINS = (
    "palmerpenguins/data/penguins-raw.csv",
    "144f623143c9360fd77322a4f86acb06dc198814dbd2669724c63e6457b907bd",
)


def member(wheel: str, name: str, sha256: str) -> bytes:
    """Return one file of a wheel after checking its SHA-256."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(name)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"{name} in {wheel} has the SHA-256 {found}, expected {sha256}.")
    return content


def main(aeon: str, penguins: str) -> None:
    """Write both files and print the hashes that the loaders check."""
    table = pd.read_csv(io.BytesIO(member(aeon, *WALK)))
    channels = [name for name in table.columns if name not in ("timestamp", "is_anomaly")]
    write_arrays(
        DATA / "walk.npz",
        {
            "values": table[channels].to_numpy(np.int16),
            "channels": np.array(channels),
            "freezing": table["is_anomaly"].to_numpy(np.uint8),
        },
    )
    with whole_file(DATA / "penguins.csv") as temporary:
        temporary.write_bytes(member(penguins, *PENGUINS))
    for name in ("walk.npz", "penguins.csv"):
        print(name, hashlib.sha256((DATA / name).read_bytes()).hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
