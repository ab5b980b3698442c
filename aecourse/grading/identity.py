"""Say from the name of a file or folder whose work it is.

Learning platforms name what they hand out in patterns of their own, listed in :data:`PATTERNS`. Other names
are taken for a student's after the words that name the assignment are removed.
"""

import datetime
import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from aecourse.grading.archives import without_suffix

# The number that a browser or a platform adds to the name of a later attempt: " (2)" or "-2".
ATTEMPT = re.compile(r"(?: ?\((\d+)\)|-(\d{1,2}))$")
# A part of a name that is somebody's number, without or with letters before it.
NUMBER = re.compile(r"\d{3,}|[A-Za-z]{1,3}\d{4,}")
VERSION = re.compile(r"Version (\d+)", re.IGNORECASE)
MAX_BYTES = 120
# Words of a name that say what the file is, not whose it is.
SHORT = re.compile(
    r"(?:a|hw|ex|lab|ps|pset|sheet|blatt|week|task|project|assignment|exercise|homework)[- ]?\d{1,2}",
    re.IGNORECASE,
)
COMMON_WORDS = {
    *"late final assignment assignments homework exercise exercises solution solutions submission".split(),
    *"submissions submitted notebook copy project lab task sheet abgabe übung uebung hausaufgabe".split(),
    *"devoir tarea работа задание 作业 作業 課題 과제 واجب".split(),
}
# What Colab, Drive and others put before the name of a copy.
COPY_OF = re.compile(
    r"^(?:copy of|kopie von|kopie van|copie de|copia de|copia di|cópia de|копия) ", re.IGNORECASE
)
# Folders that a platform puts around the students' own, or beside them for its own purposes.
WRAPPERS = {"submitted", "submitted files", "student work", "submissions", "abgaben", "inbound"}
NOT_HANDED_IN = {"working files", "feedback attachment(s)"}


@dataclass(frozen=True)
class Claim:
    """What a name says about a student.

    Parameters
    ----------
    id, name : str
        As the name has them; either may be empty.
    platform : str
        Whose pattern it follows; empty for a name of no known pattern.
    when : str
        When it was handed in, in a form that sorts; empty if the name does not say.
    late : bool
        The platform marked it as late.
    """

    id: str
    name: str = ""
    platform: str = ""
    when: str = ""
    late: bool = False


# By platform. Each matches the whole name of a file or folder; its groups are what the name says. The order
# counts: the more particular come first.
PATTERNS: Sequence[tuple[str, re.Pattern[str]]] = [
    (name, re.compile(pattern))
    for name, pattern in {
        # Its assign module joins name, participant's number, and kind of submission with "_".
        "moodle": r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_.*)?",
        # An anonymous assignment has an anonymous number.
        "canvas anonymous": r"(?P<late>LATE_)?anon_(?P<id>[A-Za-z0-9]+)_\d+_.+",
        # The sortable name in lower case without spaces, the user's number, the file's number.
        "canvas": r"(?P<name>[^/]+?)_(?P<late>LATE_)?(?P<id>\d+)_\d+_.+",
        # The assignment and the login, which may both have "_": whose_logins tells them apart.
        "blackboard": r"(?P<id>.+_[^_]+)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_.*|\.txt)?",
        "brightspace": r"\d+-\d+ - (?P<who>.+?) - "
        r"(?P<when>\w[^-]*\d{4},? \d{1,2}:?\d\d(?: ?[AaPp][Mm])?)(?: - .+)?",
        "sakai": r"(?P<last>[^,()_]+), ?(?P<first>[^()_]+)\((?P<id>[^()]+)\)(?:_.*)?",
        "nbgrader": r"(?P<id>.+)\+[^+]+\+(?P<when>\d{4}-\d\d-\d\d \d\d[:_]\d\d[:_]\d\d[^+]*)(?:\+[^+]*)?",
        "ilias": r"(?P<last>[^_]+)_(?P<first>[^_]+)_(?P<id>[^_]+)_\d+",
        "gradescope": r"submission_(?P<submission>\d+)",
    }.items()
]
_BRIGHTSPACE_TIMES = (
    *("%b %d, %Y %I%M %p", "%d %B %Y %I%M %p", "%B %d, %Y %I%M %p", "%d %b %Y %I%M %p", "%d %B, %Y %I%M %p"),
    *("%b %d, %Y %H%M", "%d %B %Y %H%M", "%d %b %Y %H%M"),
)


