"""The runners behind make: set-up, course, lab."""

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

from tools import catalogue, course, lab, setup_env, text

ROOT = pathlib.Path(__file__).parents[1]

# --- make lab: a working copy that is never overwritten ------------------------------------------


@pytest.fixture
def folders(tmp_path):
    source, work = tmp_path / "notebooks", tmp_path / "work"
    (source / "data").mkdir(parents=True)
    (source / "01_a.ipynb").write_text("first")
    (source / "data" / "scores.npz").write_bytes(b"12")
    (source / ".ipynb_checkpoints").mkdir()
    (source / ".ipynb_checkpoints" / "01_a.ipynb").write_text("x")
    (source / "text").mkdir()
    (source / "text" / "01_a.md").write_text("what the notebook is made from")
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
    monkeypatch.setattr(os, "execv", lambda program, arguments: called.append(arguments))
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
    html = (tmp_path / "out" / "01_good.html").read_text()
    assert "two and two is 4" in html and html.count("<summary>Show a solution</summary>") == 1
    # The committed file is not touched: it had no outputs, and has none.
    assert nbformat.read(two_lessons / "01_good.ipynb", as_version=4).cells[1].outputs == []


def test_course_says_which_cell_failed_and_goes_on(two_lessons, tmp_path, capsys):
    status = course.main(["--notebooks", str(two_lessons), "-o", str(tmp_path / "out")])
    printed = " ".join(capsys.readouterr().out.split())
    assert status == 1
    assert "cell 3 (breaks): ZeroDivisionError" in printed
    assert "1 of 2 lessons pass" in printed and "failed: 02" in printed
    assert (tmp_path / "out" / "02_bad.html").exists()


def test_course_refuses_a_lesson_that_is_not_there(two_lessons, tmp_path):
    with pytest.raises(SystemExit, match="01, 02"):
        course.main(["77", "--notebooks", str(two_lessons), "-o", str(tmp_path / "out")])


def test_a_title_without_number_is_refused():
    notebook = text.from_text("# Title\n")
    with pytest.raises(ValueError, match="first line"):
        catalogue.title_of(notebook)


# --- set-up ----------------------------------------------------------------------------------------


def test_a_second_setup_does_nothing(tmp_path, monkeypatch):
    venv = tmp_path / "venv"
    python = setup_env.program(venv, "python")
    python.parent.mkdir(parents=True)
    python.touch()
    (venv / "installed.sha256").write_text(setup_env.fingerprint())
    monkeypatch.setenv("AECOURSE_VENV", str(venv))
    monkeypatch.setattr(setup_env, "run", lambda *command: pytest.fail(f"ran {command}"))
    setup_env.main()


def test_a_changed_lock_installs_again(tmp_path, monkeypatch):
    venv = tmp_path / "venv"
    python = setup_env.program(venv, "python")
    python.parent.mkdir(parents=True)
    python.touch()
    (venv / "installed.sha256").write_text("of another lock")
    monkeypatch.setenv("AECOURSE_VENV", str(venv))
    ran = []
    monkeypatch.setattr(setup_env, "run", lambda *command: ran.append(command) or True)
    setup_env.main()
    assert any("--require-hashes" in command for command in ran)
    assert (venv / "installed.sha256").read_text() == setup_env.fingerprint()


def test_setup_goes_on_with_pip_where_uv_cannot_and_fails_clearly(tmp_path, monkeypatch, capsys):
    python = setup_env.program(tmp_path, "python")
    python.parent.mkdir(parents=True)
    ran = []
    monkeypatch.setattr(setup_env, "run", lambda *command: ran.append(command) or "uv" not in command)
    setup_env.install(python)
    assert any("-r" in command and setup_env.LOCK in command and "uv" not in command for command in ran)
    assert "trying pip" in capsys.readouterr().out
    monkeypatch.setattr(setup_env, "run", lambda *command: False)
    with pytest.raises(SystemExit, match="Check the network"):
        setup_env.install(python)


def test_setup_refuses_another_python(monkeypatch):
    monkeypatch.setattr(setup_env, "OLDEST", (3, 99))
    with pytest.raises(SystemExit, match="Python 3.11, 3.12 or 3.13 is needed"):
        setup_env.main()


def test_uv_is_pinned_by_hash():
    assert setup_env.locked("uv").startswith("uv==") and "--hash=sha256:" in setup_env.locked("uv")
    with pytest.raises(SystemExit, match="pins no 'nothing'"):
        setup_env.locked("nothing")


def test_ci_runs_the_readme_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert "make test" in script and os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_make_help_names_the_targets():
    result = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("course", "test", "lab", "doctor", "bench", "lock"):
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
            assert {entry["name"] for entry in json.load(answer)["content"]} == {"01_a.ipynb", "data"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{base}/api/contents", timeout=30)
        assert refused.value.code == 403
    finally:
        server.terminate()
        server.wait(timeout=30)
