"""What a request is worth to the plan: its type, urgency, importance and complexity.

A person sets a value, or it is suggested from what is known of the request, with the reason. Nothing is
guessed from the request's text. A value that was set stands; what was suggested then is kept beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median_low
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, Field

from lifecycle.events import Fact
from lifecycle.scoring import RequestSource


class Value(StrEnum):
    """What is valued."""

    TYPE = "type"
    URGENCY = "urgency"
    IMPORTANCE = "importance"
    COMPLEXITY = "complexity"


class RequestType(StrEnum):
    """What sort of wish it is."""

    FEATURE = "feature"
    DEFECT = "defect"
    INCIDENT = "incident"
    TASK = "task"


Valued = int | RequestType

NEUTRAL = 3
"""The middle of 1..5: what is assumed of urgency and importance where nothing is known."""

MOST_POINTS = 100
"""The largest complexity that anybody can mean."""


class ValueSet(Fact, frozen=True):
    """`person` set one value; `round` counts the settings of that value, and the latest one stands.

    `suggested` is what the machine said at that time, None if it knew nothing.
    """

    identity = ("value", "round")
    kind: Literal["ValueSet"] = "ValueSet"
    value: Value
    round: int
    to: Valued
    suggested: Valued | None = None
    suggested_why: str = ""
    person: str
    why: str
    door: str


def read(value: Value, text: str) -> Valued:
    """What a person wrote for `value`: 1..5, points, or a type.

    Raises:
        ValueError: it cannot be that; the text is for the person.
    """
    said = text.strip().casefold()
    if value is Value.TYPE:
        if said not in {each.value for each in RequestType}:
            raise ValueError(f"{text.strip() or 'nothing'} is none of {', '.join(RequestType)}")
        return RequestType(said)
    most = MOST_POINTS if value is Value.COMPLEXITY else 5
    if not (said.isascii() and said.isdecimal() and 1 <= int(said[:9]) <= most):
        raise ValueError(f"{value} is a whole number from 1 to {most}, not {text.strip() or 'nothing'}")
    return int(said)


class Finished(BaseModel, frozen=True):
    """A finished request: the points it was estimated at, and the days from its start to its release."""

    key: str
    points: int | None = Field(default=None, ge=1)
    days: float | None = Field(default=None, ge=0)


class Sla(BaseModel, frozen=True):
    """A promise to a customer whose clock runs, by its name at the service desk: kept until `breaches_at`."""

    name: str
    breaches_at: AwareDatetime


class Known(BaseModel, frozen=True):
    """What the suggestions go by.

    `due`: the day by which it has to be there. `slas`: those that run for it. `incidents`: keys of the
    incidents linked to it. `sources` and `asked`: of everybody who asked or voted, merged duplicates
    included. `alike`: finished requests, the most alike first. `usual_days`: by points, how long a request of
    that size takes.
    """

    created: AwareDatetime
    jira_type: str = ""
    due: date | None = None
    slas: tuple[Sla, ...] = ()
    incidents: tuple[str, ...] = ()
    sources: frozenset[RequestSource] = frozenset()
    asked: int = Field(default=0, ge=0)
    alike: tuple[Finished, ...] = ()
    usual_days: dict[int, float] = {}


class Suggestion(NamedTuple):
    """What the machine says of one value, and why. `to` is None where nothing is known."""

    to: Valued | None
    why: str


def suggest(known: Known, now: datetime, full_age: timedelta) -> dict[Value, Suggestion]:
    """Suggest every value from what is known at `now`; after `full_age` the score counts no more age."""
    return {
        Value.TYPE: _type(known.jira_type),
        Value.URGENCY: _urgency(known, now, full_age),
        Value.IMPORTANCE: _importance(known),
        Value.COMPLEXITY: _complexity(known),
    }


_TYPES: Mapping[str, RequestType] = {
    "story": RequestType.FEATURE,
    "new feature": RequestType.FEATURE,
    "improvement": RequestType.FEATURE,
    "epic": RequestType.FEATURE,
    "bug": RequestType.DEFECT,
    "incident": RequestType.INCIDENT,
    "problem": RequestType.INCIDENT,
    "task": RequestType.TASK,
}


def _type(jira_type: str) -> Suggestion:
    found = _TYPES.get(jira_type.strip().casefold())
    if found is None:
        return Suggestion(None, f"Jira's type {jira_type or '(none)'} says nothing of it")
    return Suggestion(found, f"it is a {jira_type.strip()} in Jira")


_DUE: Sequence[tuple[int, int]] = ((2, 5), (7, 4), (30, 3))


def _by_time_left(days: float) -> int:
    """How urgent it is with so many days left, or (below 0) gone since."""
    return next((level for most, level in _DUE if days <= most), 2)


def _urgency(known: Known, now: datetime, full_age: timedelta) -> Suggestion:
    """The most urgent of what is known; the later ones are looked at only for that."""
    found: list[tuple[int, str]] = []
    if known.due is not None:
        left = (known.due - now.date()).days
        when = f"due in {left} days" if left >= 0 else f"{-left} days overdue"
        found.append((_by_time_left(left), when))
    if known.slas:
        soonest = min(known.slas, key=lambda sla: sla.breaches_at)
        left = soonest.breaches_at - now
        late = left < timedelta(0)
        when = f" breached {_span(-left)} ago" if late else f": {_span(left)} left"
        found.append((_by_time_left(left / timedelta(days=1)), f"SLA {soonest.name}".rstrip() + when))
    if known.incidents:
        level = 5 if len(known.incidents) > 1 else 4
        found.append((level, f"incident {', '.join(known.incidents)} is linked"))
    age = now - known.created
    if age > 2 * full_age:
        found.append((4, f"{age.days} days old, twice the {full_age.days} after which its age adds no more"))
    if not found:
        return Suggestion(None, "no due date, no SLA, no incident, and not old")
    return Suggestion(*max(found, key=lambda each: each[0]))


def _span(time: timedelta) -> str:
    """About how long: minutes below an hour, hours below two days."""
    minutes = time // timedelta(minutes=1)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2 * 24 * 60 else f"{time.days} days"


def _importance(known: Known) -> Suggestion:
    """How many asked, and whether both clients and the house did."""
    level = NEUTRAL + (known.asked >= 3) + (known.asked >= 6)
    inside = known.sources - {RequestSource.CLIENT}
    both = bool(inside) and RequestSource.CLIENT in known.sources
    if level == NEUTRAL and not both:
        return Suggestion(None, f"asked for or voted for by {known.asked}: not yet a crowd")
    who = ", clients as well as the house" if both else ""
    return Suggestion(min(5, level + both), f"asked for or voted for by {known.asked}{who}")


def _complexity(known: Known) -> Suggestion:
    """The median size of the finished requests that are most alike."""
    sizes = [(each, size) for each in known.alike if (size := _size(each, known.usual_days)) is not None]
    if not sizes:
        return Suggestion(None, "no finished request is like it")
    points = median_low(size for _, size in sizes)
    keys = [each.key for each, _ in sizes]
    named = " and ".join([", ".join(keys[:-1]), keys[-1]] if keys[1:] else keys)
    return Suggestion(points, f"{points} {'point' if points == 1 else 'points'}, as {named} took")


def _size(finished: Finished, usual_days: Mapping[int, float]) -> int | None:
    """Its points; of one that nobody estimated the size that usually takes as long, by ratio."""
    if finished.points is not None or finished.days is None:
        return finished.points
    days = max(finished.days, _SHORTEST)
    sizes = {points: abs(math.log(max(usual, _SHORTEST) / days)) for points, usual in usual_days.items()}
    return min(sizes, key=lambda points: (sizes[points], points), default=None)


_SHORTEST = 0.01
"""A quarter of an hour, in days: below this two durations are the same."""


class Standing(NamedTuple):
    """A value as it stands. `by` is the person who set it, "" for a suggestion; `to` None: nothing known."""

    to: Valued | None
    by: str
    why: str

    @property
    def basis(self) -> str:
        """Where it comes from, in a word or two: `set by mara`, `suggested`, `assumed`."""
        if self.by:
            return f"set by {self.by}"
        return "assumed" if self.to is None else "suggested"


def standing(set_: Iterable[ValueSet], suggested: Mapping[Value, Suggestion]) -> dict[Value, Standing]:
    """Each value: as it was last set, else as suggested."""
    last = {each.value: each for each in set_}
    return {
        value: Standing(fact.to, fact.person, fact.why)
        if (fact := last.get(value))
        else Standing(suggestion.to, "", suggestion.why)
        for value, suggestion in suggested.items()
    }
