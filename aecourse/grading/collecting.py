"""Find which file of a class is whose: a step of its own, which a person can read and correct.

``find`` names each file's student, chooses which notebook counts, and asks where that is unclear. Its table
is what ``aecourse collect`` writes and ``aecourse grade`` reads.
"""

import collections
import csv
import io
import os
import pathlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aecourse._support.files import write_whole
from aecourse.grading import archives, identity
from aecourse.grading import roster as class_list
from aecourse.grading.archives import File
from aecourse.grading.identity import Claim, safe_name
from aecourse.grading.record import Status
from aecourse.grading.results import plain
from aecourse.grading.roster import Roster, Student, key_of, same_person
from aecourse.grading.submissions import Incoming, typed_id

# Files of one student whose times differ by less were copied or unpacked together: the times say nothing.
SECONDS_APART = 60
# All files beside a student's notebook together.
MAX_BESIDE = 5 * 2**20
# What platforms add to a student's files, or write beside them: nobody handed it in.
PLATFORMS_OWN = re.compile(
    r"(?:index\.html|timestamp\.txt|comments\.(?:txt|html)|grades\.(?:csv|xlsx?)|status\.(?:csv|xlsx)|readme\.txt"
    r"|submission_metadata\.yml|.*_attempt_\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\.txt|.*_submissiontext\.html"
    r"|.*onlinetext.*\.html)",
    re.IGNORECASE,
)
YES = {"yes", "y", "ja", "oui", "sí", "si", "да", "是", "true", "1", "x"}
NO = {"no", "n", "nein", "non", "нет", "否", "false", "0", ""}
UNDECIDED = "?"
TABLE_HEAD = ["file", "student", "name", "counts", "remark", "handed_in"]


@dataclass(frozen=True)
class Row:
    """One line of the table of files and students: what an instructor reads and corrects."""

    file: str
    student: str
    name: str
    counts: str
    remark: str
    handed_in: str = ""


@dataclass(frozen=True)
class Found:
    """What a class handed in.

    Parameters
    ----------
    submissions : list of Incoming
        One for each student, ordered by id.
    rows : list of Row
        The table of files and students.
    questions : list of str
        What a person has to decide before the class is graded.
    lost : list of str
        The files that nobody reads, since it is not known whose they are.
    """

    submissions: list[Incoming]
    rows: list[Row]
    questions: list[str]
    lost: list[str]


@dataclass
class _Person:
    """A student with all that was handed in under one id."""

    id: str
    name: str
    files: list[tuple[File, Claim]] = field(default_factory=list)
    aside: list[File] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    undecided: bool = False


def identify(text: str) -> tuple[str, str]:
    """Return (id, name) of a student from the name of a file or folder of a learning platform.

    Examples
    --------
    >>> identify("lovelace_12345_a1 (1).ipynb")
    ('12345', 'lovelace')
    >>> identify("Ada Lovelace_4711_assignsubmission_file_")
    ('4711', 'Ada Lovelace')
    >>> identify("ada"), identify("a3_Иванов.ipynb")
    (('ada', 'ada'), ('Иванов', 'Иванов'))
    """
    claim = identity.recognise(text) or identity.from_plain_name(text)
    if claim.platform == "blackboard":
        [login] = identity.whose_logins([claim.id], lambda login: False)
        claim = replace(claim, id=login)
    student = safe_name(claim.id or claim.name or archives.without_suffix(text))
    return student, claim.name or student


def _is_platforms_own(file: File) -> bool:
    return PLATFORMS_OWN.fullmatch(file.name) is not None or bool(
        identity.NOT_HANDED_IN.intersection(part.casefold() for part in file.path[:-1])
    )


