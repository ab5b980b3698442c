"""Make the environment and install a lock into it, unless that has been done.

This module needs any Python from 3.11 to 3.13 and the standard library alone::

    python -m tools.setup_env             everything: lessons, grader, tests, web book
    python -m tools.setup_env student     the lessons and their laboratory; a whole environment will do too
    python -m tools.setup_env repair      remove the environment and install the same again

Every file is checked against its hash in the lock. uv installs if it can, pip otherwise; both compile
the bytecode, which makes the first ``import tensorflow`` more than twice as fast.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
# What is installed, and the GB of disk that it takes.
LOCKS = {"student": (ROOT / "requirements-student.lock", 3.0), "all": (LOCK, 3.8)}
# Read by every kernel of this environment, and by no other.
KERNEL_CONFIG = """\
# What C code prints goes to the terminal or to Jupyter's log, not into a cell: TensorFlow's notices at its
# import differ from machine to machine, and no setting of TensorFlow silences them.
c.IPKernelApp.capture_fd_output = False
"""
HOME = Path(os.path.expanduser("~"))  # Path.home() fails for a user of whom the machine knows no home
OLDEST, NEWEST = (3, 11), (3, 13)


def venv_path() -> Path:
    """Return the folder of the environment.

    It is $AECOURSE_VENV if that is set, else .venv. Where the checkout cannot be written and nobody made an
    environment in it before, it is a folder at home.
    """
    shared = ROOT / ".venv"
    has_place = os.access(ROOT, os.W_OK) or (shared / "installed.json").exists()
    default = shared if has_place else HOME / ".aecourse" / "venv"
    return ROOT / os.environ.get("AECOURSE_VENV", default)


def program(venv: Path, name: str) -> Path:
    """Return the path of a program inside the environment."""
    return venv / ("Scripts" if os.name == "nt" else "bin") / name


def python_of(venv: Path) -> Path:
    """Return the path of the environment's interpreter."""
    return program(venv, "python.exe" if os.name == "nt" else "python")


