"""The weekly review: the first proposal stands, the last decision counts, closing needs its people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from lifecycle.planning import Decision, Weights, propose
from lifecycle.policy import Person, Policy
from lifecycle.review import (
    DEFERRED_SHOWN,
    DEFERRED_TOLD,
    LineDecided,
    PlanClosed,
    PlanWritten,
    Proposed,
    Review,
    ReviewClosed,
    abridged,
    fold,
    line_id,
    may_close,
    missing_roles,
    next_version,
    parse,
    proposal_of,
    put_off,
    stream,
)
from lifecycle.review_calendar import week_of
from lifecycle.scoring import Request

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def request(key: str, **change: object) -> Request:
    plain = {"key": key, "title": key, "source": "client", "created": NOW, "complexity": 2}
    return Request.model_validate({**plain, **change})


def proposed(*requests: Request, capacity: int = 4, proposal: str = "p1") -> Proposed:
    plan = propose(requests, capacity, NOW, Weights(), "1.4.0")
    return Proposed(proposal=proposal, plan=plan, open=len(requests), due=NOW + timedelta(days=2))


def decided(issue: str, decision: Decision, person: str, round_: int = 1) -> LineDecided:
    return LineDecided(
        line=line_id("p1", issue),
        round=round_,
        issue=issue,
        decision=decision,
        reason="said so",
        person=person,
        door="slack",
    )


def policy(*roles: str) -> Policy:
    people = [
        Person(id="lea", name="Lea", roles=("lead",)),
        Person(id="pia", name="Pia", roles=("product",)),
        Person(id="old", name="Old", roles=("lead", "product"), active=False),
    ]
    plain = {
        "people": [person.model_dump() for person in people],
        "projects": [
            {
                "id": "shop",
                "name": "Shop",
                "jira": "SHOP",
                "gitlab": 1,
                "channel": "C1",
                "staging_url": "http://s.example",
                "production_url": "http://p.example",
            }
        ],
        "steps": [{"id": "qa", "title": "QA", "waits_as": "QA", "binds": "issue", "quorum": {"lead": 1}}],
        "review": {"channel": "C2", "capacity": 8, "roles": list(roles)},
        "watch": {
            "rules": {
                "lasts": "1d",
                "every": "5m",
                "failures_allowed": 1,
                "max_latency_ms": 100,
                "minimum_observations": 1,
            },
            "probes": [{"name": "health", "path": "/healthz"}],
        },
    }
    return Policy.model_validate(plain)


@pytest.mark.parametrize("payload", [{}, {"kind": "Planned"}, {"kind": "LineDecided"}, None])
def test_a_payload_of_another_kind_is_refused(payload: object) -> None:
    with pytest.raises(ValidationError):
        parse(payload)


def test_a_review_of_nothing_has_no_plan_no_lines_and_cannot_be_closed() -> None:
    empty = fold([])
    assert empty == Review()
    assert empty.issue_of("p1.x") is None
    assert may_close(empty, policy(), "lea").reasons == ("nothing was proposed yet",)
    with pytest.raises(ValueError, match="nothing was proposed yet"):
        _ = empty.plan


def test_the_first_proposal_stands_and_the_last_decision_of_a_line_counts() -> None:
    first, second = proposed(request("A-1"), request("A-2")), proposed(request("A-3"), proposal="p2")
    facts = [
        first,
        decided("A-1", Decision.REJECT, "lea"),
        second,
        decided("A-1", Decision.DEFER, "pia", 2),
        ReviewClosed(person="pia", door="slack"),
        PlanWritten(version="1.4.0"),
    ]
    review = fold(parse(fact.model_dump(mode="json")) for fact in facts)
    assert review.proposed == first
    assert review.latest(line_id("p1", "A-1")) == facts[3]
    assert review.latest(line_id("p1", "A-2")) is None
    assert review.plan.accepted == ("A-2",)
    assert [line.key for line in put_off(review.plan)] == ["A-1"]
    assert (review.closed, review.written) == (facts[4], facts[5])


@pytest.mark.parametrize("kind", [PlanWritten, PlanClosed])
def test_a_plan_is_written_also_by_what_an_old_ledger_calls_it(kind: type[PlanWritten | PlanClosed]) -> None:
    told = kind(version="1.4.0", plan_hash="p", issues=("A-1",))
    assert told.kind == kind.__name__
    assert fold([parse(told.model_dump(mode="json"))]).written == told


def test_a_lines_id_leads_to_its_issue_and_to_its_proposal_and_names_neither() -> None:
    review = fold([proposed(request("A-1"), request("A-2"))])
    id_ = line_id("p1", "A-2")
    assert review.issue_of(id_) == "A-2"
    assert proposal_of(id_) == "p1"
    assert "A-2" not in id_
    assert review.issue_of(line_id("p2", "A-2")) is None
    assert proposed().key("review:shop:2026-W42") == "Proposed:p1"


def test_of_many_only_the_accepted_and_the_first_deferred_are_kept() -> None:
    plan = proposed(*(request(f"A-{n}") for n in range(DEFERRED_SHOWN + 10)), capacity=8).plan
    kept = abridged(plan)
    assert kept.accepted == plan.accepted
    assert len(kept.lines) == len(plan.accepted) + DEFERRED_SHOWN
    assert [line for line in plan.lines if line in kept.lines] == list(kept.lines)


def test_only_some_of_what_the_machine_deferred_is_told_and_all_that_people_did() -> None:
    start = proposed(*(request(f"A-{n:02}") for n in range(30)), capacity=4)
    last = start.plan.lines[-1].key
    told = put_off(fold([start, decided(last, Decision.DEFER, "lea")]).plan)
    assert [line.key for line in told][-1] == last
    assert len(told) == DEFERRED_TOLD + 1


def test_a_role_takes_part_by_deciding_or_by_closing_and_only_through_active_people() -> None:
    rules = policy("lead", "product")
    review = fold([proposed(request("A-1")), decided("A-1", Decision.ACCEPT, "old")])
    assert missing_roles(review, rules) == ("lead", "product")
    review = fold([proposed(request("A-1")), decided("A-1", Decision.ACCEPT, "lea")])
    assert missing_roles(review, rules) == ("product",)
    assert may_close(review, rules, "lea").reasons == ("nobody has taken part as product",)
    assert may_close(review, rules, "nobody").reasons == ("nobody has taken part as product",)
    assert may_close(review, rules, "pia").allowed
    assert may_close(fold([proposed(request("A-1"))]), policy(), "lea").allowed


def test_an_inverted_dependency_stands_among_the_reasons_besides_the_missing_people() -> None:
    start = proposed(request("A-1"), request("A-2", blocked_by=["A-1"]))
    facts = [start, decided("A-1", Decision.DEFER, "lea"), decided("A-2", Decision.ACCEPT, "lea")]
    assert may_close(fold(facts), policy("product"), "lea").reasons == (
        "nobody has taken part as product",
        "A-2 is accepted but waits for A-1, which is not",
    )


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], "0.1.0"),
        (["v1.2.3", "1.2", "1.2.3-rc.1", "01.2.3", "nightly"], "0.1.0"),
        (["1.9.0", "1.10.0", "1.2.99"], "1.11.0"),
        (["0.9.9", "2.0.0"], "2.1.0"),
    ],
)
def test_the_next_version_is_the_next_minor_of_the_highest(taken: list[str], expected: str) -> None:
    assert next_version(taken) == expected


def test_the_week_goes_by_the_time_as_given_and_by_iso_years() -> None:
    assert week_of(datetime(2027, 1, 3, 23, 59, tzinfo=UTC)) == "2026-W53"
    assert week_of(datetime(2027, 1, 4, tzinfo=UTC)) == "2027-W01"
    tokyo = timezone(timedelta(hours=9))
    assert week_of(datetime(2027, 1, 3, 16, tzinfo=UTC).astimezone(tokyo)) == "2027-W01"
    assert stream("shop", "2026-W42") == "review:shop:2026-W42"