def _unwrapped(
    files: list[File], words: Collection[str], roster: Roster
) -> tuple[list[tuple[File, tuple[str, ...]]], tuple[str, ...]]:
    """Return each file with its path below the folders around the whole class, and those folders."""
    around: tuple[str, ...] = ()
    while files:
        depth = len(around)
        rests = [file.path[depth:] for file in files]
        first = rests[0][0]
        if any(len(rest) < 2 or rest[0] != first for rest in rests) or roster.by_id(first):
            break
        if not identity.is_wrapper(archives.without_suffix(first), words):
            inner = {rest[1] for rest in rests}
            claims = {claim.id for claim in (identity.recognise(name, words) for name in inner) if claim}
            numbers = {identity.from_plain_name(name, words).id for name in inner}
            named = {number for number in numbers if any(sign.isdigit() for sign in number)}
            folders = {rest[1] for rest in rests if len(rest) > 2}
            if identity.recognise(first, words) or max(map(len, (claims, named, folders))) < 2:
                break
        around = (*around, first)
    return [(file, file.path[len(around) :]) for file in files], around


def _gradescope(files: Iterable[File]) -> dict[str, list[Claim]]:
    """Return who handed in which folder, by the folder's number, as Gradescope's own list says."""
    import yaml

    found: dict[str, list[Claim]] = {}
    for file in files:
        if file.name != archives.METADATA or file.data is None:
            continue
        try:
            about = yaml.safe_load(file.data)
            for folder, value in about.items():
                people = [
                    Claim(
                        str(one.get(":sid") or one.get(":email") or ""),
                        str(one.get(":name") or ""),
                        "gradescope",
                    )
                    for one in value[":submitters"]
                ]
                found[str(folder).removeprefix("submission_")] = people
        except (yaml.YAMLError, AttributeError, TypeError, KeyError):
            continue
    return found


def _common_parts(names: Sequence[str]) -> set[str]:
    """Return the parts that all plain names share: they name the assignment, not a student."""
    parts = [set(identity.parts_of(name)) for name in names]
    shared = set.intersection(*parts) if len(parts) > 1 else set()
    # A number that all share is no assignment's: it is one student's, or that of two by mistake.
    shared = {part for part in shared if not identity.NUMBER.fullmatch(part)}
    return shared if all(one - shared for one in parts) else set()


def _claims(
    placed: Sequence[tuple[File, tuple[str, ...]]],
    words: Collection[str],
    pattern: "re.Pattern[str] | None",
    gradescope: Mapping[str, list[Claim]],
    roster: Roster,
) -> list[list[Claim]]:
    """Return for each file whose it claims to be: one student, or several of a group."""
    outermost = {rest[0] for _, rest in placed}
    plain = [name for name in outermost if identity.recognise(name, words) is None]
    words = {*words, *_common_parts(plain)}
    claims = []
    for file, rest in placed:
        claim = identity.by_template(pattern, file.path) if pattern else None
        if pattern is None:
            claim = identity.recognise(rest[0], words)
            for part in rest:
                claim = claim or identity.from_plain_name(part, words)
                if claim.id or claim.name:
                    break
        claim = claim or Claim("")
        if claim.platform == "gradescope" and pattern is None:
            claims.append(gradescope.get(claim.id, [replace(claim, id="")]))
        else:
            claims.append([claim])
    blackboard = [place for place, [one, *_] in enumerate(claims) if one.platform == "blackboard"]
    heads = [claims[place][0].id for place in blackboard]
    logins = identity.whose_logins(heads, lambda login: bool(roster.by_id(login)))
    for place, login in zip(blackboard, logins, strict=True):
        claims[place] = [replace(claims[place][0], id=login)]
    return claims


def _on_roster(claim: Claim, roster: Roster) -> tuple[list[Student], str]:
    """Return the students of the roster whom a claim fits, and a remark."""
    by_id, by_name = roster.by_id(claim.id), roster.by_name(claim.name)
    if len(by_id) == 1 and claim.name and claim.name != claim.id:
        if same_person(claim.name, by_id[0].name):
            return by_id, ""
        # A platform's own number can be another student's id by chance.
        if len(by_name) == 1 and claim.platform in ("moodle", "canvas"):
            return by_name, ""
        if by_name:
            return [*by_id, *by_name], ""
        return by_id, f"the file says {claim.name!r}, the roster {by_id[0].name!r}"
    if by_id or by_name:
        return by_id or by_name, ""
    for part in re.split(r"[_\s]+", f"{claim.id} {claim.name}"):
        found = roster.by_id(part)
        if len(found) == 1:
            return found, ""
    return roster.by_part_of_name(claim.name or claim.id), ""


