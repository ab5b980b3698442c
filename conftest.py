"""Settings of every test run: headless lessons, and lessons held to their minutes."""

import collections
import gc
import os
import tomllib
from pathlib import Path, PurePath

import pytest

from tools import minutes

# The kernels that nbval starts inherit this: no progress bar in an output that is compared.
os.environ["AECOURSE_PROGRESS"] = "0"

# Tests and lessons that run side by side share the cores: with as many threads each as there are cores
# they only wait for one another. One variant of `make test-portable` leaves each of them all cores.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ and os.environ.get("AECOURSE_SHARE_CORES", "1") != "0":
    share = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for name in (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    ):
        os.environ.setdefault(name, str(share))

LIMITS = tomllib.loads((Path(__file__).parent / "notebooks" / "lessons.toml").read_text(encoding="utf-8"))
# Emulated processors are slower; `make test-portable` compares outputs, not minutes.
HOLD_TO_MINUTES = os.environ.get("AECOURSE_MINUTES", "1") != "0"
PROCESSOR = "processor seconds of the kernel so far"
clock, processor = collections.Counter(), collections.Counter()


def pytest_collectstart(collector):
    """Let nbval compare a picture's words and not its data; it does so by itself for PNG and JPEG alone."""
    if hasattr(collector, "skip_compare"):  # a notebook, as nbval's manual has it
        collector.skip_compare += ("image/svg+xml",)


def pytest_collection_modifyitems(items):
    """Run the longest lessons first, so that no worker is still busy with one when the rest is done."""
    items.sort(key=lambda item: -LIMITS.get(item.path.name, {}).get("minutes", 0))


def pytest_collection_finish():
    """Leave what the imports made out of every later search for garbage: it stays until the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Note after each cell what its kernel has used; the note travels with the report to the main process."""
    try:
        return (yield)
    finally:
        kernel = getattr(item.parent, "kernel", None)  # of nbval's notebooks
        if kernel is not None and kernel.is_alive():
            used = minutes.processor_seconds(kernel.km.provisioner.pid)
            item.user_properties.append((PROCESSOR, used))


def pytest_runtest_logreport(report):
    """Collect the seconds of a lesson's cells, the start of its kernel included."""
    file_name = report.nodeid.split("::")[0]
    if file_name.endswith(".ipynb"):
        name = PurePath(file_name).name
        clock[name] += report.duration
        processor[name] = max(processor[name], dict(report.user_properties).get(PROCESSOR, 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail the run if a lesson exceeded its limit, though every cell passed."""
    on_worker = hasattr(session.config, "workerinput")
    if (
        HOLD_TO_MINUTES
        and not on_worker
        and session.exitstatus == 0
        and minutes.over_limit(processor, LIMITS)
    ):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    """Print the table of minutes."""
    if not clock:
        return
    terminalreporter.section("minutes per lesson")
    for line in minutes.table(clock, processor, LIMITS):
        terminalreporter.write_line(line)
    for name, used, limit in minutes.over_limit(processor, LIMITS):
        terminalreporter.write_line(
            f"TOO SLOW: {name} used {used:.2f} processor minutes, over its limit of {limit}", red=True
        )
