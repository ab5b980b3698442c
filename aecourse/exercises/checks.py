"""The checks of an exercise's answer, and the register of all exercises.

A lesson calls :func:`check` with the id of an exercise and the student's answer, and one line is
printed. The module ``lesson_NN.py`` next to this file defines the exercises of lesson NN and passes
them to :func:`register`; it is imported when one of its exercises is first checked. The question
itself is in the lesson's text.

A definition contains an example of a right answer and one of each wrong answer that it recognises.
A test checks every definition: the right examples must pass, and each wrong example must get its
own hint.
"""

import contextlib
import copy
import importlib
import io
import numbers
import operator
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

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

#: A function that says whether an answer has some property; it may return any truth value.
Test: TypeAlias = Callable[[Any], Any]

_ID = re.compile(r"(\d\d)\.\d+")
_REGISTRY: dict[str, "Exercise"] = {}


def _passes(test: Test, answer: object) -> bool:
    """Return the result of a test; an answer of a type that the test cannot judge does not pass."""
    try:
        return bool(test(answer))
    except Exception:  # whatever a student passes in, the answer is a hint and not a traceback
        return False


@dataclass(frozen=True)
class Check:
    """A test of an answer that can also say why an answer cannot be judged.

    Call it with an answer to get True or False.

    Parameters
    ----------
    passes : callable
        Takes an answer of the right type and says whether it is right.
    complaint : callable
        Takes any answer. Returns None if ``passes`` can judge it, or else one sentence that says
        what is wrong with its type or form.
    example : object, optional
        An answer that passes.

    Examples
    --------
    >>> from aecourse.exercises import Check
    >>> even = Check(lambda n: n % 2 == 0, lambda n: None if isinstance(n, int) else "Give a whole number.")
    >>> even(4), even("four"), even.complaint("four")
    (True, False, 'Give a whole number.')
    """

    passes: Test
    complaint: Callable[[Any], str | None]
    example: object = None

    def __call__(self, answer: object) -> bool:
        return self.complaint(answer) is None and bool(self.passes(answer))


