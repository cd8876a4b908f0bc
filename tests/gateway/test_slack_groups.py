"""A role that a Slack user group fills: who is in the group may sign, from the moment Slack tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deployments.demo.waiting import eventually
from integrations.ledger import Event
from integrations.sandbox.http import LOOPBACK
from lifecycle.slack_groups import STREAM
from tests.gateway.world import Office


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, str]]:
    """An office whose QA is a user group, with only Quentin in it; and the group's id."""
    office = Office(tmp_path_factory.mktemp("club"))
    try:
        group = str(regroup(office, "quentin")["group_id"])
        path = Path(office.env["CONVEYOR_POLICY"])
        policy = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump({**policy, "slack_groups": {"qa": group}}), encoding="utf-8")
        office.start()
        yield office, group
    finally:
        office.stop()


def regroup(office: Office, *members: str) -> dict[str, Any]:
    """An administrator of the workspace puts these people into the group, and nobody else."""
    body = {"handle": "qa", "members": members}
    return httpx.post(f"{office.slack.url}/people/mara/group", json=body, **LOOPBACK).json()


def reads(office: Office) -> list[Event]:
    return list(office.ledger.events(STREAM))


def test_the_group_holds_the_role_in_place_of_the_file(club: tuple[Office, str]) -> None:
    office, group = club
    eventually("the gateway has looked", lambda: reads(office), 30)
    assert [(e.data["role"], e.data["group"]) for e in reads(office)] == [("qa", group)]
    asked = office.asking()
    office.press("quinn", asked, "signoff.approve")
    assert "SignOffGiven" not in office.kinds(asked.subject)
    eventually("she is told privately", lambda: office.whispers("quinn"), 30)
    office.press("quentin", asked, "signoff.approve")
    assert office.kinds(asked.subject)[-1] == "SignOffGiven"


def test_a_change_of_the_group_counts_as_soon_as_slack_tells_it(club: tuple[Office, str]) -> None:
    office, _ = club
    asked, before = office.asking(), len(reads(office))
    regroup(office, "quinn")
    eventually("it is on record", lambda: len(reads(office)) > before, 30)
    office.press("quentin", asked, "signoff.approve")
    assert "SignOffGiven" not in office.kinds(asked.subject)
    office.press("quinn", asked, "signoff.approve")
    assert office.kinds(asked.subject)[-1] == "SignOffGiven"
