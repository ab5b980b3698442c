"""Check that this machine and this environment can run the course, and say what to do if not.

It starts with the standard library alone, so that it can say what is wrong where nothing else can be
imported: ``python -m aecourse.doctor``.
"""

import csv
import importlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

COURSE = "course"  # the extra that names all others that the lessons and their tests need
STUDENT = "student"  # and the one of those that every student needs
ONLY_FOR = {"grading": "the grader", "scale": "lesson 15 and large tables", "test": "the tests"}
REPAIR = "run 'make repair'"
REINSTALL = f"{REPAIR}, or in an environment of your own: pip install -e '.[{STUDENT}]'"
MIN_MEMORY_GB, MIN_FREE_GB, MIN_DISK_GB = 4, 1, 1


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes
    ----------
    name : str
        What was checked.
    ok : bool
        Whether the course can work with it.
    found : str
        What was found.
    todo : str
        What to do if it is not in order.
    """

    name: str
    ok: bool
    found: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{'OK' if self.ok else 'FAIL':<5}{self.name:<24}{self.found}"
        return line if self.ok else f"{line}\n     -> {self.todo}"


def check_installed() -> Check:
    """Check that this Python knows the package; without it, nothing is known of what it needs."""
    try:
        found = importlib.metadata.version("aecourse")
    except importlib.metadata.PackageNotFoundError:
        return Check("aecourse", False, f"not installed for {sys.executable}", REINSTALL)
    return Check("aecourse", True, found)


def check_python() -> Check:
    """Compare the running Python with the range in the package's metadata."""
    from packaging.specifiers import SpecifierSet

    wanted = importlib.metadata.metadata("aecourse")["Requires-Python"]
    found = platform.python_version()
    ok = found in SpecifierSet(wanted)
    return Check("Python", ok, f"{found} (needs {wanted})", f"install a Python {wanted} and {REPAIR}")


def needed_extras(of: str = COURSE) -> list[str]:
    """Return the extras that another one names, as the package's metadata lists them."""
    from packaging.requirements import Requirement

    requirements = map(Requirement, importlib.metadata.requires("aecourse") or ())
    return sorted(
        extra
        for requirement in requirements
        if requirement.name == "aecourse"
        and requirement.marker
        and requirement.marker.evaluate({"extra": of})
        for extra in requirement.extras
    )


def _requirements() -> Iterator[tuple["Requirement", str]]:
    """Yield what the course needs, and the extra that needs it: empty if every lesson does."""
    from packaging.requirements import Requirement

    student = ("", *needed_extras(STUDENT))
    for text in importlib.metadata.requires("aecourse") or ():
        requirement = Requirement(text)
        if requirement.name == "aecourse":
            continue
        marker = requirement.marker
        if not marker or any(marker.evaluate({"extra": extra}) for extra in student):
            yield requirement, ""
            continue
        for extra in needed_extras(COURSE):
            if marker.evaluate({"extra": extra}):
                yield requirement, extra


def _damaged_files(distribution: importlib.metadata.Distribution) -> str:
    """Say how many files of a package are missing or have another size; empty if none."""
    # `distribution.files` leaves out missing files on newer Pythons, so the record itself is read.
    missing = changed = 0
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        if len(row) != 3 or row[0].endswith(".pyc"):  # compiled ones are made again when they are needed
            continue
        name, _, size = row
        try:
            found = os.stat(str(distribution.locate_file(name))).st_size
        except OSError:
            missing += 1
        else:
            changed += size.isdigit() and int(size) != found
    said = {"missing": missing, "cut off or changed": changed}
    return ", ".join(f"{n} file{'s' * (n > 1)} {what}" for what, n in said.items() if n)


def check_other_packages() -> Check:
    """Look for damaged files in what else is installed here: what the requirements need in their turn."""
    ours = {requirement.name for requirement, _ in _requirements()}
    # setuptools puts a folder of packages that it carries on the path; their records name files elsewhere.
    folders = [folder for folder in sys.path if Path(folder).name != "_vendor"]
    others = {found.name: found for found in importlib.metadata.distributions(path=folders) if found.name}
    damaged = [
        f"{name} ({damage})"
        for name, distribution in sorted(others.items())
        if name.lower().replace("_", "-") not in ours and (damage := _damaged_files(distribution))
    ]
    if damaged:
        return Check("other packages", False, "; ".join(damaged[:5]), REPAIR)
    return Check("other packages", True, f"{len(others)} installed, with all their files")


