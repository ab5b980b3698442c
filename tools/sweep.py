"""Sweep the assignments: the same answer in many forms, nonsense in every place, many students' ids.

python -m tools.sweep --ids 200        all of it, and a table
python -m tools.sweep --ids 20 a3      one assignment

Every answer here is our own, so it is tested in this process, by the grader's own tests and messages.
"""

import argparse
import collections
import fractions
import itertools
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from aecourse._support import progress
from tools.in_process import Sitting

FOLDER = pathlib.Path(__file__).parents[1] / "assignments" / "source"
NAMES = ("a1", "a2", "a3", "a4", "a5")
# The names that each test judges, and how many of its points each is worth if not all.
JUDGED: dict[str, dict[str, dict[str, float | None]]] = {
    "a1": {
        "test-imports": {"keras": None, "StandardScaler": None},
        "test-data": {"X_train": None, "X_val": None, "X_test": None},
        "test-encoder": {"encoder": None},
        "test-decoder": {"decoder": None, "autoencoder": None},
        "test-training": {"autoencoder": None, "history": None},
    },
    "a2": {
        "test-methods": {"method_scores": None},
        "test-bootstrap": {"interval": None},
        "test-report": {"report": None},
    },
    "a3": {
        "test-rate": {"false_alarm_rate": None},
        "test-limit": {"limit_for": None},
        "test-cost": {"expected_cost": None},
        "test-choice": {"choose": None},
    },
    "a4": {
        "test-find": {"found": None},
        "test-prove": {f"evidence_{fault}": 2.0 for fault in ("range", "leakage", "bottleneck", "labels")},
        "test-repair": {"repair": None},
        "test-swapped": {"answer_swapped": None},
        "test-copied": {"answer_copied": None},
    },
    "a5": {
        "test-leakage": {"X_train": None, "X_val": None, "X_test": None, "y_test": None},
        "test-threshold": {"score": None, "budget": None, "threshold": None},
        "test-report": {"report": None, "base_rate": None},
    },
}
# The model solution of a2 draws five hundred resamples one by one; this draws the same kind at once.
QUICK = {
    "a2": {
        "bootstrap": """
from sklearn.metrics import average_precision_score


def interval(y, score, n_resamples=500, random_state=0):
    order = np.argsort(-np.asarray(score, dtype=float))
    y = np.asarray(y, dtype=float)[order]
    chances = np.full(len(y), 1 / len(y))
    counts = np.random.default_rng(random_state).multinomial(len(y), chances, size=n_resamples)
    hits, seen = np.cumsum(counts * y, axis=1), np.cumsum(counts, axis=1)
    areas = (counts * y * hits / np.maximum(seen, 1)).sum(axis=1) / np.maximum(hits[:, -1], 1)
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)
"""
    }
}


def source(name: str) -> bytes:
    """Return the bytes of an assignment's source."""
    return (FOLDER / name / f"{name}.ipynb").read_bytes()


def sitting(name: str, student: str = "12345") -> Sitting:
    """Return the model solution, run for one student, with what is slow in it made quick."""
    return Sitting(source(name), student, QUICK.get(name))


# Nonsense.


class Forged:
    """A model that Keras did not make: it says of itself what a test may ask for."""

    name = "encoder"

    def __init__(self, width_in: int = 12, width_out: int = 12) -> None:
        self.input_shape, self.output_shape = (None, width_in), (None, width_out)
        self.history = {"loss": [1.0], "mae": [1.0], "val_loss": [1.0], "val_mae": [1.0]}

    def predict(self, rows: Any, **named: Any) -> Any:
        """Return the first columns, or columns added."""
        return np.resize(np.asarray(rows), (len(rows), self.output_shape[1]))

    __call__ = predict


