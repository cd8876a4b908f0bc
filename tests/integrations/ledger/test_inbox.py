"""The inbox: nothing acknowledged is lost, nothing is handled twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from integrations.errors import NotFound
from integrations.ledger import Ledger, NewDelivery
from integrations.ledger.inbox import MAX_ATTEMPTS

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def receive(ledger: Ledger, delivery_id: str, source: str = "gitlab", kind: str = "push") -> int:
    return ledger.receive(source, delivery_id, kind, {"x-kind": kind}, b"{}", NOW).id


def pending(ledger: Ledger, now: datetime = NOW) -> list[int]:
    return [delivery.id for delivery in ledger.pending_deliveries(now=now)]


def test_a_delivery_that_does_not_exist_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.delivery(7)
    with pytest.raises(NotFound):
        ledger.failed(7, "no reason", NOW)


def test_handling_a_delivery_that_does_not_exist_does_nothing(ledger: Ledger) -> None:
    ledger.handled([7], "done", NOW)
    ledger.handled([], "done", NOW)
    assert pending(ledger) == []


def test_a_delivery_reads_back_as_it_came(ledger: Ledger) -> None:
    body = bytes(range(256))
    received = ledger.receive("slack", "d1", "block_actions", {"x-slack-retry-num": "1"}, body, NOW)
    delivery = ledger.delivery(received.id)
    assert received.new
    assert (delivery.source, delivery.delivery_id, delivery.kind) == ("slack", "d1", "block_actions")
    assert (delivery.headers, delivery.body, delivery.received_at) == ({"x-slack-retry-num": "1"}, body, NOW)
    assert (delivery.attempts, delivery.handled_at, delivery.parked_at) == (0, None, None)


def test_a_delivery_that_comes_again_changes_nothing(ledger: Ledger) -> None:
    first = ledger.receive("gitlab", "d1", "push", {}, b"first", NOW)
    again = ledger.receive("gitlab", "d1", "push", {}, b"again", NOW)
    assert (again.id, again.new) == (first.id, False)
    assert [delivery.body for delivery in ledger.pending_deliveries(now=NOW)] == [b"first"]


def test_a_delivery_that_comes_again_after_it_was_handled_stays_handled(ledger: Ledger) -> None:
    ledger.handled([receive(ledger, "d1")], "done", NOW)
    receive(ledger, "d1")
    assert pending(ledger) == []


def test_the_same_delivery_id_from_another_source_is_another_delivery(ledger: Ledger) -> None:
    assert receive(ledger, "d1", "gitlab") != receive(ledger, "d1", "jira")


def test_of_many_at_once_with_one_delivery_id_one_is_new(ledger: Ledger) -> None:
    start = threading.Barrier(10)

    def deliver(_: int) -> bool:
        start.wait()
        return ledger.receive("gitlab", "d1", "push", {}, b"{}", NOW).new

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(deliver, range(10))) == 1


def test_pending_deliveries_come_oldest_first_as_far_as_asked(ledger: Ledger) -> None:
    ids = [receive(ledger, f"d{number}") for number in range(5)]
    assert pending(ledger) == ids
    assert [delivery.id for delivery in ledger.pending_deliveries(2, now=NOW)] == ids[:2]


def test_pending_deliveries_can_be_asked_for_by_source_and_kind(ledger: Ledger) -> None:
    push = receive(ledger, "d1", "gitlab", "push")
    receive(ledger, "d2", "gitlab", "note")
    click = receive(ledger, "d3", "slack", "block_actions")
    assert [delivery.id for delivery in ledger.pending_deliveries(source="slack", now=NOW)] == [click]
    chosen = ledger.pending_deliveries(kinds=["push", "block_actions"], now=NOW)
    assert [delivery.id for delivery in chosen] == [push, click]
    assert ledger.pending_deliveries(source="jira", kinds=["push"], now=NOW) == ()


def test_the_first_outcome_of_a_delivery_stays(ledger: Ledger) -> None:
    delivery = receive(ledger, "d1")
    ledger.handled([delivery], "recorded", NOW)
    ledger.handled([delivery], "ignored", NOW + timedelta(hours=1))
    found = ledger.delivery(delivery)
    assert (found.outcome, found.handled_at) == ("recorded", NOW)


def test_a_failed_delivery_comes_back_later_and_later(ledger: Ledger) -> None:
    delivery = receive(ledger, "d1")
    waits_s = list[float]()
    for _ in range(4):
        failed = ledger.failed(delivery, "Jira did not answer", NOW)
        assert failed.next_attempt_at is not None
        waits_s.append((failed.next_attempt_at - NOW).total_seconds())
        assert pending(ledger, failed.next_attempt_at - timedelta(microseconds=1)) == []
        assert pending(ledger, failed.next_attempt_at) == [delivery]
    assert waits_s == [1, 2, 4, 8]
    assert ledger.delivery(delivery).why == "Jira did not answer"


def test_a_failed_delivery_does_not_hold_up_the_ones_behind_it(ledger: Ledger) -> None:
    ledger.failed(receive(ledger, "d1"), "broken", NOW)
    second = receive(ledger, "d2")
    assert pending(ledger) == [second]


def test_a_delivery_that_fails_too_often_is_parked_and_seen_until_it_is_handled(ledger: Ledger) -> None:
    delivery = receive(ledger, "d1")
    for attempt in range(MAX_ATTEMPTS):
        assert ledger.parked_deliveries() == ()
        ledger.failed(delivery, f"failure {attempt}", NOW)
    (parked,) = ledger.parked_deliveries()
    assert (parked.id, parked.parked_at, parked.attempts) == (delivery, NOW, MAX_ATTEMPTS)
    assert pending(ledger, NOW + timedelta(days=365)) == []
    ledger.handled([delivery], "done by hand", NOW)
    assert ledger.parked_deliveries() == ()


def test_without_a_time_the_clock_says_what_is_due(ledger: Ledger) -> None:
    delivery = receive(ledger, "d1")
    ledger.failed(delivery, "broken", datetime.now(UTC) + timedelta(hours=1))
    assert ledger.pending_deliveries() == ()


def test_deliveries_kept_together_are_each_new_once(ledger: Ledger) -> None:
    def sent(source: str, delivery_id: str) -> NewDelivery:
        return NewDelivery(source, delivery_id, "push", {"x-kind": "push"}, delivery_id.encode(), NOW)

    known = receive(ledger, "d1", source="gitlab")
    kept = ledger.receive_all(
        [sent("gitlab", "d1"), sent("gitlab", "d2"), sent("jira", "d1"), sent("gitlab", "d2")]
    )
    assert [each.new for each in kept] == [False, True, True, False]
    assert kept[0].id == known
    assert (kept[1].id, kept[1].id != kept[2].id) == (kept[3].id, True)
    pending = {d.id: (d.source, d.delivery_id, d.body) for d in ledger.pending_deliveries()}
    assert pending[kept[1].id] == ("gitlab", "d2", b"d2")
    assert pending[kept[2].id] == ("jira", "d1", b"d1")
    assert len(pending) == 3
