"""What a change in the shop's files is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """`old` stands in the file exactly once and becomes `new`; an empty `old` makes a new file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Change:
    """`message` is the commit's, without an issue's key: the scenario puts that before it."""

    id: str
    title: str
    message: str
    edits: tuple[Edit, ...]
