"""What a pipeline must show before its commit is staged. A missing report fails closed."""

from collections.abc import Iterator

from pydantic import BaseModel, Field

from lifecycle.verdict import Verdict


class JobEvidence(BaseModel, frozen=True):
    """One job, its latest try. `status` is GitLab's word, e.g. `success`, `failed`, `manual`."""

    name: str
    status: str
    allow_failure: bool = False


class TestEvidence(BaseModel, frozen=True):
    """The pipeline's test report added up."""

    __test__ = False  # pytest: a fact about tests, not a test

    total: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
    errors: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)

    @property
    def ran(self) -> int:
        """Tests that were really run."""
        return max(0, self.total - self.skipped)


class PipelineEvidence(BaseModel, frozen=True):
    """What GitLab says of a finished pipeline. `sha`: 40 hex; `coverage`: percent, None if not reported."""

    sha: str
    status: str
    jobs: tuple[JobEvidence, ...] = ()
    tests: TestEvidence = TestEvidence()
    coverage: float | None = None


class GatePolicy(BaseModel, frozen=True, extra="forbid"):
    """What a candidate must show. `minimum_coverage`: percent; 0 asks for no coverage."""

    required_jobs: tuple[str, ...] = ()
    minimum_tests: int = Field(default=1, ge=0)
    minimum_coverage: float = Field(default=0.0, ge=0, le=100, allow_inf_nan=False)


def may_stage(evidence: PipelineEvidence | None, sha: str, policy: GatePolicy) -> Verdict:
    """Decide whether the candidate `sha` (40 hex) may be deployed to staging.

    Every failing rule is reported, not only the first. No pipeline, no report and no figure are reasons
    against, never for. A job may only fail if GitLab tolerates it and the policy does not require it.
    """
    if evidence is None:
        return Verdict(reasons=(f"no pipeline ran for {sha[:8]}",))
    return Verdict(
        reasons=(
            *_commit(evidence, sha),
            *_status(evidence),
            *_jobs(evidence, policy),
            *_tests(evidence.tests, policy),
            *_coverage(evidence, policy),
        )
    )


def _commit(evidence: PipelineEvidence, sha: str) -> Iterator[str]:
    if not sha or evidence.sha != sha:
        ran, candidate = evidence.sha[:8] or "no commit", sha[:8] or "unknown"
        yield f"the pipeline ran for {ran}, the candidate is {candidate}"


def _status(evidence: PipelineEvidence) -> Iterator[str]:
    if evidence.status != "success":
        yield f"the pipeline is {evidence.status or 'without a status'}, not success"


def _jobs(evidence: PipelineEvidence, policy: GatePolicy) -> Iterator[str]:
    present = {job.name for job in evidence.jobs}
    for name in dict.fromkeys(policy.required_jobs):
        if name not in present:
            yield f"required job {name} did not run"
    for job in evidence.jobs:
        if job.name in policy.required_jobs and job.status != "success":
            yield f"required job {job.name} is {job.status}"
        elif job.status == "failed" and not job.allow_failure:
            yield f"job {job.name} failed"


def _tests(tests: TestEvidence, policy: GatePolicy) -> Iterator[str]:
    if tests.failed or tests.errors:
        yield f"{tests.failed + tests.errors} of {tests.total} tests failed"
    if tests.ran == 0 and policy.minimum_tests:
        yield "there is no test report"
    elif tests.ran < policy.minimum_tests:
        yield f"{tests.ran} tests ran, {policy.minimum_tests} are required"


def _coverage(evidence: PipelineEvidence, policy: GatePolicy) -> Iterator[str]:
    if policy.minimum_coverage == 0:
        return
    if evidence.coverage is None:
        yield "there is no coverage figure"
    elif not evidence.coverage >= policy.minimum_coverage:  # so that not-a-number fails too
        yield f"coverage is {evidence.coverage:g} %, {policy.minimum_coverage:g} % is required"
