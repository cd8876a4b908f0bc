"""`conveyor` in a folder of its own: a policy, a ledger, no vendors unless a test starts them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from deployments import sandbox_policy
from deployments.cli.main import main
from deployments.sandbox import SandboxVendors
from deployments.sandbox_policy import CAST
from integrations.ledger import Ledger, NewEvent
from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from lifecycle.events import ReleaseEvent
from tasks import context

SHA = "a" * 40
START = datetime(2026, 10, 1, 10, tzinfo=UTC)
TOKENS = {slug: f"token-{slug}" for slug in CAST}


def policy_data() -> dict[str, Any]:
    """The sandbox's policy with ids that nobody looks at."""
    urls = {"staging": "http://127.0.0.1:1", "production": "http://127.0.0.1:1"}
    channels = {"releases": "C0RELEASES", "planning": "C0PLANNING"}
    return sandbox_policy.policy(sandbox_policy.people(TOKENS), channels, 1, urls, "demo")


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """`run` is the command line; `record` writes the past that it looks at."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.policy = home / "conveyor.yaml"
        self._capsys = capsys

    def run(self, *tokens: str) -> Said:
        self._capsys.readouterr()
        code = main(tokens)
        said = self._capsys.readouterr()
        return Said(int(code), said.out, said.err)

    @property
    def ledger(self) -> Ledger:
        return context.ledger()

    def record(self, stream: str, *facts: Any) -> None:
        """Append facts a minute apart, as if they had happened one after the other."""
        for fact in facts:
            at = START + timedelta(minutes=self.ledger.head()[0])
            event = NewEvent(fact.kind, fact.key(stream), fact.model_dump(mode="json"))
            self.ledger.append(stream, [event], now=at)

    def kinds(self, stream: str) -> list[str]:
        return [event.kind for event in self.ledger.events(stream)]


class Team:
    """The sandbox, and what its people do by hand."""

    def __init__(self, vendors: SandboxVendors) -> None:
        self.vendors = vendors
        login = (vendors.people["dora"].email, vendors.tokens["dora"])
        self._jira = httpx.Client(base_url=f"{vendors.jira.url}/rest/api/2", auth=login, **LOOPBACK)

    def stop(self) -> None:
        self._jira.close()
        self.vendors.stop()

    def issue(self, title: str) -> str:
        fields = {"project": {"key": "SHOP"}, "summary": title, "issuetype": {"name": "Task"}}
        return str(self._ask("POST", "issue", {"fields": fields})["key"])

    def titles(self) -> list[str]:
        """The titles of all issues of the project."""
        found: list[str] = []
        asked: dict[str, Any] = {"jql": "project = SHOP", "fields": ["summary"], "maxResults": 100}
        while True:
            page = self._ask("POST", "search/jql", asked)
            found += [str(issue["fields"]["summary"]) for issue in page["issues"]]
            if not page.get("nextPageToken"):
                return found
            asked["nextPageToken"] = page["nextPageToken"]

    def messages(self) -> list[dict[str, Any]]:
        """The messages of the planning channel."""
        seen = httpx.get(f"{self.vendors.slack.url}/people/mara/inbox", **LOOPBACK).json()
        return next(c["messages"] for c in seen["channels"] if c["name"] == "planning")

    def property(self, key: str, name: str) -> dict[str, Any]:
        return self._ask("GET", f"issue/{key}/properties/{name}")["value"]

    def links(self, key: str) -> list[dict[str, Any]]:
        """The issue's links to elsewhere."""
        return self._ask("GET", f"issue/{key}/remotelink")

    def close(self, key: str) -> None:
        self._ask("POST", f"issue/{key}/transitions", {"transition": {"id": "71"}})

    def estimate_of(self, key: str) -> int | None:
        """The points in Jira's property."""
        shown = self._ask("GET", f"issue/{key}?properties=conveyor.estimate").get("properties", {})
        return shown.get("conveyor.estimate", {}).get("points")

    def versions_of(self, key: str) -> list[str]:
        issue = self._ask("GET", f"issue/{key}")
        return [version["name"] for version in issue["fields"]["fixVersions"]]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._jira.request(method, path, json=body).raise_for_status()
        return answer.json() if answer.content else {}


def first_json(stream: IO[str]) -> Any:
    """The first JSON object that a process prints; the process goes on."""
    text = ""
    for line in stream:
        text += line
        if line == "}\n":
            return json.loads(text)
    raise AssertionError(f"it ended after {text!r}")


PLAN = e.Planned(
    project="shop",
    version="1.4.0",
    issues=("SHOP-3", "SHOP-4"),
    titles={"SHOP-3": "Gift wrap", "SHOP-4": "Search"},
    base="main",
    plan_hash="p" * 64,
    started_by="mara",
)


def in_production(keys: tuple[str, ...], version: str, at: datetime) -> Sequence[ReleaseEvent]:
    """A release of these issues that has been in production since `at`, and is well."""
    return (
        e.Planned(project="shop", version=version, issues=keys, base="main", plan_hash="p" * 64),
        e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=SHA, branch="b", authors=("dora",), digests={}),
        e.CandidateVerified(number=1, pipeline_id=7),
        e.Staged(number=1, sha=SHA, url="http://127.0.0.1:1", pipeline_id=8),
        e.ProductionStarted(number=1, tag=version, sha=SHA),
        e.ProductionDeployed(sha=SHA, url="http://127.0.0.1:1", pipeline_id=9, at=at),
        e.WatchEnded(verdict="healthy"),
    )


def asked(step: str, issue: str | None, request: str) -> e.SignOffAsked:
    return e.SignOffAsked(
        request=request,
        step=step,
        number=1,
        issue=issue,
        sha=SHA,
        plan_hash=PLAN.plan_hash,
        environment="staging",
        due=START + timedelta(days=2),
    )


def until_qa() -> Sequence[ReleaseEvent]:
    """A release whose first candidate waits for QA of its two issues; dora wrote it."""
    return (
        PLAN,
        e.CandidateCut(
            number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0", authors=("dora",), digests={}
        ),
        e.CandidateVerified(number=1, pipeline_id=7),
        e.Staged(number=1, sha=SHA, url="http://127.0.0.1:1", pipeline_id=8),
        asked("qa", "SHOP-3", "r3"),
        asked("qa", "SHOP-4", "r4"),
    )
