"""From nothing to an environment: the search for a Python, the two locks, the set-up and its repair."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from tools import setup_env

ROOT = pathlib.Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="fakes are shell scripts")

# --- the search for a Python -----------------------------------------------------------------------

# Each kind of `python3` that students have had, as a shell script. It gets `-c CODE`, or what it is to run.
REAL = f'exec "{sys.executable}" -c'
AS = "import sys; sys.version_info = ({}, {}, 0); sys.version = '{}.{}.0 (fake)'; {}"
IN_ITS_PLACE = '[ "$1" = -c ] || { echo "$0" "$@"; exit; }\nshift\n'


def version(major, minor, before=""):
    start = AS.format(major, minor, major, minor, before)
    return f'{IN_ITS_PLACE}{REAL} "{start}\n$1"'


WITHOUT_ENSUREPIP = "sys.modules['ensurepip'] = None"
KINDS = {
    "too new": version(3, 14),
    "too old": version(3, 10),
    "Debian's, without python3-venv": version(3, 12, WITHOUT_ENSUREPIP),
    "pyenv's, of a version that is not chosen": "echo 'pyenv: command not found' >&2; exit 127",
    "the Windows store's": "echo 'Python was not found; run without arguments to install' >&2; exit 49",
    "one that crashes": "kill -SEGV $$",
}


@pytest.fixture
def machine(tmp_path):
    """Make a machine with the usual tools and no Python; return its folder of programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "awk", "dirname", "cat", "mkdir"):
        (programs / name).symlink_to(shutil.which(name))
    return programs


def add(programs, name, script):
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


def search(programs, *arguments, **environment):
    home = programs.parent / "home"
    return subprocess.run(
        ["sh", ROOT / "tools" / "with_python.sh", *(arguments or ("-m", "what"))],
        env={"PATH": str(programs), "HOME": str(home), "AECOURSE_VENV": str(home / "venv")} | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("kind", "other"),
    list(zip(KINDS, ["python3.13", "python3.12", "python3.11", "python"] * 2, strict=False)),
)
def test_another_python_is_found_where_python3_is_of_no_use(machine, kind, other):
    add(machine, "python3", KINDS[kind])
    add(machine, other, version(3, 12))
    found = search(machine)
    assert found.returncode == 0 and found.stdout.split() == [str(machine / other), "-m", "what"]


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_a_python3_that_can_be_used_comes_first(machine, minor):
    add(machine, "python3", version(3, minor))
    add(machine, "python3.13", version(3, 13))
    assert search(machine).stdout.split()[0] == str(machine / "python3")


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_none_the_message_says_what_was_found_and_what_to_install(machine, kind):
    add(machine, "python3", KINDS[kind])
    found = search(machine)
    assert found.returncode == 2 and found.stdout == ""
    first, rest = found.stderr.split("\n", 1)
    what = {
        "too new": "3.14.0",
        "too old": "3.10.0",
        "Debian's, without python3-venv": "3.12.0, without venv",
    }
    assert f"Found: python3 ({what.get(kind, 'does not start')}" in found.stderr, first
    for system in ("Debian", "macOS", "Windows", "apt install python3", "brew install", "winget install"):
        assert system in rest


def test_a_machine_without_any_python_gets_the_same_message(machine):
    found = search(machine)
    assert found.returncode == 2 and "Found: none." in found.stderr and "apt install" in found.stderr


def test_uv_fetches_one_where_there_is_none(machine):
    """Simulated: `uv` says that it installed a Python, and where."""
    add(machine, "python3", KINDS["too new"])
    add(machine.parent, "fetched", version(3, 13))
    add(machine, "uv", f'[ "$2" = install ] || echo "{machine.parent}/fetched"')
    found = search(machine)
    assert found.stdout.split()[0] == str(machine.parent / "fetched"), found.stderr
    assert "asking uv to fetch one" in found.stderr


def test_a_uv_that_cannot_fetch_leads_to_the_message(machine):
    add(machine, "python3", KINDS["too new"])
    add(machine, "uv", "echo 'error: no network' >&2; exit 2")
    found = search(machine)
    assert found.returncode == 2 and "no network" in found.stderr and "uv could not fetch one" in found.stderr


def test_the_environments_own_python_comes_first_but_does_not_remove_itself(machine):
    """Who once chose a Python gets it again without naming it."""
    add(machine, "python3", version(3, 13))
    own = machine.parent / "home" / "venv" / "bin"
    own.mkdir(parents=True)
    add(own, "python", version(3, 11))
    assert search(machine).stdout.split()[0] == str(own / "python")
    repair = search(machine, "-m", "tools.setup_env", "repair")
    assert repair.stdout.split()[0] == str(machine / "python3")


