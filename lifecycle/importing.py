"""Requests from a file: what each row asks for, or all that is wrong with it.

A row is the same when it comes again: by its `id`, or without one by all that it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from lifecycle.policy import Person, Policy
from lifecycle.requests import TEXT_LENGTH, TITLE_LENGTH, Ask, Door, Requester, one_line, opaque, units
from lifecycle.scoring import RequestSource

COLUMNS = ("title", "text", "requester", "source", "url", "asked_at", "id")
"""What a row may say; only the title has to be there."""

_LIMITS = {"title": TITLE_LENGTH, "text": TEXT_LENGTH, "requester": 200, "url": 2000, "id": 200}


class Line(NamedTuple):
    """What row `row` asks for."""

    row: int
    ask: Ask


class Wrong(NamedTuple):
    """One thing that is wrong with a row; `column` is "" where it is the row as a whole."""

    row: int
    column: str
    why: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.column + ': ' if self.column else ''}{self.why}"


def check(
    rows: Iterable[tuple[int, Mapping[str, object]]], rules: Policy, project: str, now: datetime
) -> tuple[tuple[Line, ...], tuple[Wrong, ...]]:
    """What the rows of one project's file ask for, and everything that is wrong with them.

    A row that does not say when it was asked was asked `now` (aware).
    """
    lines: list[Line] = []
    wrong: list[Wrong] = []
    unknown: set[str] = set()
    first: dict[str, int] = {}
    for row, values in rows:
        wrong += [_unknown(row, name) for name in values if name not in (*COLUMNS, *unknown)]
        unknown |= values.keys() - set(COLUMNS)
        texts = {name: _text(name, values.get(name)) for name in COLUMNS}
        said = {name: text or "" for name, text in texts.items()}
        problems = [(n, "it is not a text") for n, text in texts.items() if text is None]
        problems += [each for each in _problems(said, rules, now) if texts[each[0]] is not None]
        origin = _origin(project, said)
        if origin in first:
            problems.append(("id" if said["id"] else "", f"it is the same as row {first[origin]}"))
        first.setdefault(origin, row)
        wrong += [Wrong(row, column, why) for column, why in problems]
        if not problems:
            lines.append(Line(row, _ask(said, origin, rules, now)))
    return tuple(lines), tuple(wrong)


def _unknown(row: int, name: str) -> Wrong:
    shown = one_line(name, 40)
    return Wrong(row, shown, f"there is no such column; there are {', '.join(COLUMNS)}")


def _text(name: str, value: object) -> str | None:
    """The value as text, None if it is none; an id may be a number."""
    if value is None:
        return ""
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else None


def _problems(said: Mapping[str, str], rules: Policy, now: datetime) -> list[tuple[str, str]]:
    found = [(name, "it holds a NUL character") for name, text in said.items() if "\x00" in text]
    found += [
        (name, f"{units(said[name])} characters are too many, {limit} are taken")
        for name, limit in _LIMITS.items()
        if units(said[name]) > limit
    ]
    if not one_line(said["title"]):
        found.append(("title", "it is empty: say in a few words what is wished"))
    if len(_people(rules, said["requester"])) > 1:
        found.append(("requester", "several people have this name: give the id"))
    if said["source"].lower() not in ("", *RequestSource):
        found.append(("source", f"it is none of {', '.join(RequestSource)}"))
    if said["url"] and not re.fullmatch(r"https?://[^\s/]\S*", said["url"]):
        found.append(("url", "it is no address of the web"))
    asked_at = _moment(said["asked_at"]) if said["asked_at"] else now
    if asked_at is None:
        found.append(("asked_at", "it is no time such as 2026-03-02 or 2026-03-02T10:00:00Z"))
    elif asked_at > now:
        found.append(("asked_at", "it is in the future"))
    return found


def _moment(text: str) -> datetime | None:
    """ISO 8601; a day is its beginning, and without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _people(rules: Policy, name: str) -> list[Person]:
    """Who is meant by an id of the people file, or by a name in it."""
    by_id = rules.person(name)
    if by_id is not None:
        return [by_id]
    return [person for person in rules.people if person.name.casefold() == name.casefold()]


def _origin(project: str, said: Mapping[str, str]) -> str:
    mark = ("id", said["id"]) if said["id"] else ("row", *(said[name] for name in COLUMNS))
    return f"{Door.FILE}:{project}:{opaque(*mark)}"


def _ask(said: Mapping[str, str], origin: str, rules: Policy, now: datetime) -> Ask:
    person = next(iter(_people(rules, said["requester"])), None)
    return Ask(
        door=Door.FILE,
        origin=origin,
        title=said["title"],
        text=said["text"],
        requester=(
            Requester(person=person.id, name=person.name)
            if person
            else Requester(name=one_line(said["requester"]))
        ),
        source=RequestSource(said["source"].lower()) if said["source"] else None,
        url=said["url"],
        asked_at=_moment(said["asked_at"]) or now,
    )
