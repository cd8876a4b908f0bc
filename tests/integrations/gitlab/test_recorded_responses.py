"""Answers as GitLab's versions gave them fit our models."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from integrations.gitlab import models
from integrations.gitlab.models import (
    Branch,
    ChangedFile,
    Commit,
    Comparison,
    Deployment,
    Environment,
    Hook,
    Job,
    MergeRequest,
    Pipeline,
    Release,
    Tag,
    TestSummary,
    Variable,
)
from integrations.gitlab.wire import Wire

RECORDED = Path(__file__).parents[3].parent / "shared" / "recorded" / "gitlab" / "responses"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="needs ../shared/recorded")

SHAPES: dict[str, type[Wire]] = {
    "branch": Branch,
    "branches": Branch,
    "compare_merge_request_diff": Comparison,
    "deployment": Deployment,
    "deployments": Deployment,
    "environment": Environment,
    "environments": Environment,
    "job": Job,
    "jobs": Job,
    "merge_request_changes": MergeRequest,
    "merge_request_commits": Commit,
    "merge_request_diffs": ChangedFile,
    "milestone_merge_requests": MergeRequest,
    "pipeline": Pipeline,
    "pipeline_cancel": Pipeline,
    "pipeline_create": Pipeline,
    "pipeline_jobs": Job,
    "pipeline_retry": Pipeline,
    "pipeline_test_report": TestSummary,
    "pipeline_variables": Variable,
    "pipelines": Pipeline,
    "project_commit": Commit,
    "project_commit_create": Commit,
    "project_commit_merge_requests": MergeRequest,
    "project_commits": Commit,
    "project_hook": Hook,
    "project_hooks": Hook,
    "project_release": Release,
    "project_release_with_assets": Release,
    "project_releases": Release,
    "project_tag_annotated": Tag,
    "project_tag_lightweight": Tag,
    "project_tags": Tag,
    "release_create": Release,
    "release_update": Release,
    "tag": Tag,
    "tag_create": Tag,
    "tag_create_with_description": Tag,
    "tags": Tag,
}


def load(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_bytes())


@pytest.mark.parametrize("name", ["merge_request", "merge_requests"])
def test_a_merge_request_without_a_number_is_not_guessed_at(name: str) -> None:
    answer = load(name)
    with pytest.raises(ValidationError, match="iid"):
        MergeRequest.model_validate(answer[0] if isinstance(answer, list) else answer)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_recorded_answer_is_read(name: str) -> None:
    answer = load(name)
    rows = answer if isinstance(answer, list) else [answer]
    read = [SHAPES[name].model_validate(row) for row in rows]
    assert len(read) == len(rows) > 0
    for row in read:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(row, next(iter(type(row).model_fields)), None)


def test_a_deployment_is_read_with_its_job_and_environment() -> None:
    deployment = Deployment.model_validate(load("deployment"))
    assert (deployment.id, deployment.environment, deployment.job_id) == (42, "production", 664)
    assert deployment.sha == "a91957a858320c0e17f3a0eca7cfacbff50ea29a"
    assert deployment.external_url == "https://about.gitlab.com"
    assert deployment.finished_at == datetime(2016, 8, 11, 11, 32, 35, 145000, tzinfo=UTC)


def test_a_tag_names_the_commit_and_not_itself() -> None:
    tag = Tag.model_validate(load("tag_create"))
    assert tag.sha == "3d3f9288d70f75aa55ea495a3ed5948a628fce11"
    assert tag.message == "this tag is annotated"
    assert Tag.model_validate(load("tag")).message == ""


def test_times_with_an_offset_are_utc() -> None:
    commit = Commit.model_validate(load("project_commit"))
    assert commit.authored_at == datetime(2012, 9, 20, 6, 6, 12, tzinfo=UTC)
    assert str(commit.authored_at) == "2012-09-20 06:06:12+00:00"


def test_a_report_is_read_in_numbers() -> None:
    report = TestSummary.model_validate(load("pipeline_test_report"))
    assert (report.count, report.success, report.failed, report.time_s) == (1, 1, 0, 5.0)


def test_every_model_survives_its_own_json() -> None:
    commit = Commit.model_validate(load("project_commit"))
    assert models.Commit.model_validate_json(commit.model_dump_json()) == commit
