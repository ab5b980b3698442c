"""aecourse doctor: in order here, and finds what is broken."""

import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys

import pytest

from aecourse import cli, datasets, doctor
from tools import lab

ROOT = pathlib.Path(__file__).parents[1]


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
    assert result.stdout.count("->") == 3  # each says what to do
    assert "3 of" in result.stdout.splitlines()[-1]


def test_a_missing_requirement_is_found(monkeypatch):
    needed = ["no-such-package>=1", 'other>=1; extra == "bench"']
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: needed)
    (check,) = doctor.check_requirements()
    assert not check.ok and "missing (needs >=1)" in check.found and "make repair" in check.todo


def test_what_a_student_does_not_need_may_be_missing(monkeypatch):
    needed = ['aecourse[scale]; extra == "course"', 'no-such-package>=1; extra == "scale"']
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: needed)
    (check,) = doctor.check_requirements()
    assert check.ok and check.found == "not installed; only for lesson 15 and large tables"


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Install made-up packages; return a function that takes a name and the source of its module."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    needed = []
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: needed)

    def add(name, source):
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "RECORD").write_text(f"{name}.py,,\n{name}-1.0.dist-info/METADATA,,\n")
        if source is not None:
            (tmp_path / f"{name}.py").write_text(source)
        needed.append(f"{name}>=1")

    return add


def test_packages_that_cannot_be_imported_are_found_whatever_they_do(made_up):
    made_up("sound", "")
    made_up("cut_off", "def half(")
    made_up("without_its_library", "raise OSError('libfoo.so.3: cannot open')")
    made_up("deadly", "import os; os._exit(7)")
    made_up("after_it", "")
    made_up("removed", None)
    found = {check.name: check for check in doctor.check_requirements()}
    assert found["sound"].ok and found["after_it"].ok
    assert "SyntaxError" in found["cut_off"].found and "libfoo.so.3" in found["without_its_library"].found
    assert "exit status 7" in found["deadly"].found and "1 file missing" in found["removed"].found
    assert all(check.ok or check.todo == doctor.REPAIR for check in found.values())


def test_a_file_cut_off_by_a_full_disk_is_found_in_any_package(made_up, tmp_path):
    """Also where the import succeeds, and in packages that only other packages need."""
    for name in ("needed", "its_own_need"):
        made_up(name, "value = 1")
        record = tmp_path / f"{name}-1.0.dist-info" / "RECORD"
        record.write_text(f"{name}.py,sha256=x,9\n{name}-1.0.dist-info/METADATA,,\n{name}.pyc,,100\n")
    doctor.importlib.metadata.requires("aecourse").pop()
    assert all(check.ok for check in doctor.check_requirements()) and doctor.check_other_packages().ok
    for name in ("needed", "its_own_need"):
        (tmp_path / f"{name}.py").write_text("")
    (needed,) = doctor.check_requirements()
    others = doctor.check_other_packages()
    assert not needed.ok and "1 file cut off or changed" in needed.found and needed.todo == doctor.REPAIR
    assert not others.ok and others.found == "its_own_need (1 file cut off or changed)"
    assert others.todo == doctor.REPAIR


def test_the_disk_is_that_of_the_working_copy(monkeypatch, tmp_path):
    asked = []
    usage = doctor.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: asked.append(str(place)) or usage)
    monkeypatch.setenv("AECOURSE_WORK", str(tmp_path / "not" / "there yet"))
    doctor.check_machine()
    monkeypatch.delenv("AECOURSE_WORK")
    doctor.check_machine()
    assert asked == [str(tmp_path), "."]


def test_the_doctor_starts_with_the_standard_library_alone():
    """And says that the package is not installed there, or that what it needs is missing."""
    code = f"""if True:
        import sys
        sys.path = [path for path in sys.path if "site-packages" not in path] + [{str(ROOT)!r}]
        from aecourse import doctor
        sys.exit(doctor.main())"""
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=pathlib.Path(sys.prefix)
    )
    assert result.returncode == 1 and "Traceback" not in result.stderr, result.stderr
    assert "FAIL" in result.stdout and "make repair" in result.stdout and "disk" in result.stdout


