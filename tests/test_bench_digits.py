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
    assert make_digits.STORED.stat().st_size < 1.5e6
    n_detectors = len(stored["detectors"])
    assert list(stored["detectors"]) == ["autoencoder", *make_digits.simple_detectors()]
    assert list(stored["digits"]) == list(range(10))
    assert stored["scores"].shape == (10, n_detectors, 10_000)
    assert stored["spoiled"].shape == stored["test"].shape == (10, len(make_digits.CANDIDATES))
    for digit in range(10):
        n_val = len(datasets.load_mnist_digit(digit, make_digits.VALIDATION_SHARE).X_val)
        assert stored[f"val_{digit}"].shape == (n_detectors, n_val)
        assert np.isfinite(stored[f"val_{digit}"]).all()
    assert np.isfinite(stored["scores"]).all()
    assert stored["architecture_auroc"].shape == (len(make_digits.ARCHITECTURES), 2, 2)
    assert list(stored["architectures"]) == list(make_digits.ARCHITECTURES)


def test_stored_scores_reach_the_goal(stored):
    table = bench_digits.auroc_table(stored)
    means = dict(zip(stored["detectors"], table.mean(axis=0), strict=True))
    assert means["autoencoder"] >= bench_digits.TARGETS["mean AUROC"]
    assert means["autoencoder"] == max(means.values())
    assert means["PCA-32"] == pytest.approx(0.955, abs=0.003)
    # half precision, in which the scores are stored, costs next to nothing
    place = [tuple(candidate) for candidate in stored["candidates"]].index(tuple(stored["chosen"]))
    assert np.abs(table[:, 0] - stored["test"][:, place]).max() < 2e-4


def test_the_spoiled_normals_made_the_choice(stored):
    assert tuple(stored["chosen"]) == make_digits.CANDIDATES[make_digits.choose(stored["spoiled"])]
    assert [tuple(candidate) for candidate in stored["candidates"]] == list(make_digits.CANDIDATES)
    finals = stored["architecture_auroc"][:, :, 0].mean(axis=1)
    assert make_digits.ARCHITECTURES[str(stored["architectures"][finals.argmax()])] == make_digits.NETWORK


def test_one_digit_computed_again_gives_what_is_stored(stored):
    split = datasets.load_mnist_digit(2, make_digits.VALIDATION_SHARE)
    place = list(stored["detectors"]).index("PCA-32")
    detector = baselines.PCAReconstruction(n_components=32, scale=False).fit(split.X_train)
    again = evaluation.auroc(split.y_test, detector.anomaly_score(split.X_test))
    assert again == pytest.approx(bench_digits.auroc_table(stored)[2, place], abs=1e-3)


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


# --- Its verdict ---------------------------------------------------------------------------------


def test_compare_accepts_the_same_and_names_what_differs(stored):
    assert bench_digits.compare(stored, stored) == []
    changed = stored | {"scores": stored["scores"].copy(), "spoiled": stored["spoiled"].copy()}
    changed["scores"][4, 0] *= -1
    changed["spoiled"][:, 0] = 0.999
    problems = "\n".join(bench_digits.compare(changed, stored))
    assert "autoencoder, digit 4" in problems and "mean AUROC" in problems and "choose (0.0, 0.0)" in problems
    assert "PCA-32" not in problems


def test_command_compares_one_digit(tmp_path, monkeypatch, capsys, stored):
    train = make_digits.train
    monkeypatch.setattr(make_digits, "N_SPOILED", 50)
    little = {"hidden": (16,), "code_size": 4, "epochs": 1}
    monkeypatch.setattr(make_digits, "train", lambda rows, **_: train(rows[:300], **little))
    monkeypatch.setattr(
        make_digits, "residual_score", lambda rows, drawn, *_: ((rows - drawn) ** 2).sum(axis=1)
    )
    assert bench_digits.main(["--digits", "2", "--no-simple"]) == 1  # a network that has hardly learned
    assert "autoencoder, digit 2" in capsys.readouterr().out

    arrays, seconds = make_digits.run((2,), with_simple=False, chosen=stored["chosen"])
    assert seconds.shape == (1, 2, 2) and (seconds > 0).all()
    np.savez(tmp_path / "own.npz", **arrays)
    assert bench_digits.main(["--digits", "2", "--no-simple", "--stored", str(tmp_path / "own.npz")]) == 0
    assert "the same as stored" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command, arguments",
    [
        (make_digits, ["--digits", "2"]),  # only all digits and detectors are stored
        (make_digits, ["--no-simple"]),
        (bench_digits, ["--digits", "2", "--stored", "nowhere.npz"]),
    ],
)
def test_command_refuses_what_it_cannot_do(command, arguments, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert "error" in capsys.readouterr().err
