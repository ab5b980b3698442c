"""The tables for upload, read as Moodle's and Canvas's importers read them.

The readers follow the importers' published source: Canvas's ``lib/gradebook_importer.rb``; Moodle's
``importgradeslib.php`` and ``locallib.php`` in ``mod/assign/feedback/offline``, and its
``grade/import/csv/classes/load_data.php``. They are written for these tests; no running Moodle or Canvas
was tried.
"""

import csv
import io
import re
from dataclasses import replace

import pytest

from aecourse.grading import assignment, grade, results, submissions
from aecourse.grading.record import Mark, Outcome, Status
from tools import made_up_assignment

ABOUT = assignment.read(made_up_assignment.source())


class Refused(Exception):
    """What an importer shows instead of importing anything."""


def rows_of(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


class Canvas:
    """A course of Canvas, and its importer of a gradebook."""

    def __init__(self, users, assignments):
        self.users, self.assignments = users, assignments
        self.grades, self.new_assignments, self.new_students = {}, [], []

    @staticmethod
    def column(cell):
        """Return (title, number) of a heading such as ``Lab (98)``."""
        found = re.fullmatch(r"(.*)\s*\((\d+)\)", cell)
        return (found[1].strip(), int(found[2])) if found else (cell, None)

    def upload(self, data):
        lines = data.decode().split("\r\n")[:3]
        counts = {sign: {len(next(csv.reader([line], delimiter=sign))) for line in lines} for sign in ";,"}
        fields = {sign: next(iter(found)) if len(found) == 1 else 0 for sign, found in counts.items()}
        sign = ";" if fields[";"] > fields[","] else ","
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=sign))
        head = rows[0]
        if not (len(head) > 3 and "Student" in head[0] and "ID" in head[1]):
            raise Refused("Invalid header row")
        n_about, login, sis = 3, None, None
        if re.search(r"SIS\s+Login\s+ID", head[2]):
            login, n_about = 2, 4
        elif re.search(r"SIS\s+User\s+ID", head[2]) and re.search(r"SIS\s+Login\s+ID", head[3]):
            sis, login, n_about = 2, 3, 5
        if "Section" not in head[n_about - 1]:
            raise Refused("Invalid header row")
        for place, title in enumerate(head[n_about:], n_about):
            name, number = self.column(title)
            if number not in self.assignments and name not in self.assignments.values():
                self.new_assignments.append(name)
            self._read_column(rows[1:], place, sis, login, name)

    def _read_column(self, rows, place, sis, login, name):
        for row in rows:
            if "Points Possible" in row[0] or not any(value.strip() for value in row):
                continue
            value = row[place].strip()
            if re.fullmatch(r"-?[0-9.,]+%?", value):
                *whole, last = re.split(r"[,.]", value)
                value = ".".join(["".join(whole), last]) if whole else last
            user = self._user(row, sis, login)
            if user is None:
                self.new_students.append(row[0])
            else:
                self.grades[user["id"], name] = float(value)

    def _user(self, row, sis, login):
        def first(test):
            return next((user for user in self.users if test(user)), None)

        number = re.match(r"\d+", row[1])
        return (
            (first(lambda user: user["id"] == int(number[0])) if number else None)
            or (first(lambda user: user["sis"] == row[sis]) if sis and row[sis] else None)
            or (first(lambda user: user["login"] == row[login]) if login and row[login] else None)
            or first(lambda user: row[0] in (user["name"], user["sortable"]))
        )


class MoodleWorksheet:
    """An assignment of Moodle, and its importer of the offline grading worksheet."""

    def __init__(self, participants, maximum):
        self.participants, self.maximum = participants, maximum
        self.grades, self.comments = {}, {}

    def upload(self, data, ignore_modified=True):
        head, *rows = rows_of(data)
        if any(len(row) != len(head) for row in rows):
            raise Refused("the number of columns is not constant")
        if not {"Identifier", "Grade", "Last modified (grade)"} <= set(head):
            raise Refused("Invalid grade import")
        at = {title: place for place, title in enumerate(head)}
        for row in rows:
            number = row[at["Identifier"]][len("Participant ") :]
            if number not in self.participants:
                continue
            value = float(row[at["Grade"]].replace(",", "."))
            graded_before = number in self.grades
            if 0 <= value <= self.maximum and (ignore_modified or not graded_before):
                self.grades[number] = value
            if at.get("Feedback comments") and (ignore_modified or not graded_before):
                self.comments[number] = row[at["Feedback comments"]]


class MoodleGradebook:
    """A course of Moodle, and its import of a CSV file into the gradebook, mapped as the guide says."""

    def __init__(self, id_numbers, maximum=100):
        self.id_numbers, self.maximum = id_numbers, maximum
        self.grades, self.comments = {}, {}

    def upload(self, data, item):
        head, *rows = rows_of(data)
        grades, comments = {}, {}
        for row in rows:
            values = dict(zip(head, row, strict=True))
            student = None
            if values["ID number"] not in ("", "0"):  # what PHP calls empty
                student = values["ID number"]
                if student not in self.id_numbers:  # one unknown user ends the whole import
                    raise Refused(f"User mapping error: could not find user with idnumber of {student}")
            value = float(values[item])
            if value > self.maximum:
                raise Refused("The grade is too big")
            grades[student], comments[student] = value, values["Feedback comments"]
        self.grades, self.comments = grades, comments


