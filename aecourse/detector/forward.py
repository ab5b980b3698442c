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
    n_plain, n_white : int
        Members that see the columns as they are, and members that see them whitened.
    hidden, code_size : int
        Width of the hidden layers and of the code of each member.
    noise : (float, float)
        Smallest and largest standard deviation of the noise that is added in training.
    """

    n_features: int
    n_plain: int
    n_white: int
    hidden: int
    code_size: int
    noise: tuple[float, float]

    @property
    def n_members(self) -> int:
        """int: plain and white members together."""
        return self.n_plain + self.n_white


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
    views = np.repeat(Z[None], shape.n_members, axis=0)
    if shape.n_white:
        views[shape.n_plain :] = Z @ weights["views.whitener"]

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
    total = outputs[: shape.n_plain].sum(axis=0)
    if shape.n_white:
        total += outputs[shape.n_plain :].sum(axis=0) @ weights["output.colourer"]
    return total / shape.n_members


def chunks(shape: EnsembleShape, Z: Floats) -> Iterator[Floats]:
    """Yield consecutive slices of the rows, each small enough that `forward` needs little memory."""
    widest = shape.n_members * max(shape.n_features, shape.hidden, shape.code_size)
    size = max(64, VALUES_PER_CHUNK // widest)
    for start in range(0, len(Z), size):
        yield Z[start : start + size]
