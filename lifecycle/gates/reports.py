"""The gates on what jobs leave behind: scans, code quality, licences, budgets and migrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from lifecycle.calendar import duration_text
from lifecycle.gates.evidence import (
    Component,
    Figure,
    Finding,
    LicenceEvidence,
    Migration,
    MigrationEvidence,
    PipelineEvidence,
    ScanEvidence,
)
from lifecycle.gates.gate import Gate, Scenario, Shown, listed
from lifecycle.gates.licences import allowed
from lifecycle.gates.policy import GatePolicy, Level, ScanKind, Severity

_MB = 1_000_000


def _at_or_above(findings: Sequence[Finding], order: Sequence[str], least: str) -> list[Finding]:
    """Findings that stop a candidate; one whose severity nobody knows does, too."""
    stops = set(order[order.index(least) :])
    return [each for each in findings if each.severity in stops or each.severity not in order]


def _findings(scan: ScanEvidence, order: Sequence[str], least: str) -> Iterator[str]:
    bad = _at_or_above(scan.findings, order, least)
    if bad:
        yield f"{len(bad)} findings at or above {least}: {listed([each.text for each in bad])}"


class Scan(Gate):
    """A security report is there, its scanner ran to the end, and nothing in it is too severe."""

    def __init__(self, policy: GatePolicy, kind: ScanKind) -> None:
        self.kind, self.named = kind, kind.value.replace("_", " ")
        self.least = policy.scans.get(kind, Severity.INFO)
        title = f"{self.named}: no finding of severity {self.least}"
        super().__init__(policy, kind.value, title, asked=kind in policy.scans)

    def against(self, shown: Shown) -> Iterator[str]:
        scan = shown.evidence.scans.get(self.kind)
        if scan is None:
            yield f"there is no {self.named} report"
        elif scan.problem:
            yield f"the {self.named} report cannot be read: {scan.problem}"
        else:
            if scan.status != "success":
                yield f"the {self.named} ended as {scan.status or 'nobody knows what'}"
            yield from _findings(scan, tuple(Severity), self.least)

    def link(self, evidence: PipelineEvidence) -> str:
        scan = evidence.scans.get(self.kind)
        return scan.url if scan else evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return self._with(evidence, ScanEvidence(status="success"))

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        others = {kind: scan for kind, scan in evidence.scans.items() if kind is not self.kind}
        yield Scenario("the report is missing", evidence.model_copy(update={"scans": others}))
        yield Scenario("the scan failed", self._with(evidence, ScanEvidence(status="failure")))
        found = ScanEvidence(status="success", findings=(Finding(severity=self.least, title="planted"),))
        yield Scenario(f"a finding of severity {self.least}", self._with(evidence, found))

    def _with(self, evidence: PipelineEvidence, scan: ScanEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"scans": {**evidence.scans, self.kind: scan}})


class Quality(Gate):
    """The code quality report is there, and nothing in it is too severe."""

    def __init__(self, policy: GatePolicy) -> None:
        self.least = policy.code_quality or Level.INFO
        title = f"code quality: no finding of severity {self.least}"
        super().__init__(policy, "code_quality", title, asked=policy.code_quality is not None)

    def against(self, shown: Shown) -> Iterator[str]:
        report = shown.evidence.quality
        if report is None:
            yield "there is no code quality report"
        elif report.problem:
            yield f"the code quality report cannot be read: {report.problem}"
        else:
            yield from _findings(report, tuple(Level), self.least)

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.quality.url if evidence.quality else evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"quality": ScanEvidence()})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("the report is missing", evidence.model_copy(update={"quality": None}))
        found = ScanEvidence(findings=(Finding(severity=self.least, title="planted"),))
        yield Scenario(f"a finding of severity {self.least}", evidence.model_copy(update={"quality": found}))


class Licences(Gate):
    """Every component says its licence, and it is allowed."""

    def __init__(self, policy: GatePolicy) -> None:
        self.ids = policy.licences or ()
        title = "every component's licence is allowed"
        super().__init__(policy, "licences", title, asked=policy.licences is not None)

    def against(self, shown: Shown) -> Iterator[str]:
        report, ids = shown.evidence.licences, self.ids
        if report is None:
            yield "there is no list of components"
        elif report.problem:
            yield f"the list of components cannot be read: {report.problem}"
        else:
            bad = [
                f"{each.name} is under {', '.join(each.licences) or 'no licence that it names'}"
                for each in report.components
                if not each.licences or not all(allowed(licence, ids) for licence in each.licences)
            ]
            if bad:
                yield listed(bad)

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.licences.url if evidence.licences else evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        parts = [Component(name=licence, licences=(licence,)) for licence in self.ids]
        return evidence.model_copy(update={"licences": LicenceEvidence(components=tuple(parts))})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("the list is missing", evidence.model_copy(update={"licences": None}))
        foreign = "LicenseRef-" + "-".join(self.ids or ("none",))
        for what, said in (("a component names no licence", ()), ("a licence is not allowed", (foreign,))):
            part = LicenceEvidence(components=(Component(name="planted", licences=said),))
            yield Scenario(what, evidence.model_copy(update={"licences": part}))


class ImageSize(Gate):
    """The image is not larger than agreed."""

    def __init__(self, policy: GatePolicy) -> None:
        self.most_mb = policy.maximum_image_mb or 0.0
        title = f"the image has at most {self.most_mb:g} MB"
        super().__init__(policy, "image_size", title, asked=policy.maximum_image_mb is not None)

    def against(self, shown: Shown) -> Iterator[str]:
        size = shown.evidence.image_bytes
        if size.value is None:
            yield size.problem or "nothing says how large the image is"
        elif not size.value <= self.most_mb * _MB:
            yield f"the image has {size.value / _MB:g} MB, more than the {self.most_mb:g} MB that are allowed"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.image_bytes.url or evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"image_bytes": Figure(value=self.most_mb * _MB)})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("its size is not said", evidence.model_copy(update={"image_bytes": Figure()}))
        twice = Figure(value=2 * self.most_mb * _MB)
        yield Scenario("it is twice as large", evidence.model_copy(update={"image_bytes": twice}))


class InTime(Gate):
    """The pipeline did not take longer than agreed."""

    def __init__(self, policy: GatePolicy) -> None:
        self.most = policy.maximum_duration or timedelta(0)
        title = f"the pipeline takes at most {duration_text(self.most)}"
        super().__init__(policy, "duration", title, asked=policy.maximum_duration is not None)

    def against(self, shown: Shown) -> Iterator[str]:
        took = shown.evidence.duration_s
        if took is None:
            yield "GitLab does not say how long the pipeline took"
        elif not took <= self.most.total_seconds():
            yield f"the pipeline took {took:g} s, {duration_text(self.most)} are allowed"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        return evidence.model_copy(update={"duration_s": self.most.total_seconds()})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("its duration is not said", evidence.model_copy(update={"duration_s": None}))
        late = self.most.total_seconds() + 1
        yield Scenario("it took a second longer", evidence.model_copy(update={"duration_s": late}))


class Reversible(Gate):
    """Every migration of the candidate can be taken back."""

    def __init__(self, policy: GatePolicy) -> None:
        title = "every migration can be taken back"
        super().__init__(policy, "migrations", title, asked=policy.migrations_reversible)

    def against(self, shown: Shown) -> Iterator[str]:
        report = shown.evidence.migrations
        if report is None:
            yield "there is no list of migrations"
        elif report.problem:
            yield f"the list of migrations cannot be read: {report.problem}"
        elif report.irreversible:
            yield f"cannot be taken back: {listed(report.irreversible)}"

    def link(self, evidence: PipelineEvidence) -> str:
        return evidence.migrations.url if evidence.migrations else evidence.url

    def good(self, evidence: PipelineEvidence) -> PipelineEvidence:
        fine = MigrationEvidence(migrations=(Migration(id="0001_first", reversible=True),))
        return evidence.model_copy(update={"migrations": fine})

    def bad(self, evidence: PipelineEvidence) -> Iterator[Scenario]:
        yield Scenario("the list is missing", evidence.model_copy(update={"migrations": None}))
        worse = MigrationEvidence(migrations=(Migration(id="0002_second", reversible=False),))
        yield Scenario("one cannot be taken back", evidence.model_copy(update={"migrations": worse}))