@dataclass(frozen=True)
class Wrong:
    """A typical wrong answer and the hint for it.

    Parameters
    ----------
    name : str
        Short name of the mistake, for the tests.
    matches : callable
        Takes an answer and says whether it is this mistake; a :class:`Check` or any function.
    hint : str
        What to think about, in a sentence or two, without the answer itself.
    example : object
        An answer that makes this mistake; by default that of the check.

    Examples
    --------
    >>> from aecourse.exercises import Wrong, number
    >>> percent = Wrong("percent", number(18.5, 0.1), "Give a share between 0 and 1.")
    >>> percent.recognises(percent.example), percent.recognises("18.5")
    (True, False)
    """

    name: str
    matches: Test
    hint: str
    example: object = None

    def __post_init__(self) -> None:
        if self.example is None:
            object.__setattr__(self, "example", getattr(self.matches, "example", None))

    def recognises(self, answer: object) -> bool:
        """Return whether an answer is this mistake; if ``matches`` raises, it is not."""
        return _passes(self.matches, answer)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson, with its answer.

    Parameters
    ----------
    id : str
        Lesson and number, such as ``"06.1"``.
    is_right : callable
        Takes an answer and says whether it is right; usually one of the checks of this module.
    why : str
        Printed with a right answer: the reason why it is right.
    right_example : object
        An answer that is right; by default that of the check.
    wrong : tuple of Wrong
        Mistakes that are recognised, the more specific first.
    hint : str
        Printed for a wrong answer that is not recognised.
    also_right : tuple
        More answers that must count as right, for example in another form.

    Examples
    --------
    >>> from aecourse.exercises import Exercise, integer
    >>> two = Exercise("99.2", integer(2), "1 + 1 is 2.")
    >>> two.accepts(2), two.accepts("two")
    (True, False)
    """

    id: str
    is_right: Test
    why: str
    right_example: object = None
    wrong: tuple[Wrong, ...] = ()
    hint: str = "Go through the question again, step by step, with the section above it."
    also_right: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        if self.right_example is None:
            object.__setattr__(self, "right_example", getattr(self.is_right, "example", None))

    def accepts(self, answer: object) -> bool:
        """Return whether an answer is right; if ``is_right`` raises, it is not."""
        return _passes(self.is_right, answer)


def register(*definitions: Exercise) -> None:
    """Make exercises known to :func:`check`.

    Parameters
    ----------
    *definitions : Exercise
        The exercises of one lesson.

    Raises
    ------
    ValueError
        If an id is not of the form ``"06.1"``, or if another exercise has it.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.register(exercises.Exercise(
    ...     id="98.1", is_right=exercises.number(0.99, 0.001),
    ...     why="Flagging nothing is right for 99 % of the rows.",
    ...     wrong=(exercises.Wrong("percent", exercises.number(99, 0.1),
    ...                            "Give a fraction between 0 and 1."),)))
    >>> exercises.check("98.1", 99)
    Exercise 98.1: not yet. Give a fraction between 0 and 1.
    """
    for exercise in definitions:
        if not _ID.fullmatch(exercise.id):
            raise ValueError(
                f"id of an exercise must be two digits, a point and a number, such as '06.1'; "
                f"found {exercise.id!r}."
            )
        known = _REGISTRY.get(exercise.id)
        if known is not None and known.why != exercise.why:  # a module may be reloaded
            raise ValueError(f"id {exercise.id!r} is taken by another exercise; give each its own number.")
        _REGISTRY[exercise.id] = exercise


def lesson_numbers() -> list[str]:
    """Return the numbers of the lessons that have a module of definitions here."""
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return sorted(name[-2:] for name in names if re.fullmatch(r"lesson_\d\d", name))


def _in_order(ids: Iterable[str]) -> list[str]:
    return sorted(ids, key=lambda each: tuple(int(part) for part in each.split(".")))


def _load_lesson(lesson: str) -> None:
    importlib.import_module(f"{__package__}.lesson_{lesson}")


def _find(exercise_id: str) -> Exercise:
    parts = _ID.fullmatch(exercise_id) if isinstance(exercise_id, str) else None
    if parts is None:
        raise ValueError(
            f"exercise_id must be a text with lesson and number, such as '06.1'; found {exercise_id!r}."
        )
    lesson = parts.group(1)
    if lesson in lesson_numbers():
        _load_lesson(lesson)
    if exercise_id not in _REGISTRY:
        known = _in_order(each for each in _REGISTRY if each.startswith(f"{lesson}."))
        if known:
            raise ValueError(
                f"exercise_id {exercise_id!r} is unknown; lesson {lesson} has {', '.join(known)}."
            )
        raise ValueError(
            f"exercise_id {exercise_id!r} is unknown: lesson {lesson} has no exercises; "
            f"lessons with exercises: {', '.join(lesson_numbers()) or 'none'}."
        )
    return _REGISTRY[exercise_id]


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise of every lesson.

    Returns
    -------
    dict of str to Exercise
        By id, in the order of the lessons.

    Examples
    --------
    >>> from aecourse import exercises
    >>> all(exercise.id == name for name, exercise in exercises.all_exercises().items())
    True
    """
    for lesson in lesson_numbers():
        _load_lesson(lesson)
    return {each: _REGISTRY[each] for each in _in_order(_REGISTRY)}


def verdict(exercise: Exercise, answer: object) -> str:
    """Judge an answer in words.

    Parameters
    ----------
    exercise : Exercise
        The definition.
    answer : object
        The student's answer; None or ``...`` means that there is none yet.

    Returns
    -------
    str
        ``"right. <why>"``, ``"not yet. <hint>"`` or ``"not answered yet."``.

    Examples
    --------
    >>> from aecourse import exercises
    >>> two = exercises.Exercise("99.1", exercises.number(2), "1 + 1 is 2.")
    >>> exercises.verdict(two, "2")
    "not yet. Give one number, without quotation marks; found the text '2'."
    """
    if answer is None or answer is Ellipsis:
        return "not answered yet."
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a student's function may print and warn: one line stays
        if exercise.accepts(answer):
            return f"right. {exercise.why}"
        for wrong in exercise.wrong:
            if wrong.recognises(answer):
                return f"not yet. {wrong.hint}"
        complaint = exercise.is_right.complaint(answer) if isinstance(exercise.is_right, Check) else None
    return f"not yet. {complaint or exercise.hint}"


