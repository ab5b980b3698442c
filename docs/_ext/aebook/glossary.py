"""The words of the course: where they are defined, and where they stand in running text."""

import functools
import pathlib
import re
import tomllib
from dataclasses import dataclass

WORDS = pathlib.Path(__file__).parents[2] / "glossary.toml"


@dataclass(frozen=True)
class Term:
    """One entry of ``glossary.toml``, which says what the fields are."""

    name: str
    definition: str
    lesson: str
    forms: tuple = ()
    not_after: tuple = ()
    instead_of: tuple = ()

    @functools.cached_property
    def pattern(self):
        """Find the term, in any of its forms, as whole words."""
        before = "".join(rf"(?<!(?i:{re.escape(word)})\s)" for word in self.not_after)
        return re.compile(before + either((self.name, *self.forms)))


def either(forms):
    """Return a pattern for any of some forms; those with a capital letter match as written."""
    patterns = []
    for form in sorted(forms, key=len, reverse=True):
        words = r"\s+".join(map(re.escape, form.split()))
        patterns.append(words if form != form.lower() else f"(?i:{words})")
    return rf"(?<![\w-])(?:{'|'.join(patterns)})(?![\w-])"


@functools.cache
def terms(path=WORDS):
    """Return all terms, by name."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))["term"]
    found = []
    for entry in table:
        fixed = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        found.append(Term(**fixed))
    return tuple(sorted(found, key=lambda term: term.name.lower()))


def first_uses(text, wanted):
    """Return the places [(start, end, term)] of the first use of each wanted term, longest forms first."""
    found = []
    for term in wanted:
        for match in term.pattern.finditer(text):
            found.append((match.start(), match.end(), term))
    kept, taken = [], set()
    # A longer form wins over a shorter one inside it: "false-alarm rate" over "rate".
    for start, end, term in sorted(found, key=lambda use: (use[0] - use[1], use[0])):
        if any(start < other_end and other_start < end for other_start, other_end, _ in kept):
            continue
        kept.append((start, end, term))
    result = []
    for start, end, term in sorted(kept, key=lambda use: use[0]):
        if term.name not in taken:
            taken.add(term.name)
            result.append((start, end, term))
    return result


def page():
    """Return the glossary as MyST Markdown."""
    introduction = "The words of the course. The lessons link to them where they first use them."
    lines = ["# Glossary", "", introduction, "", "```{glossary}"]
    for term in terms():
        definition = " ".join(term.definition.split())
        lines += [term.name, f"  {definition} (Lesson {term.lesson}.)", ""]
    return "\n".join([*lines[:-1], "```", ""])