def test_a_named_python_is_taken_or_refused_and_never_replaced(machine):
    add(machine, "python3", version(3, 13))
    add(machine, "mine", version(3, 12))
    assert search(machine, PYTHON="mine").stdout.split()[0] == str(machine / "mine")
    add(machine, "mine", KINDS["too new"])
    found = search(machine, PYTHON="mine")
    assert found.returncode == 2 and "PYTHON names mine (3.14.0)" in found.stderr


# --- the set-up --------------------------------------------------------------------------------------


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """Return an environment that is set up, as far as its stamp and its folders tell."""
    folder = tmp_path / "my venv"
    setup_env.python_of(folder).parent.mkdir(parents=True)
    setup_env.python_of(folder).touch()
    packages = setup_env.packages_folder(folder)
    for name in ("numpy", "numpy-2.4.0.dist-info"):
        (packages / name).mkdir(parents=True)
    monkeypatch.setenv("AECOURSE_VENV", str(folder))
    write_stamp(folder)
    return folder


def write_stamp(venv, kind="all", **changes):
    stamp = {
        "kind": kind,
        "place": str(venv),
        "fingerprint": setup_env.fingerprint(kind),
        "packages": setup_env.installed(venv),
    }
    (venv / "installed.json").write_text(json.dumps(stamp | changes))


@pytest.fixture
def ran(monkeypatch):
    """Collect the commands of a set-up; none is run."""
    commands = []
    monkeypatch.setattr(
        setup_env, "run", lambda *command: commands.append([str(part) for part in command]) or True
    )
    # The command that makes an environment did not run, so nothing would be there to be listed.
    real = setup_env.packages_folder
    monkeypatch.setattr(
        setup_env,
        "packages_folder",
        lambda venv: (real(venv).mkdir(parents=True, exist_ok=True) if commands else None) or real(venv),
    )
    return commands


@pytest.mark.parametrize(("there", "asked"), [("all", "all"), ("all", "student"), ("student", "student")])
def test_a_second_setup_does_nothing(venv, ran, there, asked):
    write_stamp(venv, there)
    setup_env.main([asked])
    assert ran == []


def locks(commands):
    """Return the names of the locks that were installed."""
    return {pathlib.Path(part).name for command in commands for part in command if part.endswith(".lock")}


def test_a_student_gets_the_student_lock_and_an_instructor_the_rest(tmp_path, monkeypatch, ran):
    monkeypatch.setenv("AECOURSE_VENV", str(tmp_path / "venv"))
    setup_env.python_of(tmp_path / "venv").parent.mkdir(parents=True)
    setup_env.main(["student"])
    assert locks(ran) == {"requirements-student.lock"}
    assert all("--require-hashes" in command for command in ran if "-r" in command)
    setup_env.python_of(tmp_path / "venv").touch()
    ran.clear()
    setup_env.main(["all"])
    assert locks(ran) == {"requirements.lock"} and not any("venv" in command for command in ran)
    assert setup_env.read_stamp(tmp_path / "venv")["kind"] == "all"


def test_a_changed_lock_installs_again(venv, ran):
    write_stamp(venv, fingerprint="of another lock")
    setup_env.main(["student"])
    assert locks(ran) == {"requirements.lock"}  # what was whole stays whole
    assert setup_env.is_whole(venv, setup_env.read_stamp(venv))


@pytest.mark.parametrize("damage", ["a package", "its metadata", "all packages", "the interpreter", "moved"])
def test_the_stamp_is_not_trusted_where_something_is_gone(venv, ran, damage, monkeypatch, capsys):
    packages = setup_env.packages_folder(venv)
    match damage:
        case "a package":
            (packages / "numpy").rmdir()
        case "its metadata":
            (packages / "numpy-2.4.0.dist-info").rmdir()
        case "all packages":
            shutil.rmtree(packages)
        case "the interpreter":
            setup_env.python_of(venv).unlink()
        case "moved":
            venv = venv.rename(venv.with_name("elsewhere"))
            monkeypatch.setenv("AECOURSE_VENV", str(venv))
    ran_before = list(ran)
    made = []
    monkeypatch.setattr(setup_env, "make_venv", lambda folder: (made.append(folder), fresh(folder)))
    setup_env.main(["all"])
    assert ran_before == [] and made == [venv] and locks(ran) == {"requirements.lock"}
    assert "missing, or it was moved" in capsys.readouterr().out
    assert setup_env.is_whole(venv, setup_env.read_stamp(venv))