class EqualToAll:
    """An object that says yes to every comparison, and that it holds whatever is looked for."""

    def __eq__(self, other: object) -> bool:
        return True

    __ne__ = __le__ = __ge__ = __lt__ = __gt__ = __eq__

    def __contains__(self, item: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class TextEqualToAll(EqualToAll, str):
    """The same, as a text."""

    __slots__ = ()


def _raises(*arguments: Any, **named: Any) -> Any:
    raise NotImplementedError


def _returns_itself(*arguments: Any, **named: Any) -> Any:
    return _returns_itself


def nonsense() -> dict[str, Any]:
    """Return answers that are none, by what a person would call them."""
    values: dict[str, Any] = {
        "None": None, "True": True, "False": False, "NaN": np.nan, "inf": np.inf, "-inf": -np.inf,
        "0": 0, "1": 1, "-1": -1, "0.5": 0.5, "9.0": 9.0, "10**9": 10**9,
        "np.array([9.0])": np.array([9.0]), "np.array([0.5, 0.5])": np.array([0.5, 0.5]),
        "no text": "", "text": "text", "'0.5'": "0.5", "[]": [], "()": (), "{}": {}, "set()": set(),
        "np.array([])": np.array([]), "np.zeros(3)": np.zeros(3), "np.zeros((2, 2, 2))": np.zeros((2, 2, 2)),
        "[None]": [None], "['a']": ["a"], "(0, 1)": (0, 1), "(0.4, 0.9)": (0.4, 0.9), "object()": object(),
        "a class": Forged, "a forged model": Forged(), "a forged encoder": Forged(12, 4),
        "a forged decoder": Forged(4, 12), "1 + 1j": 1 + 1j, "a function": len, "...": ...,
        "equal to all": EqualToAll(),
        "a text equal to all": TextEqualToAll("?"), "[equal to all]": [EqualToAll()] * 2,
    }  # fmt: skip
    return values


def nonsense_for(right: Any) -> Iterator[tuple[str, Any]]:
    """Yield nonsense in the place of a right answer: of its kind, of its shape, within its parts."""
    values = nonsense()
    yield from values.items()
    if callable(right) and not isinstance(right, type):
        for label, value in values.items():
            yield f"returns {label}", lambda *a, _value=value, **k: _value
        yield "returns its input", lambda *a, **k: a[0]
        yield "returns its last input", lambda *a, **k: a[-1]
        yield "returns all its input", lambda *a, **k: a
        yield "raises", _raises
        yield "returns itself", _returns_itself
    if isinstance(right, np.ndarray):
        yield "zeros of its shape", np.zeros_like(right)
        yield "ones of its shape", np.ones_like(right)
        yield "NaN of its shape", np.full(right.shape, np.nan)
        yield "one row less", right[:-1]
        yield "transposed", right.T[None]
        yield "text of its shape", np.full(right.shape, "a")
    if is_choice(right):
        yield from wrong_choices(right)
    if isinstance(right, dict):
        size = np.size(next(iter(right.values())))
        for label, value in [*values.items(), ("zeros", np.zeros(size)), ("NaNs", np.full(size, np.nan)),
                             ("labels", np.repeat([0.0, 1.0], [size - size // 6, size // 6])),
                             ("noise", np.random.default_rng(0).normal(size=size))]:  # fmt: skip
            yield f"{label} for each name", dict.fromkeys(right, value)
    if isinstance(right, list) and right and isinstance(right[0], dict):
        for key in right[0]:
            for label, value in values.items():
                yield f"{label} for {key}", [{**row, key: value} for row in right]
        yield "the widest interval", [{**row, "low": 0.0, "high": 1.0} for row in right]
        yield "one row again and again", [right[0]] * len(right)


def wrong_choices(right: str | list[str]) -> Iterator[tuple[str, Any]]:
    """Yield what is not the right letters of a multiple-choice question."""
    yield "all letters", "ABCD"
    yield "a list of all letters", list("ABCD")
    yield "a letter that is not there", "E"
    yield "right and one that is not there", [*right, "E"]
    yield "places of the letters", [ord(letter) - ord("A") + 1 for letter in right]
    yield "letters in a sentence", f"It is {right[0]} or not"
    yield "a dict of letters", dict.fromkeys("ABCD", True)
    yield "bytes", "".join(right).encode()
    for number in range(1, 5):
        for chosen in itertools.combinations("ABCD", number):
            if set(chosen) != set(right):
                yield " and ".join(chosen), list(chosen)


def is_choice(right: Any) -> bool:
    """Return whether a right answer is the letters of a multiple-choice question."""
    return isinstance(right, (str, list)) and all(isinstance(letter, str) for letter in right)


# What looks like nonsense and may be an answer: a table of a student's own may have a row less, its cautious
# threshold may be 0.5, and the intervals of its methods may all begin at 0.5 or end at 1.
ANSWERS = {
    ("a5", "threshold", "0.5"),
    ("a5", "report", "0.5 for low"),
    ("a5", "X_train", "one row less"),
    ("a5", "X_val", "one row less"),
    ("a5", "report", "1 for high"),
    ("a5", "report", "True for high"),
}


def undeserved(name: str, run: Sitting) -> Iterator[tuple[str, str, str, float, float]]:
    """Try nonsense for every judged name; yield test, name, nonsense, and what it earned and may earn."""
    for test, names in JUDGED[name].items():
        [part] = [cell for cell in run.about.cells if cell.name == test]
        for judged, worth in names.items():
            most = part.points - worth if worth is not None else 0.0
            for label, value in nonsense_for(run.names[judged]):
                if (name, judged, label) in ANSWERS:
                    continue
                yield test, judged, label, run.test(test, {judged: value})["earned"], most


# Forms.


def number_forms() -> dict[str, Callable[[Any], Any]]:
    """Return ways to give one number."""
    import pandas as pd
    import tensorflow as tf

    return {
        "float": float,
        "np.float64": np.float64,
        "np.float32": np.float32,
        "0-d array": np.array,
        "one-element array": lambda x: np.array([x]),
        "array of shape (1, 1)": lambda x: np.array([[x]]),
        "one-element list": lambda x: [x],
        "one-element tuple": lambda x: (x,),
        "list of a 0-d array": lambda x: [np.array(x)],
        "Fraction": lambda x: fractions.Fraction(x) if np.isfinite(x) else x,
        "Series": lambda x: pd.Series([x]),
        "Series with an index": lambda x: pd.Series([x], index=["limit"]),
        "DataFrame": lambda x: pd.DataFrame({"limit": [x]}, index=["row"]),
        "float64 tensor": lambda x: tf.constant(x, dtype="float64"),
        "float32 tensor": lambda x: tf.constant([x], dtype="float32"),
    }


def array_forms() -> dict[str, Callable[[Any], Any]]:
    """Return ways to give an array: of one number a row, or a table."""
    import pandas as pd
    import tensorflow as tf

    def index(values: Any) -> list[int]:
        return [3 * place + 7 for place in range(len(values))][::-1]

    def labels(values: Any) -> list[str]:
        return [f"row {place}" for place in range(len(values))]

    return {
        "array": np.asarray,
        "float32 array": lambda x: np.asarray(x, dtype=np.float32),
        "Fortran order": lambda x: np.asfortranarray(x),
        "list": lambda x: np.asarray(x).tolist(),
        "list of arrays": list,
        "tuple": tuple,
        "object array": lambda x: np.asarray(x).astype(object),
        "column or table": lambda x: np.asarray(x).reshape(len(x), -1),
        "Series or DataFrame": lambda x: (pd.Series if np.ndim(x) == 1 else pd.DataFrame)(x),
        "with an integer index": lambda x: (pd.Series if np.ndim(x) == 1 else pd.DataFrame)(
            x, index=index(x)
        ),
        "with labels": lambda x: (pd.Series if np.ndim(x) == 1 else pd.DataFrame)(x, index=labels(x)),
        "with named columns": lambda x: pd.DataFrame(x).add_prefix("sensor ").rename_axis(index="time"),
        "float64 tensor": lambda x: tf.constant(x, dtype="float64"),
        "float32 tensor": lambda x: tf.constant(x, dtype="float32"),
        "variable": lambda x: tf.Variable(x, dtype="float64"),
    }


class Interval(NamedTuple):
    """An interval as a named tuple."""

    low: Any
    high: Any


class Row(NamedTuple):
    """A row of a report as a named tuple."""

    method: Any
    auroc: Any
    average_precision: Any
    low: Any
    high: Any


class Repaired(NamedTuple):
    """What a repair returns as a named tuple."""

    X_train: Any
    y_test: Any
    scores: Any


def pair_forms() -> dict[str, Callable[[Any], Any]]:
    """Return ways to give a low and a high value."""
    import pandas as pd
    import tensorflow as tf

    return {
        "tuple": tuple,
        "list": list,
        "array": np.array,
        "float32 array": lambda x: np.array(x, dtype=np.float32),
        "array of shape (1, 2)": lambda x: np.array([x]),
        "NumPy scalars": lambda x: tuple(np.array(x)),
        "0-d arrays": lambda x: tuple(map(np.array, x)),
        "one-element arrays": lambda x: [np.array([value]) for value in x],
        "namedtuple": lambda x: Interval(*x),
        "dict": lambda x: dict(zip(("low", "high"), x, strict=True)),
        "Series": pd.Series,
        "Series with an index": lambda x: pd.Series(x, index=["low", "high"]),
        "Series by quantile": lambda x: pd.Series(x, index=[0.025, 0.975]),
        "DataFrame": lambda x: pd.DataFrame([x], columns=["low", "high"]),
        "float64 tensor": lambda x: tf.constant(x, dtype="float64"),
        "float32 tensor": lambda x: tf.constant(x, dtype="float32"),
    }


def record_forms() -> dict[str, Callable[[Any], Any]]:
    """Return ways to give a report."""
    import pandas as pd

    def rows_of(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda rows: [
            {key: v if key == "method" else make(v) for key, v in row.items()} for row in rows
        ]

    def named(rows: Any) -> list[Any]:
        return [Row(**row) for row in rows]

    return {
        "list": list,
        "tuple": tuple,
        "ordered dicts": lambda rows: [collections.OrderedDict(row) for row in rows],
        "NumPy scalars": rows_of(np.float64),
        "single precision": rows_of(np.float32),
        "0-d arrays": rows_of(np.array),
        "namedtuples": named,
        "Series": lambda rows: [pd.Series(row) for row in rows],
        "dict of columns": lambda rows: pd.DataFrame(rows).to_dict("list"),
        "DataFrame": pd.DataFrame,
        "DataFrame, sorted": lambda rows: pd.DataFrame(rows).sort_values(
            "average_precision", ascending=False
        ),
        "DataFrame with an index": lambda rows: pd.DataFrame(rows).set_index("method"),
        "DataFrame with methods for labels": lambda rows: pd.DataFrame(
            [{key: v for key, v in row.items() if key != "method"} for row in rows],
            index=[row["method"] for row in rows],
        ),
        "dict of dicts": lambda rows: {
            row["method"]: {key: v for key, v in row.items() if key != "method"} for row in rows
        },
        "rounded": rows_of(lambda value: round(float(value), 3)),
        "DataFrame, rounded": lambda rows: pd.DataFrame(rows).round(4),
    }


def mapping_forms(of_values: Mapping[str, Callable[[Any], Any]]) -> dict[str, Callable[[Any], Any]]:
    """Return ways to give what belongs to each name."""
    import pandas as pd

    forms: dict[str, Callable[[Any], Any]] = {
        "dict": dict,
        "OrderedDict": collections.OrderedDict,
        "pairs": lambda x: list(x.items()),
        "Series": pd.Series,
        "DataFrame": lambda x: pd.DataFrame(x, index=range(max(map(np.size, x.values())))),
    }
    for label, form in of_values.items():
        forms[f"dict of {label}"] = _of_each(form)
    return forms


def triple_forms() -> dict[str, Callable[[Any], Any]]:
    """Return ways to give what a repair returns."""
    forms: dict[str, Callable[[Any], Any]] = {"list": list, "namedtuple": lambda x: Repaired(*x)}
    for label, form in array_forms().items():
        forms[f"tuple of {label}"] = _of_all(form)
    return forms


def letter_forms() -> dict[str, Callable[[Any], Any]]:
    """Return ways to give the letters of a multiple-choice question."""
    import pandas as pd

    return {
        "a text": "".join,
        "small letters with commas": lambda x: ", ".join(x).lower(),
        "brackets and blanks": lambda x: f" {' '.join(f'{letter})' for letter in x)} ",
        "in brackets": lambda x: "; ".join(f"({letter.lower()})" for letter in x),
        "with and": " and ".join,
        "full stops": lambda x: "\n".join(f"{letter}." for letter in x),
        "with words": lambda x: [f"{letter}) since it is so" for letter in x],
        "list": list,
        "tuple": tuple,
        "set": set,
        "frozenset": frozenset,
        "in another order": lambda x: list(x)[::-1],
        "array": lambda x: np.array(list(x)),
        "np.str_": lambda x: np.str_("".join(x)),
        "Series": lambda x: pd.Series(list(x)),
        "list of small letters": lambda x: [f"{letter.lower()})" for letter in x],
    }


def forms_of(name: str, judged: str) -> dict[str, Callable[[Any], Any]]:
    """Return the forms in which the answer of a judged name may be given."""
    if name == "a1":
        return array_forms() if judged.startswith("X_") else {}
    if judged.startswith("answer_"):
        return letter_forms()
    if judged in ("method_scores", "found"):
        return mapping_forms(array_forms() if judged == "method_scores" else {"np.str_": np.str_})
    if judged in ("interval", "report", "repair"):
        return {"interval": pair_forms, "report": record_forms, "repair": triple_forms}[judged]()
    return array_forms() if judged in ("X_train", "X_val", "X_test", "y_test", "score") else number_forms()


def _of_each(form: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: {key: form(value) for key, value in values.items()}


def _of_all(form: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: tuple(map(form, values))


def _in_form(right: Any, form: Callable[[Any], Any]) -> Any:
    return (lambda *a, **k: form(right(*a, **k))) if callable(right) else form(right)


def lost(name: str, run: Sitting) -> Iterator[tuple[str, str, str, float, float]]:
    """Give every judged answer in every form; yield test, name, form, what it earned and the points."""
    for test, names in JUDGED[name].items():
        [part] = [cell for cell in run.about.cells if cell.name == test]
        for judged in names:
            for label, form in forms_of(name, judged).items():
                changed = {judged: _in_form(run.names[judged], form)}
                yield test, judged, label, run.test(test, changed)["earned"], part.points


def short_of_full(name: str, student: str, quick: bool = False) -> dict[str, float]:
    """Return the tests in which the model solution loses points for a student's data, with what it earned."""
    run = Sitting(source(name), student, QUICK.get(name) if quick else None)
    points = {cell.name: cell.points for cell in run.about.cells}
    return {test: r["earned"] for test, r in run.results().items() if r["earned"] < points[test]}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if an honest answer lost points or nonsense earned some."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="ASSIGNMENT", help="by default all")
    parser.add_argument("--ids", type=int, default=200, metavar="COUNT", help="students whose data are drawn")
    options = parser.parse_args(arguments)
    faults: list[str] = []
    print("assignment  forms: kept/tried  nonsense: refused/tried  ids: full marks/tried  seconds")
    for name in options.names or NAMES:
        started, run = time.monotonic(), sitting(name)
        tried = list(lost(name, run))
        short = [row for row in tried if row[3] < row[4]]
        absurd = list(undeserved(name, run))
        earned = [row for row in absurd if row[3] > row[4]]
        ids = [str(10_000 + number) for number in range(options.ids if name != "a5" else 1)]
        each = progress.bar(ids, description=f"{name}, ids")
        missed = {student: found for student in each if (found := short_of_full(name, student))}
        print(
            f"{name:10}  {len(tried) - len(short):>11}/{len(tried):<5}"
            f"{len(absurd) - len(earned):>18}/{len(absurd):<5}"
            f"{len(ids) - len(missed):>16}/{len(ids):<5}{time.monotonic() - started:>12.0f}",
            flush=True,
        )
        faults += [f"{name}: {row}" for row in [*short, *earned]]
        faults += [f"{name}: {student} {found}" for student, found in missed.items()]
    print("\n".join(faults))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
