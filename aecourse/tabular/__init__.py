"""From a file to scores and a report: read a table, prepare its columns, detect, watch for drift."""

from aecourse.tabular.detector import Drift, Result, TableDetector, detect, score
from aecourse.tabular.reading import Column, Preparation, Query, read_chunks, read_csv

__all__ = [
    "Column",
    "Drift",
    "Preparation",
    "Query",
    "Result",
    "TableDetector",
    "detect",
    "read_chunks",
    "read_csv",
    "score",
]
