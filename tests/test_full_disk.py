"""On a disk that is really full, each error names the file, and nothing half-written remains."""

import gzip
import os
import resource
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aecourse import tabular
from aecourse.grading import assignment, batch, collecting, gradebook, results
from aecourse.grading.record import CellResult, Outcome, Record, Status
from aecourse.tabular import TableDetector, jobs
from tools import made_up_assignment

PAGE = os.sysconf("SC_PAGE_SIZE")
ABOUT = assignment.read(made_up_assignment.source())


def make(n=400, seed=0):
    rng = np.random.RandomState(seed)
    table = pd.DataFrame(rng.normal(size=(n, 3)).round(3), columns=list("abc"))
    table["d"] = table["a"] + table["b"]
    table.loc[n - 20 :, "d"] += 5
    return table


@pytest.fixture(scope="module")
def fitted():
    return TableDetector(budget=0.05).fit(make(), ignore=())


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A series, and the detector that was fitted on it."""
    folder = tmp_path_factory.mktemp("series")
    load = np.sin(np.arange(2000) / 8) + 0.1 * np.random.RandomState(0).normal(size=2000)
    pd.DataFrame({"ts": np.arange(2000), "load": load}).to_csv(folder / "series.csv", index=False)
    found = tabular.detect(folder / "series.csv", time="ts", window=12, budget=0.05)
    return folder / "series.csv", found.output / "detector.aecourse"


@pytest.fixture(scope="module")
def saved(tmp_path_factory, fitted):
    """A folder on a disk with room: a table, the same packed, and a detector."""
    folder = tmp_path_factory.mktemp("saved")
    make().to_csv(folder / "table.csv", index=False)
    (folder / "table.csv.gz").write_bytes(gzip.compress((folder / "table.csv").read_bytes()))
    fitted.save(folder / "detector.aecourse")
    return folder


def record():
    cells = [
        CellResult(cell.name, cell.name, "test", cell.points, 1.0, Outcome.PASSED, "well done")
        for cell in ABOUT.graded
    ]
    return Record("4711", "Ada", "4711.ipynb", ABOUT.name, Status.GRADED, "", cells, key="k4711")


def detect(folder, saved, monkeypatch, fitted):
    monkeypatch.setattr(TableDetector, "fit", lambda self, *_: vars(self).update(vars(fitted)) or self)
    tabular.detect(saved / "table.csv", folder / "out", budget=0.05)


def score(folder, saved, *_):
    jobs.score(saved / "detector.aecourse", saved / "table.csv", folder / "out.csv")


WRITERS = {
    "detect": (detect, "out"),
    "score": (score, r"out.csv and \S*out-report.json"),
    "save": (lambda folder, saved, _, fitted: fitted.save(folder / "out.aecourse"), "out.aecourse"),
    "save the network": (
        lambda folder, saved, _, fitted: fitted.detector_.save(folder / "out.zip"),
        "out.zip",
    ),
    "grade: tables and pages": (
        lambda folder, *_: results.write(folder, ABOUT, [record()]),
        r"(grades.csv|moodle.csv|canvas.csv|4711.html|report.html|feedback)",
    ),
    "grade: a record": (
        lambda folder, *_: batch.Store(folder / "records").put(record()),
        r"(\.json|records)",
    ),
    "grade: whose folder": (lambda folder, *_: claim(folder), "assignment.txt"),
    "grade: students": (
        lambda folder, *_: collecting.write_rows(
            folder / "students.csv", [collecting.Row("a", "1", "Ada", "yes", "")] * 200
        ),
        "students.csv",
    ),
    "grade: gradebook": (
        lambda folder, *_: gradebook.write(folder, ABOUT, made_up_assignment.source(), []),
        r"(gradebook.db|nbgrader_config.py|ipynb)",
    ),
}
# What is only unpacked, copied or joined goes through the folder of temporary files.
READERS = {
    "look at a packed table": lambda saved: tabular.look(saved / "table.csv.gz", budget=0.05),
    "load": lambda saved: TableDetector.load(saved / "detector.aecourse"),
}


def claim(folder):
    with results.claimed(folder, ABOUT.name):
        pass


@pytest.fixture
def disk(tmp_path):
    """A disk of a megabyte; where no disk may be made, the test is skipped."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"no disk may be made here: {done.stderr.strip()}")
    yield folder
    subprocess.run(
        ["umount", "--lazy", str(folder)],  # SQLite may not have closed its file yet
        check=True,
    )


