"""A Jira on loopback with a backlog in the shop's project, and what its people do by plain HTTP."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest

from deployments import sandbox_policy
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from integrations.settings import settings
from tasks import context

TOKENS = {slug: f"token-{slug}" for slug in sandbox_policy.CAST}
PEOPLE = sandbox_policy.people(TOKENS)
CLARA = next(person for person in PEOPLE if person.id == "clara")
COUNT = 620
START = datetime.now(UTC) - timedelta(days=40)


class Site:
    """A Jira with a backlog, and what its people do by plain HTTP."""

    def __init__(self, flavor: Literal["cloud", "server"], index_lag_s: float = 0.0) -> None:
        self.flavor = flavor
        self.sandbox = JiraSandbox(
            None,
            PEOPLE,
            {"SHOP": "Shop", "OTHER": "Other"},
            flavor=flavor,
            bursts=False,
            index_lag_s=index_lag_s,
        )
        self.sandbox.load_backlog(map(report, range(COUNT)), "SHOP")
        basic = base64.b64encode(f"{CLARA.email}:{CLARA.token}".encode()).decode()
        login = f"Basic {basic}" if flavor == "cloud" else f"Bearer {CLARA.token}"
        self.http = httpx.Client(base_url=self.sandbox.url, headers={"Authorization": login}, **LOOPBACK)

    def reach(self, monkeypatch: pytest.MonkeyPatch, timeout_s: int = 60) -> None:
        """Let this process work with this Jira as the bot does."""
        bot = PEOPLE[-1]
        told = {"URL": self.sandbox.url, "USER": bot.email, "TOKEN": bot.token, "FLAVOR": self.flavor}
        for name, value in {**told, "TIMEOUT_S": str(timeout_s)}.items():
            monkeypatch.setenv(f"CONVEYOR_JIRA_{name}", value)
        settings.cache_clear()
        vars(context._local).clear()

    def stop(self) -> None:
        vars(context._local).clear()
        self.http.close()
        self.sandbox.stop()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, path, json=body).raise_for_status()
        return answer.json() if answer.content else None

    def rename(self, number: int, title: str) -> None:
        self.ask("PUT", f"/rest/api/2/issue/SHOP-{number}", {"fields": {"summary": title}})

    def delete(self, number: int) -> None:
        self.ask("DELETE", f"/rest/api/2/issue/SHOP-{number}")

    def create(self, title: str) -> str:
        fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Task"}, "summary": title}
        return self.ask("POST", "/rest/api/2/issue", {"fields": fields})["key"]

    def fault(self, do: str, skip: int, **more: object) -> None:
        match = "POST /rest/api/2/search.*"
        self.ask("POST", "/_sandbox/faults", {"match": match, "do": do, "skip": skip, **more})

    def asked(self) -> list[str]:
        """The paths that Conveyor asked for since the last call."""
        seen = [
            each["path"] for each in self.ask("GET", "/_sandbox/requests") if each["actor"] == "5f0000:bot"
        ]
        self.ask("DELETE", "/_sandbox/requests")
        return seen

    def titles(self) -> dict[str, str]:
        """Every issue's title, as Jira has it."""
        issues = self.sandbox.state.issues
        return {key: issue.summary for key, issue in issues.items() if issue.project == "SHOP"}


def report(number: int) -> str:
    """Reports that come three to the minute, and ninety in one of them."""
    minute = 100 if 100 <= number < 190 else number // 3
    created = START + timedelta(minutes=minute, seconds=number % 60)
    return json.dumps(
        {"title": f"Wish {number}", "description": f"Text of {number}", "created": created.isoformat()}
    )
