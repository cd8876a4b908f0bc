"""What somebody deploys past Conveyor is told once and stays on record."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from integrations.errors import Transient
from integrations.sandbox.faults import Fault
from tasks import context, deployed_by_hand, differences, occupying
from tasks.pipelines import op_key
from tests.flows.environments.conftest import NOW

Team = Any
Releases = Any
SUBJECT = "environment:shop:staging"


def ours(version: str, step: str, pipeline_id: int | None, number: int = 1) -> None:
    """The ledger started this pipeline; None: nobody knows whether it did."""
    subject = f"release:shop:{version}"
    key = op_key(subject, step, number)
    context.ledger().intend(key, subject, "pipeline", {"step": step}, NOW)
    if pipeline_id is not None:
        done = {"pipeline_id": pipeline_id, "url": ""}
        context.ledger().conclude(key, "done", done, NOW + timedelta(seconds=1))


def told(team: Team) -> list[str]:
    return [m["text"] for m in team.messages(team.releases) if "past Conveyor" in m["text"]]


def look() -> list[str]:
    return [difference.subject for difference in deployed_by_hand.find()]


def test_what_was_there_before_conveyor_is_not_told(team: Team, releases: Releases) -> None:
    releases.plan("1.4.0")
    assert look() == []
    releases.deploy("staging", "1.4.0")
    assert look() == []
    ours("1.4.0", "verify", 1)
    assert look() == []


@pytest.mark.parametrize(("environment", "step"), [("staging", "staging"), ("production", "rollback")])
def test_a_deployment_by_hand_is_told_once_and_recorded(
    team: Team, releases: Releases, environment: str, step: str
) -> None:
    releases.plan("1.4.0")
    ours("1.4.0", step, 7)
    deployment = releases.deploy(environment, "1.4.0")
    subject = f"environment:shop:{environment}"
    assert look() == [subject]
    for _ in range(2):
        deployed_by_hand.tell.fn(subject)
    assert told(team) == [f"Shop: {environment} was deployed past Conveyor"]
    assert look() == []
    [fact] = occupying.seen("shop", environment)[0].by_hand
    assert (fact.deployment_id, fact.sha) == (deployment, releases.shas["1.4.0"])
    releases.deploy(environment, "1.4.0")
    assert look() == [subject]


def test_reconcile_finds_it_and_the_message_says_who(team: Team, releases: Releases) -> None:
    releases.plan("1.4.0")
    ours("1.4.0", "staging", 7)
    releases.deploy("staging", "1.4.0")
    found = [difference for difference in differences.find() if difference.subject == SUBJECT]
    assert "is not Conveyor's" in found[0].text
    deployed_by_hand.tell.fn(SUBJECT)
    assert told(team) == ["Shop: staging was deployed past Conveyor"]
    message = team.messages(team.releases)[-1]
    assert "by Olli (release)" in str(message["blocks"])


def test_while_a_pipeline_of_ours_is_uncertain_nobody_is_blamed(releases: Releases) -> None:
    releases.plan("1.4.0")
    ours("1.4.0", "staging", 7)
    ours("1.4.0", "staging", None, number=2)
    releases.deploy("staging", "1.4.0")
    assert look() == []


def test_what_slack_did_not_take_is_told_by_the_next_reconcile(team: Team, releases: Releases) -> None:
    releases.plan("1.4.0")
    ours("1.4.0", "staging", 7)
    releases.deploy("staging", "1.4.0")
    team.slack_sandbox.faults.order(Fault("POST /api/chat.postMessage", "503", times=1))
    with pytest.raises(Transient):
        deployed_by_hand.tell.fn(SUBJECT)
    assert look() == [SUBJECT]
    deployed_by_hand.tell.fn(SUBJECT)
    assert len(told(team)) == 1


def ship(team: Team) -> int:
    """A pipeline that has deployed to staging; its id."""
    pipeline = team.gitlab("POST", "pipeline", "olli", ref="main")["id"]
    until(lambda: team.gitlab("GET", f"pipelines/{pipeline}", "olli")["status"] == "success")
    return int(pipeline)


def until(look_: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not look_():
        assert time.monotonic() < deadline


def test_an_old_job_of_ours_that_somebody_runs_again_is_by_hand(team: Team, releases: Releases) -> None:
    team.commit(".gitlab-ci.yml", "ship: {script: ['true'], environment: staging}\n")
    releases.plan("1.4.0")
    first, second = ship(team), ship(team)
    ours("1.4.0", "staging", first)
    ours("1.4.0", "staging", second, number=2)
    assert look() == []
    [job] = team.gitlab("GET", f"pipelines/{first}/jobs", "olli")
    again = team.gitlab("POST", f"jobs/{job['id']}/retry", "olli")["id"]
    until(lambda: team.gitlab("GET", f"jobs/{again}", "olli")["status"] == "success")
    assert look() == [SUBJECT]


def test_an_older_deployment_of_ours_stands_where_a_younger_one_failed(
    team: Team, releases: Releases
) -> None:
    team.commit(".gitlab-ci.yml", "ship: {script: ['$RUN'], environment: staging}\n")
    releases.plan("1.4.0")
    bodies = [[{"key": "RUN", "value": run}] for run in ("true", "false")]
    ids = [team.gitlab("POST", "pipeline", "olli", ref="main", variables=body)["id"] for body in bodies]
    until(lambda: team.gitlab("GET", f"pipelines/{ids[1]}", "olli")["status"] == "failed")
    until(lambda: team.gitlab("GET", f"pipelines/{ids[0]}", "olli")["status"] == "success")
    for number, pipeline in enumerate(ids, 1):
        ours("1.4.0", "staging", pipeline, number)
    assert look() == []
