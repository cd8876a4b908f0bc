"""The gates on what jobs leave behind: scans, code quality, licences, budgets and migrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.gates import GatePolicy, PipelineEvidence, judge
from lifecycle.gates.evidence import (
    Component,
    Figure,
    Finding,
    LicenceEvidence,
    Migration,
    MigrationEvidence,
    ScanEvidence,
)
from lifecycle.gates.licences import allowed
from lifecycle.gates.policy import Level, ScanKind, Severity

SHA = "a" * 40
NOW = datetime(2026, 11, 21, tzinfo=UTC)
URL = "http://gitlab.example/7"
POLICY = GatePolicy(
    scans={ScanKind.SAST: Severity.HIGH, ScanKind.SECRETS: Severity.INFO},
    code_quality=Level.MAJOR,
    licences=("MIT", "GPL-2.0-only WITH Classpath-exception-2.0"),
    maximum_image_mb=100,
    maximum_duration=timedelta(minutes=10),
    migrations_reversible=True,
)


def said(gate: str, **shown: object) -> str:
    """What the gate has against evidence like this; "" for nothing."""
    evidence = PipelineEvidence.model_validate({"sha": SHA, "status": "success", "url": URL, **shown})
    [result] = [each for each in judge(evidence, SHA, POLICY, NOW) if each.id == gate]
    assert result.url.startswith("http")
    return "; ".join(result.reasons)


def scan(*severities: str, status: str = "success", problem: str = "") -> dict[ScanKind, ScanEvidence]:
    findings = tuple(Finding(severity=each, title="x", where="a.py:3") for each in severities)
    return {ScanKind.SAST: ScanEvidence(status=status, findings=findings, problem=problem, url=URL)}


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({}, "there is no sast report"),
        (scan(problem="it is cut off"), "the sast report cannot be read: it is cut off"),
        (scan(status="failure"), "the sast ended as failure"),
        (scan(status=""), "the sast ended as nobody knows what"),
        (scan(), ""),
        (scan("info", "low", "medium"), ""),
        (scan("low", "high"), "1 findings at or above high: high: x (a.py:3)"),
        (scan("critical"), "1 findings at or above high: critical: x (a.py:3)"),
        (scan("unknown"), "1 findings at or above high: unknown: x (a.py:3)"),
        (scan("high", status="failure"), "the sast ended as failure; 1 findings at or above high"),
    ],
)
def test_a_scan_is_there_ran_to_its_end_and_found_nothing_severe(
    shown: dict[ScanKind, ScanEvidence], reason: str
) -> None:
    assert said("sast", scans=shown).startswith(reason)
    assert bool(said("sast", scans=shown)) is bool(reason)


def test_many_findings_are_counted_and_the_first_ones_named() -> None:
    told = said("sast", scans=scan(*["high"] * 5))
    assert told.startswith("5 findings at or above high: ")
    assert told.count("a.py:3") == 3
    assert told.endswith("; and 2 more")


def test_a_scan_that_is_not_asked_for_is_not_judged() -> None:
    results = {each.id: each for each in judge(None, SHA, POLICY, NOW)}
    assert results["container_scanning"].state == "not asked"
    assert results["secret_detection"].state == "fail"


@pytest.mark.parametrize(
    ("quality", "reason"),
    [
        (None, "there is no code quality report"),
        (ScanEvidence(problem="no JSON"), "the code quality report cannot be read: no JSON"),
        (ScanEvidence(findings=(Finding(severity="minor", title="x"),), url=URL), ""),
        (
            ScanEvidence(findings=(Finding(severity="blocker", title="long"),), url=URL),
            "1 findings at or above major: blocker: long",
        ),
    ],
)
def test_code_quality(quality: ScanEvidence | None, reason: str) -> None:
    shown = quality and quality.model_copy(update={"url": URL})
    assert said("code_quality", quality=shown) == reason


@pytest.mark.parametrize(
    ("licences", "reason"),
    [
        (None, "there is no list of components"),
        (LicenceEvidence(problem="no JSON", url=URL), "the list of components cannot be read: no JSON"),
        (LicenceEvidence(url=URL), ""),
        (LicenceEvidence(components=(Component(name="a 1", licences=("MIT",)),), url=URL), ""),
        (
            LicenceEvidence(components=(Component(name="a 1", licences=("MIT", "GPL-3.0-only")),), url=URL),
            "a 1 is under MIT, GPL-3.0-only",
        ),
        (
            LicenceEvidence(components=(Component(name="a 1"),), url=URL),
            "a 1 is under no licence that it names",
        ),
    ],
)
def test_every_component_names_an_allowed_licence(licences: LicenceEvidence | None, reason: str) -> None:
    assert said("licences", licences=licences) == reason


@pytest.mark.parametrize(
    ("expression", "right"),
    [
        ("mit", True),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only or MIT", True),
        ("MIT AND BSD-3-Clause", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR X) AND BSD-3-Clause", True),
        ("MIT OR X AND Y", True),
        ("(MIT OR X) AND Y", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-2.0-only  with  classpath-exception-2.0 OR X", True),
        ("MIT WITH whatever", True),
        ("GPL-2.0-only", False),
        ("The Team's Own", True),
        ("The Team's", False),
        ("", False),
        ("MIT OR", False),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT BSD-3-Clause", False),
        ("()", False),
    ],
)
def test_a_licence_expression_is_fulfilled_by_what_is_allowed(expression: str, right: bool) -> None:
    ids = ("MIT", "BSD-3-Clause", "GPL-2.0-only WITH Classpath-exception-2.0", "The Team's Own")
    assert allowed(expression, ids) is right


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (Figure(), "nothing says how large the image is"),
        (Figure(problem="metrics.txt: not understood"), "metrics.txt: not understood"),
        (Figure(value=100_000_000), ""),
        (Figure(value=100_000_001), "the image has 100 MB, more than the 100 MB that are allowed"),
        (Figure(value=float("nan")), "the image has nan MB, more than the 100 MB that are allowed"),
    ],
)
def test_the_image_has_a_budget(size: Figure, reason: str) -> None:
    assert said("image_size", image_bytes=size) == reason


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (None, "GitLab does not say how long the pipeline took"),
        (600.0, ""),
        (601.0, "the pipeline took 601 s, 10m are allowed"),
    ],
)
def test_the_pipeline_has_a_budget(seconds: float | None, reason: str) -> None:
    assert said("duration", duration_s=seconds) == reason


@pytest.mark.parametrize(
    ("migrations", "reason"),
    [
        (None, "there is no list of migrations"),
        (MigrationEvidence(problem="no JSON", url=URL), "the list of migrations cannot be read: no JSON"),
        (MigrationEvidence(url=URL), ""),
        (MigrationEvidence(migrations=(Migration(id="0002", reversible=True),), url=URL), ""),
        (
            MigrationEvidence(migrations=(Migration(id="0003_drop", reversible=False),), url=URL),
            "cannot be taken back: 0003_drop",
        ),
    ],
)
def test_every_migration_can_be_taken_back(migrations: MigrationEvidence | None, reason: str) -> None:
    assert said("migrations", migrations=migrations) == reason
