"""A request is split, its parts are estimated and work is handed out, all in Slack."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from deployments.demo.waiting import eventually
from deployments.gateway.parts_modal import ORDER, SEQUENCE, SPLIT
from integrations.sandbox.faults import Fault
from tests.gateway.desk import Desk


def press(desk: Desk, slug: str, key: str, modal: str = SPLIT) -> dict[str, dict[str, Any]]:
    """Open the modal; its fields by their ids."""
    desk.press(slug, key, modal)
    seen = eventually(
        "the modal", lambda: next((v for v in views(desk, slug) if v["callback_id"] == modal), None), 30
    )
    return {block["block_id"]: block for block in seen["blocks"] if "block_id" in block}


def views(desk: Desk, slug: str) -> list[dict[str, Any]]:
    return desk.office.people[slug].inbox()["views"]


def send(desk: Desk, slug: str, values: dict[str, str], modal: str = SPLIT) -> dict[str, Any]:
    return desk.office.people[slug].submit(modal, values)


def split(desk: Desk, slug: str, key: str, values: dict[str, str]) -> list[str]:
    """Split the request; the sub-tasks that Jira has once the message shows them."""
    press(desk, slug, key)
    assert send(desk, slug, values)["view"] == "closed"
    asked = {fact["part"] for fact in desk.facts(key, "PartAsked")}
    made: Callable[[], bool] = lambda: {f["part"] for f in desk.facts(key, "PartMade")} == asked  # noqa: E731
    eventually("Jira has them", made, 30)
    told = [fact["issue"] for fact in desk.facts(key, "PartMade")]
    eventually("it is shown", lambda: all(sub in str(desk.message(key)["blocks"]) for sub in told), 30)
    return told


def test_a_request_is_split_and_a_part_is_added_later(desk: Desk) -> None:
    key = desk.request()
    fields = press(desk, "mara", key)
    assert "Not split yet" in str(views(desk, "mara")[-1]["blocks"][0])
    assert [o["value"] for o in fields["qa"]["element"]["options"]] == ["quinn", "quentin"]
    desk.office.close_views("mara")
    first = split(desk, "mara", key, {"developer": "dora", "brief.developer": "the form"})
    assert desk.issue(first[0])["description"].startswith("the form\n")
    second = split(desk, "olli", key, {"developer": "dora", "qa": "quinn", SEQUENCE: "qa developer"})
    assert second[:1] == first
    names = [desk.issue(sub)["assignee"]["displayName"] for sub in second]
    assert names == ["Dora (developer)", "Quinn (QA)"]
    outward = [link["outwardIssue"]["key"] for link in desk.issue(second[1])["issuelinks"]]
    assert outward == first
    assert split(desk, "emil", key, {"qa": "quinn"}) == second
    eventually(
        "emil hears", lambda: any("is split already" in text for text in desk.office.whispers("emil")), 30
    )


def test_who_does_a_part_estimates_it_and_may_change_it(desk: Desk) -> None:
    key = desk.request()
    [sub] = split(desk, "mara", key, {"developer": "dora"})
    field = f"estimate.{sub}"
    for points in ("3", "5"):
        assert field in press(desk, "dora", key)
        assert send(desk, "dora", {field: points})["view"] == "closed"
        eventually("Jira has it", lambda p=points: desk.points(key) == {"points": int(p)}, 30)
    told = [(fact["points"], fact["person"]) for fact in desk.facts(key, "PartEstimated")]
    assert told == [(3, "dora"), (5, "dora")]
    assert press(desk, "mara", key)[field]["element"]["placeholder"]["text"] == "5 points"
    errors = send(desk, "mara", {field: "1", "qa": "quinn"})["errors"]
    assert "only who does it" in errors[field]
    desk.office.close_views("mara")
    assert len(desk.facts(key, "PartEstimated")) == 2
    eventually("what was not refused is made", lambda: len(desk.facts(key, "PartMade")) == 2, 30)


def test_work_is_handed_out_with_its_day_and_way_back(desk: Desk) -> None:
    key = desk.request()
    day = f"{datetime.now(UTC).date() + timedelta(days=3)}"
    press(desk, "mara", key, ORDER)
    values = {"to": "Night testers", "what": "Try it by night", "by": "2020-01-01"}
    assert "is over" in send(desk, "mara", values, ORDER)["errors"]["what"]
    assert send(desk, "mara", {**values, "by": day}, ORDER)["view"] == "closed"
    [made] = eventually("it is made", lambda: desk.facts(key, "PartMade") or None, 30)
    found = desk.issue(made["issue"])
    assert (found["duedate"], "The way back" in found["description"]) == (day, True)
    eventually("mara hears", lambda: any(made["issue"] in text for text in desk.office.whispers("mara")), 30)
    assert f"work order: {made['issue']}, Night testers, by {day}" in str(desk.message(key)["blocks"])


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({}, SEQUENCE, "Choose who does a part"),
        ({"qa": "quinn", SEQUENCE: "developer qa"}, "qa", "the order has to name each of qa"),
    ],
)
def test_what_cannot_be_is_said_in_the_modal(
    desk: Desk, values: dict[str, str], field: str, told: str
) -> None:
    key = desk.request()
    press(desk, "mara", key)
    errors = send(desk, "mara", values)["errors"]
    desk.office.close_views("mara")
    assert set(errors) == {field}
    assert told in errors[field]
    assert desk.facts(key, "PartAsked") == []


@pytest.mark.parametrize("button", [SPLIT, ORDER])
def test_who_may_not_is_told_in_private_and_gets_no_modal(desk: Desk, button: str) -> None:
    key = desk.request()
    written = desk.office.home / "conveyor.yaml"
    before = written.read_text()
    rules = yaml.safe_load(before)
    next(each for each in rules["people"] if each["id"] == "emil")["roles"] = ["client"]
    heard = len(desk.office.whispers("emil"))
    written.write_text(yaml.safe_dump(rules))
    try:
        desk.press("emil", key, button)
        eventually("emil hears", lambda: len(desk.office.whispers("emil")) > heard, 30)
    finally:
        written.write_text(before)
    assert "Planning is the team's" in desk.office.whispers("emil")[-1]
    assert [view for view in views(desk, "emil") if view["callback_id"] == button] == []


def test_while_jira_does_not_answer_what_was_decided_is_kept_and_made_later(desk: Desk) -> None:
    key = desk.request()
    press(desk, "mara", key)
    desk.jira.faults.order(Fault("POST /rest/api/2/issue$", "503", times=1))
    try:
        assert send(desk, "mara", {"developer": "dora", "qa": "quinn"})["view"] == "closed"
        eventually("both are made", lambda: len(desk.facts(key, "PartMade")) == 2, 60)
    finally:
        desk.jira.faults.clear()
    assert len(desk.issue(key)["subtasks"]) == len(desk.facts(key, "PartAsked")) == 2
