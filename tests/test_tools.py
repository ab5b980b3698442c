"""The runners behind make: set-up, course, lab."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest

from tools import catalogue, course, lab, places, text

ROOT = pathlib.Path(__file__).parents[1]

# --- make lab: a working copy that is never overwritten ------------------------------------------


@pytest.fixture
def folders(tmp_path, monkeypatch):
    source, work = tmp_path / "notebooks", tmp_path / "work"
    (source / "data").mkdir(parents=True)
    (source / "01_a.ipynb").write_text("first")
    (source / "data" / "scores.npz").write_bytes(b"12")
    (source / ".ipynb_checkpoints").mkdir()
    (source / ".ipynb_checkpoints" / "01_a.ipynb").write_text("x")
    (source / "text").mkdir()
    (source / "text" / "01_a.md").write_text("what the notebook is made from")
    (source / "lessons.toml").write_text("# for authors")
    monkeypatch.setattr(lab, "ASSIGNMENTS", tmp_path / "none")
    monkeypatch.setattr(lab.update, "__defaults__", (tmp_path / "none",))
    return source, work


def test_first_run_copies_everything(folders):
    source, work = folders
    assert len(lab.update(source, work)) == 2
    assert (work / "01_a.ipynb").read_text() == "first"
    assert (work / "data" / "scores.npz").read_bytes() == b"12"
    assert not (work / ".ipynb_checkpoints").exists() and not (work / "text").exists()


def test_second_run_writes_nothing(folders):
    lab.update(*folders)
    assert lab.update(*folders) == []


def test_a_students_edit_is_kept_and_the_update_is_added_beside_it(folders):
    source, work = folders
    lab.update(source, work)
    (work / "01_a.ipynb").write_text("mine")
    assert lab.update(source, work) == []
    (source / "01_a.ipynb").write_text("second")
    (said,) = lab.update(source, work)
    assert "yours is kept" in said
    assert (work / "01_a.ipynb").read_text() == "mine"
    assert (work / "01_a.update-1.ipynb").read_text() == "second"
    assert lab.update(source, work) == []
    (source / "01_a.ipynb").write_text("third")
    lab.update(source, work)
    assert (work / "01_a.update-1.ipynb").read_text() == "second"
    assert (work / "01_a.update-2.ipynb").read_text() == "third"
    assert (work / "01_a.ipynb").read_text() == "mine"


def test_an_untouched_copy_follows_the_course(folders):
    source, work = folders
    lab.update(source, work)
    (source / "01_a.ipynb").write_text("second")
    assert lab.update(source, work) == ["01_a.ipynb: brought up to date"]
    assert (work / "01_a.ipynb").read_text() == "second"


def notebook(*sources, outputs=()):
    cells = [{"cell_type": "code", "source": source, "outputs": list(outputs)} for source in sources]
    return json.dumps({"cells": cells})


def test_running_and_saving_a_notebook_is_no_change(folders):
    source, work = folders
    (source / "01_a.ipynb").write_text(notebook("1"))
    lab.update(source, work)
    (work / "01_a.ipynb").write_text(notebook(["1"], outputs=[{"output_type": "stream"}]))
    (source / "01_a.ipynb").write_text(notebook("2"))
    assert lab.update(source, work) == ["01_a.ipynb: brought up to date"]
    assert "brought up to date" in (work / lab.UPDATES).read_text()


def test_a_record_of_bytes_still_counts(folders):
    """Working copies of an earlier course have hashes of whole files in their records."""
    source, work = folders
    (source / "01_a.ipynb").write_text(notebook("1"))
    lab.update(source, work)
    record = json.loads((work / lab.RECORD).read_text())
    record["01_a.ipynb"] = hashlib.sha256((source / "01_a.ipynb").read_bytes()).hexdigest()
    (work / lab.RECORD).write_text(json.dumps(record))
    (source / "01_a.ipynb").write_text(notebook("2"))
    assert lab.update(source, work) == ["01_a.ipynb: brought up to date"]


def test_the_list_of_files_says_what_an_update_did(folders):
    source, work = folders
    lab.update(source, work)
    assert not (work / lab.UPDATES).exists()  # nothing was updated
    (work / "01_a.ipynb").write_text("mine")
    (source / "01_a.ipynb").write_text("second")
    lab.update(source, work)
    assert "yours is kept, the new one is 01_a.update-1.ipynb" in (work / lab.UPDATES).read_text()
    (source / "01_a.ipynb").write_text("third")
    lab.update(source, work)
    said = (work / lab.UPDATES).read_text()
    assert said.startswith(lab.UPDATES_TITLE) and said.count("# What") == 1
    assert said.index("01_a.update-2.ipynb") < said.index("01_a.update-1.ipynb")  # the newest first


@pytest.mark.parametrize("damage", ["", "{", "[1]", "\0"])
def test_a_damaged_record_costs_no_edit(folders, damage):
    source, work = folders
    lab.update(source, work)
    (work / "01_a.ipynb").write_text("mine")
    (work / lab.RECORD).write_text(damage)
    (source / "01_a.ipynb").write_text("second")
    (said,) = lab.update(source, work)
    assert "yours is kept" in said and (work / "01_a.ipynb").read_text() == "mine"
    assert lab.update(source, work) == []


def test_the_working_copy_holds_lessons_and_assignments_and_no_settings(tmp_path):
    lab.update(ROOT / "notebooks", tmp_path / "work", ROOT / "assignments" / "release")
    shown = {path.name for path in (tmp_path / "work").iterdir() if not path.name.startswith(".")}
    assert {"00_start_here.ipynb", "assignments", "data", "LICENSE.md"} <= shown
    assert (tmp_path / "work" / "assignments" / "a1" / "a1.ipynb").exists()
    assert not [name for name in shown if name.endswith((".toml", ".cfg", ".py"))]


def test_a_folder_that_cannot_be_written_gets_a_sentence(folders, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert lab.main(["--lessons", str(folders[0]), "--work", str(tmp_path / "file" / "work")]) == 1
    assert "AECOURSE_WORK" in capsys.readouterr().err


def test_the_working_copy_may_be_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("AECOURSE_WORK", str(tmp_path / "mine"))
    assert places.work_path() == tmp_path / "mine"
    assert places.built_path("site") == places.ROOT / "_build" / "site"
    monkeypatch.delenv("AECOURSE_WORK")
    assert places.work_path() == places.ROOT / "work"
    monkeypatch.setattr(places.os, "access", lambda path, mode: False)
    assert places.work_path() == pathlib.Path.home() / "aecourse-work"
    assert places.built_path("site") == pathlib.Path.home() / "aecourse-work" / "_build" / "site"


def test_an_unwritable_home_and_other_kernels_do_not_count(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_PATH", "/of/another/installation")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    before = lab.environment(tmp_path)
    assert before["JUPYTER_PATH"].split(os.pathsep) == [
        str(pathlib.Path(sys.prefix, "share", "jupyter")),
        "/of/another/installation",
    ]
    assert before["KERAS_BACKEND"] == "tensorflow" and "IPYTHONDIR" not in before.keys() - os.environ.keys()
    monkeypatch.setattr(lab.os, "access", lambda path, mode: False)
    after = lab.environment(tmp_path)
    for name in (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "MPLCONFIGDIR",
    ):
        assert after[name].startswith(str(tmp_path)), name


def test_a_file_from_before_the_record_is_not_overwritten(folders):
    """A work folder without its record may hold anything: nothing in it is replaced."""
    source, work = folders
    work.mkdir()
    (work / "01_a.ipynb").write_text("older, perhaps edited")
    lab.update(source, work)
    assert (work / "01_a.ipynb").read_text() == "older, perhaps edited"
    assert (work / "01_a.update-1.ipynb").read_text() == "first"


def test_an_interrupted_copy_leaves_no_half_written_file(folders, monkeypatch):
    source, work = folders

    def broken(source_path, target_path):
        pathlib.Path(target_path).write_text("fi")
        raise OSError("disk full")

    monkeypatch.setattr(lab.shutil, "copyfile", broken)
    with pytest.raises(OSError):
        lab.update(source, work)
    assert not (work / "01_a.ipynb").exists()
    monkeypatch.undo()
    lab.update(source, work)
    assert (work / "01_a.ipynb").read_text() == "first"


def test_the_server_listens_on_this_machine_only_and_keeps_its_token(folders, monkeypatch):
    called = []
    monkeypatch.setattr(os, "execve", lambda program, arguments, environment: called.append(arguments))
    source, work = folders
    lab.main(["--lessons", str(source), "--work", str(work), "--no-browser"])
    (arguments,) = called
    assert "--ServerApp.ip=127.0.0.1" in arguments and f"--ServerApp.root_dir={work}" in arguments
    assert not any("token" in argument or "password" in argument for argument in arguments)


def test_the_lesson_that_opens_first_is_there():
    assert (ROOT / "notebooks" / lab.FIRST).exists()


def test_git_ignores_the_working_copy():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert "work/" in ignored and "_build/" in ignored and ".venv*/" in ignored


# --- make course: execute, write HTML, print a table ---------------------------------------------

GOOD = """+++ {"id": "title"}

