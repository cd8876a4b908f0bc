"""A shop on real git: what people merge, the release branch, and what the ledger says of the release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle import events as e
from lifecycle import release as rules
from lifecycle.release import Release
from lifecycle.scope import ScopeLine
from tasks import context, removing
from tasks.scope_decisions import approve
from tasks.walk import new_events

Team = Any
SUBJECT = "release:shop:1.4.0"
BRANCH = "release/1.4.0"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


class Shop:
    """What people do in git, and what stands on a branch afterwards."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self._git = team.gitlab_sandbox.instance.projects[1].git
        self._paths: dict[str, set[str]] = {"main": set()}
        team.commit("README.md", "A shop.\n")

    def merge(self, key: str, target: str = "main", **files: str) -> str:
        """Somebody's merge request of that issue, merged; the merge commit. `files` are whole contents."""
        branch = f"{key.lower() or 'chore'}-{'-'.join(files)}-{target.replace('/', '-')}"
        self.write(branch, f"{key} work".strip(), target, **files)
        asked = {"source_branch": branch, "target_branch": target, "title": f"{key} Change".strip()}
        iid = self.team.gitlab("POST", "merge_requests", "olli", **asked)["iid"]
        self._paths[target].update(files)
        return str(self.team.gitlab("PUT", f"merge_requests/{iid}/merge", "olli")["merge_commit_sha"])

    def write(self, branch: str, message: str, start: str = "", **files: str) -> str:
        """One commit on `branch`, which is begun from `start`; the sha."""
        known = self._paths.setdefault(branch, set(self._paths[start or branch]))
        actions = [
            {
                "action": "update" if name in known else "create",
                "file_path": f"{name}.txt",
                "content": text,
            }
            for name, text in files.items()
        ]
        known.update(files)
        begin = {"start_branch": start} if start else {}
        body = {"branch": branch, "commit_message": message, "actions": actions, **begin}
        return str(self.team.gitlab("POST", "repository/commits", "olli", **body)["id"])

    def cut(self, branch: str = BRANCH, ref: str = "main") -> None:
        self.team.gitlab("POST", "repository/branches", "olli", branch=branch, ref=ref)
        self._paths[branch] = set(self._paths[ref])

    def files(self, ref: str) -> dict[str, str]:
        """The text files at `ref`, by path."""
        listed = self._git.text("ls-tree", "-r", "--name-only", ref).split()
        return {path: self.read(path, ref) for path in listed if path.endswith(".txt")}

    def read(self, path: str, ref: str) -> str:
        return self._git.blob(ref, path).decode()

    def head(self, ref: str) -> str:
        return self._git.resolve(ref)

    def branches(self) -> set[str]:
        return {branch.name for branch in self._git.branches()}

    def requests(self, **query: str) -> list[dict[str, Any]]:
        params = "&".join(f"{name}={value}" for name, value in query.items())
        return self.team.gitlab("GET", f"merge_requests?{params}", "olli")

    def fail(self, path: str, do: str = "503", method: str = "POST") -> None:
        self.team.fail_gitlab(path, 1, do, method)


@pytest.fixture
def shop(team: Team) -> Shop:
    return Shop(team)


def plan(*keys: str, links: Sequence[tuple[str, str]] = (), version: str = "1.4.0") -> None:
    """A release with these issues; `links` are (blocker, blocked)."""
    blockers = {key: tuple(before for before, after in links if after == key) for key in keys}
    lines = tuple(ScopeLine(key=key, blocked_by=blockers[key]) for key in keys)
    planned = e.Planned(
        project="shop",
        version=version,
        issues=keys,
        titles={key: f"Wish {key}" for key in keys},
        base="main",
        plan_hash="p1",
        lines=lines,
    )
    tell(planned, subject=f"release:shop:{version}")


def tell(*facts: e.ReleaseEvent, subject: str = SUBJECT) -> None:
    context.ledger().append(subject, new_events(subject, facts), now=NOW)


def release() -> Release:
    folded = rules.fold(e.parse(event.data) for event in context.ledger().events(SUBJECT))
    assert folded is not None
    return folded


def asked(key: str) -> str:
    """Olli asks to take the issue out, and both roles approve; the change's id."""
    outcome = removing.ask(SUBJECT, key, "not wanted yet", "olli", now=NOW)
    assert outcome.accepted, outcome.message
    request = release().scope_asked[-1].request
    for person in ("mara", "olli"):
        assert approve(request, person, now=NOW).accepted
    return request
