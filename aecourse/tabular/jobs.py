"""The jobs of the commands ``aecourse detect`` and ``aecourse score``: from tables to files of results."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from aecourse._support import progress
from aecourse._support.checks import check_fraction
from aecourse._support.files import check_parent, full_disk_in_words, whole_files, whole_folder
from aecourse._support.html import render
from aecourse.tabular import report, series
from aecourse.tabular.columns import Choices
from aecourse.tabular.detector import CALIBRATION, LATER, NOT_USED, TRAINING, TableDetector
from aecourse.tabular.findings import as_json, gather
from aecourse.tabular.query import Query
from aecourse.tabular.reading import Reading, Table, open_table
from aecourse.tabular.scoring import Scoring, describe_drift
from aecourse.tabular.sources import STDIN, check_readable, first_few, stem
from aecourse.tabular.streaming import arriving_pieces
from aecourse.tabular.windowing import cut

__all__ = ["Result", "detect", "score"]

RESULT_FILES = ("detector.aecourse", "flagged.csv", "report.html", "report.json", "scores.csv")
SERIES_FILES = ("detector.aecourse", "events.csv", "report.html", "report.json", "scores.csv")
CHUNK = 50_000  # rows scored at a time
STDOUT = "-"  # as a name of an output
_NO_REPORT = "The scores go to standard output, so no report is written; name a file for both: -o FILE."
_ALL_QUIET = (
    "All time counts as quiet, because no query says which does; events in it make the detector blunt."
)


@dataclass(frozen=True)
class Result:
    """What a job on files did.

    Attributes
    ----------
    output : pathlib.Path
        The folder, or the file, that was written.
    n_rows, n_flagged : int
        Number of rows scored, and of rows flagged.
    lines : tuple of str
        Sentences on what was done, which the command prints.
    warnings : tuple of str
        Signs of drift; only :func:`score` looks for them.
    report : pathlib.Path or None
        The report in JSON that :func:`score` wrote next to the scores; None on standard output.

    Examples
    --------
    >>> Result(Path("scores.csv"), 100, 2, ("2 of 100 rows are flagged.",)).warnings
    ()
    """

    output: Path
    n_rows: int
    n_flagged: int
    lines: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    report: Path | None = None


def detect(
    csv: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    train_on: str | None = None,
    budget: float = 0.01,
    ignore: Iterable[str] = (),
    force: bool = False,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    ragged: str = "refuse",
    sheet: str | None = None,
    random_state: int = 0,
    choices: Choices | None = None,
    trim: float = 0.0,
    time: str | None = None,
    window: int | None = None,
) -> Result:
    """Fit a detector on a table in a file, score all its rows, and write a folder of results.

    The folder contains ``scores.csv`` (every row), ``flagged.csv`` (the flagged rows, with the columns that
    made them anomalous), ``report.html`` (one page, which loads and executes nothing), ``report.json`` (the
    same for programs, see `findings`) and ``detector.aecourse`` (for :func:`score`). It appears when it is
    complete; a failure leaves nothing.

    Parameters
    ----------
    csv : path-like
        The table: a CSV file, or what else `open_table` reads; ``-`` is standard input.
    output : path-like, optional
        The folder to write; by default ``NAME-results`` next to the file ``NAME.csv``, and in the current
        folder for a table that comes through a pipe.
    train_on : str, optional
        The query that normal rows fulfil, see `Query`. Without a query all rows count as normal.
    budget : float
        Share of normal rows that may be flagged.
    ignore : iterable of str
        Columns that do not become features.
    force : bool
        Whether to replace earlier results.
    separator, decimal, encoding, header, ragged, sheet
        As for `open_table`.
    random_state : int
        Seed of the division of the rows and of the detector.
    choices : Choices, optional
        What you know about the columns. ``decimal`` is one of these choices, and may be given by itself.
    trim : float
        Share of the training rows to leave out because they may be anomalies, see `TableDetector`.
    time : str, optional
        The column of times of a series. The folder then contains ``events.csv`` instead of ``flagged.csv``,
        and ``scores.csv`` has a line for each window.
    window : int, optional
        Points of a window; needed with ``time``.

    Returns
    -------
    Result
        Numbers of rows, and sentences on what was done.

    Raises
    ------
    OSError
        If a file cannot be read or written, or the folder exists already.
    ValueError
        If the table or the query cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> rng = np.random.default_rng(0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pd.DataFrame(rng.normal(size=(120, 2)), columns=["a", "b"])
    ...     table["ok"] = ["yes"] * 119 + ["no"]
    ...     table.to_csv(f"{folder}/data.csv", index=False)
    ...     result = detect(f"{folder}/data.csv", train_on="ok == 'yes'", budget=0.05)
    ...     sorted(path.name for path in result.output.iterdir())
    ['detector.aecourse', 'flagged.csv', 'report.html', 'report.json', 'scores.csv']
    """
    check_readable(csv)
    output = Path(output) if output is not None else _beside(csv, "-results")
    _check_output_folder(output, force)
    check_fraction(budget, "budget")
    if train_on is not None:
        Query(train_on)  # refused before the file is read
    choices = choices or Choices()
    choices = choices if decimal is None else replace(choices, decimal=decimal)
    if (time is None) != (window is None):
        raise ValueError(
            "a series needs both: its column of times and the points of a window (time, window)."
        )
    reading = Reading(separator, encoding, header, ragged, sheet)
    with open_table(csv, decimal=choices.file_decimal, **reading.options()) as source:
        table, sha256 = source.read(), source.sha256()
    detector = TableDetector(budget, random_state, choices, trim, reading)
    if time is not None and window is not None:
        choices = replace(choices, ignore=[*choices.ignore, *map(str, ignore)])
        detector.choices = choices
        found = series.find(table, time, window, detector=detector, train_on=train_on)
        return _write_series(source, found, output, force, sha256)
    detector.fit(table, train_on, ignore)
    scored = pd.concat([detector.score(piece) for piece in _pieces(table, "scoring")])
    scored["used_for"] = detector.used_for_
    scored.insert(0, "row", np.arange(1, len(table) + 1))
    flagged = scored[scored["flagged"] == 1].sort_values("score", ascending=False, kind="stable")
    rows = table.loc[flagged.index]
    reasons = [reason for piece in _pieces(rows, "explaining") for reason in detector.reasons(piece)]
    with whole_folder(output) as folder:
        scored.to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        explained = flagged.drop(columns="flagged").assign(reasons=reasons)
        clashing = {name: f"{name} (table)" for name in rows.columns if name in explained.columns}
        explained.join(rows.rename(columns=clashing)).to_csv(folder / "flagged.csv", index=False)
        detector.save(folder / "detector.aecourse")
        name = Path(source.name).name
        found = gather(name, table, detector, scored, sha256)
        page = report.render_report(name, table, detector, scored, explained, found)
        (folder / "report.html").write_text(page, encoding="utf-8")
        _write_json(folder / "report.json", found)
        _check_output_folder(output, force)  # again: it may have appeared in the meantime
    return Result(output, len(table), len(flagged), tuple(_summary(source, table, detector, scored)))


def _write_series(source: Table, found: series.Found, output: Path, force: bool, sha256: str) -> Result:
    """Write the folder of results of a series."""
    detector, scored, events = found.detector, found.scored, found.events
    plan, name = detector.plan, Path(source.name).name
    assert plan is not None
    n = {use: int((scored["used_for"] == use).sum()) for use in (TRAINING, CALIBRATION)}
    low, high = (100 * rate for rate in detector.rate_range_)
    lines = [
        f"{name}: {len(scored):,} windows of {plan.window} points, one from every {plan.stride}; "
        f"{len(plan.columns)} columns of numbers: {first_few(plan.columns)}.",
        *source.notes,
        *found.notes,
        f"{n[TRAINING]:,} earlier quiet windows to train on, {n[CALIBRATION]:,} later ones, which share no "
        "point with them or each other, to set the threshold.",
        *([_ALL_QUIET] if detector.train_on_ is None else []),
        *_trim_in_words(detector),
        f"Threshold {detector.threshold_:.4g}: of later quiet windows at most {detector.budget:.3%} are "
        f"flagged, on average, if they resemble these; 95 of 100 such thresholds flag {low:.2g} % to "
        f"{high:.2g} %.",
        f"{len(events):,} events, from {int(scored['flagged'].sum()):,} flagged windows.",
    ]
    facts = series.facts(detector, {"name": name, "sha256": sha256}, events, lines)
    with whole_folder(output) as folder:
        scored.to_csv(folder / "scores.csv", index=False, float_format="%.6g")
        events.to_csv(folder / "events.csv", index=False, float_format="%.6g")
        detector.save(folder / "detector.aecourse")
        page = render("series.html", facts=facts)
        (folder / "report.html").write_text(page, encoding="utf-8")
        _write_json(folder / "report.json", as_json(facts))
        _check_output_folder(output, force)
    return Result(output, len(scored), int(scored["flagged"].sum()), tuple(lines))


def _trim_in_words(detector: TableDetector) -> list[str]:
    """Say what leaving out a share of the training rows promises."""
    if not detector.trim:
        return []
    return [
        f"The {detector.trim:.1%} of the training rows with the highest scores were left out, and the "
        "networks fitted again, because anomalies may be among them; if there were none, these rows were "
        "normal. The threshold is still set by rows as they come: of all new rows of the same mixture, "
        f"anomalies included, at most {detector.budget:.3%} are flagged, on average. To see more of the "
        "anomalies, raise the budget."
    ]


def score(
    detector_file: str | os.PathLike[str],
    csv: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    ragged: str | None = None,
    sheet: str | None = None,
) -> Result:
    """Score the rows of a table in a file with a saved detector, in pieces: memory does not grow with it.

    The output has a line for each row: ``row``, ``score``, ``p_value``, ``flagged``, ``outside``, and
    ``reasons`` for a flagged one. A report for programs, drift included, is written next to it: that of
    ``new-scores.csv`` is ``new-scores-report.json``, see `scoring`. Both appear whole or not at all. From
    standard input to standard output each row is scored when it arrives. On standard output nothing is
    written but the scores, and no report.

    Parameters
    ----------
    detector_file : path-like
        A ``detector.aecourse`` that :func:`detect` wrote.
    csv : path-like
        The table, as for :func:`detect`.
    output : path-like, optional
        The file to write; by default ``NAME-scores.csv`` next to the file ``NAME.csv``. ``-`` is standard
        output.
    force : bool
        Whether to replace an existing file.
    separator, encoding, header, ragged, sheet
        As for `open_table`; what is not given is as for the training table.
    decimal, thousands : str, optional
        Signs in numbers, if they differ from those in the training table.

    Returns
    -------
    Result
        Numbers of rows, sentences on what was done, and warnings of drift.

    Raises
    ------
    OSError
        If a file cannot be read or written, or the output exists already.
    ValueError
        If the detector or the table cannot be used.

    Examples
    --------
    >>> score("nowhere.aecourse", "new.csv")
    Traceback (most recent call last):
        ...
    FileNotFoundError: 'nowhere.aecourse' does not exist. Name a file that 'aecourse detect' wrote.
    """
    if output is not None and os.fspath(output) == STDOUT:
        place: AbstractContextManager[Any] = _standard_output()
        output, report_file = Path(STDOUT), None
    else:
        output = Path(output) if output is not None else _beside(csv, "-scores.csv")
        _check_output_file(output, csv, force)
        report_file = _report_of(output)
        _check_output_file(report_file, csv, force)
        place = whole_files(output, report_file)
    detector = TableDetector.load(detector_file)
    check_readable(csv)
    reading = Reading(separator, encoding, header, ragged, sheet).or_else(detector.reading or Reading())
    if detector.plan is not None:
        return _score_series(detector, detector_file, csv, output, place, reading, decimal, thousands)
    detector.preparation_.rewrite(decimal, thousands)
    options = reading.options() | {"decimal": detector.preparation_.file_decimal}
    scoring = Scoring(detector)
    if report_file is None and os.fspath(csv) == STDIN:
        text_columns = detector.preparation_.text_columns
        with place as (target, _):
            _write_scores(scoring, arriving_pieces(sys.stdin.buffer, text_columns, **options), target)
        name, notes = "standard input", []
    else:
        with (
            open_table(csv, **options) as table,
            progress.bar(description="scoring", total=table.n_rows) as bar,
            place as (target, report_target),
        ):
            pieces = table.pieces(CHUNK, detector.preparation_.text_columns)
            _write_scores(scoring, pieces, target, bar.update)
            name, notes = Path(table.name).name, table.notes
            if report_target is not None:
                found = scoring.gather(name, table.sha256(), _name_and_hash(detector_file), notes)
                _write_json(report_target, found)
    drift = scoring.drift
    lines = [
        f"{name}: {drift.n_rows:,} rows; {drift.n_flagged:,} flagged "
        f"({drift.n_flagged / drift.n_rows:.1%}), with a budget of {detector.budget:.3%} of normal rows.",
        *notes,
    ]
    if scoring.unknown:
        lines.append(f"Ignored, because unknown in training: {first_few(scoring.unknown)}.")
    lines += [_NO_REPORT] if report_file is None else []
    return Result(output, drift.n_rows, drift.n_flagged, tuple(lines), tuple(drift.warnings), report_file)


@contextmanager
def _standard_output() -> Iterator[tuple[TextIO, None]]:
    """Yield standard output, and no place for a report."""
    with full_disk_in_words("standard output", "or name a file"):
        yield sys.stdout, None
        sys.stdout.flush()


def _report_of(output: Path) -> Path:
    """Return where the report goes: next to the scores."""
    return output.with_name(f"{output.stem}-report.json")


def _name_and_hash(path: str | os.PathLike[str]) -> tuple[str, str]:
    with open(path, "rb") as file:
        return Path(path).name, hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _check_output_file(output: Path, csv: str | os.PathLike[str], force: bool) -> None:
    """Refuse a file that cannot be written, or that must not be replaced."""
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a folder; name a file for the scores.")
    if output.exists() and output.resolve() == Path(csv).resolve():
        raise FileExistsError(f"{output} is the table itself. Name another file for the scores.")
    if output.exists() and not force:
        raise FileExistsError(
            f"{output} exists already. Name another file, or replace it with force=True or --force."
        )
    check_parent(output)


def _write_scores(
    scoring: Scoring,
    pieces: Iterable[pd.DataFrame],
    target: Path | TextIO,
    advance: Callable[[int], object] = lambda n_rows: None,
) -> None:
    """Write the scores of pieces of a table, each as it is there."""
    for piece in pieces:
        first = scoring.drift.n_rows == 0
        scored = scoring.add(piece)
        scored.to_csv(target, mode="w" if first else "a", header=first, index=False, float_format="%.6g")
        if not isinstance(target, Path):
            target.flush()
        advance(len(piece))


def _score_series(
    detector: TableDetector,
    detector_file: str | os.PathLike[str],
    csv: str | os.PathLike[str],
    output: Path,
    place: AbstractContextManager[Any],
    reading: Reading,
    decimal: str | None,
    thousands: str | None,
) -> Result:
    """Write the events of a new series."""
    choices = detector.choices or Choices()
    choices = replace(
        choices,
        decimal=decimal or choices.decimal,
        thousands=choices.thousands if thousands is None else thousands,
    )
    plan = detector.plan
    assert plan is not None
    with open_table(csv, decimal=choices.file_decimal, **reading.options()) as source:
        table, sha256 = source.read(), source.sha256()
    found = cut(table, plan, choices)
    scored, events = series.score(table, found, detector)
    drift = detector.drift(found.table)
    n_flagged = int(scored["flagged"].sum())
    name = Path(source.name).name
    lines = [
        f"{name}: {len(scored):,} windows of {plan.window} points; {n_flagged:,} flagged, "
        f"in {len(events):,} events, with a budget of {detector.budget:.3%} of quiet windows.",
        *source.notes,
        *found.notes,
    ]
    with place as (target, report_target):
        events.to_csv(target, index=False, float_format="%.6g")
        if report_target is not None:
            used = dict(zip(("name", "sha256"), _name_and_hash(detector_file), strict=True))
            described = describe_drift(drift, detector.budget)
            facts = series.facts(detector, {"name": name, "sha256": sha256}, events, lines)
            _write_json(report_target, as_json(facts | {"detector": used, "drift": described}))
        else:
            lines.append(_NO_REPORT)
    return Result(
        output,
        len(scored),
        n_flagged,
        tuple(lines),
        tuple(drift.column_warnings),
        None if report_target is None else _report_of(output),
    )


def _pieces(table: pd.DataFrame, description: str) -> Iterator[pd.DataFrame]:
    """Yield pieces of a table, with a progress bar over its rows."""
    with progress.bar(description=description, total=len(table)) as bar:
        for start in range(0, len(table), CHUNK):
            yield table.iloc[start : start + CHUNK]
            bar.update(min(CHUNK, len(table) - start))


def _summary(source: Table, table: pd.DataFrame, detector: TableDetector, scored: pd.DataFrame) -> list[str]:
    """Say in sentences what was done."""
    used_for = scored["used_for"]
    n_train, n_calibration = int((used_for == TRAINING).sum()), int((used_for == CALIBRATION).sum())
    low, high = (100 * rate for rate in detector.rate_range_)
    if detector.train_on_ is None:
        which = (
            "all rows count as normal, because no query says which do; anomalies among them make the "
            "detector blunt"
        )
    else:
        which = f"normal rows are those with {detector.train_on_}"
    lines = [
        f"{Path(source.name).name}: {len(table):,} rows, {table.shape[1]} columns; {which}.",
        *source.notes,
        f"{n_train:,} normal rows to train on, {n_calibration:,} others to set the threshold.",
        *(f"Left out {name!r}: {why}." for name, why in detector.preparation_.left_out_.items()),
        *detector.notes_,
        *_trim_in_words(detector),
        f"Threshold {detector.threshold_:.4g}: of new normal rows at most {detector.budget:.3%} are "
        f"flagged, on average; 95 of 100 thresholds from {n_calibration:,} rows flag {low:.2g} % to "
        f"{high:.2g} %.",
    ]
    for role, words in (
        (NOT_USED, "rows that were used for nothing"),
        (LATER, "normal rows that were set aside, the last in time"),
        (CALIBRATION, "rows that set the threshold"),
        (TRAINING, "rows trained on"),
    ):
        flagged = scored.loc[used_for == role, "flagged"]
        if len(flagged):
            lines.append(f"Flagged: {int(flagged.sum()):,} of {len(flagged):,} {words}.")
    return lines


def _beside(csv: str | os.PathLike[str], ending: str) -> Path:
    """Return where results go: next to the file, and in the current folder for a pipe."""
    name = f"{stem(csv)}{ending}"
    return Path(csv).with_name(name) if os.fspath(csv) != STDIN and Path(csv).is_file() else Path(name)


def _is_results_folder(folder: Path) -> bool:
    """Whether a folder contains results of an earlier run and nothing else."""
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and all(path.name in {*RESULT_FILES, *SERIES_FILES} for path in folder.iterdir())
    )


def _check_output_folder(output: Path, force: bool) -> None:
    """Refuse a folder that cannot be written, or that would replace anything except earlier results."""
    check_parent(output)
    if not output.exists() and not output.is_symlink():
        return
    if not _is_results_folder(output):
        raise FileExistsError(f"{output} exists, and is not a folder of results. Name another folder.")
    if not force and any(output.iterdir()):
        raise FileExistsError(
            f"{output} holds results already. Name another folder, or replace them with "
            "force=True or --force."
        )
