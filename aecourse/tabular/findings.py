"""Everything that ``aecourse detect`` found, as plain numbers and texts: what ``report.json`` holds.

The page ``report.html`` shows the same. A name below stands for its place in the file: ``table.name`` is the
entry ``name`` of the entry ``table``, and ``rows[]`` is each entry of the list ``rows``. An entry marked with
a question mark is null if it does not apply. An *interval* is an object with ``value``, ``low`` and
``high`` at the level 95 %; a *count* has ``rows``, ``flagged``, ``share``, ``low`` and ``high``, where the
last two are the Clopper–Pearson interval of the share.

========================================  ===========================================================
``format``                                text: ``aecourse report``
``format_version``                        whole number, 1; it rises if an entry changes its meaning
``aecourse``                              text: version of the package
``table.name``                            text: name of the file
``table.sha256``                          text?: SHA-256 of the file
``table.rows``                            whole number
``table.columns``                         whole number
``table.repeated``                        whole number: rows equal to an earlier one in all columns used
``table.repeated_across``                 whole number: rows that set the threshold and equal a training row
``settings.train_on``                     text?: the query that selects normal rows
``settings.budget``                       number: share of normal rows that may be flagged
``settings.random_state``                 whole number: the seed
``settings.trim``                         number: share of the training rows that were left out
``settings.choices``                      object: what was said about columns, see `Choices`
``threshold``                             number: rows with a higher score are flagged
``rate_range.low``                        number: of 100 such thresholds 95 flag at least this share
``rate_range.high``                       number: and at most this one, of new normal rows
``rows[].used_for``                       text: ``training``, ``threshold``, ``later`` or ``nothing``
``rows[].rows``                           whole number
``rows[].flagged``                        whole number
``false_alarms``                          count?: normal rows used for nothing, or set aside
``recall``                                count?: rows that the query does not select
``comparison.trained_on``                 whole number: rows that the simple methods were fitted on
``comparison.normal``                     whole number: normal rows compared, none of them trained on
``comparison.rejected``                   whole number: rows compared that the query does not select
``comparison.methods[].name``             text: the detector first
``comparison.methods[].flagged``          whole number: rows compared that it flags, at the same budget
``comparison.methods[].flagged_by_both``  whole number: those that the detector flags too
``comparison.methods[].recall``           number?: share of the rejected rows that it flags
``comparison.methods[].auroc``            interval?
``comparison.methods[].average_precision``             interval?
``comparison.methods[].auroc_difference``              interval?: the method minus the detector, paired
``comparison.methods[].average_precision_difference``  interval?: the same
``comparison.methods[].only_this``        whole number?: rejected rows that only the method flags
``comparison.methods[].only_detector``    whole number?: rejected rows that only the detector flags
``comparison.sentences``                  list of texts: whether a simple method is ahead
``drift.order``                           text?: column that says what is later; null: order of the rows
``drift.promised``                        number: share of later normal rows that may be flagged
``drift.flagged``                         count: later normal rows
``drift.broken``                          true or false: whether more are flagged than chance explains
``drift.warnings``                        list of texts: columns that differ from training
``drift.columns[].name``                  text
``drift.columns[].outside``               whole number: later values outside of those in training
``drift.columns[].gaps``                  whole number: later values that are missing or cannot be read
``columns[].name``                        text
``columns[].kind``                        text?: ``number``, ``category`` or ``date``; null if not looked at
``columns[].used``                        true or false
``columns[].left_out``                    text?: why it is not used
``columns[].missing``                     number: share of training rows without a readable value
``columns[].low``                         number?: smallest finite number in the training rows
``columns[].low_5``                       number?: 5 % of them are smaller
``columns[].median``                      number?
``columns[].high_95``                     number?: 5 % of them are larger
``columns[].high``                        number?: largest finite number in the training rows
``columns[].different``                   whole number?: different texts in the training rows
``columns[].frequent[].text``             text: up to three, the most frequent first
``columns[].frequent[].share``            number: share of the training rows
``columns[].leads``                       whole number: of the ``flagged`` rows below, those that it leads
``notes``                                 list of texts: what else was noticed
``flagged[].row``                         whole number, from 1
``flagged[].id``                          text?: the value of a column that identifies rows
``flagged[].labels``                      object: the values of the columns that the query names
``flagged[].score``                       number
``flagged[].p_value``                     number
``flagged[].outside``                     whole number: columns with a value never seen in training
``flagged[].used_for``                    text
``flagged[].reasons[].column``            text
``flagged[].reasons[].found``             text: the value in the row
``flagged[].reasons[].usual``             text?: median, or most frequent text, of the training rows
``flagged[].reasons[].error``             number: error in units of that of a normal row
========================================  ===========================================================

``flagged`` holds the rows with the highest scores, at most 1,000; all are in ``flagged.csv``. ``drift`` is
null if there were too few normal rows to set some aside. A number that is not finite is null.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aecourse import __version__
from aecourse.tabular.columns import Choices, Column, present, to_numbers, to_texts, with_text_names
from aecourse.tabular.comparison import CONFIDENCE, Method, compare
from aecourse.tabular.detector import CALIBRATION, LATER, NOT_USED, TRAINING, TableDetector
from aecourse.tabular.query import Query

__all__ = ["MOST_FLAGGED", "as_json", "find_id", "gather", "how_fitted", "share_flagged"]

FORMAT, FORMAT_VERSION = "aecourse report", 1
MOST_FLAGGED = 1000


def gather(
    name: str, table: pd.DataFrame, detector: TableDetector, scored: pd.DataFrame, sha256: str | None = None
) -> dict[str, Any]:
    """Gather what was found, in the structure that the module describes.

    Parameters
    ----------
    name : str
        Name of the table.
    table : pandas.DataFrame of shape (n, columns)
        The table that the detector was fitted on.
    detector : TableDetector
        The detector.
    scored : pandas.DataFrame of shape (n, 6)
        Number, score, p-value, flag, columns outside and use of each row.
    sha256 : str, optional
        Of the file.

    Returns
    -------
    dict
        Texts, numbers, lists and dictionaries only.

    Examples
    --------
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(size=100)})
    >>> detector = TableDetector(budget=0.05).fit(table)
    >>> scored = detector.score(table).assign(row=range(1, 101), used_for=detector.used_for_)
    >>> found = gather("widths.csv", table, detector, scored)
    >>> found["table"]["rows"], found["columns"][0]["name"]
    (100, 'width')
    """
    table = with_text_names(table)
    top = scored[scored["flagged"] == 1].sort_values("score", ascending=False, kind="stable")
    top = top.head(MOST_FLAGGED)
    flagged = list(_flagged(table, detector, top))
    comparison = compare(table, detector, scored)
    is_flagged = scored["flagged"].to_numpy() == 1
    unused = detector.normal_ & np.isin(detector.used_for_, [LATER, NOT_USED])
    found = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "aecourse": __version__,
        "table": {"name": name, "sha256": sha256, "rows": len(table), "columns": table.shape[1]}
        | _repeated(table, detector),
        **how_fitted(detector),
        "rows": [
            {"used_for": use, "rows": len(rows), "flagged": int(rows.sum())}
            for use, rows in scored.groupby("used_for")["flagged"]
        ],
        "false_alarms": share_flagged(int(is_flagged[unused].sum()), int(unused.sum())),
        "recall": share_flagged(int(is_flagged[~detector.normal_].sum()), int((~detector.normal_).sum())),
        "comparison": {
            "trained_on": comparison.n_trained_on,
            "normal": comparison.n_normal,
            "rejected": comparison.n_rejected,
            "methods": [_method(each) for each in comparison.methods],
            "sentences": comparison.sentences,
        },
        "drift": _drift(detector),
        "columns": _columns(table, detector, flagged),
        "notes": detector.notes_,
        "flagged": flagged,
    }
    return as_json(found)


def find_id(table: pd.DataFrame, left_out: dict[str, str]) -> str | None:
    """Find the column that identifies rows: one that is not used, and has another value in each row.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n, columns)
        The table.
    left_out : dict of str to str
        Columns that are not used, and why.

    Returns
    -------
    str or None
        A column of texts, if there is one; otherwise one of whole numbers.

    Examples
    --------
    >>> find_id(pd.DataFrame({"n": [1, 2], "key": ["a", "b"]}), {"n": "…", "key": "…"})
    'key'
    """
    unused = [name for name in table.columns if name in left_out]
    texts = [name for name in unused if not pd.api.types.is_numeric_dtype(table[name])]
    whole = [name for name in unused if pd.api.types.is_integer_dtype(table[name])]
    return next((name for name in [*texts, *whole] if table[name].is_unique), None)


def _flagged(table: pd.DataFrame, detector: TableDetector, top: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Describe the flagged rows with the highest scores."""
    rows = table.loc[top.index]
    key = find_id(table, detector.preparation_.left_out_)
    labels = Query(detector.train_on_).columns if detector.train_on_ is not None else ()
    ids = to_texts(rows[key]).tolist() if key is not None else [None] * len(rows)
    named = {label: to_texts(rows[label]).tolist() for label in labels}
    for place, (reasons, each) in enumerate(zip(detector.explain(rows), top.to_dict("records"), strict=True)):
        yield {
            "row": each["row"],
            "id": ids[place],
            "labels": {label: texts[place] for label, texts in named.items()},
            **{entry: each[entry] for entry in ("score", "p_value", "outside", "used_for")},
            "reasons": [asdict(reason) for reason in reasons],
        }


