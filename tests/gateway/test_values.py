"""People say in Slack what a request is worth and why: one modal, shown in Jira and in the message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from deployments import sandbox_policy
from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from lifecycle.requests import Door, Received, Requester
from lifecycle.scoring import RequestSource
from tests.gateway.world import TOKENS, Office

REASON, NEED, SAID = "reason", "need", "said"


class Desk:
    """An office with a Jira of its own, and one request whose message stands in the planning channel."""

    def __init__(self, office: Office, jira: JiraSandbox) -> None:
        self.office = office
        self.jira = jira
        dora = sandbox_policy.people(TOKENS)[0]
        self._http = httpx.Client(
            base_url=f"{jira.url}/rest/api/2", auth=(dora.email, dora.token), **LOOPBACK
        )
        self.planning = office.slack.channel_id("planning")

    def close(self) -> None:
        self._http.close()

    def request(self, due: str = "") -> str:
        """A new request with its message; its key."""
        fields: dict[str, Any] = {
            "project": {"key": "SHOP"},
            "issuetype": {"name": "Bug"},
            "summary": "Pay by invoice",
        }
        if due:
            fields["duedate"] = due
        made = self._http.post("/issue", json={"fields": fields}).raise_for_status().json()["key"]
        received = Received(
            issue=made,
            origin=f"jira:{made}",
            door=Door.JIRA,
            source=RequestSource.CLIENT,
            title="Pay by invoice",
            requester=Requester(name="Clara"),
            at=datetime.now(UTC),
        )
        self.office.record(f"request:{made}", received)
        self._post(made)
        return str(made)

    def _post(self, key: str) -> None:
        """Post the request's message as an intake run would."""
        values = {"type": "button", "action_id": "request.values", "value": key}
        button = {**values, "text": {"type": "plain_text", "text": "Values"}}
        blocks = json.dumps([{"type": "actions", "block_id": "values", "elements": [button]}])
        answer = httpx.post(
            f"{self.office.slack.api_url}chat.postMessage",
            data={"channel": self.planning, "text": f"New request {key}", "blocks": blocks},
            headers={"Authorization": f"Bearer {self.office.env['CONVEYOR_SLACK_BOT_TOKEN']}"},
            **LOOPBACK,
        ).json()
        assert answer["ok"], answer
        name = f"request:{key}:message"
        where = {"channel_id": self.planning, "ts": answer["ts"]}
        self.office.ledger.intend(name, f"request:{key}", "message", {}, datetime.now(UTC))
        self.office.ledger.conclude(name, "done", where, datetime.now(UTC))

    def message(self, key: str) -> dict[str, Any]:
        """The request's message as people see it."""
        return next(
            m for m in self.office.people["mara"].messages() if m["text"].startswith(f"New request {key}")
        )

    def press(self, slug: str, key: str) -> None:
        """Open the modal."""
        body = {
            "channel_id": self.planning,
            "ts": self.message(key)["ts"],
            "action_id": "request.values",
            "value": key,
        }
        url = f"{self.office.slack.url}/people/{slug}/press"
        assert httpx.post(url, json=body, timeout=60, **LOOPBACK).json()["error_shown"] == ""

    def send(self, slug: str, **values: str) -> dict[str, Any]:
        """Fill the modal in and send it off."""
        return self.office.people[slug].submit("request.values", values)

    def facts(self, key: str, kind: str) -> list[dict[str, Any]]:
        """What is on record of the request."""
        return [dict(e.data) for e in self.office.ledger.events(f"request:{key}") if e.kind == kind]

    def points(self, key: str) -> Any:
        """The estimate as Jira has it."""
        answer = self._http.get(f"/issue/{key}", params={"properties": "conveyor.estimate"})
        return answer.json().get("properties", {}).get("conveyor.estimate")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    cast = sandbox_policy.people(TOKENS)
    bot = next(person for person in cast if person.is_bot)
    jira = JiraSandbox(None, cast, {"SHOP": "Shop"}, bursts=False)
    office = Office(tmp_path_factory.mktemp("desk"))
    office.env |= {
        "CONVEYOR_JIRA_URL": jira.url,
        "CONVEYOR_JIRA_USER": bot.email,
        "CONVEYOR_JIRA_TOKEN": bot.token,
    }
    made = Desk(office, jira)
    try:
        office.start()
        yield made
    finally:
        made.close()
        office.stop()
        jira.stop()


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
