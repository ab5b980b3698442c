"""Make .venv and install everything from requirements.lock, unless that has been done.

This module needs any Python from 3.11 to 3.13 and the standard library alone::

    python3 -m tools.setup_env

Every file is checked against its hash in the lock. uv installs if it can, pip otherwise; both compile
the bytecode, which makes the first ``import tensorflow`` more than twice as fast.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
# Read by every kernel of this environment, and by no other.
KERNEL_CONFIG = """\
# What C code prints goes to the terminal or to Jupyter's log, not into a cell: TensorFlow's notices at its
# import differ from machine to machine, and no setting of TensorFlow silences them.
c.IPKernelApp.capture_fd_output = False
"""
OLDEST, NEWEST = (3, 11), (3, 13)


def venv_path() -> Path:
    """Return the folder of the environment: .venv, or $AECOURSE_VENV."""
    return Path(os.environ.get("AECOURSE_VENV", ROOT / ".venv"))


def program(venv: Path, name: str) -> Path:
    """Return the path of a program inside the environment."""
    return venv / ("Scripts" if os.name == "nt" else "bin") / name


def fingerprint() -> str:
    """Return a hash of all that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (LOCK, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def locked(name: str) -> str:
    """Return the lines of the lock that pin one package, with its hashes."""
    block = re.search(rf"^{name}==.*?(?=^\S|\Z)", LOCK.read_text(), re.MULTILINE | re.DOTALL)
    if block is None:
        raise SystemExit(f"{LOCK.name} pins no {name!r}; run 'make lock'")
    return block.group()


def run(*command: object) -> bool:
    """Run a command in the folder of the course; return whether it succeeded."""
    return subprocess.run([str(part) for part in command], cwd=ROOT).returncode == 0


def install(python: Path) -> None:
    """Install the lock and then the course itself, in development mode."""
    from_uv = python.parent / "uv-requirement.txt"
    from_uv.write_text(locked("uv"))
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    uv = (python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--compile-bytecode")
    with_uv = run(*pip, "--require-hashes", "--no-deps", "-r", from_uv) and run(
        *uv, "--require-hashes", "-r", LOCK
    )
    if not with_uv:
        print("uv could not install the lock; trying pip, which is slower", flush=True)
        if not run(*pip, "--require-hashes", "-r", LOCK):
            raise SystemExit(
                "The packages could not be installed; the lines above say why. Check the network, "
                "free about 4 GB of disk, and run the same command again: it continues where it stopped."
            )
    # The lock holds the build tool, so that this step downloads nothing.
    if not run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT):
        raise SystemExit("The course's own package could not be installed; the lines above say why.")


def configure_kernels(venv: Path) -> None:
    """Write the settings of the kernels that run the lessons."""
    folder = venv / "etc" / "ipython"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ipython_kernel_config.py").write_text(KERNEL_CONFIG, encoding="utf-8")


def main() -> None:
    """Set up the environment if anything that decides its content has changed."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SystemExit(
            f"Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is {sys.version.split()[0]}. "
            "Name another with PYTHON, for example: make course PYTHON=python3.12"
        )
    venv = venv_path()
    python = program(venv, "python.exe" if os.name == "nt" else "python")
    stamp = venv / "installed.sha256"
    wanted = fingerprint()
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return
    started = time.monotonic()
    print(f"Setting up {venv.name} from {LOCK.name} (about 3 GB of disk)…", flush=True)
    stamp.unlink(missing_ok=True)
    made_with = venv / "pyvenv.cfg"
    version = ".".join(map(str, sys.version_info[:2]))
    if made_with.exists() and not re.search(
        rf"^version = {re.escape(version)}\b", made_with.read_text(), re.M
    ):
        shutil.rmtree(venv)  # made by another Python: its packages cannot be used
    if not python.exists() and not run(sys.executable, "-m", "venv", venv):
        raise SystemExit(
            "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv"
        )
    install(python)
    configure_kernels(venv)
    stamp.write_text(wanted)
    print(f"Set up in {time.monotonic() - started:.0f} s.", flush=True)


if __name__ == "__main__":
    main()
