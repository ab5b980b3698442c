"""The words of the course: where they are defined, and where they stand in running text."""

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = Path(__file__).parents[2] / "docs" / "glossary.toml"


@dataclass(frozen=True)
class Term:
    """One entry of ``glossary.toml``, which says what the fields are."""

    name: str
    definition: str
    lesson: str
    forms: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    instead_of: tuple[str, ...] = ()

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Find the term, in any of its forms, as whole words."""
        before = "".join(rf"(?<!(?i:{re.escape(word)})\s)" for word in self.not_after)
        return re.compile(before + either((self.name, *self.forms)))


def either(forms: Iterable[str]) -> str:
    """Return a pattern that any of the forms matches; those with a capital letter match as written."""
    patterns = []
    for form in sorted(forms, key=len, reverse=True):
        words = r"\s+".join(map(re.escape, form.split()))
        patterns.append(words if form != form.lower() else f"(?i:{words})")
    return rf"(?<![\w-])(?:{'|'.join(patterns)})(?![\w-])"


@functools.cache
def terms(path: Path = WORDS) -> tuple[Term, ...]:
    """Return all terms, by name."""

    def frozen(value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    table = tomllib.loads(path.read_text(encoding="utf-8"))["term"]
    entries = (Term(**{key: frozen(value) for key, value in entry.items()}) for entry in table)
    return tuple(sorted(entries, key=lambda term: term.name.lower()))


def first_uses(text: str, wanted: Iterable[Term]) -> list[tuple[int, int, Term]]:
    """Return the places [(start, end, term)] of the first use of each wanted term, longest forms first."""
    uses = [(*match.span(), term) for term in wanted for match in term.pattern.finditer(text)]
    kept: list[tuple[int, int, Term]] = []
    # A longer form wins over a shorter one inside it: "false-alarm rate" over "rate".
    for start, end, term in sorted(uses, key=lambda use: (use[0] - use[1], use[0])):
        if any(start < other_end and other_start < end for other_start, other_end, _ in kept):
            continue
        kept.append((start, end, term))
    first: dict[str, tuple[int, int, Term]] = {}
    for use in sorted(kept, key=lambda use: use[0]):
        first.setdefault(use[2].name, use)
    return list(first.values())


def page() -> str:
    """Return the glossary as MyST Markdown."""
    introduction = "The words of the course. The lessons link to them where they first use them."
    lines = ["# Glossary", "", introduction, "", "```{glossary}"]
    for term in terms():
        definition = " ".join(term.definition.split())
        lines += [term.name, f"  {definition} (Lesson {term.lesson}.)", ""]
    return "\n".join([*lines[:-1], "```", ""])
