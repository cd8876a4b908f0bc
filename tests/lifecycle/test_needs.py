"""A request is accepted with its need, or somebody answers for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.needs import NeedKind, NeedShown, NeedWaived, may_waive, read, standing
from lifecycle.planning import Decided, Decision, apply_decisions, propose, without_need
from lifecycle.policy import Person, Policy
from lifecycle.scoring import Request, RequestSource, Weights
from tests.cli.world import policy_data

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("need", "text"),
    [
        (NeedKind.METRIC, ""),
        (NeedKind.METRIC, "sales fell"),
        (NeedKind.METRIC, "ftp://x"),
        (NeedKind.METRIC, "https://"),
        (NeedKind.METRIC, "https://x y"),
        (NeedKind.FEEDBACK, " \n "),
        (NeedKind.INCIDENT, "the outage"),
        (NeedKind.INCIDENT, "SHOP-0"),
        (NeedKind.INCIDENT, ""),
    ],
)
def test_what_shows_no_need_is_refused(need: NeedKind, text: str) -> None:
    with pytest.raises(ValueError):
        read(need, text)


def test_what_shows_a_need_is_kept_in_one_line() -> None:
    assert read(NeedKind.METRIC, " https://metrics.example/d/7 ") == "https://metrics.example/d/7"
    assert read(NeedKind.FEEDBACK, "three calls\nthis week") == "three calls this week"
    assert read(NeedKind.INCIDENT, "shop-9") == "SHOP-9"
    assert len(read(NeedKind.FEEDBACK, "x" * 100_000)) == 1000


def policy(*roles: str) -> Policy:
    data: dict[str, Any] = policy_data()
    data["review"]["roles"] = list(roles)
    return Policy.model_validate(data)


def test_a_need_is_waived_by_the_review_s_roles_and_by_everybody_where_there_are_none() -> None:
    dora = Person(id="dora", name="Dora", roles=("developer",))
    lead = Person(id="olli", name="Olli", roles=("lead",))
    assert may_waive(lead, policy("lead", "product")).allowed
    assert may_waive(dora, policy("lead", "product")).reasons == ("a need is waived by lead or product",)
    assert may_waive(dora, policy()).allowed


def test_the_last_word_stands() -> None:
    shown = NeedShown(round=1, need=NeedKind.INCIDENT, said="SHOP-9", person="mara", door="cli")
    waived = NeedWaived(round=2, person="olli", why="the contract says so", door="cli")
    assert standing([]) == ""
    assert standing([waived, shown]) == "incident SHOP-9 (mara)"
    assert standing([shown, waived]) == "waived by olli: the contract says so"


def requests(count: int, **more: object) -> list[Request]:
    plain = {"title": "x", "source": RequestSource.CLIENT, "created": NOW, **more}
    return [Request.model_validate({"key": f"SHOP-{n}", **plain}) for n in range(1, count + 1)]


def test_what_is_accepted_without_a_need_is_named_and_what_is_not_accepted_is_not() -> None:
    plan = propose(requests(3), 6, NOW, Weights())
    assert plan.accepted == ("SHOP-1", "SHOP-2")
    assert without_need(plan, {"SHOP-2"}) == (
        "SHOP-1 has no need on record: link a metric, feedback or incident, or waive it",
    )
    out = apply_decisions(plan, {"SHOP-1": Decided(Decision.DEFER, "later", "mara")})
    assert without_need(out, {"SHOP-2"}) == ()


def test_a_linked_incident_is_a_need_by_itself() -> None:
    plan = propose(requests(2, need="incident SHOP-9"), 6, NOW, Weights())
    assert without_need(plan, ()) == ()


@given(st.integers(0, 12), st.sets(st.integers(1, 12)), st.integers(1, 40))
def test_each_accepted_request_is_either_needed_or_an_obstacle(
    count: int, shown: set[int], capacity: int
) -> None:
    plan = propose(requests(count), capacity, NOW, Weights())
    keys = {f"SHOP-{n}" for n in shown}
    assert len(without_need(plan, keys)) == len(set(plan.accepted) - keys)
