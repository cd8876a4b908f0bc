"""The scope of a release: its issues with size and dependencies, and how one scope differs from another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from lifecycle.planning import ReleasePlan, scope_hash
from lifecycle.waves import Cycle, waves


class ScopeLine(BaseModel, frozen=True, extra="forbid"):
    """One issue of a release. `size`: points, 0 if nobody knows; the links are those that hold work back."""

    key: str
    title: str = ""
    size: int = 0
    blocked_by: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()


class Scope(BaseModel, frozen=True):
    """What a version shall hold. `capacity`: points, 0 if none was set."""

    version: str
    lines: tuple[ScopeLine, ...] = ()
    capacity: int = 0

    @property
    def issues(self) -> tuple[str, ...]:
        """The issues, in the plan's order."""
        return tuple(line.key for line in self.lines)

    @property
    def points(self) -> int:
        """What all of it takes."""
        return sum(line.size for line in self.lines)

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """(blocker, blocked), each once, where both are in the scope."""
        found = dict.fromkeys(
            pair
            for line in self.lines
            for pair in (
                *((blocker, line.key) for blocker in line.blocked_by),
                *((line.key, blocked) for blocked in line.blocks),
            )
        )
        inside = set(self.issues)
        return tuple(pair for pair in found if inside.issuperset(pair))

    @property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        """The order in which it can be done; see `lifecycle.waves`.

        Raises:
            Cycle: some of it waits for each other.
        """
        return waves(self.issues, self.links)

    @property
    def plan_hash(self) -> str:
        """The 64 hex digits that name this scope; the order of its lines does not matter.

        Raises:
            Cycle: some of it waits for each other.
        """
        return scope_hash(self.version, self.issues, self.waves)


def of_plan(plan: ReleasePlan) -> Scope:
    """The scope that a closed review leaves: its accepted lines."""
    lines = tuple(
        ScopeLine(key=line.key, title=line.title, size=line.size, blocked_by=line.blocked_by)
        for line in plan.lines
        if line.accepted
    )
    return Scope(version=plan.version, lines=lines, capacity=plan.capacity)


def changed(scope: Scope, add: Sequence[ScopeLine], remove: Collection[str]) -> Scope:
    """The scope without `remove`, and with `add` at its end."""
    kept = tuple(line for line in scope.lines if line.key not in remove)
    return scope.model_copy(update={"lines": (*kept, *add)})


def objections(scope: Scope, add: Sequence[ScopeLine], remove: Sequence[str]) -> tuple[str, ...]:
    """Every reason why this is no change of `scope` that could be carried out; none if it is one."""
    reasons: list[str] = []
    if not add and not remove:
        reasons.append("name an issue to add or to remove")
    wanted = [*(line.key for line in add), *remove]
    reasons += [f"{key} is named twice" for key in dict.fromkeys(wanted) if wanted.count(key) > 1]
    reasons += [f"{line.key} is in the release already" for line in add if line.key in scope.issues]
    reasons += [f"{key} is not in the release" for key in remove if key not in scope.issues]
    if reasons:
        return tuple(reasons)
    after = changed(scope, add, remove)
    if not after.lines:
        reasons.append("nothing would be left; abandon the release instead")
    try:
        _ = after.waves
    except Cycle as circle:
        reasons.append(str(circle))
    return tuple(reasons)


class Moved(NamedTuple):
    """An issue that comes in another wave than before."""

    key: str
    before: int
    after: int


class Difference(NamedTuple):
    """What a change of scope means. `broken`: what would wait for something that is not in the release."""

    added: tuple[ScopeLine, ...]
    removed: tuple[ScopeLine, ...]
    points_before: int
    points_after: int
    capacity: int
    moved: tuple[Moved, ...]
    broken: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Both scopes hold the same issues in the same waves."""
        return not (self.added or self.removed or self.moved)

    @property
    def lines(self) -> tuple[str, ...]:
        """The difference in words, one line each; the last tells the points."""
        of = f" of {self.capacity}" if self.capacity else ""
        over = ", more than fits" if 0 < self.capacity < self.points_after else ""
        return (
            *(f"+ {line.key} {line.title} ({_points(line.size)})" for line in self.added),
            *(f"- {line.key} {line.title} ({_points(line.size)})" for line in self.removed),
            *(f"{m.key}: wave {m.before} -> {m.after}" for m in self.moved),
            *self.broken,
            f"points: {self.points_before} -> {self.points_after}{of}{over}",
        )


def _points(size: int) -> str:
    return f"{size} points" if size else "not estimated"


def difference(before: Scope, after: Scope) -> Difference:
    """How `after` differs from `before`; the capacity is that of `after`.

    Raises:
        Cycle: in one of them some issues wait for each other.
    """
    was, now = _numbers(before.waves), _numbers(after.waves)
    return Difference(
        added=tuple(line for line in after.lines if line.key not in was),
        removed=tuple(line for line in before.lines if line.key not in now),
        points_before=before.points,
        points_after=after.points,
        capacity=after.capacity,
        moved=tuple(Moved(k, was[k], now[k]) for k in now if k in was and was[k] != now[k]),
        broken=tuple(text for text in _broken(after) if text not in _broken(before)),
    )


def _numbers(ordered: Iterable[Iterable[str]]) -> dict[str, int]:
    return {key: number for number, wave in enumerate(ordered, 1) for key in wave}


def _broken(scope: Scope) -> list[str]:
    inside = set(scope.issues)
    return [
        f"{line.key} waits for {blocker}, which is not in the release"
        for line in scope.lines
        for blocker in line.blocked_by
        if blocker not in inside
    ]
