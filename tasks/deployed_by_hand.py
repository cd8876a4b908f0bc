"""Deployments past Conveyor: found by comparing GitLab's newest ones with the pipelines we started."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import task

from integrations.gitlab.models import Deployment
from integrations.ledger import Effect
from lifecycle import occupancy
from lifecycle.occupancy import DeployedByHand
from lifecycle.policy import Project
from tasks import posts, release_messages
from tasks.context import gitlab, ledger, policy
from tasks.effects import RETRY
from tasks.reconciling import Difference
from tasks.walk import new_events

ENVIRONMENTS = ("staging", "production")
"""Those that releases are deployed to; the others are the developers' own."""


def find() -> list[Difference]:
    """Environments that serve what nobody told Conveyor to deploy, and of which nothing was said yet."""
    found: list[Difference] = []
    for project in policy().projects:
        for environment in ENVIRONMENTS:
            newest = _by_hand(project, environment)
            subject = occupancy.stream(project.id, environment)
            if newest is not None and posts.posted(_key(subject, newest.id)) is None:
                text = f"{subject}: deployment {newest.id} of {newest.sha[:8]} is not Conveyor's"
                found.append(Difference(subject, text, "by-hand"))
    return found


@task(task_run_name="tell of a deployment by hand to {subject}", **RETRY)
def tell(subject: str) -> None:
    """Record the environment's newest deployment, and tell the channel once; nothing if it is ours."""
    _, project_id, environment = subject.split(":", 2)
    project = policy().project(project_id)
    newest = _by_hand(project, environment)
    if newest is None:
        return
    fact = DeployedByHand(
        deployment_id=newest.id,
        sha=newest.sha,
        ref=newest.ref,
        gitlab_user=newest.user_id,
        pipeline_id=newest.pipeline_id,
    )
    ledger().append(subject, new_events(subject, [fact]), now=datetime.now(UTC))
    who = policy().by_gitlab(newest.user_id) if newest.user_id else None
    headline = f"{project.name}: {environment} was deployed past Conveyor"
    lines = [
        f"`{newest.ref}` (`{newest.sha[:8]}`) by {who.name if who else 'somebody not in the people file'}",
        "Releases do not go out from a staging that serves something else; nobody watches what was put into "
        "production by hand.",
    ]
    content = release_messages.news("✋", headline, lines, newest.finished_at)
    posts.post.fn(headline, project.channel, content, _key(subject, newest.id), subject=subject)


def _key(subject: str, deployment_id: int) -> str:
    return f"{subject}:by-hand:{deployment_id}"


def _by_hand(project: Project, environment: str) -> Deployment | None:
    """The newest deployment that succeeded, if not ours; None also while a pipeline of ours is uncertain.

    A job of an older pipeline of ours that somebody runs again (GitLab's button *Re-deploy*) is theirs. What
    was there before the first of ours belongs to the time before Conveyor.
    """
    ours = _pipelines(project.id)
    if any(effect.state != "done" and effect.state != "not_done" for effect in ours):
        return None
    ids = {int(str(effect.outcome["pipeline_id"])) for effect in ours if effect.state == "done"}
    steps = {"production": ("production", "rollback")}.get(environment, (environment,))
    if not any(effect.request.get("step") in steps for effect in ours):
        return None
    found = gitlab().environments.deployments(project.gitlab, environment, limit=20)
    newest = next((each for each in found if each.status == "success"), None)
    if newest is None or (newest.pipeline_id in ids and not _again(newest, found, ids)):
        return None
    return newest


def _again(newest: Deployment, found: Sequence[Deployment], ids: set[int]) -> bool:
    """A pipeline of ours that is younger than this one's deployed before it did."""
    mine = newest.pipeline_id or 0
    return any(
        each.id < newest.id and each.pipeline_id in ids and (each.pipeline_id or 0) > mine for each in found
    )


def _pipelines(project_id: str) -> list[Effect]:
    mine = f"release:{project_id}:"
    return [effect for effect in ledger().effects(kind="pipeline") if effect.subject.startswith(mine)]
