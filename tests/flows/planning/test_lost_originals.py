"""An original with duplicates is not deleted unnoticed; who asked is kept, a duplicate can stand again."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.gateway.hints import hint
from tasks import context, planning_reconciling, reconciling, requests
from tasks.backlog import state_of
from tasks.review_decisions import merge_keys, unmerge

Team = Any
GERD = "U0GERD"


@pytest.fixture
def merged(team: Team) -> tuple[str, str]:
    first = team.take(team.from_slack("Show <the> sum in the cart", "U0MARA", team.planning))
    second = team.take(team.from_slack("The cart should show the sum", GERD, team.planning))
    assert merge_keys(second, first, "olli").accepted
    team.carry_out_merges()
    return first, second


def warnings(team: Team) -> list[dict[str, Any]]:
    return [message for message in team.messages() if "was deleted in Jira" in message["text"]]


def test_a_deleted_issue_without_duplicates_is_told_to_nobody(team: Team) -> None:
    key = team.take(team.from_slack("Vouchers", GERD, team.planning))
    assert team.take(team.deleted_in_jira(key)) == f"{key} was deleted"
    assert warnings(team) == []


def test_a_deleted_duplicate_is_told_to_nobody(team: Team, merged: tuple[str, str]) -> None:
    assert team.take(team.deleted_in_jira(merged[1])) == f"{merged[1]} was deleted"
    assert warnings(team) == []


def test_a_deleted_original_is_told_once_with_its_duplicates_and_who_asked(
    team: Team, merged: tuple[str, str]
) -> None:
    first, second = merged
    delivery = team.deleted_in_jira(first)
    assert hint(context.ledger(), context.ledger().delivery(delivery)).flow == "intake"
    assert second in team.take(delivery)
    [warning] = warnings(team)
    assert "Show &lt;the&gt; sum" in warning["text"]
    assert "asked for by Gerd" in str(warning["blocks"])
    assert team.buttons(warning)["request.unmerge"] == [second]
    team.take(delivery)
    assert planning_reconciling.lost_originals() == []
    assert len(warnings(team)) == 1
    assert requests.requesters(second) == ["gerd"]


def test_a_deletion_whose_webhook_was_missed_is_found_by_reconcile(
    team: Team, merged: tuple[str, str]
) -> None:
    first, second = merged
    assert planning_reconciling.lost_originals() == []
    team.delete_issue(first)
    found = planning_reconciling.lost_originals()
    assert [(each.subject, each.mend) for each in found] == [(f"request:{first}", "post")]
    assert second in found[0].text
    reconciling.mend(found)
    reconciling.mend(found)
    assert len(warnings(team)) == 1


def test_a_duplicate_of_a_deleted_original_stands_on_its_own_again(
    team: Team, merged: tuple[str, str]
) -> None:
    first, second = merged
    team.take(team.deleted_in_jira(first))
    assert unmerge(second, "mara").accepted
    team.carry_out_merges()
    assert state_of("shop").standing == {}
    assert state_of("shop").pending == ()
    assert requests.requesters(second) == ["gerd"]
    said = [comment["body"] for comment in team.get(f"/issue/{second}/comment")["comments"]]
    assert any(f"Not merged into {first} any more" in text for text in said)