def safe_name(text: str) -> str:
    """Return a name that is harmless as a file's name and in a table, with its letters in any script.

    Examples
    --------
    >>> safe_name("Ada Lovelace"), safe_name("../李明"), safe_name("Иванов"), safe_name("!")
    ('Ada-Lovelace', '李明', 'Иванов', 'unnamed')
    """
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    kept = "".join(
        sign if unicodedata.category(sign)[0] in "LMN" or sign in "._-" else "-"
        for sign in text
        if unicodedata.category(sign) != "Cf"
    )
    cleaned = re.sub("-{2,}", "-", kept).strip("-._")
    if len(cleaned.encode()) > MAX_BYTES:
        # Two long names that begin alike must not become one.
        mark = hashlib.sha256(cleaned.encode()).hexdigest()[:8]
        cleaned = cleaned.encode()[: MAX_BYTES - 9].decode("utf-8", "ignore") + "-" + mark
    return cleaned or "unnamed"


def _brightspace(who: str) -> tuple[str, str]:
    """Return (id, name): an id is a first word with a digit in it."""
    first, _, rest = who.partition(" ")
    return (first, rest) if rest and any(sign.isdigit() for sign in first) else ("", who)


def whose_logins(heads: Sequence[str], known: Callable[[str], bool]) -> list[str]:
    """Return the logins in which Blackboard's names end, which join the assignment and a login with "_".

    Parameters
    ----------
    heads : list of str
        What stands before ``_attempt_``.
    known : callable
        Whether a text is a login or an id of the class list.

    Returns
    -------
    list of str
        Of each, the longest end that is known, else what is left after the words that all begin with.

    Examples
    --------
    >>> whose_logins(["Lab 1_ann_lee", "Lab 1_bob_lee"], lambda login: False)
    ['ann_lee', 'bob_lee']
    >>> whose_logins(["My_lab_ann_lee"], lambda login: login == "ann_lee")
    ['ann_lee']
    """
    parts = [head.split("_") for head in heads]
    shared = 0
    if len({*heads}) > 1:
        while all(len(one) > shared + 1 and one[shared] == parts[0][shared] for one in parts):
            shared += 1
    logins = []
    for one in parts:
        ends = ["_".join(one[place:]) for place in range(1, len(one))]
        usual = "_".join(one[shared:]) if shared else one[-1]
        logins.append(next(filter(known, ends), usual))
    return logins


def _sortable(platform: str, when: str) -> str:
    """Return a platform's time in the form of ISO 8601, which sorts; empty if it is in another language."""
    if platform == "blackboard":
        day, clock = when[:10], when[11:]
        return f"{day}T{clock.replace('-', ':')}"
    if platform == "nbgrader":
        found = re.match(r"[\d-]{10} \d\d[:_]\d\d[:_]\d\d", when)
        text = found[0].replace("_", ":").replace(" ", "T") if found else ""
        return text + "+00:00" if text and when.endswith(("UTC", "GMT")) else text
    plain = when.replace(":", "")
    for form in _BRIGHTSPACE_TIMES:
        try:
            return datetime.datetime.strptime(plain, form).isoformat()
        except ValueError:
            continue
    return ""


def recognise(name: str, words: Collection[str] = ()) -> Claim | None:
    """Return what a name of a platform's pattern says, or None if it follows none.

    Parameters
    ----------
    name : str
        Of a file or a folder, without the folders around it.
    words : collection of str
        Names of assignments, in lower case, which are no student's id.

    Returns
    -------
    Claim or None

    Examples
    --------
    >>> recognise("Ada Lovelace_4711_assignsubmission_file_")
    Claim(id='4711', name='Ada Lovelace', platform='moodle', when='', late=False)
    >>> recognise("Lovelace, Ada(ada)").id
    'ada'
    """
    for platform, pattern in PATTERNS:
        match = pattern.fullmatch(name)
        if match is None:
            continue
        found = {key: value or "" for key, value in match.groupdict().items()}
        student = found.get("id", "")
        if platform == "ilias" and (_is_common(student, words) or "." in name):
            continue
        if platform == "canvas" and not _without_words(found["name"], words):
            continue
        named = found.get("name") or f"{found.get('first', '')} {found.get('last', '')}".strip()
        if platform == "moodle" and named == "Participant":
            named = ""
        if "who" in found:
            student, named = _brightspace(found["who"])
        when = _sortable(platform, found.get("when", ""))
        # Gradescope's folders have a number that only its own list explains.
        student = student or found.get("submission", "")
        return Claim(student, named, platform, when, bool(found.get("late")))
    return None


def _is_common(word: str, words: Collection[str]) -> bool:
    word = word.casefold()
    plain = re.sub(r"\d{1,2}$", "", word)
    return bool({word, plain} & COMMON_WORDS or word in words or SHORT.fullmatch(word))


