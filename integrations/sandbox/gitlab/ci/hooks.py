"""The bodies of pipeline, job and deployment webhooks.

Source: https://docs.gitlab.com/user/project/integrations/webhook_events/ — the job event's
`object_kind` is "build" and its `commit.id` is the pipeline's id, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.sandbox.gitlab.ci.model import Deployment, Environment, Job, Pipeline
from integrations.sandbox.gitlab.ci.predefined import slug
from integrations.sandbox.gitlab.ci.status import label

RUNNER: Mapping[str, object] = {
    "id": 1,
    "description": "sandbox shell runner",
    "runner_type": "instance_type",
    "active": True,
    "is_shared": True,
    "tags": [],
}
_OF_MERGE_REQUEST = (
    "id",
    "iid",
    "title",
    "source_branch",
    "source_project_id",
    "target_branch",
    "target_project_id",
    "state",
    "merge_status",
    "detailed_merge_status",
    "url",
)


@dataclass(frozen=True)
class ProjectFacts:
    """What every event says of the project."""

    id: int
    path: str
    web_url: str
    default_branch: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    def described(self) -> dict[str, object]:
        """The event's `project`."""
        return {
            "id": self.id,
            "name": self.name,
            "description": None,
            "web_url": self.web_url,
            "avatar_url": None,
            "git_ssh_url": None,
            "git_http_url": f"{self.web_url}.git",
            "namespace": self.path.rpartition("/")[0],
            "visibility_level": 0,
            "path_with_namespace": self.path,
            "default_branch": self.default_branch,
            "ci_config_path": None,
            "homepage": self.web_url,
            "url": None,
            "ssh_url": None,
            "http_url": f"{self.web_url}.git",
        }


def pipeline_event(project: ProjectFacts, pipeline: Pipeline) -> dict[str, object]:
    """A pipeline's new status, with all its jobs."""
    finished, started = pipeline.finished_at, pipeline.started_at
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": pipeline.id,
            "iid": pipeline.iid,
            "name": pipeline.name,
            "ref": _short_ref(pipeline),
            "tag": pipeline.tag,
            "sha": pipeline.sha,
            "before_sha": pipeline.before_sha,
            "source": pipeline.source,
            "status": pipeline.status,
            "detailed_status": label(pipeline.status),
            "stages": list(pipeline.stages),
            "created_at": _time(pipeline.created_at),
            "finished_at": _time(finished),
            "duration": round((finished - started).total_seconds()) if finished and started else None,
            "queued_duration": round((started - pipeline.created_at).total_seconds()) if started else None,
            "protected_ref": pipeline.protected,
            "variables": [{"key": key, "value": value} for key, value in pipeline.variables.items()],
            "url": f"{project.web_url}/-/pipelines/{pipeline.id}",
        },
        "merge_request": _merge_request(pipeline),
        "user": _user(pipeline.user),
        "project": project.described(),
        "commit": _commit(pipeline.commit),
        "builds": [_build(job) for job in pipeline.latest()],
    }


def job_event(project: ProjectFacts, job: Job) -> dict[str, object]:
    """A job's new status."""
    pipeline = job.pipeline
    commit = pipeline.commit
    return {
        "object_kind": "build",
        "ref": _short_ref(pipeline),
        "tag": pipeline.tag,
        "before_sha": pipeline.before_sha,
        "sha": pipeline.sha,
        "retries_count": job.attempt,
        "build_id": job.id,
        "build_name": job.name,
        "build_stage": job.spec.stage,
        "build_status": job.status,
        "build_created_at": _time(job.created_at),
        "build_started_at": _time(job.started_at),
        "build_finished_at": _time(job.finished_at),
        "build_duration": job.duration_s,
        "build_queued_duration": job.queued_s,
        "build_allow_failure": job.allow_failure,
        "build_failure_reason": job.failure_reason or "unknown_failure",
        "pipeline_id": pipeline.id,
        "project_id": project.id,
        "project_name": f"{project.path.rpartition('/')[0]} / {project.name}",
        "runner": dict(RUNNER) if job.started_at else None,
        "user": _user(job.user),
        "commit": {
            "id": pipeline.id,
            "name": pipeline.name,
            "sha": pipeline.sha,
            "message": commit.get("message"),
            "author_name": commit.get("author_name"),
            "author_email": commit.get("author_email"),
            "author_url": None,
            "status": pipeline.status,
            "duration": None,
            "started_at": _time(pipeline.started_at),
            "finished_at": _time(pipeline.finished_at),
        },
        "repository": {
            "name": project.name,
            "url": None,
            "description": None,
            "homepage": project.web_url,
            "git_http_url": f"{project.web_url}.git",
            "git_ssh_url": None,
            "visibility_level": 0,
        },
        "project": project.described(),
        "environment": _environment(job),
        "source_pipeline": None,
    }


