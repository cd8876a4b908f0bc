"""The scope of a release: what may be changed, and how the difference is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import scope as rules
from lifecycle.planning import Decided, Decision, apply_decisions, plan_hash, propose
from lifecycle.scope import Moved, Scope, ScopeLine, changed, difference, objections
from lifecycle.scoring import Request, RequestSource, Weights
from lifecycle.waves import Cycle

NOW = datetime(2026, 10, 16, 10, tzinfo=UTC)


def line(key: str, *blocked_by: str, size: int = 3, blocks: tuple[str, ...] = ()) -> ScopeLine:
    return ScopeLine(key=key, title=f"Wish {key}", size=size, blocked_by=blocked_by, blocks=blocks)


def scope(*lines: ScopeLine, capacity: int = 0) -> Scope:
    return Scope(version="1.4.0", lines=lines, capacity=capacity)


KEYS = tuple(f"S-{n}" for n in range(1, 7))


@st.composite
def scopes(draw: st.DrawFn, keys: tuple[str, ...] = KEYS) -> Scope:
    """Issues that wait only for earlier ones, so that no circle arises."""
    chosen = draw(st.lists(st.sampled_from(keys), unique=True, min_size=1))
    lines = [
        line(key, *draw(st.sets(st.sampled_from(keys[: keys.index(key)] or ("X-1",)))), size=keys.index(key))
        for key in chosen
    ]
    return scope(*lines, capacity=draw(st.sampled_from([0, 5, 99])))


@pytest.mark.parametrize(
    ("add", "remove", "why"),
    [
        ([], [], "name an issue to add or to remove"),
        ([line("A")], [], "A is in the release already"),
        ([], ["X"], "X is not in the release"),
        ([line("C"), line("C")], [], "C is named twice"),
        ([], ["A", "A"], "A is named twice"),
        ([], ["A", "B"], "nothing would be left; abandon the release instead"),
        ([line("C", "A", blocks=("A",))], [], "A waits for C waits for A"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_its_reason(
    add: list[ScopeLine], remove: list[str], why: str
) -> None:
    assert objections(scope(line("A"), line("B")), add, remove) == (why,)


def test_every_reason_is_named_at_once() -> None:
    assert objections(scope(line("A")), [line("A")], ["A", "X"]) == (
        "A is named twice",
        "A is in the release already",
        "X is not in the release",
    )


def test_a_circle_has_no_waves_and_so_no_name() -> None:
    with pytest.raises(Cycle):
        _ = scope(line("A", "B"), line("B", "A")).plan_hash


def test_both_ends_of_a_link_count_once() -> None:
    both = scope(line("A", blocks=("B", "Z")), line("B", "A", "Z"))
    assert both.links == (("A", "B"),)
    assert both.waves == (("A",), ("B",))


def test_the_difference_names_what_comes_goes_moves_and_breaks() -> None:
    before = scope(line("A"), line("B", "A"), line("C", "B", "Z", size=0))
    after = changed(before, [line("D", size=5), ScopeLine(key="E", blocks=("C",))], ["A"])
    found = difference(before, after.model_copy(update={"capacity": 4}))
    assert [one.key for one in found.added] == ["D", "E"]
    assert [one.key for one in found.removed] == ["A"]
    assert found.moved == (Moved("B", 2, 1), Moved("C", 3, 2))
    assert found.broken == ("B waits for A, which is not in the release",)
    assert found.lines == (
        "+ D Wish D (5 points)",
        "+ E  (not estimated)",
        "- A Wish A (3 points)",
        "B: wave 2 -> 1",
        "C: wave 3 -> 2",
        "B waits for A, which is not in the release",
        "points: 6 -> 8 of 4, more than fits",
    )
    assert not found.empty


@given(scopes())
def test_no_change_is_no_difference(same: Scope) -> None:
    found = difference(same, same)
    assert found.empty
    assert not found.broken
    assert found.points_before == found.points_after


@given(scopes(), scopes(tuple(f"T-{n}" for n in range(1, 4))))
def test_adding_and_then_removing_the_same_is_the_identity(first: Scope, more: Scope) -> None:
    added = changed(first, more.lines, ())
    assert added.issues == (*first.issues, *more.issues)
    assert changed(added, (), more.issues) == first


@given(scopes(), st.data())
def test_removing_and_then_adding_the_same_leads_to_the_same_plan(first: Scope, data: st.DataObject) -> None:
    out = data.draw(st.sets(st.sampled_from(first.issues)))
    taken = [one for one in first.lines if one.key in out]
    again = changed(changed(first, (), out), taken, ())
    assert again.plan_hash == first.plan_hash
    assert difference(first, again).empty


@given(scopes(), scopes())
def test_another_scope_has_another_name_and_the_order_of_lines_has_none(one: Scope, other: Scope) -> None:
    same = set(one.issues) == set(other.issues) and list(map(set, one.waves)) == list(map(set, other.waves))
    assert (one.plan_hash == other.plan_hash) == same
    turned = one.model_copy(update={"lines": one.lines[::-1]})
    assert turned.plan_hash == one.plan_hash


@given(scopes(), st.data())
def test_a_difference_turned_round_tells_the_opposite(before: Scope, data: st.DataObject) -> None:
    after = data.draw(scopes())
    forth, back = difference(before, after), difference(after, before)
    assert (forth.added, forth.removed) == (back.removed, back.added)
    assert {(m.key, m.after, m.before) for m in forth.moved} == set(back.moved)


def test_a_closed_reviews_plan_and_its_scope_have_one_name() -> None:
    found = [
        Request(key="A", title="First", source=RequestSource.CLIENT, created=NOW, blocks=("B",)),
        Request(key="B", title="Then", source=RequestSource.CLIENT, created=NOW),
        Request(key="C", title="Never", source=RequestSource.CLIENT, created=NOW),
    ]
    plan = propose(found, 30, NOW, Weights(), "1.4.0")
    plan = apply_decisions(plan, {"C": Decided(Decision.REJECT, "no", "mara")})
    made = rules.of_plan(plan)
    assert made.plan_hash == plan_hash(plan)
    assert (made.issues, made.capacity, made.points) == (plan.accepted, 30, plan.used)
