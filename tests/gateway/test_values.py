"""People say in Slack what a request is worth and why: one modal, shown in Jira and in the message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from tests.gateway.desk import Desk

REASON, NEED, SAID = "reason", "need", "said"


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({REASON: "x"}, REASON, "Choose a value"),
        ({"urgency": "4"}, REASON, "say why"),
        ({SAID: "three calls"}, NEED, "Say what this is"),
        ({NEED: "metric", SAID: "it is slow"}, SAID, "by its link"),
        ({NEED: "incident", SAID: "SHOP-4711"}, SAID, "Jira has no SHOP-4711"),
        ({NEED: "waive", REASON: ""}, REASON, "say why"),
    ],
)
def test_what_cannot_be_is_said_in_the_modal_and_nothing_is_recorded(
    desk: Desk, values: dict[str, str], field: str, told: str
) -> None:
    key = desk.request()
    desk.press("mara", key)
    errors = desk.send("mara", **values)["errors"]
    assert set(errors) == {field}
    assert told in errors[field]
    assert desk.facts(key, "ValueSet") == desk.facts(key, "NeedShown") == []


def test_a_developer_waives_nothing(desk: Desk) -> None:
    key = desk.request()
    desk.press("dora", key)
    errors = desk.send("dora", need="waive", reason="I like it")["errors"]
    assert "waived by lead or product" in errors[REASON]


def test_the_modal_shows_what_is_suggested_and_what_is_sent_is_shown_everywhere(desk: Desk) -> None:
    key = desk.request(due=f"{datetime.now(UTC):%Y-%m-%d}")
    desk.press("gerd", key)
    fields = {block["block_id"]: block for block in desk.office.view("gerd")["blocks"]}
    assert fields["urgency"]["element"]["placeholder"]["text"] == "5 (suggested)"
    assert fields["urgency"]["hint"]["text"] == "suggested: due in 0 days"
    assert fields["type"]["element"]["placeholder"]["text"] == "defect (suggested)"
    assert fields["complexity"]["element"]["placeholder"]["text"] == "nothing known"
    sent = {
        "urgency": "2",
        "complexity": "8",
        "reason": "nobody waits for it",
        NEED: "feedback",
        SAID: "3 calls",
    }
    assert desk.send("gerd", **sent)["view"] == "closed"
    told = {fact["value"]: (fact["to"], fact["suggested"]) for fact in desk.facts(key, "ValueSet")}
    assert told == {"urgency": (2, 5), "complexity": (8, None)}
    assert [fact["said"] for fact in desk.facts(key, "NeedShown")] == ["3 calls"]
    eventually("Jira has the size", lambda: desk.points(key) == {"points": 8}, 30)
    eventually("it is shown", lambda: "urgency *2*, Gerd" in str(desk.message(key)["blocks"]), 30)
    shown = str(desk.message(key)["blocks"])
    assert "(suggested: 5)" in shown
    assert "need: feedback 3 calls (gerd)" in shown


def test_a_value_stands_though_the_need_beside_it_is_refused(desk: Desk) -> None:
    key = desk.request()
    desk.press("olli", key)
    sent = {"importance": "5", "reason": "the law", NEED: "metric", SAID: "none"}
    assert set(desk.send("olli", **sent)["errors"]) == {SAID}
    assert desk.send("olli", **{**sent, SAID: "https://metrics.example/d/7"})["view"] == "closed"
    assert len(desk.facts(key, "ValueSet")) == len(desk.facts(key, "NeedShown")) == 1


def test_while_jira_is_down_the_person_is_asked_to_press_again(desk: Desk) -> None:
    key = desk.request()
    desk.jira.faults.order(Fault("GET .*", "503", times=9))
    try:
        desk.press("emil", key)
        eventually(
            "it is said", lambda: any("press the button again" in w for w in desk.office.whispers("emil")), 30
        )
    finally:
        desk.jira.faults.clear()
    desk.press("emil", key)
    assert desk.send("emil", urgency="4", reason="soon")["view"] == "closed"