def _own_name(name: str) -> str:
    """Return the name that a student gave a file, without what Canvas puts before it."""
    return re.sub(r"^.*?_(?:LATE_)?\d+_\d+_", "", name)


def _order(file: File, claim: Claim) -> tuple[str, str, int]:
    """Return what orders a student's attempts: when it was handed in, what it is called, its number."""
    name = _own_name(file.name) if claim.platform == "canvas" else file.name
    return claim.when, key_of(identity.stem(name)), identity.attempt(file.path)


def _later(one: tuple[File, Claim], other: tuple[File, Claim]) -> bool | None:
    """Say whether one attempt is later than another, or None if that is unclear."""
    (when, name, number), (when_2, name_2, number_2) = _order(*one), _order(*other)
    if when and when_2 and when != when_2:
        return when > when_2
    if name == name_2 and number != number_2:
        return number > number_2
    apart = one[0].modified - other[0].modified
    if one[0].modified and other[0].modified and abs(apart) >= SECONDS_APART:
        return apart > 0
    return None


def _is_of(assignment_name: str, file: File) -> bool:
    """Say whether a notebook is of an assignment, by its name or by what it says itself."""
    letters = re.sub(r"[^a-z0-9]", "", assignment_name.lower())
    if letters and letters in re.sub(r"[^a-z0-9]", "", file.name.lower()):
        return True
    about = rb'"assignment":\s*"%s"' % re.escape(assignment_name).encode()
    return bool(assignment_name and re.search(about, file.data or b""))


def _without_notebook(person: _Person) -> tuple[Incoming, str]:
    """Return the submission of a student of whom no notebook was read, with a question if a file was not."""
    refused = next((file for file, _ in person.files if file.refusal is not None), None)
    others = ", ".join(file.origin for file, _ in person.files if file.refusal is None)
    warnings, question = list(person.warnings), ""
    if refused is not None and refused.refusal is not None:
        status, message, origin = refused.refusal.status, str(refused.refusal), refused.origin
    else:
        status, message = Status.NOTHING_SUBMITTED, "No notebook (.ipynb) was found."
        origin = person.files[0][0].origin if person.files else ""
        if others:
            message = f"No notebook (.ipynb) was found; handed in: {others[:200]}."
            warnings.append(f"not read: {others[:200]}")
            question = f"{person.id}: there is no notebook, and nobody reads {others[:200]}."
    notes = tuple(f"set aside: {file.origin}" for file in person.aside)
    incoming = Incoming(person.id, person.name, origin, None, status, message, notes, tuple(warnings))
    return incoming, question


def _beside(chosen: File, claim: Claim, person: _Person) -> tuple[tuple[tuple[str, bytes], ...], list[str]]:
    """Return the files that a student handed in with a notebook, and the names of those left out.

    Platforms that put all files of a class into one folder write words of their own before the names.
    """
    folder, found, left_out, size = chosen.path[:-1], [], [], 0
    for file in [*(file for file, _ in person.files), *person.aside]:
        if file.is_notebook or file.is_archive or file.path[: len(folder)] != folder:
            continue
        name = "/".join(file.path[len(folder) :])
        if claim.platform == "canvas":
            # It numbers what was handed in again: data-1.csv is a second data.csv.
            name = re.sub(r"-\d+(?=\.\w+$)", "", _own_name(name))
        elif claim.platform == "moodle":
            name = re.sub(r"^.*?_assignsubmission_file_", "", name)
        size += len(file.data or b"")
        if file.data is None or size > MAX_BESIDE:
            left_out.append(name)
        else:
            found.append((name, file.data))
    return tuple(found), left_out


