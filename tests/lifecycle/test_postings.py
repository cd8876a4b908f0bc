import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.postings import Postings, Table


def entries(postings: Postings, term: str) -> list[tuple[int, int, int]]:
    return [(int(place), int(title), int(body)) for place, title, body in postings.entries(term)]


def test_a_term_that_nobody_says_has_no_entries() -> None:
    postings = Postings()
    postings.add("cart", 0, 1, 2)
    assert (postings.count("pay"), entries(postings, "pay")) == (0, [])


def test_more_than_an_entry_can_hold_counts_as_the_most_it_can() -> None:
    postings = Postings()
    postings.add("cart", 0, 1000, 100_000)
    assert entries(postings, "cart") == [(0, 255, 65_535)]


def test_a_term_may_have_more_entries_than_a_block() -> None:
    postings = Postings(block=8)
    for place in range(100):
        postings.add("cart", place, 0, 1)
    assert postings.count("cart") == 100
    assert np.array_equal(postings.entries("cart")["place"], np.arange(100))


@given(st.lists(st.sets(st.sampled_from("abcdef")), max_size=70), st.integers(1, 40))
def test_every_term_keeps_its_entries_while_others_grow(said: list[set[str]], block: int) -> None:
    postings = Postings(block)
    for place, terms in enumerate(said):
        for term in sorted(terms):
            postings.add(term, place, place % 3, ord(term))
    for term in "abcdef":
        wanted = [(place, place % 3, ord(term)) for place, terms in enumerate(said) if term in terms]
        assert entries(postings, term) == wanted
        assert postings.count(term) == len(wanted)


def test_a_table_grows_and_forgets_nothing() -> None:
    table = Table([("value", np.int32)])
    for value in range(40):
        table.append((value,))
    assert (len(table), table.column("value").tolist()) == (40, list(range(40)))


@given(st.lists(st.integers(-1000, 1000), max_size=100))
def test_a_table_keeps_its_rows_in_order(values: list[int]) -> None:
    table = Table([("value", np.int32), ("double", np.int32)])
    for value in values:
        table.append((value, 2 * value))
    assert len(table) == len(values)
    assert table.column("value").tolist() == values
    assert table.column("double").tolist() == [2 * value for value in values]
