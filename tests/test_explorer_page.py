"""The explorer's data file and markup, without a browser."""

import html.parser
import json
import re

import nbformat
import numpy as np
import PIL.Image
import pytest

from aecourse import datasets, evaluation, thresholds
from tools import explorer_data

ROOT = explorer_data.ROOT

LESSON = ROOT / "notebooks" / "09_threshold_evaluation.ipynb"
TRUTH = {"06": "y", "08": "cluster"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return explorer_data.build(tmp_path_factory.mktemp("explorer"))


def stored_data(page):
    """Return what the page's script of data holds."""
    text = (page / "static" / "data.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.explorerData = ").removesuffix(";\n"))


@pytest.fixture(scope="module")
def labs(page):
    stored = stored_data(page)
    return {lab["key"]: lab for lab in stored["labs"]}


def scores(key):
    with np.load(ROOT / "notebooks" / "data" / f"scores_{key}.npz") as stored:
        return stored["test"].astype(float), stored[TRUTH[key]]


@pytest.mark.parametrize("key", TRUTH)
def test_every_stored_score_is_in_the_file_to_the_last_bit(labs, key):
    test, y = scores(key)
    assert labs[key]["normal"] == np.sort(test[y == 0]).tolist()
    assert labs[key]["anomaly"] == np.sort(test[y == 1]).tolist()
    assert evaluation.false_alarm_rate(y, test, labs[key]["belowAll"]) == 1
    # The files hold ties, of one class and across both, so the page's tests meet them.
    assert np.unique(test).size < test.size


@pytest.mark.parametrize("key", TRUTH)
def test_bars_hold_every_row_and_the_slider_reaches_both_ends(labs, key):
    lab = labs[key]
    test, y = scores(key)
    assert sum(lab["normalBars"]) == np.sum(y == 0) and sum(lab["anomalyBars"]) == np.sum(y == 1)
    assert lab["steps"] == sorted(set(lab["steps"]))
    assert lab["steps"][0] < test.min() and test.max() <= lab["steps"][-1]
    lowest, highest = lab["edges"][0], lab["edges"][-1]
    assert all(lowest <= rule["threshold"] <= highest for rule in lab["rules"].values())


def test_the_sheet_holds_the_images_whose_scores_are_stored(page, labs):
    images = labs["06"]["images"]
    test, _ = scores("06")
    _, (pictures, digits) = datasets.load_mnist()
    sheet = 255 - np.asarray(PIL.Image.open(page / "static" / images["file"]))
    assert images["scores"] == sorted(images["scores"]) and len(images["scores"]) == 400
    assert (page / "static" / images["file"]).stat().st_size < 200_000
    for place in (0, 1, 19, 20, 123, 399):
        row, column = divmod(place, images["columns"])
        shown = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        [found] = [i for i in np.flatnonzero((pictures == shown).all(axis=(1, 2)))]
        assert test[found] == images["scores"][place] and digits[found] == images["digits"][place]
    assert np.mean(np.array(images["digits"]) == 0) == 0.5
    assert labs["08"]["images"] is None


def lesson_output(cell_id):
    (cell,) = [cell for cell in nbformat.read(LESSON, as_version=4).cells if cell.id == cell_id]
    return "".join(output.data["text/plain"] for output in cell.outputs if "data" in output)


@pytest.mark.parametrize("key, cell_id", [("06", "table-mnist"), ("08", "table-synthetic")])
def test_rules_without_labels_land_where_lesson_09_prints_them(labs, key, cell_id):
    printed = dict(re.findall(r"^([a-z][\w +,]*?) {2,}(0\.\d{4}) ", lesson_output(cell_id), re.MULTILINE))
    assert list(printed) == list(thresholds.rules(0.01))
    for name, threshold in printed.items():
        assert f"{labs[key]['rules'][name]['threshold']:.4f}" == threshold


@pytest.mark.parametrize("key, lab_name", [("06", "MNIST zeros"), ("08", "synthetic")])
def test_rules_with_labels_land_where_lesson_09_prints_them(labs, key, lab_name):
    block = lesson_output("labelled").partition(lab_name)[2]
    printed = re.findall(r"(F1|F2|cost, a miss 10) +(0\.\d{4})", block)[:3]
    names = ("F1, from labels", "F2, from labels", "expected cost, from labels")
    assert [threshold for _, threshold in printed] == [
        f"{labs[key]['rules'][name]['threshold']:.4f}" for name in names
    ]


