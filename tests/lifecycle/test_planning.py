import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.planning import (
    Decided,
    Decision,
    PlanLine,
    Range,
    ReleasePlan,
    Request,
    Weights,
    apply_decisions,
    capacity_from,
    may_close,
    plan_hash,
    propose,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WEIGHTS = Weights()
BACKLOG = Path("../shared/backlog/titanium/reports.jsonl.gz")
ACCEPT, DEFER, REJECT = Decision.ACCEPT, Decision.DEFER, Decision.REJECT


def request(key: str, importance: int = 3, size: int | None = 1, **change: object) -> Request:
    plain = {"key": key, "title": key, "source": "client", "created": NOW}
    return Request.model_validate({**plain, "importance": importance, "complexity": size, **change})


def plan(*requests: Request, capacity: int = 10) -> ReleasePlan:
    return propose(requests, capacity, NOW, WEIGHTS, "1.4.0")


def line(of: ReleasePlan, key: str) -> PlanLine:
    return next(found for found in of.lines if found.key == key)


def decided(**decisions: Decision) -> dict[str, Decided]:
    return {key: Decided(decision, "because", "ann") for key, decision in decisions.items()}


# Proposing


def test_a_request_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="A was given twice"):
        plan(request("A"), request("A"))


def test_an_empty_backlog_gives_an_empty_plan() -> None:
    empty = plan()
    assert (empty.lines, empty.waves, empty.used, empty.version) == ((), (), 0, "1.4.0")


def test_the_best_score_is_accepted_first_up_to_the_capacity() -> None:
    found = plan(request("A", 2, 2), request("B", 5, 2), request("C", 4, 2), capacity=4)
    assert found.accepted == ("B", "C")
    assert found.used == 4
    assert line(found, "A").why == "2 points do not fit into the 0 left"


def test_a_smaller_request_may_fill_what_a_greater_one_left() -> None:
    found = plan(request("A", 5, 1), request("B", 5, 8), request("C", 1, 2), capacity=3)
    assert found.accepted == ("A", "C")


def test_of_equal_scores_the_older_comes_first_and_then_the_key() -> None:
    weights = Weights(age=0)
    older = request("Z", created=NOW - timedelta(days=1))
    found = propose([request("B"), request("A"), older], 9, NOW, weights)
    assert found.accepted == ("Z", "A", "B")


def test_a_request_comes_together_with_what_it_waits_for() -> None:
    found = plan(request("A", 5, blocked_by=("B",)), request("B", 1), request("C", 4), capacity=2)
    assert set(found.accepted) == {"A", "B"}
    assert found.waves == (("B",), ("A",))
    assert line(found, "B").why == "A waits for it"
    assert (line(found, "B").wave, line(found, "A").wave, line(found, "C").wave) == (1, 2, None)


def test_a_link_counts_from_whichever_end_it_was_told() -> None:
    one = plan(request("A", blocked_by=("B",)), request("B"))
    other = plan(request("A"), request("B", blocks=("A", "GONE-1")))
    assert one.waves == other.waves == (("B",), ("A",))


def test_a_request_that_does_not_fit_with_what_it_waits_for_is_deferred() -> None:
    found = plan(request("A", 5, blocked_by=("B",)), request("B", 1, 9), request("C", 1), capacity=5)
    assert found.accepted == ("C",)
    assert line(found, "A").why == "10 points with B, which it waits for do not fit into the 5 left"


def test_of_a_request_that_cannot_fit_not_all_it_waits_for_is_looked_at() -> None:
    blockers = [request(f"B{number}", 1, 4) for number in range(3)]
    found = plan(request("A", 5, blocked_by=tuple(b.key for b in blockers)), *blockers, capacity=4)
    assert "A" not in found.accepted
    assert line(found, "A").why == "5 points with B0, which it waits for do not fit into the 4 left"


def test_open_questions_defer_a_request_and_what_waits_for_it() -> None:
    found = plan(request("A", blocked_by=("B",)), request("B", needs_info=True))
    assert found.accepted == ()
    assert line(found, "B").why == "it has open questions"
    assert line(found, "A").why == "it waits for B, which has open questions"


def test_a_request_that_waits_for_something_unknown_is_deferred() -> None:
    found = plan(request("A", blocked_by=("OTHER-1",)))
    assert line(found, "A").why == "it waits for OTHER-1, which is not among the requests"


def test_a_circle_is_named_and_deferred_with_all_that_waits_for_it() -> None:
    ring = [request("A", blocked_by=("B",)), request("B", blocked_by=("A",)), request("C", blocked_by=("A",))]
    found = plan(*ring, request("D"))
    assert found.accepted == ("D",)
    assert line(found, "C").decision is DEFER
    assert all("waits for" in line(found, key).why for key in "ABC")
    assert found.warnings
    assert may_close(found).allowed


