"""Release notes: by issue and kind of issue, in the words of whoever asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.notes import Note, first_sentence, grouped, lines, page

SEARCH = Note(
    key="SHOP-3",
    title="Search",
    type="Task",
    words="I cannot find a *teapot*.",
    asked_by=("client", "management"),
)
SUM = Note(key="SHOP-4", title="The sum is wrong @all", type="Bug", asked_by=("developer",))
CART = Note(key="SHOP-5", title="Cart", type="Task")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        (" \n ", ""),
        ("I cannot find a teapot. Not even with capitals.", "I cannot find a teapot."),
        ("Version 1.4.0 is slow!\nVery.", "Version 1.4.0 is slow!"),
        ("No end here\n\nAnother paragraph. With ends.", "No end here"),
        ("Two\nlines without an end", "Two lines without an end"),
        ("w" * 400, "w" * 299 + "…"),
    ],
)
def test_the_first_sentence_is_what_was_asked(text: str, said: str) -> None:
    assert first_sentence(text) == said


@given(st.text())
def test_a_first_sentence_is_one_short_line(text: str) -> None:
    said = first_sentence(text)
    assert len(said) <= 300
    assert said == " ".join(said.split())


def test_one_kind_of_issue_needs_no_heading() -> None:
    assert page([CART]) == "- SHOP-5 Cart\n"
    assert page([]) == "\n"
    assert page([Note(key="SHOP-9")]) == "- SHOP-9\n"


def test_issues_stand_by_kind_with_the_words_and_who_asked() -> None:
    assert grouped([SEARCH, SUM, CART]) == (("Task", (SEARCH, CART)), ("Bug", (SUM,)))
    assert page([SEARCH, SUM, CART], "## 1.4.0 (2026-11-21)\n") == (
        "### Task\n\n"
        "- SHOP-3 Search\n"
        "  “I cannot find a \\*teapot\\*.” (client, management)\n"
        "- SHOP-5 Cart\n\n"
        "### Bug\n\n"
        "- SHOP-4 The sum is wrong \\@all\n"
        "  (developer)\n\n"
        "## 1.4.0 (2026-11-21)\n"
    )


def test_what_jira_does_not_know_any_more_is_told_last() -> None:
    told = lines([CART, Note(key="SHOP-9", title="Gone")], str.upper, "*{}*", "• {}")
    assert told == ("*TASK*", "• SHOP-5 CART", "*OTHER*", "• SHOP-9 GONE")
