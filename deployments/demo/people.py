"""What people do in the demo: Slack clicks, pushes, merge requests, Jira edits. Plain HTTP and git only.

A person knows nothing of Conveyor: only the vendors' pages and APIs, under their own account.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.demo.waiting import eventually
from integrations.sandbox.http import LOOPBACK

Json = dict[str, Any]


class Person:
    """One person with an account at the vendors; `home` is where their working copy is."""

    def __init__(
        self, slug: str, name: str, email: str, token: str, *, slack: str, gitlab: str, jira: str, home: Path
    ) -> None:
        self.slug = slug
        self.name = name
        self.email = email
        self._token = token
        self._slack = slack.rstrip("/")
        self._gitlab = gitlab.rstrip("/")
        self._home = home
        self._http = httpx.Client(timeout=20, **LOOPBACK)
        self._jira = httpx.Client(
            base_url=f"{jira.rstrip('/')}/rest/api/2", auth=(email, token), timeout=20, **LOOPBACK
        )
        self._api = httpx.Client(
            base_url=f"{gitlab.rstrip('/')}/api/v4/projects/1",
            headers={"PRIVATE-TOKEN": token},
            timeout=20,
            **LOOPBACK,
        )

    # Slack

    def inbox(self) -> Json:
        """Everything this person sees in Slack."""
        return self._http.get(f"{self._slack}/people/{self.slug}/inbox").raise_for_status().json()

    def messages(self) -> Iterator[Json]:
        """Every message they see, with its channel's id and name."""
        for channel in self.inbox()["channels"]:
            for message in channel["messages"]:
                yield {**message, "channel_id": channel["id"], "channel_name": channel["name"]}

    def buttons(self, action_id: str, about: str = "") -> Iterator[Json]:
        """Buttons of that action that speak of `about` (they or the section before), newest first."""
        for message in reversed(list(self.messages())):
            said = message.get("text", "")
            for block in message.get("blocks") or []:
                for element in [*block.get("elements", []), block.get("accessory") or {}]:
                    label = _label(element)
                    if element.get("action_id") == action_id and about in said + _text(block) + label:
                        yield {**element, "channel_id": message["channel_id"], "ts": message["ts"]}
                said = message.get("text", "") + _text(block) if block["type"] == "section" else said

    def press(self, action_id: str, about: str = "", within_s: float = 90) -> Json:
        """Wait for the button and press it; what Slack showed them."""
        button = eventually(
            f"{self.name} sees {action_id} on {about or 'anything'}",
            lambda: next(self.buttons(action_id, about), None),
            within_s,
        )
        body = {name: button[name] for name in ("channel_id", "ts", "action_id", "value") if name in button}
        return self._act("press", body)

    def lines_to_defer(self, kept: set[str]) -> Iterator[str]:
        """Keys of the review's lines that stand as accepted and are none of `kept`."""
        for message in reversed(list(self.messages())):
            for block in message.get("blocks") or []:
                found = re.search(r"✅.*?\|([A-Z]+-[0-9]+)>", _text(block))
                if found and found[1] not in kept and "Weekly review" in message["text"]:
                    yield found[1]

    def warned(self, action_id: str, within_s: float = 30) -> str:
        """Wait for the button; what it asks before it does anything."""
        button = eventually(
            f"{self.name} sees {action_id}", lambda: next(self.buttons(action_id), None), within_s
        )
        return str(button["confirm"]["text"]["text"])

    def submit(self, callback_id: str, values: Json) -> Json:
        """Fill in the open modal and send it off."""
        view = eventually(
            f"{self.name} sees the modal {callback_id}",
            lambda: next((v for v in self.inbox()["views"] if v["callback_id"] == callback_id), None),
            20,
        )
        return self._act("submit", {"view_id": view["id"], "values": values})

    def command(self, channel: str, command: str, text: str) -> Json:
        """Type a slash command in a channel."""
        return self._act("command", {"channel_id": self.channel(channel), "command": command, "text": text})

    def channel(self, name: str) -> str:
        """The id of a channel they are in."""
        return next(c["id"] for c in self.inbox()["channels"] if c["name"] == name)

    def sees(self, text: str, within_s: float = 90) -> Json:
        """Wait for a message that says `text`."""
        return eventually(
            f"{self.name} sees “{text}”",
            lambda: next((m for m in self.messages() if text in _all_text(m)), None),
            within_s,
        )

    def _act(self, act: str, body: Json) -> Json:
        answer = self._http.post(f"{self._slack}/people/{self.slug}/{act}", json=body)
        return answer.raise_for_status().json()

    # Jira

    def file_issue(self, title: str, text: str, labels: list[str]) -> str:
        """File a Jira issue by hand; its key."""
        fields = {
            "project": {"key": "SHOP"},
            "issuetype": {"name": "Task"},
            "summary": title,
            "description": text,
            "labels": labels,
        }
        return self._jira.post("/issue", json={"fields": fields}).raise_for_status().json()["key"]

    def estimate(self, key: str, points: int) -> None:
        """Estimate the issue's size."""
        self._jira.put(
            f"/issue/{key}/properties/conveyor.estimate", json={"points": points}
        ).raise_for_status()

    def issue(self, key: str) -> Json:
        """The issue's fields."""
        return self._jira.get(f"/issue/{key}").raise_for_status().json()["fields"]

    def status(self, key: str) -> str:
        """Where the issue stands."""
        return self.issue(key)["status"]["name"]

    def comment_with(self, key: str, text: str) -> str | None:
        """The last comment on the issue that says `text`."""
        rows = self._jira.get(f"/issue/{key}/comment").raise_for_status().json()["comments"]
        return next((row["body"] for row in reversed(rows) if text in row["body"]), None)

    def wait_for_status(self, key: str, status: str, within_s: float = 90) -> None:
        """Wait until the issue stands in `status`."""
        eventually(f"{key} is in {status}", lambda: self.status(key) == status, within_s)

    def find_issue(self, title: str, within_s: float = 60) -> str:
        """Wait for an issue of that title; its key."""

        def look() -> str | None:
            found = self._jira.post(
                "/search/jql", json={"jql": "project = SHOP ORDER BY created DESC", "fields": ["summary"]}
            )
            if found.status_code == httpx.codes.NOT_FOUND:
                found = self._jira.post("/search", json={"jql": "project = SHOP", "fields": ["summary"]})
            rows = found.raise_for_status().json()["issues"]
            return next((row["key"] for row in rows if title in row["fields"]["summary"]), None)

        return eventually(f"an issue “{title}” in Jira", look, within_s)

    # GitLab and git

    def file_gitlab_issue(self, title: str, text: str, label: str) -> int:
        """Open a GitLab issue; its iid."""
        body = {"title": title, "description": text, "labels": label}
        return self._api.post("/issues", json=body).raise_for_status().json()["iid"]

    def freeze(self, begins: datetime, ends: datetime) -> None:
        """Set a freeze period for production, in UTC and to the minute."""
        lines = [f"{at.minute} {at.hour} {at.day} {at.month} *" for at in (begins, ends)]
        body = {"freeze_start": lines[0], "freeze_end": lines[1], "cron_timezone": "UTC"}
        self._api.post("/freeze_periods", json=body).raise_for_status()

    def checkout(self) -> Path:
        """This person's working copy, cloned over HTTP the first time."""
        copy = self._home / self.slug
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            scheme, _, rest = self._gitlab.partition("://")
            self._git(
                copy.parent,
                "clone",
                "-q",
                f"{scheme}://{self.slug}:{self._token}@{rest}/shop/shop.git",
                self.slug,
            )
            self._git(copy, "config", "user.name", self.name)
            self._git(copy, "config", "user.email", self.email)
        return copy

    def branch(self, name: str, base: str) -> Path:
        """A fresh branch from `origin/base` (or the tag `base`) in the working copy."""
        copy = self.checkout()
        self._git(copy, "fetch", "-q", "--tags", "--prune", "origin")
        known = self._git(copy, "rev-parse", "-q", "--verify", f"origin/{base}", check=False)
        self._git(copy, "checkout", "-q", "-B", name, f"origin/{base}" if known else base)
        return copy

    def push(self, message: str, change: Callable[[Path], object]) -> None:
        """Change the files, commit, push the present branch."""
        copy = self.checkout()
        change(copy)
        self._git(copy, "add", "-A")
        self._git(copy, "commit", "-q", "-m", message)
        self._git(copy, "push", "-q", "-u", "origin", "HEAD")

    def open_merge_request(self, source: str, target: str, title: str) -> int:
        """Open a merge request; its iid."""
        body = {"source_branch": source, "target_branch": target, "title": title}
        return self._api.post("/merge_requests", json=body).raise_for_status().json()["iid"]

    def merge_when_green(self, iid: int, within_s: float = 90) -> Json:
        """Review, wait for its pipeline, merge."""

        def green() -> bool:
            found = self._api.get(f"/merge_requests/{iid}").raise_for_status().json()
            pipeline = found.get("head_pipeline") or {}
            return pipeline.get("status") == "success"

        eventually(f"the pipeline of !{iid} is green", green, within_s)
        return self._api.put(f"/merge_requests/{iid}/merge", json={}).raise_for_status().json()

    def branch_exists(self, name: str) -> bool:
        """GitLab has the branch."""
        found = self._api.get(f"/repository/branches/{name.replace('/', '%2F')}")
        return found.status_code == httpx.codes.OK

    def _git(self, where: Path, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.version=2", *arguments],
            cwd=where,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"git {arguments[0]}: {done.stderr.strip().replace(self._token, '…')}")
        return done.stdout.strip() if done.returncode == 0 else ""

    # The web

    def open_page(self, url: str) -> str:
        """Look at a page."""
        return self._http.get(url).raise_for_status().text

    def send_form(self, url: str, form: dict[str, str]) -> str:
        """Send a page's form."""
        return self._http.post(url, data=form).raise_for_status().text


def _text(block: Json) -> str:
    parts = [block.get("text") or {}, *block.get("fields", []), *block.get("elements", [])]
    return " ".join(str(p.get("text", "")) for p in parts if isinstance(p.get("text"), str))


def _all_text(message: Json) -> str:
    blocks = " ".join(_text(block) for block in message.get("blocks") or [])
    replies = " ".join(_all_text(reply) for reply in message.get("replies") or [])
    return f"{message.get('text', '')} {blocks} {replies}"


def _label(element: Json) -> str:
    text = element.get("text")
    return str(text.get("text", "")) if isinstance(text, dict) else ""
