"""What a story left behind, read from outside, with the names that differ between two stories taken out.

Two stories told in one town read alike here, or one of them did something twice or not at all.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import httpx

from integrations.ledger import Event
from integrations.sandbox.http import LOOPBACK
from tasks.runs import DEAD
from tests.faults.story import Tale
from tests.faults.town import Town

_LINKED = "decide|archives|merge_requests|pipelines|runs|artifacts"
_NOT_END = r"[^\s|>)\"']+"

Json = dict[str, Any]
State = dict[str, object]


def final_state(town: Town, tale: Tale) -> State:
    """Everything that this story may have changed, by system."""
    return _Reader(town, tale).everything()


def differences(state: State, faultless: State) -> list[str]:
    """What one state has and the other has not, a line each."""
    ours, theirs = (
        json.dumps(each, indent=1, sort_keys=True, default=str).splitlines() for each in (state, faultless)
    )
    return [line for line in difflib.ndiff(theirs, ours) if line[0] in "+-"]


class _Reader:
    def __init__(self, town: Town, tale: Tale) -> None:
        self._town = town
        self._tale = tale
        self._vendors = town.world.vendors
        token = self._vendors.tokens["olli"]
        self._login = (self._vendors.people["olli"].email, token)
        self._headers = {"PRIVATE-TOKEN": token}
        self._refs = self._git_refs()
        self._sha = self._refs.get(f"refs/tags/{tale.version}", "no tag")

    def everything(self) -> State:
        return {
            "git": self._git(),
            "gitlab": self._gitlab(),
            "jira": self._jira(),
            "slack": self._slack(),
            "shop": self._shop(),
            "ledger": self._ledger(),
            "prefect": self._prefect(),
        }

    def _plain(self, text: object) -> str:
        """The text without what tells one story, one moment or one commit from another."""
        said = str(text)
        for what, name in (
            (self._tale.version, "VERSION"),
            (self._tale.key, "ISSUE"),
            (f"number {self._tale.number}", "number N"),
            (self._sha, "SHA"),
            (self._sha[:8], "SHA"),
        ):
            said = re.sub(rf"(?<![\w.]){re.escape(what)}(?!\d)", name, said)
        said = re.sub(rf"https?://{_NOT_END}/({_LINKED})/{_NOT_END}", r"LINK/\1", said)
        said = re.sub(r"^!\d+ ", "!IID ", said)
        # What a story found when it began, not what it did: production before it, and who was known by then.
        said = re.sub(r"\nSince [^|]*? changed\.", "", said)
        said = re.sub(r" \u00b7 asked for by [^\n|]*?(?= \||\n|$)", "", said)
        said = re.sub(r'"process": \d+', '"process": PID', said)
        said = re.sub(r"Rehearsed: back to [^|\\]*? s\.", "Rehearsed.", said)
        # What the report of the watch measured.
        said = re.sub(r"\d+ ticks?, \d+ of \d+ looks? bad", "LOOKS", said)
        said = re.sub(r"\n• got worse: [^\n|]*", "", re.sub(r"slowest: [^\n|]*", "slowest", said))
        said = re.sub(r"<!date\^\d+", "<!date^TIME", said)
        return re.sub(r"\d{4}-\d\d-\d\d(T| )?(\d\d:\d\d(:\d\d)?)?", "TIME", said)

    # git

    def _git_refs(self) -> dict[str, str]:
        scheme, _, rest = self._vendors.gitlab.url.partition("://")
        url = f"{scheme}://olli:{self._login[1]}@{rest}/shop/shop.git"
        done = subprocess.run(["git", "ls-remote", url], capture_output=True, text=True, check=True)
        pairs = (line.split("\t") for line in done.stdout.splitlines())
        # An annotated tag has a second line that names its commit, which comes after the tag's own.
        return {name.removesuffix("^{}"): sha for sha, name in pairs}

    def _git(self) -> State:
        ours = {name: sha for name, sha in self._refs.items() if self._tale.version in name}
        return {self._plain(name): self._plain(sha) for name, sha in sorted(ours.items())}

    # GitLab

    def _api(self, path: str, **params: str) -> Any:
        url = f"{self._vendors.gitlab.url}/api/v4/projects/{self._vendors.gitlab_project}{path}"
        rows: list[Any] = []
        page = "1"
        while page:
            asked = {"per_page": "100", "page": page, **params}
            answer = httpx.get(url, params=asked, headers=self._headers, timeout=20, **LOOPBACK)
            answer.raise_for_status()
            if not isinstance(answer.json(), list):
                return answer.json()
            rows += answer.json()
            page = answer.headers.get("x-next-page", "")
        return rows

    def _gitlab(self) -> State:
        version, key = self._tale.version, self._tale.key
        ours = [p for p in self._api("/pipelines") if version in p["ref"]]
        return {
            "pipelines": sorted(self._plain(f"{p['ref']} {p['status']} {self._op(p['id'])}") for p in ours),
            "deployments": {
                name: [
                    self._plain(f"{d['ref']} {d['sha']} {d['status']}")
                    for d in self._api("/deployments", environment=name)
                    if version in d["ref"]
                ]
                for name in ("staging", "production")
            },
            "merge requests": [
                self._plain(f"{m['title']}: {m['state']}")
                for m in self._api("/merge_requests", state="all")
                if key in m["title"] or version in m["title"]
            ],
            "release": [
                self._plain(f"{r['name']} {r['tag_name']} {r['description']}")
                for r in self._api("/releases")
                if r["tag_name"] == version
            ],
        }

    def _op(self, pipeline: int) -> str:
        variables = self._api(f"/pipelines/{pipeline}/variables")
        words = str(self._api(f"/pipelines/{pipeline}")["name"] or "").split()
        named = (word for word in words if ":pipeline:" in word)
        return next((v["value"] for v in variables if v["key"] == "CONVEYOR_OP"), next(named, "nobody's"))

    # Jira

    def _rest(self, path: str, **params: str) -> Any:
        url = f"{self._vendors.jira.url}/rest/api/2{path}"
        answer = httpx.get(url, params=params, auth=self._login, timeout=20, **LOOPBACK)
        return answer.raise_for_status().json()

    def _jira(self) -> State:
        key = self._tale.key
        issue = self._rest(f"/issue/{key}", expand="changelog")
        fields = issue["fields"]
        moves = [
            (history["created"], item["toString"])
            for history in issue["changelog"]["histories"]
            for item in history["items"]
            if item["field"] == "status"
        ]
        return {
            "status": fields["status"]["name"],
            "went through": [status for _, status in sorted(moves, key=lambda move: move[0])],
            "fix versions": [self._plain(v["name"]) for v in fields["fixVersions"]],
            "labels": sorted(fields["labels"]),
            "comments": sorted(
                self._plain(c["body"]) for c in self._rest(f"/issue/{key}/comment")["comments"]
            ),
            "links": sorted(
                self._plain(link["object"]["title"]) for link in self._rest(f"/issue/{key}/remotelink")
            ),
            "properties": sorted(p["key"] for p in self._rest(f"/issue/{key}/properties")["keys"]),
            "version": [
                (self._plain(v["name"]), v["released"])
                for v in self._rest("/project/SHOP/versions")
                if v["name"] == self._tale.version
            ],
            # A request that was taken in twice would be another issue.
            "issues of that name": len(self._search(f'summary ~ "number {self._tale.number}"')),
        }

    def _search(self, jql: str) -> list[Json]:
        asked = {"jql": f"project = SHOP AND {jql}", "fields": "summary", "maxResults": "100"}
        return self._rest("/search/jql", **asked)["issues"]

    # Slack

    def _slack(self) -> State:
        """Every message, by channel, in order; Slack keeps none of what only one person was shown."""
        seen: dict[str, list[str]] = {}
        for slug, person in sorted(self._town.people.items()):
            if slug in ("bot", "clara"):
                continue
            for channel in person.inbox()["channels"]:
                name = f"{channel['name']} with {slug}" if channel["is_im"] else channel["name"]
                seen[name] = list(self._messages(channel["messages"]))
        return dict(seen)

    def _messages(self, messages: list[Json]) -> Iterator[str]:
        for message in messages:
            text = self._said(message)
            ours = self._tale.version in text or self._tale.key in text
            if ours and not message["ephemeral"]:
                replies = [self._plain(self._said(r)) for r in message["replies"] if not r["ephemeral"]]
                yield " ⮑ ".join([self._plain(text), *replies])

    def _said(self, message: Json) -> str:
        return " | ".join([message.get("text", ""), *_texts(message.get("blocks") or [])])

    # The shop

    def _shop(self) -> State:
        return {
            name: self._plain(httpx.get(f"{url}/healthz", timeout=10, **LOOPBACK).text)
            for name, url in (
                ("staging", self._vendors.staging_url),
                ("production", self._vendors.production_url),
            )
        }

    # The ledger

    def _ledger(self) -> State:
        ledger, tale = self._town.ledger, self._tale
        streams = (tale.stream, f"request:{tale.key}")
        effects = [e for e in ledger.effects() if tale.version in e.key or tale.key in e.key]
        return {
            "chain": ledger.verify().problems,
            "events": {self._plain(s): _kinds(ledger.events(s)) for s in streams},
            "effects": sorted(f"{_without_ids(self._plain(e.key))} {e.state}" for e in effects),
            "unsettled": [e.key for e in ledger.effects() if e.state in ("intent", "unknown")],
            "lease": ledger.lease(tale.stream),
            "pending": ledger.wakeup(tale.stream).pending,
            "parked": len(ledger.parked_deliveries()),
        }

    # Prefect

    def _prefect(self) -> State:
        """The release's runs. A dead one was replaced; within one run's graph no step stands twice."""
        runs = release_runs(self._town, self._tale)
        twice = [
            f"{name} in run {run['id']}: {count} times"
            for run in runs
            for name, count in self._completed_steps(run["id"])
            if count > 1
        ]
        return {
            "ended as": [run["state_name"] for run in runs if run["state_type"] not in DEAD],
            "steps taken twice": twice,
        }

    def _completed_steps(self, run_id: str) -> Iterator[tuple[str, int]]:
        body = {
            "task_runs": {"flow_run_id": {"any_": [run_id]}, "state": {"type": {"any_": ["COMPLETED"]}}},
            "limit": 200,
        }
        names = sorted(row["name"] for row in ask_prefect(self._town, "/task_runs/filter", body))
        for name, same in groupby(names):
            yield name, len(list(same))


def release_runs(town: Town, tale: Tale) -> list[Json]:
    """Every flow run of the release, the dead ones included."""
    body = {"flow_runs": {"name": {"any_": [f"release {tale.version}"]}}}
    return ask_prefect(town, "/flow_runs/filter", body)


def ask_prefect(town: Town, path: str, body: Json) -> list[Json]:
    """The rows that one of Prefect's filters finds."""
    answer = httpx.post(f"{town.stack.api_url}{path}", json=body, timeout=20, **LOOPBACK)
    return answer.raise_for_status().json()


def _kinds(events: tuple[Event, ...]) -> list[str]:
    """The kinds in order; how often production was looked at depends on the clock."""
    kinds = [event.kind for event in events]
    return [kind for i, kind in enumerate(kinds) if kind != "WatchTicked" or kinds[i - 1] != kind]


def _without_ids(key: str) -> str:
    """An effect's key without the ids that are made by hashing."""
    return re.sub(r"\b[0-9a-f]{24,}\b", "ID", key)


def _texts(blocks: Any) -> Iterator[str]:
    """Every text in Slack's blocks, buttons included."""
    if isinstance(blocks, list):
        for block in blocks:
            yield from _texts(block)
    elif isinstance(blocks, dict):
        for name, value in blocks.items():
            if name == "text" and isinstance(value, str):
                yield value
            elif name in ("text", "elements", "fields", "accessory"):
                yield from _texts(value)