# 01 · A good lesson

```{code-cell}
:id: sum
:tags: [headline]

print("two and two is", 2 + 2)
```

```{code-cell}
:id: solved
:tags: [solution]

answer = 4
```
"""
BAD = """+++ {"id": "title"}

# 02 · A bad lesson

```{code-cell}
:id: first

value = 1
```

```{code-cell}
:id: breaks

value / 0
```
"""


@pytest.fixture
def two_lessons(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(text.from_text(GOOD), folder / "01_good.ipynb")
    nbformat.write(text.from_text(BAD), folder / "02_bad.ipynb")
    (folder / "lessons.toml").write_text(
        '["01_good.ipynb"]\nabout = "a"\nreading = 1\nminutes = 0.1\n'
        '["02_bad.ipynb"]\nabout = "b"\nreading = 1\nminutes = 0.1\n'
    )
    return folder


def test_course_executes_writes_html_and_prints_the_table(two_lessons, tmp_path, capsys):
    status = course.main(["01", "--notebooks", str(two_lessons), "-o", str(tmp_path / "out")])
    printed = capsys.readouterr()
    assert status == 0
    assert (
        "pass" in printed.out and "two and two is 4" in printed.out and "1 of 1 lessons pass" in printed.out
    )
    assert "left" in printed.err  # the progress bar's estimate
    html = (tmp_path / "out" / "lessons" / "01_good.html").read_text(encoding="utf-8")
    assert "two and two is 4" in html and html.count("Show a solution") == 1
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'href="lessons/01_good.html"' in index and "two and two is 4" in index and "passed" in index
    # The committed file is not touched: it had no outputs, and has none.
    assert nbformat.read(two_lessons / "01_good.ipynb", as_version=4).cells[1].outputs == []


def test_course_says_which_cell_failed_and_goes_on(two_lessons, tmp_path, capsys):
    status = course.main(["--notebooks", str(two_lessons), "-o", str(tmp_path / "out")])
    printed = " ".join(capsys.readouterr().out.split())
    assert status == 1
    assert "cell 3 (breaks): ZeroDivisionError" in printed
    assert "1 of 2 lessons pass" in printed and "failed: 02" in printed
    assert "ZeroDivisionError" in (tmp_path / "out" / "lessons" / "02_bad.html").read_text(encoding="utf-8")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "failed" in index and "cell 3 (breaks)" in index


def test_course_refuses_a_lesson_that_is_not_there(two_lessons, tmp_path):
    with pytest.raises(SystemExit, match="01, 02"):
        course.main(["77", "--notebooks", str(two_lessons), "-o", str(tmp_path / "out")])


def test_a_title_without_number_is_refused():
    notebook = text.from_text("# Title\n")
    with pytest.raises(ValueError, match="first line"):
        catalogue.title_of(notebook)


# --- continuous integration and make ----------------------------------------------------------------


def test_ci_runs_the_readme_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert "make test" in script and os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_make_help_names_the_targets():
    result = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("course", "test", "lab", "doctor", "bench", "lock", "slides", "pdf"):
        assert result.stdout.count(target)


def when_it_answers(address, seconds=60):
    """Open an address as soon as its server listens: the lab prints its address before that."""
    end = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(address, timeout=30)
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_the_lab_starts_with_a_token_on_this_machine(folders):
    """The real server: it prints an address on 127.0.0.1 with a token, and refuses those without."""
    source, work = folders
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "tools.lab", "--lessons", str(source), "--work", str(work)),
            *("--no-browser", "--port", "18888"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        address = next(
            found.group()
            for line in server.stdout
            if (found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*\?token=\w+", line))
        )
        assert f"/lab/tree/{lab.FIRST}?" in address
        base, token = re.fullmatch(r"(http://[^/]+)/lab\S*\?token=(\w+)", address).groups()
        with when_it_answers(f"{base}/api/contents?token={token}") as answer:
            assert {entry["name"] for entry in json.load(answer)["content"]} == {
                *("01_a.ipynb", "data", "assignments"),
            }
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{base}/api/contents", timeout=30)
        assert refused.value.code == 403
    finally:
        server.terminate()
        server.wait(timeout=30)