def _choose(person: _Person, assignment_name: str) -> tuple[Incoming, str]:
    """Choose which of a student's files is graded; return it with a question if that is unclear."""
    usable = [(file, claim) for file, claim in person.files if file.data is not None and file.is_notebook]
    if not usable:
        return _without_notebook(person)
    candidates = [one for one in usable if _is_of(assignment_name, one[0])] or usable
    best = candidates[0]
    for other in candidates[1:]:
        later = _later(other, best)
        if later if later is not None else _fallback(other[0]) > _fallback(best[0]):
            best = other
    chosen, claim = best
    unclear = [
        file.origin
        for file, about in candidates
        if file is not chosen and file.data != chosen.data and _later(best, (file, about)) is not True
    ]
    aside = [*person.aside, *(file for file, _ in usable if file is not chosen)]
    warnings = [
        *person.warnings,
        *(
            f"not graded: {file.origin} ({file.refusal})"
            for file, _ in person.files
            if file.refusal is not None
        ),
    ]
    question = ""
    if unclear and not person.undecided:  # of two people merged, neither is the last
        others = ", ".join(unclear[:5])
        question = (
            f"{person.id}: which is the last, {chosen.origin} or {others}? Neither name nor time says it."
        )
        warnings.append(f"which is the last was unclear: {chosen.origin} or {others}")
        person.undecided = True
    when = person.times.get(chosen.origin) or claim.when
    beside, left_out = _beside(chosen, claim, person)
    with_it = [f"handed in with it: {', '.join(name for name, _ in beside)[:200]}"] if beside else []
    if left_out:
        limit = f"more than {MAX_BESIDE >> 20} MB in all, or unreadable"
        warnings.append(f"not there when the notebook ran: {', '.join(left_out[:5])} ({limit})")
    incoming = Incoming(
        person.id,
        person.name,
        chosen.origin,
        chosen.data,
        notes=(*with_it, *(f"set aside: {file.origin}" for file in aside if file.is_notebook)),
        warnings=tuple(warnings),
        typed=typed_id(chosen.data),
        handed_in=class_list.moment(when).timestamp() if when else chosen.modified,
        time_is_sure=bool(when),
        marked_late=claim.late,
        beside=beside,
    )
    return incoming, question


def _fallback(file: File) -> tuple[float, tuple[str, ...]]:
    return file.modified, file.path


def find(
    place: str | os.PathLike[str],
    assignment_name: str = "",
    roster: Roster | Mapping[str, str] | None = None,
    *,
    known: Collection[str] = (),
    pattern: str | None = None,
    table: Sequence[Row] | None = None,
) -> Found:
    """Find what a class handed in, and whose each file is.

    Parameters
    ----------
    place : path-like
        A folder or an archive that holds a folder or an archive for each student, or files named by a
        learning platform; or one notebook.
    assignment_name : str
        Preferred among several notebooks of one student.
    roster : Roster or dict of str to str, optional
        The class; a student of the roster who handed nothing in gets a submission that says so.
    known : collection of str
        Names of assignments, which are no student's.
    pattern : str, optional
        How the files are named, as for :func:`identity.template`, if no known pattern fits.
    table : list of Row, optional
        Whose each file is, as a person corrected it.

    Returns
    -------
    Found

    Raises
    ------
    OSError
        If the place cannot be read.
    ValueError
        If the pattern is not one.
    """
    place = pathlib.Path(place)
    listed = roster if isinstance(roster, Roster) else class_list.of_mapping(roster or {})
    words = {name.casefold() for name in (*known, assignment_name) if name}
    everything = archives.read_place(place)
    files = [file for file in everything if not _is_platforms_own(file)]
    placed, around = _unwrapped(files, words, listed)
    template = identity.template(pattern) if pattern else None
    claims = _claims(placed, words, template, _gradescope(everything), listed)
    people = _People(listed)
    if table is not None:
        people.enter_table(table, placed, claims)
    else:
        for (file, _), owners in zip(placed, claims, strict=True):
            for claim in owners:
                people.enter(claim, file)
        for name in _empty_folders(place.joinpath(*around), {rest[0] for _, rest in placed}):
            people.enter(identity.recognise(name, words) or identity.from_plain_name(name, words))
        people.ask_about_merged()
    for member in listed.students:
        people.person(member.id, member.name)
    ordered = people.ordered()
    chosen = [_choose(person, assignment_name) for person in ordered]
    submissions = [incoming for incoming, _ in chosen]
    submissions, about_groups = _with_groups(submissions, listed)
    submissions = _with_remarks_on_ids(submissions, listed)
    questions = [*people.questions, *(question for _, question in chosen if question and table is None)]
    questions += about_groups if table is None else []
    lost = [file.origin for file in people.lost]
    return Found(submissions, _rows(submissions, ordered, people.lost), list(dict.fromkeys(questions)), lost)


