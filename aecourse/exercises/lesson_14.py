"""Exercises of lesson 14, your own data."""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecourse.exercises.checks import Check, Exercise, Wrong, choice, integer, number, register
from aecourse.exercises.memory import remember_last

if TYPE_CHECKING:
    import pandas as pd

_PRECISION = 0.001 * 0.6 / (0.001 * 0.6 + 0.999 * 0.01)

# 14.5, a pipeline for a table that the student has not seen. The function is run on one table, and again with
# changes that must not matter.
_TABLE = 5
_BETTER_THAN_CHANCE = 0.6  # the AUROC of any sensible method is higher
_DROP = 0.06  # of the AUROC, after a change that must not matter


@functools.cache
def _table() -> "tuple[pd.DataFrame, pd.DataFrame, NDArray]":
    from aecourse import datasets

    return datasets.make_mixed_table(_TABLE)


@remember_last
def _pipeline_fault(pipeline: Any) -> str | None:
    """Return the first thing that is wrong with a pipeline: a sentence, or the name of a usual mistake."""
    import pandas as pd

    if not callable(pipeline):
        return "Give the function my_pipeline itself, without calling it."
    normal, new, y = _table()
    wild = new.head(60).copy()
    for name in wild.select_dtypes("float"):
        wild[name] *= 1000
    changed = {
        "as it is": new,
        "the row number": new.assign(number=new["number"] + 10**6),
        "the date": new.assign(posted=new["posted"].str.replace("2026", "2031")),
        "fitted on new rows": pd.concat([new, wild], ignore_index=True),
    }
    aurocs: dict[str, float] = {}
    for what, rows in changed.items():
        try:
            scores = pipeline(normal.copy(), rows.copy())
        except (Exception, SystemExit) as error:
            words = str(error).strip().split("\n")[0][:200].rstrip(".")
            return f"Your function stops with {type(error).__name__}{words and ': '}{words}."
        if fault := _scores_fault(scores, len(rows)):
            return fault
        aurocs[what] = float(roc_auc_score(y, np.asarray(scores, dtype=float).ravel()[: len(y)]))
        if aurocs["as it is"] < 1 - _BETTER_THAN_CHANCE:
            return "upside down"
        if aurocs[what] < aurocs["as it is"] - _DROP:
            return what
    if aurocs["as it is"] < _BETTER_THAN_CHANCE:
        return (
            f"Your scores reach an AUROC of {aurocs['as it is']:.2f} on a table where 0.5 is chance. Are the "
            "measurements on one scale, and are the words and the row number treated as what they are?"
        )
    return None


def _scores_fault(scores: Any, n_rows: int) -> str | None:
    if scores is None:
        return "Your function returns None; does it end with a return statement?"
    try:
        values = np.asarray(scores, dtype=float)
    except (TypeError, ValueError):
        return "Your function must return numbers, one score for each new row."
    if values.shape not in ((n_rows,), (n_rows, 1)):
        return (
            f"Your function must return one score for each of the {n_rows} new rows; found the shape "
            f"{values.shape}."
        )
    if not np.isfinite(values).all():
        return "Some of your scores are not finite. Are all gaps filled, those of new rows included?"
    return None


def _pipeline_has(fault: str) -> Callable[[Any], bool]:
    return lambda pipeline: _pipeline_fault(pipeline) == fault


def _pipeline_complaint(pipeline: Any) -> str | None:
    fault = _pipeline_fault(pipeline)
    return fault if fault and fault.endswith((".", "?")) else None


