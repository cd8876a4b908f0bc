"""The stage as Prefect walks it: once all have approved, the branch, Jira, Slack and the plan follow."""

from __future__ import annotations

import pytest
from prefect import flow

from flows.stages.cut import cut
from flows.stages.scope import follow_scope
from lifecycle import events as e
from lifecycle.release import Phase
from tasks import context, issues
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait
from tests.flows.delivery.remove.conftest import BRANCH, NOW, SUBJECT, Shop, asked, plan, release, tell

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect")]


@flow(name="one look")
def look() -> Wait | None:
    walk = ReleaseWalk(SUBJECT, NOW, lambda: None)
    walk.step(follow_scope)
    walk.step(cut)
    return walk.waiting


@pytest.fixture
def two(shop: Shop) -> list[str]:
    """A candidate with two issues in QA, and both in the version in Jira."""
    keys = [shop.team.file("dora", f"Wish {n}") for n in (1, 2)]
    shop.write("main", "begin", cart="1\n", gift="1\n")
    shop.merge(keys[0], cart="1\nfirst\n")
    shop.merge(keys[1], gift="1\nsecond\n")
    for key in keys:
        issues.add_fix_version.fn("SHOP", key, "1.4.0")
        for status in ("In Progress", "Code Review", "QA"):
            shop.team.jira().transition(key, status)
    plan(*keys)
    shop.cut()
    digests = dict.fromkeys(keys, "d")
    tell(e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=shop.head(BRANCH), branch=BRANCH, digests=digests))
    return keys


def test_the_issue_leaves_everywhere_and_a_new_candidate_is_cut(shop: Shop, two: list[str]) -> None:
    asked(two[1])
    for _ in range(2):
        assert look() is None
    assert release().plan.issues == (two[0],)
    assert shop.files(BRANCH) == {"cart.txt": "1\nfirst\n", "gift.txt": "1\n"}
    assert shop.read("gift.txt", "main") == "1\nsecond\n"
    found = shop.team.get(f"/issue/{two[1]}?fields=status,fixVersions,comment")["fields"]
    assert (found["status"]["name"], found["fixVersions"]) == ("In Progress", [])
    assert [c["body"].partition(":")[0] for c in found["comment"]["comments"]] == ["Taken out of 1.4.0"]
    newest = release().candidate
    assert newest is not None
    assert (newest.number, newest.sha) == (2, shop.head(BRANCH))
    assert release().phase is Phase.VERIFYING
    planning, channel = (str(shop.team.messages(each)) for each in (shop.team.planning, shop.team.releases))
    assert "Taken out of the branch, the newest first" in planning
    assert channel.count("Scope of Shop 1.4.0 changed'") == 1
    assert len(shop.requests(state="merged", target_branch=BRANCH)) == 1


def test_where_git_conflicts_by_then_the_plan_stays_and_says_why(shop: Shop, two: list[str]) -> None:
    asked(two[1])
    shop.merge("", BRANCH, gift="1\nELSE\n")
    head = shop.head(BRANCH)
    look()
    refused = release().scope_refused[0]
    assert (refused.person, refused.door) == (None, "flow")
    assert "gift.txt changed since by" in refused.reason
    assert release().plan.issues == tuple(two)
    assert shop.head(BRANCH) == head
    assert shop.team.get(f"/issue/{two[1]}")["fields"]["status"]["name"] == "QA"


def test_a_merge_request_that_gitlab_does_not_merge_yet_waits_for_a_person(
    shop: Shop, two: list[str]
) -> None:
    asked(two[1])
    shop.fail("/api/v4/projects/1/merge_requests/.*/merge", "405", "PUT")
    waiting = look()
    assert waiting is not None
    assert waiting.name == "Needs a person"
    assert release().plan.issues == tuple(two)
    assert look() is None
    assert release().plan.issues == (two[0],)
    assert context.gitlab().repository.file(1, "gift.txt", BRANCH) == b"1\n"
