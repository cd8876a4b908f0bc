"""The daily digest, read back from Slack: what stands too long in the sandbox, told once a day."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.cli.main import main
from integrations.sandbox.http import LOOPBACK
from integrations.settings import settings
from lifecycle.workflow import Status
from tasks import context, standstills

Team = Any
DAY = timedelta(days=1)
ALWAYS = {
    "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "start": "00:00",
    "end": "23:59:59.999999",
}
CI = """
workflow: {rules: [{if: $CI_PIPELINE_SOURCE == "push"}]}
unit: {script: ["test ! -e broken"]}
"""


@pytest.fixture
def limits(team: Team) -> Team:
    """Everybody works around the clock; three days in progress, one for a review, none for a red main."""
    configure(
        working_hours=ALWAYS,
        control={"in_progress": "3d", "review": "1d", "red_main": "0s", "working_time": False},
    )
    return team


def configure(**changes: Any) -> None:
    path = Path(settings().policy)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def issue(team: Team, title: str, *path: Status, ago: timedelta) -> str:
    """An issue that Dora works on, brought along `path` so long ago."""
    key = str(team.file("clara", title))
    team.assign(key, "dora")
    for status in path:
        team.jira().transition(key, context.policy().project("shop").statuses.to_theirs(status))
    told = team.jira_sandbox.state.issues[key]
    told.created -= ago
    for change in told.history:
        change.created -= ago
    return key


def request(team: Team, branch: str, title: str, *, ago: timedelta) -> int:
    """A merge request that Emil is to review, opened so long ago."""
    actions = [{"action": "create", "file_path": f"{branch}.txt", "content": "x"}]
    commit = {"branch": branch, "start_branch": "main", "commit_message": "x", "actions": actions}
    team.gitlab("POST", "repository/commits", "dora", **commit)
    people = {row["username"]: row["id"] for row in team.gitlab("GET", "members/all", "olli")}
    named = {"source_branch": branch, "target_branch": "main", "title": title}
    made = team.gitlab("POST", "merge_requests", "dora", **named, reviewer_ids=[people["emil"]])
    project = next(iter(team.gitlab_sandbox.instance.projects.values()))
    project.records.merge_requests[made["iid"]].created -= ago
    return int(made["iid"])


def digest(now: datetime | None = None) -> list[tuple[str, str, tuple[str, ...]]]:
    """What is told now: kind, title, and who."""
    found = standstills.find.fn("shop", now or datetime.now(UTC))
    return [(each.kind.value, each.title, each.who) for each in found.lines]


def look(now: datetime | None = None) -> None:
    """What the flow does at that time."""
    at = now or datetime.now(UTC)
    for project in standstills.awaited(at):
        standstills.tell.fn(project, standstills.find.fn(project, at), at)


def said(team: Team) -> list[str]:
    return [json.dumps(message["blocks"]) for message in team.messages(team.releases)]


def test_what_stands_longer_than_the_policy_says_is_told_with_whoever_can_move_it(limits: Team) -> None:
    limits.commit("README.md", "a shop")
    old = issue(limits, "Old", Status.IN_PROGRESS, ago=4 * DAY)
    issue(limits, "Young", Status.IN_PROGRESS, ago=2 * DAY)
    review = issue(limits, "Review", Status.IN_PROGRESS, Status.CODE_REVIEW, ago=2 * DAY)
    issue(limits, "Tested", Status.IN_PROGRESS, Status.CODE_REVIEW, Status.QA, ago=9 * DAY)
    request(limits, f"{review}-x", "Review", ago=2 * DAY)
    request(limits, "cleaning", "Tidy up", ago=2 * DAY)
    request(limits, "later", "Draft: later", ago=2 * DAY)
    assert digest() == [
        ("waits for review", f"{review} Review (!1)", ("Emil (developer)",)),
        ("waits for review", "!2 Tidy up", ("Emil (developer)",)),
        ("in progress", f"{old} Old", ("Dora (developer)",)),
    ]


def test_main_is_red_since_its_first_failure_after_the_last_green_one(limits: Team) -> None:
    for path, status in ((".gitlab-ci.yml", "success"), ("broken", "failed"), ("more.txt", "failed")):
        limits.commit(path, CI if path.startswith(".") else "x")
        wait_for_pipeline(limits, status)
    pipelines = limits.gitlab("GET", "pipelines?ref=main", "olli")
    found = standstills.find.fn("shop", datetime.now(UTC)).lines
    assert [each.title for each in found] == [f"pipeline {pipelines[0]['id']} of main failed"]
    assert found[0].since == datetime.fromisoformat(pipelines[1]["created_at"])
    assert found[0].who == ("Olli (release)",)


def wait_for_pipeline(team: Team, status: str) -> None:
    deadline = time.monotonic() + 30
    head = team.gitlab("GET", "repository/branches/main", "olli")["commit"]["id"]
    while [row["status"] for row in team.gitlab("GET", f"pipelines?sha={head}", "olli")] != [status]:
        assert time.monotonic() < deadline, f"no pipeline of {head} is {status}"


def test_the_digest_is_posted_once_a_day_and_only_with_something_to_say(limits: Team) -> None:
    look()
    assert said(limits) == []
    key = issue(limits, "Old", Status.IN_PROGRESS, ago=4 * DAY)
    look()
    look()
    (told,) = said(limits)
    assert f"{key} Old" in told
    assert f"{limits.jira_sandbox.url}/browse/{key}" in told
    assert "Dora (developer)" in told
    look(datetime.now(UTC) + DAY)
    assert len(said(limits)) == 2


def test_nobody_is_told_out_of_hours_or_without_a_limit(limits: Team) -> None:
    issue(limits, "Old", Status.IN_PROGRESS, ago=4 * DAY)
    today = datetime.now(UTC).date().isoformat()
    configure(working_hours={**ALWAYS, "holidays": [today]})
    look()
    configure(working_hours=ALWAYS, control=None)
    look()
    assert said(limits) == []


def test_many_issues_cost_few_requests(limits: Team) -> None:
    limits.commit("README.md", "a shop")
    for number in range(60):
        issue(limits, f"Young {number}", Status.IN_PROGRESS, ago=2 * DAY)
    issue(limits, "Old", Status.IN_PROGRESS, ago=4 * DAY)
    log = f"{limits.jira_sandbox.url}/_sandbox/requests"
    httpx.delete(log, **LOOPBACK).raise_for_status()
    assert len(digest()) == 1
    asked = [row["path"].rpartition("/")[2] for row in httpx.get(log, **LOOPBACK).json()]
    assert sorted(asked) == ["SHOP-61", "jql", "jql", "serverInfo"]


def test_the_command_shows_it_and_posts_it_once(limits: Team, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["control", "digest", "--post"]) == 0
    assert "nothing stands still" in capsys.readouterr().err
    assert said(limits) == []
    key = issue(limits, "Old", Status.IN_PROGRESS, ago=4 * DAY)
    assert main(["control", "digest", "--json", "--post"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(line["title"], line["who"]) for line in told["lines"]] == [(f"{key} Old", ["Dora (developer)"])]
    assert main(["control", "digest", "--post"]) == 0
    assert f"{key} Old" in capsys.readouterr().out
    look()
    assert len(said(limits)) == 1
    assert main(["control", "digest", "--project", "nothing"]) == 2
