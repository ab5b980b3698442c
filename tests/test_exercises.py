"""The self-checks: every definition of every lesson, and the machinery under them."""

import functools
import pathlib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from aecourse import exercises
from aecourse.exercises import Check, Exercise, Wrong, checks

LESSONS = exercises.all_exercises()
TEXTS = pathlib.Path(__file__).parents[1] / "notebooks" / "text"


def _expected_rate(scores, threshold):
    return np.mean(np.asarray(scores) > threshold)


def _rate_with_ties(scores, threshold):
    return np.mean(np.asarray(scores) >= threshold)


_INPUTS = [([0.1, 0.2, 0.3, 0.4], 0.25), ([1.0, 2.0, 2.0, 3.0], 2.0)]

# A definition as a lesson's author writes it, with every feature.
FALSE_ALARM_RATE = Exercise(
    id="96.1",
    is_right=exercises.function(_expected_rate, _INPUTS),
    why="A row is flagged when its score is strictly above the threshold.",
    right_example=_expected_rate,
    wrong=(
        Wrong(
            "ties",
            exercises.function(_rate_with_ties, _INPUTS),
            "Is a row flagged that lies exactly on the threshold?",
            _rate_with_ties,
        ),
        Wrong(
            "percent",
            exercises.function(lambda s, t: 100 * _expected_rate(s, t), _INPUTS),
            "Give a share between 0 and 1, not per cent.",
            lambda s, t: 100 * _expected_rate(s, t),
        ),
    ),
    hint="Compare the scores with the threshold, and take the mean of the truth values.",
    also_right=(lambda s, t: sum(each > t for each in s) / len(s),),
)
exercises.register(FALSE_ALARM_RATE)


@pytest.fixture
def said(capsys):
    """Return a function that calls ``check`` and returns the one line it prints."""

    def call(exercise_id, *answer):
        result = exercises.check(exercise_id, *answer)
        out, err = capsys.readouterr()
        assert result is None and err == "" and out.endswith("\n") and out.count("\n") == 1
        return out.rstrip("\n")

    return call


# --- Every definition of every lesson ----------------------------------------------------------


@pytest.mark.parametrize("exercise", [*LESSONS.values(), FALSE_ALARM_RATE], ids=lambda each: each.id)
def test_each_definition_keeps_its_word(exercise, said):
    """Right examples pass, each wrong example gets its own hint, no answer is not a wrong one."""
    for right in (exercise.right_example, *exercise.also_right):
        assert said(exercise.id, right) == f"Exercise {exercise.id}: right. {exercise.why}"
    for wrong in exercise.wrong:
        assert not exercise.is_right(wrong.example), wrong.name
        line = said(exercise.id, wrong.example)
        assert line == f"Exercise {exercise.id}: not yet. {wrong.hint}", wrong.name
        first = next(each for each in exercise.wrong if each.recognises(wrong.example))
        assert first is wrong, f"{first.name} takes the example of {wrong.name}"
    for nothing in (None, ...):
        assert said(exercise.id, nothing) == f"Exercise {exercise.id}: not answered yet."


@pytest.mark.parametrize("exercise", [*LESSONS.values(), FALSE_ALARM_RATE], ids=lambda each: each.id)
@pytest.mark.parametrize(
    "answer",
    [
        "abc",
        "",
        b"abc",
        True,
        -12345.678,
        float("nan"),
        np.inf,
        [],
        [1, [2, 3]],
        {"a": 1},
        object(),
        len,
        lambda *args: 1 / 0,
        lambda *args: None,
        lambda *args: "text",
        np.zeros((2, 3)),
        np.array(["a"]),
        3 + 4j,
    ],
    ids=lambda each: type(each).__name__,
)
def test_no_answer_of_any_type_raises_or_passes(exercise, answer, said):
    line = said(exercise.id, answer)
    assert line.startswith((f"Exercise {exercise.id}: not yet. ", f"Exercise {exercise.id}: right. "))
    assert "0x" not in line  # no memory address, which differs from run to run
    if line.startswith(f"Exercise {exercise.id}: right."):
        assert exercise.is_right(answer)


@pytest.mark.parametrize("exercise", LESSONS.values(), ids=lambda each: each.id)
def test_each_definition_has_its_words(exercise):
    for words in (exercise.why, exercise.hint, *(wrong.hint for wrong in exercise.wrong)):
        assert len(words) > 15 and words.strip() == words and "\n" not in words
        assert words[-1] in ".?!)"
    assert len({wrong.name for wrong in exercise.wrong}) == len(exercise.wrong)