def how_fitted(detector: TableDetector) -> dict[str, Any]:
    """Return the entries of a report that say how a detector was fitted, and its threshold."""
    return {
        "settings": {
            "train_on": detector.train_on_,
            "budget": float(detector.budget),
            "random_state": int(detector.random_state),
            "trim": float(detector.trim),
            "choices": asdict(detector.choices or Choices()),
        },
        "threshold": detector.threshold_,
        "rate_range": dict(zip(("low", "high"), detector.rate_range_, strict=True)),
    }


def share_flagged(n_flagged: int, n_rows: int) -> dict[str, Any] | None:
    """Return the share of rows that are flagged, and its Clopper–Pearson interval.

    Parameters
    ----------
    n_flagged, n_rows : int
        Number of rows flagged, and of all of them.

    Returns
    -------
    dict or None
        A *count* as above; None if there are no rows.

    Examples
    --------
    >>> {name: round(value, 3) for name, value in share_flagged(3, 100).items()}
    {'rows': 100, 'flagged': 3, 'share': 0.03, 'low': 0.006, 'high': 0.085}
    """
    if not n_rows:
        return None
    interval = stats.binomtest(n_flagged, n_rows).proportion_ci(CONFIDENCE, method="exact")
    return {
        "rows": n_rows,
        "flagged": n_flagged,
        "share": n_flagged / n_rows,
        "low": float(interval.low),
        "high": float(interval.high),
    }


