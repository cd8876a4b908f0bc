"""The parts of a request: sub-tasks by role, and work orders for people outside the team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field

from lifecycle.events import Fact
from lifecycle.policy import Policy
from lifecycle.values import MOST_POINTS
from lifecycle.waves import Cycle, waves

ROLES = ("developer", "qa", "devops")
"""The roles that a request is split into, in the order of their work."""

ORDER = "order"
"""The role of a work order."""


class PartAsked(Fact, frozen=True):
    """A person asked for one sub-task. `part` names it within its request, as its role.

    `person`: who does it, "" for somebody outside the people file; `name`: what they are called. `after`:
    parts that come first; `before`: parts that were there already and wait for this one. `due`: the day by
    which it has to be done.
    """

    identity = ("part",)
    kind: Literal["PartAsked"] = "PartAsked"
    part: str
    role: str
    person: str = ""
    name: str
    brief: str
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    due: date | None = None
    asked_by: str
    door: str


class PartMade(Fact, frozen=True):
    """The part is the Jira sub-task `issue`."""

    identity = ("issue",)
    kind: Literal["PartMade"] = "PartMade"
    part: str
    issue: str

    def key(self, stream: str) -> str:  # noqa: ARG002 - a Jira key is unique among all streams
        """`PartMade:{issue}`, so that whoever holds the sub-task's key finds the request."""
        return f"{self.kind}:{self.issue}"


class PartEstimated(Fact, frozen=True):
    """Whoever does the sub-task `issue` estimated it; the last of the `round`s stands."""

    identity = ("issue", "round")
    kind: Literal["PartEstimated"] = "PartEstimated"
    issue: str
    round: int
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)]
    person: str
    door: str


class Part(BaseModel, frozen=True):
    """One part as it stands. `issue` is "" until Jira has it; `points` None until it is estimated."""

    asked: PartAsked
    issue: str = ""
    points: int | None = None

    @property
    def is_order(self) -> bool:
        """Whether it is a work order for people outside the team."""
        return self.asked.role == ORDER


def fold(told: Iterable[PartAsked | PartMade | PartEstimated]) -> tuple[Part, ...]:
    """The parts that the facts add up to, in the order in which they were asked for."""
    parts: dict[str, Part] = {}
    for fact in told:
        match fact:
            case PartAsked():
                parts[fact.part] = Part(asked=fact)
            case PartMade():
                parts[fact.part] = parts[fact.part].model_copy(update={"issue": fact.issue})
            case _:
                for name, part in parts.items():
                    if part.issue == fact.issue:
                        parts[name] = part.model_copy(update={"points": fact.points})
    return tuple(parts.values())


def total(parts: Sequence[Part]) -> int | None:
    """The points of all parts by role together, None while one is not estimated or there are none."""
    points = [part.points for part in parts if not part.is_order]
    known = [each for each in points if each is not None]
    return sum(known) if known and len(known) == len(points) else None


def after(roles: Iterable[str], order: str = "") -> Mapping[str, tuple[str, ...]]:
    """Which of `roles` each of them waits for.

    `order` names steps, such as `devops developer+qa`: one after the other, those with + between them at
    once. Without it: developer, QA, DevOps.

    Raises:
        ValueError: `order` names a role twice, leaves one out or names another one.
    """
    wanted = sorted(set(roles), key=_place)
    steps = [step.split("+") for step in order.casefold().split()] or [[role] for role in wanted]
    named = [role for step in steps for role in step]
    if sorted(named) != sorted(wanted):
        raise ValueError(f"the order has to name each of {', '.join(wanted)} once, not: {order}")
    waits: dict[str, tuple[str, ...]] = dict.fromkeys(wanted, ())
    for earlier, later in pairwise(steps):
        for role in later:
            waits[role] = tuple(earlier)
    return waits


def _place(role: str) -> tuple[int, str]:
    return (ROLES.index(role) if role in ROLES else len(ROLES), role)


class Role(NamedTuple):
    """Who does the part of one role, and what."""

    person: str
    brief: str = ""


def objection(roles: Mapping[str, Role], policy: Policy) -> str:
    """Why a request cannot be split among these people, or ""."""
    if not roles:
        return "name who does it, such as --developer dora"
    for role, (person_id, _) in roles.items():
        person = policy.person(person_id)
        if person is None or not person.active:
            return f"{person_id} is not among Conveyor's active people"
        if role not in person.roles:
            return f"{person.name} has not the role {role}"
        if not person.jira:
            return f"{person.name} has no account in Jira"
    return ""


class Added(NamedTuple):
    """One part to be added: its name in the request, its role, and what it stands between."""

    part: str
    role: str
    after: tuple[str, ...]
    before: tuple[str, ...]


def added(had: Sequence[Part], people: Mapping[str, str], order: str = "") -> tuple[Added, ...]:
    """The parts by role that come to those which the request `had`, in the order of the work.

    `people`: who is wanted for which role. What somebody has in a role already is not added again; another
    person in that role has a part of their own. `order` as `after` reads it, over all roles, old and new.

    Raises:
        ValueError: the order is not about these roles, or old and new parts would wait for each other.
    """
    known = [part.asked for part in had if not part.is_order]
    there = {(asked.role, asked.person) for asked in known}
    new = {role: person for role, person in people.items() if (role, person) not in there}
    if not new:
        return ()
    waits = after({asked.role for asked in known} | set(people), order)
    named: dict[str, list[str]] = {role: [a.part for a in known if a.role == role] for role in waits}
    names = {role: f"{role}-{person}" if named[role] else role for role, person in new.items()}
    parts = tuple(
        Added(
            names[role],
            role,
            tuple(part for first in waits[role] for part in (*named[first], *_one(names.get(first)))),
            tuple(part for later, first in waits.items() if role in first for part in named[later]),
        )
        for role in waits
        if role in new
    )
    _check_circles(known, parts)
    return parts


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _check_circles(known: Sequence[PartAsked], parts: Sequence[Added]) -> None:
    whole = (*known, *parts)
    pairs = [pair for each in whole for pair in _pairs(each.part, each.after, each.before)]
    try:
        waves([each.part for each in whole], pairs)
    except Cycle as circle:
        raise ValueError(f"with the parts that are there already, {circle}") from None


def _pairs(part: str, first: Iterable[str], later: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The (blocker, blocked) that a part brings with it."""
    return [*((each, part) for each in first), *((part, each) for each in later)]


def links(parts: Sequence[Part]) -> tuple[tuple[str, str], ...]:
    """Pairs (blocker, blocked) of sub-tasks that are in Jira already."""
    issues = {part.asked.part: part.issue for part in parts}
    pairs = (pair for each in parts for pair in _pairs(each.asked.part, each.asked.after, each.asked.before))
    found = ((issues.get(blocker), issues.get(blocked)) for blocker, blocked in pairs)
    return tuple((blocker, blocked) for blocker, blocked in found if blocker and blocked)
