"""The exported chain: whatever is done to it shows."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.ledger.chain import GENESIS, canonical, content, digest, line, normal, timestamp, verify
from integrations.ledger.models import Event

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
PAYLOADS = ({}, {"person": "Bärbel"}, {"n": 1, "list": [1.5, None, True]}, {"nested": {"b": 1, "a": "\n"}})


def chain_of(length: int) -> list[str]:
    lines, prev = list[str](), GENESIS
    for seq in range(1, length + 1):
        payload = PAYLOADS[seq % len(PAYLOADS)]
        event = Event(seq, f"release:shop:{seq % 3}", seq, AT, "Planned", f"key:{seq}", payload, prev, "")
        prev = digest(prev, content(event))
        lines.append(canonical({**json.loads(line(event)), "hash": prev}))
    return lines


LINES = chain_of(9)
HEAD = json.loads(LINES[-1])["hash"]


def rehashed(number: int, **changes: object) -> list[str]:
    """The chain with one line changed and given a hash that fits."""
    fields = {**json.loads(LINES[number]), **changes}
    del fields["hash"]
    changed = canonical({**fields, "hash": digest(str(fields["prev"]), fields)})
    return [*LINES[:number], changed, *LINES[number + 1 :]]


@pytest.mark.parametrize(
    "broken",
    ["", " ", "{", "[]", "null", "1", '"text"', "{}", "NaN", '{"seq":1}', "[" * 100_000, "\udcff", "\u00e9"],
    ids=lambda text: repr(text[:10]),
)
def test_a_line_that_is_no_event_is_a_problem_and_not_a_crash(broken: str) -> None:
    found = verify([*LINES[:3], broken, *LINES[3:]], HEAD)
    assert any(problem.startswith("line 4: ") for problem in found.problems)


def test_bytes_that_are_no_text_are_a_problem_and_not_a_crash() -> None:
    assert verify([LINES[0].encode(), b"\xff\xfe"]).problems == ("line 2: cannot be read",)


def test_a_line_with_one_field_more_is_found() -> None:
    assert verify(rehashed(8, extra=1)).problems == ("line 9: has not exactly the fields of an event",)


def test_a_line_that_means_the_same_but_is_written_differently_is_found() -> None:
    spaced = LINES[0].replace('":', '": ', 1)
    assert verify([spaced, *LINES[1:]]).problems == ("line 1: is not written canonically",)


def test_a_duplicated_json_key_is_found() -> None:
    doubled = LINES[0].replace('"seq":1', '"seq":7,"seq":1')
    assert verify([doubled, *LINES[1:]]).problems == ("line 1: is not written canonically",)


def test_a_changed_line_with_a_new_hash_is_found_by_the_line_after_it() -> None:
    assert verify(rehashed(3, kind="Released")).problems == ("line 5: does not follow the line before",)


def test_a_changed_last_line_with_a_new_hash_is_found_by_the_head_only() -> None:
    changed = rehashed(8, kind="Released")
    assert verify(changed).ok
    assert not verify(changed, HEAD).ok


def test_a_whole_chain_verifies_and_tells_its_end() -> None:
    found = verify(LINES, HEAD)
    assert (found.ok, found.seq, found.head) == (True, 9, HEAD)


def test_no_lines_are_a_chain_that_has_not_begun() -> None:
    found = verify([])
    assert (found.ok, found.seq, found.head) == (True, 0, GENESIS)
    assert not verify([], HEAD).ok


def test_the_hash_can_be_computed_with_nothing_but_the_documentation() -> None:
    fields = json.loads(LINES[4])
    claimed = fields.pop("hash")
    written = fields["prev"] + json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(written.encode()).hexdigest() == claimed
    assert set(fields) == {"seq", "at", "kind", "key", "data", "prev"}


@given(st.integers(0, len(LINES)))
def test_a_cut_tail_is_found_given_the_head_and_only_then(kept: int) -> None:
    assert verify(LINES[:kept]).ok
    assert verify(LINES[:kept], HEAD).ok == (kept == len(LINES))


@given(st.data())
def test_any_changed_byte_of_the_exported_file_is_found(data: st.DataObject) -> None:
    exported = bytearray("".join(f"{text}\n" for text in LINES).encode())
    position = data.draw(st.integers(0, len(exported) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(exported[position] != byte)
    exported[position] = byte
    assert not verify(bytes(exported).splitlines(keepends=True), HEAD).ok


@given(st.data())
def test_any_character_put_in_or_taken_out_is_found(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(LINES) - 1))
    text = LINES[number]
    position = data.draw(st.integers(0, len(text) - 1))
    put_in = data.draw(st.text(max_size=2))
    changed = text[:position] + put_in + text[position + (0 if put_in else 1) :]
    assume(changed.removesuffix("\n") != text)
    assert not verify([*LINES[:number], changed, *LINES[number + 1 :]]).ok


@given(st.permutations(LINES))
def test_any_other_order_is_found(lines: list[str]) -> None:
    assert verify(lines).ok == (lines == LINES)


@given(st.sets(st.integers(0, len(LINES) - 2), min_size=1))
def test_any_removed_lines_are_found_even_without_the_head(removed: set[int]) -> None:
    assert not verify([text for number, text in enumerate(LINES) if number not in removed]).ok


@given(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES)))
def test_a_repeated_line_is_found(which: int, where: int) -> None:
    assert not verify([*LINES[:where], LINES[which], *LINES[where:]]).ok


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_what_is_written_canonically_reads_and_writes_the_same(value: dict[str, object]) -> None:
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written
    assert written.isascii()


@given(st.dictionaries(st.integers() | st.text(alphabet="0123456789"), st.integers(), max_size=5))
def test_keys_that_are_no_text_still_have_one_way_to_be_written(value: dict[str, object]) -> None:
    assume(len({type(key) for key in value}) < 2)
    once = normal(value)
    assert canonical(normal(once)) == canonical(once)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_have_is_refused(value: float) -> None:
    with pytest.raises(ValueError):
        canonical({"n": value})


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        timestamp(AT.replace(tzinfo=None))


def test_a_time_is_written_in_utc_and_sorts_as_text() -> None:
    berlin = timezone(timedelta(hours=2))
    assert timestamp(AT.astimezone(berlin)) == "2026-07-01T12:00:00.000000Z"
    assert timestamp(AT) < timestamp(AT + timedelta(microseconds=1)) < timestamp(AT + timedelta(hours=10))
