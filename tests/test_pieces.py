"""The lessons' interactive pieces: where they appear, and that their figures are those of the lessons."""

import dataclasses
import re

import keras
import nbformat
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from test_plots import contrast

from aecourse import builders, datasets, evaluation
from tools import catalogue, make_pieces
from tools.book import pieces

PIECES = {piece.name: piece for piece in pieces.pieces()}
STORED = [name for name, piece in PIECES.items() if piece.sha256]
LESSONS = {entry.number: entry for entry in catalogue.read()}


def printed(lesson, cell_id):
    """Return what a cell of a lesson has printed, as it is stored in the notebook."""
    (cell,) = [cell for cell in LESSONS[lesson].notebook().cells if cell.id == cell_id]
    return "".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)


# --- Where they appear -----------------------------------------------------------------------------


def test_every_script_and_every_stored_file_belongs_to_a_piece():
    scripts = {path.stem for path in pieces.FOLDER.glob("*.js")} - {"parts"}
    assert scripts == set(PIECES) and len(PIECES) == 4
    assert {path.stem for path in pieces.FOLDER.glob("*.npz")} == set(STORED) == set(make_pieces.MAKERS)


@pytest.mark.parametrize("name", PIECES)
def test_a_piece_follows_its_cell_and_says_what_to_try(name):
    piece = PIECES[name]
    page = LESSONS[piece.lesson].notebook()
    before = len(page.cells)
    pieces.put_in(page, piece.lesson)
    places = [place for place, cell in enumerate(page.cells) if f'data-piece="{name}"' in cell.source]
    assert len(places) == 1 and page.cells[places[0] - 1].id == piece.after
    markup = page.cells[places[0]].source
    assert " hidden>" in markup and "\n\n" not in markup  # an empty line would end the HTML
    assert 1 <= len(re.findall(r"[.?](?:\s|$)", piece.what_to_try)) <= 3
    assert f"pieces/{name}.js" in page.cells[-1].source
    own = sum(other.lesson == piece.lesson for other in PIECES.values())
    assert len(page.cells) == before + own + 1


def test_a_lesson_without_pieces_stays_as_it_is():
    page = LESSONS["02"].notebook()
    pieces.put_in(page, "02")
    assert page == LESSONS["02"].notebook()


def test_a_cell_that_is_not_there_is_named(monkeypatch):
    lost = dataclasses.replace(PIECES["latent"], after="nowhere")
    monkeypatch.setattr(pieces, "pieces", lambda: (lost,))
    with pytest.raises(ValueError, match="lesson 07 has no cell 'nowhere'.*'latent'"):
        pieces.put_in(LESSONS["07"].notebook(), "07")


@pytest.mark.parametrize("name", STORED)
def test_a_damaged_file_is_refused(name, tmp_path, monkeypatch):
    content = bytearray((pieces.FOLDER / f"{name}.npz").read_bytes())
    content[100] ^= 1
    (tmp_path / f"{name}.npz").write_bytes(content)
    monkeypatch.setattr(pieces, "FOLDER", tmp_path)
    with pytest.raises(OSError, match=f"{name}.npz is damaged.*tools.make_pieces"):
        PIECES[name].stored()


def test_arrays_become_text_and_back():
    assert pieces.plain(np.array([0, 255], np.uint8)) == {"type": "uint8", "base64": "AP8="}
    assert pieces.plain(np.array([1, -2], "<i2")) == {"type": "int16", "base64": "AQD+/w=="}
    assert pieces.plain(np.array([np.nan, 0.5])) == [None, 0.5]
    assert pieces.plain(np.array([[1, 2]])) == [[1, 2]]


# --- What they show --------------------------------------------------------------------------------


def grey(images):
    return images / 255


def test_the_decoder_is_that_of_lesson_07():
    stored = PIECES["latent"].stored()
    assert f"mse on validation digits: {stored['val_mse']:.3f};" in printed("07", "two-units")
    codes = stored["codes"] * stored["scales"][4]
    _, (_, digits) = datasets.load_mnist()
    assert np.array_equal(stored["labels"], digits[: len(codes)])
    _, nearest = NearestNeighbors(n_neighbors=2).fit(codes).kneighbors(codes)
    agreement = np.mean(stored["labels"][nearest[:, 1]] == stored["labels"])
    assert f"on your map {agreement:.0%};" in printed("07", "neighbours")
    assert np.allclose(stored["view"], np.percentile(codes, [1, 99], axis=0), atol=0.01)
    assert np.allclose(stored["start"], np.median(codes[stored["labels"] == 0], axis=0), atol=0.01)


