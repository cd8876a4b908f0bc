"""The weekly review: what was proposed, what people decided line by line, and when it may be closed.

The facts are those of the ledger's `review:{project}:{week}` streams.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from lifecycle.events import Fact
from lifecycle.planning import Decided, Decision, PlanLine, ReleasePlan, apply_decisions
from lifecycle.planning import may_close as plan_may_close
from lifecycle.policy import Policy
from lifecycle.requests import opaque
from lifecycle.review_agenda import Agenda
from lifecycle.verdict import Verdict

DEFERRED_SHOWN = 400
"""So many deferred lines can be decided besides the accepted ones, the best first; of the others only the
number. A meeting decides no more, and every look at the review reads them all."""

DEFERRED_TOLD = 10
"""So many requests that only the machine deferred are told why: the others would be told so every week."""


def stream(project: str, week: str) -> str:
    """The review's stream in the ledger, such as `review:shop:2026-W42`."""
    return f"review:{project}:{week}"


_FINAL = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def next_version(taken: Iterable[str]) -> str:
    """The next minor version after the highest `X.Y.Z` among `taken`; other names are not looked at."""
    found = [tuple(map(int, match.groups())) for name in taken if (match := _FINAL.fullmatch(name))]
    major, minor, _ = max(found, default=(0, 0, 0))
    return f"{major}.{minor + 1}.0"


class Proposed(Fact, frozen=True):
    """What the review starts from. `proposal` is its opaque id, and the first part of each line's.

    `plan` holds the accepted lines and the first deferred ones; `open` counts all open requests.
    """

    identity = ("proposal",)
    kind: Literal["Proposed"] = "Proposed"
    proposal: str
    plan: ReleasePlan
    open: int
    asked_by: dict[str, str] = Field(default_factory=dict, description="issue -> source and requesters")
    due: datetime
    agenda: Agenda = Agenda()

    def key(self, stream: str) -> str:  # noqa: ARG002 - the id is unique among all streams
        """`Proposed:{proposal}`, so that whoever holds a line's id finds the stream."""
        return f"{self.kind}:{self.proposal}"


class LineDecided(Fact, frozen=True):
    """`person` decided one line; `round` counts the decisions of that line."""

    identity = ("line", "round")
    kind: Literal["LineDecided"] = "LineDecided"
    line: str
    round: int
    issue: str
    decision: Decision
    reason: str
    person: str
    door: str


class ReviewReminded(Fact, frozen=True):
    """It is late: `person`, who holds a role that nobody has taken part in, is reminded.

    `person` is "" where every role has taken part and the review only has to be closed.
    """

    identity = ("person",)
    kind: Literal["ReviewReminded"] = "ReviewReminded"
    person: str


class ReviewDeputyAsked(Fact, frozen=True):
    """`deputy` may take part in the place of `person`."""

    identity = ("person",)
    kind: Literal["ReviewDeputyAsked"] = "ReviewDeputyAsked"
    person: str
    deputy: str


class ReviewClosed(Fact, frozen=True):
    """`person` closed the review: the plan stands as it is."""

    kind: Literal["ReviewClosed"] = "ReviewClosed"
    person: str
    door: str


class PlanWritten(Fact, frozen=True):
    """What `PlanClosed` was called before it said where the plan is shown; told in old ledgers only."""

    kind: Literal["PlanWritten"] = "PlanWritten"
    version: str
    plan_hash: str = ""
    issues: tuple[str, ...] = ()


class PlanClosed(Fact, frozen=True):
    """The plan is shown everywhere, and its release was started; `version` is "" if nothing was accepted.

    `wiki` and `milestone` are addresses, "" where there is none; `left_out` says what could not be written,
    and why.
    """

    kind: Literal["PlanClosed"] = "PlanClosed"
    version: str
    plan_hash: str = ""
    issues: tuple[str, ...] = ()
    wiki: str = ""
    milestone: str = ""
    left_out: tuple[str, ...] = ()