def _with_groups(submissions: Sequence[Incoming], roster: Roster) -> tuple[list[Incoming], list[str]]:
    """Give what one member of a group handed in to all; ask where two handed in different notebooks."""
    groups = {key_of(student.group) for student in roster.students if student.group}
    by_id = {incoming.student: incoming for incoming in submissions}
    questions = []
    for group in sorted(groups):
        members = [by_id[safe_name(student.id)] for student in roster.by_group(group)]
        handed_in = [one for one in members if one.data is not None]
        different = {one.data for one in handed_in}
        if len(different) > 1:
            files = ", ".join(one.origin for one in handed_in)
            questions.append(f"group {group}: its members handed in different notebooks: {files}.")
            for one in handed_in:
                words = f"its group {group} handed in several notebooks"
                by_id[one.student] = replace(one, warnings=(*one.warnings, words))
        if not handed_in:
            continue
        giver = handed_in[0]
        for one in members:
            if one.status == Status.NOTHING_SUBMITTED or (one is not giver and one.origin == giver.origin):
                by_id[one.student] = replace(
                    giver,
                    student=one.student,
                    name=one.name,
                    notes=(f"handed in by {giver.name} for the group {group}",),
                    warnings=(),
                    # All were given the data of the one who typed an id.
                    typed=giver.typed or giver.student,
                    handed_in_by=giver.student,
                )
    return [by_id[incoming.student] for incoming in submissions], questions


def _with_remarks_on_ids(submissions: Sequence[Incoming], roster: Roster) -> list[Incoming]:
    """Add a remark where a typed id is not the student's on the roster, or is typed by two students."""
    typists = collections.defaultdict(list)
    for incoming in submissions:
        if incoming.typed and not incoming.handed_in_by:
            typists[key_of(incoming.typed)].append(incoming.student)
    remarked = []
    for incoming in submissions:
        if incoming.handed_in_by:
            remarked.append(incoming)
            continue
        warnings = list(incoming.warnings)
        owners = [one.id for one in roster.by_id(incoming.typed)] if incoming.typed else [incoming.student]
        if roster and incoming.student not in owners:
            whose = f", which is {owners[0]}'s on the roster" if owners else ", which is not on the roster"
            warnings.append(f"typed the id {incoming.typed!r}{whose}; the data are drawn from the typed id")
        others = [one for one in typists[key_of(incoming.typed)] if one != incoming.student]
        if incoming.typed and others:
            warnings.append(f"typed the same id {incoming.typed!r} as {', '.join(others)}")
        remarked.append(replace(incoming, warnings=tuple(warnings)))
    return remarked


def _empty_folders(place: pathlib.Path, seen: Collection[str]) -> list[str]:
    """Return the names of students' folders without a file: each is a submission, too."""
    if not place.is_dir():
        return []
    not_theirs = archives.IGNORED_FOLDERS | identity.NOT_HANDED_IN | identity.WRAPPERS
    return [
        entry.name
        for entry in sorted(place.iterdir())
        if entry.is_dir()
        and not entry.is_symlink()
        and entry.name not in seen
        and not {entry.name, entry.name.casefold()} & not_theirs
    ]


