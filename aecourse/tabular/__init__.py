"""From a file to scores and a report: read a table, prepare its columns, detect, watch for drift."""

from aecourse.tabular.columns import Choices, Column
from aecourse.tabular.detector import Later, Reason, TableDetector
from aecourse.tabular.drift import Drift
from aecourse.tabular.jobs import CHUNK, RESULT_FILES, Result, detect, score
from aecourse.tabular.looking import look
from aecourse.tabular.pipeline import make_table_detector
from aecourse.tabular.preparation import FAR, Preparation
from aecourse.tabular.query import Query
from aecourse.tabular.reading import Table, open_table, read_chunks, read_csv
from aecourse.tabular.recognition import MAX_CATEGORIES, recognise

__all__ = [
    "CHUNK",
    "FAR",
    "MAX_CATEGORIES",
    "RESULT_FILES",
    "Choices",
    "Column",
    "Drift",
    "Later",
    "Preparation",
    "Query",
    "Reason",
    "Result",
    "Table",
    "TableDetector",
    "detect",
    "look",
    "make_table_detector",
    "open_table",
    "read_chunks",
    "read_csv",
    "recognise",
    "score",
]
