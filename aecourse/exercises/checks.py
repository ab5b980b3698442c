"""The self-checks behind the lessons' exercises.

A lesson calls :func:`check` with the id of an exercise and the student's answer; one line is
printed. The definitions of lesson NN live in ``lesson_NN.py`` beside this file, which is
imported the first time that one of its exercises is asked for, so that a lesson loads its own
definitions only. Such a module calls :func:`register` with its :class:`Exercise` objects.

A definition carries an example of a right answer and one of each wrong answer that it
recognises. One test goes over every definition of every lesson: the right examples must
pass, and each wrong example must get its own hint.
"""

import contextlib
import copy
import importlib
import io
import operator
import pkgutil
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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

_ID = re.compile(r"(\d\d)\.\d+")
_REGISTRY = {}


@dataclass(frozen=True)
class Check:
    """A test of an answer that can also say why an answer cannot be judged.

    Call it with an answer to get True or False. It never raises because of the answer.

    Parameters
    ----------
    passes : callable
        Takes an answer of the right type and says whether it is right.
    complaint : callable
        Takes any answer. Returns None if ``passes`` can judge it, else one sentence that says
        what is wrong with its type or form.

    Examples
    --------
    >>> from aecourse.exercises import Check
    >>> even = Check(lambda n: n % 2 == 0, lambda n: None if isinstance(n, int) else "Give a whole number.")
    >>> even(4), even("four"), even.complaint("four")
    (True, False, 'Give a whole number.')
    """

    passes: Callable
    complaint: Callable

    def __call__(self, answer):
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
        A function that raises, because the answer is of another type, does not match.
    hint : str
        What to think about, in a sentence or two, without the answer itself.
    example : object
        An answer that makes this mistake.

    Examples
    --------
    >>> from aecourse.exercises import Wrong, number
    >>> percent = Wrong("percent", number(18.5, 0.1), "Give a share between 0 and 1.", 18.5)
    >>> percent.matches(percent.example)
    True
    """

    name: str
    matches: Callable
    hint: str
    example: object


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson, with its answer.

    Parameters
    ----------
    id : str
        Lesson and number, such as ``"06.1"``.
    question : str
        The question in one sentence.
    is_right : callable
        Takes an answer and says whether it is right; mostly one of the checks of this module.
    why : str
        Printed with a right answer: the reason why it is right.
    right_example : object
        An answer that is right.
    wrong : tuple of Wrong
        Mistakes that are recognised, the more special first.
    hint : str
        Printed for a wrong answer that is not recognised.
    also_right : tuple
        More answers that must count as right, for instance in another form.

    Examples
    --------
    >>> from aecourse.exercises import Exercise, integer
    >>> two = Exercise("99.2", "What is 1 + 1?", integer(2), "Count.", right_example=2)
    >>> two.is_right(two.right_example)
    True
    """

    id: str
    question: str
    is_right: Callable
    why: str
    right_example: object
    wrong: tuple = ()
    hint: str = "Go through the question again, step by step, with the section above it."
    also_right: tuple = ()