def check(exercise_id: str, answer: object = None) -> None:
    """Print whether an answer is right, and a hint if it is not.

    Parameters
    ----------
    exercise_id : str
        Lesson and number, such as ``"06.1"``.
    answer : object
        The answer: a number, an array, a letter or a function, as the lesson asks. None or ``...``
        prints that the exercise is not answered yet.

    Raises
    ------
    ValueError
        If the id is unknown; the message lists those of the lesson. The answer itself never
        raises an error.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.register(exercises.Exercise(
    ...     id="97.1", is_right=exercises.choice("anomaly", ("normal", "anomaly")),
    ...     why="The course scores the rare class as positive."))
    >>> exercises.check("97.1", ...)
    Exercise 97.1: not answered yet.
    >>> exercises.check("97.1", "Anomaly")
    Exercise 97.1: right. The course scores the rare class as positive.
    """
    exercise = _find(exercise_id)
    print(f"Exercise {exercise_id}: {verdict(exercise, answer)}")


def _describe(answer: Any) -> str:
    """Describe an answer briefly, without memory addresses, which differ from run to run."""
    if isinstance(answer, str):
        return f"the text {answer[:40]!r}"
    if isinstance(answer, (bool, np.bool_)):
        return f"the truth value {bool(answer)}"
    if isinstance(answer, (int, float, np.number)):
        return f"the number {answer:.6g}"
    if callable(answer):
        return "a function"
    with contextlib.suppress(Exception):  # ragged lists, and objects that refuse to be arrays
        if np.shape(answer):
            return f"values of shape {np.shape(answer)}"
    return f"something of type {type(answer).__name__}"


def _as_number(answer: Any) -> float | None:
    """Return an answer as a float, or None if it is not one number."""
    if isinstance(answer, (str, bytes, bool, np.bool_)) or callable(answer):
        return None
    try:
        values = np.asarray(answer)
        if values.size != 1:
            return None
        only = values.item()  # a fraction stays one
        return float(only) if isinstance(only, numbers.Real) and not isinstance(only, bool) else None
    except Exception:  # ragged lists, and objects that refuse to be arrays
        return None


def number(value: float, tol: float = 1e-9) -> Check:
    """Return a check for one number.

    Parameters
    ----------
    value : float
        The right answer.
    tol : float
        Answers at most this far from ``value`` are right, in the unit of ``value``.

    Returns
    -------
    Check
        True for a right answer. Text, truth values and arrays of several values get a hint.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.number(0.05, tol=0.005)(0.052)
    True
    """

    def complaint(answer: object) -> str | None:
        given = _as_number(answer)
        if given is None:
            advice = ", without quotation marks" if isinstance(answer, str) else ""
            return f"Give one number{advice}; found {_describe(answer)}."
        if not np.isfinite(given):
            return "Your number is not finite; look for a division by zero or a missing value."
        return None

    return Check(lambda answer: abs(float(np.asarray(answer).item()) - value) <= tol, complaint, value)


def integer(value: int) -> Check:
    """Return a check for one whole number, such as a count.

    Parameters
    ----------
    value : int
        The right answer.

    Returns
    -------
    Check
        True for ``value``, also as a float without a fraction.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.integer(12560)(12560.0)
    True
    """
    exactly = number(operator.index(value), 0)

    def complaint(answer: object) -> str | None:
        given = _as_number(answer)
        if given is not None and np.isfinite(given) and not given.is_integer():
            return f"Give a whole number; found {_describe(answer)}."
        return exactly.complaint(answer)

    return Check(exactly.passes, complaint, value)


def _as_array(answer: Any) -> NDArray | None:
    """Return an answer as an array of numbers or truth values, or None if it is something else."""
    if isinstance(answer, (str, bytes)) or callable(answer):
        return None
    try:
        values = np.asarray(answer)
    except Exception:  # ragged lists, and objects that refuse to be arrays
        return None
    return values if values.dtype.kind in "biuf" else None


def shape(expected: Sequence[int]) -> Check:
    """Return a check for the shape of an array, whatever its values.

    Parameters
    ----------
    expected : tuple of int
        The right shape.

    Returns
    -------
    Check
        True for numbers of that shape.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.shape((2, 3))([[1, 2, 3], [4, 5, 6]])
    True
    """

    def complaint(answer: object) -> str | None:
        if _as_array(answer) is None:
            return f"Give an array of numbers; found {_describe(answer)}."
        return None

    return Check(lambda answer: np.shape(answer) == tuple(expected), complaint)


