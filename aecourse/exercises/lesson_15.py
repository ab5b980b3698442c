"""Exercises of lesson 15, scaling out."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, function, number, register
from aecourse.exercises.memory import remember_last

if TYPE_CHECKING:
    import pandas as pd

    Score = Callable[[pd.DataFrame], NDArray]


def _speed_up(serial, workers):
    return 1 / (serial + (1 - serial) / workers)


def _ideal(serial, workers):
    return workers


def _shares_swapped(serial, workers):
    return 1 / (1 - serial + serial / workers)


def _parallel_part_only(serial, workers):
    return workers * (1 - serial)


_CASES = ((0.05, 20), (0.5, 2), (0.01, 128), (0.2, 1))

# 15.5, scoring in parts: the student's function is run on a folder of four small files.
_SENSORS = [f"sensor_{i}" for i in range(1, 9)]
_SIZES = (120, 90, 0, 150)


@functools.cache
def _rows() -> "pd.DataFrame":
    from aecourse import datasets

    rows = datasets.make_sensor_rows(sum(_SIZES), random_state=7).drop(columns="anomaly")
    rows.insert(0, "row", np.arange(len(rows)))
    return rows


def _score(rows: "pd.DataFrame") -> NDArray:
    return np.sqrt((rows[_SENSORS].to_numpy(dtype=float) ** 2).sum(axis=1)) + rows["sensor_3"].to_numpy()


@remember_last
def _parts_fault(scorer: Any) -> str | None:
    """Return the first thing that is wrong with scoring in parts: a sentence, or a usual mistake's name."""
    import pandas as pd

    if not callable(scorer):
        return "Give the function score_in_parts itself, without calling it."
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "table", Path(folder) / "scores"
        source.mkdir()
        start = 0
        for number, size in enumerate(_SIZES):
            _rows()[start : start + size].to_parquet(source / f"part_{number}.parquet", index=False)
            start += size
        (source / "_SUCCESS").touch()  # as Spark leaves it
        longest = 0

        def score(rows: "pd.DataFrame") -> NDArray:
            nonlocal longest
            longest = max(longest, len(rows))
            return _score(rows)

        try:
            scorer(str(source), score, str(target))
        except (Exception, SystemExit) as error:
            words = str(error).strip().split("\n")[0].replace(folder, "...")[:200].rstrip(".")
            return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
        if longest > max(_SIZES):
            return "all at once"
        files = sorted(target.rglob("*.parquet")) if target.is_dir() else []
        if not files:
            return (
                "I find no Parquet file in target. Make the folder, and write the scores of each part there."
            )
        found = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    return _found_fault(found)


def _found_fault(found: "pd.DataFrame") -> str | None:
    """Return what is wrong with the scores that were written."""
    if missing := [name for name in ("row", "anomaly_score") if name not in found]:
        return f"What you wrote lacks the column {missing[0]!r}; it has {', '.join(map(str, found.columns))}."
    rows = found["row"].to_numpy()
    if len(np.unique(rows)) < len(rows):
        return f"Row {rows[found['row'].duplicated()][0]:.0f} is there more than once."
    if len(rows) < len(_rows()):
        return f"Only {len(rows)} of {len(_rows())} rows are there. Does each part have a file of its own?"
    written = found.sort_values("row")["anomaly_score"].to_numpy(dtype=float)
    at_once = _score(_rows())
    if np.allclose(written, at_once, rtol=1e-6):
        return None
    if np.allclose(np.sort(written), np.sort(at_once), rtol=1e-6):
        return "scores at other rows"
    return "scores of each part by itself"


def _parts_has(fault: str) -> Callable[[Any], bool]:
    return lambda scorer: _parts_fault(scorer) == fault


def _parts_complaint(scorer: Any) -> str | None:
    fault = _parts_fault(scorer)
    return fault if fault and fault.endswith((".", "?")) else None


def _pandas_loop(source: str, score: "Score", target: str) -> None:
    """Answer with a loop over the files."""
    import pandas as pd

    Path(target).mkdir()
    for file in sorted(Path(source).glob("*.parquet")):
        part = pd.read_parquet(file)
        if len(part):
            scored = part[["row"]].assign(anomaly_score=score(part[_SENSORS]))
            scored.to_parquet(Path(target) / file.name, index=False)


def _dask(source: str, score: "Score", target: str) -> None:
    """Answer with Dask."""
    import dask
    import dask.dataframe as dd

    parts = dd.read_parquet(f"{source}/*.parquet")
    scored = parts.map_partitions(
        lambda part: part[["row"]].assign(anomaly_score=score(part[_SENSORS])),
        meta={"row": "int64", "anomaly_score": "float64"},
    )
    with dask.config.set(scheduler="synchronous"):
        scored.to_parquet(target, write_index=False)


