"""A detector of mixed tables as a scikit-learn pipeline: numbers with gaps, and categories.

It learns nothing about clocks, identifiers or how people write numbers: the columns have their types
already. `TableDetector` takes a table as it comes from a file.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from aecourse.detector import AutoencoderDetector

_NUMBERS = np.number
_CATEGORIES = ("object", "category", "string", "bool")


def _only_known_types(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table, or refuse it with the columns that are neither numbers nor categories."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            "a pandas DataFrame is needed, so that columns have names and types; "
            f"found {type(table).__name__}."
        )
    known = table.select_dtypes(include=[_NUMBERS, *_CATEGORIES]).columns
    unknown = {str(name): str(kind) for name, kind in table.dtypes.items() if name not in known}
    if unknown:
        raise ValueError(
            f"these columns are neither numbers nor categories: {unknown}. Turn a date into numbers "
            "such as its weekday and hour, or leave it out."
        )
    return table


def make_table_detector(**params: Any) -> Pipeline:
    """Return an unfitted pipeline that detects anomalies in a DataFrame with gaps and categories.

    A missing number is replaced by the column's median. Where training had gaps, a column of its own says
    where they are, so that a gap in an unusual place counts; a column that had none in training counts only
    through its median. A category becomes one column for each of its values. A value that training did not
    contain, a missing one included, has a 1 in none of them, which is unusual too.

    Parameters
    ----------
    **params
        Parameters of `AutoencoderDetector`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        The steps ``check``, ``columns`` and ``detector``, with scikit-learn's ``fit``, ``predict``,
        ``decision_function`` and ``score_samples`` (high = normal). It can be cloned and searched, for
        example over ``detector__noise``.

    Raises
    ------
    ValueError
        By ``fit`` and the other methods, if the table is no DataFrame, or has a column that is neither
        numbers nor categories.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> colours = rng.choice(["red", "blue"], 300)
    >>> normal = pd.DataFrame({"size": rng.normal(5, 1, 300), "colour": colours})
    >>> normal.loc[::50, "size"] = np.nan
    >>> detector = make_table_detector(random_state=0).fit(normal)
    >>> detector.predict(pd.DataFrame({"size": [5.0, 50.0], "colour": ["red", "blue"]}))
    array([ 1, -1])
    """
    columns = make_column_transformer(
        (SimpleImputer(strategy="median", add_indicator=True), make_column_selector(dtype_include=_NUMBERS)),
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_include=list(_CATEGORIES)),
        ),
        verbose_feature_names_out=False,
    )
    check = FunctionTransformer(_only_known_types)
    return Pipeline([("check", check), ("columns", columns), ("detector", AutoencoderDetector(**params))])
