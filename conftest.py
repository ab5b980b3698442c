"""Settings of every test run: headless lessons, and lessons held to their minutes."""

import collections
import gc
import os
import pathlib
import tomllib

import pytest

# The kernels that nbval starts inherit this: no progress bar in an output that is compared.
os.environ["AECOURSE_PROGRESS"] = "0"

# Tests and lessons that run side by side share the cores: with as many threads each as there are cores
# they only wait for one another, and ten minutes of kernels are seven and a half. One variant of
# `make test-portable` leaves each of them all cores.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ and os.environ.get("AECOURSE_SHARE_CORES", "1") != "0":
    share = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for name in (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    ):
        os.environ.setdefault(name, str(share))

NOTEBOOKS = pathlib.Path(__file__).parent / "notebooks"
# Emulated processors are slower; `make test-portable` compares outputs, not minutes.
HOLD_TO_MINUTES = os.environ.get("AECOURSE_MINUTES", "1") != "0"
seconds = collections.Counter()


def pytest_collection_finish():
    """Leave what the imports made out of every later search for garbage: it stays to the end."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logreport(report):
    """Add up the seconds of a lesson's cells, the start of its kernel included."""
    file_name = report.nodeid.split("::")[0]
    if file_name.endswith(".ipynb"):
        seconds[pathlib.PurePath(file_name).name] += report.duration


def over_limit(seconds, limits):
    """Return the lessons that took longer than their minutes, as (name, minutes taken, limit)."""
    return [
        (name, taken / 60, limits[name]["minutes"])
        for name, taken in sorted(seconds.items())
        if name in limits and taken / 60 > limits[name]["minutes"]
    ]


def _limits():
    return tomllib.loads((NOTEBOOKS / "lessons.toml").read_text(encoding="utf-8"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail the run where a lesson broke its limit, though every cell passed."""
    on_worker = hasattr(session.config, "workerinput")
    if (
        HOLD_TO_MINUTES
        and seconds
        and not on_worker
        and session.exitstatus == 0
        and over_limit(seconds, _limits())
    ):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    """Print the table of minutes."""
    if not seconds:
        return
    limits = _limits()
    terminalreporter.section("minutes per lesson")
    for name, taken in sorted(seconds.items()):
        limit = limits.get(name, {}).get("minutes")
        terminalreporter.write_line(f"{name:<44} {taken / 60:5.2f} of at most {limit}")
    terminalreporter.write_line(f"{'all':<44} {sum(seconds.values()) / 60:5.2f}")
    for name, taken, limit in over_limit(seconds, limits):
        terminalreporter.write_line(
            f"TOO SLOW: {name} took {taken:.2f} minutes, over its limit of {limit}", red=True
        )
