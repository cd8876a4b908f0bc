import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.waves import Cycle, waves

names = st.sampled_from("ABCDEFGH")
links = st.sets(st.tuples(names, names), max_size=14)


def test_requests_that_wait_for_each_other_are_named_in_order() -> None:
    with pytest.raises(Cycle) as found:
        waves(["D", "A", "B", "C"], [("A", "B"), ("B", "C"), ("C", "A"), ("C", "D")])
    assert str(found.value) == "C waits for B waits for A waits for C"
    assert pickle.loads(pickle.dumps(found.value)).keys == found.value.keys


def test_a_request_that_waits_for_itself_is_a_circle() -> None:
    with pytest.raises(Cycle) as found:
        waves(["A"], [("A", "A")])
    assert found.value.keys == ("A",)


def test_nothing_has_no_waves() -> None:
    assert waves([], []) == ()


def test_what_waits_for_nothing_is_in_the_first_wave() -> None:
    assert waves(["C", "A", "B"], []) == (("C", "A", "B"),)


def test_a_key_comes_in_the_earliest_wave_after_all_it_waits_for() -> None:
    blocks = [("A", "B"), ("B", "C"), ("A", "C"), ("A", "B")]
    assert waves(["C", "D", "B", "A"], blocks) == (("D", "A"), ("B",), ("C",))


def test_links_to_what_is_not_asked_for_are_left_out() -> None:
    assert waves(["B"], [("A", "B"), ("B", "Z")]) == (("B",),)


@given(st.lists(names, unique=True), links)
def test_waves_hold_every_key_once_and_never_invert_a_link(
    keys: list[str], blocks: set[tuple[str, str]]
) -> None:
    try:
        found = waves(keys, blocks)
    except Cycle as circle:
        ring = circle.keys
        assert all((ring[(i + 1) % len(ring)], key) in blocks for i, key in enumerate(ring))
        return
    number = {key: place for place, wave in enumerate(found) for key in wave}
    assert sorted(key for wave in found for key in wave) == sorted(keys)
    assert all(found)
    for key in keys:
        before = [number[blocker] for blocker, blocked in blocks if blocked == key and blocker in number]
        assert number[key] == 1 + max(before, default=-1)


def test_a_long_chain_is_ordered_too() -> None:
    keys = [str(number) for number in range(5000)]
    assert len(waves(keys, [(str(n), str(n + 1)) for n in range(4999)])) == 5000
