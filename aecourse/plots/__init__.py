"""Every figure that two lessons share, in one calm style that does not depend on colour alone.

:func:`describe` says in words what was drawn, and :func:`show` puts a figure into a notebook
with those words as its alternative text.
"""

from aecourse.plots import diagrams
from aecourse.plots.charts import (
    auroc_by_group,
    confusion,
    decision_regions,
    detector_comparison,
    error_scatter,
    feature_errors_bar,
    image_grid,
    latent_space,
    loss_curves,
    pairwise,
    precision_recall,
    reconstructions,
    roc,
    score_histogram,
    sweep,
    timing_bars,
)
from aecourse.plots.description import describe, show
from aecourse.plots.style import PALETTE, SERIES

__all__ = [
    "PALETTE",
    "SERIES",
    "auroc_by_group",
    "confusion",
    "decision_regions",
    "describe",
    "detector_comparison",
    "diagrams",
    "error_scatter",
    "feature_errors_bar",
    "image_grid",
    "latent_space",
    "loss_curves",
    "pairwise",
    "precision_recall",
    "reconstructions",
    "roc",
    "score_histogram",
    "show",
    "sweep",
    "timing_bars",
]
