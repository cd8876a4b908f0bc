"""Jira follows GitLab: the webhooks that the sandbox's GitLab really sends, and the issue read back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deployments.gateway.hints import hint
from integrations.sandbox.http import Server
from integrations.settings import settings
from lifecycle.workflow import Status
from tasks import context, following, issues

Team = Any
CI = """
workflow: {rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]}
unit: {script: ["test ! -e broken"]}
"""


class Hooks:
    """What GitLab sent to our address, in order, each taken once."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._came: list[tuple[dict[str, str], bytes]] = []
        self._server = Server(Starlette(routes=[Route("/", self._take, methods=["POST"])]))
        kinds = ("push", "merge_requests", "note", "pipeline", "deployment")
        wanted = {f"{kind}_events": True for kind in kinds}
        team.gitlab("POST", "hooks", "olli", url=f"{self._server.url}/", **wanted)

    async def _take(self, request: Request) -> Response:
        self._came.append((dict(request.headers), await request.body()))
        return Response()

    def stop(self) -> None:
        self._server.stop()

    def control(self, kind: str, **wanted: str) -> list[str]:
        """Wait for a webhook of that kind with these attributes; carry out what has come; what moved."""
        deadline = time.monotonic() + 30
        while not any(self._is(body, kind, wanted) for _, body in self._came):
            assert time.monotonic() < deadline, f"no {kind} {wanted}"
        came, self._came = self._came, []
        ids = [self._team.deliver("gitlab", body, **headers) for headers, body in came]
        heard = [id_ for id_ in ids if hint(context.ledger(), context.ledger().delivery(id_)).flow]
        return run(following.read.fn(heard))

    @staticmethod
    def _is(body: bytes, kind: str, wanted: dict[str, str]) -> bool:
        told = json.loads(body)
        about = {**told, **told.get("object_attributes", {})}
        return told["object_kind"] == kind and all(str(about.get(k)) == v for k, v in wanted.items())


def run(found: list[following.Finding]) -> list[str]:
    """What the flow does with findings, without Prefect around it."""
    return [f"{each.key}: {' → '.join(path)}" for each in found if (path := following.follow.fn(*each))]


@pytest.fixture
def hooks(team: Team) -> Iterator[Hooks]:
    team.commit(".gitlab-ci.yml", CI)
    hooks = Hooks(team)
    yield hooks
    hooks.stop()


def push(team: Team, branch: str, path: str = "code.py", message: str = "work", **action: str) -> None:
    actions = [{"action": "create", "file_path": path, "content": "x", **action}]
    known = {row["name"] for row in team.gitlab("GET", "repository/branches", "olli")}
    start = {} if branch in known else {"start_branch": "main"}
    body = {"branch": branch, "commit_message": message, "actions": actions, **start}
    team.gitlab("POST", "repository/commits", "dora", **body)


def open_request(team: Team, branch: str, title: str, text: str = "") -> int:
    people = {row["username"]: row["id"] for row in team.gitlab("GET", "members/all", "olli")}
    names = {"source_branch": branch, "target_branch": "main", "title": title, "description": text}
    made = team.gitlab("POST", "merge_requests", "dora", **names, reviewer_ids=[people["emil"]])
    return int(made["iid"])


def say(team: Team, iid: int, person: str, body: str) -> None:
    team.gitlab("POST", f"merge_requests/{iid}/notes", person, body=body)


def stands(key: str) -> Status:
    return issues.status_of(context.policy().project("shop"), key)


def by_hand(team: Team, key: str, *path: Status) -> None:
    """Dora moves the issue in Jira herself."""
    another_second()
    for status in path:
        team.jira("dora").transition(key, context.policy().project("shop").statuses.to_theirs(status))
    another_second()


def another_second() -> None:
    """Webhooks tell whole seconds: what comes now is later, for them too."""
    begun = datetime.now(UTC).replace(microsecond=0)
    while datetime.now(UTC).replace(microsecond=0) == begun:
        pass


def test_an_issue_follows_its_branch_its_review_and_its_merge(team: Team, hooks: Hooks) -> None:
    key = team.file("clara", "Gift wrap")
    push(team, f"{key}-gift")
    assert hooks.control("push") == [f"{key}: In Progress"]
    iid = open_request(team, f"{key}-gift", "Draft: Gift wrap")
    assert hooks.control("merge_request", action="open") == []
    team.gitlab("PUT", f"merge_requests/{iid}", "dora", title="Gift wrap")
    assert hooks.control("merge_request", action="update") == [f"{key}: Code Review"]
    say(team, iid, "emil", "/request_changes")
    assert hooks.control("merge_request", action="update") == [f"{key}: In Progress"]
    say(team, iid, "dora", "Please look again.")
    assert hooks.control("note") == []
    say(team, iid, "dora", "/request_review @emil")
    assert hooks.control("merge_request", action="update") == [f"{key}: Code Review"]
    team.gitlab("PUT", f"merge_requests/{iid}/merge", "dora")
    assert hooks.control("merge_request", action="merge") == [f"{key}: QA"]
    assert run(following.missed.fn()) == []
    assert stands(key) is Status.QA