def _repeated(table: pd.DataFrame, detector: TableDetector) -> dict[str, int]:
    """Count rows that are equal in all columns used."""
    hashes = pd.util.hash_pandas_object(table[detector.preparation_.source_names_], index=False).to_numpy()
    trained = hashes[detector.used_for_ == TRAINING]
    return {
        "repeated": len(hashes) - len(np.unique(hashes)),
        "repeated_across": int(np.isin(hashes[detector.used_for_ == CALIBRATION], trained).sum()),
    }


def _method(method: Method) -> dict[str, Any]:
    """Return a method with its intervals as objects."""
    return {
        name: dict(zip(("value", "low", "high"), value, strict=True)) if isinstance(value, tuple) else value
        for name, value in asdict(method).items()
    }


def _drift(detector: TableDetector) -> dict[str, Any] | None:
    later = detector.later_
    if later is None:
        return None
    realised = later.realised
    return {
        "order": later.order,
        "promised": later.promised,
        "flagged": {
            "rows": realised.n,
            "flagged": realised.flagged,
            "share": realised.rate,
            "low": realised.low,
            "high": realised.high,
        },
        "broken": later.broken,
        "warnings": list(later.changes),
        "columns": [
            {"name": name, "outside": later.outside[name], "gaps": later.gaps[name]} for name in later.outside
        ],
    }


def _columns(
    table: pd.DataFrame, detector: TableDetector, flagged: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Describe each column by its values in the training rows."""
    rows = table[detector.used_for_ == TRAINING]
    learned = {column.name: column for column in detector.preparation_.columns_}
    leading = [each["reasons"][0]["column"] for each in flagged]
    described = []
    for name in table.columns:
        recognised = detector.recognised_.get(name)
        column = learned.get(name) or (recognised.column if recognised is not None else None)
        described.append(
            {
                "name": name,
                "kind": column.kind if column is not None else None,
                "used": name in detector.preparation_.source_names_,
                "left_out": detector.preparation_.left_out_.get(name),
                **_profile(column, rows[name]),
                "leads": leading.count(name),
            }
        )
    return described


def _profile(column: Column | None, series: pd.Series) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "missing": float(series.isna().mean()),
        **dict.fromkeys(("low", "low_5", "median", "high_95", "high", "different")),
        "frequent": [],
    }
    if column is None or column.kind == "date":
        return profile
    series = present(column, series)
    if column.kind == "number":
        numbers = to_numbers(column, series)
        finite = numbers[np.isfinite(numbers)]
        profile["missing"] = float(np.isnan(numbers).mean())
        if finite.size:
            names = ("low", "low_5", "median", "high_95", "high")
            profile |= dict(zip(names, np.quantile(finite, [0, 0.05, 0.5, 0.95, 1]).tolist(), strict=True))
        return profile
    shares = to_texts(series[series.notna()]).value_counts() / len(series)
    frequent = [{"text": str(text)[:60], "share": float(share)} for text, share in shares.head(3).items()]
    return profile | {
        "missing": float(series.isna().mean()),
        "different": len(shares),
        "frequent": frequent,
    }


def as_json(value: Any) -> Any:
    """Return Python's own numbers, and None for those that JSON does not have.

    Parameters
    ----------
    value : object
        Numbers and texts in dictionaries, lists and tuples.

    Returns
    -------
    object
        The same in dictionaries and lists.

    Examples
    --------
    >>> as_json({"a": (np.float64(1.5), np.nan)})
    {'a': [1.5, None]}
    """
    if isinstance(value, dict):
        return {str(name): as_json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
