"""Exceptions to gates: signed by a person, with a reason and a last day, on record in `gates:PROJECT`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, TypeAdapter

from lifecycle.events.base import Fact
from lifecycle.gates.gate import Gate
from lifecycle.verdict import Verdict

if TYPE_CHECKING:
    from lifecycle.policy import Person, Project
    from lifecycle.runtime import RuntimeRule


class GateExcepted(Fact, frozen=True):
    """`person` lets candidates past `gate` through the day `until` (UTC).

    `round` counts a project's exceptions.
    """

    identity = ("round",)
    kind: Literal["GateExcepted"] = "GateExcepted"
    round: int
    gate: str
    person: str
    role: str
    reason: str
    until: date
    door: str


class GateExceptionEnded(Fact, frozen=True):
    """A person ended the exception of that `round` before its time."""

    identity = ("round",)
    kind: Literal["GateExceptionEnded"] = "GateExceptionEnded"
    round: int
    person: str
    reason: str
    door: str


_ADAPTER: TypeAdapter[GateExcepted | GateExceptionEnded] = TypeAdapter(
    Annotated[GateExcepted | GateExceptionEnded, Field(discriminator="kind")]
)


def stream(project: str) -> str:
    """The stream of a project's exceptions."""
    return f"gates:{project}"


def fold(payloads: Iterable[Mapping[str, object]]) -> tuple[GateExcepted, ...]:
    """The exceptions that nobody ended, in the order of their signing; those past their day too."""
    open_: dict[int, GateExcepted] = {}
    for payload in payloads:
        fact = _ADAPTER.validate_python(payload)
        if isinstance(fact, GateExcepted):
            open_[fact.round] = fact
        else:
            open_.pop(fact.round, None)
    return tuple(open_.values())


def standing(exceptions: Iterable[GateExcepted], now: datetime) -> dict[str, GateExcepted]:
    """By gate, the exception that holds at `now` (aware, UTC); of several the one that holds longest."""
    valid = [each for each in exceptions if now.date() <= each.until]
    return {each.gate: each for each in sorted(valid, key=lambda each: each.until)}


def may_except(
    person: Person, project: Project, gate: Gate | RuntimeRule | None, until: date, now: datetime
) -> Verdict:
    """Whether `person` may sign an exception to `gate` through `until`, with every reason against it."""
    reasons = [*_barred(person, project)]
    if gate is None or not gate.asked:
        reasons.append("the policy asks for no such gate")
    elif not gate.exceptable:
        reasons.append(f"there is no exception to {gate.id}: {gate.title}")
    if until < now.date():
        reasons.append(f"{until} is over")
    return Verdict(reasons=tuple(reasons))


def may_end(person: Person, project: Project) -> Verdict:
    """Whether `person` may end an exception: who may sign one may end any."""
    return Verdict(reasons=_barred(person, project))


def role_of(person: Person, project: Project) -> str:
    """The role in which `person` signs; "" if in none."""
    return next((role for role in project.gates.exceptions_by if role in person.roles), "")


def _barred(person: Person, project: Project) -> tuple[str, ...]:
    reasons: list[str] = [] if person.active else ["your account is deactivated"]
    if not role_of(person, project):
        who = " or ".join(project.gates.exceptions_by)
        reasons.append(
            f"an exception is signed by {who}" if who else "the policy names no role under exceptions_by"
        )
    return tuple(reasons)
