"""The gates on the run itself: its commit, status, jobs, tests and coverage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lifecycle.gates.evidence import Figure, JobEvidence, PipelineEvidence, Production, TestEvidence
from lifecycle.gates.gate import Gate, Scenario, Shown, listed
from lifecycle.gates.policy import GatePolicy


class OfTheCommit(Gate):
    """The evidence is of the very commit that is judged."""

    exceptable: ClassVar[bool] = False

    def __init__(self, policy: GatePolicy) -> None:
        super().__init__(policy, "commit", "the pipeline ran for this commit")

    def against(self, shown: Shown) -> Iterator[str]:
        evidence, sha = shown.evidence, shown.sha
        if not sha or evidence.sha != sha:
            ran, candidate = evidence.sha[:8] or "no commit", sha[:8] or "unknown"
            yield f"the pipeline ran for {ran}, the candidate is {candidate}"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        other = "".join("1" if digit == "0" else "0" for digit in evidence.sha)
        yield Scenario("the pipeline ran for another commit", evidence.model_copy(update={"sha": other}))


class Green(Gate):
    """The pipeline succeeded, or failed in nothing but jobs that the policy tolerates."""

    def __init__(self, policy: GatePolicy) -> None:
        super().__init__(policy, "pipeline", "the pipeline is green")

    def against(self, shown: Shown) -> Iterator[str]:
        evidence = shown.evidence
        failed = {job.name for job in evidence.jobs if job.status == "failed" and not job.allow_failure}
        only_tolerated = failed and failed <= set(self.policy.tolerated_jobs or ())
        if evidence.status != "success" and not (evidence.status == "failed" and only_tolerated):
            yield f"the pipeline is {evidence.status or 'without a status'}, not success"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"status": "success"})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("the pipeline was canceled", evidence.model_copy(update={"status": "canceled"}))


class RequiredJob(Gate):
    """A job that must have succeeded, whatever GitLab tolerates."""

    def __init__(self, policy: GatePolicy, name: str) -> None:
        super().__init__(policy, f"job:{name}", f"job {name} succeeded")
        self.name = name

    def _jobs(self, evidence: PipelineEvidence) -> list[JobEvidence]:
        return [job for job in evidence.jobs if job.name == self.name]

    def against(self, shown: Shown) -> Iterator[str]:
        jobs = self._jobs(shown.evidence)
        if not jobs:
            yield f"required job {self.name} did not run"
        for job in jobs:
            if job.status != "success":
                yield f"required job {self.name} is {job.status}"

    def link(self, evidence: PipelineEvidence) -> str:
        return next((job.url for job in self._jobs(evidence)), evidence.url)

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return _with_job(evidence, JobEvidence(name=self.name, status="success"))

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        others = tuple(job for job in evidence.jobs if job.name != self.name)
        yield Scenario(f"job {self.name} did not run", evidence.model_copy(update={"jobs": others}))
        failed = JobEvidence(name=self.name, status="failed", allow_failure=True)
        yield Scenario(f"job {self.name} failed", evidence.model_copy(update={"jobs": (*others, failed)}))


class OtherJobs(Gate):
    """No job failed that may not."""

    def __init__(self, policy: GatePolicy) -> None:
        super().__init__(policy, "jobs", "no other job failed that may not")

    def _bad(self, evidence: PipelineEvidence) -> list[JobEvidence]:
        return [
            job
            for job in evidence.jobs
            if job.status == "failed"
            and job.name not in self.policy.required_jobs
            and not self._may_fail(job)
        ]

    def _may_fail(self, job: JobEvidence) -> bool:
        named = self.policy.tolerated_jobs
        return job.allow_failure if named is None else job.name in named

    def against(self, shown: Shown) -> Iterator[str]:
        for job in self._bad(shown.evidence):
            yield f"job {job.name} failed"

    def link(self, evidence: PipelineEvidence) -> str:
        return next((job.url for job in self._bad(evidence)), evidence.url)

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        known = {*self.policy.required_jobs, *(self.policy.tolerated_jobs or ())}
        name = next(name for name in (f"job-{n}" for n in range(len(known) + 1)) if name not in known)
        failed = JobEvidence(name=name, status="failed", allow_failure=self.policy.tolerated_jobs is not None)
        yield Scenario("a job failed that nobody tolerates", _with_job(evidence, failed))


def _with_job(evidence: PipelineEvidence, job: JobEvidence) -> PipelineEvidence:
    return evidence.model_copy(update={"jobs": (*evidence.jobs, job)})


class TestsRan(Gate):
    """Tests were really run; none is no report, never a pass."""

    __test__ = False  # pytest: no test

    def __init__(self, policy: GatePolicy) -> None:
        least = policy.minimum_tests
        super().__init__(policy, "tests-run", f"at least {least} tests ran", asked=least > 0)

    def against(self, shown: Shown) -> Iterator[str]:
        tests, least = shown.evidence.tests, self.policy.minimum_tests
        if tests.ran == 0:
            yield "there is no test report"
        elif tests.ran < least:
            yield f"{tests.ran} tests ran, {least} are required"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.tests.url or evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"tests": TestEvidence(total=self.policy.minimum_tests)})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("no test ran", evidence.model_copy(update={"tests": TestEvidence()}))
        if self.policy.minimum_tests > 1:
            few = TestEvidence(total=self.policy.minimum_tests - 1)
            yield Scenario("a test too few ran", evidence.model_copy(update={"tests": few}))


class TestsPassed(Gate):
    """No test failed but those that are listed as flaky, until their day."""

    __test__ = False  # pytest: no test

    def __init__(self, policy: GatePolicy) -> None:
        super().__init__(policy, "tests", "no test failed but listed flaky ones")

    def against(self, shown: Shown) -> Iterator[str]:
        tests = shown.evidence.tests
        if tests.problem:
            yield f"the test report cannot be read: {tests.problem}"
        until = {flaky.name: flaky.until for flaky in self.policy.flaky_tests}
        flaky = {
            name: day
            for name in dict.fromkeys(tests.failures)
            if (day := until.get(name) or until.get(name.rsplit(".", 1)[-1]))
        }
        excused = {name for name, day in flaky.items() if shown.now.date() <= day}
        bad = tests.failed + tests.errors - sum(name in excused for name in tests.failures)
        if bad > 0:
            named = [name for name in tests.failures if name not in excused]
            expired = [f"{n} was excused until {day}" for n, day in flaky.items() if n not in excused]
            said = listed(expired or named)
            yield f"{bad} of {tests.total} tests failed" + (f": {said}" if said else "")

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.tests.url or evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        tests = evidence.tests
        failed = tests.model_copy(update={"total": tests.total + 1, "failed": 1})
        yield Scenario("a test failed", evidence.model_copy(update={"tests": failed}))
        unread = tests.model_copy(update={"problem": "it is cut off"})
        yield Scenario("the test report is cut off", evidence.model_copy(update={"tests": unread}))


class Coverage(Gate):
    """The coverage is reported, and high enough."""

    def __init__(self, policy: GatePolicy) -> None:
        least = policy.minimum_coverage
        super().__init__(policy, "coverage", f"coverage is at least {least:g} %", asked=least > 0)

    def against(self, shown: Shown) -> Iterator[str]:
        figure, least = shown.evidence.coverage, self.policy.minimum_coverage
        if figure.value is None:
            yield figure.problem or "there is no coverage figure"
        elif not figure.value >= least:  # so that not-a-number fails too
            yield f"coverage is {figure.value:g} %, {least:g} % is required"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.coverage.url or evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"coverage": Figure(value=self.policy.minimum_coverage)})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("there is no coverage figure", evidence.model_copy(update={"coverage": Figure()}))
        low = Figure(value=self.policy.minimum_coverage / 2)
        yield Scenario("half of it is covered", evidence.model_copy(update={"coverage": low}))


class CoverageKept(Gate):
    """The coverage is not much lower than that of the version in production, if there is one."""

    def __init__(self, policy: GatePolicy) -> None:
        self.most = policy.coverage_drop or 0.0
        title = f"coverage is at most {self.most:g} points below production's"
        super().__init__(policy, "coverage-drop", title, asked=policy.coverage_drop is not None)

    def against(self, shown: Shown) -> Iterator[str]:
        here, before = shown.evidence.coverage.value, shown.evidence.production
        if before is None:
            return
        if before.coverage is None:
            yield f"the coverage of {before.tag} in production is not known"
        elif here is None:
            if not self.policy.minimum_coverage:  # otherwise `coverage` says so
                yield "there is no coverage figure"
        elif not before.coverage - here <= self.most:
            yield f"coverage is {here:g} %, in production ({before.tag}) it is {before.coverage:g} %"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.coverage.url or evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        here = evidence.coverage if evidence.coverage.value is not None else Figure(value=0.0)
        return evidence.model_copy(update={"coverage": here})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        unknown, full = Production(tag="1.0.0"), Production(tag="1.0.0", coverage=100.0)
        yield Scenario(
            "production's coverage is not known", evidence.model_copy(update={"production": unknown})
        )
        here = evidence.coverage.value or 0
        what = f"it is {here:g} %, and 100 % in production"
        yield Scenario(what, evidence.model_copy(update={"production": full}))
