"""Files of fitted detectors: a zip archive of arrays and a description with checksums.

Nothing in a file is executed: it holds numbers and a JSON text. Its entries are not compressed, so that
reading a file never takes more memory than a small multiple of its size. TensorFlow is not needed to read or
write one.
"""

import hashlib
import io
import json
import os
import platform
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

import aecourse
from aecourse._support.files import whole_file
from aecourse.detector.forward import EnsembleShape

_FORMAT, _FORMAT_VERSION = "aecourse detector", 2
_ABOUT, _SUFFIX = "about.json", ".npy"
# The entries of a file of `tabular.TableDetector`, which lies in a room above this one.
_OF_A_TABLE = {_ABOUT, "detector.zip"}
_ENTRIES = {
    "format",
    "format_version",
    "versions",
    "sha256",
    "params",
    "shape",
    "threshold",
    "promised_rate",
    "history",
    "feature_names",
}
_LIBRARIES = ("keras", "numpy", "scikit-learn", "tensorflow")


@dataclass
class SavedDetector:
    """What a file holds of a detector.

    Attributes
    ----------
    params : dict of str to object
        Parameters of the detector.
    shape : EnsembleShape
        Sizes of the networks.
    threshold : float
        Its threshold.
    promised_rate : float or None
        Bound on the false-alarm rate at the threshold, if there is one.
    history : dict of str to list of float
        Losses of the training.
    feature_names : list of str or None
        Names of the columns, if they have names.
    arrays : dict of str to ndarray
        All numbers that scoring needs, by name; `AutoencoderDetector` says which and of what shape.
    """

    params: dict[str, Any]
    shape: EnsembleShape
    threshold: float
    promised_rate: float | None
    history: dict[str, list[float]]
    feature_names: list[str] | None
    arrays: dict[str, NDArray]


def write(path: str | os.PathLike[str], saved: SavedDetector) -> None:
    """Write a detector to a file, which appears whole or not at all.

    Parameters
    ----------
    path : str or path
        Where to write; an existing file is replaced.
    saved : SavedDetector
        The detector.

    Raises
    ------
    ValueError
        If JSON cannot hold a parameter, such as a RandomState object.
    OSError
        If the file cannot be written.
    """
    contents = {f"{name}{_SUFFIX}": _to_bytes(array) for name, array in saved.arrays.items()}
    about = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "versions": {"aecourse": aecourse.__version__, "python": platform.python_version()}
        | {library: metadata.version(library) for library in _LIBRARIES},
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "params": {name: _json_value(value, name) for name, value in saved.params.items()},
        "shape": asdict(saved.shape),
        "threshold": float(saved.threshold),
        "promised_rate": saved.promised_rate,
        "history": saved.history,
        "feature_names": saved.feature_names,
    }
    contents[_ABOUT] = json.dumps(about, indent=1).encode()
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def read(path: str | os.PathLike[str], known_params: Collection[str]) -> SavedDetector:
    """Read a file that `write` wrote, once everything in it is known and unchanged.

    Parameters
    ----------
    path : str or path
        The file.
    known_params : collection of str
        Names of the parameters that the file must give, no more and no fewer.

    Returns
    -------
    SavedDetector

    Raises
    ------
    OSError
        If the file is missing, or is not a whole archive.
    ValueError
        If it is not a saved detector, has an unknown format version or unknown contents, or was changed.
    """
    path = os.fspath(path)
    contents = _read_archive(path)
    about = _read_about(contents, path, set(known_params))
    return SavedDetector(
        params={
            name: tuple(value) if isinstance(value, list) else value
            for name, value in about["params"].items()
        },
        shape=_shape_from(about["shape"], path),
        threshold=about["threshold"],
        promised_rate=about["promised_rate"],
        history=about["history"],
        feature_names=about["feature_names"],
        arrays={
            name.removesuffix(_SUFFIX): _from_bytes(data, name, path)
            for name, data in contents.items()
            if name != _ABOUT
        },
    )


def check_arrays(
    arrays: Mapping[str, NDArray],
    expected: Mapping[str, tuple[int, ...]],
    positive: Collection[str],
    path: str | os.PathLike[str],
) -> None:
    """Refuse arrays of a file if one is missing, unknown, of another shape than expected, or not positive."""
    found = {name: array.shape for name, array in arrays.items()}
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            raise ValueError(
                f"{os.fspath(path)!r} does not fit together: its array {name!r} has the shape "
                f"{found.get(name, 'of none: it is missing')}, where its description asks for "
                f"{expected.get(name, 'no such array')}; refused."
            )
        if name in positive and (arrays[name] <= 0).any():
            raise ValueError(
                f"{os.fspath(path)!r}: its array {name!r} must be above zero, and is not; refused."
            )


