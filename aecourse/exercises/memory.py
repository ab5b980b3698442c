"""A memory of one answer, for checks that run what a student built."""

from collections.abc import Callable
from typing import Any


def remember_last(judge: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the judge with a memory of its last answer.

    A verdict asks several times about the same answer, and an answer that trains a network takes seconds.

    Parameters
    ----------
    judge : callable
        Takes an answer and returns anything.

    Returns
    -------
    callable
        The same, but an answer that is the same object as the one before is not judged again.

    Examples
    --------
    >>> from aecourse.exercises.memory import remember_last
    >>> calls = []
    >>> judge = remember_last(lambda answer: calls.append(answer) or len(calls))
    >>> answer = [1]
    >>> judge(answer), judge(answer), judge([1])
    (1, 1, 2)
    """
    last: list[Any] = []

    def judged(answer: Any) -> Any:
        if not (last and last[0] is answer):
            last[:] = [answer, judge(answer)]
        return last[1]

    return judged
