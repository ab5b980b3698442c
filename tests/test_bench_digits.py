"""The ten-digit benchmark: what is stored, its parts, and its verdict."""

import numpy as np
import pytest

from aecourse import baselines, datasets, evaluation
from benchmarks import bench_digits
from tools import make_digits


@pytest.fixture(scope="module")
def stored():
    return make_digits.load()


# --- What lesson 12 reads ------------------------------------------------------------------------


def test_stored_arrays_are_whole_and_small(stored):
    assert make_digits.STORED.stat().st_size < 2e6
    n_detectors, n_starts = len(stored["detectors"]), len(stored["seeds"])
    assert list(stored["detectors"]) == [*make_digits.NAMES, *make_digits.simple_detectors()]
    assert list(stored["digits"]) == list(range(10))
    assert n_starts == len(make_digits.SEEDS)
    assert stored["scores"].shape == (10, n_detectors, 10_000)
    assert stored["test repairing"].shape == (10, n_starts, len(make_digits.CANDIDATES["repairing"]))
    for name in ("repairing", "PCA", "k-NN"):
        assert stored[f"judged {name}"].shape == (10, len(make_digits.CANDIDATES[name]), 2)
    for digit in range(10):
        n_val = len(datasets.load_mnist_digit(digit, make_digits.VALIDATION_SHARE).X_val)
        assert stored[f"val_{digit}"].shape == (n_detectors, n_val)
        assert np.isfinite(stored[f"val_{digit}"]).all()
    assert np.isfinite(stored["scores"]).all()


def test_stored_scores_reach_the_goal(stored):
    starts = bench_digits.starts_table(stored)
    assert starts.mean(axis=0).min() >= bench_digits.TARGETS["mean AUROC"]
    assert stored["seconds"].sum(axis=0).max() < bench_digits.TARGETS["seconds a start"]
    # half precision, in which the scores are stored, changes next to nothing
    first = list(stored["detectors"]).index("repairing, start 0")
    assert np.abs(bench_digits.auroc_table(stored)[:, first] - starts[:, 0]).max() < 3e-4


def test_training_images_made_the_choice(stored):
    for name in ("repairing", "PCA", "k-NN"):
        place = make_digits.choose(stored[f"judged {name}"][:, :, 0])
        assert tuple(stored[f"chosen {name}"]) == make_digits.CANDIDATES[name][place]


def test_one_digit_computed_again_gives_what_is_stored(stored):
    table, names = bench_digits.auroc_table(stored), list(stored["detectors"])
    rows = make_digits.rows_of(2)
    score = make_digits.pca_scorer(rows["train"])(rows["test"], tuple(stored["chosen PCA"]))
    again = evaluation.auroc(rows["y"], score)
    assert again == pytest.approx(table[2, names.index("PCA, same score")], abs=1e-3)
    detector = baselines.PCAReconstruction(n_components=32, scale=False).fit(rows["train"])
    again = evaluation.auroc(rows["y"], detector.anomaly_score(rows["test"]))
    assert again == pytest.approx(table[2, names.index("PCA-32, squared error")], abs=1e-3)


# --- Its parts -----------------------------------------------------------------------------------


def test_spoiled_copies():
    rows = datasets.load_mnist_digit(8).X_val[:20]
    spoiled = make_digits.spoil(rows)
    assert list(spoiled) == list(make_digits.SPOILERS)
    for way, copies in spoiled.items():
        assert copies.shape == rows.shape and 0 <= copies.min() and copies.max() <= 1
        assert (np.abs(copies - rows).sum(axis=1) > 1).all(), way
        assert np.array_equal(copies, make_digits.spoil(rows)[way])
    ink = rows.sum(axis=1)
    assert (spoiled["erased"].sum(axis=1) < ink).all()
    assert (spoiled["stroke added"] >= rows).all()
    assert np.abs(spoiled["half pushed"].sum(axis=1) / ink - 1).max() < 0.1


