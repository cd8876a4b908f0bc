"""What jobs leave behind: artifacts, JUnit, coverage, dotenv."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from integrations.sandbox.gitlab.ci.reports import coverage_of, read_dotenv

Bench = Any

JUNIT = """<testsuites><testsuite name="s">
<testcase classname="c" name="good" time="0.5"/>
<testcase classname="c" name="bad" time="0.25"><failure message="no">expected 1</failure></testcase>
<testcase classname="c" name="broken" time="0.25"><error message="oops"/></testcase>
<testcase classname="c" name="later"><skipped/></testcase>
</testsuite></testsuites>"""


def test_a_report_that_is_no_xml_is_an_error_of_the_suite_not_a_passed_test(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['echo broken > junit.xml'], artifacts: {reports: {junit: junit.xml}}}")
    summary = bench.get(f"pipelines/{pipeline['id']}/test_report_summary")
    assert summary["total"]["count"] == 0
    assert "JUnit XML parsing failed" in summary["total"]["suite_error"]
    assert "JUnit XML parsing failed" in summary["test_suites"][0]["suite_error"]


def test_without_a_report_the_summary_counts_nothing(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['true'], artifacts: {reports: {junit: junit.xml}}}")
    assert bench.get(f"pipelines/{pipeline['id']}/test_report_summary") == {
        "total": {
            "time": 0,
            "count": 0,
            "success": 0,
            "failed": 0,
            "skipped": 0,
            "error": 0,
            "suite_error": None,
        },
        "test_suites": [],
    }


def test_junit_reports_are_counted_even_when_the_job_fails(bench: Bench) -> None:
    bench.commit(
        """
        unit:
          script: ["false"]
          artifacts: {reports: {junit: "reports/*.xml"}}
        style:
          script: ["true"]
          artifacts: {reports: {junit: [style.xml]}}
        """,
        {
            "reports/one.xml": JUNIT,
            "reports/two.xml": '<testsuite><testcase name="x" time="1"/></testsuite>',
            "style.xml": '<testsuite><testcase name="y"/></testsuite>',
        },
    )
    pipeline = bench.push()
    bench.ci.wait(pipeline["id"])
    summary = bench.get(f"pipelines/{pipeline['id']}/test_report_summary")
    assert summary["total"] == {
        "time": 2.0,
        "count": 6,
        "success": 3,
        "failed": 1,
        "skipped": 1,
        "error": 1,
        "suite_error": None,
    }
    assert {suite["name"]: suite["total_count"] for suite in summary["test_suites"]} == {
        "unit": 5,
        "style": 1,
    }
    report = bench.get(f"pipelines/{pipeline['id']}/test_report")
    assert (report["total_count"], report["failed_count"]) == (6, 1)
    unit = next(suite for suite in report["test_suites"] if suite["name"] == "unit")
    bad = next(case for case in unit["test_cases"] if case["name"] == "bad")
    assert (bad["status"], bad["system_output"], bad["execution_time"]) == ("failed", "expected 1", 0.25)


def test_coverage_is_the_traces_last_match_and_the_mean_over_the_jobs(bench: Bench) -> None:
    pipeline = bench.run(
        r"""
        a: {script: ["echo 'TOTAL 5 50%'", "echo 'TOTAL 2 80.5%'"], coverage: '/^TOTAL.*\s(\d+(?:\.\d+)?)%$/'}
        b: {script: ["echo 'lines: 90%'"], coverage: '/lines: \d+/'}
        c: {script: ["true"], coverage: '/never (\d+)/'}
        """
    )
    jobs = bench.jobs(pipeline)
    assert {name: job["coverage"] for name, job in jobs.items()} == {"a": 80.5, "b": 90.0, "c": None}
    assert pipeline["coverage"] == "85.25"


def test_coverage_is_found_behind_colours() -> None:
    assert coverage_of("\x1b[32mTOTAL\x1b[0m 97.5%\n", r"TOTAL (\d+\.\d+)%") == 97.5


def test_artifacts_go_to_later_jobs_as_far_as_they_ask_for_them(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [build, test]
        one:
          stage: build
          script: [mkdir -p out/deep, echo 1 > out/deep/one.txt]
          artifacts: {paths: [out/]}
        two:
          stage: build
          script: [echo 2 > two.txt, echo 3 > two.log]
          artifacts: {paths: ["two.*"], exclude: ["*.log"]}
        all: {stage: test, script: [cat out/deep/one.txt two.txt, test ! -e two.log]}
        some: {stage: test, dependencies: [two], script: [cat two.txt, test ! -e out]}
        none: {stage: test, dependencies: [], script: [test ! -e out, test ! -e two.txt]}
        needing: {stage: test, needs: [one], script: [cat out/deep/one.txt, test ! -e two.txt]}
        without: {stage: test, needs: [{job: one, artifacts: false}], script: [test ! -e out]}
        """
    )
    assert set(bench.statuses(pipeline).values()) == {"success"}


