"""Stored results of benchmarks that take too long for a lesson: quality by table, method and random start."""

import io
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_results", "load_results"]

MEASURES = ("auroc", "average_precision")
DRAWS = 10_000


def load_results(name: str) -> "pd.DataFrame":
    """Load the stored result of a benchmark.

    ``"ablation"`` holds `AutoencoderDetector` on fourteen tables of the ADBench collection, whole, with each
    part of its score or each view left out, and with other settings of the training. ``"untuned"`` holds it
    and simple methods on tables that no choice in the detector was made on: the digits, wine and Iris data of
    scikit-learn.

    Parameters
    ----------
    name : str
        The error for an unknown name lists all.

    Returns
    -------
    pandas.DataFrame
        Columns ``table``, ``method``, ``seed``, ``auroc`` and ``average_precision``, one row for each
        measurement. ``attrs["about"]`` says how they were made, the command included.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from aecourse import datasets
    >>> list(datasets.load_results("untuned"))
    ['table', 'method', 'seed', 'auroc', 'average_precision']
    """
    import pandas as pd

    folder = resources.files("aecourse") / "data" / "results"
    stored = {each.name.removesuffix(".csv"): each for each in folder.iterdir() if each.name.endswith(".csv")}
    if name not in stored:
        raise ValueError(f"name must be one of {', '.join(sorted(stored))}; found {name!r}.")
    text = stored[name].read_text(encoding="utf-8")
    about = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    results = pd.read_csv(io.StringIO(text), skiprows=len(about))
    results.attrs["about"] = "\n".join(about)
    return results


def compare_results(results: "pd.DataFrame", reference: str) -> "pd.DataFrame":
    """Compare all methods of a result with one of them, table by table.

    A method's value on a table is its mean over the seeds. The interval of a mean difference comes from
    10,000 bootstrap draws of the tables: it says how much depends on which tables there are, and takes them
    for independent of each other.

    Parameters
    ----------
    results : pandas.DataFrame
        As :func:`load_results` returns it.
    reference : str
        The method with which the others are compared.

    Returns
    -------
    pandas.DataFrame
        One row for each method, the reference first. For each measure: the mean over the tables under its
        own name, the mean of method minus reference (``..._difference``) with its 95 % interval
        (``..._low``, ``..._high``), and the number of tables on which the method is the better one
        (``..._ahead``) and the worse one (``..._behind``).

    Raises
    ------
    ValueError
        If no row has that method, or a method lacks a table.

    Examples
    --------
    >>> from aecourse import datasets
    >>> compared = datasets.compare_results(datasets.load_results("untuned"), "AutoencoderDetector")
    >>> compared.index[0], float(compared["auroc_difference"].iloc[0])
    ('AutoencoderDetector', 0.0)
    """
    import pandas as pd

    methods = list(dict.fromkeys(results["method"]))
    if reference not in methods:
        raise ValueError(f"reference must be one of {', '.join(methods)}; found {reference!r}.")
    columns = {}
    for measure in MEASURES:
        by_method = results.pivot_table(index="table", columns="method", values=measure, aggfunc="mean")
        if by_method.isna().any(axis=None):
            lacking = by_method.columns[by_method.isna().any()]
            raise ValueError(f"each method must be measured on each table; {', '.join(lacking)} is not.")
        differences = by_method.sub(by_method[reference], axis=0)
        draws = np.random.default_rng(0).integers(len(differences), size=(DRAWS, len(differences)))
        low, high = np.quantile(differences.to_numpy()[draws].mean(axis=1), [0.025, 0.975], axis=0)
        columns[measure] = by_method.mean()
        columns[f"{measure}_difference"] = differences.mean()
        columns[f"{measure}_low"] = pd.Series(low, by_method.columns)
        columns[f"{measure}_high"] = pd.Series(high, by_method.columns)
        columns[f"{measure}_ahead"] = (differences > 0).sum()
        columns[f"{measure}_behind"] = (differences < 0).sum()
    return pd.DataFrame(columns).loc[[reference, *(each for each in methods if each != reference)]]