@pytest.mark.parametrize(
    ("environment", "settings", "said"),
    [
        ({"KERAS_BACKEND": "torch"}, "", "KERAS_BACKEND is 'torch'"),
        ({}, '{"floatx": "float64", "backend": "tensorflow"}', "sets {'floatx': 'float64'}"),
        ({"KERAS_BACKEND": "tensorflow"}, '{"floatx": "float32", "epsilon": 1e-07}', ""),
        ({}, "half a {", ""),
    ],
)
def test_settings_of_keras_for_other_work_are_found(tmp_path, monkeypatch, environment, settings, said):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "keras.json").write_text(settings)
    check = doctor.check_keras()
    assert check.ok == (not said) and said in check.found and bool(check.todo) == bool(said)


def test_a_jupyter_path_that_hides_our_kernel_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = [str(tmp_path / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    check = doctor.check_kernel()
    assert not check.ok and "unset JUPYTER_PATH" in check.todo and str(tmp_path) in check.todo


def test_requirements_of_the_course_are_checked_and_no_others():
    offered = importlib.metadata.metadata("aecourse").get_all("Provides-Extra")
    assert set(doctor.needed_extras()) <= set(offered) and f".[{doctor.STUDENT}]" in doctor.REINSTALL
    assert set(doctor.needed_extras(doctor.STUDENT)) < set(doctor.needed_extras())
    checked = {requirement.name for requirement, _ in doctor._requirements()}
    assert {"jupyterlab", "nbgrader", "dask", "pooch", "pytensor"} <= checked
    assert not {"sphinx", "aecourse"} & checked


def test_a_wrong_python_is_found(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.1")
    check = doctor.check_python()
    assert not check.ok and "3.9.1 (needs" in str(check) and "-> install a Python" in str(check)


def test_a_tensorflow_that_hangs_is_found(monkeypatch):
    def hang(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(doctor.subprocess, "run", hang)
    assert "no answer after 120 s" in doctor.check_tensorflow().found


def test_too_little_memory_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "MIN_MEMORY_GB", 10**6)
    cores, memory, disk = doctor.check_machine()
    assert cores.ok and disk.ok and not memory.ok and "close other programs" in memory.todo


def test_too_little_free_memory_and_disk_are_found(monkeypatch):
    monkeypatch.setattr(doctor, "MIN_FREE_GB", 10**6)
    monkeypatch.setattr(doctor, "MIN_DISK_GB", 10**9)
    _, memory, disk = doctor.check_machine()
    assert not memory.ok and "free" in memory.todo and not disk.ok and "AECOURSE_WORK" in disk.todo


def test_a_missing_kernel_and_another_pythons_kernel_are_found(tmp_path, monkeypatch):
    kernelspec = pytest.importorskip("jupyter_client.kernelspec")

    def none(self, name):
        raise kernelspec.NoSuchKernel(name)

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", none)
    assert "no kernel" in doctor.check_kernel().found

    def another(self, name):
        return kernelspec.KernelSpec(
            argv=[str(tmp_path / "bin" / "python"), "-m", "ipykernel_launcher"],
            resource_dir=str(pathlib.Path(sys.prefix, "share", "jupyter", "kernels", "python3")),
        )

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", another)
    check = doctor.check_kernel()
    assert not check.ok and "another Python" in check.found and "ipykernel install" in check.todo


def test_the_advice_on_a_kernel_at_home_that_hides_ours_helps(tmp_path):
    """As in a room whose environment belongs to somebody else: there, Jupyter looks at home first."""
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps(
            {"argv": ["/usr/bin/python3", "-m", "ipykernel"], "display_name": "x", "language": "python"}
        )
    )
    code = "from aecourse import doctor; print(doctor.check_kernel())"

    def ask(**environment):
        return subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ
            | {"JUPYTER_DATA_DIR": str(tmp_path), "JUPYTER_PREFER_ENV_PATH": "0"}
            | environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    said = ask()
    assert said.startswith("FAIL") and "JUPYTER_PREFER_ENV_PATH=1" in said and str(folder) in said
    assert ask(JUPYTER_PREFER_ENV_PATH="1").startswith("OK")
    assert ask(JUPYTER_PATH=lab.environment(tmp_path)["JUPYTER_PATH"]).startswith("OK")


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