def is_wrapper(folder: str, words: Collection[str] = ()) -> bool:
    """Say whether a folder's name is that of an assignment or of a platform, not of a student."""
    if folder.casefold() in WRAPPERS or re.fullmatch(r"assignment_\d+_export", folder):
        return True
    claim = from_plain_name(folder, words)
    return not claim.id and recognise(folder, words) is None


def parts_of(name: str) -> list[str]:
    """Return the parts of a plain name, in lower case."""
    return [part.strip().casefold() for part in re.split(r"_+| - |\+", stem(name)) if part.strip()]


def stem(name: str) -> str:
    """Return a file's name without its kind and without the number of an attempt."""
    return ATTEMPT.sub("", without_suffix(name)).strip()


def attempt(path: Iterable[str]) -> int:
    """Return the number of an attempt that a path names; 0 if it names none."""
    parts = list(path)
    number = ATTEMPT.search(without_suffix(parts[-1]))
    if number:
        return int(number[1] or number[2])
    version = next((VERSION.fullmatch(part) for part in parts[:-1] if VERSION.fullmatch(part)), None)
    return int(version[1]) if version else 0


def from_plain_name(name: str, words: Collection[str] = ()) -> Claim:
    """Return what a name that follows no pattern says: a number in it is the id, else what is left is.

    Parameters
    ----------
    name : str
    words : collection of str
        Names of assignments, in lower case, which are no student's id.

    Returns
    -------
    Claim
        With empty texts if nothing is left.

    Examples
    --------
    >>> from_plain_name("a3_lovelace.ipynb", {"a3"}).id, from_plain_name("4711_a1.ipynb", {"a1"}).id
    ('lovelace', '4711')
    """
    parts = [part.strip() for part in re.split(r"_+| - |\+", stem(name)) if part.strip()]
    parts = [_without_words(part, words) for part in parts]
    parts = [part for part in parts if part]
    for number in parts:
        if NUMBER.fullmatch(number):
            return Claim(number, " ".join(part for part in parts if part != number))
    named = " ".join(parts)
    return Claim(named, named)


def _without_words(part: str, words: Collection[str]) -> str:
    """Remove the words at both ends of a part that say what the file is."""
    part = COPY_OF.sub("", part)
    part = re.sub(rf"^{SHORT.pattern}(?![^\s-])|(?<![^\s-]){SHORT.pattern}$", "", part, flags=re.IGNORECASE)
    pieces = re.split(r"([\s-]+)", part)
    while pieces and (_is_common(pieces[0], words) or not pieces[0].strip(" -")):
        pieces.pop(0)
    while pieces and (_is_common(pieces[-1], words) or not pieces[-1].strip(" -")):
        pieces.pop()
    return "".join(pieces)


def template(text: str) -> re.Pattern[str]:
    """Return the expression of a pattern such as ``{name}_{id}_*``.

    Parameters
    ----------
    text : str
        ``{id}``, ``{name}``, ``{first}`` and ``{last}`` stand for what they name, ``*`` for anything else.
        With a slash it describes the whole path, otherwise any one part of it.

    Returns
    -------
    re.Pattern

    Raises
    ------
    ValueError
        If it names neither an id nor a name, or something else.
    """
    pieces = re.split(r"(\{[^{}]*\}|\*)", text)
    expression, used = "", set()
    for piece in pieces:
        if piece == "*":
            expression += "[^/]*?"
        elif piece.startswith("{"):
            name = piece[1:-1]
            if name not in ("id", "name", "first", "last") or name in used:
                raise ValueError(
                    f"--pattern {text}: {piece} is not known, or is there twice; use {{id}}, {{name}}, "
                    "{first}, {last} and *."
                )
            used.add(name)
            expression += rf"(?P<{name}>[^/]+?)"
        else:
            expression += re.escape(piece)
    if not used:
        raise ValueError(f"--pattern {text}: it names no student; put {{id}} or {{name}} into it.")
    return re.compile(expression)


def by_template(pattern: re.Pattern[str], path: Sequence[str]) -> Claim | None:
    """Return what a path of the instructor's own pattern says, or None if it does not follow it."""
    whole = "/".join(path)
    candidates = [whole] if "/" in pattern.pattern.replace("[^/]", "") else list(path)
    for name in (text for candidate in candidates for text in (candidate, without_suffix(candidate))):
        match = pattern.fullmatch(name)
        if match:
            found = match.groupdict()
            named = found.get("name") or f"{found.get('first') or ''} {found.get('last') or ''}".strip()
            return Claim(found.get("id") or named, named, "pattern")
    return None
