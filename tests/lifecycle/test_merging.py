import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import ValidationError

from lifecycle.merging import (
    AlreadyMerged,
    Group,
    Merges,
    SelfDuplicate,
    duplicates_of,
    groups,
    merge,
    original_of,
    requesters_of,
    unmerge,
)

ASKED = {"A": ("ann",), "B": ("bob", "ann"), "C": ("cem",), "D": (), "E": ("eva",)}
STATE = Merges(requesters=ASKED)
keys = st.sampled_from("ABCDE")


def test_a_request_is_never_its_own_duplicate() -> None:
    with pytest.raises(SelfDuplicate) as refused:
        merge(STATE, "A", "A")
    assert str(refused.value) == "A is already a duplicate of A, or the same"
    assert pickle.loads(pickle.dumps(refused.value)).original == "A"


def test_an_original_does_not_become_the_duplicate_of_its_duplicate() -> None:
    chain = merge(merge(STATE, "A", "B"), "B", "C")
    with pytest.raises(SelfDuplicate):
        merge(chain, "C", "A")


def test_a_duplicate_of_one_is_not_given_to_another_unnoticed() -> None:
    with pytest.raises(AlreadyMerged) as refused:
        merge(merge(STATE, "A", "B"), "A", "C")
    assert str(refused.value) == "A is already a duplicate of B"
    assert pickle.loads(pickle.dumps(refused.value)).original == "B"


def test_a_state_that_goes_in_a_circle_is_refused() -> None:
    with pytest.raises(ValidationError):
        Merges(originals={"A": "B", "B": "C", "C": "A"})


def test_a_state_of_chains_without_a_circle_is_taken() -> None:
    chains = Merges(originals={"A": "B", "B": "C", "D": "C"})
    assert [original_of(chains, key) for key in "ABD"] == ["C", "C", "C"]


def test_merging_keeps_every_requester_once() -> None:
    merged = merge(STATE, "B", "A")
    assert requesters_of(merged, "A") == requesters_of(merged, "B") == ("ann", "bob")


def test_a_chain_is_flattened_to_one_original() -> None:
    chain = merge(merge(STATE, "A", "B"), "B", "C")
    assert [original_of(chain, key) for key in "ABC"] == ["C", "C", "C"]
    assert duplicates_of(chain, "C") == ("A", "B")
    assert duplicates_of(chain, "B") == ()
    assert requesters_of(chain, "A") == ("cem", "ann", "bob")


def test_merging_into_a_duplicate_merges_into_its_original() -> None:
    assert merge(merge(STATE, "B", "C"), "A", "B").originals["A"] == "C"


def test_merging_again_changes_nothing() -> None:
    merged = merge(merge(STATE, "B", "C"), "A", "B")
    assert merge(merged, "A", "C") == merge(merged, "A", "B") == merged


def test_unmerging_restores_a_group_with_its_own_duplicates() -> None:
    before = merge(STATE, "A", "B")
    assert unmerge(merge(before, "B", "C"), "B") == before


def test_unmerging_what_was_not_merged_changes_nothing() -> None:
    assert unmerge(STATE, "A") == STATE


def test_confirmed_pairs_make_groups_with_one_original_each() -> None:
    assert groups([("A", "B"), ("C", "A"), ("D", "E"), ("A", "B"), ("B", "C")]) == (
        Group("B", ("A", "C")),
        Group("E", ("D",)),
    )


def test_a_duplicate_of_two_originals_makes_them_one_group() -> None:
    assert groups([("A", "B"), ("A", "C")]) == (Group("C", ("A", "B")),)
    assert groups([]) == ()


class People(RuleBasedStateMachine):
    """People merge and unmerge as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.state = STATE

    @rule(duplicate=keys, original=keys)
    def somebody_merges(self, duplicate: str, original: str) -> None:
        try:
            merged = merge(self.state, duplicate, original)
        except (SelfDuplicate, AlreadyMerged):
            return
        assert original_of(merged, duplicate) == original_of(self.state, original)
        if merged != self.state:
            assert unmerge(merged, duplicate) == self.state
        self.state = merged

    @rule(duplicate=keys)
    def somebody_unmerges(self, duplicate: str) -> None:
        self.state = unmerge(self.state, duplicate)
        assert original_of(self.state, duplicate) == duplicate

    @invariant()
    def nobody_is_lost_and_nobody_counts_twice(self) -> None:
        roots = {original_of(self.state, key) for key in ASKED}
        for root in roots:
            members = {root, *duplicates_of(self.state, root)}
            asked = requesters_of(self.state, root)
            assert set(asked) == {person for member in members for person in ASKED[member]}
            assert len(set(asked)) == len(asked)

    @invariant()
    def every_request_is_in_one_group_and_not_its_own_duplicate(self) -> None:
        for key in ASKED:
            assert key not in duplicates_of(self.state, key)
            assert original_of(self.state, original_of(self.state, key)) == original_of(self.state, key)
        assert Merges.model_validate(self.state.model_dump()) == self.state


TestPeople = People.TestCase


@given(st.lists(st.tuples(keys, keys), max_size=8))
def test_every_confirmed_pair_ends_in_one_group(pairs: list[tuple[str, str]]) -> None:
    found = groups(pairs)
    group_of = {key: group.original for group in found for key in (group.original, *group.duplicates)}
    assert all(a == b or group_of[a] == group_of[b] for a, b in pairs)
    assert len(group_of) == sum(1 + len(group.duplicates) for group in found)
