"""Release notes: by issue and kind of issue, in the words of whoever asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pydantic import BaseModel

from lifecycle.plan_pages import cell

_SENTENCE = re.compile(r".*?[.!?…](?=\s|$)", re.DOTALL)
_WORDS = 300


class Note(BaseModel, frozen=True):
    """One issue. `type` is Jira's, `words` the request's first sentence, `asked_by` who asked, by role."""

    key: str
    title: str = ""
    type: str = ""
    words: str = ""
    asked_by: tuple[str, ...] = ()


def first_sentence(text: str) -> str:
    """The first sentence of `text` (its first paragraph, if that has no end) in one line, cut if long."""
    paragraph = re.split(r"\n\s*\n", text.strip())[0]
    found = _SENTENCE.match(paragraph)
    line = " ".join((found[0] if found else paragraph).split())
    return line if len(line) <= _WORDS else f"{line[: _WORDS - 1].rstrip()}…"


def grouped(notes: Sequence[Note]) -> tuple[tuple[str, tuple[Note, ...]], ...]:
    """The notes by type, in the order of the first of each; those within in the order given."""
    types = dict.fromkeys(note.type for note in notes)
    return tuple((type_, tuple(note for note in notes if note.type == type_)) for type_ in types)


def lines(notes: Sequence[Note], escape: Callable[[str], str], heading: str, item: str) -> tuple[str, ...]:
    """The notes, one line for each issue and one for its words; a heading where there is more than one type.

    `escape` makes plain text safe; `heading` and `item` have `{}` for the text. Words are set in below.
    """
    groups = grouped(notes)
    told: list[str] = []
    for type_, found in groups:
        told += [heading.format(escape(type_ or "Other"))] if len(groups) > 1 else []
        for note in found:
            told.append(item.format(f"{note.key} {escape(note.title)}".rstrip()))
            by = f"({', '.join(note.asked_by)})" if note.asked_by else ""
            said = " ".join(part for part in (f"“{escape(note.words)}”" if note.words else "", by) if part)
            told += [f"  {said}"] if said else []
    return tuple(told)


def page(notes: Sequence[Note], changelog: str = "") -> str:
    """The notes in GitLab's Markdown; with GitLab's own changelog of the commits below, if there is one."""
    told = "\n".join(lines(notes, cell, "\n### {}\n", "- {}")).strip()
    return f"{told}\n\n{changelog.strip()}\n" if changelog.strip() else f"{told}\n"
