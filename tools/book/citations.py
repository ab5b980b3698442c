"""Which entry of the bibliography a citation in plain words means.

Lessons and docstrings cite in full, so that they can be read without the book. A citation is
matched with the entry whose title (or shorttitle) and year both stand in it.
"""

import functools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pybtex.database import parse_file

BIBLIOGRAPHY = Path(__file__).parents[2] / "docs" / "references.bib"
UNDERLINE = re.compile(r"\s*-{3,}\s*")
# "As cited for the class" and "As in `split`" point to another docstring's references.
ELSEWHERE = re.compile(r"\bas (?:cited|in `)", re.IGNORECASE)


def words_of(text: str) -> str:
    """Return a text as lower-case words without accents, marks or line breaks."""
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not unicodedata.combining(character))
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


@functools.cache
def entries(path: Path = BIBLIOGRAPHY) -> list[tuple[str, str, str]]:
    """Return [(key, title as plain words, year)], the longest titles first."""
    works = []
    for key, entry in parse_file(str(path)).entries.items():
        title = entry.fields.get("shorttitle", entry.fields["title"])
        works.append((key, words_of(title), entry.fields.get("year", "")))
    return sorted(works, key=lambda work: -len(work[1]))


def find(citation: str) -> str | None:
    """Return the key of the entry that a citation means, or None."""
    words = f" {words_of(citation)} "
    for key, title, year in entries():
        if f" {title} " in words and (not year or f" {year} " in words):
            return key
    return None


def reading_items(markdown: str) -> list[tuple[int, int, str]]:
    """Return the items of a lesson's "Further reading" as (start, end, text) in its Markdown."""
    heading = re.search(r"^## Further reading\s*$", markdown, re.MULTILINE)
    if heading is None:
        return []
    begin = heading.end()
    end = re.compile(r"^#", re.MULTILINE).search(markdown, begin)
    block = markdown[begin : end.start() if end else len(markdown)]
    item = re.compile(r"^- (?:.*\n?)(?:^[ \t]+\S.*\n?)*", re.MULTILINE)
    items = []
    for match in item.finditer(block):
        text = match.group().rstrip()
        items.append((begin + match.start(), begin + match.start() + len(text), text[2:]))
    return items


def cite_reading(markdown: str) -> str:
    """Return a lesson's Markdown with a link to the bibliography after each item of "Further reading"."""
    for _, end, text in reversed(reading_items(markdown)):
        key = find(text)
        if key:
            markdown = f"{markdown[:end]} {{cite}}`{key}`{markdown[end:]}"
    return markdown


def reference_sections(lines: list[str]) -> list[tuple[int, int, list[tuple[str | None, str]]]]:
    """Return a docstring's "References" sections: [(first line, line after the last, [(label, text)])]."""
    sections = []
    for place in range(len(lines) - 1):
        if lines[place].strip() == "References" and UNDERLINE.fullmatch(lines[place + 1]):
            end = place + 2
            while end < len(lines) and not (
                end + 1 < len(lines) and lines[end].strip() and UNDERLINE.fullmatch(lines[end + 1])
            ):
                end += 1
            sections.append((place, end, _references(lines[place + 2 : end])))
    return sections


def _references(lines: list[str]) -> list[tuple[str | None, str]]:
    """Join lines to citations, each with its label or None.

    A citation starts at ``.. [n]``, after an empty line, or with authors and a year after a finished one.
    """
    citations: list[tuple[str | None, list[str]]] = [(None, [])]
    for line in lines:
        label = re.match(r"\s*\.\. \[(\w+)\]\s*", line)
        words = line[label.end() :] if label else line
        before = citations[-1][1]
        finished = before and before[-1].endswith((".", ")"))
        if label or not words.strip() or (finished and re.match(r"\s*[A-Z][^()]{2,120}\(\d{4}\)", words)):
            citations.append((label[1] if label else None, []))
        if words.strip():
            citations[-1][1].append(words.strip())
    return [(label, " ".join(words)) for label, words in citations if words]


def labels(lines: list[str]) -> dict[str, str]:
    """Return {label: key} of a docstring's references that the bibliography has."""
    return {
        label: key
        for _, _, items in reference_sections(lines)
        for label, text in items
        if label and (key := find(text))
    }


def escape(line: str) -> str:
    """Return a line of a docstring with a backslash before each character that only Sphinx gives a meaning.

    In plain words ``*shape`` does not begin emphasis, and ``|code|`` and ``model_`` are only words.
    """
    if line.lstrip().startswith((">>>", "...")):
        return line
    # The name in "name_ : type" is left to the extension that reads the sections.
    name = match[0] if (match := re.match(r"\s*[\w, ]+ : ", line)) else ""
    words = line[len(name) :]
    parts = re.split(r"(``[^`]+``|`[^`]+`)", words)
    for place in range(0, len(parts), 2):
        words = re.sub(r"(?<=[( ,])\*(?=\w[^*]*$)", r"\\*", parts[place])
        words = re.sub(r"\|(\w+)\|", r"\|\1\|", words)
        parts[place] = re.sub(r"(?<=\w)_(?!\w|$)", r"\_", words)
    return name + "".join(parts)


def cite_docstring(lines: list[str], module_lines: Sequence[str] = ()) -> None:
    """Link a docstring's references to the bibliography, in place: the list, and ``[1]_`` in the text.

    A label that the docstring does not explain is one of its module's.
    """
    keys = labels(list(module_lines)) | labels(lines)
    for first, end, items in reversed(reference_sections(lines)):
        indent = lines[first][: -len(lines[first].lstrip())]
        listed = [f"{indent}* {text}" + (f" :cite:`{find(text)}`" if find(text) else "") for _, text in items]
        lines[first + 2 : end] = [*listed, ""]

    def link(mark: re.Match[str]) -> str:
        return f":cite:`{keys[mark[1]]}`" if mark[1] in keys else f"[{mark[1]}]"

    for place, line in enumerate(lines):
        lines[place] = re.sub(r"\[(\w+)\]_", link, escape(line))
