"""What JSON logs say: kinds of errors, changed rates and times of paths."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.logs import Entry, PathTimes, Times, compare, compare_times, entry, kind, mask, times

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


def error(text: str) -> Entry:
    return Entry(AT, "error", text)


def request(path: str, ms: float) -> Entry:
    return Entry(AT, "info", "request", path, ms)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{",
        "Traceback:",
        "[" * 100_000,
        '{"level": "error"}',
        '{"time": "now"}',
        '{"time": 3}',
    ],
)
def test_what_is_no_object_with_a_time_is_no_entry(line: str) -> None:
    assert entry(line) is None


def test_the_shops_own_line_is_read() -> None:
    line = {
        "time": "2026-11-21T10:00:00+00:00",
        "level": "error",
        "message": "request",
        "sha": "a" * 40,
        "path": "/cart",
        "status": 500,
        "ms": 12.5,
        "error": "KeyError: 'price'",
        "trace": "Traceback ...",
    }
    assert entry(json.dumps(line)) == Entry(AT, "error", "request: KeyError: 'price'", "/cart", 12.5)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ({"ts": "2026-11-21T10:00:00Z", "severity": "FATAL", "msg": "gone"}, Entry(AT, "FATAL", "gone")),
        ({"timestamp": "2026-11-21T10:00:00", "exception": "x"}, Entry(AT, "", "x")),
        ({"time": "2026-11-21T10:00:00Z", "ms": True, "path": 3}, Entry(AT, "", "")),
    ],
)
def test_other_loggers_names_are_read_too(line: dict[str, object], read: Entry) -> None:
    assert entry(json.dumps(line)) == read


def test_only_error_levels_are_errors() -> None:
    assert [Entry(AT, level, "x").is_error for level in ("ERROR", "fatal", "warning", "info", "")] == (
        [True, True, False, False, False]
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 12 has 3 items", "order 99 has 1 items"),
        ("KeyError: 'price'", 'KeyError: "name"'),
        ("no user 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "no user 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("blob deadbeef01 is gone", "blob 0123456789abcdef is gone"),
        ("took 1.5 s", "took  20 s"),
    ],
)
def test_what_differs_in_numbers_ids_and_quotes_is_one_kind(one: str, other: str) -> None:
    assert kind(one) == kind(other)


def test_words_make_kinds() -> None:
    assert kind("KeyError: 'price'") != kind("ValueError: 'price'")
    assert kind("effaced facade") == "effaced facade"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("password=hunter2hunter2", "hunter2"),
        ('{"api_key": "abcdef"}', "abcdef"),
        ("Authorization: Bearer abcdefghijkl", "abcdefghijkl"),
        ("sent Bearer abcdefghijkl", "abcdefghijkl"),
        ("postgres://shop:s3cret@db/shop", "s3cret"),
        ("token xoxb-123456-abcdef refused", "123456"),
        ("glpat-abcdefghij", "abcdefghij"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abc", "eyJzdWIi"),
        ("mail to clara@example.test failed", "clara"),
        ("card 4111 1111 1111 1111 refused", "1111"),
    ],
)
def test_what_looks_like_a_secret_is_masked_in_text_and_kind(text: str, hidden: str) -> None:
    assert hidden not in mask(text)
    assert "•••" in mask(text)
    assert hidden not in kind(text)


def test_what_looks_like_none_is_kept() -> None:
    text = "KeyError: 'price' in /cart after 12 ms"
    assert mask(text) == text


def test_an_error_that_was_not_there_before_is_new_with_its_examples_first() -> None:
    before = [error("timeout of 3 s")] * 5 + [request("/", 5)]
    after = [error("timeout of 4 s")] * 5 + [error(f"no price for {n}") for n in range(5)]
    [new, old] = compare(before, after, 24, 24).kinds
    assert (new.name, new.before, new.after, new.change) == ("no price for N", 0, 5, "new")
    assert new.examples == ("no price for 0", "no price for 1", "no price for 2")
    assert (old.change, old.before, old.after) == ("", 5, 5)


def test_without_anything_before_nothing_is_called_new() -> None:
    [only] = compare([], [error("x")], 24, 24).kinds
    assert only.change == ""


def test_what_is_gone_is_told_without_an_example() -> None:
    [gone] = compare([error("x")] * 40, [request("/", 3)], 24, 24).kinds
    assert (gone.change, gone.after, gone.examples) == ("fewer", 0, ())


@pytest.mark.parametrize(
    ("before", "after", "before_hours", "after_hours", "change"),
    [
        (20, 60, 24, 24, "more"),
        (60, 20, 24, 24, "fewer"),
        (20, 25, 24, 24, ""),
        (1, 8, 24, 24, ""),
        (240, 10, 24, 1, ""),
        (240, 40, 24, 1, "more"),
        (10, 240, 1, 24, ""),
    ],
)
def test_a_rate_is_changed_only_beyond_what_chance_does(
    before: int, after: int, before_hours: float, after_hours: float, change: str
) -> None:
    found = compare([error("x")] * before, [error("x")] * after, before_hours, after_hours)
    assert found.kinds[0].change == change


def test_chance_alone_is_rarely_called_a_change() -> None:
    chance = Random(7)
    called = 0
    for _ in range(300):
        sides = [chance.random() < 0.5 for _ in range(100)]
        before, after = sides.count(False), sides.count(True)
        called += compare([error("x")] * before, [error("x")] * after, 24, 24).kinds[0].change != ""
    assert called <= 5


def test_the_same_path_with_other_ids_is_one_path_and_the_slowest_stands_first() -> None:
    before = [request("/orders/1", 10.0)] * 30
    after = [request(f"/orders/{n}", 50.0) for n in range(30)] + [request("/", 5.0), Entry(AT, "info", "x")]
    [orders, home] = compare(before, after, 24, 24).paths
    assert orders == PathTimes("/orders/N", Times(30, 10, 10), Times(30, 50, 50))
    assert (orders.got_worse, home.got_worse) == (True, False)


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ((30, 100), (30, 150), True),
        ((30, 100), (30, 149), False),
        ((30, 10), (30, 29), False),
        ((30, 10), (30, 30), True),
        ((19, 100), (30, 900), False),
        ((30, 100), (19, 900), False),
    ],
)
def test_a_path_got_worse_by_half_and_by_20_ms_with_enough_requests(
    before: tuple[int, float], after: tuple[int, float], worse: bool
) -> None:
    found = compare_times({"/": [before[1]] * before[0]}, {"/": [after[1]] * after[0]})
    assert found[0].got_worse is worse


def test_a_path_that_is_gone_has_no_times_after() -> None:
    [gone] = compare_times({"/old": [3.0]}, {})
    assert (gone.after, gone.got_worse) == (None, False)


def test_percentiles_are_by_nearest_rank() -> None:
    assert times(range(1, 101)) == Times(100, 50, 95)
    assert times([7.0]) == Times(1, 7, 7)
    assert times([]) is None


@given(st.text(), st.integers(0, 10**6))
def test_a_kind_is_short_and_does_not_depend_on_a_number(words: str, number: int) -> None:
    named = kind(f"{words} {number}")
    assert len(named) <= 160
    assert named == kind(f"{words} 7")