def test_all_eight_kinds_of_rule_are_there(labs):
    kinds = {rule["written"].partition("(")[0] for rule in labs["06"]["rules"].values()}
    assert kinds == set(thresholds.__all__) - {
        "CannotPromise",
        "Realised",
        "Rule",
        "rows_needed",
        "rules",
        "table",
    }
    assert len(kinds) == 8
    for rule in labs["08"]["rules"].values():
        assert rule["sentence"].endswith("rows.") and rule["assumption"].endswith(".")
        assert rule["learned"] == (rule["promised"] == "no false-alarm rate")


def test_a_view_that_cuts_scores_off_is_refused():
    narrow = explorer_data.Lab("06", "", "y", ("a", "b"), "", (0.0, 0.1), ())
    with pytest.raises(ValueError, match="view of lab 06 must hold all scores"):
        explorer_data.lab_data(narrow)


class Markup(html.parser.HTMLParser):
    """Collect a page's ids, labels, controls and addresses."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.labelled, self.controls, self.refers, self.addresses = [], set(), set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "label":
            self.labelled.add(attributes["for"])
        if tag in ("input", "select"):
            self.controls.add(attributes["id"])
        for name in ("aria-describedby", "aria-labelledby"):
            self.refers.update(attributes.get(name, "").split())
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]


def test_every_control_has_a_label_and_every_reference_a_target(page):
    markup = Markup((page / "index.html").read_text(encoding="utf-8"))
    assert len(markup.ids) == len(set(markup.ids))
    assert markup.controls and markup.controls == markup.labelled
    assert markup.refers <= set(markup.ids)


def test_the_page_asks_for_its_own_files_only(page):
    markup = Markup((page / "index.html").read_text(encoding="utf-8"))
    local = [address for address in markup.addresses if not address.startswith("data:")]
    assert len(local) == 5 and all((page / address).is_file() for address in local)
    for name in explorer_data.OWN_FILES:
        text = (page / "static" / name).read_text(encoding="utf-8")
        # The name of SVG's elements looks like an address; nothing is asked for there.
        assert not re.search(r"https?://", text.replace('"http://www.w3.org/2000/svg"', ""))


def test_the_book_page_takes_the_same_fragment_and_files(page):
    source = (explorer_data.PAGE / "index.md").read_text(encoding="utf-8")
    assert ":file: fragment.html" in source and source.startswith("# ")
    files = [address.removeprefix("../_static/explorer/") for address in Markup(source).addresses]
    lessons = re.findall(r"\]\(\.\./lessons/([^)]+)\)", source)
    assert len(lessons) == 3 and all((ROOT / "notebooks" / name).is_file() for name in lessons)
    assert len(files) == 5 and all((page / "static" / name).is_file() for name in files)
    ids = {
        "alone": (page / "index.html").read_text(encoding="utf-8"),
        "fragment": (explorer_data.PAGE / "fragment.html").read_text(encoding="utf-8"),
    }
    assert Markup(ids["alone"]).ids == Markup(ids["fragment"]).ids


def test_scripts_and_markup_name_the_same_parts():
    """What the script looks up is in the markup, and each number that is shown is computed."""
    fragment = (explorer_data.PAGE / "fragment.html").read_text(encoding="utf-8")
    script = (explorer_data.PAGE / "explorer.js").read_text(encoding="utf-8")
    looked_up = set(re.findall(r'element\("([\w-]+)"\)', script)) | set(
        re.findall(r'\bid: "([\w-]+)"', script)
    )
    assert looked_up and {f"explorer-{name}" for name in looked_up} <= set(Markup(fragment).ids)
    shown = set(re.findall(r'data-show="(\w+)"', fragment))
    assert shown == set(re.findall(r"(\w+): \d", script.partition("const SHOW = {")[2].partition("}")[0]))


def test_the_command_writes_the_page(tmp_path, capsys):
    explorer_data.main([str(tmp_path / "there")])
    assert (tmp_path / "there" / "index.html").is_file() and "index.html" in capsys.readouterr().out
