"""The parts of a request: sub-tasks by role, and work orders for people outside the team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from lifecycle.events import Fact
from lifecycle.values import MOST_POINTS

ROLES = ("developer", "qa", "devops")
"""The roles that a request is split into, in the order of their work."""

ORDER = "order"
"""The role of a work order."""


class PartAsked(Fact, frozen=True):
    """A person asked for one sub-task. `part` names it within its request: the role, or the order's id.

    `person`: who does it, "" for somebody outside the people file; `name`: what they are called. `after`:
    parts that come first. `due`: the day by which it has to be done.
    """

    identity = ("part",)
    kind: Literal["PartAsked"] = "PartAsked"
    part: str
    role: str
    person: str = ""
    name: str
    brief: str
    after: tuple[str, ...] = ()
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


def links(parts: Sequence[Part]) -> tuple[tuple[str, str], ...]:
    """Pairs (blocker, blocked) of sub-tasks that are in Jira already."""
    issues = {part.asked.part: part.issue for part in parts}
    pairs = ((before, part.issue) for part in parts for before in map(issues.get, part.asked.after))
    return tuple((before, issue) for before, issue in pairs if before and issue)
