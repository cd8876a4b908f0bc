"""Pipelines that really run, found again by our key, and what they leave behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.errors import Conflict, NotFound, Refused, Transient
from integrations.gitlab import GitLabClient
from integrations.gitlab.models import Job, Pipeline
from tests.integrations.gitlab.world import P, World


def job_of(world: World, pipeline: Pipeline, name: str) -> Job:
    return next(job for job in world.gitlab.pipelines.jobs(P, pipeline.id) if job.name == name)


@pytest.fixture(scope="module")
def finished(running_world: World) -> Pipeline:
    """A pipeline whose tests are through and whose deployment waits for a person."""
    running_world.forget()
    started = running_world.gitlab.pipelines.start(P, "main", {"COLOR": "blue"}, op_key="finished")
    return running_world.pipeline("success", "manual", pipeline_id=started.id)


def test_what_does_not_exist_is_not_found(gitlab: GitLabClient) -> None:
    for ask in (gitlab.pipelines.get, gitlab.pipelines.job, gitlab.pipelines.trace):
        with pytest.raises(NotFound):
            ask(P, 999_999)


def test_a_pipeline_on_a_ref_that_is_not_there_is_refused(gitlab: GitLabClient) -> None:
    with pytest.raises(Refused):
        gitlab.pipelines.start(P, "no/such", {}, op_key="k")


def test_a_pipeline_carries_our_variables_and_our_key(
    world: World, gitlab: GitLabClient, finished: Pipeline
) -> None:
    assert gitlab.pipelines.variables(P, finished.id) == {"COLOR": "blue", "CONVEYOR_OP": "finished"}
    assert (finished.sha, finished.ref, finished.source) == (world.head(), "main", "api")
    assert finished.yaml_errors == ""
    assert finished.coverage == 87.5
    assert finished.created_at is not None
    assert finished.web_url


def test_a_pipeline_whose_start_was_lost_is_found_by_its_key_and_no_other(
    world: World, gitlab: GitLabClient
) -> None:
    sha, before = world.head(), datetime.now(UTC)
    world.fault("POST /pipeline", "drop_after")
    with pytest.raises(Transient):
        gitlab.pipelines.start(P, "main", {}, op_key="lost")
    gitlab.pipelines.start(P, "main", {}, op_key="newer")
    assert len(world.requests()) == 2
    found = gitlab.pipelines.find(P, "main", sha, "lost", before)
    assert found is not None
    assert gitlab.pipelines.variables(P, found.id)["CONVEYOR_OP"] == "lost"
    again = gitlab.pipelines.find(P, "main", None, "lost", None)
    assert again is not None
    assert again.id == found.id
    assert gitlab.pipelines.find(P, "main", sha, "never", before) is None
    assert gitlab.pipelines.find(P, "main", "f" * 40, "lost", before) is None
    assert gitlab.pipelines.find(P, "main", sha, "lost", before + timedelta(hours=1)) is None


def test_a_start_that_was_cut_off_before_it_happened_left_nothing(world: World, gitlab: GitLabClient) -> None:
    world.fault("POST /pipeline", "drop_before")
    with pytest.raises(Transient):
        gitlab.pipelines.start(P, "main", {}, op_key="never-began")
    assert gitlab.pipelines.find(P, "main", world.head(), "never-began", None) is None


def test_pipelines_are_listed_newest_first(world: World, gitlab: GitLabClient, finished: Pipeline) -> None:
    newer = gitlab.pipelines.start(P, "main", {}, op_key="newest")
    ids = [each.id for each in gitlab.pipelines.list(P, ref="main", sha=world.head(), source="api")]
    assert ids == sorted(ids, reverse=True)
    assert ids.index(newer.id) < ids.index(finished.id)
    assert gitlab.pipelines.list(P, ref="no/such") == ()
    assert gitlab.pipelines.list(P, source="push") == ()


def test_a_job_leaves_its_log_its_coverage_and_its_artifacts(
    world: World, gitlab: GitLabClient, finished: Pipeline
) -> None:
    job = job_of(world, finished, "unit")
    assert (job.status, job.stage, job.coverage, job.pipeline_id) == ("success", "test", 87.5, finished.id)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.duration_s is not None
    assert gitlab.pipelines.job(P, job.id) == job
    trace = gitlab.pipelines.trace(P, job.id)
    assert "total 87.5%" in trace
    assert trace.endswith(gitlab.pipelines.trace(P, job.id, max_bytes=20)[-10:])
    report = gitlab.pipelines.artifact(P, job.id, "reports/junit.xml", 10_000)
    assert report is not None
    assert b"<testsuites>" in report
    assert gitlab.pipelines.artifact(P, job.id, "reports/other.xml", 10_000) is None
    with pytest.raises(Refused, match="longer than"):
        gitlab.pipelines.artifact(P, job.id, "reports/junit.xml", 10)


def test_the_reports_add_up(gitlab: GitLabClient, finished: Pipeline) -> None:
    summary = gitlab.pipelines.test_summary(P, finished.id)
    assert (summary.count, summary.success, summary.failed, summary.skipped) == (3, 1, 1, 1)
    assert summary.time_s == pytest.approx(1.5)


def test_a_manual_job_is_played_once_and_makes_a_deployment(
    world: World, gitlab: GitLabClient, finished: Pipeline
) -> None:
    manual = job_of(world, finished, "deploy")
    assert manual.status == "manual"
    played, again = (gitlab.pipelines.play_job(P, manual.id) for _ in range(2))
    assert [played.changed, again.changed] == [True, False]
    assert len([path for path in world.requests() if path.endswith("/play")]) == 1
    world.pipeline("success", pipeline_id=finished.id)
    (deployment,) = gitlab.environments.deployments(P, "staging", status="success", limit=1)
    assert (deployment.job_id, deployment.pipeline_id) == (manual.id, finished.id)
    assert (deployment.sha, deployment.ref, deployment.tag) == (finished.sha, "main", False)
    assert (deployment.environment, deployment.external_url) == ("staging", "http://127.0.0.1:1/")
    assert deployment.finished_at is not None
    assert gitlab.environments.deployment(P, deployment.id).status == "success"
    assert [each.name for each in gitlab.environments.list(P)] == ["staging"]


def test_deployments_come_newest_first_and_as_many_as_asked(world: World, gitlab: GitLabClient) -> None:
    for number in range(3):
        started = gitlab.pipelines.start(P, "main", {}, op_key=f"deploy-{number}")
        world.pipeline("success", "manual", pipeline_id=started.id)
        gitlab.pipelines.play_job(P, job_of(world, started, "deploy").id)
        world.pipeline("success", pipeline_id=started.id)
    ids = [each.id for each in gitlab.environments.deployments(P, "staging")]
    assert ids == sorted(ids, reverse=True)
    assert [each.id for each in gitlab.environments.deployments(P, "staging", limit=2)] == ids[:2]
    assert gitlab.environments.deployments(P, "production") == ()
    assert gitlab.environments.deployments(P, "staging", status="failed") == ()


def test_a_job_whose_turn_it_is_not_is_not_played(world: World, gitlab: GitLabClient) -> None:
    started = gitlab.pipelines.start(P, "main", {"SLOW": "yes"}, op_key="slow")
    with pytest.raises(Conflict):
        gitlab.pipelines.play_job(P, job_of(world, started, "deploy").id)
    canceled, again = (gitlab.pipelines.cancel(P, started.id) for _ in range(2))
    assert canceled.changed
    assert world.pipeline("canceled", pipeline_id=started.id).id == again.id
    assert not gitlab.pipelines.cancel(P, started.id).changed


def test_a_failed_job_is_retried_once_however_often_it_is_asked(world: World, gitlab: GitLabClient) -> None:
    started = gitlab.pipelines.start(P, "main", {"FAIL": "yes"}, op_key="fails")
    assert world.pipeline("failed", pipeline_id=started.id).status == "failed"
    job = job_of(world, started, "unit")
    assert (job.status, job.failure_reason) == ("failed", "script_failure")
    retried, again = (gitlab.pipelines.retry_job(P, job.id) for _ in range(2))
    assert [retried.changed, again.changed] == [True, False]
    assert retried.id == again.id != job.id
    names = [each.name for each in gitlab.pipelines.jobs(P, started.id, include_retried=True)]
    assert names.count("unit") == 2


def test_a_failed_pipeline_is_retried_and_a_good_one_left_alone(
    world: World, gitlab: GitLabClient, finished: Pipeline
) -> None:
    started = gitlab.pipelines.start(P, "main", {"FAIL": "yes"}, op_key="fails-again")
    world.pipeline("failed", pipeline_id=started.id)
    assert gitlab.pipelines.retry(P, started.id).changed
    world.pipeline("failed", pipeline_id=started.id)
    assert not gitlab.pipelines.retry(P, finished.id).changed


def test_a_configuration_with_mistakes_says_so(world: World, gitlab: GitLabClient) -> None:
    branch = world.name()
    change = {"action": "update", "file_path": ".gitlab-ci.yml", "content": "job: {skript: [x]}\n"}
    world.write(
        "/repository/commits", branch=branch, start_branch="main", commit_message="x", actions=[change]
    )
    with pytest.raises(Refused, match="job"):
        gitlab.pipelines.start(P, branch, {}, op_key="bad")
