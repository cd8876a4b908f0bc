"""Who has an environment: the release that is on it, and what people locked.

The facts are those of the ledger's `environment:{project}:{name}` stream: one stream, so that one
compare-and-set keeps two releases from taking an environment at the same moment. Giving it back is no
fact: a release has staging for as long as its own history says that it needs it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from lifecycle.events import Fact, Sha
from lifecycle.phases import Phase
from lifecycle.release import Release
from lifecycle.verdict import Verdict

LOCKERS = ("release", "devops", "manager", "management")
"""Roles that may lock and unlock an environment."""
DECIDING = timedelta(minutes=5)
"""So long a release that took production, and has not started yet, is not disturbed."""


class Taken(Fact, frozen=True):
    """Candidate `number` of the release (its stream) is to be deployed here; `round` counts the takings.

    `instead_of` is the release that had it and has to come back, "" if it was free; `attempt` the release's
    next one at production.
    """

    identity = ("round",)
    kind: Literal["Taken"] = "Taken"
    round: int
    release: str
    number: int
    sha: Sha
    at: AwareDatetime
    attempt: int = 1
    instead_of: str = ""


class Locked(Fact, frozen=True):
    """`person` keeps deployments away, until somebody unlocks it or until `until`; rollbacks go on."""

    identity = ("round",)
    kind: Literal["Locked"] = "Locked"
    round: int
    person: str
    reason: str = Field(min_length=1)
    until: AwareDatetime | None = None


class Unlocked(Fact, frozen=True):
    """`person` took the lock of that `round` away."""

    identity = ("round",)
    kind: Literal["Unlocked"] = "Unlocked"
    round: int
    person: str


class DeployedByHand(Fact, frozen=True):
    """Somebody deployed past Conveyor: GitLab's deployment `deployment_id`."""

    identity = ("deployment_id",)
    kind: Literal["DeployedByHand"] = "DeployedByHand"
    deployment_id: int
    sha: str
    ref: str = ""
    gitlab_user: int | None = None
    pipeline_id: int | None = None


OccupancyEvent = Annotated[Taken | Locked | Unlocked | DeployedByHand, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[OccupancyEvent] = TypeAdapter(OccupancyEvent)


class Occupancy(BaseModel, frozen=True):
    """What the events of one environment add up to."""

    taken: Taken | None = None
    lock: Locked | None = None
    locks: int = 0
    by_hand: tuple[DeployedByHand, ...] = ()

    def locked(self, now: datetime) -> Locked | None:
        """The lock that is in force at `now` (aware)."""
        lock = self.lock
        return lock if lock and (lock.until is None or now < lock.until) else None


def stream(project: str, environment: str) -> str:
    """The environment's stream in the ledger, such as `environment:shop:staging`."""
    return f"environment:{project}:{environment}"


def fold(payloads: Iterable[object]) -> Occupancy:
    """The environment after all of these, in order."""
    state = Occupancy()
    for payload in payloads:
        state = _after(state, _ADAPTER.validate_python(payload))
    return state


def _after(state: Occupancy, event: OccupancyEvent) -> Occupancy:
    match event:
        case Taken():
            return state.model_copy(update={"taken": event})
        case Locked():
            return state.model_copy(update={"lock": event, "locks": event.round})
        case Unlocked():
            return state.model_copy(update={"lock": None})
        case _:
            return state.model_copy(update={"by_hand": (*state.by_hand, event)})


def needs(environment: str, taken: Taken, holder: Release | None, now: datetime) -> bool:
    """Whether the release that took `environment` still has it.

    Staging: until the candidate it came with goes to production, is replaced or is given up; while it is
    reworked the issues that were not returned go on being tested there. Production: while it is deployed
    to or rolled back.
    """
    if holder is None or holder.candidate is None or holder.candidate.number != taken.number:
        return False
    if environment == "production":
        undecided = holder.attempt < taken.attempt and holder.phase in (Phase.SIGN_OFF, Phase.ROLLED_BACK)
        deciding = undecided and now < taken.at + DECIDING
        return deciding or holder.phase in (Phase.PRODUCTION, Phase.ROLLING_BACK)
    tested = holder.phase is Phase.REWORK and holder.staged is not None
    return tested or holder.phase in (Phase.STAGING, Phase.SIGN_OFF)


def may_take(
    environment: str, state: Occupancy, release: Release, holder: Release | None, now: datetime
) -> Verdict:
    """Whether `release` may deploy to `environment` now; `holder` is the release that took it last, if any.

    A hotfix takes staging from a regular release, which comes back when the hotfix is out.
    """
    lock = state.locked(now)
    if lock is not None:
        reason = f"{environment} is locked by {lock.person}: {lock.reason}"
        return Verdict(reasons=(reason,), until=lock.until)
    taken = state.taken
    if taken is None or holder is None or not needs(environment, taken, holder, now):
        return Verdict()
    urgent = release.plan.release_kind == "hotfix" and holder.plan.release_kind != "hotfix"
    if holder.plan.version == release.plan.version or (environment != "production" and urgent):
        return Verdict()
    return Verdict(reasons=(f"{environment} is taken by {holder.plan.version}",))
