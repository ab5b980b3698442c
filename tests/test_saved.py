"""Saved detectors of tables: files of each format are read, in every environment with the stored scores.

``saved/`` holds one detector in each format that is read, written by the release that had it, some rows, and
the scores that the detector had when it was saved. The lowest versions that are allowed and the newest ones
must both give these scores, so they give equal ones.
"""

import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aecourse.tabular import TableDetector, score

SAVED = Path(__file__).with_name("saved")
FORMATS = sorted(SAVED.glob("*.aecourse"))


@pytest.fixture(scope="module")
def rows():
    return pd.read_csv(SAVED / "rows.csv")


def test_there_is_a_file_of_every_format_that_is_read():
    assert [path.name for path in FORMATS] == ["table-format-2.aecourse", "table-format-3.aecourse"]


@pytest.mark.parametrize("path", FORMATS, ids=lambda path: path.stem)
def test_the_scores_are_those_that_were_stored(path, rows):
    detector = TableDetector.load(path)
    expected = pd.read_csv(path.with_suffix(".csv"))["score"]
    np.testing.assert_allclose(detector.score(rows)["score"], expected, rtol=1e-6, atol=1e-6)
    assert "a = " in detector.reasons(rows.iloc[2:3])[0], "20 were added to column a of the third row"


@pytest.mark.parametrize("path", FORMATS, ids=lambda path: path.stem)
def test_the_command_scores_with_it_too(path, tmp_path):
    result = score(path, SAVED / "rows.csv", tmp_path / "scores.csv")
    expected = pd.read_csv(path.with_suffix(".csv"))["score"]
    np.testing.assert_allclose(pd.read_csv(result.output)["score"], expected, rtol=1e-5)


def test_loading_and_scoring_need_no_tensorflow():
    code = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # an import of them fails
import pandas as pd
from aecourse.tabular import TableDetector
detector, rows = TableDetector.load(sys.argv[1]), pd.read_csv(sys.argv[2])
print(len(detector.score(rows)), len(detector.reasons(rows)), len(detector.drift(rows).warnings) >= 0)
"""
    command = [sys.executable, "-c", code, str(FORMATS[-1]), str(SAVED / "rows.csv")]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"AECOURSE_PROGRESS": "0"}
    )
    assert done.stdout == "20 20 True\n", done.stderr


# --- files that somebody changed ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def contents():
    with zipfile.ZipFile(FORMATS[-1]) as archive:
        return json.loads(archive.read("about.json")), archive.read("detector.zip")


def places(value, path=()):
    """Yield the place of each entry; of a list only that of the first."""
    yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def changed(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


WRONG = {
    "a huge number": 10**400,
    "infinite": float("inf"),
    "no number": float("nan"),
    "below zero": -(2**70),
    "nested": nested(200),
    "null": None,
    "a text": "x" * 1000,
    "an object": {"a": {"b": []}},
    "ragged": [[0.5], 1, "x"],
    "yes": True,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_any_entry_may_be_wrong(contents, rows, tmp_path, wrong):
    """A wrong entry is refused in one sentence; if it is one that may be so, the detector scores."""
    about, detector = contents
    path = tmp_path / "wrong.aecourse"
    refused = 0
    for place in places(about):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("about.json", json.dumps(changed(about, place, WRONG[wrong])))
            archive.writestr("detector.zip", detector)
        try:
            with np.errstate(all="ignore"):
                TableDetector.load(path).score(rows)
        except (ValueError, OSError) as error:
            assert "\n" not in str(error), place
            refused += 1
        except Exception as error:
            raise AssertionError(f"{place}: {error!r}") from error
    assert refused > 40


def test_texts_nested_or_long_beyond_measure_are_refused(contents, tmp_path):
    path = tmp_path / "wrong.aecourse"
    for text in ("[" * 100_000 + "]" * 100_000, '{"a": ' + "9" * 100_000 + "}", "1" * 100_000):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("about.json", text)
            archive.writestr("detector.zip", contents[1])
        with pytest.raises((ValueError, OSError), match="not a detector of a table"):
            TableDetector.load(path)


@pytest.mark.parametrize("entry", ["about.json", "detector.zip"])
def test_a_bomb_of_three_megabytes_is_refused_before_it_is_unpacked(contents, tmp_path, entry):
    """It says that it unpacks to 3 GB, as 3 MB of packed zeros do."""
    about, detector = contents
    path, size = tmp_path / "bomb.aecourse", 3 * 2**30
    whole = {"about.json": json.dumps(about).encode(), "detector.zip": detector} | {
        entry: os.urandom(3 * 2**20)
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in whole.items():
            archive.writestr(name, content)
        for each in archive.infolist():
            if each.filename == entry:
                each.file_size = size  # written into the list of contents, which is what a reader believes
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"{entry} unpacks to {size:,} bytes, more than a detector has"):
        TableDetector.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size_is_not_unpacked_either(contents, tmp_path):
    """30 MB of zeros that say that they are 1,000 bytes."""
    about, _ = contents
    path = tmp_path / "bomb.aecourse"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.json", json.dumps(about))
        archive.writestr("detector.zip", bytes(30 * 2**20))
        archive.infolist()[1].file_size = 1000
    tracemalloc.start()
    with pytest.raises((ValueError, OSError)):
        TableDetector.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