def _json_value(value: Any, name: str) -> Any:
    """Return a parameter as JSON can hold it."""
    if isinstance(value, (tuple, list)):
        return [_json_value(part, name) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise ValueError(
            f"{name}={value!r} cannot be saved. Set a plain value first: detector.set_params({name}=...)."
        )
    return value


def _read_archive(path: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if "model.keras" in names:
                raise ValueError(
                    f"{path!r} was written by an older aecourse, whose detectors had other parts; this one "
                    "cannot score with it. Fit the detector again and save it, or install the aecourse that "
                    "wrote the file."
                )
            if _ABOUT not in names or len(set(names)) != len(names):
                raise ValueError(
                    f"{path!r} is not a saved detector: it holds {sorted(names)[:5]}. "
                    "Pass a file that AutoencoderDetector.save wrote."
                )
            if set(names) == _OF_A_TABLE:
                raise ValueError(
                    f"{path!r} is a detector of a table, as 'aecourse detect' writes it. Score with it by "
                    "'aecourse score', or load it with tabular.TableDetector.load."
                )
            packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
            if packed:
                raise ValueError(
                    f"{path!r} has compressed entries ({sorted(packed)[:3]}), which saved detectors never "
                    "have; refused without unpacking them."
                )
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise OSError(
            f"{path!r} is damaged or not a saved detector ({error}). Save the detector again."
        ) from error


def _read_about(contents: Mapping[str, bytes], path: str, known_params: set[str]) -> dict[str, Any]:
    """Return the description, once everything in it is known and the checksums agree."""
    try:
        about = json.loads(contents[_ABOUT])
        file_format = about["format"], about["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path!r} is not a saved detector: its description cannot be read ({error})."
        ) from error
    if file_format != (_FORMAT, _FORMAT_VERSION):
        raise ValueError(
            f"{path!r} has format {file_format[0]!r}, version {file_format[1]!r}; this aecourse reads "
            f"{_FORMAT!r}, version {_FORMAT_VERSION}. Use the aecourse that wrote it "
            f"({about.get('versions')})."
        )
    if set(about) != _ENTRIES:
        raise ValueError(f"{path!r} has unknown or missing entries {sorted(set(about) ^ _ENTRIES)}; refused.")
    params, checksums = (
        each if isinstance(each, dict) else {} for each in (about["params"], about["sha256"])
    )
    if set(params) != known_params:
        raise ValueError(
            f"{path!r} has unknown or missing parameters {sorted(set(params) ^ known_params)}; refused."
        )
    arrays = set(contents) - {_ABOUT}
    if arrays != set(checksums):
        raise ValueError(
            f"{path!r} has unknown or missing arrays {sorted(arrays ^ set(checksums))[:5]}; refused."
        )
    for name in sorted(arrays):
        if hashlib.sha256(contents[name]).hexdigest() != checksums[name]:
            raise ValueError(
                f"{path!r} was changed after it was saved: the checksum of {name} differs. "
                "Save the detector again."
            )
    for name in ("threshold", "promised_rate"):
        if name == "promised_rate" and about[name] is None:  # a threshold that was set without a promise
            continue
        if not isinstance(about[name], float) or not np.isfinite(about[name]):
            raise ValueError(f"{path!r} has {name}={about[name]!r}, which is not a finite number; refused.")
    return about


def _shape_from(entries: object, path: str) -> EnsembleShape:
    """Return the sizes of the networks, once they are sizes."""
    names = EnsembleShape.__dataclass_fields__
    if not isinstance(entries, dict) or set(entries) != set(names):
        raise ValueError(f"{path!r} has the networks' sizes {entries!r}, not {list(names)}; refused.")
    for name, value in entries.items():
        if name == "noise":
            known = isinstance(value, list) and len(value) == 2 and all(type(each) is float for each in value)
        else:
            smallest = 0 if name in ("n_range", "n_white") else 1
            known = type(value) is int and value >= smallest
        if not known:
            raise ValueError(f"{path!r} has the size {name}={value!r}, which no detector has; refused.")
    return EnsembleShape(**entries | {"noise": tuple(entries["noise"])})


def _to_bytes(array: NDArray) -> bytes:
    out = io.BytesIO()
    npy.write_array(out, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return out.getvalue()


def _from_bytes(data: bytes, name: str, path: str) -> NDArray:
    """Return an array of finite numbers; what its header promises is compared with what is there first."""
    try:
        file = io.BytesIO(data)
        npy.read_magic(file)
        shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise ValueError(f"{path!r}: its array {name!r} cannot be read ({error}); refused.") from error
    start = file.tell()
    if dtype.kind != "f" or fortran_order or prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError(
            f"{path!r}: its array {name!r} says that it holds numbers of the type {dtype} in the shape "
            f"{shape}, which its {len(data) - start} bytes are not; refused."
        )
    array = np.frombuffer(data, dtype, offset=start).reshape(shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{path!r}: its array {name!r} does not hold finite numbers; refused.")
    return array