def test_what_nobody_estimated_takes_the_assumed_size() -> None:
    assert plan(request("A", size=None)).used == WEIGHTS.unknown_size


keys = st.sampled_from("ABCDEFGHIJ")
backlogs = st.lists(
    st.builds(
        request,
        keys,
        st.integers(1, 5),
        st.one_of(st.none(), st.integers(1, 8)),
        urgency=st.integers(1, 5),
        blocks=st.lists(keys, max_size=2).map(tuple),
        blocked_by=st.lists(keys, max_size=2).map(tuple),
        needs_info=st.booleans(),
    ),
    unique_by=lambda found: found.key,
    max_size=10,
)
decision_maps = st.dictionaries(keys, st.sampled_from(Decision).map(lambda d: Decided(d, "so", "ann")))


def inverted(found: ReleasePlan) -> list[tuple[str, str]]:
    number = {key: place for place, wave in enumerate(found.waves) for key in wave}
    return [
        (blocker, of.key)
        for of in found.lines
        for blocker in of.blocked_by
        if of.accepted and (blocker not in number or number[blocker] >= number[of.key])
    ]


@given(backlogs, st.integers(0, 30))
def test_the_capacity_is_never_exceeded_and_no_dependency_inverted(
    backlog: list[Request], capacity: int
) -> None:
    found = propose(backlog, capacity, NOW, WEIGHTS)
    assert found.used == sum(of.size for of in found.lines if of.accepted) <= capacity
    assert not inverted(found)
    assert not any(of.accepted and r.needs_info for r in backlog for of in found.lines if of.key == r.key)
    assert sorted(of.key for of in found.lines) == sorted(r.key for r in backlog)
    assert all(of.why for of in found.lines)
    assert may_close(found).allowed


@given(backlogs, st.integers(0, 30), st.randoms(use_true_random=False))
def test_the_same_requests_give_the_same_plan_in_any_order(
    backlog: list[Request], capacity: int, chance: object
) -> None:
    shuffled = list(backlog)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert propose(shuffled, capacity, NOW, WEIGHTS) == propose(backlog, capacity, NOW, WEIGHTS)


@given(backlogs)
def test_with_room_for_all_only_a_reason_keeps_a_request_out(backlog: list[Request]) -> None:
    found = propose(backlog, 1000, NOW, WEIGHTS)
    assert not [of for of in found.lines if not of.accepted and "do not fit" in of.why]


def test_a_plan_comes_back_from_the_ledger_as_it_was() -> None:
    found = apply_decisions(plan(request("A", blocked_by=("B",)), request("B")), decided(A=REJECT))
    assert ReleasePlan.model_validate_json(found.model_dump_json()) == found


@pytest.mark.skipif(not BACKLOG.exists(), reason="the shared backlog is not beside the project")
def test_a_real_backlog_of_27546_requests_is_planned() -> None:
    with gzip.open(BACKLOG, "rt", encoding="utf-8") as reports:
        read = [json.loads(report) for report in reports]
    backlog = [
        request(r["id"], created=datetime.fromisoformat(r["created"]).replace(tzinfo=UTC), size=None)
        for r in read
    ]
    found = plan(*backlog, capacity=40)
    assert (len(found.lines), found.used) == (27_546, 39)


# Deciding


def test_a_person_s_decision_stands_with_its_reason_and_its_name() -> None:
    found = apply_decisions(plan(request("A"), request("B", size=99)), decided(A=REJECT, B=ACCEPT))
    assert (line(found, "A").decision, line(found, "A").why, line(found, "A").person) == (
        REJECT,
        "because",
        "ann",
    )
    assert found.accepted == ("B",)


def test_people_may_go_over_the_capacity_and_are_warned() -> None:
    found = apply_decisions(plan(request("A", size=6), request("B", size=6)), decided(A=ACCEPT, B=ACCEPT))
    assert found.used == 12
    assert found.warnings == ("12 points are accepted, the capacity is 10",)
    assert may_close(found).allowed


def test_a_decision_over_a_request_that_is_not_there_is_told() -> None:
    found = apply_decisions(plan(request("A")), decided(GONE=ACCEPT))
    assert found.warnings == ("GONE was decided but is not in this plan",)


def test_what_waits_for_a_deferred_request_is_deferred_with_it() -> None:
    chain = plan(request("A"), request("B", blocked_by=("A",)), request("C", blocked_by=("B",)), request("D"))
    found = apply_decisions(chain, decided(A=DEFER))
    assert found.accepted == ("D",)
    assert line(found, "C").why == "it waits for B, which is not accepted"
    assert line(found, "C").person == ""
    assert may_close(found).allowed


