"""Reading the vendors, Prefect and the shop as anybody could: plain HTTP, `git` and a command line.

Everything is read once and kept, so that all checks speak of the same moment. Nothing is changed.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import httpx

from deployments.demo.checks.facts import Facts

Json = dict[str, Any]

READER = "olli"
"""Whose account the vendors are read with: a maintainer who is in every channel."""

_PAGE = 100
_PREFECT_PAGE = 200
_COMMAND_TIMEOUT_S = 120
_PATIENCE_S = 20.0


class Failed(RuntimeError):
    """Something outside did not answer as it should; the text says what it said."""


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Outside:
    """One look at the world. A context manager: leaving it removes the clone."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._http = httpx.Client(timeout=30, trust_env=False, verify=False)  # noqa: S501 - there is no TLS
        self._folder = tempfile.TemporaryDirectory(prefix="checks-")
        self._guard = threading.Lock()
        self._locks: dict[tuple[object, ...], threading.Lock] = {}
        self._known: dict[tuple[object, ...], Any] = {}

    def __enter__(self) -> Outside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._folder.cleanup()

    def once(self, key: tuple[object, ...], read: Callable[[], Any]) -> Any:
        """What `read` gave the first time it was called for `key`; a read that fails is not kept."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = read()
            return self._known[key]

    # GitLab

    def gitlab(self, path: str, **params: str) -> Any:
        """An object or, all pages of it, a list of the shop's GitLab project."""
        return self.once(("gitlab", path, *sorted(params.items())), lambda: self._gitlab(path, params))

    def _gitlab(self, path: str, params: dict[str, str]) -> Any:
        project = quote(self.facts.gitlab_project, safe="")
        url = f"{self.facts.gitlab_url}/api/v4/projects/{project}{path}"
        headers = {"PRIVATE-TOKEN": self.facts.people[READER].token}
        rows: list[Any] = []
        page = "1"
        while page:
            asked = {"per_page": str(_PAGE), "page": page, **params}
            answer = self._get(url, asked, headers)
            body = answer.json()
            if not isinstance(body, list):
                return body
            rows += body
            page = answer.headers.get("x-next-page", "")
        return rows

    # Jira

    def jira(self, path: str, **params: str) -> Any:
        """An answer of Jira's REST API v2."""
        return self.once(("jira", path, *sorted(params.items())), lambda: self._jira(path, params))

    def _jira(self, path: str, params: dict[str, str]) -> Any:
        person = self.facts.people[READER]
        login = base64.b64encode(f"{person.email}:{person.token}".encode()).decode()
        url = f"{self.facts.jira_url}/rest/api/2{path}"
        return self._get(url, params, {"Authorization": f"Basic {login}"}).json()

    def issue(self, key: str) -> Json:
        """The issue with its history."""
        return self.jira(f"/issue/{key}", expand="changelog")

    def labelled(self, label: str) -> list[Json]:
        """The issues of that label, oldest first, on Cloud and Server alike."""
        jql = f"project = {self.facts.jira_project} AND labels = {label} ORDER BY created ASC"
        asked = {"jql": jql, "maxResults": str(_PAGE), "fields": "summary,issuetype,labels"}
        kind = self.jira("/serverInfo")["deploymentType"]
        return self.jira("/search/jql" if kind == "Cloud" else "/search", **asked)["issues"]

    # Slack

    def inbox(self, slug: str) -> Json:
        """Everything that this person sees."""
        url = f"{self.facts.slack_url}/people/{slug}/inbox"
        return self.once(("inbox", slug), lambda: self._get(url, {}, {}).json())

    def history(self, channel: str) -> list[Json]:
        """What Slack keeps of a channel, oldest first."""
        return self.once(("history", channel), lambda: self._history(channel))

    def _history(self, channel: str) -> list[Json]:
        found = next(c["id"] for c in self.inbox(READER)["channels"] if c["name"] == channel)
        rows: list[Json] = []
        cursor = ""
        while True:
            asked = {"channel": found, "limit": "200", "include_all_metadata": "true"}
            headers = {"Authorization": f"Bearer {self.facts.people[READER].token}"}
            url = f"{self.facts.slack_url}/api/conversations.history"
            answer = self._get(url, {**asked, **({"cursor": cursor} if cursor else {})}, headers).json()
            if not answer["ok"]:
                raise Failed(f"Slack says {answer['error']}")
            rows += answer["messages"]
            cursor = answer["response_metadata"]["next_cursor"]
            if not cursor:
                return rows[::-1]

    # Prefect

    def prefect(self, path: str, body: Json | None = None) -> list[Json]:
        """All rows that one of Prefect's filters finds."""
        key = ("prefect", path, json.dumps(body, sort_keys=True))
        return self.once(key, lambda: self._prefect(path, body or {}))

    def _prefect(self, path: str, body: Json) -> list[Json]:
        rows: list[Json] = []
        url = f"{self.facts.prefect_api_url}{path}"
        while True:
            asked = {**body, "offset": len(rows), "limit": _PREFECT_PAGE}
            page = self._patiently(lambda asked=asked: self._http.post(url, json=asked)).json()
            rows += page
            if len(page) < _PREFECT_PAGE:
                return rows

    def states(self, run_id: str) -> list[Json]:
        """The states of one flow run, oldest first."""
        url = f"{self.facts.prefect_api_url}/flow_run_states/"
        found = self.once(("states", run_id), lambda: self._get(url, {"flow_run_id": run_id}, {}).json())
        return sorted(found, key=lambda state: state["timestamp"])

    # The shop

    def page(self, url: str) -> tuple[int, str]:
        """What a page of the shop answers: status and text."""

        def read() -> tuple[int, str]:
            answer = self._http.get(url)
            return answer.status_code, answer.text

        return self.once(("page", url), read)

    # Commands

    def git(self, *arguments: str) -> str:
        """What a `git` command says in a fresh clone of the shop.

        Raises:
            Failed: git ended with another code than 0.
        """
        done = self.git_done(*arguments)
        if done.code != 0:
            raise Failed(f"git {' '.join(arguments)}: {done.err.strip()}")
        return done.out.strip()

    def git_done(self, *arguments: str) -> Done:
        """How a `git` command ends in a fresh clone of the shop."""
        clone = self.once(("clone",), self._clone)
        return _run(["git", "-C", str(clone), *arguments], _git_environment())

    def _clone(self) -> Path:
        clone = Path(self._folder.name) / "shop.git"
        person = self.facts.people[READER]
        login = base64.b64encode(f"{READER}:{person.token}".encode()).decode()
        url = f"{self.facts.gitlab_url}/{self.facts.gitlab_project}.git"
        header = f"http.extraHeader=Authorization: Basic {login}"
        done = _run(["git", "-c", header, "clone", "-q", "--bare", url, str(clone)], _git_environment())
        if done.code != 0:
            raise Failed(f"git clone {url}: {done.err.strip()}")
        return clone

    def conveyor(self, *arguments: str) -> Done:
        """How Conveyor's command line answers; it is a process of its own."""
        command = [*self.facts.command(), *arguments]
        return self.once(("conveyor", arguments), lambda: _run(command, dict(self.facts.environment)))

    # HTTP

    def _get(self, url: str, params: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        asked = f"{url}?{urlencode(params)}" if params else url
        return self._patiently(lambda: self._http.get(asked, headers=headers))

    def _patiently(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The answer; one that says "later" (429, 503) is asked for again for a while."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            answer = ask()
            if answer.status_code not in (429, 503) or time.monotonic() > deadline:
                break
            time.sleep(min(float(answer.headers.get("retry-after", "0.3")), 3))
        if answer.status_code >= 400:
            where = answer.request.url.copy_with(query=None)
            raise Failed(
                f"{answer.request.method} {where} answered {answer.status_code}: {answer.text[:200]}"
            )
        return answer


def _git_environment() -> dict[str, str]:
    apart = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return {**os.environ, **apart, "NO_PROXY": "127.0.0.1,localhost"}


def _run(command: list[str], environment: dict[str, str]) -> Done:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=_COMMAND_TIMEOUT_S
    )
    return Done(done.returncode, done.stdout, done.stderr)
