import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.gates import GatePolicy, JobEvidence, PipelineEvidence, TestEvidence, may_stage

SHA = "a" * 40
OTHER = "b" * 40
POLICY = GatePolicy(required_jobs=("unit", "lint"), minimum_tests=10, minimum_coverage=80)
GREEN = PipelineEvidence(
    sha=SHA,
    status="success",
    jobs=(JobEvidence(name="unit", status="success"), JobEvidence(name="lint", status="success")),
    tests=TestEvidence(total=12, skipped=2),
    coverage=80.0,
)


def reasons(policy: GatePolicy = POLICY, sha: str = SHA, **change: object) -> tuple[str, ...]:
    return may_stage(GREEN.model_copy(update=change), sha, policy).reasons


def test_a_green_pipeline_on_the_candidate_s_commit_may_be_staged() -> None:
    assert may_stage(GREEN, SHA, POLICY).allowed


def test_no_pipeline_is_a_reason_against() -> None:
    assert may_stage(None, SHA, POLICY).reasons == ("no pipeline ran for aaaaaaaa",)


def test_a_pipeline_of_another_commit_is_a_reason_against() -> None:
    assert reasons(sha=OTHER) == ("the pipeline ran for aaaaaaaa, the candidate is bbbbbbbb",)


def test_two_unknown_commits_are_not_the_same_commit() -> None:
    assert reasons(sha="") == ("the pipeline ran for aaaaaaaa, the candidate is unknown",)
    empty = GREEN.model_copy(update={"sha": ""})
    assert may_stage(empty, "", POLICY).reasons == (
        "the pipeline ran for no commit, the candidate is unknown",
    )


@pytest.mark.parametrize("status", ["failed", "running", "manual", "skipped", "canceled", "Success"])
def test_only_success_is_success(status: str) -> None:
    assert reasons(status=status) == (f"the pipeline is {status}, not success",)


def test_a_pipeline_without_a_status_is_not_success() -> None:
    assert reasons(status="") == ("the pipeline is without a status, not success",)


def test_a_required_job_that_did_not_run_is_a_reason_against() -> None:
    assert reasons(jobs=GREEN.jobs[:1]) == ("required job lint did not run",)


@pytest.mark.parametrize("status", ["failed", "manual", "skipped", "canceled"])
def test_a_required_job_must_succeed_even_if_gitlab_tolerates_it(status: str) -> None:
    lint = JobEvidence(name="lint", status=status, allow_failure=True)
    assert reasons(jobs=(GREEN.jobs[0], lint)) == (f"required job lint is {status}",)


def test_every_copy_of_a_parallel_required_job_must_succeed() -> None:
    assert reasons(jobs=(*GREEN.jobs, JobEvidence(name="unit", status="failed"))) == (
        "required job unit is failed",
    )


def test_a_job_nobody_asked_for_may_fail_only_if_gitlab_tolerates_it() -> None:
    strict = JobEvidence(name="docs", status="failed")
    tolerated = JobEvidence(name="spelling", status="failed", allow_failure=True)
    assert reasons(jobs=(*GREEN.jobs, strict, tolerated)) == ("job docs failed",)


def test_no_tests_are_no_report_and_not_a_pass() -> None:
    assert reasons(tests=TestEvidence()) == ("there is no test report",)
    assert reasons(tests=TestEvidence(total=12, skipped=12)) == ("there is no test report",)


def test_fewer_tests_than_agreed_are_a_reason_against() -> None:
    assert reasons(tests=TestEvidence(total=12, skipped=3)) == ("9 tests ran, 10 are required",)


def test_failed_tests_and_errors_are_counted_together() -> None:
    assert reasons(tests=TestEvidence(total=12, failed=1, errors=2)) == ("3 of 12 tests failed",)


def test_a_project_may_ask_for_no_tests() -> None:
    assert reasons(GatePolicy(minimum_tests=0), tests=TestEvidence()) == ()


@pytest.mark.parametrize(
    ("coverage", "reason"),
    [
        (None, "there is no coverage figure"),
        (79.99, "coverage is 79.99 %, 80 % is required"),
        (float("nan"), "coverage is nan %, 80 % is required"),
    ],
)
def test_too_little_coverage_is_a_reason_against(coverage: float | None, reason: str) -> None:
    assert reasons(coverage=coverage) == (reason,)


def test_a_project_may_ask_for_no_coverage() -> None:
    assert reasons(GatePolicy(), coverage=None) == ()


@pytest.mark.parametrize(
    "bad",
    [{"minimum_coverage": 101}, {"minimum_coverage": "nan"}, {"minimum_tests": -1}, {"minimum_test": 1}],
)
def test_a_gate_policy_that_cannot_be_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GatePolicy.model_validate(bad)


FAULTS: dict[str, object] = {
    "status": "failed",
    "jobs": (),
    "tests": TestEvidence(),
    "coverage": 0.0,
    "sha": OTHER,
}


@given(st.sets(st.sampled_from(sorted(FAULTS))))
def test_every_failing_rule_is_reported_and_none_else(faults: set[str]) -> None:
    evidence = GREEN.model_copy(update={fault: FAULTS[fault] for fault in faults})
    found = may_stage(evidence, SHA, POLICY).reasons
    assert len(found) == len(faults) + ("jobs" in faults)  # two required jobs
    assert (not found) is (not faults)