@pytest.mark.parametrize("lesson", checks.lesson_numbers())
def test_each_lesson_asks_the_questions_of_its_exercises(lesson):
    (path,) = TEXTS.glob(f"{lesson}_*.md")
    parts = path.read_text(encoding="utf-8").split("\n### Exercise ")[1:]
    asked = {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip() for part in parts}
    assert list(asked) == [each for each in LESSONS if each.startswith(lesson)]
    for exercise_id, question in asked.items():
        assert len(question.split("```")[0].strip()) > 15 and f'exercises.check("{exercise_id}"' in question


def test_lessons_hold_their_own_ids_only():
    assert {"06.1", "01.1"} <= set(LESSONS)
    numbers = {each.split(".")[0] for each in LESSONS} - {"96", "97", "98"}
    assert numbers == set(checks.lesson_numbers())
    assert list(LESSONS) == sorted(LESSONS, key=lambda each: [int(part) for part in each.split(".")])
    assert all(exercise.id == name for name, exercise in LESSONS.items())


def test_a_lesson_is_loaded_when_one_of_its_exercises_is_asked_for():
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from aecourse import exercises\n"
        "loaded = lambda: sorted(name[-2:] for name in sys.modules if 'exercises.lesson_' in name)\n"
        "assert loaded() == [], loaded()\n"
        "exercises.check('06.1')\n"
        "assert loaded() == ['06'], loaded()\n"
        "assert 'tensorflow' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Exercise 06.1: not answered yet.\n"), done.stderr


# --- Finding an exercise -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise_id", "words"),
    [
        ("06.99", r"lesson 06 has 06\.1, 06\.2"),
        ("95.1", r"lesson 95 has no exercises; lessons with exercises: .*06"),
        ("6.1", r"such as '06\.1'; found '6\.1'"),
        (6.1, r"such as '06\.1'; found 6\.1"),
        ("06.1\n", r"found '06\.1\\n'"),
    ],
)
def test_unknown_ids_are_told(exercise_id, words):
    with pytest.raises(ValueError, match=words):
        exercises.check(exercise_id, 1)


def test_register_refuses_bad_and_taken_ids_but_a_module_may_be_reloaded():
    exercises.register(FALSE_ALARM_RATE)
    assert exercises.all_exercises()["96.1"] is FALSE_ALARM_RATE
    other = Exercise("96.1", exercises.integer(1), "Because.", 1)
    with pytest.raises(ValueError, match=r"'96\.1' is taken"):
        exercises.register(other)
    assert exercises.all_exercises()["96.1"] is FALSE_ALARM_RATE
    with pytest.raises(ValueError, match="two digits"):
        exercises.register(Exercise("1", exercises.integer(1), "Because.", 1))


# --- Checks of kinds of answers ----------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        0.05,
        0.0499,
        np.float32(0.05),
        np.array(0.05),
        np.array([0.05]),
        [0.0501],
        1 / 20,
        Fraction(1, 20),
        [Fraction(1, 20)],
        Decimal("0.05"),
    ],
)
def test_number_takes_numbers_of_all_makes(answer):
    assert exercises.number(0.05, 0.0002)(answer)


@pytest.mark.parametrize("answer", [0.0503, 0.0497, 5, -0.05])
def test_number_refuses_other_numbers_without_a_complaint(answer):
    check = exercises.number(0.05, 0.0002)
    assert not check(answer) and check.complaint(answer) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("0.05", "Give one number, without quotation marks; found the text '0.05'."),
        (True, "Give one number; found the truth value True."),
        ([1, 2], "Give one number; found values of shape (2,)."),
        ([[1], [2, 3]], "Give one number; found something of type list."),
        (len, "Give one number; found a function."),
        ({}, "Give one number; found something of type dict."),
        (1j, "Give one number; found something of type complex."),
        (float("nan"), "Your number is not finite; look for a division by zero or a missing value."),
        (-np.inf, "Your number is not finite; look for a division by zero or a missing value."),
    ],
)
def test_number_complains(answer, words):
    check = exercises.number(0.05)
    assert check.complaint(answer) == words and check(answer) is False


def test_integer():
    check = exercises.integer(3)
    assert check(3) and check(np.int64(3)) and check(3.0) and not check(4)
    assert check.complaint(3.5) == "Give a whole number; found the number 3.5."
    assert check.complaint("3").startswith("Give one number, without")
    with pytest.raises(TypeError):
        exercises.integer(3.5)


