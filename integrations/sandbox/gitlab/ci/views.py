"""The API's objects. Shapes: `API_Entities_Ci_*` and `API_Entities_Deployment*` of GitLab's OpenAPI."""

from __future__ import annotations

from datetime import datetime

from integrations.sandbox.gitlab.ci.hooks import RUNNER, ProjectFacts
from integrations.sandbox.gitlab.ci.model import Artifact, Deployment, Environment, Job, Pipeline
from integrations.sandbox.gitlab.ci.predefined import slug
from integrations.sandbox.gitlab.ci.reports import Suite, totals
from integrations.sandbox.gitlab.ci.status import detailed

View = dict[str, object]

_RUNNER = {key: value for key, value in RUNNER.items() if key != "tags"}


def moment(value: datetime | None) -> str | None:
    """Milliseconds and Z, as GitLab writes times."""
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z" if value else None


class Views:
    """The views of one project's objects."""

    def __init__(self, project: ProjectFacts) -> None:
        self._project = project

    def pipeline_basic(self, pipeline: Pipeline) -> View:
        """As in lists and within a job."""
        return {
            "id": pipeline.id,
            "iid": pipeline.iid,
            "project_id": self._project.id,
            "sha": pipeline.sha,
            "ref": pipeline.ref,
            "status": pipeline.status,
            "source": pipeline.source,
            "created_at": moment(pipeline.created_at),
            "updated_at": moment(pipeline.updated_at),
            "web_url": f"{self._project.web_url}/-/pipelines/{pipeline.id}",
            "name": pipeline.name,
        }

    def pipeline(self, pipeline: Pipeline) -> View:
        """In full."""
        finished, started = pipeline.finished_at, pipeline.started_at
        path = f"/{self._project.path}/-/pipelines/{pipeline.id}"
        coverage = pipeline.coverage()
        return {
            **self.pipeline_basic(pipeline),
            "before_sha": pipeline.before_sha,
            "tag": pipeline.tag,
            "yaml_errors": pipeline.yaml_errors,
            "user": dict(pipeline.user),
            "started_at": moment(started),
            "finished_at": moment(finished),
            "committed_at": None,
            "duration": round((finished - started).total_seconds()) if finished and started else None,
            "queued_duration": round((started - pipeline.created_at).total_seconds()) if started else None,
            "coverage": None if coverage is None else f"{coverage:.2f}",
            "archived": False,
            "detailed_status": detailed(pipeline.status, path),
        }

    def job(self, job: Job) -> View:
        """In full."""
        archive = next((item for item in job.artifacts if item.file_type == "archive"), None)
        return {
            "id": job.id,
            "status": job.status,
            "stage": job.spec.stage,
            "name": job.name,
            "ref": job.pipeline.ref,
            "tag": job.pipeline.tag,
            "coverage": job.coverage,
            "allow_failure": job.allow_failure,
            "created_at": moment(job.created_at),
            "started_at": moment(job.started_at),
            "finished_at": moment(job.finished_at),
            "erased_at": None,
            "duration": job.duration_s,
            "queued_duration": job.queued_s,
            "user": dict(job.user),
            "commit": dict(job.pipeline.commit),
            "pipeline": self.pipeline_basic(job.pipeline),
            **({"failure_reason": job.failure_reason} if job.failure_reason else {}),
            "web_url": f"{self._project.web_url}/-/jobs/{job.id}",
            "project": {"ci_job_token_scope_enabled": False},
            **({"artifacts_file": {"filename": archive.filename, "size": archive.size}} if archive else {}),
            "artifacts": [_artifact(item) for item in job.artifacts],
            "runner": _RUNNER if job.started_at else None,
            "runner_manager": None,
            "artifacts_expire_at": moment(job.artifacts_expire_at),
            "archived": False,
            "tag_list": list(job.spec.tags),
        }

    def environment(self, environment: Environment, last: Deployment | None) -> View:
        """In full, with the last deployment that succeeded."""
        return {
            **self.environment_basic(environment),
            "tier": environment.tier,
            "state": environment.state,
            "auto_stop_at": moment(environment.auto_stop_at),
            "description": None,
            "last_deployment": None if last is None else self.deployment(last),
        }

    def environment_basic(self, environment: Environment) -> View:
        """As within a deployment."""
        return {
            "id": environment.id,
            "name": environment.name,
            "slug": slug(environment.name),
            "external_url": environment.external_url,
            "created_at": moment(environment.created_at),
            "updated_at": moment(environment.updated_at),
        }

    def deployment(self, deployment: Deployment) -> View:
        """In full."""
        return {
            "id": deployment.id,
            "iid": deployment.iid,
            "ref": deployment.ref,
            "sha": deployment.sha,
            "created_at": moment(deployment.created_at),
            "updated_at": moment(deployment.updated_at),
            "finished_at": moment(deployment.finished_at),
            "user": dict(deployment.user),
            "environment": self.environment_basic(deployment.environment),
            "deployable": None if deployment.job is None else self.job(deployment.job),
            "status": deployment.status,
        }


def _artifact(artifact: Artifact) -> View:
    return {
        "file_type": artifact.file_type,
        "size": artifact.size,
        "filename": artifact.filename,
        "file_format": artifact.file_format,
    }


def test_report(suites: list[Suite]) -> View:
    """Every test case."""
    total = totals(suites)
    return {
        "total_time": total["time"],
        "total_count": total["count"],
        "success_count": total["success"],
        "failed_count": total["failed"],
        "skipped_count": total["skipped"],
        "error_count": total["error"],
        "test_suites": [{**_suite(suite), "test_cases": _cases(suite)} for suite in suites],
    }


def test_report_summary(suites: list[Suite]) -> View:
    """The numbers alone; a `count` of 0 means that no job reported a test."""
    return {
        "total": totals(suites),
        "test_suites": [{**_suite(suite), "build_ids": list(suite.build_ids)} for suite in suites],
    }


def _suite(suite: Suite) -> View:
    return {
        "name": suite.name,
        "total_time": suite.time_s,
        "total_count": suite.count(),
        "success_count": suite.count("success"),
        "failed_count": suite.count("failed"),
        "skipped_count": suite.count("skipped"),
        "error_count": suite.count("error"),
        "suite_error": suite.error,
    }


def _cases(suite: Suite) -> list[View]:
    return [
        {
            "status": case.status,
            "name": case.name,
            "classname": case.classname,
            "file": case.file,
            "execution_time": case.time_s,
            "system_output": case.output,
            "stack_trace": None,
            "recent_failures": None,
        }
        for case in suite.cases
    ]