def array(value: ArrayLike, tol: float = 1e-9) -> Check:
    """Return a check for an array: its shape, then its values.

    Parameters
    ----------
    value : array-like
        The right answer.
    tol : float
        Every entry may be this far from the right one, in the unit of ``value``.

    Returns
    -------
    Check
        True for a right answer. A wrong shape gets a hint, wrong values do not.

    Examples
    --------
    >>> from aecourse import exercises
    >>> right = exercises.array([0, 1, 1])
    >>> right([0, 1, 1]), right([0, 1, 0])
    (True, False)
    """
    expected = np.asarray(value, dtype=float)

    def complaint(answer: object) -> str | None:
        given = _as_array(answer)
        if given is None:
            return f"Give an array of numbers; found {_describe(answer)}."
        if given.shape != expected.shape:
            return f"The shape must be {expected.shape}; found {given.shape}."
        return None

    return Check(lambda answer: _close(answer, expected, tol), complaint, value)


def _close(one: ArrayLike, other: ArrayLike, tol: float) -> bool:
    return np.allclose(np.asarray(one, dtype=float), np.asarray(other, dtype=float), rtol=0, atol=tol)


def _letter(answer: str) -> str:
    words = answer.strip().lower()
    lettered = re.match(r"\(?([a-z])(?:[).:\s]|$)", words)  # "(B)", "c) tanh or linear"
    return lettered.group(1) if lettered else words.strip("().").strip()


def choice(right: str, options: Iterable[str] = "abcd") -> Check:
    """Return a check for one of several named options.

    Parameters
    ----------
    right : str
        The right option.
    options : iterable of str
        All options; letters in a text, or a tuple of words.

    Returns
    -------
    Check
        True for the right option, in upper or lower case, with or without a bracket or a full stop; a
        letter may be followed by the words of its option.

    Raises
    ------
    ValueError
        If ``right`` is not one of the options.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.choice("b")("B)")
    True
    """
    options = tuple(options)
    names = {option.lower() for option in options}
    if right.lower() not in names:
        raise ValueError(f"right must be one of the options {options}; found {right!r}.")

    def complaint(answer: object) -> str | None:
        if isinstance(answer, str) and _letter(answer) in names:
            return None
        return f"Answer with one of {', '.join(map(repr, options))}; found {_describe(answer)}."

    return Check(lambda answer: _letter(answer) == right.lower(), complaint, right)


def function(
    reference: Callable[..., ArrayLike], inputs: Iterable[Iterable[Any]], tol: float = 1e-9
) -> Check:
    """Return a check for a function: it must return what a reference returns.

    Parameters
    ----------
    reference : callable
        The right function.
    inputs : sequence of tuple
        Arguments to try; each call gets its own copy.
    tol : float
        Every entry of a result may be this far from the reference's.

    Returns
    -------
    Check
        True if all results agree in shape and value. An exception in the student's function gets a
        hint, and so does a missing ``return``.

    Examples
    --------
    >>> from aecourse import exercises
    >>> strictly_above = exercises.function(lambda s, t: s > t, [(1, 2), (2, 2), (3, 2)])
    >>> strictly_above(lambda score, threshold: score > threshold)
    True
    >>> print(strictly_above.complaint(lambda score, threshold: score / 0))
    Your function stops with ZeroDivisionError on input 1 of 3: division by zero.
    """
    cases = [tuple(each) for each in inputs]

    def complaint(answer: object) -> str | None:
        if not callable(answer):
            return f"Give the function itself, without calling it; found {_describe(answer)}."
        for place, case in enumerate(cases, start=1):
            which = f"on input {place} of {len(cases)}"
            try:
                result = answer(*copy.deepcopy(case))
            except (Exception, SystemExit) as error:
                words = str(error).strip().rstrip(".")
                return f"Your function stops with {type(error).__name__} {which}{words and ': '}{words}."
            if result is None:
                return f"Your function returns None {which}; does it end with a return statement?"
            given, expected = _as_array(result), np.asarray(reference(*copy.deepcopy(case)))
            if given is None:
                return f"Your function must return numbers; {which} it returned {_describe(result)}."
            if given.shape != expected.shape:
                return (
                    f"Your function returns the shape {given.shape} {which}, "
                    f"where {expected.shape} is expected."
                )
        return None

    def passes(answer: Callable[..., Any]) -> bool:
        return all(
            _close(answer(*copy.deepcopy(case)), reference(*copy.deepcopy(case)), tol) for case in cases
        )

    return Check(passes, complaint, reference)
