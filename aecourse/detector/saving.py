"""Files of fitted detectors: a zip archive of a Keras model, arrays, and a description with checksums.

Nothing in a file is executed. The arrays are read without pickle; the model is loaded in Keras's safe mode,
and only if it is made of the layers in `aecourse.detector.ensemble`.
"""

import hashlib
import io
import json
import os
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import aecourse
from aecourse._support.files import whole_file
from aecourse.detector.forward import EnsembleShape, Weights

_FORMAT, _FORMAT_VERSION = "aecourse detector", 1
_FILES = ("about.json", "arrays.npz", "model.keras")
_ARRAYS = ("center", "scale", "references", "part_center", "part_spread", "feature_level")
_ENTRIES = {
    "format",
    "format_version",
    "versions",
    "sha256",
    "params",
    "threshold",
    "promised_rate",
    "history",
    "feature_names",
}
_CLASSES = {
    "Functional",
    "InputLayer",
    "DTypePolicy",
    "Fan",
    "Gather",
    "RowNoise",
    "MemberDense",
    "JoinMembers",
    "SplitMembers",
    "__keras_tensor__",
}


@dataclass
class SavedDetector:
    """What a file holds of a detector.

    Attributes
    ----------
    params : dict of str to object
        Parameters of the detector.
    threshold : float
        Its threshold.
    promised_rate : float or None
        Bound on the false-alarm rate at the threshold, if there is one.
    history : dict of str to list of float
        Losses of the training.
    feature_names : list of str or None
        Names of the columns, if they have names.
    arrays : dict of str to ndarray
        ``center`` and ``scale`` (d,); ``references`` (n, plain codes); ``part_center`` and ``part_spread``
        (parts,); ``feature_level`` (views, d).
    shape : EnsembleShape
        Sizes of the networks.
    weights : dict of str to ndarray
        Weights of the networks.
    """

    params: dict[str, Any]
    threshold: float
    promised_rate: float | None
    history: dict[str, list[float]]
    feature_names: list[str] | None
    arrays: dict[str, NDArray]
    shape: EnsembleShape
    weights: Weights


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
    arrays = io.BytesIO()
    np.savez_compressed(arrays, **{name: saved.arrays[name] for name in _ARRAYS})  # type: ignore[arg-type]
    contents = {"model.keras": _model_to_bytes(saved.shape, saved.weights), "arrays.npz": arrays.getvalue()}
    about = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "versions": _versions(),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "params": {name: _json_value(value, name) for name, value in saved.params.items()},
        "threshold": float(saved.threshold),
        "promised_rate": saved.promised_rate,
        "history": saved.history,
        "feature_names": saved.feature_names,
    }
    contents["about.json"] = json.dumps(about, indent=1).encode()
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def read(path: str | os.PathLike[str], known_params: Collection[str]) -> SavedDetector:
    """Read a file that `write` wrote, once everything in it is known, unchanged and of fitting sizes.

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
    arrays = _read_arrays(contents["arrays.npz"], path)
    shape, weights = _model_from_bytes(contents["model.keras"], path)
    _check_agreement(arrays, shape, path)
    return SavedDetector(
        params={
            name: tuple(value) if isinstance(value, list) else value
            for name, value in about["params"].items()
        },
        threshold=about["threshold"],
        promised_rate=about["promised_rate"],
        history=about["history"],
        feature_names=about["feature_names"],
        arrays=arrays,
        shape=shape,
        weights=weights,
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


def _versions() -> dict[str, str]:
    import keras
    import sklearn
    import tensorflow

    return {
        "aecourse": aecourse.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "tensorflow": tensorflow.__version__,
    }


def _read_archive(path: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if sorted(names) != sorted(_FILES):
                raise ValueError(
                    f"{path!r} is not a saved detector: it holds {sorted(names)[:5]}, not {sorted(_FILES)}. "
                    "Pass a file that AutoencoderDetector.save wrote."
                )
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise OSError(
            f"{path!r} is damaged or not a saved detector ({error}). Save the detector again."
        ) from error


def _read_about(contents: dict[str, bytes], path: str, known_params: set[str]) -> dict[str, Any]:
    """Return the description, once everything in it is known and the checksums agree."""
    try:
        about = json.loads(contents["about.json"])
        file_format = about["format"], about["format_version"]
    except (ValueError, KeyError, TypeError) as error:
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
    for name in ("model.keras", "arrays.npz"):
        if hashlib.sha256(contents[name]).hexdigest() != checksums.get(name):
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


def _read_arrays(data: bytes, path: str) -> dict[str, NDArray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = dict(archive)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path!r}: its arrays cannot be read ({error}); refused.") from error
    if sorted(arrays) != sorted(_ARRAYS):
        raise ValueError(
            f"{path!r} has unknown or missing arrays {sorted(set(arrays) ^ set(_ARRAYS))}; refused."
        )
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"{path!r}: its array {name!r} does not hold finite numbers; refused.")
    return arrays


def _check_agreement(arrays: dict[str, NDArray], shape: EnsembleShape, path: str) -> None:
    """Refuse a file whose model and arrays have shapes that do not fit together."""
    n_views = 1 + (shape.n_white > 0)
    n_parts = n_views + 1  # and the latent part
    n_references = sum(arrays["references"].shape[:1])
    expected = {
        "center": (shape.n_features,),
        "scale": (shape.n_features,),
        "references": (max(n_references, 1), shape.n_plain * shape.code_size),
        "part_center": (n_parts,),
        "part_spread": (n_parts,),
        "feature_level": (n_views, shape.n_features),
    }
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected:
        raise ValueError(
            f"{path!r} does not fit together: its model has {shape}, and its arrays have the shapes {found}; "
            "refused."
        )


def _model_to_bytes(shape: EnsembleShape, weights: Weights) -> bytes:
    from aecourse.detector import ensemble

    model = ensemble.build(shape, dtype="float64")
    ensemble.set_weights(model, weights)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        return file.read_bytes()


def _model_from_bytes(data: bytes, path: str) -> tuple[EnsembleShape, Weights]:
    """Load a Keras model made of known layers only; return its sizes and its weights."""
    from aecourse._support.tensorflow import keras
    from aecourse.detector import ensemble

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = json.loads(archive.read("config.json"))
        _check_classes(config)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            file.write_bytes(data)
            loaded = keras.saving.load_model(file, compile=False, safe_mode=True)
        # The file decides on sizes and weights only, and the weights must fit the sizes.
        shape, weights = ensemble.shape_of(loaded), ensemble.get_weights(loaded)
        ensemble.set_weights(ensemble.build(shape, dtype="float64"), weights)
    except (
        zipfile.BadZipFile,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        OSError,
        RecursionError,
    ) as error:
        raise ValueError(f"{path!r}: its model cannot be read ({error}); refused.") from error
    return shape, weights


def _check_classes(config: object) -> None:
    """Refuse a model's description that names anything but the classes of which an ensemble is made."""
    if isinstance(config, dict):
        name = config.get("class_name")
        if name is not None and name not in _CLASSES:
            raise ValueError(f"it names the class {name!r}, which no detector has")
        for value in config.values():
            _check_classes(value)
    elif isinstance(config, list):
        for value in config:
            _check_classes(value)
