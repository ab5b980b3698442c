"""Check that this machine and this environment can run the course, and say what to do if not."""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from aecourse import datasets

COURSE = "course"  # the extra that names all others that the lessons and their tests need
REINSTALL = f"run 'make course' again, or: pip install -e '.[{COURSE}]'"
MIN_MEMORY_GB = 4


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
        return line if self.ok else f"{line}\n     → {self.todo}"


def check_python() -> Check:
    """Compare the running Python with the range in the package's metadata."""
    wanted = importlib.metadata.metadata("aecourse")["Requires-Python"]
    found = platform.python_version()
    ok = found in SpecifierSet(wanted)
    return Check("Python", ok, f"{found} (needs {wanted})", f"install a Python {wanted} and {REINSTALL}")


def needed_extras() -> list[str]:
    """Return the extras that the lessons and their tests need, as the package's metadata lists them."""
    requirements = map(Requirement, importlib.metadata.requires("aecourse") or ())
    return sorted(
        extra
        for requirement in requirements
        if requirement.name == "aecourse"
        and requirement.marker
        and requirement.marker.evaluate({"extra": COURSE})
        for extra in requirement.extras
    )


def check_requirements() -> list[Check]:
    """Compare each installed requirement with its range in the package's metadata."""
    checks = []
    extras = ("", *needed_extras())
    for requirement in map(Requirement, importlib.metadata.requires("aecourse") or ()):
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        needs = f"(needs {requirement.specifier})"
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check(requirement.name, False, f"missing {needs}", REINSTALL))
            continue
        ok = requirement.specifier.contains(version, prereleases=True)
        checks.append(Check(requirement.name, ok, f"{version} {needs}", REINSTALL))
    return checks


def check_tensorflow(timeout: float = 120) -> Check:
    """Import TensorFlow in a process of its own, because a broken build may end the process."""
    code = (
        "from aecourse._support.tensorflow import tf; "
        "print(tf.__version__, float(tf.reduce_sum(tf.ones((2, 3)))))"
    )
    try:
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout)
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


def check_machine() -> list[Check]:
    """Count processor cores and memory."""
    import psutil

    cores = (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) or 1
    memory = psutil.virtual_memory()
    total, free = memory.total / 2**30, memory.available / 2**30
    slow = " (the times given for the lessons are for two)" if cores < 2 else ""
    return [
        Check("cores", True, f"{cores}{slow}"),
        Check(
            "memory",
            total >= MIN_MEMORY_GB,
            f"{total:.1f} GiB, {free:.1f} free",
            f"{MIN_MEMORY_GB} GiB are needed: close other programs, or use Colab or Binder",
        ),
    ]


def check_kernel() -> Check:
    """Check that the kernel that the lessons name exists and runs this Python."""
    todo = "run: python -m ipykernel install --sys-prefix"
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Check("Jupyter kernel", False, "jupyter_client is not installed", REINSTALL)
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check("Jupyter kernel", False, "no kernel named python3", todo)
    program = Path(spec.argv[0])
    ours = not program.is_absolute() or program.parent == Path(sys.executable).parent
    found = "python3, of this environment" if ours else f"python3 is another Python: {program}"
    return Check("Jupyter kernel", ours, found, todo)


def check_data() -> Check:
    """Compare the checksum of the data inside the package."""
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
    return [
        check_python(),
        *check_requirements(),
        check_tensorflow(),
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
    checks = examine()
    n_failed = sum(not check.ok for check in checks)
    if as_json:
        print(json.dumps({"ok": n_failed == 0, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        print(*checks, sep="\n")
        print(f"{n_failed} of {len(checks)} checks failed" if n_failed else "Everything is in order.")
    return 1 if n_failed else 0
