"""Pipelines that a release starts, and what they show. One pipeline per step of one candidate."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect import task
from pydantic import BaseModel

from integrations.errors import Conflict
from integrations.gitlab.models import Deployment, Pipeline
from lifecycle.gates import JobEvidence, PipelineEvidence, TestEvidence
from tasks.context import gitlab
from tasks.effects import RETRY, done, once

FINISHED = frozenset({"success", "failed", "canceled", "skipped"})


class Started(BaseModel):
    """A pipeline that stands."""

    pipeline_id: int
    url: str


def op_key(subject: str, step: str, number: int) -> str:
    """The key that the pipeline carries as its variable `CONVEYOR_OP`."""
    return f"{subject}:pipeline:{step}:{number}"


def started(subject: str, step: str, number: int) -> Started | None:
    """The pipeline of this step, if the ledger knows that it was started."""
    outcome = done(op_key(subject, step, number))
    return None if outcome is None else Started.model_validate(outcome)


@task(task_run_name="pipeline {step} on {ref}", **RETRY)
def start(project_id: int, ref: str, sha: str, step: str, number: int, *, subject: str) -> Started:
    """Start the pipeline of `step` on tag `ref`, once: after a crash it is found by its key, not repeated.

    Raises:
        Conflict: the tag is not at `sha` (any more); nothing was started, and a person has to look.
    """
    key = op_key(subject, step, number)

    def look(intended_at: datetime) -> dict[str, object] | None:
        since = intended_at - timedelta(minutes=2)
        found = gitlab().pipelines.find(project_id, ref, sha, key, since)
        return None if found is None else _started(found)

    def act() -> dict[str, object]:
        _require_tag(project_id, ref, sha)
        return _started(gitlab().pipelines.start(project_id, ref, _variables(step), op_key=key))

    outcome = once(
        key,
        subject=subject,
        kind="pipeline",
        request={"ref": ref, "sha": sha, "step": step},
        look=look,
        act=act,
    )
    return Started.model_validate(outcome)


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


@task(task_run_name="evidence of pipeline {pipeline_id}", **RETRY)
def evidence(project_id: int, pipeline_id: int) -> PipelineEvidence:
    """What the pipeline shows for the gates. Reads only."""
    pipeline = gitlab().pipelines.get(project_id, pipeline_id)
    tests = gitlab().pipelines.test_summary(project_id, pipeline_id)
    return PipelineEvidence(
        sha=pipeline.sha,
        status=pipeline.status,
        jobs=tuple(
            JobEvidence(name=job.name, status=job.status, allow_failure=job.allow_failure)
            for job in gitlab().pipelines.jobs(project_id, pipeline_id)
        ),
        tests=TestEvidence(total=tests.count, failed=tests.failed, errors=tests.error, skipped=tests.skipped),
        coverage=pipeline.coverage,
    )


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
