import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.words import stems, terms


@pytest.mark.parametrize("text", ["", "  ", "?!, --", "the of and", "___"])
def test_a_text_without_words_has_no_terms(text: str) -> None:
    assert list(terms(text)) == []


@pytest.mark.parametrize(
    "family",
    [
        ("crash", "crashes", "crashing", "crashed"),
        ("button", "buttons"),
        ("rotate", "rotates", "rotating", "rotated", "rotation"),
        ("query", "queries"),
        ("class", "classes"),
        ("stop", "stopped", "stopping", "stops"),
    ],
)
def test_forms_of_a_word_are_one_term(family: tuple[str, ...]) -> None:
    assert len(set(stems(list(family)))) == 1


@pytest.mark.parametrize(("one", "other"), [("status", "state"), ("cart", "car"), ("is", "i"), ("ring", "r")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert len(set(stems([one, other]))) == 2


def test_a_camel_case_name_is_found_by_its_parts_and_as_a_whole() -> None:
    assert list(terms("openCartView HTTPServer the iPhone")) == [
        "opencartview",
        "open",
        "cart",
        "view",
        "httpserver",
        "http",
        "server",
        "iphon",
        "phone",
    ]


def test_case_does_not_matter() -> None:
    assert list(terms("CART Cart cart")) == ["cart", "cart", "cart"]


def test_other_scripts_and_numbers_are_words_too() -> None:
    assert list(terms("корзина 404 💥 עגלה")) == ["корзина", "404", "עגלה"]


@given(st.text(max_size=300))
def test_any_text_can_be_cut_and_no_term_is_empty(text: str) -> None:
    assert all(terms(text))


@given(st.from_regex(r"[a-z]{1,20}", fullmatch=True))
def test_a_stem_is_never_empty_nor_longer_than_its_word(word: str) -> None:
    (stem,) = stems([word])
    assert 0 < len(stem) <= len(word)
