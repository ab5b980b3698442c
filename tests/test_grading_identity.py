"""Who is who: platforms, scripts, archives, class lists, and the table that an instructor corrects."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import tarfile
import unicodedata
import zipfile
from argparse import ArgumentParser
from dataclasses import replace

import pytest

from aecourse.grading import (
    archives,
    assignment,
    batch,
    cli,
    collecting,
    deadlines,
    grade,
    identity,
    results,
    roster,
    submissions,
)
from aecourse.grading.record import CellResult, Outcome, Status
from tools import made_up_assignment

SOURCE = made_up_assignment.source()
ABOUT = assignment.read(SOURCE)

# Two people in each script: given name, family name, login. The last pair has combining marks.
PEOPLE = {
    "latin": [("Ada", "Lovelace", "alo1"), ("Jean-Luc", "O'Neill", "jlo2")],
    "accents": [("Zoë", "Müller", "zmu1"), ("Łukasz", "Çelik", "lce2")],
    "cyrillic": [("Анна", "Иванова", "aiv1"), ("Пётр", "Сидоров", "psi2")],
    "chinese": [("明", "李", "lmi1"), ("小红", "王", "wxi2")],
    "arabic": [("محمد", "حسن", "mha1"), ("فاطمة", "علي", "fal2")],
    "devanagari": [("मीरा", "शर्मा", "msh1"), ("रवि", "वर्मा", "rva2")],
}


def moodle(first, last, login, number):
    return f"{first} {last}_{number}_assignsubmission_file_/demo.ipynb"


def canvas(first, last, login, number):
    """As Canvas's ContentZipper does: the sortable name, lower case, without what is no word character."""
    name = "".join(sign for sign in f"{last}, {first}".lower() if sign.isalnum() or sign == "_")
    return f"{name}_{number}_{number + 5000}_demo-1.ipynb"


PLATFORMS = {
    "moodle folders": moodle,
    "moodle flat": lambda *who: moodle(*who).replace("file_/", "file_"),
    "moodle without a last sign": lambda *who: moodle(*who).replace("file_/", "file/"),
    "canvas": canvas,
    "canvas late": lambda *who: canvas(*who).replace(f"_{who[3]}_", f"_LATE_{who[3]}_", 1),
    "blackboard": lambda first, last, login, number: (
        f"Assignment 3_{login}_attempt_2027-03-0{number % 9 + 1}-12-30-45_demo.ipynb"
    ),
    "brightspace with an id": lambda first, last, login, number: (
        f"27236-46025 - {number} {first} {last} - 05 March 2027 612 PM/demo.ipynb"
    ),
    "brightspace by name": lambda first, last, login, number: (
        f"27236-46025 - {first} {last} - Mar 5, 2027 612 PM/demo.ipynb"
    ),
    "sakai": lambda first, last, login, number: (
        f"Assignment 3/{last}, {first}({login})/Submission attachment(s)/demo.ipynb"
    ),
    "ilias": lambda first, last, login, number: f"Abgaben/{last}_{first}_{login}_{number}/demo.ipynb",
    "teams": lambda first, last, login, number: f"Submitted files/{first} {last}/demo/Version 1/demo.ipynb",
    "nbgrader": lambda first, last, login, number: f"submitted/{login}/demo/demo.ipynb",
    "nbgrader inbound": lambda first, last, login, number: (
        f"inbound/{login}+demo+2027-03-05 12:30:45.123456 UTC/demo.ipynb"
    ),
    "plain name": lambda first, last, login, number: f"demo_{last} {first}.ipynb",
    "plain name behind": lambda first, last, login, number: f"{last}_{first}_demo.ipynb",
    "plain login": lambda first, last, login, number: f"demo_{login}.ipynb",
    "plain number": lambda first, last, login, number: f"{number}_demo.ipynb",
    "folders": lambda first, last, login, number: f"{first} {last}/work/demo.ipynb",
    "classroom": lambda first, last, login, number: f"{first} {last} - demo.ipynb",
}


def label(value):
    """Name a case by its texts: what is packed differs by the second."""
    return value if isinstance(value, str) else ""