def test_a_person_cannot_close_a_plan_with_an_inverted_dependency() -> None:
    chain = plan(request("A"), request("B", blocked_by=("A",)))
    found = apply_decisions(chain, decided(A=DEFER, B=ACCEPT))
    assert may_close(found).reasons == ("B is accepted but waits for A, which is not",)


def test_a_person_cannot_close_a_plan_with_a_circle() -> None:
    ring = plan(request("A", blocked_by=("B",)), request("B", blocked_by=("A",)))
    found = apply_decisions(ring, decided(A=ACCEPT, B=ACCEPT))
    assert found.waves == ()
    assert may_close(found).reasons == ("A waits for B waits for A",)


@given(backlogs, st.integers(0, 30), decision_maps)
def test_every_decision_stands_and_a_plan_that_may_be_closed_inverts_nothing(
    backlog: list[Request], capacity: int, decisions: dict[str, Decided]
) -> None:
    found = apply_decisions(propose(backlog, capacity, NOW, WEIGHTS), decisions)
    for of in found.lines:
        if of.key in decisions:
            assert of.decision is decisions[of.key].decision
    if may_close(found).allowed:
        assert not inverted(found)
    assert (found.used > capacity) is any("the capacity is" in warning for warning in found.warnings)


@given(backlogs, decision_maps)
def test_deciding_twice_the_same_changes_nothing(
    backlog: list[Request], decisions: dict[str, Decided]
) -> None:
    proposed = propose(backlog, 1000, NOW, WEIGHTS)
    first = apply_decisions(proposed, decisions)
    assert apply_decisions(first, decisions).lines == first.lines


@given(backlogs, st.integers(0, 30), decision_maps, st.randoms(use_true_random=False))
def test_the_same_decisions_in_any_order_give_the_same_plan(
    backlog: list[Request], capacity: int, decisions: dict[str, Decided], chance: object
) -> None:
    shuffled = list(decisions.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    proposed = propose(backlog, capacity, NOW, WEIGHTS)
    assert apply_decisions(proposed, dict(shuffled)) == apply_decisions(proposed, decisions)


@given(backlogs, st.integers(0, 30), st.sets(keys))
def test_where_people_only_take_out_the_capacity_holds_and_nothing_is_inverted(
    backlog: list[Request], capacity: int, out: set[str]
) -> None:
    taken_out = {key: Decided(DEFER, "not now", "ann") for key in out}
    found = apply_decisions(propose(backlog, capacity, NOW, WEIGHTS), taken_out)
    assert found.used == sum(of.size for of in found.lines if of.accepted) <= capacity
    assert not inverted(found)
    assert may_close(found).allowed


@given(backlogs, decision_maps)
def test_a_circle_or_an_inversion_always_keeps_the_review_from_being_closed(
    backlog: list[Request], decisions: dict[str, Decided]
) -> None:
    found = apply_decisions(propose(backlog, 30, NOW, WEIGHTS), decisions)
    in_waves = sorted(key for wave in found.waves for key in wave) == sorted(found.accepted)
    assert may_close(found).allowed is (in_waves and not inverted(found))


# The plan's name


def test_the_hash_names_the_scope_and_not_the_scores() -> None:
    one = plan(request("A", 5), request("B", 1))
    other = plan(request("A", 1), request("B", 5))
    assert one.accepted != other.accepted
    assert plan_hash(one) == plan_hash(other)
    assert len(plan_hash(one)) == 64


def test_another_version_another_key_or_another_order_is_another_hash() -> None:
    base = plan(request("A"), request("B"))
    hashes = {
        plan_hash(base),
        plan_hash(base.model_copy(update={"version": "1.5.0"})),
        plan_hash(apply_decisions(base, decided(B=DEFER))),
        plan_hash(plan(request("A"), request("B", blocked_by=("A",)))),
    }
    assert len(hashes) == 4


# Capacity


def test_without_a_measured_week_there_is_no_capacity() -> None:
    with pytest.raises(ValueError, match="no week"):
        capacity_from([])


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [([5], Range(5, 5, 5)), ([9, 1, 5], Range(1, 5, 9)), ([8, 2, 4, 6, 10], Range(4, 6, 8))],
)
def test_capacity_is_the_range_of_what_was_really_finished(weeks: list[int], expected: Range) -> None:
    assert capacity_from(weeks) == expected


@given(st.lists(st.integers(0, 100), min_size=1))
def test_the_range_is_in_order_and_of_measured_weeks(weeks: list[int]) -> None:
    found = capacity_from(weeks)
    assert min(weeks) <= found.low <= found.likely <= found.high <= max(weeks)
    assert set(found) <= set(weeks)
