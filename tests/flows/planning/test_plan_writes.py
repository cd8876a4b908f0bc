"""Where a closed plan is shown: read back from Jira and GitLab over HTTP, also when written twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from integrations.errors import Refused, Transient
from lifecycle.scope import Scope, ScopeLine
from tasks import plan_writes, plans

Team = Any
NASTY = 'He said "no"]) <b>|</b> ``` 😀 @gerd'


def scope(*keys: str, title: str = "Wish") -> Scope:
    lines = [ScopeLine(key=key, title=title, size=3, blocked_by=keys[:n][-1:]) for n, key in enumerate(keys)]
    return Scope(version="0.1.0", lines=tuple(lines), capacity=8)


def ranked(team: Team) -> list[str]:
    """The project's issues as a board orders them."""
    return [issue.key for issue in team.jira().search("project = SHOP ORDER BY Rank ASC")]


def page(team: Team) -> dict[str, Any]:
    return team.gitlab("GET", "wikis/Plan-0.1.0", "dora")


def milestones(team: Team) -> list[dict[str, Any]]:
    return team.gitlab("GET", "milestones", "dora")


# What a team does not have.


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ("PUT /rest/agile/1.0/issue/rank", "ranks: there is no Jira Software"),
        ("POST /rest/api/2/search/jql", "ranks: Jira does not know them"),
    ],
)
def test_a_jira_without_ranks_is_left_out_and_said(team: Team, match: str, said: str) -> None:
    keys = [team.file("dora", f"Wish {n}") for n in range(3)]
    team.fail_jira(match, times=1, do="404" if "rank" in match else "400")
    assert plan_writes.rank.fn("shop", "0.1.0", keys[1:]) == (said,)


def test_a_jira_that_refuses_the_bot_is_no_jira_without_ranks(team: Team) -> None:
    key = team.file("dora", "Wish")
    team.fail_jira("POST /rest/api/2/search/jql", times=1, do="403")
    with pytest.raises(Exception, match="403"):
        plan_writes.rank.fn("shop", "0.1.0", [key])


@pytest.mark.parametrize("status", ["403", "404"])
def test_a_project_without_wiki_or_milestones_has_its_plan_all_the_same(team: Team, status: str) -> None:
    team.fail_gitlab(".*(wikis|milestones).*", times=9, do=status)
    wiki = plan_writes.wiki_page.fn("shop", "0.1.0", scope("SHOP-1"), [])
    milestone = plan_writes.milestone.fn("shop", "0.1.0", "")
    assert (wiki.url, milestone.url) == ("", "")
    said = [each.partition(":")[0] for each in (*wiki.left_out, *milestone.left_out)]
    assert said == ["wiki page", "milestone"]
    assert plan_writes.close_milestone.fn("shop", "0.1.0") is False
    assert plan_writes.reopen_milestone.fn("shop", "0.1.0") is False


def test_bad_credentials_are_no_project_without_a_wiki(team: Team) -> None:
    team.fail_gitlab(".*/(wikis|milestones).*", times=9, do="401")
    for write in WRITES.values():
        with pytest.raises(Refused):
            write()
    for closing in (plan_writes.close_milestone, plan_writes.reopen_milestone):
        with pytest.raises(Refused):
            closing.fn("shop", "0.1.0")


def test_a_milestone_that_gitlab_does_not_take_is_refused(team: Team) -> None:
    team.fail_gitlab(".*/milestones", times=1, do="400", method="POST")
    with pytest.raises(Refused):
        WRITES["milestones"]()


# What is written.


def test_the_plan_comes_first_in_its_own_order_above_what_is_not_planned(team: Team) -> None:
    keys = [team.file("dora", f"Wish {n}") for n in range(4)]
    for _ in range(2):
        assert plan_writes.rank.fn("shop", "0.1.0", [keys[3], keys[1]]) == ()
        assert ranked(team) == [keys[3], keys[1], keys[0], keys[2]]


def test_a_plan_of_everything_is_ranked_too(team: Team) -> None:
    keys = [team.file("dora", f"Wish {n}") for n in range(3)]
    assert plan_writes.rank.fn("shop", "0.1.0", [keys[2], keys[0], keys[1]]) == ()
    assert ranked(team) == [keys[2], keys[0], keys[1]]
    assert plan_writes.rank.fn("shop", "0.1.0", keys[:1]) == ()


def test_more_than_jira_ranks_at_once_keep_their_order(team: Team) -> None:
    keys = [team.file("dora", f"Wish {n}") for n in range(104)]
    wanted = keys[:0:-1]
    assert plan_writes.rank.fn("shop", "0.1.0", wanted) == ()
    assert ranked(team) == [*wanted, keys[0]]