def _batches(source: str, score: "Score", target: str) -> None:
    """Answer with pyarrow's batches, all in one file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    Path(target).mkdir()
    schema = pa.schema([("row", pa.int64()), ("anomaly_score", pa.float64())])
    with pq.ParquetWriter(Path(target) / "scores.parquet", schema) as writer:
        for file in Path(source).glob("*.parquet"):
            for batch in pq.ParquetFile(file).iter_batches(50):
                rows = batch.to_pandas()
                scores = np.asarray(score(rows[_SENSORS]))
                writer.write_table(pa.table({"row": rows["row"], "anomaly_score": scores}, schema=schema))


def _at_once(source: str, score: "Score", target: str) -> None:
    import pandas as pd

    Path(target).mkdir()
    rows = pd.concat([pd.read_parquet(file) for file in sorted(Path(source).glob("*.parquet"))])
    rows[["row"]].assign(anomaly_score=score(rows[_SENSORS])).to_parquet(f"{target}/all.parquet", index=False)


def _scaled_by_part(source: str, score: "Score", target: str) -> None:
    def scaled(rows: "pd.DataFrame") -> NDArray:
        return score((rows - rows.mean()) / rows.std())

    _pandas_loop(source, scaled, target)


def _sorted_in_parts(source: str, score: "Score", target: str) -> None:
    _pandas_loop(source, lambda rows: np.sort(score(rows)), target)


def _overwritten(source: str, score: "Score", target: str) -> None:
    import pandas as pd

    Path(target).mkdir()
    for file in sorted(Path(source).glob("*.parquet")):
        part = pd.read_parquet(file)
        scored = part[["row"]].assign(anomaly_score=score(part[_SENSORS]))
        scored.to_parquet(f"{target}/scores.parquet", index=False)


register(
    Exercise(
        id="15.1",
        is_right=number(12.0, 1e-6),
        why="250 million rows, 12 numbers each, 4 bytes a number: 12 GB, before any copy.",
        wrong=(
            Wrong("double precision", number(24.0, 1e-6), "A float32 number takes half of that."),
            Wrong("bits", number(96.0, 1e-6), "float32 has 32 bits; how many bytes are that?"),
            Wrong(
                "no bytes",
                number(3.0, 1e-6),
                "That is the count of numbers, in billions. How many bytes each?",
            ),
            Wrong("bytes", number(12e9, 1), "That is in bytes; the question asks for GB."),
        ),
        hint="Rows times columns times bytes a number, over a billion.",
    ),
    Exercise(
        id="15.2",
        is_right=number(60.0, 1e-6),
        why="The start does not split: 10 + 1,000/20 = 60 seconds, 17 times as fast as one worker's 1,010.",
        wrong=(
            Wrong("no start", number(50.0, 1e-6), "That is the work alone. What about the start?"),
            Wrong(
                "start split too",
                number(50.5, 1e-6),
                "The start takes 10 seconds whatever the number of workers.",
            ),
            Wrong(
                "start for each",
                number(250.0, 1e-6),
                "The workers start side by side, not one after the other.",
            ),
        ),
        hint="What splits among the workers, and what does not?",
    ),
    Exercise(
        id="15.3",
        is_right=choice("b", "abc"),
        why="The scheduler knows what the dead worker held or worked on, and gives just that to others.",
        wrong=(
            Wrong(
                "everything again",
                choice("a", "abc"),
                "Would the scheduler forget what the other workers have finished?",
            ),
            Wrong("lost", choice("c", "abc"), "Look at section 4: how many rows were scored after the kill?"),
        ),
        hint="The scheduler keeps a list of which worker holds what.",
    ),
    Exercise(
        id="15.4",
        is_right=function(_speed_up, _CASES),
        why="The serial share keeps its time, the rest is divided by the number of workers.",
        wrong=(
            Wrong("ideal", function(_ideal, _CASES), "That holds when nothing is serial."),
            Wrong(
                "shares swapped",
                function(_shares_swapped, _CASES),
                "Which share is divided by the number of workers, the serial one or the rest?",
            ),
            Wrong(
                "product",
                function(_parallel_part_only, _CASES),
                "Add the times of both shares first; then compare with one worker's time.",
            ),
        ),
        hint="With one worker's time as 1, what is the time with w workers?",
    ),
    Exercise(
        id="15.5",
        is_right=Check(lambda scorer: _parts_fault(scorer) is None, _parts_complaint, _pandas_loop),
        why="A row's score depends on that row and the detector alone, so parts can be scored anywhere.",
        also_right=(_dask, _batches),
        wrong=(
            Wrong(
                "all at once",
                _parts_has("all at once"),
                "Your function hands more rows to score than one file holds. Read, score and write one part "
                "after the other.",
                _at_once,
            ),
            Wrong(
                "scores at other rows",
                _parts_has("scores at other rows"),
                "Your scores are right but stand at other rows. Keep each score with its own row.",
                _sorted_in_parts,
            ),
            Wrong(
                "scores of each part by itself",
                _parts_has("scores of each part by itself"),
                "Your scores differ from those of the whole table. Is something, a scaling or a rank, taken "
                "from the part? Pass the sensors to score as they are.",
                _scaled_by_part,
            ),
        ),
        hint="For each file: read it, call score, write the rows' numbers and scores to a file of its own.",
    ),
)
