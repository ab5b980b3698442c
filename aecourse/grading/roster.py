"""The list of a class: who takes part, under which ids, in which group, and until when.

The file comes from a learning platform or a spreadsheet, so its separator, its encoding and its headings
are found, not prescribed.
"""

import csv
import datetime
import io
import os
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SEPARATORS = ",;\t|"
# Headings in several languages, as their letters and digits alone.
HEADINGS: Mapping[str, str] = {
    "id": "id studentid studentnumber studentno sid matriculationnumber matriculation matrikelnummer "
    "matrikelnr matrnr matrikel idnumber idnummer sisuserid sisid orgdefinedid identifier userid "
    "numeroetudiant numéroétudiant matricola matrícula matricula numerodestudiante номер студбилет 学号 學號 "
    "学籍番号 학번 الرقم رقمالطالب",
    "login": "login loginid username user sisloginid benutzername anmeldename kennung netid "
    "utilisateur usuario логин 用户名",
    "email": "email emailaddress mail emailadresse adresseemail correo 邮箱 البريدالإلكتروني",
    "name": "name fullname studentname students displayname vollständigername nomcomplet nombrecompleto "
    "фио 姓名 名前 氏名 이름 الاسم اسمالطالب",
    "first": "firstname givenname forename vorname prénom prenom nombre имя",
    "last": "lastname surname familyname nachname familienname nom apellido apellidos cognome фамилия",
    "group": "group groupname team gruppe groupe grupo группа 组 小组 المجموعة",
    "extension": "extension extensiondays extradays daysextra verlängerung prolongation prórroga "
    "отсрочка 延期 تمديد",
}
_KIND_OF = {word: kind for kind, words in HEADINGS.items() for word in words.split()}


@dataclass(frozen=True)
class Student:
    """One line of the list.

    Parameters
    ----------
    id : str
        The id under which the student is graded.
    name : str
    aliases : tuple of str
        The other ids of the same student: login, email address, the platform's own number.
    group : str
        Members of one group hand in one notebook.
    extension : str
        Days after the due date, or the date and time until which the student may hand in.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    group: str = ""
    extension: str = ""


def key_of(text: str) -> str:
    """Return an id or a name in the form in which two are compared: composed, without case and margins.

    Examples
    --------
    >>> key_of(" ADA "), key_of("Ｓ１２３") == key_of("s123")
    ('ada', True)
    """
    return unicodedata.normalize("NFKC", text).casefold().strip()


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a name, in any script, for comparison.

    Examples
    --------
    >>> words_of("Lovelace, Ada"), words_of("李 明")
    (('lovelace', 'ada'), ('李', '明'))
    """
    kept = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in key_of(text))
    return tuple(kept.split())


def same_person(one: str, other: str) -> bool:
    """Say whether two names can be one person's: the words of one are in the other, in any order.

    Examples
    --------
    >>> same_person("lovelaceada", "Ada Lovelace"), same_person("Lovelace", "Ada Lovelace")
    (True, True)
    >>> same_person("Иванов", "李明"), same_person("Ada Lovelace", "Ada Byron")
    (False, False)
    """
    first, second = sorted((words_of(one), words_of(other)), key=lambda words: len("".join(words)))
    rest = "".join(second)
    if not first or set(first) <= set(second):
        return True
    # Written as one word, in whatever order: take the words of the other out, the longest first.
    joined = "".join(first)
    for word in sorted(second, key=len, reverse=True):
        joined = joined.replace(word, "", 1)
    return not joined and len("".join(first)) == len(rest)


