"""The minutes of the lessons in a test run: by the clock, and of the processor, to which they are held.

The limit in ``notebooks/lessons.toml`` is on processor minutes: those of the lesson's kernel, in all its
threads, and of the processes that it starts. They measure what a lesson computes; a busy machine makes it
wait, but adds little to them. A kernel with several threads shares the same work among them and loses some by
their waiting for each other, which the limits, about three times what a quiet machine needs, allow for.
"""

from collections import Counter
from collections.abc import Mapping

import psutil


def processor_seconds(pid: int) -> float:
    """Return the processor seconds that a process and its children, finished ones included, have used."""
    process = psutil.Process(pid)
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            total += sum(each.cpu_times()[:4])  # user, system, and the same of finished children
        except psutil.NoSuchProcess:  # it has finished since; its parent's next figure includes it
            continue
    return total


def over_limit(seconds: Mapping[str, float], limits: Mapping[str, Mapping]) -> list[tuple[str, float, float]]:
    """Return the lessons that used more processor minutes than allowed, as (name, minutes, limit)."""
    return [
        (name, used / 60, limits[name]["minutes"])
        for name, used in sorted(seconds.items())
        if name in limits and used / 60 > limits[name]["minutes"]
    ]


def table(clock: Counter[str], processor: Counter[str], limits: Mapping[str, Mapping]) -> list[str]:
    """Return the lines of the table that a test run ends with."""
    lines = [f"{'':<44} {'clock':>6} {'processor':>9}"]
    for name, seconds in sorted(clock.items()):
        limit = limits.get(name, {}).get("minutes")
        lines.append(f"{name:<44} {seconds / 60:6.2f} {processor[name] / 60:9.2f} of at most {limit}")
    return [*lines, f"{'all':<44} {clock.total() / 60:6.2f} {processor.total() / 60:9.2f}"]
