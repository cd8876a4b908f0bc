"""The service desk's SLAs are counted from what happened to the customer's request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integrations.sandbox_jira.conftest import Site

H = 3_600_000


@pytest.fixture
def asked(cloud: Site) -> Iterator[str]:
    """Ana's request at the service desk, of nine hours ago; its key."""
    cloud.sandbox.state.desks = frozenset({"OPS"})
    key = cloud.create(project={"key": "OPS"}, reporter={"accountId": "acc-anaya"})
    cloud.sandbox.state.issue(key).created -= timedelta(hours=9)
    yield key
    cloud.sandbox.state.desks = frozenset()


def slas(site: Site, key: str, **query: int) -> dict[str, Any]:
    answer = site.http.get(f"/rest/servicedeskapi/request/{key}/sla", params=query)
    return answer.raise_for_status().json()


def test_a_clock_runs_until_what_was_promised_is_there(cloud: Site, asked: str) -> None:
    answer, end = slas(cloud, asked)["values"]
    cycle = answer["ongoingCycle"]
    assert (answer["name"], answer["completedCycles"]) == ("Time to first response", [])
    assert (cycle["breached"], cycle["paused"], cycle["goalDuration"]) == (
        True,
        False,
        {"millis": 8 * H, "friendly": "8h"},
    )
    assert cycle["elapsedTime"]["millis"] + cycle["remainingTime"]["millis"] == 8 * H
    assert cycle["remainingTime"]["friendly"] == "-1h"
    assert cycle["breachTime"]["epochMillis"] - cycle["startTime"]["epochMillis"] == 8 * H
    assert (end["ongoingCycle"]["breached"], "stopTime" in end["ongoingCycle"]) == (False, False)
    cloud.http.post(f"/rest/api/2/issue/{asked}/comment", json={"body": "We look."}).raise_for_status()
    answer = slas(cloud, asked)["values"][0]
    assert "ongoingCycle" not in answer
    [cycle] = answer["completedCycles"]
    assert cycle["breached"] is True
    assert cycle["stopTime"]["epochMillis"] > cycle["breachTime"]["epochMillis"]


def test_an_end_stops_the_clock_and_opening_it_again_starts_another(cloud: Site, asked: str) -> None:
    for status in ("In Progress", "Code Review", "QA", "Waiting Release", "Released"):
        move(cloud, asked, status)
    [cycle] = slas(cloud, asked)["values"][1]["completedCycles"]
    assert cycle["breached"] is False
    move(cloud, asked, "Waiting Release")
    again = slas(cloud, asked)["values"][1]
    assert len(again["completedCycles"]) == 1
    assert again["ongoingCycle"]["startTime"]["epochMillis"] >= cycle["stopTime"]["epochMillis"]


def move(site: Site, key: str, status: str) -> None:
    path = f"/rest/api/2/issue/{key}/transitions"
    ways = site.http.get(path).json()["transitions"]
    way = next(each["id"] for each in ways if each["to"]["name"] == status)
    site.http.post(path, json={"transition": {"id": way}}).raise_for_status()


def test_the_slas_come_in_pages(cloud: Site, asked: str) -> None:
    first, last = slas(cloud, asked, limit=1), slas(cloud, asked, limit=1, start=1)
    assert [(page["size"], page["isLastPage"]) for page in (first, last)] == [(1, False), (1, True)]
    assert [page["values"][0]["id"] for page in (first, last)] == ["1", "2"]


@pytest.mark.parametrize("key", ["OPS-999", "REL-999", ""])
def test_what_no_customer_asked_for_has_no_slas(cloud: Site, asked: str, key: str) -> None:
    del asked
    answer = cloud.http.get(f"/rest/servicedeskapi/request/{key or cloud.create()}/sla")
    assert answer.status_code == 404
    assert "does not exist" in answer.json()["errorMessage"]
