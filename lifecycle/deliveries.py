"""From a release's history to the facts that DORA's keys are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lifecycle import events as e
from lifecycle.metrics import CommitFact, DeploymentFact


def deployments(history: Iterable[tuple[datetime, e.ReleaseEvent]]) -> tuple[DeploymentFact, ...]:
    """The production deployments of one release, each with what it brought and whether it was taken back.

    One that failed on its way and had to be taken back is a deployment that did not succeed.
    """
    version, sha = "", ""
    commits: tuple[CommitFact, ...] = ()
    found: dict[int, DeploymentFact] = {}
    for at, event in history:
        match event:
            case e.Planned():
                version = event.version
            case e.CandidateCut():
                sha, commits = event.sha, event.commits
            case e.ProductionDeployed():
                found[event.attempt] = _deployment(version, sha, event.at, commits, succeeded=True)
            case e.RollbackStarted() if event.attempt not in found:
                found[event.attempt] = _deployment(version, sha, at, commits, succeeded=False)
            case e.RolledBack():
                taken_back = {"rolled_back_at": event.at}
                found[event.attempt] = found[event.attempt].model_copy(update=taken_back)
            case _:
                pass
    return tuple(found.values())


def _deployment(
    version: str, sha: str, at: datetime, commits: tuple[CommitFact, ...], *, succeeded: bool
) -> DeploymentFact:
    return DeploymentFact(
        version=version,
        sha=sha,
        environment="production",
        finished_at=at,
        succeeded=succeeded,
        commits=commits,
    )
