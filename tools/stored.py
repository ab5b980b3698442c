"""Files of arrays that lessons read, as their makers write them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse._support.files import whole_file


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write arrays by name to a compressed file, whole or not at all, and say so."""
    named: dict[str, Any] = dict(arrays)
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, **named)
    print(f"written: {path.name} ({path.stat().st_size:,} bytes)")