def test_spoiling_a_blank_image_does_not_fail():
    spoiled = make_digits.spoil(np.zeros((1, 784)))
    assert spoiled["erased"].sum() == 0 and spoiled["stroke added"].sum() > 0


def test_residual_score_is_the_sum_of_squares_over_the_ink():
    rng = np.random.default_rng(0)
    rows, drawn = rng.random((2, 5, 784))
    squares = ((rows - drawn) ** 2).sum(axis=1)
    assert np.allclose(make_digits.residual_score(rows, drawn, 0, 0), squares)
    assert np.allclose(make_digits.residual_score(rows, drawn, 0, 1), squares / (1 + (rows**2).sum(axis=1)))
    assert (make_digits.residual_score(rows, rows, 2, 0.5) == 0).all()


def test_smoothing_cancels_a_displaced_edge_and_keeps_a_patch():
    edge, patch = np.zeros((2, 1, 28, 28))
    edge[0, :, 13], edge[0, :, 14] = 1, -1
    patch[0, 10:16, 10:16] = 1
    kept = [
        make_digits.residual_score(image.reshape(1, -1), np.zeros((1, 784)), 2, 0)[0] / (image**2).sum()
        for image in (edge, patch)
    ]
    assert kept[0] < 0.1 < kept[1]


def test_standard_scores_keep_their_order():
    val = np.random.default_rng(0).gamma(2, size=500)
    scores = make_digits.standardised(np.array([1.0, 2.0, 50.0, 1e9]), val)
    assert (np.diff(scores.astype(float)) > 0).all() and np.isfinite(scores).all()


def test_damage_keeps_the_range_and_the_shape():
    rows = datasets.load_mnist_digit(8).X_val[:60].astype(np.float32)
    found = make_digits.damaged(rows, np.random.default_rng(0))
    assert found.shape == rows.shape and found.min() >= 0 and found.max() <= 1
    changed = (np.abs(found - rows).sum(axis=1) > 1).mean()
    assert 0.6 < changed < 1  # a fifth is left as it is, and of these some get a hole
    assert np.array_equal(found, make_digits.damaged(rows, np.random.default_rng(0)))


def test_knn_measures_as_the_residual_score_does():
    rng = np.random.default_rng(0)
    train, rows = rng.random((6, 784)), rng.random((3, 784))
    score = make_digits.knn_scorer(train)(rows, (1, 1.0, 0.5))
    by_hand = np.min([make_digits.residual_score(rows, each, 1.0, 0.5) for each in train], axis=0)
    assert np.allclose(score, by_hand, rtol=1e-4)


# --- Its verdict ---------------------------------------------------------------------------------


def test_compare_accepts_the_same_and_names_what_differs(stored):
    assert bench_digits.compare(stored, stored) == []
    changed = stored | {"scores": stored["scores"].copy()}
    changed["scores"][4, 0] *= -1
    problems = "\n".join(bench_digits.compare(changed, stored))
    assert f"{make_digits.NAMES[0]}, digit 4" in problems and "mean AUROC" in problems
    assert "PCA-32" not in problems


def test_command_compares_one_digit(tmp_path, monkeypatch, capsys):
    train = make_digits.train
    monkeypatch.setattr(make_digits, "N_SPOILED", 20)
    monkeypatch.setattr(make_digits, "SEEDS", (0,))
    monkeypatch.setattr(make_digits, "train", lambda rows, seed: train(rows[:300], seed, epochs=1))
    assert bench_digits.main(["--digits", "2", "--seeds", "0"]) == 1  # a network that has hardly learned
    assert "each start, digit 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command, arguments",
    [
        (make_digits, ["--digits", "2"]),  # only all digits and detectors are stored
        (bench_digits, ["--digits", "2", "--stored", "nowhere.npz"]),
        (bench_digits, ["--seeds", "9"]),
    ],
)
def test_command_refuses_what_it_cannot_do(command, arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "error" in capsys.readouterr().err