class _People:
    """The students of a class while its files are given to them, and what a person has to decide."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.questions: list[str] = []
        self.lost: list[File] = []
        self._people: dict[str, _Person] = {}

    def ordered(self) -> list[_Person]:
        """Return the students, ordered by id."""
        return [person for _, person in sorted(self._people.items())]

    def person(self, student: str, name: str) -> _Person:
        """Return the student of an id, entered if new."""
        return self._people.setdefault(key_of(safe_name(student)), _Person(safe_name(student), name))

    def enter(self, claim: Claim, file: File | None = None) -> None:
        """Give a file, or an empty folder, to the student whom its name says."""
        said = claim.id or claim.name
        found, remark = _on_roster(claim, self.roster) if said else ([], "")
        members = self.roster.by_group(claim.name) or self.roster.by_group(claim.id)
        if not found and members:  # a platform names a group's work after the group
            found = members[:1]
        if len(found) == 1:
            person = self.person(found[0].id, found[0].name)
        elif safe_name(said) == "unnamed":
            if file is not None:
                self.lost.append(file)
                self.questions.append(f"{file.origin}: whose is it? The name does not say.")
            return
        else:
            person = self.person(said, claim.name or said)
            if found:
                remark = f"it can be of {' or '.join(f'{one.name} ({one.id})' for one in found[:4])}"
            elif self.roster:
                remark = f"{said!r} is not on the roster"
        if file is not None:
            person.files.append((file, claim))
        if len(found) != 1 and remark:
            self.questions.append(f"{file.origin if file is not None else said}: {remark}.")
        if remark and remark not in person.warnings:
            person.warnings.append(remark)

    def enter_table(
        self,
        table: Sequence[Row],
        placed: Sequence[tuple[File, tuple[str, ...]]],
        claims: Sequence[Sequence[Claim]],
    ) -> None:
        """Give the files to the students whom a corrected table names."""
        rows = collections.defaultdict(list)  # a group's file has a line for each of them
        for row in table:
            if row.file:
                rows[row.file].append(row)
        there = {file.origin for file, _ in placed}
        self.questions += [
            f"{name}: the table names it, but it is not there." for name in rows.keys() - there
        ]
        for (file, _), owners in zip(placed, claims, strict=True):
            for row in rows.get(file.origin, ()):
                self._enter_row(row, file, owners[0])
            if file.origin not in rows:
                for claim in owners:
                    self.enter(claim, file)
                if file.is_notebook or file.is_archive:
                    self.questions.append(f"{file.origin}: the table does not name it.")
        for row in table:
            if not row.file and row.student:
                self.person(row.student, row.name or row.student)

    def _enter_row(self, row: Row, file: File, claim: Claim) -> None:
        if not row.student:
            self.lost.append(file)
            if key_of(row.counts) == UNDECIDED:
                what = "Write an id, or that it does not count (no), into the table."
                self.questions.append(f"{file.origin}: whose is it? {what}")
            return
        found = self.roster.by_id(row.student)
        counts = key_of(row.counts)
        if not found and counts in NO and not (file.is_notebook or file.is_archive):
            self.lost.append(file)  # a file beside the class, such as a list: nobody's
            return
        listed = found[0] if len(found) == 1 else Student(row.student, row.student)
        person = self.person(listed.id, row.name or listed.name)
        if row.handed_in:
            class_list.moment(row.handed_in)  # refuses what is not a date
            person.times[file.origin] = row.handed_in
        if counts in YES:
            person.files.append((file, claim))
        else:
            person.aside.append(file)
        if counts not in (*YES, *NO):
            found_there = "" if counts == UNDECIDED else f" The table says {row.counts!r}."
            self.questions.append(
                f"{file.origin}: does it count for {person.id}?{found_there} Write yes or no into the table."
            )
        if self.roster and not found:
            person.warnings = [f"{row.student!r} is not on the roster"]

    def ask_about_merged(self) -> None:
        """Ask about each id under which the files of two people seem to be."""
        for person in self.ordered():
            claims = [claim for _, claim in person.files]
            names = list(dict.fromkeys(claim.name for claim in claims if claim.name))
            ids = list(dict.fromkeys(key_of(claim.id or claim.name) for claim in claims))
            people = [*names[:1], *(name for name in names[1:] if not same_person(name, names[0]))]
            if len(people) < 2:  # "a b" and "a-b" are written alike
                people = [one for one in ids if safe_name(one) == safe_name(ids[0])]
            if len(people) > 1:
                either = ", ".join(map(repr, people))
                self.questions.append(f"{person.id}: two people on one id? The files say {either}.")
                person.warnings.append(f"perhaps two people on one id: {either}")
                person.undecided = True


def _rows(submissions: Sequence[Incoming], people: Iterable[_Person], lost: Sequence[File]) -> list[Row]:
    """Return the table of files and students: what was handed in, and who handed nothing in."""
    rows = []
    for person, incoming in zip(people, submissions, strict=True):
        files = [*(file for file, _ in person.files), *person.aside]
        if not files:
            rows.append(Row("", person.id, person.name, "", "nothing handed in"))
        for file in files:
            counts = "yes" if file.origin == incoming.origin else "no"
            remarks = list(person.warnings)
            if file.refusal is not None:
                remarks.append(f"{file.refusal.status}: {file.refusal}")
            elif not file.is_notebook:
                remarks.append("not a notebook")
                counts = "no"
            elif person.undecided and file not in person.aside:
                counts = UNDECIDED
            times = {one.origin: claim.when for one, claim in person.files} | person.times
            when = times.get(file.origin, "")
            rows.append(Row(file.origin, person.id, person.name, counts, "; ".join(remarks), when))
    rows += [Row(file.origin, "", "", UNDECIDED, "whose is it?") for file in lost]
    return rows


def write_rows(path: str | os.PathLike[str], rows: Sequence[Row]) -> None:
    """Write the table of files and students for a spreadsheet, whole or not at all."""
    stream = io.StringIO(newline="")
    lines = [TABLE_HEAD, *([getattr(row, title) for title in TABLE_HEAD] for row in rows)]
    csv.writer(stream).writerows([[plain(value) for value in line] for line in lines])
    # Excel takes text for UTF-8 only if it begins with this mark.
    write_whole(path, "\ufeff" + stream.getvalue())


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """Read the table of files and students, as a person or a spreadsheet saved it.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a column is missing.
    """
    lines = class_list.read_table(path)
    head = [key_of(title) for title in lines[0]] if lines else []
    missing = [title for title in TABLE_HEAD[:2] if title not in head]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]!r}; `aecourse collect` writes a table with the columns "
            f"{', '.join(TABLE_HEAD)}."
        )
    rows = []
    for line in lines[1:]:
        values = dict(zip(head, line, strict=False))
        # A spreadsheet formula cannot begin a value: the sign that prevents one is taken off again.
        values = {key: re.sub(r"^'(?=[=+\-@])", "", value) for key, value in values.items()}
        rows.append(Row(**{title: values.get(title, "") for title in TABLE_HEAD}))
    return rows


def collect(
    place: str | os.PathLike[str],
    assignment_name: str = "",
    roster: Roster | Mapping[str, str] | None = None,
) -> list[Incoming]:
    """Return the submissions of :func:`find`, whatever it asks.

    Parameters
    ----------
    place : path-like
    assignment_name : str
    roster : Roster or dict of str to str, optional

    Returns
    -------
    list of Incoming
        One for each student, ordered by id.

    Raises
    ------
    OSError
        If the place cannot be read.
    """
    return find(place, assignment_name, roster).submissions
