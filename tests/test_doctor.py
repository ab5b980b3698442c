"""aecourse doctor: in order here, and finds what is broken."""

import importlib.metadata
import json
import os
import subprocess
import sys

import pytest

from aecourse import cli, datasets, doctor


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "aecourse.cli", "doctor", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_this_environment_is_in_order():
    result = run()
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    assert lines[-1] == "Everything is in order."
    assert all(line.startswith("OK") for line in lines[:-1])
    for name in (
        "Python",
        "tensorflow",
        "nbval",
        "TensorFlow import",
        "cores",
        "memory",
        "Jupyter kernel",
        "mnist.npz",
    ):
        assert any(name in line for line in lines), name


@pytest.mark.parametrize("ok", [True, False])
def test_json_holds_the_same(monkeypatch, capsys, ok):
    checks = [doctor.check_python(), doctor.Check("memory", ok, "2 GB", "close other programs")]
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    assert cli.main(["doctor", "--json"]) == (0 if ok else 1)
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] == ok
    assert report["checks"][1] == {
        "name": "memory",
        "ok": ok,
        "found": "2 GB",
        "todo": "close other programs",
    }


def test_a_broken_environment_is_found(tmp_path):
    """TensorFlow does not import, NumPy is too old, the data are damaged: all reported in one run."""
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libfoo.so: cannot open')\n")
    old = tmp_path / "numpy-1.20.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.20.0\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, aecourse.datasets as d\n"
        f"d.MNIST_PATH = pathlib.Path({str(tmp_path / 'mnist.npz')!r})\n"
    )
    (tmp_path / "mnist.npz").write_bytes(b"half a file")
    result = run(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 3, result.stdout
    assert any("numpy" in line and "1.20.0 (needs" in line for line in failed)
    assert any("TensorFlow import" in line and "libfoo.so" in line for line in failed)
    assert any("mnist.npz" in line and "SHA-256 differs" in line for line in failed)
    assert result.stdout.count("→") == 3  # each says what to do
    assert "3 of" in result.stdout.splitlines()[-1]


def test_a_missing_requirement_is_found(monkeypatch):
    monkeypatch.setattr(
        doctor.importlib.metadata,
        "requires",
        lambda name: ["no-such-package>=1", 'other>=1; extra == "bench"'],
    )
    (check,) = doctor.check_requirements()
    assert not check.ok and "missing (needs >=1)" in check.found and "make course" in check.todo


def test_requirements_of_the_course_are_checked_and_no_others():
    offered = importlib.metadata.metadata("aecourse").get_all("Provides-Extra")
    assert set(doctor.needed_extras()) <= set(offered) and f".[{doctor.COURSE}]" in doctor.REINSTALL
    checked = {check.name for check in doctor.check_requirements()}
    assert {"jupyterlab", "nbgrader", "dask", "pooch", "pytensor"} <= checked
    assert not {"sphinx", "aecourse"} & checked


def test_a_wrong_python_is_found(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.1")
    check = doctor.check_python()
    assert not check.ok and "3.9.1 (needs" in str(check) and "→ install a Python" in str(check)


def test_a_tensorflow_that_hangs_is_found(monkeypatch):
    def hang(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(doctor.subprocess, "run", hang)
    assert "no answer after 120 s" in doctor.check_tensorflow().found


def test_too_little_memory_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "MIN_MEMORY_GB", 10**6)
    cores, memory = doctor.check_machine()
    assert cores.ok and not memory.ok and "close other programs" in memory.todo


def test_a_missing_kernel_and_another_pythons_kernel_are_found(tmp_path, monkeypatch):
    kernelspec = pytest.importorskip("jupyter_client.kernelspec")

    def none(self, name):
        raise kernelspec.NoSuchKernel(name)

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", none)
    assert "no kernel" in doctor.check_kernel().found

    def another(self, name):
        return kernelspec.KernelSpec(argv=[str(tmp_path / "bin" / "python"), "-m", "ipykernel_launcher"])

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", another)
    check = doctor.check_kernel()
    assert not check.ok and "another Python" in check.found and "ipykernel install" in check.todo


def test_a_missing_data_file_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "MNIST_PATH", tmp_path / "none.npz")
    check = doctor.check_data()
    assert not check.ok and check.found == "missing" and "git checkout" in check.todo


def test_the_command_refuses_unknown_words(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["cure"])
    assert stopped.value.code == 2 and "invalid choice" in capsys.readouterr().err


def test_the_command_says_its_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0 and capsys.readouterr().out.startswith("aecourse ")
