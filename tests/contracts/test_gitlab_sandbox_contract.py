"""The sandbox's GitLab answers as GitLab describes its answers."""

from __future__ import annotations

import pytest

from integrations.sandbox.gitlab import api
from integrations.sandbox.gitlab.routing import find
from tests.contracts.gitlab_sandbox import (
    EXPLAINED,
    SWAGGER,
    Exchange,
    complaints,
    exchanges,
    rows,
    unexplained,
)

pytestmark = pytest.mark.skipif(not SWAGGER.is_file(), reason="needs ../shared/contracts")

BRANCHES = "/api/v4/projects/{id}/repository/branches"
# Asked in tests/integrations/sandbox_gitlab, where a pipeline can be made to wait.
ELSEWHERE = {"POST /projects/:id/merge_requests/:iid/cancel_merge_when_pipeline_succeeds"}


@pytest.mark.parametrize(
    ("exchange", "why"),
    [
        (Exchange("GET", "", 200, [{"nam": "main"}]), "answer[].nam is not described"),
        (Exchange("GET", "", 200, [{"merged": "no"}]), "answer[].merged is no boolean"),
        (
            Exchange("GET", "", 200, [{"commit": {"parent_ids": "a"}}]),
            "answer[].commit.parent_ids is no array",
        ),
        (Exchange("GET", "", 299, []), "status 299 is not described"),
    ],
)
def test_what_the_description_does_not_know_is_complained_about(exchange: Exchange, why: str) -> None:
    assert complaints(exchange, BRANCHES) == [why]


def test_no_answer_deviates_without_a_reason() -> None:
    assert unexplained() == []


def test_every_reason_is_still_needed() -> None:
    said = "; ".join(row.why for row in rows())
    assert [why for _, why in EXPLAINED if why not in said] == []


def test_most_operations_are_validated() -> None:
    verdicts = [row.verdict for row in rows()]
    assert verdicts.count("validated") >= 65
    assert verdicts.count("not described") <= 16  # issues, notes, labels, milestones, the user


def test_every_route_of_the_sandbox_was_asked() -> None:
    asked = {
        id(found[0])
        for exchange in exchanges()
        if (found := find(api.TABLE, exchange.method, exchange.path.split("?")[0]))
    }
    left = {f"{route.method} {route.path}" for route in api.TABLE if id(route) not in asked}
    assert left == ELSEWHERE