def deployment_event(project: ProjectFacts, deployment: Deployment) -> dict[str, object]:
    """A deployment's new status. It names the commit by its first eight characters only, as GitLab does."""
    job, environment = deployment.job, deployment.environment
    return {
        "object_kind": "deployment",
        "status": deployment.status,
        "status_changed_at": deployment.updated_at.strftime("%Y-%m-%d %H:%M:%S +0000"),
        "deployment_id": deployment.id,
        "deployable_id": job.id if job else None,
        "deployable_url": f"{project.web_url}/-/jobs/{job.id}" if job else None,
        "environment": environment.name,
        "environment_tier": environment.tier,
        "environment_slug": slug(environment.name),
        "environment_external_url": environment.external_url,
        "project": project.described(),
        "short_sha": deployment.sha[:8],
        "user": _user(deployment.user),
        "user_url": deployment.user.get("web_url"),
        "commit_url": f"{project.web_url}/-/commit/{deployment.sha}",
        "commit_title": deployment.commit.get("title"),
        "ref": deployment.ref,
    }


def _build(job: Job) -> dict[str, object]:
    archive = next((item for item in job.artifacts if item.file_type == "archive"), None)
    return {
        "id": job.id,
        "stage": job.spec.stage,
        "name": job.name,
        "status": job.status,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "duration": job.duration_s,
        "queued_duration": job.queued_s,
        "failure_reason": job.failure_reason,
        "when": job.when,
        "manual": job.when == "manual",
        "allow_failure": job.allow_failure,
        "user": _user(job.user),
        "runner": dict(RUNNER) if job.started_at else None,
        "artifacts_file": {
            "filename": archive.filename if archive else None,
            "size": archive.size if archive else None,
        },
        "environment": _environment(job),
    }


def _environment(job: Job) -> dict[str, object] | None:
    environment: Environment | None = job.environment
    spec = job.spec.environment
    if environment is None or spec is None:
        return None
    return {"name": environment.name, "action": spec.action, "deployment_tier": environment.tier}


def _short_ref(pipeline: Pipeline) -> object:
    """Events name a merge request's source branch where the API names `refs/merge-requests/...`."""
    about = pipeline.merge_request
    return pipeline.ref if about is None else about.get("source_branch", pipeline.ref)


def _merge_request(pipeline: Pipeline) -> dict[str, object] | None:
    about = pipeline.merge_request
    return None if about is None else {key: about.get(key) for key in _OF_MERGE_REQUEST}


def _user(user: Mapping[str, object]) -> dict[str, object]:
    """GitLab hides the e-mail address here."""
    named = {key: user.get(key) for key in ("id", "name", "username", "avatar_url")}
    return {**named, "email": "[REDACTED]"}


def _commit(commit: Mapping[str, object]) -> dict[str, object]:
    return {
        "id": commit.get("id"),
        "message": commit.get("message"),
        "title": commit.get("title"),
        "timestamp": commit.get("committed_date"),
        "url": commit.get("web_url"),
        "author": {"name": commit.get("author_name"), "email": commit.get("author_email")},
    }


def _time(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else None
