"""GitLab's predefined variables. Source: https://docs.gitlab.com/ci/variables/predefined_variables/"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from integrations.sandbox.gitlab.ci.model import Job, Pipeline
from integrations.sandbox.gitlab.host import CiHost


def slug(name: str) -> str:
    """Lower case, 63 characters at most, everything but letters and digits a dash."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:63].strip("-")


def pipeline_variables(host: CiHost, pipeline: Pipeline, default_branch: str) -> dict[str, str]:
    """Those that rules can look at already."""
    branch = _branch(pipeline)
    values = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER": "yes",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_URL": host.api_url.removesuffix("/api/v4"),
        "CI_API_V4_URL": host.api_url,
        "CI_PROJECT_ID": str(host.project_id),
        "CI_PROJECT_NAME": host.path.rpartition("/")[2],
        "CI_PROJECT_NAMESPACE": host.path.rpartition("/")[0],
        "CI_PROJECT_PATH": host.path,
        "CI_PROJECT_PATH_SLUG": slug(host.path),
        "CI_PROJECT_URL": host.web_url,
        "CI_DEFAULT_BRANCH": default_branch,
        "CI_COMMIT_SHA": pipeline.sha,
        "CI_COMMIT_SHORT_SHA": pipeline.sha[:8],
        "CI_COMMIT_BEFORE_SHA": pipeline.before_sha,
        "CI_COMMIT_REF_NAME": branch or pipeline.ref,
        "CI_COMMIT_REF_SLUG": slug(branch or pipeline.ref),
        "CI_COMMIT_REF_PROTECTED": str(pipeline.protected).lower(),
        "CI_COMMIT_MESSAGE": str(pipeline.commit.get("message", "")),
        "CI_COMMIT_TITLE": str(pipeline.commit.get("title", "")),
        "CI_COMMIT_TIMESTAMP": str(pipeline.commit.get("committed_date", "")),
        "CI_PIPELINE_ID": str(pipeline.id),
        "CI_PIPELINE_IID": str(pipeline.iid),
        "CI_PIPELINE_SOURCE": pipeline.source,
        "CI_PIPELINE_URL": f"{host.web_url}/-/pipelines/{pipeline.id}",
        "CI_PIPELINE_CREATED_AT": pipeline.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "GITLAB_USER_ID": str(pipeline.user.get("id", "")),
        "GITLAB_USER_LOGIN": str(pipeline.user.get("username", "")),
        "GITLAB_USER_NAME": str(pipeline.user.get("name", "")),
        "GITLAB_USER_EMAIL": str(pipeline.user.get("email", "")),
    }
    if pipeline.tag:
        values["CI_COMMIT_TAG"] = pipeline.ref
    elif pipeline.merge_request is None:
        values["CI_COMMIT_BRANCH"] = pipeline.ref
    return values | _merge_request(pipeline)


def _branch(pipeline: Pipeline) -> str | None:
    merge_request = pipeline.merge_request
    return None if merge_request is None else str(merge_request.get("source_branch", ""))


def _merge_request(pipeline: Pipeline) -> dict[str, str]:
    about = pipeline.merge_request
    if about is None:
        return {}
    return {
        "CI_MERGE_REQUEST_ID": str(about.get("id", "")),
        "CI_MERGE_REQUEST_IID": str(about.get("iid", "")),
        "CI_MERGE_REQUEST_TITLE": str(about.get("title", "")),
        "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
        "CI_MERGE_REQUEST_LABELS": ",".join(_titles(about.get("labels"))),
        "CI_MERGE_REQUEST_REF_PATH": pipeline.ref,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": str(about.get("source_branch", "")),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": str(about.get("target_branch", "")),
    }


def _titles(labels: object) -> list[str]:
    rows = cast("list[Mapping[str, object]]", labels) if isinstance(labels, list) else []
    return [str(row.get("title", "")) for row in rows]


def job_variables(host: CiHost, job: Job, directory: Path, token: str) -> Mapping[str, str]:
    """Those that only a running job has."""
    values = {
        "CI_JOB_ID": str(job.id),
        "CI_JOB_NAME": job.name,
        "CI_JOB_NAME_SLUG": slug(job.name),
        "CI_JOB_STAGE": job.spec.stage,
        "CI_JOB_STATUS": "running",
        "CI_JOB_STARTED_AT": job.started_at.strftime("%Y-%m-%dT%H:%M:%SZ") if job.started_at else "",
        "CI_JOB_TOKEN": token,
        "CI_JOB_URL": f"{host.web_url}/-/jobs/{job.id}",
        "CI_PROJECT_DIR": str(directory),
        "CI_BUILDS_DIR": str(directory.parent),
        "CI_NODE_TOTAL": "1",
        "GITLAB_USER_ID": str(job.user.get("id", "")),
        "GITLAB_USER_LOGIN": str(job.user.get("username", "")),
        "GITLAB_USER_NAME": str(job.user.get("name", "")),
    }
    if job.when == "manual":
        values["CI_JOB_MANUAL"] = "true"
    environment, spec = job.environment, job.spec.environment
    if environment is not None and spec is not None:
        values["CI_ENVIRONMENT_NAME"] = environment.name
        values["CI_ENVIRONMENT_SLUG"] = slug(environment.name)
        values["CI_ENVIRONMENT_TIER"] = environment.tier
        values["CI_ENVIRONMENT_ACTION"] = spec.action
    return values
