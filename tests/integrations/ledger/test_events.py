"""Appending: one transaction, the first of a key wins, the expected revision must stand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.errors import Conflict
from integrations.ledger import Appended, Ledger, NewEvent
from integrations.ledger.chain import GENESIS, verify

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
RELEASE = "release:shop:1.4.0"


def fact(key: str, kind: str = "Planned", **data: object) -> NewEvent:
    return NewEvent(kind, key, data)


@pytest.mark.parametrize(
    ("subject", "event"),
    [
        ("", fact("a")),
        (RELEASE, fact("")),
        (RELEASE, fact("a", kind="")),
        ("release\0", fact("a")),
        (RELEASE, fact("a\0")),
        (RELEASE, fact("\ud800")),
        (RELEASE, fact("a", n=float("nan"))),
    ],
)
def test_a_name_or_a_payload_that_cannot_be_kept_is_refused_and_nothing_is_recorded(
    ledger: Ledger, subject: str, event: NewEvent
) -> None:
    with pytest.raises(ValueError):
        ledger.append(subject, [fact("good"), event], now=NOW, wake=True)
    assert ledger.head() == (0, GENESIS)
    assert ledger.pending_wakeups(NOW) == ()


def test_a_payload_that_is_no_json_is_refused_and_nothing_is_recorded(ledger: Ledger) -> None:
    with pytest.raises(TypeError):
        ledger.append(RELEASE, [fact("good"), fact("a", at=NOW)], now=NOW)
    assert ledger.head() == (0, GENESIS)


def test_a_time_without_a_zone_is_refused_and_nothing_is_recorded(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="zone"):
        ledger.append(RELEASE, [fact("a")], now=NOW.replace(tzinfo=None))
    assert ledger.head() == (0, GENESIS)


def test_an_empty_ledger_has_nothing_and_verifies(ledger: Ledger) -> None:
    assert ledger.events(RELEASE) == ()
    assert list(ledger.all_events()) == []
    assert ledger.revision(RELEASE) == 0
    assert ledger.event_by_key("a") is None
    assert ledger.verify().ok


def test_an_event_reads_back_as_it_was_recorded(ledger: Ledger) -> None:
    data: dict[str, object] = {
        "names": ("Bärbel", "日本"),
        "text": '\0 " \n',
        "n": 1.5,
        "deep": {"none": None},
    }
    berlin = NOW.astimezone().replace(microsecond=7)
    appended = ledger.append(RELEASE, [NewEvent("Planned", "a", data)], now=berlin)
    (event,) = ledger.events(RELEASE)
    assert appended == Appended((event,), ("a",), 1)
    assert event.data == {**data, "names": ["Bärbel", "日本"]}
    assert (event.seq, event.revision, event.kind, event.key) == (1, 1, "Planned", "a")
    assert event.at == berlin
    assert event.at.utcoffset() == timedelta(0)
    assert ledger.event_by_key("a") == event


def test_seq_counts_the_ledger_and_revision_the_subject(ledger: Ledger) -> None:
    ledger.append("release:shop:1.4.0", [fact("a"), fact("b")], now=NOW)
    ledger.append("release:shop:1.5.0", [fact("c")], now=NOW)
    ledger.append("release:shop:1.4.0", [fact("d")], now=NOW)
    found = [(event.seq, event.subject, event.revision) for event in ledger.all_events()]
    first, second = "release:shop:1.4.0", "release:shop:1.5.0"
    assert found == [(1, first, 1), (2, first, 2), (3, second, 1), (4, first, 3)]
    assert [event.key for event in ledger.events(first, after_revision=1)] == ["b", "d"]
    assert [event.key for event in ledger.all_events(after_seq=1, limit=2)] == ["b", "c"]
    assert list(ledger.all_events(limit=0)) == []


def test_the_same_key_again_inserts_nothing_and_returns_the_first(ledger: Ledger) -> None:
    first = ledger.append(RELEASE, [fact("a", n=1)], now=NOW)
    again = ledger.append(RELEASE, [fact("a", kind="Other", n=2)], now=NOW + timedelta(hours=1))
    assert again == Appended(first.events, (), 1)
    assert not again.inserted


def test_the_same_key_twice_in_one_append_is_recorded_once(ledger: Ledger) -> None:
    appended = ledger.append(RELEASE, [fact("a", n=1), fact("a", n=2)], now=NOW)
    assert [event.data for event in appended.events] == [{"n": 1}, {"n": 1}]
    assert (appended.new_keys, ledger.revision(RELEASE)) == (("a",), 1)


def test_a_key_of_another_subject_inserts_nothing(ledger: Ledger) -> None:
    ledger.append("request:SHOP-12", [fact("a")], now=NOW)
    appended = ledger.append(RELEASE, [fact("a")], now=NOW)
    assert (appended.inserted, appended.events[0].subject) == (False, "request:SHOP-12")
    assert ledger.revision(RELEASE) == 0


def test_known_and_new_events_come_back_in_the_order_of_asking(ledger: Ledger) -> None:
    ledger.append(RELEASE, [fact("b")], now=NOW)
    appended = ledger.append(RELEASE, [fact("a"), fact("b"), fact("c")], now=NOW)
    assert [event.key for event in appended.events] == ["a", "b", "c"]
    assert (appended.new_keys, appended.revision) == (("a", "c"), 3)


def test_nothing_to_append_changes_nothing(ledger: Ledger) -> None:
    assert ledger.append(RELEASE, [], now=NOW, expected=7, wake=True) == Appended((), (), 0)
    assert ledger.pending_wakeups(NOW) == ()


@pytest.mark.parametrize("expected", [0, 2])
def test_another_revision_than_expected_is_a_conflict_and_records_nothing(
    ledger: Ledger, expected: int
) -> None:
    ledger.append(RELEASE, [fact("a")], now=NOW)
    with pytest.raises(Conflict) as caught:
        ledger.append(RELEASE, [fact("a"), fact("b")], now=NOW, expected=expected, wake=True)
    assert (caught.value.vendor, caught.value.object_id) == ("ledger", RELEASE)
    assert [event.key for event in ledger.events(RELEASE)] == ["a"]
    assert not ledger.wakeup(RELEASE).pending


def test_a_pure_repeat_succeeds_whatever_revision_was_expected(ledger: Ledger) -> None:
    ledger.append(RELEASE, [fact("a")], now=NOW, expected=0)
    assert not ledger.append(RELEASE, [fact("a")], now=NOW, expected=0).inserted


def test_only_other_subjects_events_do_not_disturb_the_expected_revision(ledger: Ledger) -> None:
    ledger.append("project:shop", [fact("x")], now=NOW)
    assert ledger.append(RELEASE, [fact("a")], now=NOW, expected=0).revision == 1


def test_an_appended_event_wakes_its_subject_in_the_same_step(ledger: Ledger) -> None:
    ledger.append(RELEASE, [fact("a"), fact("b")], now=NOW, wake=True, wake_also=["project:shop", RELEASE])
    assert (ledger.wakeup(RELEASE).wanted, ledger.wakeup("project:shop").wanted) == (2, 1)


def test_a_repeated_event_wakes_nobody(ledger: Ledger) -> None:
    ledger.append(RELEASE, [fact("a")], now=NOW, wake=True)
    ledger.append(RELEASE, [fact("a")], now=NOW, wake=True, wake_also=["project:shop"])
    assert (ledger.wakeup(RELEASE).wanted, ledger.wakeup("project:shop").wanted) == (1, 0)


def test_an_event_without_a_wake_wakes_nobody(ledger: Ledger) -> None:
    ledger.append(RELEASE, [fact("a")], now=NOW)
    assert ledger.pending_wakeups(NOW) == ()


def test_subjects_are_found_by_their_beginning_and_taken_literally(ledger: Ledger) -> None:
    names = ["release:shop:1.4.0", "release:shop_:1", "release:SHOP:1", "review:shop:2026-W47"]
    for number, name in enumerate(names):
        ledger.append(name, [fact(f"{number}:a"), fact(f"{number}:b")], now=NOW)
    assert ledger.subjects("release:shop:") == ("release:shop:1.4.0",)
    assert ledger.subjects("release:shop_") == ("release:shop_:1",)
    assert ledger.subjects("%") == ()
    assert ledger.subjects() == tuple(sorted(names))


def test_what_changed_since_a_seq_is_told_by_subject(ledger: Ledger) -> None:
    assert ledger.changed(0) == (0, ())
    ledger.append("release:shop:1", [fact("a"), fact("b")], now=NOW)
    ledger.append("review:shop:1", [fact("c")], now=NOW)
    assert ledger.changed(0) == (3, ("release:shop:1", "review:shop:1"))
    assert ledger.changed(0, "release:") == (3, ("release:shop:1",))
    ledger.append("release:shop:2", [fact("d")], now=NOW)
    assert ledger.changed(3, "release:") == (4, ("release:shop:2",))
    assert ledger.changed(4, "release:") == (4, ())


def test_the_events_of_many_subjects_come_subject_by_subject_and_in_order(ledger: Ledger) -> None:
    names = [f"release:shop:{n:04}" for n in range(502)]
    for again in ("first", "second"):
        for name in names:
            ledger.append(name, [fact(f"{name}:{again}")], now=NOW)
    found = [(event.subject, event.revision) for event in ledger.events_of(names)]
    assert found == [(name, revision) for name in names for revision in (1, 2)]
    assert list(ledger.events_of([])) == []


def test_subjects_with_an_event_of_a_kind_can_be_left_out(ledger: Ledger) -> None:
    ledger.append("release:shop:1", [fact("a"), fact("b", "Closed")], now=NOW)
    ledger.append("release:shop:2", [fact("c")], now=NOW)
    both = ["release:shop:1", "release:shop:2"]
    assert [e.key for e in ledger.events_of(both, unless=["Closed", "Abandoned"])] == ["c"]
    assert [e.key for e in ledger.events_of(both, unless=["Abandoned"])] == ["a", "b", "c"]


def test_the_export_verifies_and_holds_every_event(ledger: Ledger) -> None:
    for number in range(1203):
        if number % 400 == 0:
            ledger.append(RELEASE, [fact(f"{n}") for n in range(number, number + 401)], now=NOW)
    lines = list(ledger.export())
    seq, head = ledger.head()
    found = verify(lines, head)
    assert (found.ok, found.seq, found.head) == (True, seq, head)
    assert ledger.verify(head).ok
    assert not ledger.verify("f" * 64).ok


def together(work: Callable[[int], object], count: int) -> list[object]:
    """The results of `work` in `count` threads that start at one moment; an error is a result."""
    start = threading.Barrier(count)

    def run(number: int) -> object:
        start.wait()
        try:
            return work(number)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_who_expect_the_same_revision_at_once_one_wins(ledger: Ledger) -> None:
    results = together(lambda n: ledger.append(RELEASE, [fact(f"k{n}")], now=NOW, expected=0), 12)
    assert sum(isinstance(result, Appended) for result in results) == 1
    assert ledger.revision(RELEASE) == 1


def test_of_many_who_tell_the_same_fact_at_once_one_records_it_and_all_see_it(ledger: Ledger) -> None:
    results = together(lambda n: ledger.append(RELEASE, [fact("k", n=n)], now=NOW, expected=0), 12)
    appended = [result for result in results if isinstance(result, Appended)]
    assert (len(appended), sum(result.inserted for result in appended)) == (12, 1)
    assert len({str(result.events) for result in appended}) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.floats(-1e9, 1e9)))
def test_any_payload_comes_back_and_the_chain_holds(ledger: Ledger, data: dict[str, object]) -> None:
    key = f"k{ledger.head()[0]}"
    ledger.append(RELEASE, [NewEvent("Anything", key, data)], now=NOW)
    found = ledger.event_by_key(key)
    assert found is not None
    assert found.data == data
    assert ledger.verify().ok