def test_a_failed_pipeline_sends_back_and_a_green_one_forward(team: Team, hooks: Hooks) -> None:
    key = team.file("clara", "Gift wrap")
    push(team, f"{key}-gift", "broken")
    iid = open_request(team, f"{key}-gift", "Gift wrap")
    assert f"{key}: In Progress" in hooks.control("pipeline", status="failed")
    assert run(following.missed.fn()) == []
    push(team, f"{key}-gift", "broken", action="delete")
    hooks.control("pipeline", status="success")
    assert stands(key) is Status.CODE_REVIEW
    assert team.gitlab("GET", f"merge_requests/{iid}", "olli")["head_pipeline"]["status"] == "success"


def test_requested_changes_that_only_a_poll_sees_are_followed(team: Team) -> None:
    team.commit("README.md", "a shop")
    key = team.file("clara", "Gift wrap")
    push(team, f"{key}-gift")
    iid = open_request(team, f"{key}-gift", "Gift wrap")
    assert run(following.missed.fn()) == [f"{key}: In Progress → Code Review"]
    say(team, iid, "emil", "/request_changes")
    assert run(following.missed.fn()) == [f"{key}: In Progress"]
    by_hand(team, key, Status.CODE_REVIEW)
    assert run(following.missed.fn()) == []
    assert stands(key) is Status.CODE_REVIEW


def test_what_a_person_decided_after_the_news_stands(team: Team, hooks: Hooks) -> None:
    key = team.file("clara", "Gift wrap")
    push(team, f"{key}-gift")
    iid = open_request(team, f"{key}-gift", "Gift wrap")
    hooks.control("merge_request", action="open")
    say(team, iid, "emil", "/request_changes")
    by_hand(team, key, Status.IN_PROGRESS, Status.CODE_REVIEW)
    assert hooks.control("merge_request", action="update") == []
    team.gitlab("PUT", f"merge_requests/{iid}", "dora", title="Draft: Gift wrap")
    assert hooks.control("merge_request", action="update") == [f"{key}: In Progress"]
    team.gitlab("PUT", f"merge_requests/{iid}", "dora", title="Gift wrap")
    team.gitlab("PUT", f"merge_requests/{iid}/merge", "dora")
    hooks.control("merge_request", action="merge")
    by_hand(team, key, Status.IN_PROGRESS)
    assert run(following.missed.fn()) == []
    assert stands(key) is Status.IN_PROGRESS


def test_what_a_person_took_back_stays_there_until_the_review_is_asked_for_again(
    team: Team, hooks: Hooks
) -> None:
    key = team.file("clara", "Gift wrap")
    push(team, f"{key}-gift")
    iid = open_request(team, f"{key}-gift", "Gift wrap")
    hooks.control("merge_request", action="open")
    assert stands(key) is Status.CODE_REVIEW
    by_hand(team, key, Status.IN_PROGRESS)
    say(team, iid, "emil", "Is this ready?")
    assert hooks.control("note") == []
    push(team, f"{key}-gift", "more.py")
    assert hooks.control("pipeline", status="success") == []
    assert run(following.missed.fn()) == []
    say(team, iid, "dora", "/request_review @emil")
    assert hooks.control("merge_request", action="update") == [f"{key}: Code Review"]


def test_keys_stand_in_trailers_too_and_a_mention_moves_nothing(team: Team) -> None:
    team.commit("README.md", "a shop")
    first, second, third, other = (team.file("clara", title) for title in ("One", "Two", "Three", "Four"))
    push(team, "totals", message=f"Totals\n\nIssue: {first}")
    open_request(team, "totals", f"Totals of {second}", f"As {other} says.\n\nCloses {third}.")
    moved = run(following.missed.fn())
    assert sorted(moved) == [f"{key}: In Progress → Code Review" for key in (first, second, third)]
    assert stands(other) is Status.TO_DO


def test_with_a_qa_environment_the_issue_is_in_qa_once_it_runs_there(team: Team, hooks: Hooks) -> None:
    path = Path(settings().policy)
    rules = json.loads(path.read_text())
    rules["projects"][0]["qa_environment"] = "test"
    path.write_text(json.dumps(rules))
    keys = [team.file("clara", title) for title in ("Gift wrap", "Search")]
    shas: list[str] = []
    for key in keys:
        push(team, f"{key}-x", key)
        iid = open_request(team, f"{key}-x", key)
        merged = team.gitlab("PUT", f"merge_requests/{iid}/merge", "dora")
        shas.append(merged["merge_commit_sha"])
    hooks.control("merge_request", action="merge", iid="2")
    assert [stands(key) for key in keys] == [Status.IN_PROGRESS] * 2
    for key, sha in zip(keys, shas, strict=True):
        for environment in ("staging", "test"):
            deployment = {"environment": environment, "sha": sha, "ref": "main", "tag": False}
            team.gitlab("POST", "deployments", "olli", **deployment, status="success")
        assert hooks.control("deployment", environment="test") == [f"{key}: Code Review → QA"]
    assert run(following.missed.fn()) == []