def test_artifacts_are_kept_by_how_the_job_ended(bench: Bench) -> None:
    pipeline = bench.run(
        """
        a: {script: [touch x, "false"], artifacts: {paths: [x]}}
        b: {script: [touch x, "false"], artifacts: {paths: [x], when: on_failure}}
        c: {script: [touch x, "false"], artifacts: {paths: [x], when: always}}
        d: {script: [touch x], artifacts: {paths: [x], when: on_failure}}
        """
    )
    jobs = bench.jobs(pipeline)
    assert {name for name, job in jobs.items() if "artifacts_file" in job} == {"b", "c"}


def test_artifacts_can_be_fetched_as_a_zip_and_one_by_one(bench: Bench) -> None:
    pipeline = bench.run(
        "a: {script: [mkdir out, echo hello > out/a.txt], artifacts: {paths: [out], expire_in: 1 week}}"
    )
    job = bench.jobs(pipeline)["a"]
    answer = bench.api.get(f"jobs/{job['id']}/artifacts")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("out/a.txt") == b"hello\n"
    assert bench.api.get(f"jobs/{job['id']}/artifacts/out/a.txt").text == "hello\n"
    assert bench.api.get(f"jobs/{job['id']}/artifacts/out/b.txt").status_code == 404
    assert job["artifacts_file"] == {"filename": "artifacts.zip", "size": len(answer.content)}
    assert job["artifacts_expire_at"] > job["finished_at"]
    assert bench.api.delete(f"jobs/{job['id']}/artifacts").status_code == 204
    assert bench.api.get(f"jobs/{job['id']}/artifacts").status_code == 404


def test_a_job_without_artifacts_has_none_to_fetch(bench: Bench) -> None:
    job = bench.jobs(bench.run("a: {script: ['true']}"))["a"]
    assert bench.api.get(f"jobs/{job['id']}/artifacts").status_code == 404
    assert job["artifacts_expire_at"] is None


def test_dotenv_variables_reach_the_jobs_after(bench: Bench) -> None:
    pipeline = bench.run(
        """
        stages: [build, test]
        make: {stage: build, script: [echo "MADE=by make" > out.env], artifacts: {reports: {dotenv: out.env}}}
        use: {stage: test, variables: {MADE: own}, script: ['test "$MADE" = "by make"']}
        """
    )
    assert bench.statuses(pipeline) == {"make": "success", "use": "success"}


def test_a_dotenv_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        read_dotenv("not a variable")
    assert read_dotenv('A=1\n\nB="two words"\n') == {"A": "1", "B": "two words"}


def test_a_report_of_several_files_that_goes_unzipped_is_not_kept(bench: Bench) -> None:
    pipeline = bench.run("a: {script: [touch 1.json 2.json], artifacts: {reports: {sast: '*.json'}}}")
    kinds = [row["file_type"] for row in bench.jobs(pipeline)["a"]["artifacts"]]
    assert kinds == ["trace"]
    assert 'Uploading artifacts as "sast": only one file can be sent as raw' in bench.trace(pipeline, "a")


def test_a_report_that_is_missing_is_told_and_fails_nothing(bench: Bench) -> None:
    pipeline = bench.run("a: {script: ['true'], artifacts: {reports: {codequality: none.json}}}")
    assert pipeline["status"] == "success"
    assert 'no file to upload as "codequality"' in bench.trace(pipeline, "a")


def test_reports_are_listed_with_gitlabs_names_and_formats_even_of_a_job_that_failed(bench: Bench) -> None:
    pipeline = bench.run(
        """
        scan:
          script:
            - echo x | tee c.xml m.txt s.json sast.json secret.json dep.json box.json q.json
            - "false"
          artifacts:
            reports:
              coverage_report: {coverage_format: cobertura, path: c.xml}
              metrics: m.txt
              cyclonedx: [s.json]
              sast: sast.json
              secret_detection: secret.json
              dependency_scanning: dep.json
              container_scanning: box.json
              codequality: q.json
        """
    )
    rows = {row["file_type"]: row for row in bench.jobs(pipeline)["scan"]["artifacts"]}
    seen = {kind: (row["filename"], row["file_format"]) for kind, row in rows.items() if kind != "trace"}
    assert seen == {
        "cobertura": ("cobertura-coverage.xml.gz", "gzip"),
        "metrics": ("metrics.txt.gz", "gzip"),
        "cyclonedx": ("gl-sbom.cdx.json.gz", "gzip"),
        "sast": ("gl-sast-report.json", "raw"),
        "secret_detection": ("gl-secret-detection-report.json", "raw"),
        "dependency_scanning": ("gl-dependency-scanning-report.json", "raw"),
        "container_scanning": ("gl-container-scanning-report.json", "raw"),
        "codequality": ("gl-code-quality-report.json", "raw"),
    }
    assert rows["sast"]["size"] == 2
    assert "artifacts_file" not in bench.jobs(pipeline)["scan"]
