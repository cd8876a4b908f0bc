"""A team with its own Jira, GitLab and Slack on loopback, a ledger, and a policy: planning, end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from pydantic import SecretStr

from deployments import sandbox_policy
from integrations.errors import Transient
from integrations.jira.client import JiraClient
from integrations.sandbox.faults import Fault
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import ProjectSeed
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from integrations.settings import JiraSettings, settings
from lifecycle.backlog import Merged, Unmerged
from lifecycle.events import Planned
from lifecycle.requests import AlikeFound, opaque
from tasks import context, doors, lost_originals, merges, requests
from tasks.walk import new_events
from tests.ledgers import lay

TOKENS = {slug: f"token-{slug}" for slug in sandbox_policy.CAST}
BOT_TOKEN = "xoxb-sandbox"
CAST = {person.id: person for person in sandbox_policy.people(TOKENS)}
PROJECT = 1


class Team:
    """What a test does as a person, and what it reads back over HTTP."""

    def __init__(self, jira: JiraSandbox, gitlab: GitLabSandbox, slack: SlackSandbox) -> None:
        self.jira_sandbox = jira
        self.slack_sandbox = slack
        self.gitlab_sandbox = gitlab
        self.planning = slack.channel_id("planning")
        self.releases = slack.channel_id("releases")
        self._gitlab = httpx.Client(base_url=f"{gitlab.url}/api/v4/projects/{PROJECT}", **LOOPBACK)
        self._slack = httpx.Client(base_url=slack.api_url, **LOOPBACK)
        self._jira = httpx.Client(
            base_url=f"{jira.url}/rest/api/2",
            auth=(CAST["bot"].email, CAST["bot"].token),
            **LOOPBACK,
        )

    def close(self) -> None:
        for client in (self._gitlab, self._slack, self._jira):
            client.close()

    def jira(self, person: str = "bot") -> JiraClient:
        """Jira as that person sees it."""
        who = CAST[person]
        values = {"url": self.jira_sandbox.url, "user": who.email, "token": SecretStr(who.token)}
        return JiraClient(JiraSettings.model_validate({**values, "flavor": "cloud"}))

    def file(self, person: str, title: str, text: str = "", *labels: str) -> str:
        """A Jira issue made by hand; its key."""
        made = self.jira(person).create_issue(
            "SHOP", "Task", title, text, op_key=f"by hand {title}", labels=labels
        )
        self._jira.delete(f"/issue/{made}/properties/conveyor.op").raise_for_status()
        return made

    def ask_at_desk(self, person: str, title: str, text: str = "") -> str:
        """A customer's request at the service desk; its key."""
        fields = {"project": {"key": "HELP"}, "issuetype": {"name": "Task"}, "summary": title}
        login = (CAST[person].email, CAST[person].token)
        answer = self._jira.post("/issue", json={"fields": {**fields, "description": text}}, auth=login)
        return str(answer.raise_for_status().json()["key"])

    def assign(self, key: str, person: str) -> None:
        """Have that person work on the issue."""
        account = {"accountId": CAST[person].jira_account_id}
        self._jira.put(f"/issue/{key}", json={"fields": {"assignee": account}}).raise_for_status()

    def due(self, key: str, moment: datetime) -> None:
        """Give the issue its due date."""
        body = {"fields": {"duedate": f"{moment:%Y-%m-%d}"}}
        self._jira.put(f"/issue/{key}", json=body).raise_for_status()

    def get(self, path: str) -> Any:
        """What Jira answers."""
        return self._jira.get(path).raise_for_status().json()

    def delete_issue(self, key: str) -> None:
        self._jira.delete(f"/issue/{key}").raise_for_status()

    def rename_version(self, name: str, to: str) -> None:
        """What a project's administrator may do in Jira."""
        versions = {version["name"]: version["id"] for version in self.get("/project/SHOP/versions")}
        self._jira.put(f"/version/{versions[name]}", json={"name": to}).raise_for_status()

    def issues(self) -> list[str]:
        """Every issue of the project, the oldest first."""
        return [issue.key for issue in self.jira().search("project = SHOP ORDER BY key ASC")]

    def gitlab(self, method: str, path: str, person: str, **body: object) -> Any:
        """One request to the project's GitLab as that person."""
        answer = self._gitlab.request(
            method, path, json=body or None, headers={"PRIVATE-TOKEN": CAST[person].token}
        )
        return answer.raise_for_status().json()

    def commit(self, path: str, content: str) -> None:
        """One commit on main."""
        actions = [{"action": "create", "file_path": path, "content": content}]
        self.gitlab(
            "POST", "repository/commits", "olli", branch="main", commit_message="first", actions=actions
        )

    def plan_release(self, version: str) -> None:
        """A release of that version that is on its way already."""
        fact = Planned(project="shop", version=version, issues=("SHOP-1",), base="main", plan_hash="0")
        stream = f"release:shop:{version}"
        context.ledger().append(stream, new_events(stream, [fact]), now=datetime.now(UTC))

    def messages(self, channel: str | None = None, thread: str | None = None) -> list[dict[str, Any]]:
        """A channel's messages (or a thread's replies) as Slack answers them, the oldest first."""
        method = "conversations.replies" if thread else "conversations.history"
        asked = {"channel": channel or self.planning, "limit": "200"} | ({"ts": thread} if thread else {})
        answer = self._slack.post(method, data=asked, headers={"Authorization": f"Bearer {BOT_TOKEN}"})
        found = answer.raise_for_status().json()["messages"]
        return sorted(found, key=lambda message: message["ts"])

    def seen_by(self, person: str) -> str:
        """All that this person sees in Slack, private answers too, as JSON text."""
        return httpx.get(f"{self.slack_sandbox.url}/people/{person}/inbox", **LOOPBACK).text

    def fail_jira(self, match: str, times: int, skip: int = 0, do: str = "503") -> None:
        """Order a misfortune for the next requests to Jira that match; see `integrations.sandbox.faults`."""
        self.jira_sandbox.faults.order(Fault(match, do, times=times, skip=skip))

    def fail_gitlab(self, path: str, times: int, do: str = "503", method: str = "*") -> None:
        """Order a misfortune for the next requests to GitLab whose path matches."""
        self.gitlab_sandbox.faults.order(Fault(f"{method} {path}", do, times=times))

    def heal_jira(self) -> None:
        """Take back what was ordered."""
        self._jira.delete(f"{self.jira_sandbox.url}/_sandbox/faults").raise_for_status()

    def buttons(self, message: dict[str, Any]) -> dict[str, list[str]]:
        """The values of a message's buttons, by action_id."""
        found: dict[str, list[str]] = {}
        for block in message["blocks"]:
            for element in [*block.get("elements", []), block.get("accessory", {})]:
                if element.get("type") == "button":
                    found.setdefault(element["action_id"], []).append(element["value"])
        return found

    @staticmethod
    def deliver(source: str, body: bytes, kind: str = "hook", **headers: str) -> int:
        """Put a delivery into the inbox, as the gateway does; its row id."""
        number = f"{source}-{hash(body)}-{len(context.ledger().pending_deliveries())}"
        return context.ledger().receive(source, number, kind, headers, body, datetime.now(UTC)).id

    def from_jira(self, key: str, person: str = "clara") -> int:
        """Jira's webhook about a new issue."""
        user = {"accountId": CAST[person].jira_account_id, "displayName": CAST[person].name}
        told = {"webhookEvent": "jira:issue_created", "issue": {"key": key, "fields": {}}, "user": user}
        return self.deliver("jira", json.dumps(told).encode())

    def deleted_in_jira(self, key: str) -> int:
        """Somebody deletes the issue, and Jira's webhook says so."""
        self.delete_issue(key)
        told = {"webhookEvent": "jira:issue_deleted", "issue": {"key": key, "fields": {}}}
        return self.deliver("jira", json.dumps(told).encode())

    def from_gitlab(self, iid: int) -> int:
        """GitLab's webhook about an issue."""
        told = {"object_kind": "issue", "project": {"id": PROJECT}, "object_attributes": {"iid": iid}}
        return self.deliver("gitlab", json.dumps(told).encode())

    def from_slack(self, text: str, user_id: str, channel_id: str) -> int:
        """Slack's `/request`."""
        told = {"command": "/request", "text": text, "user_id": user_id, "channel_id": channel_id}
        kind = "application/x-www-form-urlencoded"
        return self.deliver("slack", urlencode(told).encode(), **{"Content-Type": kind})

    def from_form(
        self, title: str, user_id: str, view: str, *, ts: str = "", text: str = "", trigger: str = "1.1"
    ) -> int:
        """Slack's form of a request, sent off; `ts` is the message that it was opened on."""
        values = {"title": {"written": {"value": title}}, "text": {"written": {"value": text or None}}}
        told = {
            "type": "view_submission",
            "user": {"id": user_id},
            "trigger_id": trigger,
            "view": {
                "id": view,
                "callback_id": "request.form",
                "private_metadata": f"{self.planning} {ts}",
                "state": {"values": values},
            },
        }
        kind = "application/x-www-form-urlencoded"
        return self.deliver(
            "slack", urlencode({"payload": json.dumps(told)}).encode(), **{"Content-Type": kind}
        )

    def say(self, person: str, text: str) -> str:
        """Write into the planning channel; the message's ts."""
        body = {"channel_id": self.planning, "text": text}
        answer = httpx.post(f"{self.slack_sandbox.url}/people/{person}/say", json=body, **LOOPBACK)
        return str(answer.raise_for_status().json()["ts"])

    def take(self, delivery: int) -> str:
        """What the flow `intake` does with one delivery, without Prefect around it."""
        with requests.noting(delivery) as note:
            asked = doors.read.fn(delivery)
            note.outcome = asked.nothing
            if asked.gone:
                note.outcome = lost_originals.tell.fn(asked.gone) or asked.nothing
            elif asked.ask is not None and asked.nothing:
                requests.decline.fn(asked.ask, asked.nothing)
            elif asked.ask is not None:
                with requests.telling_a_refusal(asked.ask):
                    note.outcome = key = requests.take_in.fn(asked.project, asked.ask)
                requests.mark.fn(key)
                requests.compare.fn(key)
                requests.answer.fn(asked.ask, key)
                requests.announce.fn(key)
        return note.outcome

    def carry_out_merges(self) -> None:
        """What the flow `intake` does with what people merged."""
        for fact in merges.pending("shop"):
            merges.settle.fn("shop", fact)

    def settle(self, fact: Merged | Unmerged) -> str:
        """Carry out one merge; "cut short" if Jira did not answer."""
        try:
            merges.settle.fn("shop", fact)
        except Transient:
            return "cut short"
        return "done"

    def find_alike(self, key: str, other: str) -> str:
        """Note that `other` reads like `key`; the id of the finding."""
        id_ = opaque("alike", key, other)
        fact = AlikeFound(request=id_, issue=key, other=other, title="", score=1.0)
        stream = f"request:{key}"
        context.ledger().append(stream, new_events(stream, [fact]), now=datetime.now(UTC))
        return id_


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    cast = tuple(CAST.values())
    jira = JiraSandbox(None, cast, {"SHOP": "Shop", "HELP": "Help"}, desks=["HELP"], bursts=False)
    members = {slug: level for slug, (_, _, level) in sandbox_policy.CAST.items() if level}
    gitlab = GitLabSandbox(tmp_path / "git", cast, [ProjectSeed("shop/shop", "Shop", members=members)])
    channels = {name: [*people, "bot"] for name, people in sandbox_policy.CHANNELS.items()}
    slack = SlackSandbox(cast, channels, SlackAppSeed(BOT_TOKEN, "secret"), limits=False)
    ids = {name: slack.channel_id(name) for name in channels}
    urls = {"staging": "http://staging.example", "production": "http://shop.example"}
    rules = sandbox_policy.policy(cast, ids, PROJECT, urls, "real")
    rules["projects"][0]["service_desk"] = "HELP"
    (tmp_path / "policy.yaml").write_text(json.dumps(rules))
    for name, value in {
        "HOME": str(tmp_path),
        "POLICY": str(tmp_path / "policy.yaml"),
        "JIRA_URL": jira.url,
        "JIRA_USER": CAST["bot"].email,
        "JIRA_TOKEN": CAST["bot"].token,
        "GITLAB_URL": gitlab.url,
        "GITLAB_TOKEN": CAST["bot"].token,
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
    }.items():
        monkeypatch.setenv(f"CONVEYOR_{name}", value)
    lay(tmp_path)
    forget()
    team = Team(jira, gitlab, slack)
    yield team
    context.ledger().close()
    forget()
    team.close()
    for sandbox in (jira, gitlab, slack):
        sandbox.stop()


def forget() -> None:
    """Let this process read its settings anew."""
    for cached in (settings, context.ledger):
        cached.cache_clear()
    vars(context._local).clear()