def _pipeline(
    left_out: tuple[str, ...] = ("number", "posted", "country"), sign: int = 1, fit_on_new: bool = False
) -> "Callable[[pd.DataFrame, pd.DataFrame], NDArray]":
    """Return a pipeline of scikit-learn's parts with the nearest neighbours, with at most one mistake."""

    def pipeline(normal: "pd.DataFrame", new: "pd.DataFrame") -> NDArray:
        import pandas as pd
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        from aecourse import baselines

        normal, new = (
            rows.assign(posted=pd.to_datetime(rows["posted"]).astype("int64") / 1e15)
            for rows in (normal, new)
        )
        known = pd.concat([normal, new]) if fit_on_new else normal
        numbers = [name for name in known.select_dtypes("number") if name not in left_out]
        words = [name for name in ("depot", "service", "country") if name not in left_out]
        prepare = ColumnTransformer(
            [
                ("n", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
                ("w", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
            ]
        )
        nearest = baselines.KNNDistance(scale=False).fit(prepare.fit_transform(known))
        return sign * nearest.anomaly_score(prepare.transform(new))

    return pipeline


def _pandas_pipeline(normal: "pd.DataFrame", new: "pd.DataFrame") -> list[float]:
    """Answer with pandas for the preparation, and scikit-learn's Local Outlier Factor."""
    import pandas as pd
    from sklearn.neighbors import LocalOutlierFactor

    names = [name for name in normal if name.startswith("measure")]
    middle, spread = normal[names].median(), normal[names].std()
    words = pd.get_dummies(normal[["depot", "service"]]).columns

    def prepared(rows: "pd.DataFrame") -> NDArray:
        numbers = (rows[names].fillna(middle) - middle) / spread
        columns = pd.get_dummies(rows[["depot", "service"]]).reindex(columns=words, fill_value=False)
        return np.column_stack([numbers, columns.astype(float), rows[names].isna().astype(float)])

    factor = LocalOutlierFactor(novelty=True).fit(prepared(normal))
    return list(-factor.score_samples(prepared(new)))


register(
    Exercise(
        id="14.1",
        is_right=integer(398),
        why="The threshold alone needs 1/0.005 - 1 = 199 rows, and at most half of the normal rows go to it.",
        wrong=(
            Wrong(
                "the threshold only",
                integer(199),
                "That many set the threshold. The detector needs rows too: at most half may set the "
                "threshold.",
            ),
            Wrong(
                "one over the rate",
                integer(400),
                "Close. A new row counts too: n + 1 times the rate must reach 1. Then double it.",
            ),
            Wrong("for the default budget", integer(198), "That is for a budget of 1 %."),
            Wrong(
                "one over the rate, not doubled",
                integer(200),
                "A new row counts too, and the detector needs as many rows again.",
            ),
        ),
        hint="thresholds.rows_needed(0.005) rows set the threshold. What share of the normal rows may they "
        "be?",
    ),
    Exercise(
        id="14.2",
        is_right=number(_PRECISION, 0.0015),  # one in eighteen, and 0.056, are right
        why="Of 1000 rows 0.6 are true alarms and 9.99 false ones: 0.6 / 10.59, one flag in eighteen.",
        right_example=0.0567,
        also_right=(_PRECISION, 1 / 18, 0.056, Fraction(1, 18), np.float32(0.057), [0.0567]),
        wrong=(
            Wrong(
                "recall",
                number(0.6, 0.0005),
                "That is the share of anomalies that are found. Precision is a share of the flagged rows.",
            ),
            Wrong(
                "every anomaly found",
                number(0.001 / (0.001 + 0.00999), 0.0005),
                "That is the precision at a recall of 100 %; here 60 % of the anomalies are found.",
                0.091,
            ),
            Wrong(
                "one minus the false-alarm rate",
                number(0.99, 0.001),
                "1 % of the normal rows are flagged. That is not a share of the flagged rows.",
            ),
            Wrong("percent", number(100 * _PRECISION, 0.15), "Give a share between 0 and 1.", 5.67),
        ),
        hint="Count true and false alarms among 1000 rows, and divide.",
    ),
    Exercise(
        id="14.3",
        is_right=number(10, 1e-6),
        why="A new value is the least or the largest of 200 with probability 2/200, whatever the "
        "distribution.",
        wrong=(
            Wrong(
                "n for n + 1",
                number(1000 * 2 / 199, 0.01),
                "Close. The new value itself counts too: which of 200 values is the largest?",
            ),
            Wrong("a share", number(0.01, 0.001), "That is the share; how many of 1000 values are it?"),
            Wrong(
                "none",
                integer(0),
                "The range of a sample is narrower than that of the source: new extremes turn up.",
            ),
            Wrong("one side", number(5, 0.05), "A value can be below the least or above the largest one."),
            Wrong(
                "one in a hundred of 199",
                integer(2),
                "That is the number of extremes among 200 values; there are 1000 new ones.",
            ),
        ),
        hint="Each of 200 exchangeable values is as likely to be the largest. There are two ends.",
    ),
    Exercise(
        id="14.4",
        is_right=choice("c"),
        why="It is written when the loan has gone wrong. On the day of the decision nobody knows it.",
        wrong=(
            Wrong(
                "income", choice("a"), "The bank asks for it before it decides. Which one is written later?"
            ),
            Wrong(
                "branch",
                choice("b"),
                "It is known on the day. It may be unfair to use, which is another question.",
            ),
            Wrong("weekday", choice("d"), "Known on the day, and probably useless, but no leak."),
        ),
        hint="For each column ask when it is written.",
    ),
    Exercise(
        id="14.5",
        is_right=Check(lambda pipeline: _pipeline_fault(pipeline) is None, _pipeline_complaint, _pipeline()),
        why="It learns from the normal rows alone, copes with gaps and new words, and ignores mere counters.",
        also_right=(_pandas_pipeline,),
        wrong=(
            Wrong(
                "upside down",
                _pipeline_has("upside down"),
                "Your scores are low for anomalies. scikit-learn's score_samples is high for normal rows.",
                _pipeline(sign=-1),
            ),
            Wrong(
                "the row number",
                _pipeline_has("the row number"),
                "When the running number of the new rows grows, your scores get worse. Leave out what only "
                "counts the rows.",
                _pipeline(left_out=("posted", "country")),
            ),
            Wrong(
                "the date",
                _pipeline_has("the date"),
                "When the new rows are posted five years later, your scores get worse. Use what returns, "
                "such as the weekday, or leave the date out.",
                _pipeline(left_out=("number", "country")),
            ),
            Wrong(
                "fitted on new rows",
                _pipeline_has("fitted on new rows"),
                "When some wild rows join the new ones, the scores of the others get worse. Fit scalers and "
                "models on the normal rows only.",
                _pipeline(fit_on_new=True),
            ),
        ),
        hint="Fill and scale the measurements, turn words into columns of 0 and 1, leave out the rest.",
    ),
)