def fill(folder, pages):
    """Fill a disk up to some pages."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "filler").write_bytes(bytes(free - pages * PAGE))


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pages_of(folder):
    return sum(-(-path.stat().st_size // PAGE) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("part", [0, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", WRITERS)
def test_the_file_is_named_and_nothing_half_written_remains(
    name, part, disk, saved, fitted, monkeypatch, tmp_path
):
    """The disk has room for a part of what is to be written: the first, or one of the next files fails."""
    write, words = WRITERS[name]
    (whole := tmp_path / "room").mkdir()  # its name is as long: it stands in some of the files
    with monkeypatch.context() as patched:
        write(whole, saved, patched, fitted)
    fill(disk, int(part * pages_of(whole)))
    before = content(disk)
    with pytest.raises(OSError, match=words) as caught, monkeypatch.context() as patched:
        write(disk, saved, patched, fitted)
    assert "disk is full" in str(caught.value) and "[Errno" not in str(caught.value)
    there = content(whole)
    for path, found in content(disk).items():
        same = path in before and found == before[path]
        assert same or len(found) == len(there[path]) or path == "assignment.txt", f"{path} is half-written"
    assert not list(disk.glob("**/.*")), "temporary files remain"


@pytest.mark.parametrize("name", ["detect", "score", "save"])
def test_earlier_results_stay_as_they_were(name, disk, saved, fitted, monkeypatch):
    write, _ = WRITERS[name]
    with monkeypatch.context() as patched:
        write(disk, saved, patched, fitted)
        before = content(disk)
        fill(disk, 1)
        patched.setattr(jobs, "_check_output_file", lambda *_: None)  # as with --force
        patched.setattr(jobs, "_check_output_folder", lambda *_: None)
        with pytest.raises(OSError, match="disk is full"):
            write(disk, saved, patched, fitted)
    (disk / "filler").unlink()
    assert content(disk) == before


@pytest.mark.parametrize("command", ["detect", "score"])
def test_results_of_a_series_too(command, disk, series):
    path, detector = series
    fill(disk, 1)
    with pytest.raises(OSError, match=r"out\S* .*disk is full"):
        if command == "score":
            jobs.score(detector, path, disk / "out.csv")
        else:
            tabular.detect(path, disk / "out", time="ts", window=12, budget=0.05)
    assert os.listdir(disk) == ["filler"]


@pytest.mark.parametrize("name", READERS)
def test_a_full_folder_of_temporary_files_is_named(name, disk, saved, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    fill(disk, 1)
    with pytest.raises(OSError, match=f"the temporary folder {disk}.* the disk is full.*TMPDIR"):
        READERS[name](saved)
    assert os.listdir(disk) == ["filler"]


@contextmanager
def at_most(size):
    """Let no file grow beyond a size, as a share of a disk that is used up does."""
    before, usual = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, usual)


@pytest.mark.parametrize("name", ["detect", "score", "save", "save the network", "grade: students"])
def test_a_limit_on_files_is_a_full_disk_too(name, saved, fitted, monkeypatch, tmp_path):
    """Any user can set this limit, so it is tested where no disk may be made."""
    write, words = WRITERS[name]
    with (
        pytest.raises(
            OSError, match=f"({words}|temporary folder|aecourse-\\S*detector.zip) ?.*could not be written"
        ),
        monkeypatch.context() as patched,
    ):
        with at_most(100):
            write(tmp_path, saved, patched, fitted)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words", [["look", "table.csv"], ["score", "detector.aecourse", "table.csv", "-o", "-"]]
)
def test_a_full_standard_output_is_named(words, saved):
    command = [sys.executable, "-m", "aecourse", *words]
    quiet = os.environ | {"AECOURSE_PROGRESS": "0"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=saved, stdout=full, stderr=-1, text=True, env=quiet, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "standard output could not be written, because the disk is full" in done.stderr


def test_there_are_files_of_every_kind():
    assert {Path(path).suffix for path in jobs.RESULT_FILES} == {".aecourse", ".csv", ".html", ".json"}
    assert len(WRITERS) == 9
