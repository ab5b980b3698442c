"""Everything that ``aecourse score`` found, as plain numbers and texts: what its report in JSON holds.

The report of ``new-scores.csv`` is ``new-scores-report.json``. Its structure is that of ``report.json``, as
far as that applies to a table that was only scored; `findings` explains the words below. What the detector
learned from its own table stands in the report of that table.

=================================  ==================================================================
``format``                         text: ``aecourse report of scores``
``format_version``                 whole number, 1; it rises if an entry changes its meaning
``aecourse``                       text: version of the package
``table.name``                     text: name of the file
``table.sha256``                   text?: SHA-256 of the file
``table.rows``                     whole number
``table.columns``                  whole number
``table.unknown``                  list of texts: columns ignored, because they are unknown in training
``detector.name``                  text: name of the detector's file
``detector.sha256``                text?: SHA-256 of that file
``settings.train_on``              text?: the query that selected normal rows
``settings.budget``                number: share of normal rows that may be flagged
``settings.random_state``          whole number: the seed
``settings.trim``                  number: share of the training rows that were left out
``settings.choices``               object: what was said about columns, see `Choices`
``threshold``                      number: rows with a higher score are flagged
``rate_range.low``                 number: of 100 such thresholds 95 flag at least this share
``rate_range.high``                number: and at most this one, of new normal rows
``rows[].used_for``                text: ``nothing``, as for all rows here
``rows[].rows``                    whole number
``rows[].flagged``                 whole number
``drift.promised``                 number: share of new normal rows that may be flagged
``drift.flagged``                  count: rows of this table
``drift.broken``                   true or false: whether more are flagged than chance explains
``drift.warnings``                 list of texts: what differs from training
``drift.columns[].name``           text
``drift.columns[].outside``        whole number: values outside of those in training
``drift.columns[].gaps``           whole number: values that are missing or cannot be read
``columns[].name``                 text: a column that the detector uses
``columns[].kind``                 text: ``number``, ``category`` or ``date``
``columns[].leads``                whole number: of the ``flagged`` rows below, those that it leads
``notes``                          list of texts: what else was noticed in the file
``flagged[].row``                  whole number, from 1
``flagged[].labels``               object: the values of columns that the query names, if they are there
``flagged[].score``                number
``flagged[].p_value``              number
``flagged[].outside``              whole number: columns with a value never seen in training
``flagged[].reasons[].column``     text
``flagged[].reasons[].found``      text: the value in the row
``flagged[].reasons[].usual``      text?: median, or most frequent text, of the training rows
``flagged[].reasons[].error``      number: error in units of that of a normal row
=================================  ==================================================================

``flagged`` holds the rows with the highest scores, at most 1,000; all are in the file of scores.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from aecourse import __version__
from aecourse.tabular.columns import to_texts, with_text_names
from aecourse.tabular.detector import NOT_USED, Reason, TableDetector
from aecourse.tabular.drift import Drift
from aecourse.tabular.findings import MOST_FLAGGED, as_json, how_fitted, share_flagged
from aecourse.tabular.query import Query

__all__ = ["Scoring", "describe_drift"]

FORMAT, FORMAT_VERSION = "aecourse report of scores", 1


class Scoring:
    """Score a new table piece by piece, and keep what its report says: memory does not grow with the table.

    Parameters
    ----------
    detector : TableDetector
        The fitted detector.

    Attributes
    ----------
    drift : Drift
        The counts so far.
    unknown : list of str
        Columns that the detector does not know, and ignores.

    Examples
    --------
    >>> import numpy as np
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(5, 1, 200)})
    >>> scoring = Scoring(TableDetector(budget=0.05).fit(table))
    >>> lines = scoring.add(pd.DataFrame({"width": [5.0, 50.0]}))
    >>> lines["flagged"].tolist(), [row["row"] for row in scoring.gather("new.csv")["flagged"]]
    ([0, 1], [2])
    """

    drift: Drift
    unknown: list[str]

    def __init__(self, detector: TableDetector) -> None:
        self.drift = Drift(detector)
        self.unknown = []
        self._detector = detector
        self._labels = Query(detector.train_on_).columns if detector.train_on_ is not None else ()
        self._n_columns = 0
        self._flagged: list[dict[str, Any]] = []

    def add(self, piece: pd.DataFrame) -> pd.DataFrame:
        """Score a piece.

        Parameters
        ----------
        piece : pandas.DataFrame of shape (n, columns)
            New rows; their index counts the rows of the whole table from 0.

        Returns
        -------
        pandas.DataFrame of shape (n, 6)
            Row (from 1), score, p-value, flag, columns outside, and the reasons of flagged rows.

        Raises
        ------
        ValueError
            If a column is missing, or does not contain what it contained in training.
        """
        piece = with_text_names(piece)
        self._n_columns = piece.shape[1]
        self.unknown = self._detector.preparation_.check(piece)
        scored = self._detector.score(piece)
        self.drift.add(piece, scored)
        scored.insert(0, "row", piece.index + 1)
        scored["reasons"] = ""
        is_flagged = scored["flagged"] == 1
        if is_flagged.any():
            reasons = self._detector.explain(piece[is_flagged])
            scored.loc[is_flagged, "reasons"] = ["; ".join(map(str, each)) for each in reasons]
            self._keep(piece[is_flagged], scored[is_flagged], reasons)
        return scored

    def _keep(self, rows: pd.DataFrame, scored: pd.DataFrame, reasons: list[list[Reason]]) -> None:
        """Keep what the report says of flagged rows, of those with the highest scores."""
        labels = {name: to_texts(rows[name]).tolist() for name in self._labels if name in rows}
        entries = ["row", "score", "p_value", "outside"]
        for place, (each, why) in enumerate(zip(scored[entries].to_dict("records"), reasons, strict=True)):
            named = {name: texts[place] for name, texts in labels.items()}
            self._flagged.append({**each, "labels": named, "reasons": [asdict(reason) for reason in why]})
        self._flagged = sorted(self._flagged, key=lambda each: -each["score"])[:MOST_FLAGGED]

    def gather(
        self,
        name: str,
        sha256: str | None = None,
        detector_file: tuple[str, str | None] = ("", None),
        notes: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Gather what was found, in the structure that the module describes.

        Parameters
        ----------
        name : str
            Name of the table.
        sha256 : str, optional
            Of its file.
        detector_file : (str, str), optional
            Name and SHA-256 of the detector's file.
        notes : sequence of str
            What was noticed in the table's file.

        Returns
        -------
        dict
            Texts, numbers, lists and dictionaries only.
        """
        detector, drift = self._detector, self.drift
        leading = [each["reasons"][0]["column"] for each in self._flagged]
        found = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "aecourse": __version__,
            "table": {
                "name": name,
                "sha256": sha256,
                "rows": drift.n_rows,
                "columns": self._n_columns,
                "unknown": self.unknown,
            },
            "detector": dict(zip(("name", "sha256"), detector_file, strict=True)),
            **how_fitted(detector),
            "rows": [{"used_for": NOT_USED, "rows": drift.n_rows, "flagged": drift.n_flagged}],
            "drift": describe_drift(drift, detector.budget),
            "columns": [
                {"name": column.name, "kind": column.kind, "leads": leading.count(column.name)}
                for column in detector.preparation_.columns_
            ],
            "notes": list(notes),
            "flagged": self._flagged,
        }
        return as_json(found)


def describe_drift(drift: Drift, budget: float) -> dict[str, Any]:
    """Describe how new rows differ from the training rows, in the structure that the module describes.

    Parameters
    ----------
    drift : Drift
        The counts.
    budget : float
        Share of normal rows that may be flagged.

    Returns
    -------
    dict
        The entry ``drift`` of a report.

    Examples
    --------
    >>> import numpy as np
    >>> table = pd.DataFrame({"width": np.random.default_rng(0).normal(5, 1, 200)})
    >>> detector = TableDetector(budget=0.05).fit(table)
    >>> describe_drift(detector.drift(table), 0.05)["broken"]
    False
    """
    return {
        "promised": float(budget),
        "flagged": share_flagged(drift.n_flagged, drift.n_rows),
        "broken": bool(drift.flag_warnings),
        "warnings": drift.warnings,
        "columns": [
            {"name": name, "outside": drift.outside[name], "gaps": drift.gaps[name]} for name in drift.outside
        ],
    }