def record_of(student, name, origin, earned=5.5, **changes):
    made = grade.refused(
        ABOUT, submissions.Incoming(student, name, origin, None), Status.GRADED, "Done, all."
    )
    cells = [replace(cell, outcome=Outcome.PASSED) for cell in made.cells]
    return replace(made, cells=[replace(cells[0], earned=earned), *cells[1:]], **changes)


def table(folder, name, records):
    results.write(folder, ABOUT, records)
    return (folder / name).read_bytes()


PEOPLE = [("0042", "Zoë Müller"), ("0043", "Иванов, Пётр"), ("0044", "=cmd|'x'"), ("0045", 'Li "Ming" 李明')]


@pytest.mark.parametrize("from_canvas", [True, False])
def test_canvas_finds_every_student_and_no_new_one(from_canvas, tmp_path):
    users = [
        {"id": 900 + place, "sis": number, "login": f"u{number}", "name": name, "sortable": name}
        for place, (number, name) in enumerate(PEOPLE)
    ]
    records = [
        record_of(
            number, name, f"x_{900 + place}_77_demo.ipynb" if from_canvas else "x.ipynb", earned=place + 0.25
        )
        for place, (number, name) in enumerate(PEOPLE)
    ]
    # One who handed in nothing has no number of Canvas, and one handed in for a group.
    records += [
        record_of("0046", "Nobody", ""),
        record_of("0047", "Two", "x_900_77_demo.ipynb", handed_in_by="0042"),
    ]
    users += [{"id": 996, "sis": "0046", "login": "u", "name": "Nobody", "sortable": ""}]
    users += [{"id": 997, "sis": "0047", "login": "v", "name": "Two", "sortable": ""}]
    data = table(tmp_path, "canvas.csv", records)
    course = Canvas(users, {98: "Lab sheet"})
    course.upload(data)
    assert course.new_assignments == ["demo"]  # until the heading is the assignment's own, as the guide says
    course = Canvas(users, {98: "Lab sheet"})
    course.upload(data.replace(b",demo\r\n", b",Lab sheet (98)\r\n", 1))
    assert course.new_assignments == course.new_students == []
    expected = {900 + place: place + 0.25 for place in range(len(PEOPLE))} | {996: 5.5, 997: 5.5}
    assert {user: value for (user, _), value in course.grades.items()} == expected
    with pytest.raises(Refused):
        Canvas(users, {}).upload(data.replace(b"Section", b"Class", 1))


def test_moodles_worksheet_takes_each_participant(tmp_path):
    records = [
        record_of(number, name, f"{name}_{70 + place}_assignsubmission_file_/demo.ipynb", earned=place + 0.5)
        for place, (number, name) in enumerate(PEOPLE)
    ]
    records.append(record_of("70", "Has a roster's id that is another's number", "", earned=9))
    data = table(tmp_path, "moodle.csv", records)
    course = MoodleWorksheet({str(70 + place) for place in range(9)}, maximum=11)
    course.upload(data)
    assert course.grades == {str(70 + place): place + 0.5 for place in range(len(PEOPLE))}
    assert set(course.comments.values()) == {"Done, all."}
    with pytest.raises(Refused):
        MoodleWorksheet({"70"}, 11).upload(data.replace(b"Identifier", b"Kennung", 1))


def test_moodles_gradebook_takes_each_student_once_and_refuses_an_unknown_one(tmp_path):
    records = [
        record_of(number, name, "x.ipynb", earned=place) for place, (number, name) in enumerate(PEOPLE)
    ]
    data = table(tmp_path, "moodle.csv", records)
    course = MoodleGradebook({number for number, _ in PEOPLE})
    course.upload(data, "demo")
    assert course.grades == {number: place for place, (number, _) in enumerate(PEOPLE)}
    with pytest.raises(Refused, match="0045"):
        MoodleGradebook({"0042", "0043", "0044"}).upload(data, "demo")


def test_comments_for_moodle_are_one_line_without_markup(tmp_path):
    record = record_of("0042", "Ada", "x.ipynb")
    mark = Mark(None, "Good.\nData: 2/3 <b>no licence</b>\r\nBye")
    [named] = [cell.name for cell in ABOUT.graded if cell.kind == "manual"]
    data = table(tmp_path, "moodle.csv", [record.with_marks({("0042", named): mark})])
    assert data.count(b"\n") == 2
    course = MoodleGradebook({"0042"})
    course.upload(data, "demo")
    assert "Data: 2/3 ‹b›no licence‹/b›; Bye" in course.comments["0042"]


def test_more_than_the_maximum_is_skipped_by_the_worksheet(tmp_path):
    """Which is why the command says how many there are."""
    origin = "Ada_70_assignsubmission_file_/demo.ipynb"
    course = MoodleWorksheet({"70"}, maximum=11)
    course.upload(table(tmp_path, "moodle.csv", [record_of("1", "Ada", origin, earned=12)]))
    assert course.grades == {} and course.comments
