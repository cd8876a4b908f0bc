"""When a release may go out, its way to production, the watch and the way back."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from lifecycle.events.base import Fact, Sha
from lifecycle.readings import Reading
from lifecycle.watch import Firing, Observation


class ReleaseTimed(Fact, frozen=True):
    """`person` set when the release goes out once it is approved; `at` None takes an earlier time back.

    `round` counts up; the last one counts. `wall` is what they said, in their zone.
    """

    identity = ("round",)
    kind: Literal["ReleaseTimed"] = "ReleaseTimed"
    round: int
    person: str
    at: AwareDatetime | None
    wall: str = ""


class Held(Fact, frozen=True):
    """Somebody (after a rollback Conveyor itself: person None) stopped the release where it is.

    `round` counts the release's holds.
    """

    identity = ("round",)
    kind: Literal["Held"] = "Held"
    round: int
    person: str | None
    reason: str


class Resumed(Fact, frozen=True):
    """A person released the hold of that `round`."""

    identity = ("round",)
    kind: Literal["Resumed"] = "Resumed"
    round: int
    person: str
    reason: str = ""


class FreezeOverridden(Fact, frozen=True):
    """`person`, as `role`, lets this hotfix out in a freeze: its attempt `attempt`, and no later one."""

    identity = ("attempt",)
    kind: Literal["FreezeOverridden"] = "FreezeOverridden"
    attempt: int
    person: str
    role: str
    reason: str = Field(min_length=1)


class ProductionStarted(Fact, frozen=True):
    """The one decision to go to production; from here a sign-off can no longer be withdrawn."""

    identity = ("attempt",)
    kind: Literal["ProductionStarted"] = "ProductionStarted"
    number: int
    tag: str
    sha: Sha
    attempt: int = 1
    previous_tag: str | None = None
    previous_sha: Sha | None = None


class ProductionDeployed(Fact, frozen=True):
    """Production serves the release."""

    identity = ("attempt",)
    kind: Literal["ProductionDeployed"] = "ProductionDeployed"
    attempt: int = 1
    sha: Sha
    url: str
    pipeline_id: int
    deployment_id: int | None = None
    at: AwareDatetime


class WatchTicked(Fact, frozen=True):
    """One look at production: tick `tick`, with what each probe saw and each metric gave.

    Ticks are numbered by the clock. `missed`: so many before this one were due while nobody looked.
    `firing` are the alerts of Alertmanager's that the policy lets count.
    """

    identity = ("attempt", "tick")
    kind: Literal["WatchTicked"] = "WatchTicked"
    attempt: int = 1
    tick: int
    at: AwareDatetime
    observations: tuple[Observation, ...]
    readings: tuple[Reading, ...] = ()
    missed: int = 0
    firing: tuple[Firing, ...] = ()


class WatchEnded(Fact, frozen=True):
    """The watch is over and production stays; `inconclusive`: it saw too little to say healthy.

    `unhealthy` only where there is no earlier version to go back to.
    """

    identity = ("attempt",)
    kind: Literal["WatchEnded"] = "WatchEnded"
    attempt: int = 1
    verdict: Literal["healthy", "inconclusive", "unhealthy"]
    reasons: tuple[str, ...] = ()


class RollbackStarted(Fact, frozen=True):
    """Production goes back to `to_tag`: by the watch (person None) or by a person.

    `also` are the issues of releases between that are taken back along with this one; `unsafe` is what
    spoke against it and was forced.
    """

    identity = ("attempt",)
    kind: Literal["RollbackStarted"] = "RollbackStarted"
    person: str | None
    reasons: tuple[str, ...] = Field(min_length=1)
    to_tag: str
    to_sha: Sha
    attempt: int = 1
    also: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()


class RolledBack(Fact, frozen=True):
    """Production serves the earlier version again.

    `took_s`: seconds by our clock from `noticed_at`, the tick that showed the fault or the decision, to
    `at`, when the probes of the watch had answered (`seen`).
    """

    identity = ("attempt",)
    kind: Literal["RolledBack"] = "RolledBack"
    attempt: int = 1
    to_sha: Sha
    pipeline_id: int
    incident: str | None = None
    at: AwareDatetime
    took_s: float | None = None
    noticed_at: AwareDatetime | None = None
    seen: tuple[Observation, ...] = ()
