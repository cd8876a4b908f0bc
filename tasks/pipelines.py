"""Pipelines that a release starts, and what they show. One pipeline per step of one candidate."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import task
from pydantic import BaseModel

from integrations.errors import Conflict
from integrations.gitlab.models import Deployment, Pipeline
from lifecycle.gates import ending
from lifecycle.policy import Project
from tasks.context import gitlab
from tasks.effects import RETRY, done, once

_SETTLES = timedelta(seconds=60)
"""The longest that GitLab works on one request: until then a pipeline may still come of a lost one.

A rollback does not wait for that: customers do, and to go back twice to the same tag does no harm.
"""


class Started(BaseModel):
    """A pipeline that stands."""

    pipeline_id: int
    url: str


def op_key(subject: str, step: str, number: int | str) -> str:
    """The key that the pipeline carries as its input or variable `CONVEYOR_OP`."""
    return f"{subject}:pipeline:{step}:{number}"


def started(subject: str, step: str, number: int | str) -> Started | None:
    """The pipeline of this step, if the ledger knows that it was started."""
    outcome = done(op_key(subject, step, number))
    return None if outcome is None else Started.model_validate(outcome)


@task(task_run_name="pipeline {step} {number} on {ref}", **RETRY)
def start(project_id: int, ref: str, sha: str, step: str, number: int | str, *, subject: str) -> Started:
    """Start the pipeline of `step` on tag `ref`, once: after a crash it is found by its key, not repeated.

    Raises:
        Conflict: the tag is not at `sha` (any more); nothing was started, and a person has to look.
    """
    key = op_key(subject, step, number)

    def look(intended_at: datetime) -> dict[str, object] | None:
        since = intended_at - timedelta(minutes=2)
        found = gitlab().pipelines.find(project_id, ref, sha, key, since)
        return None if found is None else _started(found)

    outcome = once(
        key,
        subject=subject,
        kind="pipeline",
        request={"ref": ref, "sha": sha, "step": step},
        look=look,
        act=lambda: _started(_start(project_id, ref, sha, step, key)),
        settles=timedelta(0) if step == "rollback" else _SETTLES,
    )
    return Started.model_validate(outcome)


def _start(project_id: int, ref: str, sha: str, step: str, key: str) -> Pipeline:
    _require_tag(project_id, ref, sha)
    inputs = gitlab().pipelines.inputs(project_id, ref)
    return gitlab().pipelines.start(project_id, ref, _variables(step), op_key=key, inputs=inputs)


def _require_tag(project_id: int, name: str, sha: str) -> None:
    """GitLab runs what the tag names at that moment, so it must still be the commit that was decided on."""
    tag = gitlab().repository.tag(project_id, name)
    if tag is None or tag.sha != sha:
        stands = f"stands at {tag.sha}" if tag else "is gone"
        raise Conflict("gitlab", "start pipeline", f"tag {name}", None, f"it {stands}, {sha} was decided on")


_TOLD = {
    "rollback": {"CONVEYOR_STEP": "production", "CONVEYOR_ROLLBACK": "true"},
    "rehearse-back": {"CONVEYOR_STEP": "staging", "CONVEYOR_ROLLBACK": "true"},
    "rehearse-forward": {"CONVEYOR_STEP": "staging"},
}
"""To roll back is to deploy an earlier tag again."""


def _variables(step: str) -> dict[str, str]:
    """What the pipeline is told."""
    return _TOLD.get(step, {"CONVEYOR_STEP": step})


def _started(pipeline: Pipeline) -> dict[str, object]:
    return {"pipeline_id": pipeline.id, "url": pipeline.web_url}


def look(project_id: int, pipeline_id: int) -> Pipeline:
    """The pipeline as it stands now."""
    return gitlab().pipelines.get(project_id, pipeline_id)


def has_ended(project: Project, pipeline: Pipeline, now: datetime) -> bool:
    """The pipeline's status is its last one: no job of it is being retried, or may still be by itself."""
    failed = pipeline.status == "failed"
    jobs = gitlab().pipelines.jobs(project.gitlab, pipeline.id) if failed else ()
    statuses = [job.status for job in jobs]
    settles = project.gates.settles_after
    return ending.has_ended(pipeline.status, statuses, pipeline.finished_at, settles, now)


def deployment_of(project_id: int, environment: str, sha: str) -> int | None:
    """The newest successful deployment of `sha` to `environment`."""
    for deployment in gitlab().environments.deployments(project_id, environment, status="success", limit=20):
        if deployment.sha == sha:
            return deployment.id
    return None


def deployed_by(project_id: int, environment: str, pipeline: Pipeline) -> Deployment | None:
    """The successful deployment of this very pipeline; the commit may have been deployed before."""
    for deployment in gitlab().environments.deployments(project_id, environment, status="success", limit=20):
        if (deployment.pipeline_id, deployment.sha) == (pipeline.id, pipeline.sha):
            return deployment
    return None


def deployed_in_s(project_id: int, environment: str, pipeline: Pipeline) -> float | None:
    """Seconds by GitLab's clock from the pipeline's start to its deployment's end; None if none succeeded."""
    deployment = deployed_by(project_id, environment, pipeline) if pipeline.status == "success" else None
    if deployment is None:
        return None
    ended = deployment.finished_at or pipeline.finished_at
    return (ended - pipeline.created_at).total_seconds() if ended and pipeline.created_at else 0.0
