"""An office with a Jira of its own, in which requests have their messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx

from deployments import sandbox_policy
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from lifecycle.requests import Door, Received, Requester
from lifecycle.scoring import RequestSource
from tests.gateway.world import TOKENS, Office


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
        buttons = [
            {
                "type": "button",
                "action_id": action_id,
                "value": key,
                "text": {"type": "plain_text", "text": action_id},
            }
            for action_id in ("request.values", "request.parts", "request.order")
        ]
        blocks = json.dumps([{"type": "actions", "block_id": "values", "elements": buttons}])
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

    def press(self, slug: str, key: str, action_id: str = "request.values") -> None:
        """Press a button of the request's message, which opens its modal."""
        body = {
            "channel_id": self.planning,
            "ts": self.message(key)["ts"],
            "action_id": action_id,
            "value": key,
        }
        url = f"{self.office.slack.url}/people/{slug}/press"
        assert httpx.post(url, json=body, timeout=60, **LOOPBACK).json()["error_shown"] == ""

    def send(self, slug: str, **values: str) -> dict[str, Any]:
        """Fill the modal of the values in and send it off."""
        return self.office.people[slug].submit("request.values", values)

    def issue(self, key: str) -> dict[str, Any]:
        """The issue's fields as Jira has them."""
        return self._http.get(f"/issue/{key}").raise_for_status().json()["fields"]

    def facts(self, key: str, kind: str) -> list[dict[str, Any]]:
        """What is on record of the request."""
        return [dict(e.data) for e in self.office.ledger.events(f"request:{key}") if e.kind == kind]

    def points(self, key: str) -> Any:
        """The estimate as Jira has it."""
        answer = self._http.get(f"/issue/{key}", params={"properties": "conveyor.estimate"})
        return answer.json().get("properties", {}).get("conveyor.estimate")
