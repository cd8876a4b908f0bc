"""Who was asked to sign a candidate, and what they said."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from lifecycle.events.base import Fact, Sha


class SignOffAsked(Fact, frozen=True):
    """People were asked to sign; `request` is the opaque id that a button carries.

    What is signed is fixed here: step, issue (or None for all), commit, plan and environment.
    """

    identity = ("request",)
    kind: Literal["SignOffAsked"] = "SignOffAsked"
    request: str
    step: str
    number: int
    issue: str | None
    sha: Sha
    plan_hash: str
    environment: str
    due: AwareDatetime


class SignOffReminded(Fact, frozen=True):
    """`person` was reminded of what still waits for them at `step`: once per `rung` of the ladder."""

    identity = ("number", "step", "rung", "person")
    kind: Literal["SignOffReminded"] = "SignOffReminded"
    step: str
    number: int
    rung: int
    person: str


class DeputyAsked(Fact, frozen=True):
    """`person` has not signed in time: `deputy` may sign `step` in their place, as one and the same voice."""

    identity = ("number", "step", "person")
    kind: Literal["DeputyAsked"] = "DeputyAsked"
    step: str
    number: int
    person: str
    deputy: str


class SignOffExpired(Fact, frozen=True):
    """`request` was not signed in time: it can no longer be, and a new candidate has to be asked about."""

    identity = ("request",)
    kind: Literal["SignOffExpired"] = "SignOffExpired"
    request: str


class SignOffGiven(Fact, frozen=True):
    """`person` signed in `role`; `round` counts up after a withdrawal.

    `instead_of` is whose deputy signed: the two count as one.
    """

    identity = ("request", "role", "person", "round")
    kind: Literal["SignOffGiven"] = "SignOffGiven"
    request: str
    role: str
    person: str
    round: int = 1
    door: str
    comment: str = ""
    instead_of: str | None = None


class SignOffWithdrawn(Fact, frozen=True):
    """`person` took back the signature of that round."""

    identity = ("request", "role", "person", "round")
    kind: Literal["SignOffWithdrawn"] = "SignOffWithdrawn"
    request: str
    role: str
    person: str
    round: int
    reason: str = ""


class SignOffCarried(Fact, frozen=True):
    """An issue's signatures count for a new commit too: its own change is the same in both.

    `from_request` was signed for `from_sha`; `request` asks the same for `to_sha`. Equal digests are
    the proof, so both stand here.
    """

    identity = ("request", "from_request")
    kind: Literal["SignOffCarried"] = "SignOffCarried"
    request: str
    from_request: str
    step: str
    issue: str
    from_sha: Sha
    to_sha: Sha
    from_digest: str
    to_digest: str


class Returned(Fact, frozen=True):
    """A signer sent the release (or one issue of it) back for rework, and said why."""

    identity = ("request",)
    kind: Literal["Returned"] = "Returned"
    request: str
    step: str
    issue: str | None
    person: str
    reason: str = Field(min_length=1)
    door: str


class StepPassed(Fact, frozen=True):
    """Every required signature of `step` stands for candidate `number`."""

    identity = ("number", "step")
    kind: Literal["StepPassed"] = "StepPassed"
    step: str
    number: int


class StepOverridden(Fact, frozen=True):
    """Break-glass: `person`, who may by the policy, lets candidate `number` past `step` unsigned."""

    identity = ("number", "step")
    kind: Literal["StepOverridden"] = "StepOverridden"
    step: str
    number: int
    person: str
    role: str
    reason: str = Field(min_length=1)
    door: str
