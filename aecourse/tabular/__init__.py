"""From a file to scores and a report: read a table, prepare its columns, detect, watch for drift."""

from aecourse.tabular.detector import TableDetector
from aecourse.tabular.drift import Drift
from aecourse.tabular.jobs import CHUNK, RESULT_FILES, Result, detect, score
from aecourse.tabular.preparation import FAR, MAX_CATEGORIES, Column, Preparation
from aecourse.tabular.query import Query
from aecourse.tabular.reading import read_chunks, read_csv

__all__ = [
    "CHUNK",
    "FAR",
    "MAX_CATEGORIES",
    "RESULT_FILES",
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
