"""What can happen to one release, as facts: the payloads of the ledger's `release:*` events.

A fact is never changed or taken back; a later fact may supersede it. `lifecycle.release.fold` turns
them into the release's present state. Each module has the facts of one part of a release's life.
"""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from lifecycle.events.alerts import AlertRaised, AlertReceived, AlertRecovered
from lifecycle.events.base import Fact, Sha
from lifecycle.events.candidates import (
    CandidateAsked,
    CandidateCut,
    CandidateJudged,
    CandidateRejected,
    CandidateVerified,
    NoReturnAccepted,
    Rehearsed,
    Staged,
    Unstaged,
)
from lifecycle.events.endings import Abandoned, Closed, Superseded
from lifecycle.events.feedback import FeedbackAsked, FeedbackFollowed, FeedbackGiven, FeedbackReminded
from lifecycle.events.planning import (
    Planned,
    ScopeChangeApproved,
    ScopeChangeAsked,
    ScopeChanged,
    ScopeChangeRefused,
)
from lifecycle.events.production import (
    FreezeOverridden,
    Held,
    ProductionDeployed,
    ProductionStarted,
    ReleaseTimed,
    Resumed,
    RollbackStarted,
    RolledBack,
    WatchEnded,
    WatchTicked,
)
from lifecycle.events.signing import (
    DeputyAsked,
    Returned,
    SignOffAsked,
    SignOffCarried,
    SignOffExpired,
    SignOffGiven,
    SignOffReminded,
    SignOffWithdrawn,
    StepOverridden,
    StepPassed,
)

__all__ = [
    "KINDS",
    "Abandoned",
    "AlertRaised",
    "AlertReceived",
    "AlertRecovered",
    "CandidateAsked",
    "CandidateCut",
    "CandidateJudged",
    "CandidateRejected",
    "CandidateVerified",
    "Closed",
    "DeputyAsked",
    "Fact",
    "FeedbackAsked",
    "FeedbackFollowed",
    "FeedbackGiven",
    "FeedbackReminded",
    "FreezeOverridden",
    "Held",
    "NoReturnAccepted",
    "Planned",
    "ProductionDeployed",
    "ProductionStarted",
    "Rehearsed",
    "ReleaseEvent",
    "ReleaseTimed",
    "Resumed",
    "Returned",
    "RollbackStarted",
    "RolledBack",
    "ScopeChangeApproved",
    "ScopeChangeAsked",
    "ScopeChangeRefused",
    "ScopeChanged",
    "Sha",
    "SignOffAsked",
    "SignOffCarried",
    "SignOffExpired",
    "SignOffGiven",
    "SignOffReminded",
    "SignOffWithdrawn",
    "Staged",
    "StepOverridden",
    "StepPassed",
    "Superseded",
    "Unstaged",
    "WatchEnded",
    "WatchTicked",
    "parse",
]

ReleaseEvent = Annotated[
    Planned
    | ScopeChangeAsked
    | ScopeChangeApproved
    | ScopeChangeRefused
    | ScopeChanged
    | CandidateAsked
    | CandidateCut
    | CandidateVerified
    | CandidateJudged
    | CandidateRejected
    | Staged
    | Unstaged
    | Rehearsed
    | NoReturnAccepted
    | SignOffAsked
    | SignOffReminded
    | DeputyAsked
    | SignOffExpired
    | SignOffGiven
    | SignOffWithdrawn
    | SignOffCarried
    | Returned
    | StepPassed
    | StepOverridden
    | ReleaseTimed
    | Held
    | Resumed
    | FreezeOverridden
    | ProductionStarted
    | ProductionDeployed
    | WatchTicked
    | AlertRaised
    | AlertRecovered
    | AlertReceived
    | WatchEnded
    | RollbackStarted
    | RolledBack
    | FeedbackAsked
    | FeedbackReminded
    | FeedbackGiven
    | FeedbackFollowed
    | Closed
    | Abandoned
    | Superseded,
    Field(discriminator="kind"),
]

KINDS: tuple[str, ...] = tuple(
    get_args(event.model_fields["kind"].annotation)[0] for event in get_args(get_args(ReleaseEvent)[0])
)
"""Every kind of release event, in the order of a release's life."""

_ADAPTER: TypeAdapter[ReleaseEvent] = TypeAdapter(ReleaseEvent)


def parse(data: object) -> ReleaseEvent:
    """The event behind a ledger payload; pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_python(data)
