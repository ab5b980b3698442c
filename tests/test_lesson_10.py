"""Lesson 10: its stored figures are complete, and those of the networks that the lesson trains."""

import keras
import numpy as np
import pytest

from benchmarks import bench_variants
from tools import make_variants


@pytest.fixture
def own_precision():
    """The lesson's first cell sets Keras to double precision; other tests expect what was there.

    Once a layer was made, Keras keeps the policy of that moment, whatever floatx is set to later.
    """
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)


def test_the_stored_figures_are_complete():
    with np.load(make_variants.STORED, allow_pickle=False) as archive:
        stored = dict(archive)
    assert stored["names"].tolist() == list(make_variants.NAMES)
    assert stored["datasets"].tolist() == list(make_variants.DATASETS)
    assert stored["seeds"].tolist() == list(make_variants.SEEDS)
    digits, table = stored["auroc"][:-1], stored["auroc"][-1]
    assert ((digits > 0.5) & (digits <= 1)).all()
    missing = {name for name, runs in zip(make_variants.NAMES, table, strict=True) if np.isnan(runs).any()}
    assert missing == {"sparse, KL", "convolutional"}  # the table has one sparse network, and no images
    assert np.array_equal(np.isnan(stored["auroc"]), np.isnan(stored["average_precision"]))


def test_one_start_trained_again_gives_the_stored_figures(own_precision):
    """In double precision other processors differ in late digits, which can swap a few pairs of rows."""
    assert bench_variants.difference() < 0.002
