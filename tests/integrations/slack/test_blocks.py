"""The builders hold Slack's limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.slack.kit import checked_message, checked_view
from integrations.slack import blocks as kit


@pytest.mark.parametrize(
    "build",
    [
        lambda: kit.button("Yes", "a" * 256),
        lambda: kit.button("Yes", ""),
        lambda: kit.button("", "yes"),
        lambda: kit.button("Yes", "yes", "v" * 2001),
        lambda: kit.section("text", block_id="b" * 256),
        lambda: kit.section(""),
        lambda: kit.section(fields=["x"] * 11),
        lambda: kit.header(""),
        lambda: kit.context(),
        lambda: kit.context(*["x"] * 11),
        lambda: kit.actions(),
        lambda: kit.actions(*[kit.button("Yes", f"a{n}") for n in range(26)]),
        lambda: kit.option("label", "v" * 151),
        lambda: kit.select("menu", []),
        lambda: kit.select("menu", [kit.option("x", "x")] * 101),
        lambda: kit.checkboxes("many", [kit.option("x", "x")] * 11),
        lambda: kit.modal("Title", [], callback_id="c" * 256),
        lambda: kit.modal("Title", [], callback_id="c", private_metadata="m" * 3001),
        lambda: kit.modal("Title", [], callback_id="c", external_id="e" * 256),
        lambda: kit.modal("Title", [kit.divider()] * 101, callback_id="c"),
        lambda: kit.modal("Title", [kit.section("ä" * 3000)] * 60, callback_id="c"),
        lambda: kit.modal("Title", [kit.input_block("b", "L", kit.text_input("a"))], callback_id="c"),
        lambda: kit.home([kit.divider()] * 101),
    ],
)
def test_what_cannot_be_cut_without_meaning_something_else_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        build()


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("short", 5, "short"),
        ("a sentence", 6, "a sen…"),
        ("a b c", 3, "a…"),
        ("fish &amp; chips", 9, "fish…"),
        ("fish &amp; chips", 11, "fish &amp;…"),
        ("fish & chips", 9, "fish & c…"),
        ("see <https://example.test|this>", 12, "see…"),
        ("see <https://example.test|this> now", 33, "see <https://example.test|this>…"),
    ],
)
def test_a_long_text_is_cut_readably(text: str, limit: int, kept: str) -> None:
    assert kit.cut(text, limit) == kept


@given(st.text(max_size=400), st.integers(1, 120))
def test_a_cut_text_fits_and_leaves_no_half_entity(text: str, limit: int) -> None:
    kept = kit.cut(kit.escape(text), limit)
    assert len(kept) <= limit
    assert kept.count("&") == sum(kept.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))


@given(st.text())
def test_escaped_text_holds_no_markup_of_slacks(text: str) -> None:
    escaped = kit.escape(text)
    assert not set(escaped) & {"<", ">"}
    unescaped = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert unescaped == text


def test_a_link_cannot_be_broken_by_its_label() -> None:
    assert kit.link("https://example.test/?a|b", "x|<y>") == "<https://example.test/?a%7Cb|x/&lt;y&gt;>"


def test_too_many_blocks_end_in_a_line_that_says_so() -> None:
    blocks = kit.fit([kit.section(str(n)) for n in range(60)])
    assert len(blocks) == 50
    assert blocks[-1] == kit.context("… and 11 more")


@pytest.mark.parametrize(
    ("blocks", "fits"),
    [
        ([kit.section("x")] * 50, True),
        ([kit.section("x")] * 51, False),
        ([kit.section("x" * 2375)] * 4, True),
        ([kit.section("x" * 2375)] * 4 + [kit.divider(), kit.section("x")], False),
        ([kit.context(*["x" * 950] * 10)], True),
        ([kit.context(*["x" * 951] * 10)], False),
        ([kit.actions(kit.button("Yes", "yes", "v" * 1000))] * 13, True),
        ([kit.actions(kit.button("Yes", "yes", "v" * 1000))] * 14, False),
    ],
)
def test_a_message_fits_by_its_blocks_its_text_and_its_whole_length(
    blocks: list[kit.Block], *, fits: bool
) -> None:
    assert kit.fits(blocks) is fits


def test_everything_that_the_builders_make_is_taken() -> None:
    long = "word " * 2000
    ids = iter(range(1000))
    choice = kit.option(long, "v")
    message = [
        kit.header(long),
        kit.section(long, fields=[long] * 10, accessory=kit.button(long, "one", "v" * 2000, style="danger")),
        kit.context(*[long] * 10),
        kit.divider(),
        kit.actions(
            kit.button("Yes", "yes", confirm=kit.confirm(long, long, long, long, style="danger")),
            kit.select("menu", [choice] * 100, placeholder=long, initial=choice),
            kit.checkboxes("many", [kit.option("x", "x")]),
            kit.button("Open", "open", url="https://example.test/"),
            block_id="b" * 255,
        ),
    ]
    assert len(checked_message(message, lambda _: f"id{next(ids)}")) == 5
    text = kit.text_input("a", multiline=True, placeholder=long, initial=long, min_length=2)
    inputs = [kit.input_block("in", long, text, hint=long, optional=True)]
    view = kit.modal(
        long, inputs, callback_id="c", submit=long, close=long, private_metadata="m" * 3000, external_id="e"
    )
    assert checked_view(view, lambda _: f"id{next(ids)}")["blocks"][0]["block_id"] == "in"
    home = kit.home(message, callback_id="c", private_metadata="m")
    assert len(checked_view(home, lambda _: f"id{next(ids)}")["blocks"]) == 5


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ""),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        (
            "<https://x.example|the page> <https://x.example>",
            "the page (https://x.example) https://x.example",
        ),
        ("<@U1|ann> <@U1> <#C1|releases> <!here>", "@ann @U1 #releases @here"),
        ("<!date^1^{date}|1 May> <mailto:a@b.example|a@b.example>", "1 May a@b.example (mailto:a@b.example)"),
        ("<> < 3 >", "<>  3 "),
    ],
)
def test_a_message_is_read_as_people_see_it(written: str, read: str) -> None:
    assert kit.readable(written) == read
