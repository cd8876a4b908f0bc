"""Whoever hears that their issue was returned is offered to release without it, if they have a say."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle import events as e
from tasks import returning
from tests.flows.delivery.remove.conftest import NOW, SUBJECT, plan, tell

Team = Any
SHA = "a" * 40


@pytest.mark.parametrize(("assignee", "others", "offered"), [("olli", 1, 1), ("dora", 1, 0), ("olli", 0, 0)])
def test_the_author_is_offered_it_only_with_a_say_and_something_left(
    team: Team, assignee: str, others: int, offered: int
) -> None:
    keys = [team.file("clara", f"Wish {n}") for n in range(1 + others)]
    team.assign(keys[0], assignee)
    plan(*keys)
    tell(
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="b", digests={keys[0]: "d"}),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=2),
        e.SignOffAsked(
            request="r1",
            step="qa",
            number=1,
            issue=keys[0],
            sha=SHA,
            plan_hash="p1",
            environment="staging",
            due=NOW,
        ),
        e.Returned(request="r1", step="qa", issue=keys[0], person="quinn", reason="lost", door="cli"),
    )
    for _ in range(2):
        returning.tell_author.fn(SUBJECT, "r1", keys[0])
    seen = team.seen_by(assignee)
    assert "returned" in seen
    assert seen.count('"signoff.without"') == offered
