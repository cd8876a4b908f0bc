"""The plan for people to read: its waves as a Mermaid graph, and the wiki page around it.

Titles are written by anybody, so none of them may end a label, a table's cell or a fence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from lifecycle.scope import Scope, ScopeLine

LABEL_CHARS = 60
"""A longer title is cut in the graph; the table below it has all of it."""

_PLAIN = frozenset(" .,:-")


def mermaid(scope: Scope) -> str:
    """The waves from left to right, one subgraph each, with an arrow from every blocker; no line at its end.

    Raises:
        Cycle: some of the issues wait for each other.
    """
    lines = {line.key: line for line in scope.lines}
    names: dict[str, str] = {}
    drawn = ["graph LR"]
    for number, wave in enumerate(scope.waves, 1):
        drawn.append(f'  subgraph wave{number}["Wave {number}"]')
        for key in wave:
            names[key] = f"issue{len(names) + 1}"
            drawn.append(f'    {names[key]}["{label(_named(lines[key]))}"]')
        drawn.append("  end")
    drawn += [f"  {names[blocker]} --> {names[blocked]}" for blocker, blocked in scope.links]
    return "\n".join(drawn)


def _named(line: ScopeLine) -> str:
    title = _one_line(line.title)
    cut = title if len(title) <= LABEL_CHARS else f"{title[: LABEL_CHARS - 1].rstrip()}…"
    return f"{line.key}: {cut}" if cut else line.key


def label(text: str) -> str:
    """`text` as it may stand between the quotes of a Mermaid label.

    Letters and digits of any script stay; all else becomes an entity code (`#34;` for a quote), which
    Mermaid shows as that character. What is not to be seen (controls, joiners, turned directions) is left
    out.

    Source: https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
    """
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in _one_line(text))


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return "".join(c for c in words if unicodedata.category(c)[0] != "C")


def cell(text: str) -> str:
    """`text` as one cell of a GitLab table: nothing in it is a link, a mention, HTML or the cell's end.

    Source: https://docs.gitlab.com/user/markdown/#escape-characters
    """
    return re.sub(r"([\\`*_{}\[\]<>#|@!~$%^&:])", r"\\\1", _one_line(text))


def page(scope: Scope, about: Sequence[str], links: Mapping[str, str], changes: Sequence[str] = ()) -> str:
    """The wiki page in GitLab's Markdown, the same for the same input.

    `about`: sentences over the graph; `links`: issue -> where people look at it; `changes`: what was changed
    since the closing, one line each. All of them are plain text, and escaped here.
    """
    parts = [
        *(cell(sentence) for sentence in about),
        "```mermaid\n" + mermaid(scope) + "\n```",
        "\n".join(
            ["| wave | issue | title | points | waits for |", "| --- | --- | --- | --- | --- |"]
            + [f"| {row} |" for row in _rows(scope, links)]
        ),
    ]
    if changes:
        parts += ["## Changes of scope", "\n".join(f"- {cell(change)}" for change in changes)]
    return "\n\n".join(parts) + "\n"


def _rows(scope: Scope, links: Mapping[str, str]) -> Iterator[str]:
    lines = {line.key: line for line in scope.lines}
    waits: dict[str, list[str]] = {}
    for blocker, blocked in scope.links:
        waits.setdefault(blocked, []).append(blocker)
    for number, wave in enumerate(scope.waves, 1):
        for key in wave:
            named = f"[{cell(key)}]({links[key]})" if key in links else cell(key)
            size = str(lines[key].size or "")
            after = ", ".join(map(cell, waits.get(key, ())))
            yield f"{number} | {named} | {cell(lines[key].title)} | {size} | {after}"
