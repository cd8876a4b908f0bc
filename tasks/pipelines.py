"""Pipelines that a release starts, and what they show. One pipeline per step of one candidate."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import task
from pydantic import BaseModel

from integrations.gitlab.models import Pipeline
from lifecycle.gates import ending
from lifecycle.policy import Project
from tasks.context import gitlab
from tasks.effects import RETRY, done, once


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


@task(task_run_name="pipeline {step} on {ref}", **RETRY)
def start(project_id: int, ref: str, sha: str, step: str, number: int | str, *, subject: str) -> Started:
    """Start the pipeline of `step` on tag `ref`, once: after a crash it is found by its key, not repeated."""
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
        act=lambda: _started(_start(project_id, ref, step, key)),
    )
    return Started.model_validate(outcome)


def _start(project_id: int, ref: str, step: str, key: str) -> Pipeline:
    inputs = gitlab().pipelines.inputs(project_id, ref)
    return gitlab().pipelines.start(project_id, ref, _variables(step), op_key=key, inputs=inputs)


def _variables(step: str) -> dict[str, str]:
    """What the pipeline is told: to roll back is to deploy an earlier tag to production again."""
    if step == "rollback":
        return {"CONVEYOR_STEP": "production", "CONVEYOR_ROLLBACK": "true"}
    return {"CONVEYOR_STEP": step}


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
