"""A sandbox Jira of each flavor, shared by a module, and plain HTTP to it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from tests.integrations.jira.world import PEOPLE


@dataclass
class Site:
    """A running Jira and a logged-in HTTP client of it."""

    sandbox: JiraSandbox
    http: httpx.Client

    def create(self, summary: str = "x", **fields: Any) -> str:
        """Make a task and return its key."""
        base = {"project": {"key": "REL"}, "issuetype": {"name": "Task"}, "summary": summary}
        answer = self.http.post("/rest/api/2/issue", json={"fields": {**base, **fields}})
        return answer.raise_for_status().json()["key"]


def basic(email: str, token: str) -> dict[str, str]:
    """The header Cloud wants."""
    return {"Authorization": "Basic " + base64.b64encode(f"{email}:{token}".encode()).decode()}


def serve(flavor: Any) -> Iterator[Site]:
    """A sandbox of that flavor with Ana's client, until the module is done."""
    projects = {"REL": "Release train", "OPS": "Operations"}
    sandbox = JiraSandbox(None, PEOPLE, projects, flavor=flavor, bursts=False)
    ana = PEOPLE[1]
    login = basic(ana.email, ana.token) if flavor == "cloud" else {"Authorization": f"Bearer {ana.token}"}
    with httpx.Client(base_url=sandbox.url, headers=login, **LOOPBACK) as http:
        yield Site(sandbox, http)
    sandbox.stop()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Site]:
    """Jira Cloud."""
    yield from serve("cloud")


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """Jira Server or Data Center."""
    yield from serve("server")
