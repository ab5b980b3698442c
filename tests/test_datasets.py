"""The loaders give what they say, and refuse what they cannot use."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from aecourse import datasets
from tools import make_mnist


def test_mnist_is_whole():
    (x_train, y_train), (x_test, y_test) = datasets.load_mnist()
    assert x_train.shape == (60000, 28, 28) and x_train.dtype == np.uint8
    assert x_test.shape == (10000, 28, 28) and x_test.dtype == np.uint8
    # The well-known number of images of each digit.
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.mark.parametrize(
    "array, header, md5",
    [
        ("x_train", (0x803, 60000, 28, 28), "6bbc9ace898e44ae57da46a324031adb"),
        ("y_train", (0x801, 60000), "a25bea736e30d166cdddb491f175f624"),
        ("x_test", (0x803, 10000, 28, 28), "2646ac647ad5339dbf082846283269ea"),
        ("y_test", (0x801, 10000), "27ae3e4e09519cfbb04c329615203637"),
    ],
)
def test_mnist_is_the_original_to_the_byte(array, header, md5):
    """Written back as IDX, each array has the MD5 of the original file."""
    with np.load(datasets.MNIST_PATH) as arrays:
        content = np.array(header, ">u4").tobytes() + arrays[array].tobytes()
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == md5


def test_mnist_file_is_small_enough():
    assert datasets.MNIST_PATH.stat().st_size <= 12_000_000


def test_a_damaged_mnist_file_is_refused(tmp_path):
    content = bytearray(datasets.MNIST_PATH.read_bytes())
    content[5_000_000] ^= 1
    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(content)
    with pytest.raises(OSError, match="damaged.*SHA-256.*git checkout"):
        datasets.load_mnist(damaged)
    damaged.write_bytes(content[:1000])
    with pytest.raises(OSError, match="1,000 bytes found"):
        datasets.load_mnist(damaged)


def test_a_missing_mnist_file_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing.*git checkout"):
        datasets.load_mnist(tmp_path / "none.npz")


def test_mnist_zeros():
    split = datasets.load_mnist_zeros()
    assert len(split.X_train) + len(split.X_val) == 5923
    assert split.X_train.dtype == np.float32 and split.X_train.min() == 0 and split.X_train.max() == 1
    assert np.bincount(split.y_test).tolist() == [980, 9020]
    assert np.array_equal(split.y_test == 0, split.groups_test == 0)
    assert split.image_shape == (28, 28)


def _rows(X):
    return set(map(bytes, np.ascontiguousarray(X)))


def test_training_validation_and_test_rows_are_apart():
    split = datasets.load_breast_cancer_novelty()
    train, val, test = _rows(split.X_train), _rows(split.X_val), _rows(split.X_test)
    assert not train & val and not train & test and not val & test
    assert len(train) + len(val) + len(test) == 569


def test_mnist_validation_zeros_are_not_training_zeros():
    split = datasets.load_mnist_zeros()
    assert not _rows(split.X_train) & _rows(split.X_val)


@pytest.mark.parametrize("species", ["setosa", "versicolor", "virginica"])
def test_iris_holds_out_a_species(species):
    split = datasets.load_iris_novelty(species)
    assert split.summary()["rows"].tolist() == [64, 16, 70]
    assert set(split.groups_test[split.y_test == 1]) == {species}
    assert species not in set(split.groups_test[split.y_test == 0])


def test_breast_cancer_counts_malignant_as_anomaly():
    split = datasets.load_breast_cancer_novelty()
    assert np.bincount(split.y_test).tolist() == [107, 212]
    assert set(split.groups_test[split.y_test == 1]) == {"malignant"}


def test_imbalanced_is_the_tutorials():
    split = datasets.make_imbalanced(validation_fraction=0)
    assert split.X_train.shape == (79200, 32) and split.X_val.shape == (0, 32)
    assert np.bincount(split.y_test).tolist() == [19803, 197]
    kinds, counts = np.unique(split.groups_test[split.y_test == 1], return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist(), strict=True)) == {
        "anomaly": 99,
        "normal labelled anomaly": 98,
    }
    assert -19 < split.X_train.min() < -18 and 19.9 < max(split.X_train.max(), split.X_test.max()) < 20.1


def test_imbalanced_cluster_of_a_seed_has_its_share():
    """Found by matching rows, the cluster holds 0.5 % of the rows: 20 of the 4,000 here and 1,000 there."""
    split = datasets.make_imbalanced(n_samples=20_000, random_state=3)
    true_anomalies = np.isin(split.groups_test, ["anomaly", "anomaly labelled normal"]).sum()
    assert 10 <= true_anomalies <= 30  # binomial with mean 20


@pytest.mark.parametrize("kind", datasets.SHAPES)
def test_shapes(kind):
    split = datasets.make_shape(kind, n_train=50, n_anomalies=7)
    assert split.X_train.shape == (50, 2) and split.X_val.shape == (25, 2)
    assert np.bincount(split.y_test).tolist() == [50, 7]
    again = datasets.make_shape(kind, n_train=50, n_anomalies=7)
    assert np.array_equal(split.X_test, again.X_test)


def test_same_seed_same_split_and_other_seed_another():
    first, second = datasets.load_mnist_zeros(), datasets.load_mnist_zeros()
    assert np.array_equal(first.X_val, second.X_val)
    other = datasets.load_mnist_zeros(random_state=1)
    assert not np.array_equal(first.X_val, other.X_val)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: datasets.load_mnist_digit(10), "digit must be .* found 10"),
        (lambda: datasets.load_mnist_zeros(validation_fraction=1.5), "validation_fraction .* found 1.5"),
        (lambda: datasets.load_iris_novelty("rose"), "held_out must be one of .* found 'rose'"),
        (lambda: datasets.load_iris_novelty(test_fraction="x"), "test_fraction must be a number"),
        (lambda: datasets.make_imbalanced(n_samples=10), "n_samples .* found 10"),
        (lambda: datasets.make_imbalanced(validation_fraction=-1), "validation_fraction"),
        (lambda: datasets.make_shape("star"), "kind must be one of .* found 'star'"),
        (
            lambda: datasets.make_shape("ring", n_train=1),
            "n_train must be a whole number of at least 2; found 1",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _split(**changes):
    parts = {
        "X_train": np.zeros((3, 2)),
        "X_val": np.zeros((1, 2)),
        "X_test": np.zeros((2, 2)),
        "y_test": np.array([0, 1]),
        "feature_names": ("a", "b"),
        "name": "",
        "description": "",
        "licence": "",
        "citation": "",
    }
    return datasets.Split(**(parts | changes))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"y_test": np.array([0, 1, 1])}, "y_test has 3 labels for 2 rows"),
        ({"y_test": np.array([-1, 1])}, "y_test must hold 0"),
        ({"X_val": np.zeros((1, 3))}, "X_val must have one column"),
        ({"groups_test": np.array(["a"])}, "groups_test has 1 entries for 2"),
    ],
)
def test_a_split_that_does_not_fit_together_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        _split(**changes)


def test_a_split_is_frozen_and_documented():
    split = _split()
    assert split.n_features == 2
    with pytest.raises(AttributeError):
        split.name = "other"
    for loader in (
        datasets.load_mnist_zeros,
        datasets.load_iris_novelty,
        datasets.load_breast_cancer_novelty,
        datasets.make_shape,
    ):
        loaded = loader()
        assert loaded.licence and loaded.citation and loaded.description


def test_loaders_work_without_tensorflow():
    code = (
        "import sys; from aecourse import datasets; datasets.load_mnist_zeros(); "
        "datasets.load_iris_novelty(); assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_script_that_made_mnist_writes_the_same_bytes_twice(tmp_path):
    with np.load(datasets.MNIST_PATH) as arrays:
        some = {name: arrays[name][:200] for name in arrays.files}
    for name in ("once.npz", "again.npz"):
        make_mnist.write_npz(tmp_path / name, some)
    assert (tmp_path / "once.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    with np.load(tmp_path / "once.npz") as written:
        assert written.files == ["x_train", "y_train", "x_test", "y_test"]
        assert all(np.array_equal(written[name], some[name]) for name in some)


def test_the_script_that_made_mnist_reads_idx_and_refuses_the_rest():
    content = np.array([0x802, 2, 3], ">u4").tobytes() + bytes(range(6))
    assert np.array_equal(make_mnist.read_idx(content), np.arange(6).reshape(2, 3))
    with pytest.raises(ValueError, match="not an IDX file"):
        make_mnist.read_idx(b"PK\x03\x04" + content)
