"""What a request is worth now: WSJF, weighted shortest job first, the cost of delay over the job size.

Nothing is guessed from a request's text: `lifecycle.values` says where urgency, importance and complexity
come from. docs/planning.md has the formula with an example.

Source: https://framework.scaledagile.com/wsjf
"""

import math
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, BaseModel, Field

from lifecycle.calendar import Duration


class RequestSource(StrEnum):
    """Who asked."""

    CLIENT = "client"
    DEVELOPER = "developer"
    MANAGEMENT = "management"


class Note(NamedTuple):
    """Where a value comes from: `basis` in a word or two, such as `set by Mara`, and why."""

    basis: str
    why: str


class Request(BaseModel, frozen=True):
    """One request as the review sees it.

    `requesters`: everyone who asked, merged duplicates included; `votes`: who joined without asking.
    `urgency`, `importance`: 1..5. `complexity`: points, None while nothing is known of it. `notes`: where
    each of them comes from, by its name. `need`: what shows by itself that it is needed, "" if nothing does.
    `blocks`, `blocked_by`: keys of open requests; a finished blocker is left out by whoever reads them.
    `priority`: Jira's word; it is shown, it does not score.
    """

    key: str
    title: str
    source: RequestSource
    created: AwareDatetime
    requesters: tuple[str, ...] = ()
    type: str = ""
    urgency: int = Field(default=3, ge=1, le=5)
    importance: int = Field(default=3, ge=1, le=5)
    complexity: int | None = Field(default=None, ge=1)
    votes: int = Field(default=0, ge=0)
    blocks: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    needs_info: bool = False
    priority: str = ""
    need: str = ""
    notes: dict[str, Note] = {}


class Weights(BaseModel, frozen=True, extra="forbid"):
    """What each term of the cost of delay is worth, all in the same points; 0 switches a term off."""

    source: dict[RequestSource, Annotated[float, Field(ge=0)]] = {
        RequestSource.CLIENT: 1.5,
        RequestSource.MANAGEMENT: 1.25,
        RequestSource.DEVELOPER: 1.0,
    }
    importance: float = Field(default=2.0, ge=0)
    asked: float = Field(default=1.0, ge=0)
    asked_at_most: int = Field(default=10, ge=0)
    urgency: float = Field(default=2.0, ge=0)
    age: float = Field(default=3.0, ge=0)
    full_age: Duration = timedelta(days=90)
    enables: float = Field(default=2.0, ge=0)
    enables_at_most: int = Field(default=5, ge=0)
    unknown_size: int = Field(default=3, ge=1)


class Term(NamedTuple):
    """One part of a score. `job size` divides the sum of the others.

    `basis` is where a value that people set or the machine suggested comes from.
    """

    name: str
    value: float
    why: str
    basis: str = ""


class Score(BaseModel, frozen=True):
    """The number and where it comes from: the sum of all terms but the last, over the last (job size)."""

    total: float
    terms: tuple[Term, ...]


def size_of(request: Request, weights: Weights) -> int:
    """Return the job size in points, the assumed one where nobody estimated it."""
    return weights.unknown_size if request.complexity is None else request.complexity


def score(request: Request, now: datetime, weights: Weights) -> Score:
    """Score one request at `now` (aware): the three parts of the cost of delay, over the job size.

    Business value: importance times the source's weight, and how many asked. Time criticality: urgency,
    and age up to `full_age`. Opportunity: how many requests it enables.

    Source: https://framework.scaledagile.com/wsjf
    """
    terms = (*_value(request, weights), *_time(request, now, weights), *_opportunity(request, weights))
    size = size_of(request, weights)
    why = "nobody estimated it" if request.complexity is None else "estimated"
    total = round(math.fsum(term.value for term in terms) / size, 4)
    return Score(total=total, terms=(*terms, _noted("job size", float(size), why, request, "complexity")))


def _noted(name: str, value: float, why: str, request: Request, noted: str) -> Term:
    """The term with what is noted of the value behind it."""
    basis, reason = request.notes.get(noted, Note("", ""))
    return Term(name, value, f"{why} ({basis}: {reason})" if basis else why, basis)


def _value(request: Request, weights: Weights) -> tuple[Term, Term]:
    factor = weights.source.get(request.source, 1.0)
    asked = min(len(set(request.requesters)) + request.votes, weights.asked_at_most)
    return (
        _noted(
            "business value",
            request.importance * weights.importance * factor,
            f"importance {request.importance}, asked by {request.source}",
            request,
            "importance",
        ),
        Term("asked", asked * weights.asked, f"asked for or voted for by {asked}"),
    )


def _time(request: Request, now: datetime, weights: Weights) -> tuple[Term, Term]:
    age = max(now - request.created, timedelta(0))
    share = min(age / weights.full_age, 1.0) if weights.full_age else 1.0
    return (
        _noted(
            "urgency", request.urgency * weights.urgency, f"urgency {request.urgency}", request, "urgency"
        ),
        Term("age", round(share * weights.age, 4), f"{age.days} days old"),
    )


def _opportunity(request: Request, weights: Weights) -> tuple[Term]:
    enables = min(len(set(request.blocks)), weights.enables_at_most)
    return (
        Term(
            "enables",
            enables * weights.enables,
            f"{enables} {'request waits' if enables == 1 else 'requests wait'} for it",
        ),
    )