def packages_folder(venv: Path) -> Path:
    """Return the folder that holds the environment's packages."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)}))


def fingerprint(kind: str = "all") -> str:
    """Return a hash of all that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (LOCKS[kind][0], ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def installed(venv: Path) -> list[str]:
    """Return what lies in the environment's folder of packages, caches left out."""
    folder = packages_folder(venv)
    return sorted(entry.name for entry in folder.iterdir() if entry.name != "__pycache__")


def read_stamp(venv: Path) -> dict:
    """Return what the last set-up wrote when it was done; empty if it was not, or cannot be read."""
    try:
        stamp = json.loads((venv / "installed.json").read_text(encoding="utf-8"))
        return stamp if stamp.keys() >= {"kind", "place", "fingerprint", "packages"} else {}
    except (OSError, ValueError, AttributeError):
        return {}


def is_whole(venv: Path, stamp: dict) -> bool:
    """Say whether the interpreter and all that was installed are still there, in the same place."""
    try:
        here = set(installed(venv))
    except OSError:
        return False
    in_place = stamp.get("place") == str(venv) and python_of(venv).exists()
    return in_place and here.issuperset(stamp["packages"])


def locked(name: str) -> str:
    """Return the lines of the lock that pin one package, with its hashes."""
    block = re.search(rf"^{name}==.*?(?=^\S|\Z)", LOCK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if block is None:
        raise SystemExit(f"{LOCK.name} pins no {name!r}; run 'make lock'")
    return block.group()


def run(*command: object) -> bool:
    """Run a command in the folder of the course; return whether it succeeded."""
    return subprocess.run([str(part) for part in command], cwd=ROOT).returncode == 0


def install(python: Path, lock: Path = LOCK, *, again: bool = False) -> None:
    """Install a lock and then the course itself.

    With ``again``, no copy that was kept on this machine is used: uv links files to its copies, so that
    a damaged package has a damaged copy.
    """
    from_uv = python.parent / "uv-requirement.txt"
    from_uv.write_text(locked("uv"), encoding="utf-8")
    fresh = ("--no-cache",) if again else ()
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    uv = (python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--compile-bytecode", *fresh)
    with_uv = run(*pip, "--require-hashes", "--no-deps", "-r", from_uv) and run(
        *uv, "--require-hashes", "-r", lock
    )
    if not with_uv:
        print("uv could not install the lock; trying pip, which is slower", flush=True)
        if not run(*pip, "--require-hashes", "-r", lock):
            raise SystemExit(
                "The packages could not be installed; the lines above say why. Check the network (behind a "
                "proxy, set HTTPS_PROXY), free about 8 GB of disk, and run the same command again: it "
                "continues where it stopped."
            )
    # The lock holds the build tool, so that this step downloads nothing.
    own = (*pip, "--no-deps", "--no-build-isolation")
    if not (run(*own, "--editable", ROOT) if os.access(ROOT, os.W_OK) else install_copy(own)):
        raise SystemExit("The course's own package could not be installed; the lines above say why.")


def install_copy(command: tuple[object, ...]) -> bool:
    """Install the package from a copy: building it writes into its folder, which here is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "aecourse", Path(folder) / "aecourse")
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        return run(*command, folder)


def configure_kernels(venv: Path) -> None:
    """Write the settings of the kernels that run the lessons."""
    folder = venv / "etc" / "ipython"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ipython_kernel_config.py").write_text(KERNEL_CONFIG, encoding="utf-8")


def make_venv(venv: Path) -> None:
    """Make an empty environment with the interpreter that this one was made with, if it is in one."""
    base = getattr(sys, "_base_executable", sys.executable)
    if not run(base, "-m", "venv", venv):
        raise SystemExit(
            f"The virtual environment {venv} could not be made. On Debian and Ubuntu: apt install "
            "python3-venv. If the folder cannot be written, name another with AECOURSE_VENV."
        )


def set_up(venv: Path, kind: str, *, again: bool) -> None:
    """Install a lock, in a new environment if the one that is there cannot be continued."""
    lock, gigabytes = LOCKS[kind]
    if venv.exists() and not os.access(venv, os.W_OK):
        raise SystemExit(
            f"The environment {venv} does not fit this version of the course, and you may not change it. Ask "
            "whoever set it up to run 'make setup' there again, or make one of your own, in a folder that "
            f"you can write: make lab AECOURSE_VENV={HOME / '.aecourse' / 'venv'}"
        )
    started = time.monotonic()
    print(f"Setting up {venv.name} from {lock.name} (about {gigabytes} GB of disk)...", flush=True)
    stamp = read_stamp(venv)
    version = ".".join(map(str, sys.version_info[:2]))
    made_with = venv / "pyvenv.cfg"
    # By another Python, in another place or with packages missing: nothing in it can be used.
    other = made_with.exists() and not re.search(
        rf"^version = {re.escape(version)}\b", made_with.read_text(encoding="utf-8"), re.M
    )
    if again or other or (stamp and not is_whole(venv, stamp)):
        shutil.rmtree(venv, ignore_errors=True)
    (venv / "installed.json").unlink(missing_ok=True)
    if not python_of(venv).exists():
        make_venv(venv)
    install(python_of(venv), lock, again=again)
    configure_kernels(venv)
    (venv / "installed.json").write_text(
        json.dumps(
            {
                "kind": kind,
                "place": str(venv),
                "fingerprint": fingerprint(kind),
                "packages": installed(venv),
            }
        ),
        encoding="utf-8",
    )
    print(f"Set up in {time.monotonic() - started:.0f} s.", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Set up the environment if anything that decides its content has changed."""
    parser = argparse.ArgumentParser(prog="python -m tools.setup_env", description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", nargs="?", choices=[*LOCKS, "repair"], default="all", help="default: all")
    options = parser.parse_args(arguments)
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        needed = Path(__file__).with_name("python_needed.txt").read_text(encoding="utf-8")
        raise SystemExit(
            f"Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is {sys.version.split()[0]}.\n{needed}"
        )
    venv = venv_path()
    stamp = read_stamp(venv)
    if options.what == "repair":
        set_up(venv, stamp.get("kind", "all"), again=True)
        return
    # A whole environment serves a student too.
    kinds = ["all"] if options.what == "all" else ["student", "all"]
    if stamp.get("kind") in kinds and stamp["fingerprint"] == fingerprint(stamp["kind"]):
        if is_whole(venv, stamp):
            return
        print("Packages of the environment are missing, or it was moved.", flush=True)
    set_up(venv, "all" if stamp.get("kind") == "all" else options.what, again=False)


if __name__ == "__main__":
    main(sys.argv[1:])
