"""A step's pipeline is started once, with its key as an input where the project takes inputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments.gateway.hints import hint
from integrations.errors import Transient
from integrations.gitlab.inputs import declared
from integrations.sandbox.shop import template_dir
from tasks import context, pipelines
from tests.flows.gates.world import CI, Shop

Team = Any
SUBJECT = "release:shop:1.4.0"
KEY = f"{SUBJECT}:pipeline:verify:1"
INPUTS = """\
spec:
  inputs:
    CONVEYOR_STEP: {default: ""}
    CONVEYOR_OP: {default: ""}
---
variables:
  CONVEYOR_STEP: $[[ inputs.CONVEYOR_STEP ]]
  CONVEYOR_OP: $[[ inputs.CONVEYOR_OP ]]
"""


def all_pipelines(team: Team) -> list[Any]:
    return team.gitlab("GET", "pipelines", "olli")


def given(team: Team, pipeline: Any) -> dict[str, str]:
    rows = team.gitlab("GET", f"pipelines/{pipeline['id']}/variables", "olli")
    return {row["key"]: row["value"] for row in rows}


@pytest.mark.parametrize("header", [INPUTS, ""], ids=["inputs", "variables"])
def test_a_start_whose_answer_was_lost_is_found_and_not_repeated(team: Team, header: str) -> None:
    shop = Shop(team)
    sha = shop.commit(ci=header + CI)
    tag = shop.tag(sha)
    team.fail_gitlab("/api/v4/projects/1/pipeline", times=1, do="drop_after", method="POST")
    with pytest.raises(Transient):
        pipelines.start.fn(1, tag, sha, "verify", 1, subject=SUBJECT)
    begun = [pipelines.start.fn(1, tag, sha, "verify", 1, subject=SUBJECT) for _ in range(2)]
    [pipeline] = all_pipelines(team)
    assert {each.pipeline_id for each in begun} == {pipeline["id"]}
    assert pipeline["name"] == f"verify {KEY}"
    carried = {} if header else {"CONVEYOR_STEP": "verify", "CONVEYOR_OP": KEY}
    assert given(team, pipeline) == carried


def test_while_gitlab_may_still_start_a_lost_one_no_second_is_started(team: Team) -> None:
    shop = Shop(team)
    sha = shop.commit()
    tag = shop.tag(sha)
    team.fail_gitlab("/api/v4/projects/1/pipeline", times=1, do="drop_before", method="POST")
    for said in ("no answer", "may still be at it"):
        with pytest.raises(Transient, match=said):
            pipelines.start.fn(1, tag, sha, "verify", 1, subject=SUBJECT)
    assert all_pipelines(team) == []
    at_last = team.gitlab(
        "POST", "pipeline", "olli", ref=tag, variables=[{"key": "CONVEYOR_OP", "value": KEY}]
    )
    begun = pipelines.start.fn(1, tag, sha, "verify", 1, subject=SUBJECT)
    assert [begun.pipeline_id] == [each["id"] for each in all_pipelines(team)] == [at_last["id"]]


def test_a_rollback_says_more_than_the_project_declares_so_it_goes_by_variables(team: Team) -> None:
    shop = Shop(team)
    sha = shop.commit(ci=INPUTS + CI)
    pipelines.start.fn(1, shop.tag(sha), sha, "rollback", 1, subject=SUBJECT)
    [pipeline] = all_pipelines(team)
    assert given(team, pipeline)["CONVEYOR_ROLLBACK"] == "true"


def test_the_shop_s_own_configuration_takes_the_key_as_an_input() -> None:
    text = (template_dir() / ".gitlab-ci.yml").read_text()
    assert {"CONVEYOR_STEP", "CONVEYOR_OP"} <= declared(text, "CONVEYOR_OP")


@pytest.mark.parametrize(
    ("name", "variables", "status", "wakes"),
    [
        (f"verify {KEY}", [], "success", (SUBJECT,)),
        ("", [{"key": "CONVEYOR_OP", "value": KEY}], "failed", (SUBJECT,)),
        (f"verify {KEY}", [], "running", ()),
        ("Nightly build", [], "success", ()),
        (None, [], "success", ()),
    ],
)
def test_the_end_of_a_pipeline_wakes_its_release_whichever_way_it_carries_the_key(
    team: Team, name: str | None, variables: list[dict[str, str]], status: str, wakes: tuple[str, ...]
) -> None:
    about = {"id": 7, "name": name, "status": status, "ref": "main", "variables": variables}
    told = {"object_kind": "pipeline", "project": {"id": 1}, "object_attributes": about}
    delivery = context.ledger().delivery(team.deliver("gitlab", json.dumps(told).encode()))
    assert hint(context.ledger(), delivery).wakes == wakes