def check_requirements() -> list[Check]:
    """Compare each installed requirement with its range in the package's metadata, and import it."""
    checks, to_import = [], []
    for requirement, extra in _requirements():
        needs = f"(needs {requirement.specifier})"
        try:
            distribution = importlib.metadata.distribution(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            found = f"not installed; only for {ONLY_FOR.get(extra, extra)}" if extra else f"missing {needs}"
            checks.append(Check(requirement.name, bool(extra), found, REINSTALL))
            continue
        version, damage = distribution.version, _damaged_files(distribution)
        if damage:
            checks.append(Check(requirement.name, False, f"{version}, {damage}", REPAIR))
            continue
        ok = requirement.specifier.contains(version, prereleases=True)
        checks.append(Check(requirement.name, ok, f"{version} {needs}", REINSTALL))
        if ok:
            to_import.append(requirement.name)
    faults = import_faults(to_import)
    return [
        Check(check.name, False, f"cannot be imported: {faults[check.name]}", REPAIR)
        if check.name in faults
        else check
        for check in checks
    ]


def _module(name: str) -> str:
    """Return the module that a package is imported as, such as sklearn for scikit-learn."""
    files = importlib.metadata.files(name) or []
    tops = [file.parts[0] for file in files if len(file.parts) == 2 and file.name == "__init__.py"]
    tops += [file.stem for file in files if len(file.parts) == 1 and file.suffix == ".py"]
    alike = re.sub(r"[-.]", "_", name.lower())
    return alike if alike in tops or not tops else tops[0]


def import_faults(names: list[str], timeout: float = 300) -> dict[str, str]:
    """Import packages in a process of their own, as one that is broken may end the process.

    Parameters
    ----------
    names : list of str
        Names of packages, as they are installed. TensorFlow and Keras have a check of their own.
    timeout : float
        Seconds for all of them.

    Returns
    -------
    dict of str to str
        What went wrong, by package.
    """
    modules = {name: _module(name) for name in names if name not in ("tensorflow", "keras")}
    faults: dict[str, str] = {}
    code = (
        "import importlib, sys, warnings; warnings.simplefilter('ignore')\n"
        "for name in sys.argv[1:]:\n"
        "    try: importlib.import_module(name); said = ''\n"
        "    except BaseException as error: said = f'{type(error).__name__}: {error}'.splitlines()[0][:150]\n"
        "    print('import', name, said, flush=True)\n"
    )
    waiting = list(modules)
    while waiting:
        command = [sys.executable, "-c", code, *(modules[name] for name in waiting)]
        environment = os.environ | {"KERAS_BACKEND": "tensorflow", "PYTHONIOENCODING": "utf-8"}
        try:
            run = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            return faults | {waiting[0]: f"no answer after {timeout} s, or one of the next"}
        lines = [line.split(" ", 2) for line in run.stdout.splitlines() if line.startswith("import ")]
        for name, (_, _, said) in zip(waiting, lines, strict=False):
            if said:
                faults[name] = said
        waiting = waiting[len(lines) :]
        if waiting:  # the first of them ended the process
            faults[waiting.pop(0)] = f"it ends Python with exit status {run.returncode}"
    return faults


def check_tensorflow(timeout: float = 120) -> Check:
    """Import TensorFlow in a process of its own, because a broken build may end the process."""
    code = (
        "from aecourse._support.tensorflow import tf; "
        "print(tf.__version__, float(tf.reduce_sum(tf.ones((2, 3)))))"
    )
    try:
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, errors="replace", timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return Check("TensorFlow import", False, f"no answer after {timeout} s", REINSTALL)
    if result.returncode != 0 or not result.stdout.endswith(" 6.0\n"):
        ended = f"exit status {result.returncode}"
        # Ended by a signal, it had no last word: what stands last is one of TensorFlow's notices.
        last = ended if result.returncode < 0 else (result.stderr.strip().splitlines() or [ended])[-1]
        return Check(
            "TensorFlow import",
            False,
            last,
            f"{REINSTALL}; TensorFlow from PyPI needs a processor with AVX: without it use Colab or Binder",
        )
    return Check("TensorFlow import", True, f"{result.stdout.split()[0]}, adds up")


def check_keras() -> Check:
    """Check that nothing set for other work changes what Keras computes with."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        todo = "unset it before you start the course; its lessons are written for TensorFlow"
        return Check("Keras settings", False, f"KERAS_BACKEND is {backend!r}", todo)
    file = Path(os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))) / "keras.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    usual = {"floatx": "float32", "image_data_format": "channels_last", "epsilon": 1e-07}
    other = {name: value for name, value in settings.items() if usual.get(name, value) != value}
    if other:
        return Check("Keras settings", False, f"{file} sets {other}", f"move {file} away while you work here")
    return Check("Keras settings", True, "TensorFlow, float32")


def _memory() -> tuple[float, float] | None:
    """Return the GiB of memory in all and free, or None where psutil cannot be imported."""
    try:
        import psutil
    except ImportError:
        return None
    memory = psutil.virtual_memory()
    return memory.total / 2**30, memory.available / 2**30


def check_machine() -> list[Check]:
    """Count processor cores, memory and disk."""
    cores = (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) or 1
    slow = " (the times given for the lessons are for two)" if cores < 2 else ""
    checks = [Check("cores", True, f"{cores}{slow}")]
    if (memory := _memory()) is not None:
        total, free = memory
        checks.append(
            Check(
                "memory",
                total >= MIN_MEMORY_GB and free >= MIN_FREE_GB,
                f"{total:.1f} GiB, {free:.1f} free",
                f"{MIN_MEMORY_GB} GiB are needed, {MIN_FREE_GB} of them free: close other programs, or use "
                "Colab",
            )
        )
    work = Path(os.path.expanduser(os.environ.get("AECOURSE_WORK", ".")))
    place = next(folder for folder in (work, *work.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(place).free / 1e9
    todo = (
        f"{MIN_DISK_GB} GB are needed to work: empty the bin, or name a folder elsewhere with AECOURSE_WORK"
    )
    checks.append(Check("disk", free >= MIN_DISK_GB, f"{free:.1f} GB free", todo))
    return checks


def check_kernel() -> Check:
    """Check that the kernel that the lessons name exists and runs this Python."""
    todo = f'run: "{sys.executable}" -m ipykernel install --sys-prefix'
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except Exception as error:  # whatever a damaged package raises
        return Check("Jupyter kernel", False, f"jupyter_client: {type(error).__name__}: {error}", REPAIR)
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check("Jupyter kernel", False, "no kernel named python3", todo)
    program = Path(spec.argv[0])
    ours = not program.is_absolute() or program.parent == Path(sys.executable).parent
    found = "python3, of this environment" if ours else f"python3 is another Python: {program}"
    elsewhere = [path for path in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if path]
    if any(Path(path) in Path(spec.resource_dir).parents for path in elsewhere):
        todo = f"unset JUPYTER_PATH, which names {', '.join(elsewhere)}; 'make lab' puts our kernel before it"
    elif Path(sys.prefix) not in Path(spec.resource_dir).parents:  # ours is there, or can be, and is hidden
        todo = (
            "'make lab' passes it over; elsewhere set JUPYTER_PREFER_ENV_PATH=1, or move "
            f"{spec.resource_dir} away"
        )
    return Check("Jupyter kernel", ours, found, todo)


def check_data() -> Check:
    """Compare the checksum of the data inside the package."""
    try:
        from aecourse import datasets
    except Exception as error:  # whatever a damaged package raises
        return Check("data: mnist.npz", False, f"not read: {type(error).__name__}: {error}", REPAIR)
    todo = "restore it with: git checkout -- aecourse/data/mnist.npz; or reinstall the package"
    try:
        datasets.check_mnist_file(datasets.MNIST_PATH)
    except FileNotFoundError:
        return Check("data: mnist.npz", False, "missing", todo)
    except OSError:
        return Check("data: mnist.npz", False, "SHA-256 differs", todo)
    return Check("data: mnist.npz", True, "SHA-256 as expected")


def examine() -> list[Check]:
    """Run every check.

    Returns
    -------
    list of Check
        In the order in which faults should be repaired.

    Examples
    --------
    >>> from aecourse import doctor
    >>> doctor.check_data().ok
    True
    """
    installed = check_installed()
    if not installed.ok:
        return [installed, *check_machine()]
    try:
        importlib.import_module("packaging.requirements")
    except Exception as error:  # whatever a damaged package raises
        broken = Check("packaging", False, f"cannot be imported: {type(error).__name__}: {error}", REPAIR)
        return [installed, broken, *check_machine()]
    return [
        installed,
        check_python(),
        *check_requirements(),
        check_other_packages(),
        check_tensorflow(),
        check_keras(),
        *check_machine(),
        check_kernel(),
        check_data(),
    ]


def main(as_json: bool = False) -> int:
    """Print the report, one line per check.

    Parameters
    ----------
    as_json : bool
        Whether to print a JSON object instead, with the list of checks and ``ok``.

    Returns
    -------
    int
        Exit status: 0 if every check passes, 1 otherwise.
    """
    # A console may have no place for a sign in a folder's name: "?" is shown for it.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    checks = examine()
    n_failed = sum(not check.ok for check in checks)
    if as_json:
        print(json.dumps({"ok": n_failed == 0, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        print(*checks, sep="\n")
        print(f"{n_failed} of {len(checks)} checks failed" if n_failed else "Everything is in order.")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main("--json" in sys.argv[1:]))
