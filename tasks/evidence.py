"""What a pipeline shows for the gates: GitLab's own figures, and the reports that its jobs leave.

Which report lies where is the contract with the developers (docs/gates.md). One that several jobs leave is
added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from integrations.errors import Refused
from integrations.gitlab import reports
from integrations.gitlab.models import Job, Pipeline
from lifecycle import release
from lifecycle.gates.evidence import (
    Component,
    Figure,
    Finding,
    JobEvidence,
    LicenceEvidence,
    Migration,
    MigrationEvidence,
    PipelineEvidence,
    Production,
    ScanEvidence,
    TestEvidence,
)
from lifecycle.gates.policy import ScanKind
from lifecycle.policy import Project
from tasks import code, folding
from tasks.context import gitlab, ledger

FOLDER = "reports"
SCANS = {
    ScanKind.SAST: "gl-sast-report.json",
    ScanKind.DEPENDENCIES: "gl-dependency-scanning-report.json",
    ScanKind.SECRETS: "gl-secret-detection-report.json",
    ScanKind.CONTAINER: "gl-container-scanning-report.json",
}
IMAGE_SIZE = "image_size_bytes"

_MOST_PIPELINES = 20
"""Of the commit in production, if Conveyor does not know which one verified it."""

T = TypeVar("T")


class Left(NamedTuple, Generic[T]):
    """A report that a job left, or the `problem` why it cannot be read; and the job's page."""

    said: T | None
    problem: str
    url: str


def gather(project: Project, pipeline_id: int) -> PipelineEvidence:
    """What the pipeline shows for the gates that the project asks for. Reads only."""
    pipeline = gitlab().pipelines.get(project.gitlab, pipeline_id)
    jobs = gitlab().pipelines.jobs(project.gitlab, pipeline_id)
    files = _Files(project.gitlab, jobs)
    asked = project.gates
    return PipelineEvidence(
        sha=pipeline.sha,
        status=pipeline.status,
        url=pipeline.web_url,
        jobs=tuple(
            JobEvidence(name=job.name, status=job.status, allow_failure=job.allow_failure, url=job.web_url)
            for job in jobs
        ),
        tests=_tests(files, project.gitlab, pipeline),
        coverage=_coverage(files, pipeline),
        scans={kind: scan for kind in asked.scans if (scan := _scan(files, SCANS[kind]))},
        quality=_quality(files) if asked.code_quality is not None else None,
        licences=_licences(files) if asked.licences is not None else None,
        image_bytes=_image(files) if asked.maximum_image_mb is not None else Figure(),
        duration_s=pipeline.duration_s,
        migrations=_not_live(project, _migrations(files)),
        production=in_production(project) if asked.coverage_drop is not None else None,
    )


class _Files:
    """The artifacts of a pipeline's jobs."""

    def __init__(self, project_id: int, jobs: Sequence[Job]) -> None:
        self._project = project_id
        self._jobs = [job for job in jobs if job.archive]

    def read(self, name: str, parse: Callable[[bytes], T]) -> list[Left[T]]:
        """What every job's report of that name says; of a job that left none, nothing."""
        return list(self._each(name, parse))

    def _each(self, name: str, parse: Callable[[bytes], T]) -> Iterator[Left[T]]:
        for job in self._jobs:
            path = f"{FOLDER}/{name}"
            try:
                content = gitlab().pipelines.artifact(self._project, job.id, path, reports.MAX_BYTES)
                if content is not None:
                    yield Left(parse(content), "", job.web_url)
            except reports.Unreadable as error:
                yield Left(None, f"{name}: {error}", job.web_url)
            except Refused as error:
                if error.status is not None:
                    raise
                yield Left(None, f"{name}: {error.detail}", job.web_url)


def _problem(left: Sequence[Left[T]]) -> str:
    return "; ".join(each.problem for each in left if each.problem)


def _url(left: Sequence[Left[T]]) -> str:
    """The first that cannot be read, else the first."""
    return next((each.url for each in left if each.problem), left[0].url if left else "")


def _tests(files: _Files, project_id: int, pipeline: Pipeline) -> TestEvidence:
    """GitLab's own sum; the files are read for what it does not say: the names of what failed."""
    told = gitlab().pipelines.test_summary(project_id, pipeline.id)
    all_well = told.count and not told.failed and not told.error
    left = [] if all_well else files.read("junit.xml", reports.junit)
    read = [each.said for each in left if each.said]
    return TestEvidence(
        total=told.count or sum(each.total for each in read),
        failed=max(told.failed, sum(each.failed for each in read)),
        errors=max(told.error, sum(each.errors for each in read)),
        skipped=max(told.skipped, sum(each.skipped for each in read)),
        failures=tuple(name for each in read for name in each.failures),
        problem=told.suite_error or _problem(left),
        url=_url(left),
    )


