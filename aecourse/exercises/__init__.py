"""The self-checks behind the lessons' exercises."""

from aecourse.exercises.checks import (
    Check,
    Exercise,
    Wrong,
    all_exercises,
    array,
    check,
    choice,
    function,
    integer,
    number,
    register,
    shape,
    verdict,
)

__all__ = [
    "Check",
    "Exercise",
    "Wrong",
    "all_exercises",
    "array",
    "check",
    "choice",
    "function",
    "integer",
    "number",
    "register",
    "shape",
    "verdict",
]
