"""The gates on the run itself: commit, status, jobs, tests and coverage; and the verdict of all."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.gates import GatePolicy, JobEvidence, PipelineEvidence, TestEvidence, judge, may_stage
from lifecycle.gates.evidence import Figure, Production
from lifecycle.gates.judging import evidence_of

SHA = "a" * 40
OTHER = "b" * 40
NOW = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
POLICY = GatePolicy(required_jobs=("unit", "lint"), minimum_tests=10, minimum_coverage=80)
GREEN = PipelineEvidence(
    sha=SHA,
    status="success",
    jobs=(JobEvidence(name="unit", status="success"), JobEvidence(name="lint", status="success")),
    tests=TestEvidence(total=12, skipped=2),
    coverage=Figure(value=80.0),
)


def reasons(policy: GatePolicy = POLICY, sha: str = SHA, **change: object) -> tuple[str, ...]:
    return may_stage(GREEN.model_copy(update=change), sha, policy, NOW).reasons


def test_a_green_pipeline_on_the_candidate_s_commit_may_be_staged() -> None:
    assert may_stage(GREEN, SHA, POLICY, NOW).allowed


def test_no_pipeline_is_a_reason_against() -> None:
    assert may_stage(None, SHA, POLICY, NOW).reasons == ("no pipeline ran for aaaaaaaa",)
    states = {result.id: result.state for result in judge(None, SHA, POLICY, NOW)}
    assert (states["commit"], states["tests"], states["sast"]) == ("fail", "fail", "not asked")


def test_each_reason_leads_to_what_the_first_gate_that_gives_it_has_seen() -> None:
    seen = GREEN.model_copy(update={"status": "failed", "url": "pipeline", "coverage": Figure()})
    results = judge(seen, SHA, POLICY, NOW)
    assert len(evidence_of(results)) == len(may_stage(seen, SHA, POLICY, NOW).reasons) > 1
    assert evidence_of(results)[0] == "pipeline"
    assert evidence_of(judge(None, SHA, POLICY, NOW)) == ("",)
    assert evidence_of(judge(GREEN, SHA, POLICY, NOW)) == ()


def test_a_pipeline_of_another_commit_is_a_reason_against() -> None:
    assert reasons(sha=OTHER) == ("the pipeline ran for aaaaaaaa, the candidate is bbbbbbbb",)


def test_two_unknown_commits_are_not_the_same_commit() -> None:
    assert reasons(sha="") == ("the pipeline ran for aaaaaaaa, the candidate is unknown",)
    empty = GREEN.model_copy(update={"sha": ""})
    assert may_stage(empty, "", POLICY, NOW).reasons == (
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
    assert reasons(coverage=Figure(value=coverage)) == (reason,)


def test_a_project_may_ask_for_no_coverage() -> None:
    assert reasons(GatePolicy(), coverage=Figure()) == ()


@pytest.mark.parametrize(
    "bad",
    [
        {"required_jobs": ["unit"], "tolerated_jobs": ["unit"]},
        {"scans": {"dast": "high"}},
        {"coverage_drop": "nan"},
        {"maximum_image_mb": 0},
        {"minimum_coverage": 101},
        {"minimum_coverage": "nan"},
        {"minimum_tests": -1},
        {"minimum_test": 1},
    ],
)
def test_a_gate_policy_that_cannot_be_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GatePolicy.model_validate(bad)


def test_only_jobs_that_the_policy_tolerates_may_fail_if_it_names_any() -> None:
    policy = POLICY.model_copy(update={"tolerated_jobs": ("docs",)})
    docs = JobEvidence(name="docs", status="failed", url="http://gitlab.example/7")
    assert reasons(policy, jobs=(*GREEN.jobs, docs), status="failed") == ()
    spelling = JobEvidence(name="spelling", status="failed", allow_failure=True)
    assert reasons(policy, jobs=(*GREEN.jobs, docs, spelling)) == ("job spelling failed",)


def test_a_failed_pipeline_needs_a_tolerated_job_that_failed() -> None:
    policy = POLICY.model_copy(update={"tolerated_jobs": ("docs",)})
    assert reasons(policy, status="failed") == ("the pipeline is failed, not success",)
    failed = JobEvidence(name="docs", status="failed")
    assert reasons(jobs=(*GREEN.jobs, failed), status="failed") == (
        "the pipeline is failed, not success",
        "job docs failed",
    )


def flaky(until: date, **change: object) -> tuple[str, ...]:
    """The reasons if one test failed which may fail until that day."""
    listed = {"name": "shop.test_cart.test_it", "until": until}
    policy = GatePolicy.model_validate({"flaky_tests": [listed]})
    tests = {"total": 12, "failed": 1, "failures": ("shop.test_cart.test_it",), **change}
    return reasons(policy, tests=TestEvidence.model_validate(tests))


def test_a_listed_flaky_test_may_fail_through_its_day() -> None:
    assert flaky(NOW.date()) == ()
    assert flaky(date(2026, 11, 20)) == (
        "1 of 12 tests failed: shop.test_cart.test_it was excused until 2026-11-20",
    )


def test_a_flaky_test_excuses_no_other_one() -> None:
    both = ("shop.test_cart.test_it", "shop.test_app.test_other")
    assert flaky(NOW.date(), failed=2, failures=both) == ("1 of 12 tests failed: shop.test_app.test_other",)
    assert flaky(NOW.date(), failed=2) == ("1 of 12 tests failed",)


def test_a_flaky_test_may_be_listed_by_its_short_name() -> None:
    policy = GatePolicy.model_validate({"flaky_tests": [{"name": "test_it", "until": NOW.date()}]})
    failed = TestEvidence(total=3, errors=1, failures=("shop.test_cart.test_it",))
    assert reasons(policy, tests=failed) == ()


def test_a_test_report_that_cannot_be_read_is_a_reason_against() -> None:
    unread = TestEvidence(total=12, problem="junit.xml: cut off")
    assert reasons(tests=unread) == ("the test report cannot be read: junit.xml: cut off",)


DROP = GatePolicy(coverage_drop=2.5)


@pytest.mark.parametrize(
    ("here", "production", "reason"),
    [
        (80.0, None, None),
        (80.0, Production(tag="1.3.0", coverage=82.5), None),
        (80.0, Production(tag="1.3.0", coverage=70.0), None),
        (
            80.0,
            Production(tag="1.3.0", coverage=82.6),
            "coverage is 80 %, in production (1.3.0) it is 82.6 %",
        ),
        (80.0, Production(tag="1.3.0"), "the coverage of 1.3.0 in production is not known"),
        (None, Production(tag="1.3.0", coverage=70.0), "there is no coverage figure"),
        (
            float("nan"),
            Production(tag="1.3.0", coverage=70.0),
            "coverage is nan %, in production (1.3.0) it is 70 %",
        ),
    ],
)
def test_coverage_may_not_fall_much_below_production_s(
    here: float | None, production: Production | None, reason: str | None
) -> None:
    found = reasons(DROP, coverage=Figure(value=here), production=production)
    assert found == ((reason,) if reason else ())


def test_a_missing_coverage_figure_is_one_reason_not_two() -> None:
    policy = GatePolicy(minimum_coverage=50, coverage_drop=1)
    production = Production(tag="1.3.0", coverage=70.0)
    assert reasons(policy, coverage=Figure(), production=production) == ("there is no coverage figure",)


def test_every_gate_leads_to_what_it_looked_at() -> None:
    jobs = tuple(job.model_copy(update={"url": f"http://gitlab.example/{job.name}"}) for job in GREEN.jobs)
    docs = JobEvidence(name="docs", status="failed", url="http://gitlab.example/docs")
    seen = GREEN.model_copy(
        update={
            "url": "http://gitlab.example/pipeline",
            "jobs": (*jobs, docs),
            "tests": TestEvidence(url="http://gitlab.example/tests"),
            "coverage": Figure(url="http://gitlab.example/coverage"),
        }
    )
    links = {
        result.id: result.url.removeprefix("http://gitlab.example/")
        for result in judge(seen, SHA, POLICY.model_copy(update={"coverage_drop": 1}), NOW)
    }
    assert links["commit"] == links["pipeline"] == "pipeline"
    assert (links["job:unit"], links["jobs"]) == ("unit", "docs")
    assert links["tests"] == links["tests-run"] == "tests"
    assert links["coverage"] == links["coverage-drop"] == "coverage"


FAULTS: dict[str, object] = {
    "status": "failed",
    "jobs": (),
    "tests": TestEvidence(),
    "coverage": Figure(value=0.0),
    "sha": OTHER,
}


@given(st.sets(st.sampled_from(sorted(FAULTS))))
def test_every_failing_rule_is_reported_and_none_else(faults: set[str]) -> None:
    evidence = GREEN.model_copy(update={fault: FAULTS[fault] for fault in faults})
    found = may_stage(evidence, SHA, POLICY, NOW).reasons
    assert len(found) == len(faults) + ("jobs" in faults)  # two required jobs
    assert (not found) is (not faults)