def notebook(text="x = 1", **metadata):
    return assignment.to_bytes(
        assignment.new_notebook(
            [assignment.new_cell("code", "a", text)], {"aecourse": metadata} if metadata else {}
        )
    )


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(files, mode="w"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size, about.mtime = len(data), 1_800_000_000
            archive.addfile(about, io.BytesIO(data))
    return stream.getvalue()


def placed(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


ARCHIVES = {
    "folder": None,
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda files: tarred(files, "w:gz"),
    "tar.bz2": lambda files: tarred(files, "w:bz2"),
    "tar.xz": lambda files: tarred(files, "w:xz"),
}


def class_of(platform, script):
    """Return the files of two students, by name, and the class list."""
    people = PEOPLE[script]
    files = {
        PLATFORMS[platform](first, last, login, 1001 + place): notebook(f"x = {place}")
        for place, (first, last, login) in enumerate(people)
    }
    listed = [
        roster.Student(str(1001 + place), f"{first} {last}", (login, f"{login}@uni.example"))
        for place, (first, last, login) in enumerate(people)
    ]
    return files, roster.Roster(listed)


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("script", PEOPLE)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_file_finds_its_student(platform, script, kind, tmp_path):
    """With the roster and without it: two files are two students, and none is lost."""
    files, listed = class_of(platform, script)
    place = tmp_path / "class"
    if ARCHIVES[kind] is None:
        place.mkdir()
        placed(place, files)
    else:
        place = place.with_name(f"class.{kind}")
        place.write_bytes(ARCHIVES[kind](files))
    found = collecting.find(place, "demo", listed)
    assert found.questions == [] and found.lost == []
    assert [(one.student, one.name, one.data) for one in found.submissions] == [
        (student.id, student.name, data)
        for student, data in zip(listed.students, files.values(), strict=True)
    ]
    alone = collecting.find(place, "demo")
    assert alone.questions == [] and len({one.student for one in alone.submissions}) == 2
    assert {one.data for one in alone.submissions} == set(files.values())


@pytest.mark.parametrize(
    "names, ids",
    [
        (["a3_lovelace.ipynb", "a3_babbage.ipynb"], ["babbage", "lovelace"]),
        (["Иванов.ipynb", "李明.ipynb", "محمد.ipynb"], ["Иванов", "محمد", "李明"]),
        (["midterm_kim.ipynb", "midterm_lee.ipynb"], ["kim", "lee"]),
        (["hw7-kim.ipynb", "hw7-lee.ipynb"], ["kim", "lee"]),
        (["Assignment 3 - kim.ipynb", "Assignment 3 - lee.ipynb"], ["kim", "lee"]),
        (["s1234567_a3.ipynb", "s1234568_a3.ipynb"], ["s1234567", "s1234568"]),
        (["kim_a3_final.ipynb", "lee_a3_final.ipynb"], ["kim", "lee"]),
        (["kim.ipynb.txt", "lee.ipynb.json"], ["kim", "lee"]),
        ([f"{'x' * 150}1.ipynb", f"{'x' * 150}2.ipynb"], None),
        ([f"{'李' * 60}明.ipynb", f"{'李' * 60}红.ipynb"], None),
    ],
)
def test_plain_names_stay_apart(names, ids, tmp_path):
    placed(tmp_path, {name: notebook(f"x = {name[:40]!r}, {place}") for place, name in enumerate(names)})
    found = collecting.find(tmp_path)
    assert found.questions == []
    students = [one.student for one in found.submissions]
    assert len(set(students)) == len(names) and all(len(f"{name}.html".encode()) < 255 for name in students)
    assert ids is None or students == ids


@pytest.mark.parametrize(
    "files, asked",
    [
        (
            [
                "Ada Lovelace_47_assignsubmission_file_/a.ipynb",
                "Bob Babbage_47_assignsubmission_file_/a.ipynb",
            ],
            "two people",
        ),
        (["a b.ipynb", "a-b.ipynb"], "two people on one id"),
        (["ada/demo_final.ipynb", "ada/demo_new.ipynb", "bob/demo.ipynb"], "which is the last"),
        (["ada/demo.ipynb", "bob/report.pdf"], "nobody reads bob/report.pdf"),
        (["ada/demo.ipynb", "!!!.ipynb"], "whose is it"),
        (["submission_17/demo.ipynb", "ada/demo.ipynb"], "whose is it"),
    ],
)
def test_what_is_unclear_is_asked_and_stays_asked_until_it_is_decided(files, asked, tmp_path):
    placed(tmp_path / "in", {name: notebook(f"x = {name!r}") for name in files})
    for name in files:
        os.utime(tmp_path / "in" / name, (1.8e9, 1.8e9))
    found = collecting.find(tmp_path / "in", "demo")
    [question] = found.questions
    assert asked in question
    collecting.write_rows(tmp_path / "table.csv", found.rows)
    rows = collecting.read_rows(tmp_path / "table.csv")
    assert rows == found.rows
    again = collecting.find(tmp_path / "in", "demo", table=rows)
    assert bool(again.questions) == any(row.counts == "?" for row in rows)
    decided = [
        collecting.Row(
            row.file,
            row.student or "found",
            row.name,
            "yes" if place == 0 or row.counts == "yes" else "no",
            "",
        )
        for place, row in enumerate(rows)
    ]
    assert collecting.find(tmp_path / "in", "demo", table=decided).questions == []


def test_a_corrected_table_decides(tmp_path):
    files = {
        f"Same Name_{number}_assignsubmission_file_/demo.ipynb": notebook(f"x = {number}")
        for number in (1, 2)
    }
    placed(tmp_path / "in", files)
    listed = roster.Roster([roster.Student("7001", "Same Name"), roster.Student("7002", "Same Name")])
    found = collecting.find(tmp_path / "in", "demo", listed)
    assert (
        len(found.questions) == 2
        and "it can be of Same Name (7001) or Same Name (7002)" in found.questions[0]
    )
    rows = [collecting.Row(name, f"700{place}", "", "Yes", "") for place, name in enumerate(files, 1)]
    # As a spreadsheet in Germany saves it.
    text = "file;student;name;counts;remark\r\n" + "".join(
        f"{row.file};{row.student};;Ja;\r\n" for row in rows
    )
    (tmp_path / "table.csv").write_bytes(text.encode("utf-16"))
    done = collecting.find(
        tmp_path / "in", "demo", listed, table=collecting.read_rows(tmp_path / "table.csv")
    )
    assert done.questions == []
    assert [(one.student, one.data) for one in done.submissions] == list(
        zip(["7001", "7002"], files.values(), strict=True)
    )
    placed(tmp_path / "in", {"late_3.ipynb": notebook("x = 3")})
    more = collecting.find(tmp_path / "in", "demo", listed, table=rows)
    assert any("late_3.ipynb: the table does not name it" in question for question in more.questions)


def test_a_file_beside_the_class_becomes_no_student(tmp_path):
    placed(tmp_path / "in", {"1001_demo.ipynb": notebook("x = 1"), "notes of the tutor.docx": b""})
    [question] = (found := collecting.find(tmp_path / "in", "demo")).questions
    assert "nobody reads notes of the tutor.docx" in question
    accepted = collecting.find(tmp_path / "in", "demo", table=found.rows)
    assert accepted.questions == [] and accepted.lost == ["notes of the tutor.docx"]
    assert [one.student for one in accepted.submissions] == ["1001"]


@pytest.mark.parametrize("text", ["{name}_{id}_*", "*/{last}, {first} [{id}]/*"])
def test_a_pattern_of_the_instructors_own(text, tmp_path):
    name = "week/Lovelace, Ada [77]/demo.ipynb" if "/" in text else "Ada Lovelace_k77_x.ipynb"
    other = "week/Byron, Ada [78]/demo.ipynb" if "/" in text else "Ada Byron_k78_y.ipynb"
    placed(tmp_path, {name: notebook("x = 1"), other: notebook("x = 2")})
    found = collecting.find(tmp_path, "demo", pattern=text)
    assert [one.student[-2:] for one in found.submissions] == ["77", "78"]
    assert [one.name for one in found.submissions] == ["Ada Lovelace", "Ada Byron"] and not found.questions
    with pytest.raises(ValueError, match="names no student"):
        identity.template("demo_*")


def test_gradescope_says_who_in_a_list_of_its_own(tmp_path):
    about = {"submission_11": ("Ada", "4711"), "submission_12": ("李明", "4712")}
    text = "---\n" + "".join(
        f"{folder}:\n  :submitters:\n  - :name: {name}\n    :sid: '{sid}'\n    :email: x@y.example\n"
        for folder, (name, sid) in about.items()
    )
    files = {f"assignment_9_export/{folder}/demo.ipynb": notebook(f"x = {folder!r}") for folder in about}
    placed(tmp_path, {"assignment_9_export/submission_metadata.yml": text.encode(), **files})
    found = collecting.find(tmp_path, "demo")
    assert [(one.student, one.name) for one in found.submissions] == [("4711", "Ada"), ("4712", "李明")]
    assert found.questions == []


def test_a_platforms_number_is_not_taken_for_another_students_id(tmp_path):
    """Moodle's participant 1002 is Ada, while 1002 on the roster is Bob."""
    placed(tmp_path, {"Ada Lovelace_1002_assignsubmission_file_/demo.ipynb": notebook("x = 1")})
    listed = roster.Roster([roster.Student("1001", "Ada Lovelace"), roster.Student("1002", "Bob Babbage")])
    found = collecting.find(tmp_path, "demo", listed)
    assert [(one.student, one.data is not None) for one in found.submissions] == [
        ("1001", True),
        ("1002", False),
    ]


@pytest.mark.parametrize(
    "names, last",
    [
        (["ada_1001_demo.ipynb", "ada_1001_demo (1).ipynb", "ada_1001_demo (2).ipynb"], 2),
        (["adalo_1001_70_demo-1.ipynb", "adalo_1001_71_demo-2.ipynb"], 1),
        ([f"A3_ada_attempt_2027-03-0{day}-10-00-00_demo.ipynb" for day in (3, 1, 2)], 0),
        (
            [f"1-2 - 1001 Ada - {when}/demo.ipynb" for when in ("Mar 9, 2027 612 PM", "Mar 10, 2027 105 AM")],
            1,
        ),
        ([f"ada+demo+2027-03-0{day} 10:00:00 UTC/demo.ipynb" for day in (1, 3)], 1),
        ([f"ada/demo/Version {number}/demo.ipynb" for number in (1, 10, 9)], 1),
    ],
)
def test_the_last_attempt_counts_and_the_others_are_named(names, last, tmp_path):
    placed(tmp_path, {name: notebook(f"x = {place}") for place, name in enumerate(names)})
    for name in names:
        os.utime(tmp_path / name, (1.8e9, 1.8e9))
    found = collecting.find(tmp_path, "demo")
    [incoming] = found.submissions
    assert found.questions == [] and incoming.data == notebook(f"x = {last}")
    assert len([note for note in incoming.notes if note.startswith("set aside: ")]) == len(names) - 1


# Archives.


NOTEBOOK = notebook("x = 'inside'")
ENVIRONMENT = {f".venv/lib/python3.11/site-packages/p{number}/m.py": b"" for number in range(700)}


def with_link(name):
    """A virtual environment as tar packs it: its interpreter is a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, "/usr/bin/python3"
        archive.addfile(link)
        about = tarfile.TarInfo("demo.ipynb")
        about.size = len(NOTEBOOK)
        archive.addfile(about, io.BytesIO(NOTEBOOK))
    return stream.getvalue()


@pytest.mark.parametrize(
    "name, data",
    [
        ("x.zip", zipped({"demo.ipynb": NOTEBOOK, "data.csv": b"1"})),
        ("x.tar", tarred({"demo.ipynb": NOTEBOOK})),
        ("x.tar.gz", tarred({"demo.ipynb": NOTEBOOK}, "w:gz")),
        ("x.tgz", tarred({"demo.ipynb": NOTEBOOK}, "w:gz")),
        ("x.tar.bz2", tarred({"demo.ipynb": NOTEBOOK}, "w:bz2")),
        ("x.tar.xz", tarred({"demo.ipynb": NOTEBOOK}, "w:xz")),
        ("x.ipynb.gz", gzip.compress(NOTEBOOK)),
        ("x.ipynb.bz2", bz2.compress(NOTEBOOK)),
        ("x.ipynb.xz", lzma.compress(NOTEBOOK)),
        ("x.zip", tarred({"demo.ipynb": NOTEBOOK}, "w:gz")),
        ("x.ipynb", zipped({"demo.ipynb": NOTEBOOK})),
        ("x.zip", zipped({"a/b.zip": zipped({"c.tar.gz": tarred({"demo.ipynb": NOTEBOOK}, "w:gz")})})),
        ("x.zip", zipped({"demo.ipynb": NOTEBOOK, **ENVIRONMENT})),
        ("x.zip", zipped({"demo.ipynb": NOTEBOOK, "my env/pyvenv.cfg": b"", "my env/e.ipynb": b"no"})),
        (
            "x.zip",
            zipped(
                {"demo.ipynb": NOTEBOOK, ".git/objects/x.ipynb": b"no", ".ipynb_checkpoints/d.ipynb": b"n"}
            ),
        ),
        ("x.zip", zipped({"demo.ipynb": NOTEBOOK, "__MACOSX/._demo.ipynb": b"no", ".DS_Store": b""})),
        ("x.tar.gz", with_link(".venv/bin/python3.ipynb")),
    ],
    ids=label,
)
def test_an_archive_of_a_usual_kind_is_read(name, data, tmp_path):
    placed(tmp_path, {f"ada/{name}": data, "bob/demo.ipynb": b"{}"})
    found = collecting.find(tmp_path, "demo")
    assert [one.data for one in found.submissions] == [NOTEBOOK, b"{}"] and found.questions == []


@pytest.mark.parametrize(
    "name, data, status, words",
    [
        ("x.7z", b"7z\xbc\xaf\x27\x1c\0\x04", Status.UNREADABLE, "7z archive"),
        ("x.rar", b"Rar!\x1a\x07\x01\0", Status.UNREADABLE, "RAR archive"),
        ("x.zip", b"Rar!\x1a\x07\x01\0", Status.UNREADABLE, "RAR archive"),
        ("x.tar.zst", b"\x28\xb5\x2f\xfd\0", Status.UNREADABLE, "Zstandard archive"),
        ("x.zip", b"PK\x03\x04 cut", Status.UNREADABLE, "damaged"),
        ("x.tar.gz", gzip.compress(NOTEBOOK)[:20], Status.UNREADABLE, "damaged"),
        ("x.zip", zipped({"report.pdf": b""}), Status.UNREADABLE, "does not contain a notebook"),
        ("x.tar.gz", gzip.compress(bytes(41 * 2**20)), Status.REFUSED, "unpacks to far more"),
        ("x.tar.xz", lzma.compress(bytes(41 * 2**20)), Status.REFUSED, "unpacks to far more"),
        ("x.zip", zipped({f"{n}.txt": b"" for n in range(501)}), Status.REFUSED, "far more files"),
        ("x.tar", tarred({"../../demo.ipynb": NOTEBOOK}), Status.REFUSED, "leads out"),
        ("x.tar.gz", with_link("other.ipynb"), Status.REFUSED, "a link instead"),
        (
            "x.zip",
            zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped({"d.ipynb": NOTEBOOK})})})}),
            Status.REFUSED,
            "too deeply",
        ),
    ],
    ids=label,
)
def test_an_archive_that_is_not_opened_is_named(name, data, status, words, tmp_path):
    placed(tmp_path, {f"ada/{name}": data, "bob/demo.ipynb": NOTEBOOK})
    found = collecting.find(tmp_path, "demo")
    ada = found.submissions[0]
    assert (ada.student, ada.data, ada.status) == ("ada", None, status) and words in ada.message
    assert [row.remark.startswith(str(status)) for row in found.rows if row.student == "ada"] == [True]


READS_A_FILE = "import pathlib, helper\nprint(pathlib.Path('data/rows.csv').read_text(), helper.seven)"
TABLE, MODULE = b"a,b\n1,2\n", b"seven = 3 + 4\n"


@pytest.mark.parametrize("warmed", [True, False])
@pytest.mark.parametrize(
    "files",
    [
        lambda nb: {"ada.zip": zipped({"w/demo.ipynb": nb, "w/data/rows.csv": TABLE, "w/helper.py": MODULE})},
        lambda nb: {"ada/demo.ipynb": nb, "ada/data/rows.csv": TABLE, "ada/helper.py": MODULE},
        lambda nb: {
            "ada/x.tar.gz": tarred({"demo.ipynb": nb, "data/rows.csv": TABLE, "helper.py": MODULE}, "w:gz")
        },
    ],
    ids=["zip", "folder", "tar"],
)
def test_files_handed_in_with_the_notebook_are_there_when_it_runs(files, warmed, tmp_path):
    notebook = made_up_assignment.submission(ABOUT, None, READS_A_FILE)
    placed(tmp_path, files(notebook))
    [incoming] = collecting.find(tmp_path, "demo").submissions
    assert incoming.notes == ("handed in with it: data/rows.csv, helper.py",) and incoming.warnings == ()
    record = grade.grade(SOURCE, incoming, warmed=warmed)
    [shown] = [cell["report"]["outputs"] for cell in record.shown if cell["source"] == READS_A_FILE]
    assert shown == [{"text": "a,b\n1,2\n 7\n"}] and record.automatic == 8


@pytest.mark.parametrize(
    "pattern",
    ["lovelaceada_4711_99_{}", "Ada Lovelace_4711_assignsubmission_file_{}"],
    ids=["canvas", "moodle"],
)
def test_a_platforms_words_before_the_name_of_a_file_are_taken_off(pattern, tmp_path):
    again = "-1" if "99" in pattern else ""
    names = {f"demo{again}.ipynb": NOTEBOOK, f"rows{again}.csv": TABLE}
    placed(tmp_path, {pattern.format(name): content for name, content in names.items()})
    [incoming] = collecting.find(tmp_path, "demo").submissions
    assert incoming.beside == (("rows.csv", TABLE),)


def test_files_with_a_notebook_are_bounded_and_said(tmp_path):
    """A file over 2 MB is not read, nor more than 5 MB in all; a damaged or linked one harms nothing."""
    files = {f"{number}.bin": bytes(2**20) for number in range(7)}
    placed(tmp_path, {"ada.zip": zipped({"demo.ipynb": NOTEBOOK, "big.bin": bytes(2**21 + 1), **files})})
    placed(tmp_path, {"bob/demo.ipynb": NOTEBOOK})
    (tmp_path / "bob" / "link.csv").symlink_to("/etc/passwd")
    ada, bob = collecting.find(tmp_path, "demo").submissions
    assert ada.data == bob.data == NOTEBOOK and bob.beside == ()
    assert sum(len(content) for _, content in ada.beside) == 5 * 2**20
    [warning] = ada.warnings
    assert warning.startswith("not there when the notebook ran: big.bin, 5.bin, 6.bin")


def test_a_changed_file_with_a_notebook_is_graded_again(tmp_path):
    notebook = made_up_assignment.submission(ABOUT)
    keys = set()
    for content in (None, b"1", b"2"):
        files = {"demo.ipynb": notebook} | ({} if content is None else {"n.txt": content})
        placed(tmp_path, {"ada.zip": zipped(files)})
        keys.add(batch.key_of(SOURCE, collecting.find(tmp_path, "demo").submissions[0]))
    assert len(keys) == 3


def test_names_in_a_zip_without_its_mark_of_utf_8_are_read():
    """As the archive program of macOS writes them."""
    data = zipped({"Иванов_4711_assignsubmission_file_/demo.ipynb": NOTEBOOK})
    entries = bytearray(data)
    for start in (entries.index(b"PK\x03\x04") + 6, entries.index(b"PK\x01\x02") + 8):
        assert entries[start + 1] & 0x08
        entries[start + 1] &= ~0x08
    archive = zipfile.ZipFile(io.BytesIO(bytes(entries)))
    assert "Иванов" not in archive.namelist()[0]
    [entry] = archives._zip_entries(io.BytesIO(bytes(entries)))
    assert entry.name.startswith("Иванов")


# The class list.


CLASS = [("0042", "Müller", "Zoë"), ("0043", "Dvořák", "Jan"), ("0044", "Lovelace", "Ada")]
HEADS = {
    "english": ["ID", "Last name", "First name"],
    "german": ["Matrikelnummer", "Nachname", "Vorname"],
    "french": ["Numéro étudiant", "Nom", "Prénom"],
    "spanish": ["Matrícula", "Apellidos", "Nombre"],
    "chinese": ["学号", "Last name", "First name"],
    "with an address": ["Student ID", "Surname", "Given name"],
}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", ",;\t")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("head", HEADS)
def test_a_class_list_is_read_as_it_comes(head, encoding, separator, ends, tmp_path):
    # Western Windows has neither this letter nor Chinese signs.
    people = [row for row in CLASS if encoding != "cp1252" or row[1] != "Dvořák"]
    head = "german" if encoding == "cp1252" and head == "chinese" else head
    lines = [HEADS[head], *people]
    (tmp_path / "class.csv").write_bytes(ends.join(separator.join(line) for line in lines).encode(encoding))
    listed = roster.read(tmp_path / "class.csv")
    assert [(one.id, one.name) for one in listed.students] == [
        (number, f"{first} {last}") for number, last, first in people
    ]
    assert listed.by_id("42")[0].id == "0042"  # a spreadsheet dropped the zeros


@pytest.mark.parametrize(
    "text, expected",
    [
        ("4711,Ada Lovelace\n4712,Bob\n", [("4711", "Ada Lovelace"), ("4712", "Bob")]),
        ("Ada Lovelace;4711\nBob;4712\n", [("4711", "Ada Lovelace"), ("4712", "Bob")]),
        ("student,name\nada,Ada\n", [("ada", "Ada")]),
        ("4711\n4712\n", [("4711", "4711"), ("4712", "4712")]),
        ("sep=;\nid;name\n1;Ada\n", [("1", "Ada")]),
        (
            "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"
            '"Lovelace, Ada",900,4711,ada1,S1\n"Student, Test",901,,x,S1\n',
            [("900", "Ada Lovelace")],
        ),
        ("Identifier,Full name,Email address\nParticipant 88,Ada,ada@x.example\n", [("88", "Ada")]),
        ("OrgDefinedId,Username,Last Name,First Name\n#4711,#ada,Lovelace,Ada\n", [("4711", "Ada Lovelace")]),
        (
            "First name,Surname,Email address\nAda,Lovelace,ada@x.example\n",
            [("ada@x.example", "Ada Lovelace")],
        ),
    ],
)
def test_the_usual_exports_are_class_lists(text, expected, tmp_path):
    (tmp_path / "class.csv").write_text(text, encoding="utf-8")
    assert [(one.id, one.name) for one in roster.read(tmp_path / "class.csv").students] == expected


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (b"id,name\n1,Ada\n1,Bob\n", "the id '1' twice, for 'Ada' and 'Bob'"),
        (b"PK\x03\x04xlsx", "Save it as CSV"),
        ("id,name\n1,Иванов Пётр\n2,Сидорова Анна\n".encode("cp1251"), "--encoding"),
        ("id,name\n1,李小明\n2,王大红\n".encode("gb18030"), "--encoding"),
    ],
    ids=label,
)
def test_what_is_no_class_list_is_said(data, words, tmp_path):
    (tmp_path / "class.csv").write_bytes(data)
    with pytest.raises(ValueError, match=words):
        roster.read(tmp_path / "class.csv")


@pytest.mark.parametrize(
    "encoding, name", [("cp1251", "Пётр Иванов"), ("gb18030", "李明"), ("cp1256", "محمد")]
)
def test_a_named_encoding_is_used(encoding, name, tmp_path):
    (tmp_path / "class.csv").write_bytes(f"id,name\n1,{name}\n".encode(encoding))
    assert roster.read(tmp_path / "class.csv", encoding).students[0].name == name


# The id that decides the data.


@pytest.mark.parametrize(
    "line, typed",
    [
        ('student_id = "4711"', "4711"),
        ("student_id = '4711'  # mine", "4711"),
        ("student_id = 4711", "4711"),
        ('student_id: str = "李明"', "李明"),
        ('student_id = " 4711 "', "4711"),
        ('student_id = "your id"', ""),
        ("student_id = personal.confirmed(student_id)", ""),
        ("x = 1", ""),
        ("student_id = str(4711)", "4711"),
        ("student_id = f'4711'; print(student_id)", ""),
        ("student_id = '4711'; print(student_id)", "4711"),
        ("student_id = ('4711')", "4711"),
        ('student_id = "your id"\nstudent_id = "4711"', "4711"),
        ("student_id = '4711'\nstudent_id = personal.confirmed(student_id)\nstudent_id = '1'", "4711"),
        ("student_id == '4711'", ""),
        ("student_id = input()", ""),
        ("student_id = '47' + name", ""),
        ("student_id = '4711", ""),
        ("student_id = None or '4711'", ""),
        # What cannot be the value of an environment variable, or would not be printed as it is.
        (r"student_id = '47\x0011'", ""),
        (r"student_id = '\ud800'", ""),
        (r"student_id = '47\x1b[2J'", ""),
        ("student_id = '" + "4" * 201 + "'", ""),
        ("student_id = " + "(" * 500 + "4711" + ")" * 490, ""),
    ],
)
def test_the_typed_id_is_read_without_running_anything(line, typed):
    assert submissions.typed_id(notebook(f"import numpy\n{line}\n")) == typed
    assert submissions.typed_id(b"{}") == submissions.typed_id(None) == ""


def test_a_typed_id_that_is_not_the_rosters_is_remarked_and_one_typed_twice(tmp_path):
    typed = {"1001": "1001", "1002": "bob2", "1003": "1001", "1004": "9999", "1005": "your id"}
    placed(
        tmp_path,
        {f"{number}_demo.ipynb": notebook(f"student_id = '{word}'") for number, word in typed.items()},
    )
    listed = roster.Roster(
        [roster.Student(number, f"Name {number}", ("bob2",) * (number == "1002")) for number in typed]
    )
    found = collecting.find(tmp_path, "demo", listed)
    assert found.questions == []
    assert [one.typed for one in found.submissions] == ["1001", "bob2", "1001", "9999", ""]
    warnings = {one.student: one.warnings for one in found.submissions}
    assert warnings["1002"] == warnings["1005"] == ()
    assert warnings["1001"] == ("typed the same id '1001' as 1003",)
    assert warnings["1003"] == (
        "typed the id '1001', which is 1001's on the roster; the data are drawn from the typed id",
        "typed the same id '1001' as 1001",
    )
    assert "'9999', which is not on the roster" in warnings["1004"][0]
    # Without a roster, a platform's number differs from every typed id: only one typed twice is remarked.
    alone = {one.student: one.warnings for one in collecting.find(tmp_path, "demo").submissions}
    assert {student for student, words in alone.items() if words} == {"1001", "1003"}


@pytest.mark.parametrize("typed, drawn_from", [("777", "777"), ("", "10001")])
def test_the_data_are_drawn_from_the_typed_id(typed, drawn_from):
    first = "from aecourse.homework import personal\n"
    first += f"print('drawn from', personal.confirmed({typed!r} or '10001'))"
    data = made_up_assignment.submission(ABOUT, first_cell=first)
    record = grade.grade(SOURCE, submissions.Incoming("10001", "Ada", "a", data, typed=typed), trusted=True)
    shown = [output["text"] for cell in record.shown for output in (cell["report"] or {}).get("outputs", ())]
    assert f"drawn from {drawn_from}\n" in "".join(shown) and record.student == "10001"


# The commands.


def run(*words):
    parser = ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    options = parser.parse_args([str(word) for word in words])
    return options.run(options)


@pytest.fixture
def unclear(tmp_path, monkeypatch):
    """A class with a merged pair, in a folder of its own with the assignment's source."""
    monkeypatch.chdir(tmp_path)
    placed(
        tmp_path / "in",
        {
            "Ada_47_assignsubmission_file_/demo.ipynb": assignment.solved(ABOUT),
            "Bob_47_assignsubmission_file_/demo.ipynb": made_up_assignment.submission(
                ABOUT, made_up_assignment.WRONG
            ),
        },
    )
    (tmp_path / "demo.ipynb").write_bytes(SOURCE)
    return tmp_path


def grades(folder):
    with open(folder / "out" / "grades.csv", newline="", encoding="utf-8") as stream:
        return {row["ID"]: row for row in csv.DictReader(stream)}


def test_grading_stops_where_it_is_unclear_and_goes_on_with_the_corrected_table(unclear, capsys):
    words = ["grade", "in", "-o", "out", "-a", "demo.ipynb", "--trusted"]
    assert run(*words) == 1 and not (unclear / "out").exists()
    said = capsys.readouterr().err
    assert "two people on one id? The files say 'Ada', 'Bob'" in said and "aecourse collect in" in said
    assert run("collect", "in", "-a", "demo.ipynb") == 0
    said = capsys.readouterr().out
    assert "To decide (1)" in said
    assert "aecourse grade in --assignment demo.ipynb --students students.csv -o RESULTS" in said
    capsys.readouterr()
    assert run(*words, "--students", "students.csv") == 1  # nobody has decided yet
    said = capsys.readouterr().err
    assert "Correct students.csv and give the same command again" in said and "aecourse collect" not in said
    rows = collecting.read_rows("students.csv")
    fixed = [collecting.Row(row.file, row.file[:3], row.file[:3], "yes", "") for row in rows]
    collecting.write_rows("students.csv", fixed)
    assert run("collect", "in", "-a", "demo.ipynb") == 0
    assert "your corrections were kept" in capsys.readouterr().out
    assert [(row.student, row.counts) for row in collecting.read_rows("students.csv")] == [
        ("Ada", "yes"),
        ("Bob", "yes"),
    ]
    assert run(*words, "--students", "students.csv") == 0
    assert {student: row["Total"] for student, row in grades(unclear).items()} == {"Ada": "8", "Bob": "0"}


@pytest.mark.parametrize("word", ["maybe", "yes!", "nope", "2"])
def test_a_word_that_is_neither_yes_nor_no_is_asked_about(unclear, capsys, word):
    words = ["grade", "in", "-o", "out", "-a", "demo.ipynb", "--trusted", "--students", "students.csv"]
    assert run("collect", "in", "-a", "demo.ipynb") == 0
    rows = collecting.read_rows("students.csv")
    collecting.write_rows("students.csv", [replace(row, counts=word) for row in rows])
    assert run(*words) == 1 and not (unclear / "out").exists()
    assert f"The table says '{word}'. Write yes or no into the table." in capsys.readouterr().err


def test_with_force_it_goes_on_and_the_report_says_where(unclear):
    assert run("grade", "in", "-o", "out", "-a", "demo.ipynb", "--trusted", "--force") == 0
    assert list(grades(unclear)) == ["47"]
    report = (unclear / "out" / "report.html").read_text()
    assert "perhaps two people on one id: &#39;Ada&#39;, &#39;Bob&#39;" in report


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("lab", ["Lab", "Lab_1", "My_first lab"])
@pytest.mark.parametrize("logins", [("anna_lee", "bob_lee"), ("a_b_c", "a_b_d"), ("lee", "anna_lee")])
def test_a_login_with_an_underscore_is_one_students(logins, lab, listed, tmp_path):
    """Blackboard joins the assignment's name and the login with the same sign. Nobody's file is lost."""
    names = [f"{lab}_{login}_attempt_2027-03-0{n}-10-00-00_demo.ipynb" for n, login in enumerate(logins, 1)]
    placed(tmp_path, {name: notebook(f"x = {name!r}") for name in names})
    students = [roster.Student(str(n), f"Name {n}", (login,)) for n, login in enumerate(logins, 1)]
    found = collecting.find(tmp_path, "demo", roster.Roster(students) if listed else None)
    assert sorted(one.origin for one in found.submissions) == sorted(names) and found.questions == []
    if listed:
        assert [one.student for one in found.submissions] == ["1", "2"]
        assert [one.origin for one in found.submissions] == names


@pytest.mark.parametrize(
    "names, ids",
    [
        (["Ada L - Copy of demo.ipynb", "Bob - Kopie von demo.ipynb"], ["Ada-L", "Bob"]),
        (["홍길동_과제1.ipynb", "김철수_과제2.ipynb"], ["김철수", "홍길동"]),
        (["A_B C_47_assignsubmission_file_/demo.ipynb", "D_48_assignsubmission_file_/demo.ipynb"],
         ["47", "48"]),
        (["1-2 - Ada L - Mar 5, 2027 612 PM - demo.ipynb", "1-3 - Bob - Mar 5, 2027 612 PM - demo.ipynb"],
         ["Ada-L", "Bob"]),
        (["Copy of demo.ipynb", "Copy of demo (1).ipynb"], []),  # asked, not taken for one of that name
    ],
)  # fmt: skip
def test_words_of_a_platform_are_no_part_of_a_name(names, ids, tmp_path):
    placed(tmp_path, {name: notebook(f"x = {name!r}") for name in names})
    found = collecting.find(tmp_path, "demo", known=["demo"])
    assert sorted(one.student for one in found.submissions) == ids
    assert len(found.lost) == len(names) - len(ids)


# Due dates, groups, one folder for one assignment.


def blackboard(login, day, clock="10-00-00"):
    return f"Lab_{login}_attempt_2027-03-{day:02}-{clock}_demo.ipynb"


@pytest.mark.parametrize(
    "extension, hours",
    [("", 0), ("2", 48), ("+3", 72), ("1,5 days", 36), ("1 week", 168), ("2 Wochen", 336), ("24 hours", 24),
     ("12h", 12), (" 1 Tag ", 24)],
)  # fmt: skip
def test_an_extension_counts_in_its_own_unit(extension, hours):
    deadline = deadlines.Deadline(roster.moment("2027-03-01"))
    assert (deadline.of(extension) - deadline.due).total_seconds() == hours * 3600


@pytest.mark.parametrize("extension", ["soon", "2 months", "5 March", "3 x", "-2", "yes", "2027-13-01"])
def test_an_extension_that_cannot_be_read_is_refused(extension):
    with pytest.raises(ValueError, match="expected a number of days such as 2"):
        deadlines.Deadline(roster.moment("2027-03-01")).of(extension)


@pytest.mark.parametrize(
    "day, clock, extension, days, share",
    [
        (1, "23-59-00", "", 0, 0.0),
        (2, "00-00-30", "", 1, 0.1),
        (3, "23-00-00", "", 2, 0.2),
        (3, "23-00-00", "2", 0, 0.0),
        (3, "23-00-00", "1 day", 1, 0.1),
        (3, "23-00-00", "2027-03-03", 0, 0.0),
        (3, "23-00-00", "2027-03-03 22:30", 1, 0.1),
        (31, "23-00-00", "", 30, 1.0),
    ],
)
def test_a_late_submission_costs_its_days(day, clock, extension, days, share, tmp_path):
    placed(tmp_path, {blackboard("ada1", day, clock): NOTEBOOK})
    listed = roster.Roster([roster.Student("1001", "Ada", ("ada1",), extension=extension)])
    [incoming] = collecting.find(tmp_path, "demo", listed).submissions
    record = replace(grade.refused(ABOUT, incoming, Status.GRADED), cells=list(FULL))
    deadline = deadlines.Deadline(roster.moment("2027-03-01"), 0.1)
    [judged] = deadlines.applied(deadline, [record], [incoming], listed)
    assert (judged.late_days, judged.late_penalty) == (days, pytest.approx(share))
    assert judged.total == pytest.approx(8 * (1 - share)) and bool(judged.late) == bool(days)
    assert [("late" in words) for words in judged.warnings] == [True] * bool(days)


FULL = [
    CellResult(
        cell.name, cell.title, cell.kind, cell.points, cell.points * (cell.kind == "test"), Outcome.PASSED
    )
    for cell in ABOUT.graded
]


def test_the_time_of_a_file_alone_takes_nothing_off(tmp_path):
    """Copying changes it; times that are all alike say when the class was downloaded, and are not told."""
    names = ["ada_demo.ipynb", "bob_demo.ipynb", "cyd_1_2_LATE_demo.ipynb", "dan_LATE_4_5_demo.ipynb"]
    placed(tmp_path, {name: notebook(f"x = {name!r}") for name in names})
    due = roster.moment("2027-03-01")
    for apart in (10, 4000):
        for number, name in enumerate(names):
            os.utime(tmp_path / name, (due.timestamp() + 1 + number * apart,) * 2)
        found = collecting.find(tmp_path, "demo").submissions
        records = [grade.refused(ABOUT, one, Status.GRADED) for one in found]
        judged = deadlines.applied(deadlines.Deadline(due, 0.5), records, found, roster.Roster())
        assert {record.late_penalty for record in judged} == {0.0}
        told = {record.student: " ".join(record.warnings) for record in judged}
        assert ("by the time of the file alone" in told["ada"]) == (apart == 4000)
        assert "the platform" in told["4"] or apart == 4000
    # The instructor's own time counts.
    rows = [replace(row, handed_in="2027-03-02 08:00") for row in collecting.find(tmp_path, "demo").rows]
    found = collecting.find(tmp_path, "demo", table=rows).submissions
    judged = deadlines.applied(deadlines.Deadline(due, 0.5), records, found, roster.Roster())
    assert {record.late_penalty for record in judged} == {0.5}


def test_a_group_hands_in_once(tmp_path):
    files = {"1001_demo.ipynb": notebook("student_id = '1001'"), "1004_demo.ipynb": notebook("x = 4")}
    placed(tmp_path, files)
    groups = {"1001": "red", "1002": "Red", "1003": "red", "1004": "blue", "1005": "blue", "1006": ""}
    listed = roster.Roster(
        [roster.Student(number, f"Name {number}", group=group) for number, group in groups.items()]
    )
    found = collecting.find(tmp_path, "demo", listed)
    assert found.questions == []
    by_id = {one.student: one for one in found.submissions}
    assert [number for number, one in by_id.items() if one.data == files["1001_demo.ipynb"]] == [
        "1001",
        "1002",
        "1003",
    ]
    assert (by_id["1002"].handed_in_by, by_id["1002"].typed, by_id["1002"].warnings) == ("1001", "1001", ())
    assert (by_id["1005"].typed, by_id["1006"].data) == ("1004", None)
    placed(tmp_path, {"1002_demo.ipynb": notebook("x = 2")})
    [question] = collecting.find(tmp_path, "demo", listed).questions
    assert "group red: its members handed in different notebooks" in question


def test_a_groups_platform_number_is_not_given_to_the_others():
    record = grade.refused(
        ABOUT,
        submissions.Incoming("7002", "Bob", "Ada_11_assignsubmission_file_/demo.ipynb", None),
        Status.GRADED,
    )
    giver = replace(record, student="7001", name="Ada")
    rows = results.moodle_rows(ABOUT, [giver, replace(record, handed_in_by="7001")])
    assert [row[0] for row in rows] == ["Identifier", "Participant 11"]


def test_gradescopes_groups_are_all_of_their_members(tmp_path):
    text = "submission_11:\n  :submitters:\n  - :name: Ada\n    :sid: '1'\n  - :name: Bob\n    :sid: '2'\n"
    files = {"submission_metadata.yml": text.encode(), "submission_11/demo.ipynb": NOTEBOOK}
    found = collecting.find(placed(tmp_path, files), "demo")
    assert [(one.student, one.data) for one in found.submissions] == [("1", NOTEBOOK), ("2", NOTEBOOK)]
    again = collecting.find(tmp_path, "demo", table=found.rows)
    assert again.submissions == found.submissions and again.questions == []


def test_a_folder_of_results_serves_one_assignment_and_one_run(tmp_path):
    with results.claimed(tmp_path / "out", "a1"):
        with pytest.raises(OSError, match="another run writes into"):
            with results.claimed(tmp_path / "out", "a1"):
                pass
    with results.claimed(tmp_path / "out", "a1"):
        pass
    with pytest.raises(ValueError, match="holds the results of a1, and this is a2"):
        with results.claimed(tmp_path / "out", "a2"):
            pass
    old = tmp_path / "old" / "nbgrader" / "source" / "a1"
    old.mkdir(parents=True)
    (old / "a1.ipynb").write_bytes(SOURCE)
    with pytest.raises(ValueError, match="holds the results of a1"):
        with results.claimed(tmp_path / "old", "a2"):
            pass


def test_due_dates_and_the_regrade_of_one_student_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    solved = assignment.solved(ABOUT)
    placed(tmp_path / "in", {blackboard("ada1", 1): solved, blackboard("bob1", 3): solved})
    (tmp_path / "demo.ipynb").write_bytes(SOURCE)
    (tmp_path / "class.csv").write_text("id;name;login;extension\n1;Ada;ada1;\n2;Bob;bob1;1\n")
    words = [
        "grade",
        "in",
        "-o",
        "out",
        "-a",
        "demo.ipynb",
        "--trusted",
        "--roster",
        "class.csv",
        "--due",
        "2027-03-01",
    ]
    assert run(*words, "--late-penalty", "25", "--regrade", "3") == 1
    assert "--regrade 3: nobody in this class" in capsys.readouterr().err
    assert run(*words, "--late-penalty", "25") == 0
    table = grades(tmp_path)
    assert [(table[student]["Total"], table[student]["Days late"]) for student in "12"] == [
        ("8", "0"),
        ("6", "1"),
    ]
    assert table["2"]["Taken off for lateness"] == "2"
    page = (tmp_path / "out" / "feedback" / "2.html").read_text()
    assert "Handed in 1 day late: 25 % of the points are taken off." in page
    capsys.readouterr()
    assert run(*words, "--regrade", "2") == 0
    assert "1 graded now, 1 kept" in capsys.readouterr().out
    assert grades(tmp_path)["2"]["Total"] == "8"  # without the penalty
    with pytest.raises(SystemExit):
        run(*words, "--late-penalty", "200")
    (tmp_path / "class.csv").write_text("id;name;login;extension\n1;Ada;ada1;soon\n2;Bob;bob1;1\n")
    assert run(*words) == 1 and "extension 'soon': expected a number of days" in capsys.readouterr().err


@pytest.mark.parametrize(
    "day, extension, used, days, free, share, words",
    [
        (1, "", 0, 0, 0, 0.0, ""),
        (2, "", 0, 1, 1, 0.0, "1 day late: 1 of your 3 remaining free days are used"),
        (
            3,
            "",
            2,
            2,
            1,
            0.1,
            "1 of your 1 remaining free days are used, and 10 % of the points are taken off",
        ),
        (5, "", 3, 4, 0, 0.4, "0 of your 0 remaining free days are used, and 40 %"),
        (5, "", 7, 4, 0, 0.4, "0 of your 0 remaining"),
        (5, "2", 0, 2, 2, 0.0, "2 of your 3 remaining"),
        (31, "", 0, 30, 3, 1.0, "3 of your 3 remaining free days are used, and 100 %"),
    ],
)
def test_free_days_are_used_before_points_are_taken_off(
    day, extension, used, days, free, share, words, tmp_path
):
    placed(tmp_path, {blackboard("ada1", day, "23-00-00"): NOTEBOOK})
    listed = roster.Roster([roster.Student("A1", "Ada", ("ada1",), extension=extension)])
    [incoming] = collecting.find(tmp_path, "demo", listed).submissions
    record = replace(grade.refused(ABOUT, incoming, Status.GRADED), cells=list(FULL))
    deadline = deadlines.Deadline(roster.moment("2027-03-01"), 0.1, 3, {"a1": used})
    [judged] = deadlines.applied(deadline, [record], [incoming], listed)
    assert (judged.late_days, judged.late_days_free) == (days, free)
    assert judged.late_penalty == pytest.approx(share) and words in judged.late


def test_free_days_are_counted_over_all_assignments(tmp_path, monkeypatch, capsys):
    """Two were used in the first assignment, of three; the second is three days late."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.ipynb").write_bytes(SOURCE)
    (tmp_path / "class.csv").write_text("id;name;login\n+1;Ada;ada1\n2;Bob;bob1\n")
    solved = assignment.solved(ABOUT)
    placed(tmp_path / "in1", {blackboard("ada1", 3): solved, blackboard("bob1", 1): solved})
    placed(tmp_path / "in2", {blackboard("ada1", 4): solved, blackboard("bob1", 4): solved})

    def graded(number, *more):
        words = ["-a", "demo.ipynb", "--trusted", "--roster", "class.csv", "--due", "2027-03-01"]
        return run("grade", f"in{number}", "-o", f"out{number}", *words, "--late-penalty", "25", *more)

    assert graded(1, "--free-days", "3") == 0
    assert graded(2, "--free-days", "3", "--earlier", "out1") == 0
    with open("out2/grades.csv", newline="") as stream:
        rows = [
            (row["Student"], row["Days late"], row["Free days late used"], row["Total"])
            for row in csv.DictReader(stream)
        ]
    assert rows == [("Ada", "3", "1", "4"), ("Bob", "3", "3", "8")]
    capsys.readouterr()
    for more, message in (
        (("--free-days", "3", "--earlier", "out1", "--earlier", "out1/../out1"), "is named twice"),
        (("--free-days", "3", "--earlier", "out2"), "the results of this assignment itself"),
        (("--free-days", "3", "--earlier", "in1"), "has no grades.csv"),
        (("--earlier", "out1"), "say how many there are by --free-days"),
    ):
        assert graded(2, *more) == 1 and message in capsys.readouterr().err
    assert run("grade", "in2", "-o", "out2", "-a", "demo.ipynb", "--trusted", "--free-days", "3") == 1
    assert "give --due, too" in capsys.readouterr().err
    table = (tmp_path / "out1" / "grades.csv").read_text()
    (tmp_path / "out1" / "grades.csv").write_text(table.replace("Free days late used", "Other"))
    assert graded(2, "--free-days", "3", "--earlier", "out1") == 1
    assert "expected a number of days" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        graded(2, "--free-days", "-1")


# What a student changed and grading restored, and what a terminal shows.


def edited(change):
    """The perfect submission after one change of its cells, by name."""
    notebook = json.loads(assignment.solved(ABOUT))
    cells = {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in notebook["cells"]}
    change(cells, notebook)
    return assignment.to_bytes(notebook)


def marks_of(cell):
    return cell["metadata"]["nbgrader"]


TAMPERING = {
    "nothing": (lambda cells, notebook: None, []),
    "an answer": (lambda cells, notebook: cells["flag"].update(source="x = 1"), []),
    "blanks": (lambda cells, _: cells["test-flag"]["source"].append("  \n"), []),
    "points": (lambda cells, _: marks_of(cells["test-flag"]).update(points=400), ["points", "from 2 to 400"]),
    "points of prose": (
        lambda cells, _: marks_of(cells["why"]).update(points="3"),
        ["points", "from 3 to 3"],
    ),
    "a test": (lambda cells, _: cells["test-flag"].update(source="pass"), ["test", "was changed"]),
    "a test removed": (lambda cells, all: all["cells"].remove(cells["test-flag"]), ["test", "was removed"]),
    "a test unlocked": (lambda cells, _: marks_of(cells["test-flag"]).update(locked=False), ["locked test"]),
    "all marks, as Colab does": (lambda cells, _: [cell["metadata"].clear() for cell in cells.values()], []),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_that_was_undone_is_told(what):
    change, words = TAMPERING[what]
    found = submissions.undone(ABOUT, edited(change))
    assert len(found) == bool(words) and all(word in found[0] for word in words)


def test_the_report_tells_of_tampering_and_the_marks_are_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    placed(
        tmp_path / "in", {"ada_1001_demo.ipynb": edited(TAMPERING["points"][0]), "bob_1002_demo.ipynb": b"{}"}
    )
    (tmp_path / "demo.ipynb").write_bytes(SOURCE)
    assert run("grade", "in", "-o", "out", "-a", "demo.ipynb", "--trusted") == 0
    assert grades(tmp_path)["1001"]["Total"] == "8"
    report = (tmp_path / "out" / "report.html").read_text()
    attention = report.split("<h2>Needs your attention</h2>")[1].split("<h2>")[0]
    assert "were changed from 2 to 400; grading restored it" in attention


ESCAPES = {"clear": "\x1b[2J", "bell": "\a", "override": "\u202e", "isolate": "\u2066", "c1": "\x9b2J"}


@pytest.mark.parametrize("sign", ESCAPES.values(), ids=ESCAPES)
def test_a_terminal_is_not_commanded_by_names(sign, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    other = f"Bob{sign}_4711_demo.ipynb"
    placed(
        tmp_path / "in",
        {f"{sign}Ada_4711_demo.ipynb": NOTEBOOK, other: notebook(f"raise ValueError({sign!r})")},
    )
    (tmp_path / "demo.ipynb").write_bytes(SOURCE)
    assert run("grade", "in", "-o", "out", "-a", "demo.ipynb", "--trusted") == 1 and not os.path.exists("out")
    assert run("collect", "in", "-a", "demo.ipynb", "--pattern", f"{sign}{{id}}") == 0
    assert run("check", tmp_path / "in" / other) == 1
    said = "".join(capsys.readouterr())
    assert "two people on one id" in said and "Ada" in said
    assert not [one for one in said if one not in "\n\t" and unicodedata.category(one) in ("Cc", "Cf")]
