"""What the planning channel reads of an import: how far it is, the new requests, what they are like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from integrations.slack import blocks as b
from lifecycle.requests import AlikeFound
from tasks.planning_messages import MINE_TOO
from tasks.posts import Content

LISTED = 20
"""So many new requests have a line of their own, with their title."""

LINKED = 60
"""So many more are linked by their key; of the rest only the number is said."""


class Row(NamedTuple):
    """One request of the file, and the earlier ones that read like it."""

    key: str
    title: str
    alike: tuple[AlikeFound, ...]


@dataclass
class Progress:
    """How far an import is. `url` leads to an issue; `stopped` says why it went no further."""

    file: str
    project: str
    total: int
    url: Callable[[str], str]
    new: list[Row] = field(default_factory=list[Row])
    before: int = 0
    stopped: str = ""

    def add(self, row: Row, *, here: bool) -> None:
        """One more row is in; `here`: by this import, not by an earlier one."""
        if here:
            self.new.append(row)
        else:
            self.before += 1


def content(state: Progress) -> Content:
    """The message; it shows as many of the requests as Slack takes."""
    head = _head(state)
    shown = next(
        blocks
        for listed, linked in ((LISTED, LINKED), (LISTED // 2, LINKED // 2), (0, LINKED), (0, 0))
        if b.fits(blocks := [b.section(head), *_list(state, listed, linked)]) or not linked
    )
    return Content(text=b.cut(b.readable(head).replace("*", ""), 300), blocks=shown)


def _head(state: Progress) -> str:
    is_in = len(state.new) + state.before
    name = f"*{b.escape(b.cut(state.file, 200))}* for {b.escape(state.project)}"
    if not state.stopped and is_in == state.total:
        head = f"📥 Imported {name}: {_count(len(state.new), 'new request')}"
    else:
        head = f"📥 Importing {name}: {is_in} of {_count(state.total, 'row')} in"
    parts = [head]
    if state.before:
        parts.append(f"{state.before} came in before")
    if alike := sum(bool(row.alike) for row in state.new):
        parts.append(f"{alike} read like earlier ones")
    stopped = f"\n⚠️ {b.escape(b.cut(state.stopped, 500))}; run it again for the rest" if state.stopped else ""
    return " · ".join(parts) + stopped


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _list(state: Progress, listed: int, linked: int) -> list[b.Block]:
    rows = [
        b.section(_line(row, state.url), accessory=b.button("Mine too", MINE_TOO, row.key))
        for row in state.new[:listed]
    ]
    more = [b.link(state.url(row.key), row.key) for row in state.new[listed : listed + linked]]
    while len(", ".join(more)) > b.SECTION_TEXT - 50:
        more.pop()
    left = len(state.new) - len(rows) - len(more)
    more += [f"and {left} more"] if left else []
    return [*rows, b.section(", ".join(more))] if more else rows


def _line(row: Row, url: Callable[[str], str]) -> str:
    text = f"• *{b.link(url(row.key), row.key)}* {b.escape(b.cut(row.title, 80))}"
    if not row.alike:
        return text
    first = row.alike[0]
    more = f" and {len(row.alike) - 1} more" if row.alike[1:] else ""
    return f"{text} · reads like {b.link(url(first.other), first.other)} ({first.score:.0%}){more}"
