"""A sandbox Jira with invented people, and clients that act as them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from pydantic import SecretStr

from integrations.jira.client import JiraClient
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from integrations.sandbox.jira.state import Comment
from integrations.sandbox.people import SandboxPerson
from integrations.settings import JiraSettings

PEOPLE = (
    SandboxPerson("bot", "Conveyor", "bot@example.test", "acc-bot", 1, "U01", "token-bot", is_bot=True),
    SandboxPerson("ana", "Ana", "ana@example.test", "acc-ana", 2, "U02", "token-ana"),
    SandboxPerson("anaya", "Anaya", "anaya@example.test", "acc-anaya", 3, "U03", "token-anaya"),
    SandboxPerson("gone", "Gone", "gone@example.test", "acc-gone", 4, "U04", "token-gone", active=False),
)


@dataclass
class Jira:
    """A sandbox and ways to act on it."""

    sandbox: JiraSandbox
    flavor: Literal["cloud", "server"]

    def settings(self, person: str = "bot", **changed: object) -> JiraSettings:
        """How to reach it as that person."""
        who = next(one for one in PEOPLE if one.id == person)
        values = {"url": self.sandbox.url, "user": who.email, "token": SecretStr(who.token), "timeout_s": 5.0}
        return JiraSettings.model_validate({**values, **changed})

    def client(self, person: str = "bot", **changed: object) -> JiraClient:
        """A client that acts as that person."""
        return JiraClient(self.settings(person, **changed))

    def get(self, path: str) -> Any:
        """What anybody reads by plain HTTP."""
        email, token = PEOPLE[1].email, PEOPLE[1].token
        cloud = "Basic " + base64.b64encode(f"{email}:{token}".encode()).decode()
        login = {"Authorization": cloud if self.flavor == "cloud" else f"Bearer {token}"}
        url = f"{self.sandbox.url}/rest/api/2/{path}"
        return httpx.get(url, headers=login, **LOOPBACK).raise_for_status().json()

    def chatter(self, key: str, count: int) -> None:
        """Let Ana make that many comments at once, past the limit of writes."""
        state = self.sandbox.state
        with state.lock:
            for n in range(count):
                comment = Comment(state.next_id(), "acc-ana", f"chatter {n}", state.now(), state.now())
                state.issue(key).comments.append(comment)
