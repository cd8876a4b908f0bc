"""What the webhooks say, and that they say it in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Bench = Any
RECORDED = Path(__file__).parents[4] / "shared" / "recorded" / "gitlab" / "webhooks"

RECORDED_MERGE_REQUEST = (
    "id iid title source_branch source_project_id target_branch target_project_id state merge_status "
    "detailed_merge_status url"
)
CONFIG = """
stages: [test, deploy]
unit: {stage: test, script: ["true"]}
ship: {stage: deploy, script: ["true"], environment: {name: production, url: "https://shop.example.test"}}
"""


def payloads(bench: Bench, kind: str) -> list[dict[str, Any]]:
    bench.ci.store.close()  # what has happened is told by now
    return [payload for event, payload in bench.project.events if event == kind]


def test_every_change_of_a_status_is_told_once_and_in_order(bench: Bench) -> None:
    pipeline = bench.run(CONFIG)
    statuses = [payload["object_attributes"]["status"] for payload in payloads(bench, "pipeline")]
    assert statuses == ["created", "pending", "running", "success"]
    assert bench.project.changes[-1] == (pipeline["id"], pipeline["sha"], "main", "success")
    jobs = [(payload["build_name"], payload["build_status"]) for payload in payloads(bench, "job")]
    for name in ("unit", "ship"):
        assert [status for job, status in jobs if job == name] == ["created", "pending", "running", "success"]
    assert [payload["status"] for payload in payloads(bench, "deployment")] == ["running", "success"]


def test_a_failed_configuration_is_told_as_a_failed_pipeline(bench: Bench) -> None:
    bench.commit("a: {scrpt: x}")
    bench.push()
    assert [payload["object_attributes"]["status"] for payload in payloads(bench, "pipeline")] == ["failed"]


def test_a_job_event_names_the_pipeline_as_its_commits_id(bench: Bench) -> None:
    pipeline = bench.run(CONFIG)
    event = payloads(bench, "job")[-1]
    assert event["object_kind"] == "build"
    assert event["commit"]["id"] == event["pipeline_id"] == pipeline["id"]
    assert event["environment"] == {
        "name": "production",
        "action": "start",
        "deployment_tier": "production",
    }


def test_a_deployment_event_names_its_commit_by_eight_characters(bench: Bench) -> None:
    pipeline = bench.run(CONFIG)
    event = payloads(bench, "deployment")[-1]
    assert event["short_sha"] == pipeline["sha"][:8]
    assert event["environment_external_url"] == "https://shop.example.test"
    assert event["status_changed_at"].endswith(" +0000")


def test_a_merge_requests_pipeline_names_it_in_its_event(bench: Bench) -> None:
    bench.commit(CONFIG)
    bench.commit(CONFIG, branch="feature")
    about = {"id": 11, "iid": 3, "source_branch": "feature", "target_branch": "main", "title": "Docs"}
    pipeline = bench.push("feature", source="merge_request_event", merge_request=about)
    bench.ci.wait(pipeline["id"])
    event = payloads(bench, "pipeline")[-1]
    assert event["merge_request"]["iid"] == 3
    assert set(event["merge_request"]) == set(RECORDED_MERGE_REQUEST.split())
    assert event["object_attributes"]["ref"] == "feature"
    assert event["object_attributes"]["source"] == "merge_request_event"


@pytest.mark.skipif(not RECORDED.exists(), reason="../shared/recorded is not there")
@pytest.mark.parametrize(
    ("kind", "recorded"),
    [("pipeline", "pipeline"), ("job", "build"), ("job", "job"), ("deployment", "deployment")],
)
def test_an_event_has_every_key_of_a_recorded_one(bench: Bench, kind: str, recorded: str) -> None:
    bench.run(CONFIG)
    ours = payloads(bench, kind)[-1]
    theirs = json.loads((RECORDED / f"{recorded}.json").read_text())
    # Only a child pipeline has a `source_pipeline`, and there are none here.
    missing = set(theirs) - set(ours) - {"source_pipeline"}
    nested = {
        f"{key}.{name}"
        for key, value in theirs.items()
        if isinstance(value, dict) and isinstance(ours.get(key), dict)
        for name in value
        if name not in ours[key]
    }
    assert missing == set()
    assert nested == set()


def test_the_host_may_start_the_next_pipeline_when_it_is_told(bench: Bench) -> None:
    started: list[int] = []

    def on_change(pipeline_id: int, sha: str, ref: str, status: str) -> None:
        if status == "success" and not started:
            started.append(bench.push()["id"])

    bench.project.pipeline_changed = on_change
    bench.run(CONFIG)
    bench.until(lambda: bool(started))
    assert bench.ci.wait(started[0]) == "success"
