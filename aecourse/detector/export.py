"""A fitted detector as one TensorFlow graph, for servers and languages without this package.

The graph computes what `AutoencoderDetector.anomaly_score` does, in double precision and from the same
arrays, with operations that ONNX has too. Nothing in it refers to this package.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse._support.files import whole_file, whole_folder
from aecourse._support.tensorflow import tf
from aecourse.detector import joining
from aecourse.detector.forward import EnsembleShape, Weights
from aecourse.detector.neighbors import EQUAL, SMALLEST, LocalNeighbors, Neighbors
from aecourse.detector.tails import SMALLEST_SUM, ColumnTails, Tails

INPUT = "rows"
_OPSET = 18  # of ONNX; read by every runtime since 2023


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """All that the score of a row depends on; the attributes are those of the fitted detector."""

    center: NDArray
    scale: NDArray
    limit: float
    stretch: NDArray
    shape: EnsembleShape
    weights: Weights
    neighbors: Mapping[str, Neighbors]
    local: LocalNeighbors
    column_tails: ColumnTails
    part_tails: Tails
    joint: joining.Joint
    parts: tuple[str, ...]
    criterion: str
    threshold: float

    def __call__(self, rows: Any) -> dict[str, Any]:
        """Return the anomaly score of rows (n, d), and whether each is above the threshold."""
        Z = tf.clip_by_value((rows - self.center) / self.scale, -self.limit, self.limit)
        names = self.parts if self.criterion == "combined" else (self.criterion,)
        layers = self._forward(Z) if set(names) - {"local", "columns"} else None
        raw = tf.stack([self._part(name, Z, layers) for name in names], axis=1)
        if self.criterion == "combined":
            surprises = _surprise(self.part_tails, raw)
            score = self._join({name: surprises[:, place] for place, name in enumerate(names)})
        else:
            score = _surprise(self.part_tails.only(self.parts.index(self.criterion)), raw)[:, 0]
        return {"anomaly_score": score, "flagged": score > self.threshold}

    def _forward(self, Z: Any) -> tuple[Any, Any, Any]:
        """Return views, codes and outputs (members, n, ...), as `aecourse.detector.forward`."""
        seen = {"plain": Z}
        if "range" in self.shape.members:
            seen["range"] = Z * self.weights["views.stretch"]
        if "white" in self.shape.members:
            seen["white"] = tf.matmul(Z, self.weights["views.whitener"])
        views = tf.stack(
            [seen[view] for view, which in self.shape.members.items() for _ in range(which.start, which.stop)]
        )

        def dense(x: Any, name: str) -> Any:
            return tf.matmul(x, self.weights[f"{name}.kernel"]) + self.weights[f"{name}.bias"]

        codes = dense(tf.nn.relu(dense(views, "encoder_1")), "encoder_2")
        return views, codes, dense(tf.nn.relu(dense(codes, "decoder_1")), "decoder_2")

    def _part(self, name: str, Z: Any, layers: tuple[Any, Any, Any] | None) -> Any:
        """Return one part of the score, not yet as a probability."""
        if name == "local":
            distance, own = _nearest(self.local.neighbors, Z * self.stretch, self.local.own)
            return tf.math.log(distance + SMALLEST) - own
        if name == "columns":
            tails = self.column_tails
            surprises = _surprise(tails.above, Z) + _surprise(tails.below, -Z)
            return tf.math.log(tf.reduce_sum(surprises, axis=1) + SMALLEST_SUM)
        assert layers is not None
        views, codes, outputs = layers
        which = self.shape.members["plain" if name == "latent" else name]
        if name in self.neighbors:
            joined = tf.transpose(codes[which], (1, 0, 2))
            joined = tf.reshape(joined, (-1, (which.stop - which.start) * self.shape.code_size))
            return tf.math.log(_nearest(self.neighbors[name], joined)[0] + SMALLEST)
        squares = tf.reduce_mean(tf.square(views[which] - outputs[which]), axis=2)
        return tf.reduce_mean(0.5 * tf.math.log(squares + 1e-12), axis=0)

    def _join(self, parts: Mapping[str, Any]) -> Any:
        """Join the surprises of all parts, as `aecourse.detector.joining.Joint.score`."""
        assert self.joint.tails is not None
        added = [joining.WEIGHTS[name] * value for name, value in parts.items() if name != joining.ALONE]
        joined = _sharpen(_surprise(self.joint.tails, tf.add_n(added)[:, None])[:, 0])
        if joining.ALONE not in parts:
            return joined
        alone = _sharpen(parts[joining.ALONE]) + np.log(joining.SHARE_ALONE)
        joined += np.log(1 - joining.SHARE_ALONE)
        larger = tf.maximum(joined, alone)
        return larger + tf.math.log(tf.exp(joined - larger) + tf.exp(alone - larger))


def _sharpen(surprise: Any) -> Any:
    return surprise + tf.square(tf.maximum(surprise - np.log(10), 0)) / 4


def _surprise(tails: Tails, values: Any) -> Any:
    """As `Tails.surprise`: straight lines between the knots, written as a sum with one term for each."""
    widths = np.diff(tails.knots, axis=1)
    slopes = np.diff(tails.heights, axis=1) / np.where(widths > 0, widths, 1)
    inside = tf.minimum(tf.maximum(values[:, :, None] - tails.knots[:, :-1], 0), widths)
    beyond = tf.maximum(values - tails.knots[:, -1], 0) / tails.excess
    return tails.heights[:, 0] + tf.reduce_sum(inside * slopes, axis=2) + beyond


def _nearest(neighbors: Neighbors, rows: Any, own: NDArray | None = None) -> tuple[Any, Any]:
    """Return the mean distance of rows to their nearest references, and the mean of what those have as own.

    As `Neighbors.nearest`: one reference more than asked for is found; the nearest is left out if it equals
    the row, and the farthest otherwise.
    """
    references = neighbors.references.astype(np.float64)
    squares = np.square(references).sum(axis=1) - 2 * tf.matmul(rows, references.T)
    places = tf.math.top_k(-squares, neighbors.n_neighbors + 1).indices
    found = tf.gather(references, places)
    distances = tf.sqrt(tf.reduce_mean(tf.square(rows[:, None] - found), axis=2))
    length = tf.sqrt(tf.reduce_mean(tf.square(rows), axis=1))
    equal = tf.reduce_min(distances, axis=1) <= EQUAL * (1 + length)
    left_out = tf.where(equal, tf.argmin(distances, axis=1), tf.argmax(distances, axis=1))
    all_places = np.arange(neighbors.n_neighbors + 1)
    kept = tf.cast(tf.not_equal(left_out[:, None], all_places), tf.float64)

    def mean(values: Any) -> Any:
        return tf.reduce_sum(values * kept, axis=1) / neighbors.n_neighbors

    return mean(distances), None if own is None else mean(tf.gather(own, places))


def write(path: str | os.PathLike[str], scoring: Scoring) -> None:
    """Write the graph: as ONNX if the path ends in ``.onnx``, and as a folder with a SavedModel otherwise."""
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists already. Name another place, or remove it first.")
    signature = tf.TensorSpec((None, scoring.shape.n_features), tf.float64, name=INPUT)
    function = tf.function(lambda rows: scoring(rows), input_signature=[signature], autograph=False)
    if path.suffix == ".onnx":
        try:
            import tf2onnx
        except ImportError as error:
            raise ImportError(
                "ONNX needs tf2onnx, which is not installed: 'pip install \"aecourse[onnx]\"'."
            ) from error
        with whole_file(path) as temporary:
            tf2onnx.convert.from_function(function, [signature], opset=_OPSET, output_path=str(temporary))
        return
    module = tf.Module()
    module.score = function
    with whole_folder(path) as temporary:
        tf.saved_model.save(module, str(temporary), signatures=function.get_concrete_function())
