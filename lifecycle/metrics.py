"""The four DORA keys and flow figures from plain facts over a window.

Source: https://dora.dev/guides/dora-metrics-four-keys/
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

from pydantic import AwareDatetime, BaseModel, model_validator

from lifecycle.workflow import Status


class Window(BaseModel, frozen=True):
    """From `start` up to, but not with, `end`."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _lasts(self) -> "Window":
        if self.start >= self.end:
            raise ValueError("a window must end after it starts")
        return self

    def holds(self, moment: datetime) -> bool:
        """Tell whether `moment` lies in the window."""
        return self.start <= moment < self.end

    @property
    def days(self) -> float:
        """Its length in days of 24 hours."""
        return (self.end - self.start).total_seconds() / 86_400


class CommitFact(BaseModel, frozen=True):
    """A commit that a deployment brought. `sha`: 40 hex."""

    sha: str
    authored_at: AwareDatetime


class DeploymentFact(BaseModel, frozen=True):
    """One deployment of a new version; a rollback is no deployment but its `rolled_back_at`.

    `commits`: what was new since the deployment before. `rolled_back_at`: the old version served again.
    """

    version: str
    sha: str
    environment: str
    finished_at: AwareDatetime
    succeeded: bool
    rolled_back_at: AwareDatetime | None = None
    commits: tuple[CommitFact, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether somebody had to step in: it did not succeed, or it was taken back."""
        return not self.succeeded or self.rolled_back_at is not None


class FourKeys(BaseModel, frozen=True):
    """The four keys; None where the window has nothing to measure. Times are medians in seconds.

    `deployment_frequency`: successful deployments a day. `change_failure_rate`: 0..1.
    """

    deployment_frequency: float
    lead_time_for_changes_s: float | None
    change_failure_rate: float | None
    failed_deployment_recovery_time_s: float | None


def four_keys(facts: Iterable[DeploymentFact], window: Window, environment: str = "production") -> FourKeys:
    """Measure the four keys over the deployments to `environment` that finished in `window`.

    - Deployment frequency: how often a change reaches production; the successful deployments a day.
    - Lead time for changes: from a commit's authoring to its first successful deployment.
    - Change failure rate: the share of deployments that needed somebody to step in.
    - Failed deployment recovery time: from a failed deployment until it was rolled back or the next good
      one finished, whichever came first, in the window or after; one not yet recovered is not counted.

    Source: https://dora.dev/guides/dora-metrics-four-keys/
    """
    ours = sorted(
        (f for f in facts if f.environment == environment), key=lambda f: (f.finished_at, f.version)
    )
    inside = [fact for fact in ours if window.holds(fact.finished_at)]
    good = [fact for fact in inside if fact.succeeded]
    failed = [fact for fact in inside if fact.failed]
    recoveries = [_recovered_s(fact, ours) for fact in failed]
    return FourKeys(
        deployment_frequency=len(good) / window.days,
        lead_time_for_changes_s=_median(_lead_times_s(ours, window)),
        change_failure_rate=len(failed) / len(inside) if inside else None,
        failed_deployment_recovery_time_s=_median([s for s in recoveries if s is not None]),
    )


def _lead_times_s(ours: Sequence[DeploymentFact], window: Window) -> list[float]:
    """Each commit once, by the first good deployment that brought it."""
    first: dict[str, tuple[datetime, datetime]] = {}
    for fact in ours:
        if fact.succeeded:
            for commit in fact.commits:
                brought = (fact.finished_at, commit.authored_at)
                first[commit.sha] = min(brought, first.get(commit.sha, brought))
    return [(live - authored).total_seconds() for live, authored in first.values() if window.holds(live)]


def _recovered_s(failed: DeploymentFact, ours: Sequence[DeploymentFact]) -> float | None:
    ways = [f.finished_at for f in ours if not f.failed and f.finished_at > failed.finished_at]
    if failed.rolled_back_at is not None:
        ways.append(failed.rolled_back_at)
    return (min(ways) - failed.finished_at).total_seconds() if ways else None


class StatusChange(BaseModel, frozen=True):
    """An issue entered a status."""

    key: str
    status: Status
    at: AwareDatetime


def time_in_status(changes: Iterable[StatusChange]) -> dict[Status, float]:
    """Return the median seconds of a stay in each status; a stay that has not ended is not counted."""
    stays: dict[Status, list[float]] = defaultdict(list)
    present: dict[str, StatusChange] = {}
    for change in sorted(changes, key=lambda c: c.at):
        before = present.get(change.key)
        if before is not None:
            stays[before.status].append((change.at - before.at).total_seconds())
        present[change.key] = change
    return {status: median(stays[status]) for status in Status if stays[status]}


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