def test_array_and_shape():
    check = exercises.array([[0.0, 1.0], [2.0, 3.0]], tol=0.01)
    assert check([[0, 1], [2, 3.005]]) and not check([[0, 1], [2, 3.1]])
    assert not check(np.full((2, 2), np.nan))
    assert check.complaint([[0, 1], [2, 3.1]]) is None
    assert check.complaint([0, 1, 2, 3]) == "The shape must be (2, 2); found (4,)."
    assert check.complaint("no") == "Give an array of numbers; found the text 'no'."
    assert check.complaint([[1], [2, 3]]) == "Give an array of numbers; found something of type list."
    assert exercises.array([True, False])([1, 0]) and exercises.array([1, 0])([True, False])
    of_shape = exercises.shape((2, 3))
    assert of_shape(np.zeros((2, 3))) and not of_shape(np.zeros((3, 2)))
    assert of_shape.complaint(np.zeros((3, 2))) is None  # a wrong answer, for a hint of its own
    assert of_shape.complaint(len) == "Give an array of numbers; found a function."


def test_choice():
    check = exercises.choice("b")
    assert all(check(answer) for answer in ("b", "B", " b ", "(b)", "b)", "b.", "B.)", "b) it leaks"))
    assert not any(check(answer) for answer in ("a) not b", "", "because b", "b it leaks", "()"))
    assert not check("a") and check.complaint("a") is None
    assert check.complaint("e") == "Answer with one of 'a', 'b', 'c', 'd'; found the text 'e'."
    assert check.complaint(2) == "Answer with one of 'a', 'b', 'c', 'd'; found the number 2."
    assert exercises.choice("Recall", ("Recall", "Precision"))("recall of the test rows")
    assert exercises.choice("k-NN", ("k-NN", "LOF"))("kNN") and not exercises.choice("LOF", ("k-NN", "LOF"))(
        ""
    )
    with pytest.raises(ValueError, match="right must be one of the options"):
        exercises.choice("z")


def _quits(scores, threshold):
    raise SystemExit("Bye.")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.5, "Give the function itself, without calling it; found the number 0.5."),
        (lambda s, t: 1 / 0, "Your function stops with ZeroDivisionError on input 1 of 2: division by zero."),
        (lambda s, t: 1 / (2 - t), "Your function stops with ZeroDivisionError on input 2 of 2: "),
        (_quits, "Your function stops with SystemExit on input 1 of 2: Bye."),
        (
            lambda s, t: None,
            "Your function returns None on input 1 of 2; does it end with a return statement?",
        ),
        (
            lambda s, t: "0.5",
            "Your function must return numbers; on input 1 of 2 it returned the text '0.5'.",
        ),
        (
            lambda s, t: np.array(s) > t,
            "Your function returns the shape (4,) on input 1 of 2, where () is expected.",
        ),
    ],
)
def test_function_explains_what_a_students_function_does(answer, words, said):
    assert FALSE_ALARM_RATE.is_right.complaint(answer).startswith(words)
    assert said("96.1", answer).startswith(f"Exercise 96.1: not yet. {words}")


def test_function_keeps_its_inputs_from_a_function_that_changes_them(said):
    def careless(scores, threshold):
        rate = _expected_rate(scores, threshold)
        scores.clear()
        return rate

    assert said("96.1", careless).startswith("Exercise 96.1: right.")
    assert said("96.1", careless).startswith("Exercise 96.1: right.")


def test_prints_and_warnings_of_a_function_do_not_join_the_line(said):
    def talkative(scores, threshold):
        print("hello")
        np.log(np.zeros(1))
        return _expected_rate(scores, threshold)

    assert said("96.1", talkative) == f"Exercise 96.1: right. {FALSE_ALARM_RATE.why}"


def test_a_function_of_another_form_counts_as_well(said):
    partial = functools.partial(_expected_rate, threshold=0.25)
    assert said("96.1", partial).startswith("Exercise 96.1: not yet. Your function stops with TypeError")
    vectorised = np.vectorize(_expected_rate, signature="(n),()->()")
    assert said("96.1", vectorised).startswith("Exercise 96.1: right.")


def test_unrecognised_answers_get_the_general_hint(said):
    assert said("96.1", lambda s, t: 0.123) == f"Exercise 96.1: not yet. {FALSE_ALARM_RATE.hint}"


def test_a_check_never_raises_in_a_lambda_of_a_definition():
    fragile = Exercise(
        "96.2",
        lambda answer: answer > 3,
        "More than three.",
        4,
        wrong=(Wrong("short", lambda answer: answer + 1 < 3, "Too few.", 1),),
    )
    assert exercises.verdict(fragile, "text") == f"not yet. {fragile.hint}"
    assert exercises.verdict(fragile, np.array([1, 2])) == f"not yet. {fragile.hint}"
    assert exercises.verdict(fragile, 1) == "not yet. Too few."
    assert exercises.verdict(fragile, 4) == "right. More than three."
    twice = Check(lambda answer: answer == 2, lambda answer: None if answer else "Say something.")
    assert exercises.verdict(Exercise("96.3", twice, "Two.", 2), "") == "not yet. Say something."
