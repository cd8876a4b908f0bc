"""What the gates say of real pipelines: reports are read from the artifacts of the sandbox's jobs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.gitlab import reports
from lifecycle import events as e
from lifecycle.gates.evidence import Production
from lifecycle.gates.judging import GateResult, evidence_of, verdict
from lifecycle.policy import Project
from tasks import context, evidence, release_messages
from tasks.gates import look, pipeline_of
from tasks.walk import new_events
from tests.flows.gates.world import GATES, SCAN, Shop, ask_for

Team = Any
NOW = datetime(2026, 11, 21, tzinfo=UTC)

BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuites><testcase name="&b;"/></testsuites>'
SEVERE = {**SCAN, "vulnerabilities": [{"severity": "High", "name": "SQL", "location": {"file": "a.py"}}]}
FOREIGN = {
    "bomFormat": "CycloneDX",
    "components": [{"name": "b", "licenses": [{"license": {"id": "SSPL-1.0"}}]}],
}

BROKEN: dict[str, tuple[dict[str, str | None], str, str]] = {
    "no scan": ({"gl-sast-report.json": None}, "sast", "there is no sast report"),
    "a cut off scan": ({"gl-sast-report.json": '{"scan":'}, "sast", "cannot be read: gl-sast-report.json"),
    "a severe finding": ({"gl-sast-report.json": json.dumps(SEVERE)}, "sast", "high: SQL (a.py)"),
    "a failed scan": (
        {"gl-sast-report.json": json.dumps({**SCAN, "scan": {"status": "failure"}})},
        "sast",
        "ended as failure",
    ),
    "bad quality": (
        {
            "gl-code-quality-report.json": json.dumps(
                [
                    {
                        "description": "long",
                        "severity": "major",
                        "location": {"path": "b.py", "lines": {"begin": 3}},
                    }
                ]
            )
        },
        "code_quality",
        "major: long (b.py:3)",
    ),
    "a foreign licence": ({"gl-sbom.cdx.json": json.dumps(FOREIGN)}, "licences", "b is under SSPL-1.0"),
    "no figures": ({"metrics.txt": "other 3\n"}, "image_size", "nothing says how large"),
    "a large image": ({"metrics.txt": "image_size_bytes 2e6\n"}, "image_size", "the image has 2 MB"),
    "a way of no return": (
        {"migrations.json": '{"migrations": [{"id": "0002_drop", "reversible": false}]}'},
        "migrations",
        "cannot be taken back: 0002_drop",
    ),
    "low coverage": ({"log": "COVERAGE 40.0\n"}, "coverage", "coverage is 40 %"),
    "lower coverage by Cobertura": (
        {"log": "", "coverage.xml": '<coverage line-rate="0.5"/>'},
        "coverage",
        "coverage is 50 %",
    ),
    "no coverage": ({"log": "", "coverage.xml": "<html/>"}, "coverage", "coverage.xml: its root is html"),
}


@pytest.fixture
def shop(team: Team) -> Shop:
    ask_for(**GATES)
    return Shop(team)


def project() -> Project:
    return context.policy().project("shop")


def failing(results: tuple[GateResult, ...]) -> dict[str, str]:
    return {result.id: result.text for result in results if result.state == "fail"}


def test_each_broken_report_fails_exactly_its_gate(team: Team, shop: Shop) -> None:
    seen: dict[str, tuple[list[str], bool]] = {}
    for what, (changed, _, wanted) in BROKEN.items():
        sha = shop.commit(changed)
        found = failing(look(project(), shop.run(), sha, NOW))
        seen[what] = (list(found), all(wanted in text for text in found.values()))
    assert seen == {what: ([gate], True) for what, (_, gate, _) in BROKEN.items()}


def test_a_good_pipeline_passes_every_gate_and_each_leads_to_its_job(team: Team, shop: Shop) -> None:
    sha = shop.commit()
    pipeline = shop.run()
    results = {result.id: result for result in look(project(), pipeline, sha, NOW)}
    assert {result.state for result in results.values()} == {"pass", "not asked"}
    [job] = team.gitlab("GET", f"pipelines/{pipeline}/jobs", "olli")
    assert {results[gate].url for gate in ("sast", "licences", "image_size", "migrations")} == {
        job["web_url"]
    }
    assert results["commit"].url.endswith(f"/pipelines/{pipeline}")


def test_what_is_refused_is_told_with_the_way_to_the_job_that_showed_it(team: Team, shop: Shop) -> None:
    foreign = json.dumps(FOREIGN).replace("SSPL-1.0", "<SSPL>")
    sha = shop.commit({"gl-sbom.cdx.json": foreign})
    pipeline = shop.run()
    results = look(project(), pipeline, sha, NOW)
    [job] = team.gitlab("GET", f"pipelines/{pipeline}/jobs", "olli")
    where = evidence_of(results)
    assert where == (job["web_url"],)
    fact = e.CandidateRejected(number=1, reasons=verdict(results).reasons, evidence=where)
    assert release_messages.rejected(fact) == [
        f"• b is under &lt;SSPL&gt; (<{job['web_url']}|evidence>)",
    ]
    older = e.CandidateRejected(number=1, reasons=("the pipeline is failed",))
    assert release_messages.rejected(older) == ["• the pipeline is failed"]


def test_a_report_that_is_too_long_or_too_full_is_none(team: Team, shop: Shop) -> None:
    full = json.dumps([{"description": "x", "severity": "info"}] * (reports.MAX_ROWS + 1))
    sha = shop.commit({"gl-code-quality-report.json": full, "metrics.txt": "#" * (reports.MAX_BYTES + 1)})
    assert failing(look(project(), shop.run(), sha, NOW)) == {
        "code_quality": "the code quality report cannot be read: gl-code-quality-report.json: "
        f"it has more than {reports.MAX_ROWS} entries",
        "image_size": f"metrics.txt: longer than {reports.MAX_BYTES} bytes",
    }


def test_a_test_report_that_is_a_bomb_fails_the_tests(team: Team, shop: Shop) -> None:
    sha = shop.commit({"junit.xml": "<oops/>"})
    found = failing(look(project(), shop.run(), sha, NOW))
    assert found.keys() == {"tests", "tests-run"}
    with pytest.raises(reports.Unreadable, match="entities"):
        reports.junit(BOMB.encode())


def test_a_listed_flaky_test_may_fail_if_its_job_is_tolerated(team: Team, shop: Shop) -> None:
    case = '<testcase classname="shop.Cart" name="{}">{}</testcase>'
    report = f"<testsuites>{case.format('adds', '')}{case.format('waits', '<failure/>')}</testsuites>"
    sha = shop.commit({"junit.xml": report})
    pipeline = shop.run(FAIL="yes")
    gates = {**GATES, "required_jobs": [], "tolerated_jobs": ["unit"]}
    ask_for(**gates)
    assert failing(look(project(), pipeline, sha, NOW)) == {
        "tests": "1 of 2 tests failed: shop.Cart.waits",
    }
    ask_for(**gates, flaky_tests=[{"name": "shop.Cart.waits", "until": "2026-11-21"}])
    assert failing(look(project(), pipeline, sha, NOW)) == {}
    ask_for(**gates, flaky_tests=[{"name": "shop.Cart.waits", "until": "2026-11-20"}])
    assert list(failing(look(project(), pipeline, sha, NOW))) == ["tests"]


def test_the_coverage_is_compared_with_that_of_the_version_in_production(team: Team, shop: Shop) -> None:
    ask_for(coverage_drop=2)
    sha = shop.commit({"log": "COVERAGE 90.0\n"})
    first = shop.run()
    assert evidence.in_production(project()) is None
    shop.run(CONVEYOR_STEP="production")
    assert evidence.in_production(project()) == Production(tag="main", coverage=90.0)
    lower = shop.commit({"log": "COVERAGE 87.0\n"})
    second = shop.run()
    assert failing(look(project(), second, lower, NOW)) == {
        "coverage-drop": "coverage is 87 %, in production (main) it is 90 %"
    }
    assert failing(look(project(), first, sha, NOW)) == {}
    stream = "release:shop:main"
    facts: tuple[e.ReleaseEvent, ...] = (
        e.Planned(project="shop", version="main", issues=("SHOP-1",), base="main", plan_hash="0"),
        e.CandidateCut(number=1, tag="main-rc.1", sha=sha, branch="release/main"),
        e.CandidateVerified(number=1, pipeline_id=second),
    )
    context.ledger().append(stream, new_events(stream, facts), now=NOW)
    assert evidence.in_production(project()) == Production(tag="main", coverage=87.0)


def test_a_migration_that_production_has_does_not_count_against_the_next_candidate(
    team: Team, shop: Shop
) -> None:
    ask_for(migrations_reversible=True)

    def migrations(**reversible: bool) -> dict[str, str]:
        rows = [{"id": name, "reversible": value} for name, value in reversible.items()]
        return {"migrations.json": json.dumps({"migrations": rows})}

    first = shop.commit(migrations(a=False))
    assert list(failing(look(project(), shop.run(), first, NOW))) == ["migrations"]
    shop.run(CONVEYOR_STEP="production")
    second = shop.commit(migrations(a=False, b=True))
    assert failing(look(project(), shop.run(), second, NOW)) == {}
    third = shop.commit(migrations(a=False, b=False))
    assert failing(look(project(), shop.run(), third, NOW)) == {"migrations": "cannot be taken back: b"}


def test_the_newest_pipeline_of_a_commit_is_meant(team: Team, shop: Shop) -> None:
    sha = shop.commit()
    assert pipeline_of(project(), sha) is None
    shop.run()
    newest = shop.run()
    assert pipeline_of(project(), sha) == newest
