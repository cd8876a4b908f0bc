"""Answers are held against GitLab's own description of its API; where they differ is listed, with why."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

Bench = Any
CONTRACT = Path(__file__).parents[4] / "shared" / "contracts" / "gitlab-v4.swagger2.json"
pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="../shared/contracts is not there")

CONFIG = """
stages: [test, deploy]
unit:
  stage: test
  script: [echo '<testsuite><testcase name="x" time="1"/></testsuite>' > junit.xml, echo 'TOTAL 90.5%']
  coverage: '/TOTAL (\\d+\\.\\d+)%/'
  artifacts: {paths: [junit.xml], reports: {junit: junit.xml}}
ship: {stage: deploy, script: ["false"], environment: {name: production, url: "https://shop.example.test"}}
"""

# What GitLab sends and its description does not say, or says otherwise.
DEVIATIONS = {
    "coverage is no number": "GitLab sends a pipeline's coverage as text with two digits",
    "total is no integer": "the summary's total is an object (../shared/facts, 2)",
    "ci_job_token_scope_enabled is no string": "GitLab sends a boolean",
    "name is not described": "17.x lists pipelines with their names; the description is older",
    "archived is not described": "a pipeline has it since 18.x",
    "finished_at is not described": "a deployment has it; the description leaves it out",
    "total_time is no integer": "GitLab sends fractions of a second",
    "execution_time is no integer": "GitLab sends fractions of a second",
}
# Where the description names another status than GitLab's code sends.
STATUSES = {
    "pipelines/{pipeline_id}/cancel": "lib/api/ci/pipelines.rb: `status 200`",
    "environments/{environment_id}/stop": "lib/api/environments.rb: `status 200`",
}
KINDS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@cache
def contract() -> dict[str, Any]:
    return json.loads(CONTRACT.read_text())


def complaints(value: Any, schema: dict[str, Any], name: str = "") -> set[str]:
    """What in `value` is not as `schema` says; the description has no word for null, so null passes."""
    while "$ref" in schema:
        schema = contract()["definitions"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type", "object")
    if value is None:
        return set()
    if isinstance(value, list) and kind == "object" and "properties" in schema:
        # The description often names a list by the kind of its rows.
        return {said for item in value for said in complaints(item, schema, name)}
    if not isinstance(value, KINDS[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        return {f"{name} is no {kind}"}
    found: set[str] = set()
    if isinstance(value, dict) and "properties" in schema:
        for key, item in value.items():
            if key not in schema["properties"]:
                found.add(f"{key} is not described")
            else:
                found |= complaints(item, schema["properties"][key], key)
    if isinstance(value, list):
        found |= {said for item in value for said in complaints(item, schema.get("items", {}), name)}
    return found


def test_what_is_not_as_described_is_complained_about() -> None:
    schema = {"$ref": "#/definitions/API_Entities_Ci_PipelineBasic"}
    assert complaints({"id": 1, "sha": "x"}, schema) == set()
    assert complaints({"id": "1"}, schema) == {"id is no integer"}
    assert complaints([{"id": 1, "idd": 2}], schema) == {"idd is not described"}


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "pipelines", "pipelines"),
        ("GET", "pipelines/{pipeline}", "pipelines/{pipeline_id}"),
        ("GET", "pipelines/{pipeline}/jobs", "pipelines/{pipeline_id}/jobs"),
        ("GET", "pipelines/{pipeline}/variables", "pipelines/{pipeline_id}/variables"),
        ("GET", "pipelines/{pipeline}/test_report", "pipelines/{pipeline_id}/test_report"),
        ("GET", "pipelines/{pipeline}/test_report_summary", "pipelines/{pipeline_id}/test_report_summary"),
        ("GET", "pipelines/latest", "pipelines/latest"),
        ("POST", "pipeline", "pipeline"),
        ("POST", "pipelines/{pipeline}/retry", "pipelines/{pipeline_id}/retry"),
        ("POST", "pipelines/{pipeline}/cancel", "pipelines/{pipeline_id}/cancel"),
        ("GET", "jobs", "jobs"),
        ("GET", "jobs/{job}", "jobs/{job_id}"),
        ("POST", "jobs/{job}/retry", "jobs/{job_id}/retry"),
        ("POST", "jobs/{job}/cancel", "jobs/{job_id}/cancel"),
        ("GET", "environments", "environments"),
        ("GET", "environments/{environment}", "environments/{environment_id}"),
        ("GET", "deployments", "deployments"),
        ("GET", "deployments/{deployment}", "deployments/{deployment_id}"),
        ("POST", "environments/{environment}/stop", "environments/{environment_id}/stop"),
    ],
)
def test_an_answer_is_as_gitlab_describes_it(bench: Bench, method: str, path: str, template: str) -> None:
    pipeline = bench.run(CONFIG, variables={"A": "b"})
    ids = {
        "pipeline": pipeline["id"],
        "job": bench.jobs(pipeline)["ship"]["id"],
        "environment": bench.get("environments")[0]["id"],
        "deployment": bench.get("deployments")[0]["id"],
    }
    answer = bench.api.request(method, path.format(**ids), json={"ref": "main"} if method == "POST" else None)
    described = contract()["paths"][f"/api/v4/projects/{{id}}/{template}"][method.lower()]["responses"]
    status = "201" if template in STATUSES else str(answer.status_code)
    assert status in described
    assert answer.status_code == (200 if template in STATUSES else int(status))
    assert complaints(answer.json(), described[status]["schema"]) - set(DEVIATIONS) == set()