def register(*definitions):
    """Make exercises known to :func:`check`.

    Parameters
    ----------
    *definitions : Exercise
        The exercises of one lesson.

    Raises
    ------
    ValueError
        If an id is not of the form ``"06.1"``, or is taken already.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.register(exercises.Exercise(
    ...     id="98.1", question="What is the accuracy of flagging nothing at 1 % anomalies?",
    ...     is_right=exercises.number(0.99, 0.001), why="The 99 % normal rows are all right.",
    ...     right_example=0.99,
    ...     wrong=(exercises.Wrong("percent", exercises.number(99, 0.1),
    ...                            "Give a fraction between 0 and 1.", 99),)))
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
        if known is not None and known.question != exercise.question:  # a module may be reloaded
            raise ValueError(f"id {exercise.id!r} is taken by another exercise; give each its own number.")
        _REGISTRY[exercise.id] = exercise


def _lessons():
    """Return the numbers of the lessons that have a module of definitions here."""
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return sorted(name[-2:] for name in names if re.fullmatch(r"lesson_\d\d", name))


def _in_order(ids):
    return sorted(ids, key=lambda each: tuple(int(part) for part in each.split(".")))


def _find(exercise_id):
    found = _ID.fullmatch(exercise_id) if isinstance(exercise_id, str) else None
    if found is None:
        raise ValueError(
            f"exercise_id must be a text of lesson and number, such as '06.1'; found {exercise_id!r}."
        )
    lesson = found.group(1)
    if lesson in _lessons():
        importlib.import_module(f"{__name__}.lesson_{lesson}")
    if exercise_id not in _REGISTRY:
        known = _in_order(each for each in _REGISTRY if each.startswith(f"{lesson}."))
        if known:
            raise ValueError(
                f"exercise_id {exercise_id!r} is unknown; lesson {lesson} has {', '.join(known)}."
            )
        raise ValueError(
            f"exercise_id {exercise_id!r} is unknown: lesson {lesson} has no exercises; "
            f"lessons with exercises: {', '.join(_lessons()) or 'none'}."
        )
    return _REGISTRY[exercise_id]


def all_exercises():
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
    for lesson in _lessons():
        importlib.import_module(f"{__name__}.lesson_{lesson}")
    return {each: _REGISTRY[each] for each in _in_order(_REGISTRY)}


def _matches(test, answer):
    """Call a test of an answer; an answer of a type that it cannot judge does not match."""
    try:
        return bool(test(answer))
    except Exception:  # whatever a student passes in, the answer is a hint and not a traceback
        return False


def verdict(exercise, answer):
    """Judge an answer and return the words for it.

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
    >>> two = exercises.Exercise("99.1", "What is 1 + 1?", exercises.number(2), "Count.", 2)
    >>> exercises.verdict(two, "2")
    "not yet. Give one number, without quotation marks; found the text '2'."
    """
    if answer is None or answer is Ellipsis:
        return "not answered yet."
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a student's function may print and warn: one line stays
        if _matches(exercise.is_right, answer):
            return f"right. {exercise.why}"
        for wrong in exercise.wrong:
            if _matches(wrong.matches, answer):
                return f"not yet. {wrong.hint}"
        complaint = exercise.is_right.complaint(answer) if isinstance(exercise.is_right, Check) else None
    return f"not yet. {complaint or exercise.hint}"


def check(exercise_id, answer=None):
    """Print whether an answer is right, and a hint if it is not.

    Parameters
    ----------
    exercise_id : str
        Lesson and number, such as ``"06.1"``.
    answer : object
        The answer: a number, an array, a letter or a function, as the question asks. None or
        ``...`` prints that the exercise is not answered yet.

    Raises
    ------
    ValueError
        If there is no such exercise; the message lists those of the lesson. The answer itself
        never raises.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.register(exercises.Exercise(
    ...     id="97.1", question="Is 1 the normal class or the anomaly? (normal, anomaly)",
    ...     is_right=exercises.choice("anomaly", ("normal", "anomaly")),
    ...     why="The course scores the rare class as positive.", right_example="anomaly"))
    >>> exercises.check("97.1", ...)
    Exercise 97.1: not answered yet.
    >>> exercises.check("97.1", "Anomaly")
    Exercise 97.1: right. The course scores the rare class as positive.
    """
    exercise = _find(exercise_id)
    print(f"Exercise {exercise_id}: {verdict(exercise, answer)}")


# --- Checks of common kinds of answers -----------------------------------------------------


def _found(answer):
    """Describe an answer briefly, the same on every machine (no memory addresses)."""
    if isinstance(answer, str):
        return f"the text {answer[:40]!r}"
    if isinstance(answer, (bool, np.bool_)):
        return f"the truth value {bool(answer)}"
    if isinstance(answer, (int, float, np.number)):
        return f"the number {answer:.6g}"
    if callable(answer):
        return "a function"
    try:
        array_shape = np.shape(answer)
    except Exception:  # ragged lists, and objects that refuse to be arrays
        array_shape = ()
    if array_shape:
        return f"values of shape {tuple(array_shape)}"
    return f"something of type {type(answer).__name__}"


def _as_number(answer):
    """Return an answer as a float, or None where it is not one number."""
    if isinstance(answer, (str, bytes, bool, np.bool_)) or callable(answer):
        return None
    try:
        values = np.asarray(answer)
        return float(values.reshape(())) if values.dtype.kind in "iuf" and values.size == 1 else None
    except Exception:  # ragged lists, and objects that refuse to be arrays
        return None


def number(value, tol=1e-9):
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

    def complaint(answer):
        found = _as_number(answer)
        if found is None:
            advice = ", without quotation marks" if isinstance(answer, str) else ""
            return f"Give one number{advice}; found {_found(answer)}."
        if not np.isfinite(found):
            return "Your number is not finite; look for a division by zero or a missing value."
        return None

    return Check(lambda answer: abs(_as_number(answer) - value) <= tol, complaint)


def integer(value):
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

    def complaint(answer):
        problem = exactly.complaint(answer)
        if problem is None and not _as_number(answer).is_integer():
            return f"Give a whole number; found {_found(answer)}."
        return problem

    return Check(exactly.passes, complaint)


def _as_array(answer):
    """Return an answer as an array of numbers or truth values, or None where it is none."""
    if isinstance(answer, (str, bytes)) or callable(answer):
        return None
    try:
        values = np.asarray(answer)
    except Exception:  # ragged lists, and objects that refuse to be arrays
        return None
    return values if values.dtype.kind in "biuf" else None


def shape(expected):
    """Return a check for the shape of an array, whatever its values.

    Parameters
    ----------
    expected : tuple of int
        The right shape.

    Returns
    -------
    Check
        True for numbers of that shape; another shape is told.

    Examples
    --------
    >>> from aecourse import exercises
    >>> exercises.shape((2, 3))([[1, 2, 3], [4, 5, 6]])
    True
    """
    expected = tuple(expected)

    def complaint(answer):
        if _as_array(answer) is None:
            return f"Give an array of numbers; found {_found(answer)}."
        return None

    return Check(lambda answer: _as_array(answer).shape == expected, complaint)


def array(value, tol=1e-9):
    """Return a check for an array: its shape, then its values.

    Parameters
    ----------
    value : array_like
        The right answer.
    tol : float
        Every entry may be this far from the right one, in the unit of ``value``.

    Returns
    -------
    Check
        True for a right answer. A wrong shape is told, the right values are not.

    Examples
    --------
    >>> from aecourse import exercises
    >>> right = exercises.array([0, 1, 1])
    >>> right([0, 1, 1]), right([0, 1, 0])
    (True, False)
    """
    value = np.asarray(value)

    def complaint(answer):
        found = _as_array(answer)
        if found is None:
            return f"Give an array of numbers; found {_found(answer)}."
        if found.shape != value.shape:
            return f"The shape must be {value.shape}; found {found.shape}."
        return None

    return Check(
        lambda answer: np.allclose(_as_array(answer).astype(float), value.astype(float), rtol=0, atol=tol),
        complaint,
    )


def _letter(answer):
    return answer.strip().strip("().").strip().lower()


def choice(right, options="abcd"):
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
        True for the right option, in upper or lower case and with or without a bracket.

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

    def complaint(answer):
        if isinstance(answer, str) and _letter(answer) in names:
            return None
        return f"Answer with one of {', '.join(map(repr, options))}; found {_found(answer)}."

    return Check(lambda answer: _letter(answer) == right.lower(), complaint)


def function(reference, inputs, tol=1e-9):
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
        True if all results agree in shape and value. An exception in the student's function is
        caught and told, and so is a missing ``return``.

    Examples
    --------
    >>> from aecourse import exercises
    >>> strictly_above = exercises.function(lambda s, t: s > t, [(1, 2), (2, 2), (3, 2)])
    >>> strictly_above(lambda score, threshold: score > threshold)
    True
    >>> print(strictly_above.complaint(lambda score, threshold: score / 0))
    Your function stops with ZeroDivisionError on input 1 of 3: division by zero.
    """
    inputs = [tuple(each) for each in inputs]

    def results(answer):
        return [answer(*copy.deepcopy(each)) for each in inputs]

    def complaint(answer):
        if not callable(answer):
            return f"Give the function itself, without calling it; found {_found(answer)}."
        for place, each in enumerate(inputs, start=1):
            which = f"on input {place} of {len(inputs)}"
            try:
                result = answer(*copy.deepcopy(each))
            except (Exception, SystemExit) as error:
                words = str(error).strip().rstrip(".")
                return f"Your function stops with {type(error).__name__} {which}{words and ': '}{words}."
            if result is None:
                return f"Your function returns None {which}; does it end with a return statement?"
            found, wanted = _as_array(result), np.asarray(reference(*copy.deepcopy(each)))
            if found is None:
                return f"Your function must return numbers; {which} it returned {_found(result)}."
            if found.shape != wanted.shape:
                return (
                    f"Your function returns the shape {found.shape} {which}, "
                    f"where {wanted.shape} is expected."
                )
        return None

    def passes(answer):
        return all(
            np.allclose(np.asarray(got, dtype=float), np.asarray(want, dtype=float), rtol=0, atol=tol)
            for got, want in zip(results(answer), results(reference), strict=True)
        )

    return Check(passes, complaint)