def test_colours_of_the_map_can_be_read_on_white():
    script = (pieces.FOLDER / "latent.js").read_text(encoding="utf-8")
    colours = re.findall(r'"(#\w{6})"', script.partition("COLOURS = ")[2].partition(";")[0])
    assert len(set(colours)) == 10
    assert [colour for colour in colours if contrast(colour, "#ffffff") < 4.5] == []


def test_networks_of_the_bottleneck_are_those_of_lesson_06():
    stored = PIECES["bottleneck"].stored()
    with np.load(catalogue.NOTEBOOKS / "data" / "starts_06.npz") as archive:
        starts = dict(archive)
    assert stored["sizes"].tolist() == starts["code_sizes"].tolist()
    best, start = 1, 0
    auroc = starts["by_size"][:, start, best, list(starts["measure_names"]).index("AUROC")]
    assert np.allclose(stored["measures"][0, :, 2], auroc, rtol=0, atol=1e-4)
    assert np.allclose(stored["stopping_loss"], starts["by_size_loss"][:, start, best], rtol=5e-3)
    assert np.all(np.diff(stored["measures"][..., 0], axis=1) < 0)  # wider is closer, for both


def test_principal_components_of_the_bottleneck_are_the_packages():
    stored = PIECES["bottleneck"].stored()
    split = datasets.load_mnist_digit(0)
    shown = make_pieces.first_of_each(split.groups_test)
    assert stored["counts"].tolist() == [980, 9020] and stored["digits"].tolist() == list(range(10))
    assert np.array_equal(stored["originals"], make_pieces.as_bytes(split.X_test[shown]))
    for place, size in enumerate(stored["sizes"].tolist()):
        again = make_pieces.pca_redrawn(split, size, shown)
        assert np.allclose(stored["measures"][1, place], again["measures"], rtol=0, atol=1e-6)
        assert np.allclose(stored["row_errors"][1, place], again["row_errors"], rtol=0, atol=1e-6)
        difference = np.subtract(stored["images"][1, place], again["images"], dtype=int)
        assert np.abs(difference).max() <= 1


def test_errors_of_the_digits_are_those_of_their_pictures():
    """The pictures are rounded to whole steps of grey, and PCA's values beyond paper and ink are cut off."""
    stored = PIECES["bottleneck"].stored()
    network = grey(stored["images"])[0] - grey(stored["originals"])
    assert np.allclose((network**2).mean(axis=2), stored["row_errors"][0], atol=1e-3)
    pca = grey(stored["images"])[1] - grey(stored["originals"])
    assert np.all((pca**2).mean(axis=2) <= stored["row_errors"][1] + 1e-3)
    stored = PIECES["training"].stored()
    found = np.abs(grey(stored["images"]) - grey(stored["originals"])).mean(axis=2)
    assert np.allclose(found, stored["row_errors"], atol=0.5 / 255)


def test_the_training_run_is_that_of_lesson_07():
    stored = PIECES["training"].stored()
    assert len(stored["images"]) == len(stored["loss"]) == len(stored["val_loss"]) == 21
    assert f"validation: mae {stored['val_loss'][-1]:.3f}," in printed("07", "metrics")
    assert np.isnan(stored["loss"][0]) and np.isfinite(stored["loss"][1:]).all()


def test_one_epoch_trained_again_gives_what_is_stored():
    builders.dense(4, (), 2)  # after a layer in single precision, as in a process that trains other networks
    before = keras.config.floatx(), keras.config.dtype_policy().name
    stored, again = PIECES["training"].stored(), make_pieces.training_arrays(epochs=1)
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == before
    assert np.array_equal(stored["originals"], again["originals"])
    for name in ("loss", "val_loss", "row_errors"):
        assert np.allclose(stored[name][:2], again[name], rtol=1e-4, equal_nan=True), name
    assert np.abs(np.subtract(stored["images"][:2], again["images"], dtype=int)).max() <= 1


def test_scores_of_the_threshold_are_those_of_lesson_01():
    score, y = pieces.knn_scores()
    words = printed("01", "knn")
    assert f"{np.sum(y == 0)} normal rows, {np.sum(y == 1)} anomalies" in words
    assert f"scores from {score.min():.2f} to {score.max():.2f}" in words
    table = evaluation.report(y, score, pieces.START, n_resamples=1)["value"]
    middle = re.search(r"middle +(.+)", printed("01", "threshold"))[1].split()
    assert middle[:3] == [f"{table[name]:.2f}" for name in ("recall", "false-alarm rate", "precision")]


def test_the_notebooks_hold_no_piece():
    for path in catalogue.NOTEBOOKS.glob("*.ipynb"):
        assert not any("data-piece" in cell.source for cell in nbformat.read(path, as_version=4).cells)