def _coverage(files: _Files, pipeline: Pipeline) -> Figure:
    """GitLab's own figure, else the lowest of the Cobertura reports."""
    if pipeline.coverage is not None:
        return Figure(value=pipeline.coverage, url=pipeline.web_url)
    left = files.read("coverage.xml", reports.cobertura)
    problem = _problem(left)
    shares = [each.said for each in left if each.said is not None and not problem]
    return Figure(value=min(shares, default=None), problem=problem, url=_url(left))


def _scan(files: _Files, name: str) -> ScanEvidence | None:
    left = files.read(name, reports.security)
    if not left:
        return None
    read = [each.said for each in left if each.said]
    words = [each.status for each in read]
    return ScanEvidence(
        status=next((word for word in words if word != "success"), "success" if words else ""),
        findings=tuple(_finding(found) for each in read for found in each.findings),
        problem=_problem(left),
        url=_url(left),
    )


def _quality(files: _Files) -> ScanEvidence | None:
    left = files.read("gl-code-quality-report.json", reports.quality)
    if not left:
        return None
    findings = tuple(_finding(found) for each in left for found in each.said or ())
    return ScanEvidence(findings=findings, problem=_problem(left), url=_url(left))


def _finding(found: reports.Found) -> Finding:
    return Finding(severity=found.severity or "unknown", title=found.title, where=found.where)


def _licences(files: _Files) -> LicenceEvidence | None:
    left = files.read("gl-sbom.cdx.json", reports.cyclonedx)
    if not left:
        return None
    parts = [part for each in left for part in each.said or ()]
    components = tuple(Component(name=part.name, licences=part.licences) for part in parts)
    return LicenceEvidence(components=components, problem=_problem(left), url=_url(left))


def _image(files: _Files) -> Figure:
    left = files.read("metrics.txt", reports.openmetrics)
    problem = _problem(left)
    sizes = [each.said[IMAGE_SIZE] for each in left if each.said and IMAGE_SIZE in each.said and not problem]
    return Figure(value=max(sizes, default=None), problem=problem, url=_url(left))


def _migrations(files: _Files) -> MigrationEvidence | None:
    left = files.read("migrations.json", reports.migrations)
    if not left:
        return None
    known = [item for each in left for item in (each.said or {}).items()]
    rows = tuple(Migration(id=name, reversible=reversible) for name, reversible in known)
    return MigrationEvidence(migrations=rows, problem=_problem(left), url=_url(left))


def _not_live(project: Project, shown: MigrationEvidence | None) -> MigrationEvidence | None:
    """Without those that production has already: what the candidate brings is what may have to go back."""
    if shown is None or not shown.irreversible:
        return shown
    live = code.production_tag(project.gitlab)
    told = [_migrations(_files_of(project, one)) for one in (_verified_by(project, *live) if live else ())]
    there = {migration.id for each in told if each for migration in each.migrations}
    new = tuple(migration for migration in shown.migrations if migration.id not in there)
    return shown.model_copy(update={"migrations": new})


def _files_of(project: Project, pipeline_id: int) -> _Files:
    return _Files(project.gitlab, gitlab().pipelines.jobs(project.gitlab, pipeline_id))


def in_production(project: Project) -> Production | None:
    """The version in production and the coverage of the pipeline that verified it; None before the first."""
    live = code.production_tag(project.gitlab)
    if live is None:
        return None
    tag, sha = live
    for pipeline_id in _verified_by(project, tag, sha):
        pipeline = gitlab().pipelines.get(project.gitlab, pipeline_id)
        figure = _coverage(_files_of(project, pipeline_id), pipeline)
        if figure.value is not None:
            return Production(tag=tag, coverage=figure.value)
    return Production(tag=tag)


def _verified_by(project: Project, version: str, sha: str) -> Sequence[int]:
    """The pipelines to look at: the one on record, or those of the commit if the release was made by hand."""
    known = ledger().events(release.release_id(project.id, version))
    folded = folding.folded(known)
    if folded is not None and folded.verified is not None:
        return [folded.verified.pipeline_id]
    rows = gitlab().pipelines.list(project.gitlab, sha=sha, status="success")
    return [row.id for row in rows[:_MOST_PIPELINES]]