@pytest.mark.parametrize("do", ["503", "drop_after"])
def test_a_rank_without_an_answer_is_tried_again(team: Team, do: str) -> None:
    keys = [team.file("dora", f"Wish {n}") for n in range(2)]
    team.fail_jira("PUT /rest/agile/1.0/issue/rank", times=1, do=do)
    with pytest.raises(Transient):
        plan_writes.rank.fn("shop", "0.1.0", keys[1:])
    assert plan_writes.rank.fn("shop", "0.1.0", keys[1:]) == ()
    assert ranked(team) == keys[::-1]


def test_the_wiki_page_has_the_waves_and_is_written_once_per_content(team: Team) -> None:
    first = plan_writes.wiki_page.fn("shop", "0.1.0", scope("SHOP-1", "SHOP-2", title=NASTY), ["By Mara."])
    before = page(team)
    assert (
        plan_writes.wiki_page.fn("shop", "0.1.0", scope("SHOP-1", "SHOP-2", title=NASTY), ["By Mara."])
        == first
    )
    assert (page(team), first.left_out) == (before, ())
    assert first.url.endswith("/shop/shop/-/wikis/Plan-0.1.0")
    assert before["content"].count("```") == 2
    assert "issue1 --> issue2" in before["content"]
    assert "He said #34;no#34;" in before["content"]
    plan_writes.wiki_page.fn("shop", "0.1.0", scope("SHOP-2"), [], ["+ SHOP-9"])
    assert "Changes of scope" in page(team)["content"]
    assert [one["slug"] for one in team.gitlab("GET", "wikis", "dora")] == ["Plan-0.1.0"]


def test_the_milestone_is_found_by_its_title_leads_to_the_plan_and_is_closed_once(team: Team) -> None:
    days = {"start": date(2026, 10, 16), "due": date(2026, 10, 30)}
    shown = [plan_writes.milestone.fn("shop", "0.1.0", "http://wiki/Plan", **days) for _ in range(2)]
    [made] = milestones(team)
    assert (made["title"], made["description"]) == ("0.1.0", "[Plan 0.1.0](http://wiki/Plan)")
    assert (made["start_date"], made["due_date"], made["state"]) == ("2026-10-16", "2026-10-30", "active")
    assert [each.url for each in shown] == [made["web_url"]] * 2
    plan_writes.milestone.fn("shop", "0.1.0", "http://wiki/Plan", due=date(2026, 11, 2))
    assert plan_writes.reopen_milestone.fn("shop", "0.1.0") is False
    assert [plan_writes.close_milestone.fn("shop", "0.1.0") for _ in range(2)] == [True, False]
    assert [plan_writes.reopen_milestone.fn("shop", "0.1.0") for _ in range(2)] == [True, False]
    assert plan_writes.close_milestone.fn("shop", "0.1.0")
    [closed] = milestones(team)
    assert (closed["state"], closed["start_date"], closed["due_date"]) == (
        "closed",
        "2026-10-16",
        "2026-11-02",
    )


WRITES: dict[str, Callable[[], object]] = {
    "wikis": lambda: plan_writes.wiki_page.fn("shop", "0.1.0", scope("SHOP-1"), []),
    "milestones": lambda: plan_writes.milestone.fn("shop", "0.1.0", "http://wiki"),
}


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("do", ["500_after", "drop_after", "drop_before", "429"])
def test_a_write_whose_answer_is_lost_is_found_by_its_name(team: Team, what: str, do: str) -> None:
    team.fail_gitlab(f".*/{what}", times=1, do=do, method="POST")
    with pytest.raises(Transient):
        WRITES[what]()
    WRITES[what]()
    assert len(team.gitlab("GET", what, "dora")) == 1


def test_what_is_taken_out_leaves_nothing_behind_and_a_repeat_finds_nothing(team: Team) -> None:
    key = team.file("dora", "Wish")
    team.jira().ensure_version("SHOP", "0.1.0")
    team.jira().add_fix_version(key, "0.1.0")
    plans.place.fn(key, "0.1.0", 1, 1)
    team.jira().remote_link(key, plan_writes.link_id("shop", "0.1.0"), "http://wiki", "Plan 0.1.0")
    for _ in range(2):
        plans.take_out.fn(key, "0.1.0", plan_writes.link_id("shop", "0.1.0"))
    assert team.jira().issue(key).fix_versions == ()
    assert team.jira().property(key, plans.PLACE) is None
    assert team.get(f"/issue/{key}/remotelink") == []
    team.delete_issue(key)
    plans.take_out.fn(key, "0.1.0", plan_writes.link_id("shop", "0.1.0"))
