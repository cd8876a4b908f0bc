"""Closing a review and changing the scope as Prefect runs them: read back outside, also after a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.release import release
from flows.weekly_review import weekly_review
from lifecycle import events, review
from lifecycle import release as rules
from tasks import context
from tasks.scope_decisions import approve, ask_change
from tests.flows.planning.test_runs import carry, close, decide, start

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect")]
Team = Any
STREAM, RELEASE = "review:shop:2026-W42", "release:shop:0.1.0"


def closed_review(team: Team, accept: list[str], defer: list[str]) -> Any:
    """A review that people closed, and whose run has not gone on yet."""
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    for key in accept:
        decide(team, key, "accept", "olli")
    for key in defer:
        decide(team, key, "defer", "mara", "later")
    close(team, "mara")
    return run


def plan_closed() -> review.PlanClosed:
    folded = review.fold(review.parse(event.data) for event in context.ledger().events(STREAM))
    assert isinstance(folded.written, review.PlanClosed)
    return folded.written


def shown(team: Team, *keys: str) -> dict[str, Any]:
    """What Jira, GitLab and Slack show of the plan; each thing as often as it is there."""
    ranked = [issue.key for issue in team.jira().search("project = SHOP ORDER BY Rank ASC")]
    return {
        "ranks": ranked,
        "fix versions": [team.jira().issue(key).fix_versions for key in keys],
        "links": [[link["object"]["url"] for link in team.get(f"/issue/{key}/remotelink")] for key in keys],
        "pages": [one["slug"] for one in team.gitlab("GET", "wikis", "dora")],
        "milestones": [one["title"] for one in team.gitlab("GET", "milestones", "dora")],
        "said": [message["text"] for message in team.messages(team.releases)],
    }


@pytest.mark.parametrize(
    ("vendor", "write"),
    [
        ("", ""),
        ("jira", "PUT /rest/agile/1.0/issue/rank"),
        ("jira", "POST /rest/api/2/issue/SHOP-1/remotelink"),
        ("gitlab", ".*/wikis"),
        ("gitlab", ".*/milestones"),
    ],
)
def test_a_closed_plan_is_shown_everywhere_once_whatever_was_cut_short(
    team: Team, vendor: str, write: str
) -> None:
    first, then, later = (team.file("dora", title) for title in ('Say "sum"', "Vouchers", "Dark mode"))
    team.jira().link("Blocks", then, first)
    run = closed_review(team, [first, then], [later])
    if vendor == "jira":
        team.fail_jira(write, times=4, do="drop_after")
    elif vendor == "gitlab":
        team.fail_gitlab(write, times=4, do="500_after", method="POST")
    run = carry(weekly_review, run)
    if vendor and run.state_name != "Closed":
        assert run.state_name == f"Retrying {vendor}"
        assert context.ledger().subjects("release:") == ()
        run = carry(weekly_review, run)
    assert run.state_name == "Closed"

    told = plan_closed()
    assert shown(team, first, then, later) == {
        "ranks": [then, first, later],
        "fix versions": [("0.1.0",), ("0.1.0",), ()],
        "links": [[told.wiki], [told.wiki], []],
        "pages": ["Plan-0.1.0"],
        "milestones": ["0.1.0"],
        "said": ["Plan of Shop 0.1.0"],
    }
    assert (set(told.issues), told.left_out) == ({first, then}, ())
    assert told.wiki.endswith("/-/wikis/Plan-0.1.0")
    page = team.gitlab("GET", "wikis/Plan-0.1.0", "dora")["content"]
    assert "issue1 --> issue2" in page
    assert f"{first}: Say #34;sum#34;" in page
    assert "closed by Mara" in page
    [milestone] = team.gitlab("GET", "milestones", "dora")
    assert told.wiki in milestone["description"]
    assert milestone["start_date"]
    planned = events.parse(context.ledger().events(RELEASE)[0].data)
    assert isinstance(planned, events.Planned)
    assert rules.scope_of(planned).plan_hash == planned.plan_hash == told.plan_hash


@pytest.mark.parametrize("cut_short", [False, True])
def test_a_change_of_scope_is_asked_approved_and_shown_everywhere_once(team: Team, cut_short: bool) -> None:
    team.commit("README.md", "shop")
    kept, out, late = (team.file("dora", title) for title in ("Sum", "Vouchers", "Dark mode"))
    team.jira().link("Blocks", late, kept)
    assert carry(weekly_review, closed_review(team, [out], [kept, late])).state_name == "Closed"
    run = carry(release, start(release, project="shop", version="0.1.0"))
    assert run.state_name == "Awaiting development"
    assert ask_change(RELEASE, [kept, late], [out], "the client asked", "olli").accepted
    run = carry(release, run)
    [message] = [m for m in team.messages() if m["text"].startswith("Change of scope")]
    [request] = team.buttons(message)["scope.approve"]
    for person in ("mara", "olli"):
        assert approve(request, person).accepted
    if cut_short:
        team.fail_gitlab(".*/wikis/Plan-0.1.0", times=4, do="500_after", method="PUT")
        run = carry(release, run)
        assert run.state_name in ("Retrying gitlab", "Awaiting development")
    run = carry(release, run)
    assert run.state_name == "Awaiting development"

    wiki = plan_closed().wiki
    found = shown(team, kept, out, late)
    assert found["fix versions"] == [("0.1.0",), (), ("0.1.0",)]
    assert found["links"] == [[wiki], [], [wiki]]
    assert found["ranks"][:2] == [late, kept]
    assert (found["pages"], found["milestones"]) == (["Plan-0.1.0"], ["0.1.0"])
    assert found["said"].count("Scope of Shop 0.1.0 changed") == 1
    page = team.gitlab("GET", "wikis/Plan-0.1.0", "dora")["content"]
    assert "the client asked" in page
    assert page.count("```") == 2
    [message] = [m for m in team.messages() if m["text"].startswith("Change of scope")]
    assert "in effect" in str(message["blocks"])
    assert team.buttons(message) == {}
    with get_client(sync_client=True) as client:
        rows = client.request("POST", "/artifacts/filter", json={"sort": "CREATED_DESC"}).json()
    table = next(row for row in rows if row["key"] == "review-shop-2026-w42")
    decisions = {row["issue"]: row["decision"] for row in json.loads(table["data"])}
    assert decisions == {out: "taken out", kept: "added", late: "added"}
