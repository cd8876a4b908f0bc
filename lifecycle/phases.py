"""The phases of one release, and which event may follow in which phase.

`TRANSITIONS` is the whole rule; docs/release-phases.md is generated from it. A hold is no phase: a held
release stays where it is and takes no step towards production until a person resumes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    """Where one release stands."""

    PLANNED = "Planned"
    VERIFYING = "Verifying"
    STAGING = "Staging"
    SIGN_OFF = "Sign-off"
    REWORK = "Rework"
    PRODUCTION = "Production"
    WATCHING = "Watching"
    ROLLING_BACK = "Rolling back"
    ROLLED_BACK = "Rolled back"
    FEEDBACK = "Feedback"
    CLOSED = "Closed"
    ABANDONED = "Abandoned"
    SUPERSEDED = "Superseded"

    @property
    def terminal(self) -> bool:
        """It is over: Conveyor does nothing more by itself. Only a rollback leads out of Closed."""
        return self in (Phase.CLOSED, Phase.ABANDONED, Phase.SUPERSEDED)


_BEFORE_PRODUCTION = (
    "CandidateAsked",
    "ReleaseTimed",
    "ScopeChangeAsked",
    "ScopeChangeApproved",
    "ScopeChangeRefused",
    "FreezeOverridden",
)
"""What people may do until production has started, wherever the release stands."""


_ALERTS = ("AlertRaised", "AlertRecovered", "AlertReceived")
"""What is told of the watch, also after the tick that ended it."""


def _table() -> dict[tuple[Phase, str], Phase]:
    p = Phase
    rows: dict[Phase, dict[str, Phase]] = {
        p.PLANNED: {"CandidateCut": p.VERIFYING, "Abandoned": p.ABANDONED},
        p.VERIFYING: {
            "SignOffWithdrawn": p.VERIFYING,
            "CandidateVerified": p.STAGING,
            "CandidateRejected": p.REWORK,
            "CandidateCut": p.VERIFYING,
            "Abandoned": p.ABANDONED,
        },
        p.STAGING: {
            "SignOffWithdrawn": p.STAGING,
            "Staged": p.SIGN_OFF,
            "CandidateRejected": p.REWORK,
            "CandidateCut": p.VERIFYING,
            "Abandoned": p.ABANDONED,
        },
        p.SIGN_OFF: {
            "CandidateJudged": p.SIGN_OFF,
            "Unstaged": p.STAGING,
            "Rehearsed": p.SIGN_OFF,
            "NoReturnAccepted": p.SIGN_OFF,
            "CandidateRejected": p.REWORK,
            "SignOffAsked": p.SIGN_OFF,
            "SignOffReminded": p.SIGN_OFF,
            "DeputyAsked": p.SIGN_OFF,
            "SignOffExpired": p.SIGN_OFF,
            "StepOverridden": p.SIGN_OFF,
            "SignOffCarried": p.SIGN_OFF,
            "SignOffGiven": p.SIGN_OFF,
            "SignOffWithdrawn": p.SIGN_OFF,
            "StepPassed": p.SIGN_OFF,
            "Returned": p.REWORK,
            "CandidateCut": p.VERIFYING,
            "ProductionStarted": p.PRODUCTION,
            "Abandoned": p.ABANDONED,
        },
        # The other issues of a returned candidate go on being tested: their sign-offs may carry.
        p.REWORK: {
            "Unstaged": p.REWORK,
            "SignOffGiven": p.REWORK,
            "SignOffWithdrawn": p.REWORK,
            "Returned": p.REWORK,
            "CandidateCut": p.VERIFYING,
            "Abandoned": p.ABANDONED,
        },
        p.PRODUCTION: {"ProductionDeployed": p.WATCHING, "RollbackStarted": p.ROLLING_BACK},
        p.WATCHING: {
            "WatchTicked": p.WATCHING,
            "WatchEnded": p.FEEDBACK,
            "RollbackStarted": p.ROLLING_BACK,
        },
        p.ROLLING_BACK: {"RolledBack": p.ROLLED_BACK},
        p.ROLLED_BACK: {
            "CandidateJudged": p.ROLLED_BACK,
            "FreezeOverridden": p.ROLLED_BACK,
            "ProductionStarted": p.PRODUCTION,
            "Superseded": p.SUPERSEDED,
            "Abandoned": p.ABANDONED,
        },
        p.FEEDBACK: {
            "FeedbackAsked": p.FEEDBACK,
            "FeedbackReminded": p.FEEDBACK,
            "FeedbackGiven": p.FEEDBACK,
            "FeedbackFollowed": p.FEEDBACK,
            "RollbackStarted": p.ROLLING_BACK,
            "Closed": p.CLOSED,
        },
        # Production may serve it for months yet, and then it can be taken back.
        p.CLOSED: {
            "FeedbackGiven": p.CLOSED,
            "FeedbackFollowed": p.CLOSED,
            "RollbackStarted": p.ROLLING_BACK,
        },
    }
    table = {(phase, kind): after for phase, row in rows.items() for kind, after in row.items()}
    for phase in (p.WATCHING, p.ROLLING_BACK, p.ROLLED_BACK, p.FEEDBACK):
        table |= {(phase, kind): phase for kind in _ALERTS}
    for phase in Phase:
        if not phase.terminal:
            table |= {(phase, "Held"): phase, (phase, "Resumed"): phase}
    for phase in (p.PLANNED, p.VERIFYING, p.STAGING, p.SIGN_OFF, p.REWORK):
        table |= {(phase, kind): phase for kind in _BEFORE_PRODUCTION}
        # A candidate of the plan before the change is never shipped: the next one is asked about anew.
        table[phase, "ScopeChanged"] = phase if phase is p.PLANNED else p.REWORK
    return table


TRANSITIONS: Mapping[tuple[Phase, str], Phase] = _table()
"""(phase, kind of event) -> the phase after it; a pair that is not here is illegal.

`Planned` is legal only as a release's first event.
"""

FORBIDDEN_WHILE_HELD = frozenset(
    {"CandidateCut", "SignOffExpired", "StepPassed", "ProductionStarted", "Closed"}
)
"""The steps towards the customer that Conveyor takes by itself; what people do stays possible."""


class IllegalEvent(Exception):
    """The event cannot follow: the caller looks at the release again and decides anew."""

    def __init__(self, phase: str, kind: str, why: str = "") -> None:
        super().__init__(phase, kind, why)
        self.phase = phase
        self.kind = kind
        self.why = why

    def __str__(self) -> str:
        return f"{self.kind} cannot happen in {self.phase}" + (f": {self.why}" if self.why else "")