@dataclass
class Roster:
    """The students of a class, found by any of their ids or by name.

    Parameters
    ----------
    students : list of Student

    Raises
    ------
    ValueError
        If two students have one id.
    """

    students: Sequence[Student] = ()
    _by_key: dict[str, list[Student]] = field(default_factory=dict, repr=False)
    _by_name: dict[tuple[str, ...], list[Student]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        seen: dict[str, Student] = {}
        for student in self.students:
            before = seen.setdefault(key_of(student.id), student)
            if before is not student:
                raise ValueError(
                    f"the roster has the id {student.id!r} twice, for {before.name!r} and {student.name!r}; "
                    "give each student one line and one id."
                )
            for alias in dict.fromkeys(key_of(text) for text in (student.id, *student.aliases)):
                self._by_key.setdefault(alias, []).append(student)
            words = words_of(student.name)
            for order in {tuple(sorted(words)), *self._joined(words)}:
                self._by_name.setdefault(order, []).append(student)

    @staticmethod
    def _joined(words: tuple[str, ...]) -> set[tuple[str, ...]]:
        """Return a name as one word, with the last word first and with the first word first."""
        turns = {"".join(words), *("".join(words[cut:] + words[:cut]) for cut in range(1, len(words)))}
        return {(turn,) for turn in turns}

    def __bool__(self) -> bool:
        return bool(self.students)

    def by_id(self, text: str) -> list[Student]:
        """Return the students who have this id, whatever kind it is; spreadsheets drop leading zeros."""
        key = key_of(text)
        if not key:
            return []
        found = self._by_key.get(key)
        if found is None and key.isdigit():
            number = key.lstrip("0")
            found = [
                student
                for alias, students in self._by_key.items()
                if alias.isdigit() and alias.lstrip("0") == number
                for student in students
            ]
        return found or []

    def by_group(self, text: str) -> list[Student]:
        """Return the members of a group."""
        key = key_of(text)
        return [student for student in self.students if key and key_of(student.group) == key]

    def by_name(self, text: str) -> list[Student]:
        """Return the students of this name, written in any order or as one word."""
        words = words_of(text)
        if not words:
            return []
        exact = self._by_name.get(tuple(sorted(words))) or self._by_name.get(("".join(words),))
        return list(exact or [])

    def by_part_of_name(self, text: str) -> list[Student]:
        """Return the students whose name holds all words of a text, such as a family name."""
        words = set(words_of(text))
        if not words:
            return []
        return [student for student in self.students if words <= set(words_of(student.name))]


def _decoded(data: bytes, place: str, encoding: str | None) -> str:
    """Return a table's text: in UTF-8, in UTF-16, in the encoding named, or in that of Western Windows."""
    if encoding is not None:
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeDecodeError) as error:
            raise ValueError(f"{place}: it cannot be read as {encoding!r} ({error}).") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    if data.startswith(b"PK\x03\x04") or data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ValueError(f"{place} is a spreadsheet's own format. Save it as CSV (UTF-8) and pass that file.")
    if b"\0" in data[:200]:
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    # In a Western name most letters are of ASCII. Otherwise this is another alphabet, read wrongly.
    letters = [sign for sign in text if sign.isalpha() or sign == "�" or ord(sign) > 127]
    if sum(sign.isascii() for sign in letters) < 0.7 * len(letters):
        raise ValueError(
            f"{place} is not in UTF-8, and its letters are not those of Western Europe. Save it as CSV "
            "(UTF-8), or name its encoding with --encoding, such as cp1251, cp1256, gb18030 or shift_jis."
        )
    return text


