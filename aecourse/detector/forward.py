"""The ensemble's forward pass in NumPy, layer by layer as the Keras model in `aecourse.detector.ensemble`.

Scoring uses this one: in double precision a row's score does not depend on the rows that it is scored with,
and TensorFlow need not be loaded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weights = dict[str, Floats]  # such as "encoder_1.kernel"

VALUES_PER_CHUNK = 2**22


@dataclass(frozen=True)
class EnsembleShape:
    """The sizes that determine the networks of an ensemble, apart from their weights.

    Attributes
    ----------
    n_features : int
        Columns d.
    n_plain, n_range, n_white : int
        Members that see the columns as they are, stretched to one range, and whitened.
    hidden, code_size : int
        Width of the hidden layers and of the code of each member.
    noise : (float, float)
        Smallest and largest standard deviation of the noise that is added in training.
    """

    n_features: int
    n_plain: int
    n_range: int
    n_white: int
    hidden: int
    code_size: int
    noise: tuple[float, float]

    @property
    def n_members(self) -> int:
        """int: the members of all views together."""
        return self.n_plain + self.n_range + self.n_white

    @property
    def members(self) -> dict[str, slice]:
        """dict of str to slice: which members see each view; only views that have members."""
        counts = {"plain": self.n_plain, "range": self.n_range, "white": self.n_white}
        ends = np.cumsum(list(counts.values())).tolist()
        return {
            view: slice(end - count, end)
            for (view, count), end in zip(counts.items(), ends, strict=True)
            if count
        }


def weight_shapes(shape: EnsembleShape) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of an ensemble, those that fix the views included."""
    members, d, hidden, code = shape.n_members, shape.n_features, shape.hidden, shape.code_size
    shapes: dict[str, tuple[int, ...]] = {}
    widths = {
        "encoder_1": (d, hidden),
        "encoder_2": (hidden, code),
        "decoder_1": (code, hidden),
        "decoder_2": (hidden, d),
    }
    for layer, (width_in, width_out) in widths.items():
        shapes |= {
            f"{layer}.kernel": (members, width_in, width_out),
            f"{layer}.bias": (members, 1, width_out),
        }
    if shape.n_range:
        shapes |= {"views.stretch": (d,), "output.shrink": (d,)}
    if shape.n_white:
        shapes |= {"views.whitener": (d, d), "output.colourer": (d, d)}
    return shapes


class LayerOutputs(NamedTuple):
    """What the forward pass gives for n rows.

    Attributes
    ----------
    views : ndarray of shape (members, n, d)
        The rows as each member sees them.
    codes : ndarray of shape (members, n, code_size)
        The codes of the members.
    outputs : ndarray of shape (members, n, d)
        The reconstructed views.
    """

    views: Floats
    codes: Floats
    outputs: Floats


def forward(shape: EnsembleShape, weights: Weights, Z: Floats) -> LayerOutputs:
    """Send standardised rows through all members.

    Parameters
    ----------
    shape : EnsembleShape
        Sizes of the networks.
    weights : dict of str to ndarray
        As `aecourse.detector.ensemble.get_weights` returns them.
    Z : ndarray of shape (n, d)
        Standardised rows.

    Returns
    -------
    LayerOutputs
    """
    members = shape.members
    views = np.repeat(Z[None], shape.n_members, axis=0)
    if "range" in members:
        views[members["range"]] *= weights["views.stretch"]
    if "white" in members:
        views[members["white"]] = Z @ weights["views.whitener"]

    def dense(x: Floats, name: str) -> Floats:
        x = x @ weights[f"{name}.kernel"]
        x += weights[f"{name}.bias"]
        return x

    def relu(x: Floats) -> Floats:
        return np.maximum(x, 0, out=x)

    codes = dense(relu(dense(views, "encoder_1")), "encoder_2")
    return LayerOutputs(views, codes, dense(relu(dense(codes, "decoder_1")), "decoder_2"))


def join_members(codes: Floats) -> Floats:
    """Lay codes side by side, as the layer ``JoinMembers``: (members, n, k) → (n, members · k)."""
    return codes.transpose(1, 0, 2).reshape(codes.shape[1], -1)


def gather(shape: EnsembleShape, weights: Weights, outputs: Floats) -> Floats:
    """Turn the members' outputs back into columns as given, and average, as the layer ``Gather``."""
    members = shape.members
    total = outputs[members["plain"]].sum(axis=0)
    if "range" in members:
        total += outputs[members["range"]].sum(axis=0) * weights["output.shrink"]
    if "white" in members:
        total += outputs[members["white"]].sum(axis=0) @ weights["output.colourer"]
    return total / shape.n_members


def chunks(shape: EnsembleShape, Z: Floats) -> Iterator[Floats]:
    """Yield consecutive slices of the rows, each small enough that `forward` needs little memory."""
    widest = shape.n_members * max(shape.n_features, shape.hidden, shape.code_size)
    size = max(64, VALUES_PER_CHUNK // widest)
    for start in range(0, len(Z), size):
        yield Z[start : start + size]