def test_an_environment_in_a_read_only_checkout_is_shared(monkeypatch, tmp_path):
    """One that its maker left there serves everybody; where there is none, each has one at home."""
    monkeypatch.delenv("AECOURSE_VENV", raising=False)
    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    assert setup_env.venv_path() == tmp_path / ".venv"
    monkeypatch.setattr(setup_env.os, "access", lambda path, mode: False)
    assert setup_env.venv_path() == setup_env.HOME / ".aecourse" / "venv"
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "installed.json").touch()
    assert setup_env.venv_path() == tmp_path / ".venv"


@pytest.mark.parametrize("asked", ["student", "repair"])
def test_an_environment_of_somebody_else_is_not_touched(venv, ran, monkeypatch, asked):
    write_stamp(venv, fingerprint="of an earlier course")
    monkeypatch.setattr(setup_env.os, "access", lambda path, mode: False)
    with pytest.raises(SystemExit, match="you may not change it.*make lab AECOURSE_VENV="):
        setup_env.main([asked])
    assert ran == [] and setup_env.read_stamp(venv)["fingerprint"] == "of an earlier course"


def fresh(folder):
    """Make what `python -m venv` makes, as far as these tests look."""
    assert not setup_env.packages_folder(folder).exists()
    setup_env.python_of(folder).parent.mkdir(parents=True)
    setup_env.python_of(folder).touch()


@pytest.mark.parametrize("kind", ["student", "all"])
def test_repair_removes_everything_and_installs_the_same_from_fresh_files(venv, ran, monkeypatch, kind):
    write_stamp(venv, kind)
    (venv / "left").touch()
    monkeypatch.setattr(setup_env, "make_venv", fresh)
    setup_env.main(["repair"])
    assert not (venv / "left").exists() and locks(ran) == {setup_env.LOCKS[kind][0].name}
    assert any("--no-cache" in command for command in ran)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": "all"}', "of an earlier course"])
def test_a_damaged_stamp_is_as_none(venv, ran, content):
    (venv / "installed.json").write_text(content)
    setup_env.main(["all"])
    assert locks(ran) == {"requirements.lock"}


def test_setup_goes_on_with_pip_where_uv_cannot_and_fails_clearly(tmp_path, monkeypatch, capsys):
    python = setup_env.program(tmp_path, "python")
    python.parent.mkdir(parents=True)
    ran = []
    monkeypatch.setattr(setup_env, "run", lambda *command: ran.append(command) or "uv" not in command)
    setup_env.install(python)
    assert any("-r" in command and setup_env.LOCK in command and "uv" not in command for command in ran)
    assert "trying pip" in capsys.readouterr().out
    monkeypatch.setattr(setup_env, "run", lambda *command: False)
    with pytest.raises(SystemExit, match="Check the network.*HTTPS_PROXY"):
        setup_env.install(python)


def test_setup_refuses_another_python(monkeypatch):
    monkeypatch.setattr(setup_env, "OLDEST", (3, 99))
    with pytest.raises(SystemExit, match="Python 3.11, 3.12 or 3.13 is needed.*\n.*\n.*apt install"):
        setup_env.main([])


def test_uv_is_pinned_by_hash():
    assert setup_env.locked("uv").startswith("uv==") and "--hash=sha256:" in setup_env.locked("uv")
    with pytest.raises(SystemExit, match="pins no 'nothing'"):
        setup_env.locked("nothing")


def blocks(name):
    """Return the lock's lines for each pin, comments left out."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    return {block.split(" ")[0]: block for block in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]}


def test_the_students_lock_is_a_part_of_the_whole_one():
    """Same versions, same hashes: who goes from one to the other changes nothing but what is added."""
    whole, student = blocks("requirements.lock"), blocks("requirements-student.lock")
    assert 100 < len(student) < 0.7 * len(whole)
    hashes = {name: set(re.findall(r"sha256:\w+", block)) for name, block in whole.items()}
    for name, block in student.items():
        assert set(re.findall(r"sha256:\w+", block)) == hashes[name] != set(), name
    names = {pin.split("==")[0] for pin in student}
    assert names >= {"tensorflow", "jupyterlab", "pytensor", "setuptools", "nbclient"}
    assert not names & {"nbgrader", "playwright", "sphinx", "dask", "distributed", "pytest", "mypy"}