def read_table(path: str | os.PathLike[str], encoding: str | None = None) -> list[list[str]]:
    """Read a small table of text: its separator and its encoding are found.

    Parameters
    ----------
    path : path-like
    encoding : str, optional
        By default UTF-8 or UTF-16, or cp1252 if that is plausible.

    Returns
    -------
    list of list of str
        The rows that are not empty, each value without margins.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no table of text.
    """
    text = _decoded(pathlib.Path(path).read_bytes(), str(path), encoding)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Excel writes the separator into a line of its own.
    named = re.match(r"sep=(.)\n", text)
    text = text[named.end() :] if named else text
    head = next((line for line in text.split("\n") if line.strip()), "")
    separator = named[1] if named else max(SEPARATORS, key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise ValueError(f"{path}: it cannot be read as a table ({error}).") from error
    return [[value.strip() for value in row] for row in rows if any(value.strip() for value in row)]


def _letters(text: str) -> str:
    return "".join(words_of(text))


def _kinds(head: Sequence[str]) -> list[str]:
    """Return what each column of a heading holds, or an empty text for one that is not known."""
    kinds = [_KIND_OF.get(_letters(title), "") for title in head]
    # Canvas calls the name "Student"; a short list of ids and names calls the id that.
    for place, title in enumerate(head):
        if _letters(title) in ("student", "studierende", "étudiant", "студент", "学生"):
            kinds[place] = "id" if "name" in kinds or "last" in kinds else "name"
    return kinds


def _cleaned_id(text: str) -> str:
    """Return an id without what a platform or a spreadsheet adds to it."""
    # Moodle's worksheet says "Participant 4711"; Brightspace and Excel protect digits with a sign.
    text = re.sub(r"^(?:Participant|Teilnehmer/in)\s*(?=\d)", "", text.strip())
    return text.lstrip("#'").strip()


def _student(row: Sequence[str], kinds: Sequence[str]) -> Student | None:
    def values(kind: str) -> list[str]:
        return [value for value, name in zip(row, kinds, strict=False) if name == kind and value]

    ids = [_cleaned_id(value) for value in (*values("id"), *values("login"), *values("email"))]
    name = next(iter(values("name")), "") or " ".join((*values("first"), *values("last")))
    if re.fullmatch(r"[^,]+,[^,]+", name):  # "Lovelace, Ada"
        last, first = name.split(",")
        name = f"{first.strip()} {last.strip()}"
    if not ids and not name:
        return None
    addresses = [value.partition("@")[0] for value in values("email")]
    aliases = tuple(dict.fromkeys([*ids[1:], *addresses]))
    group, extension = (next(iter(values(kind)), "") for kind in ("group", "extension"))
    return Student(ids[0] if ids else name, name or ids[0], aliases, group, extension)


def _without_heading(rows: Sequence[Sequence[str]], place: str) -> list[str]:
    """Return what the columns of a table without a heading hold: ids are those with digits."""
    width = max(map(len, rows))
    if width < 2:
        return ["id"]
    shares = [
        sum(any(sign.isdigit() for sign in row[column]) for row in rows if column < len(row)) / len(rows)
        for column in range(2)
    ]
    if shares[1] > shares[0]:
        return ["name", "id"]
    return ["id", "name"]


def read(path: str | os.PathLike[str], encoding: str | None = None) -> Roster:
    """Read a class list.

    Parameters
    ----------
    path : path-like
        A CSV file separated by commas, semicolons, tabs or bars. A first line with headings may name an id,
        a name (or first and last name), a login, an email address, a group and an extension. Without
        headings it has ids and names.
    encoding : str, optional
        By default found.

    Returns
    -------
    Roster

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds no student, or one id twice.
    """
    rows = read_table(path, encoding)
    if not rows:
        raise ValueError(
            f"{path} is empty; a class list has a line for each student, such as 4711,Ada Lovelace."
        )
    kinds = _kinds(rows[0])
    if any(kind in ("id", "login", "email") for kind in kinds) or sum(map(bool, kinds)) > 1:
        body = rows[1:]
    else:
        kinds, body = _without_heading(rows, str(path)), rows
    # Canvas exports a line with the points possible, and a test student.
    body = [row for row in body if not re.match(r"points possible|student, test$", row[0], re.IGNORECASE)]
    students = [student for student in (_student(row, kinds) for row in body) if student is not None]
    if not students:
        raise ValueError(f"{path}: no student was found; its headings are {', '.join(rows[0])}.")
    return Roster(list(dict.fromkeys(students)))


def of_mapping(names: Mapping[str, str] | Iterable[Student]) -> Roster:
    """Return the roster of names by id."""
    if isinstance(names, Mapping):
        return Roster([Student(number, name) for number, name in names.items()])
    return Roster(list(names))


def moment(text: str) -> datetime.datetime:
    """Read a date and time, such as 2027-03-01 23:59, in this machine's time zone; a day ends at its end.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> moment("2027-03-01").strftime("%d.%m. %H:%M")
    '01.03. 23:59'
    """
    text = text.strip()
    try:
        value = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date; write it as 2027-03-01 or 2027-03-01 23:59.") from error
    if re.fullmatch(r"\d{4}-?\d\d-?\d\d", text):
        value = value.replace(hour=23, minute=59, second=59)
    return value.astimezone() if value.tzinfo is None else value
