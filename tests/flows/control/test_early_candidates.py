"""Candidates before all issues are finished, on the sandbox's git: from main, then from a release branch."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.stages.cut import cut
from flows.stages.sign_off import sign_off
from integrations.settings import settings
from lifecycle import events as e
from lifecycle.phases import Phase
from lifecycle.workflow import Status
from tasks import context
from tasks.release_walk import ReleaseWalk
from tasks.walk import new_events

Team = Any
SUBJECT = "release:shop:1.4.0"


@pytest.fixture
def keys(team: Team) -> list[str]:
    """A release of two issues, whose candidates are cut at each finished issue."""
    path = Path(settings().policy)
    rules = json.loads(path.read_text())
    rules["candidates"] = {"when": "count", "issues": 1}
    path.write_text(json.dumps(rules))
    team.commit("README.md", "a shop")
    keys = [team.file("dora", title) for title in ("Gift wrap", "Search")]
    tell(e.Planned(project="shop", version="1.4.0", issues=tuple(keys), base="main", plan_hash="p"))
    return keys


def tell(*facts: e.ReleaseEvent) -> None:
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=datetime.now(UTC))


def look() -> ReleaseWalk:
    walk = ReleaseWalk(SUBJECT, datetime.now(UTC), lambda: None)
    walk.step(cut)
    if walk.phase is Phase.SIGN_OFF:
        walk.step(sign_off)
    return walk


def finish(team: Team, key: str) -> None:
    """The issue's code is on main, and the issue is with QA."""
    team.commit(f"{key}.txt", key)
    project = context.policy().project("shop")
    for status in (Status.IN_PROGRESS, Status.CODE_REVIEW, Status.QA):
        team.jira().transition(key, project.statuses.to_theirs(status))


def stage(team: Team) -> None:
    candidate = look().release.candidate
    assert candidate is not None
    tell(
        e.CandidateVerified(number=candidate.number, pipeline_id=1),
        e.Staged(number=candidate.number, sha=candidate.sha, url="http://staging.example", pipeline_id=2),
    )


def heads(team: Team) -> dict[str, str]:
    rows = team.gitlab("GET", "repository/branches", "olli")
    return {row["name"]: row["commit"]["id"] for row in rows}


def tags(team: Team) -> dict[str, str]:
    return {row["name"]: row["commit"]["id"] for row in team.gitlab("GET", "repository/tags", "olli")}


def test_nothing_is_cut_before_an_issue_is_finished(team: Team, keys: list[str]) -> None:
    waiting = look().waiting
    assert waiting is not None
    assert (waiting.name, waiting.message) == (
        "Awaiting development",
        "0 of 1 issues are finished for the next candidate",
    )
    assert (tags(team), list(heads(team))) == ({}, ["main"])


def test_a_candidate_before_all_issues_are_finished_stands_on_main(team: Team, keys: list[str]) -> None:
    finish(team, keys[0])
    candidate = look().release.candidate
    assert candidate is not None
    assert (candidate.branch, candidate.unfinished) == ("main", (keys[1],))
    assert tags(team) == {"1.4.0-rc.1": heads(team)["main"]}
    assert "release/1.4.0" not in heads(team)


def test_qa_is_asked_about_finished_issues_and_the_release_waits_for_the_others(
    team: Team, keys: list[str]
) -> None:
    finish(team, keys[0])
    stage(team)
    walk = look()
    assert [ask.issue for ask in walk.release.asked] == [keys[0]]
    assert walk.waiting is not None
    assert walk.waiting.name == "Awaiting QA"
    assert f"{keys[1]} was not finished when 1.4.0-rc.1 was cut" in walk.waiting.message
    assert not walk.may_go_out.allowed


def test_who_signs_the_whole_is_not_asked_about_a_part(team: Team, keys: list[str]) -> None:
    path = Path(settings().policy)
    rules = json.loads(path.read_text())
    rules["steps"] = [{**step, "binds": "candidate"} for step in rules["steps"]]
    path.write_text(json.dumps(rules))
    finish(team, keys[0])
    stage(team)
    walk = look()
    assert walk.waiting is not None
    assert walk.waiting.until <= walk.now + walk.policy.waits.poll
    assert (walk.waiting.name, walk.release.asked) == ("Awaiting QA", ())
    assert team.messages(team.releases) == []


def test_the_complete_candidate_holds_what_was_merged_later_and_stands_on_its_branch(
    team: Team, keys: list[str]
) -> None:
    finish(team, keys[0])
    stage(team)
    look()
    first = heads(team)["main"]
    finish(team, keys[1])
    candidate = look().release.candidate
    assert candidate is not None
    assert (candidate.number, candidate.branch, candidate.unfinished) == (2, "release/1.4.0", ())
    assert candidate.sha == heads(team)["release/1.4.0"] == heads(team)["main"] != first


def test_an_issue_finished_without_new_code_completes_the_same_commit(team: Team, keys: list[str]) -> None:
    team.commit("both.txt", "both")
    finish(team, keys[0])
    stage(team)
    look()
    project = context.policy().project("shop")
    for status in (Status.IN_PROGRESS, Status.CODE_REVIEW, Status.QA):
        team.jira().transition(keys[1], project.statuses.to_theirs(status))
    first, second = look().release.candidates
    assert first.sha == second.sha
    assert (second.unfinished, second.branch) == ((), "release/1.4.0")


def test_a_crash_after_the_branch_was_cut_leads_to_the_same_candidate(team: Team, keys: list[str]) -> None:
    finish(team, keys[0])
    stage(team)
    finish(team, keys[1])
    sha = heads(team)["main"]
    team.gitlab("POST", "repository/branches", "olli", branch="release/1.4.0", ref=sha)
    team.commit("later.txt", "of the next release")
    candidate = look().release.candidate
    assert candidate is not None
    assert (candidate.number, candidate.sha) == (2, sha)
