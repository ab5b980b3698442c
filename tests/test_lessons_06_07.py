"""Lessons 06 and 07: their stored figures are complete, and a start trained again gives the same."""

import numpy as np
import pytest

from benchmarks import bench_latent, bench_zeros
from tools import make_latent, make_zeros


@pytest.mark.parametrize("path", [make_zeros.STARTS, make_latent.STORED], ids=lambda path: path.stem)
def test_the_stored_figures_are_finite_and_small(path):
    with np.load(path, allow_pickle=False) as archive:
        stored = dict(archive)
    assert all(np.isfinite(values).all() for values in stored.values() if values.dtype.kind == "f")
    assert path.stat().st_size < 50_000


def test_the_figures_of_lesson_06_are_complete():
    n_starts, n_measures = len(make_zeros.SEEDS), len(make_zeros.MEASURES)
    with np.load(make_zeros.STARTS) as stored:
        assert stored["zeros"].shape == (n_starts, len(make_zeros.WATCHED) + 1, n_measures)
        assert stored["by_size"].shape == (len(make_zeros.SIZES), n_starts, 2, n_measures)
        assert stored["by_digit"].shape == (10, n_starts, 2, n_measures)
        at_16 = list(stored["code_sizes"]).index(make_zeros.CODE_SIZE)
        assert np.array_equal(stored["by_size"][at_16], stored["by_digit"][0])


def test_the_figures_of_lesson_07_are_complete():
    n_starts = len(make_latent.SEEDS)
    with np.load(make_latent.STORED) as stored:
        assert stored["printed"].shape == (n_starts, len(make_latent.MEASURES))
        assert stored["short"].shape == (len(make_latent.LOSSES), n_starts, len(make_latent.MEASURES))
        assert stored["unseen_network"].shape == (10, n_starts)
        assert stored["unseen_simple"].shape == (10, len(make_latent.DETECTORS) - 1)


@pytest.mark.parametrize("bench", [bench_zeros, bench_latent], ids=lambda bench: bench.__name__[11:])
def test_one_start_trained_again_gives_the_stored_figures(bench):
    """In double precision other processors differ in late digits, which can swap a few pairs of rows."""
    assert bench.difference() < 0.002
