"""One issue leaves a release: on real git, what is on the release branch and on main afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import Transient
from integrations.sandbox.faults import Fault
from lifecycle import events as e
from lifecycle import scope_changes
from tasks import context, plan_messages, removing
from tasks.scope_decisions import refuse
from tests.flows.delivery.remove.conftest import BRANCH, NOW, SUBJECT, Shop, asked, plan, release, tell

Team = Any


def out(request: str) -> str:
    """What the flow does once all have approved; why it could not, "" if it did."""
    return removing.take_out.fn(SUBJECT, request)


@pytest.fixture
def three(shop: Shop) -> list[str]:
    """A merge each of three issues; the second changes a file of the first, the third its own."""
    keys = [shop.team.file("dora", f"Wish {n}") for n in (1, 2, 3)]
    shop.write("main", "begin", cart="1\n", search="1\n", gift="1\n")
    shop.merge(keys[0], cart="1\nfirst\n")
    shop.merge(keys[1], cart="1\nfirst\nsecond\n", search="1\nsecond\n")
    shop.merge(keys[2], gift="1\nthird\n")
    plan(*keys)
    shop.cut()
    return keys


# What is refused.


def test_what_is_not_there_is_refused(shop: Shop) -> None:
    assert not removing.ask(SUBJECT, "SHOP-1", "why", "olli").accepted
    assert removing.preview(SUBJECT, "SHOP-1") is None
    plan("SHOP-1", "SHOP-2")
    assert "SHOP-9 is not in the release" in removing.ask(SUBJECT, "SHOP-9", "why", "olli").message
    assert removing.take_out.fn(SUBJECT, "never") == "nobody asked for this"
    del shop


def test_before_the_branch_is_cut_merged_work_does_not_leave(shop: Shop) -> None:
    keys = [shop.team.file("dora", f"Wish {n}") for n in (1, 2)]
    shop.merge(keys[0], cart="x\n")
    for status in ("In Progress", "Code Review", "QA"):
        shop.team.jira().transition(keys[0], status)
    plan(*keys)
    said = removing.ask(SUBJECT, keys[0], "why", "olli").message
    assert "its changes are merged and would go out all the same" in said


def test_the_last_issue_does_not_leave(shop: Shop, three: list[str]) -> None:
    plan_of_one = removing.preview(SUBJECT, three[0])
    assert plan_of_one is not None
    assert plan_of_one.why_not == ""
    shop.merge(three[2], BRANCH, cart="1\nfirst\nsecond\nthird\n")
    assert "nothing would be left" in removing.ask(SUBJECT, three[0], "why", "olli").message


def test_where_git_conflicts_it_says_which_commits_and_changes_nothing(shop: Shop, three: list[str]) -> None:
    shop.merge("", BRANCH, cart="1\nFIRST\nsecond\n")
    way = context.gitlab().repository.commit(1, BRANCH).parent_ids[1]
    head, branches = shop.head(BRANCH), shop.branches()
    said = removing.ask(SUBJECT, three[0], "why", "olli").message
    assert "Not asked: git conflicts: revert " in said
    assert f"cart.txt changed since by {way[:8]}" in said
    assert (shop.head(BRANCH), shop.branches()) == (head, branches)
    assert release().scope_asked == ()
    shop.merge("", BRANCH, gift="1\nTHIRD\n")
    assert "gift.txt changed since by" in removing.ask(SUBJECT, three[2], "why", "olli").message


# What leaves.


def test_an_issue_that_nothing_needs_leaves_alone(shop: Shop, three: list[str]) -> None:
    request = asked(three[2])
    assert release().scope_change is not None
    assert out(request) == ""
    assert shop.files(BRANCH) == {
        "cart.txt": "1\nfirst\nsecond\n",
        "search.txt": "1\nsecond\n",
        "gift.txt": "1\n",
    }
    assert shop.read("gift.txt", "main") == "1\nthird\n"
    due = scope_changes.effect(release(), context.policy())
    assert isinstance(due, e.ScopeChanged)
    tell(due)
    assert release().plan.issues == tuple(three[:2])


def test_what_depends_on_it_leaves_with_it_and_is_shown_before(shop: Shop, three: list[str]) -> None:
    head = shop.head(BRANCH)
    seen = removing.preview(SUBJECT, three[0].lower())
    assert seen is not None
    assert (seen.why_not, shop.head(BRANCH), shop.branches()) == ("", head, {"main", BRANCH, *_topics(shop)})
    assert seen.lines[0] == f"{three[1]} changes cart.txt after {three[0]}"
    assert [line.split()[0] for line in seen.lines[1:]] == ["revert", "revert"]
    request = asked(three[0])
    message = str(plan_messages.change(release(), release().scope_asked[0], context.policy()).blocks)
    assert f"{three[1]} changes cart.txt after {three[0]}" in message
    assert "the merges are being taken out" in message
    assert out(request) == ""
    assert shop.files(BRANCH) == {"cart.txt": "1\n", "search.txt": "1\n", "gift.txt": "1\nthird\n"}
    assert "conveyor/" not in " ".join(shop.branches())


def test_a_try_that_was_cut_short_is_tried_again(shop: Shop, three: list[str]) -> None:
    shop.team.gitlab_sandbox.faults.order(
        Fault("DELETE /api/v4/projects/1/repository/branches/.*", "503", times=1, skip=1)
    )
    with pytest.raises(Transient):
        removing.preview(SUBJECT, three[0])
    assert "conveyor/" in " ".join(shop.branches())
    seen = removing.preview(SUBJECT, three[0])
    assert seen is not None
    assert seen.why_not == ""
    assert "conveyor/" not in " ".join(shop.branches())


def _topics(shop: Shop) -> set[str]:
    return {name for name in shop.branches() if name.startswith("shop-")}


def test_a_declared_dependency_leaves_with_it(shop: Shop) -> None:
    keys = [shop.team.file("dora", f"Wish {n}") for n in (1, 2, 3)]
    for key, name in zip(keys, ("cart", "search", "gift"), strict=True):
        shop.merge(key, **{name: "new\n"})
    plan(*keys, links=[(keys[0], keys[2])])
    shop.cut()
    request = asked(keys[0])
    assert release().scope_asked[0].remove == (keys[0], keys[2])
    assert out(request) == ""
    assert set(shop.files(BRANCH)) == {"search.txt"}


def test_rework_on_the_release_branch_leaves_too(shop: Shop, three: list[str]) -> None:
    shop.merge(three[2], BRANCH, gift="1\nthird\nreworked\n")
    shop.merge("", BRANCH, other="chore\n")
    assert out(asked(three[2])) == ""
    assert shop.read("gift.txt", BRANCH) == "1\n"
    assert shop.read("other.txt", BRANCH) == "chore\n"


def test_what_came_by_a_merge_of_main_into_the_release_leaves_alone(shop: Shop, three: list[str]) -> None:
    late = shop.merge(three[2], late="new\n")
    shop.merge("", chore="new\n")
    asked_for = {"source_branch": "main", "target_branch": BRANCH, "title": "Update"}
    iid = shop.team.gitlab("POST", "merge_requests", "olli", **asked_for)["iid"]
    shop.team.gitlab("PUT", f"merge_requests/{iid}/merge", "olli", should_remove_source_branch=False)
    request = asked(three[2])
    assert late in {each.sha for each in release().scope_asked[0].reverts}
    assert out(request) == ""
    assert "late.txt" not in shop.files(BRANCH)
    assert shop.read("chore.txt", BRANCH) == "new\n"


def test_a_second_issue_leaves_after_the_first(shop: Shop, three: list[str]) -> None:
    assert out(asked(three[2])) == ""
    due = scope_changes.effect(release(), context.policy())
    assert isinstance(due, e.ScopeChanged)
    tell(due)
    assert out(asked(three[1])) == ""
    assert shop.files(BRANCH) == {"cart.txt": "1\nfirst\n", "search.txt": "1\n", "gift.txt": "1\n"}


def test_what_came_back_leaves_again(shop: Shop, three: list[str]) -> None:
    assert out(asked(three[2])) == ""
    due = scope_changes.effect(release(), context.policy())
    assert isinstance(due, e.ScopeChanged)
    tell(due)
    context.gitlab().repository.revert(1, shop.head(BRANCH), BRANCH)
    assert shop.read("gift.txt", BRANCH) == "1\nthird\n"
    again = removing.preview(SUBJECT, three[2])
    assert again is not None
    assert [each.sha for each in again.removal.told] == [
        each.sha for each in release().scope_asked[0].reverts
    ]


# Once, whatever comes in between.


def test_a_repeat_changes_nothing(shop: Shop, three: list[str]) -> None:
    request = asked(three[0])
    assert [out(request), out(request)] == ["", ""]
    assert len(shop.requests(target_branch=BRANCH)) == 1
    merge = context.gitlab().repository.commit(1, BRANCH)
    assert ("Conveyor-Op", removing.key_of(SUBJECT, request)) in merge.trailers


@pytest.mark.parametrize(
    ("path", "do"),
    [
        ("/api/v4/projects/1/repository/branches", "drop_after"),
        ("/api/v4/projects/1/repository/commits/.*/revert", "503"),
        ("/api/v4/projects/1/repository/commits/.*/revert", "drop_after"),
        ("/api/v4/projects/1/merge_requests", "drop_after"),
        ("PUT /api/v4/projects/1/merge_requests/.*/merge", "503"),
        ("PUT /api/v4/projects/1/merge_requests/.*/merge", "drop_after"),
        ("DELETE /api/v4/projects/1/repository/branches/.*", "503"),
    ],
)
def test_cut_short_anywhere_it_ends_in_exactly_one_set(
    shop: Shop, three: list[str], path: str, do: str
) -> None:
    request = asked(three[0])
    method, _, where = path.rpartition(" ")
    shop.fail(where, do, method or "POST")
    with pytest.raises(Transient):
        out(request)
    assert out(request) == ""
    assert shop.files(BRANCH) == {"cart.txt": "1\n", "search.txt": "1\n", "gift.txt": "1\nthird\n"}
    assert len(shop.requests(target_branch=BRANCH, state="merged")) == 1
    reverts = [c for c in context.gitlab().commits.history(1, BRANCH, "main") if "This reverts" in c.message]
    assert len(reverts) == 2
    assert "conveyor/" not in " ".join(shop.branches())


def test_what_was_approved_is_taken_out_and_nothing_else(shop: Shop, three: list[str]) -> None:
    request = asked(three[0])
    shop.merge(three[2], BRANCH, cart="1\nfirst\nsecond\nthird\n")
    head = shop.head(BRANCH)
    assert "ask again" in out(request)
    assert shop.head(BRANCH) == head
    assert "conveyor/" not in " ".join(shop.branches())


def test_a_conflict_that_came_meanwhile_changes_nothing(shop: Shop, three: list[str]) -> None:
    request = asked(three[2])
    shop.merge("", BRANCH, gift="1\nTHIRD\n")
    head = shop.head(BRANCH)
    assert "gift.txt changed since by" in out(request)
    assert (shop.head(BRANCH), shop.requests(target_branch=BRANCH, state="opened")) == (head, [])


def test_nobody_refuses_what_everybody_approved_and_is_under_way(shop: Shop, three: list[str]) -> None:
    request = asked(three[2])
    assert "everybody has approved" in refuse(request, "mara", "no", now=NOW).message
    assert release().scope_refused == ()
    del shop


# Jira.


@pytest.mark.parametrize(("status", "then"), [("QA", "In Progress"), ("To Do", "To Do")])
def test_the_issue_says_that_it_left_and_goes_back_to_work(team: Team, status: str, then: str) -> None:
    key = team.file("dora", "Wish")
    for step in ("In Progress", "Code Review", "QA") if status == "QA" else ():
        team.jira().transition(key, step)
    for _ in range(2):
        removing.put_back.fn("shop", key, "1.4.0", "not wanted", "op:1", subject=SUBJECT)
    found = team.get(f"/issue/{key}?fields=status,comment")["fields"]
    assert found["status"]["name"] == then
    [comment] = found["comment"]["comments"]
    assert "Taken out of 1.4.0: not wanted. main still has its change." in comment["body"]