ReviewEvent = Annotated[
    Proposed | LineDecided | ReviewReminded | ReviewDeputyAsked | ReviewClosed | PlanWritten | PlanClosed,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[ReviewEvent] = TypeAdapter(ReviewEvent)


def parse(data: object) -> ReviewEvent:
    """The event behind a ledger payload; pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_python(data)


class Review(BaseModel, frozen=True):
    """What the events of one review add up to."""

    proposed: Proposed | None = None
    decided: tuple[LineDecided, ...] = ()
    reminded: tuple[ReviewReminded, ...] = ()
    deputies: tuple[ReviewDeputyAsked, ...] = ()
    closed: ReviewClosed | None = None
    written: PlanWritten | PlanClosed | None = None

    @property
    def plan(self) -> ReleasePlan:
        """The proposal with people's latest decisions over it.

        Raises:
            ValueError: nothing was proposed yet.
        """
        if self.proposed is None:
            raise ValueError("nothing was proposed yet")
        latest = {d.issue: Decided(d.decision, d.reason, d.person) for d in self.decided}
        return apply_decisions(self.proposed.plan, latest)

    def latest(self, line: str) -> LineDecided | None:
        """The last decision of that line."""
        return next((d for d in reversed(self.decided) if d.line == line), None)

    def issue_of(self, line: str) -> str | None:
        """The issue behind a line's id, None if this review has no such line."""
        if self.proposed is None:
            return None
        lines = self.proposed.plan.lines
        return next((x.key for x in lines if line_id(self.proposed.proposal, x.key) == line), None)


def fold(events: Iterable[ReviewEvent]) -> Review:
    """The review after all `events`, in order; the first proposal stands."""
    review = Review()
    for event in events:
        match event:
            case Proposed():
                change = {"proposed": review.proposed or event}
            case LineDecided():
                change = {"decided": (*review.decided, event)}
            case ReviewReminded():
                change = {"reminded": (*review.reminded, event)}
            case ReviewDeputyAsked():
                change = {"deputies": (*review.deputies, event)}
            case ReviewClosed():
                change = {"closed": event}
            case _:
                change = {"written": event}
        review = review.model_copy(update=change)
    return review


def line_id(proposal: str, issue: str) -> str:
    """The opaque id of one line: what its buttons carry."""
    return f"{proposal}.{opaque(proposal, issue)}"


def proposal_of(line: str) -> str:
    """The proposal that a line's id belongs to."""
    return line.partition(".")[0]


def abridged(plan: ReleasePlan) -> ReleasePlan:
    """The plan with all accepted lines and only the first deferred ones."""
    deferred = [line.key for line in plan.lines if not line.accepted][:DEFERRED_SHOWN]
    kept = tuple(line for line in plan.lines if line.accepted or line.key in deferred)
    return plan.model_copy(update={"lines": kept})


def missing_roles(review: Review, policy: Policy, closer: str = "") -> tuple[str, ...]:
    """The roles that have to take part and did not: by deciding a line, or by closing.

    A deputy who was asked takes part as whom they stand in for.
    """
    took_part = {*(d.person for d in review.decided), closer}
    voices = {*took_part, *(asked.person for asked in review.deputies if _acts(policy, asked, took_part))}
    people = [policy.person(id) for id in voices if id]  # noqa: A001
    roles = {role for person in people if person and person.active for role in person.roles}
    return tuple(role for role in policy.review.roles if role not in roles)


def _acts(policy: Policy, asked: ReviewDeputyAsked, took_part: Collection[str]) -> bool:
    """The deputy took part, is still somebody, and may still stand in for that person."""
    deputy, person = policy.person(asked.deputy), policy.person(asked.person)
    named = person is not None and person.deputy == asked.deputy
    return named and deputy is not None and deputy.active and asked.deputy in took_part


def may_close(review: Review, policy: Policy, closer: str, obstacles: Sequence[str] = ()) -> Verdict:
    """Decide whether `closer` may close: every role took part, and the plan can be carried out.

    `obstacles` are those that only Jira and the backlog know of at this moment.
    """
    if review.proposed is None:
        return Verdict(reasons=("nothing was proposed yet",))
    missing = [f"nobody has taken part as {role}" for role in missing_roles(review, policy, closer)]
    return Verdict(reasons=(*missing, *plan_may_close(review.plan).reasons, *obstacles))


def put_off(plan: ReleasePlan) -> Sequence[PlanLine]:
    """The deferred lines of which their issues are told: a person's, and the first of the machine's."""
    deferred = [line for line in plan.lines if line.decision is Decision.DEFER]
    by_machine = [line.key for line in deferred if not line.person][:DEFERRED_TOLD]
    return [line for line in deferred if line.person or line.key in by_machine]
