"""Wake-ups: none is lost between a walk's look and its end; and one walk at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from integrations.ledger import Ledger, NewEvent, Wakeup

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
RELEASE = "release:shop:1.4.0"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def pending(ledger: Ledger, now: datetime = NOW) -> list[str]:
    return [wakeup.subject for wakeup in ledger.pending_wakeups(now)]


def test_a_subject_never_woken_is_not_pending(ledger: Ledger) -> None:
    assert ledger.wakeup(RELEASE) == Wakeup(RELEASE)
    ledger.carried(RELEASE, 5, NOW)
    assert pending(ledger) == []


def test_a_wake_up_is_pending_until_it_is_carried(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    assert pending(ledger) == [RELEASE]
    ledger.carried(RELEASE, ledger.wakeup(RELEASE).wanted, NOW)
    assert pending(ledger) == []


def test_a_wake_up_that_comes_during_a_walk_is_still_pending_after_it(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    seen = ledger.wakeup(RELEASE).wanted
    ledger.wake(RELEASE, NOW)
    ledger.carried(RELEASE, seen, NOW)
    assert pending(ledger) == [RELEASE]


def test_what_a_walk_appends_itself_does_not_hide_a_decision_that_came_meanwhile(ledger: Ledger) -> None:
    ledger.append(RELEASE, [NewEvent("Planned", "a", {})], now=NOW, wake=True)
    seen = ledger.wakeup(RELEASE).wanted
    ledger.append(RELEASE, [NewEvent("CandidateCut", f"cut{n}", {}) for n in range(9)], now=NOW)
    ledger.append(RELEASE, [NewEvent("SignOffGiven", "b", {})], now=NOW, wake=True)
    ledger.carried(RELEASE, seen, NOW)
    assert pending(ledger) == [RELEASE]
    assert ledger.wakeup(RELEASE).wanted == 11


def test_a_late_walk_does_not_take_back_what_a_later_one_carried(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.wake(RELEASE, NOW)
    ledger.carried(RELEASE, 3, NOW)
    ledger.carried(RELEASE, 1, NOW)
    assert ledger.wakeup(RELEASE).carried == 3


def test_a_wake_up_that_was_tried_waits_for_its_next_attempt(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    ledger.wakeup_tried(RELEASE, NOW, after(5))
    assert pending(ledger, after(4.9)) == []
    assert pending(ledger, after(5)) == [RELEASE]
    assert ledger.wakeup(RELEASE).attempts == 1


def test_a_new_decision_does_not_wait_for_the_next_attempt(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    ledger.wakeup_tried(RELEASE, NOW, after(300))
    ledger.wake(RELEASE, NOW)
    assert pending(ledger) == [RELEASE]
    assert ledger.wakeup(RELEASE).attempts == 0


def test_a_subjects_first_run_is_of_generation_one(ledger: Ledger) -> None:
    assert ledger.run_started(RELEASE, 1, "run-1", NOW)
    assert ledger.wakeup(RELEASE).run_id == "run-1"


def test_a_run_of_a_past_generation_is_not_registered(ledger: Ledger) -> None:
    assert ledger.next_generation(RELEASE, 1, NOW) == 2
    assert not ledger.run_started(RELEASE, 1, "late", NOW)
    assert ledger.wakeup(RELEASE).run_id is None


def test_giving_up_a_run_twice_makes_one_new_generation(ledger: Ledger) -> None:
    ledger.run_started(RELEASE, 1, "run-1", NOW)
    assert ledger.next_generation(RELEASE, 1, NOW) == 2
    ledger.run_started(RELEASE, 2, "run-2", NOW)
    assert ledger.next_generation(RELEASE, 1, NOW) == 2
    assert ledger.wakeup(RELEASE).run_id == "run-2"


def test_a_held_lease_keeps_others_away_until_it_expires(ledger: Ledger) -> None:
    assert ledger.acquire(RELEASE, "one", 10, NOW)
    assert not ledger.acquire(RELEASE, "two", 10, after(9.9))
    assert ledger.acquire(RELEASE, "two", 10, after(10))
    lease = ledger.lease(RELEASE)
    assert lease is not None
    assert (lease.holder, lease.acquired_at, lease.expires_at) == ("two", after(10), after(20))


def test_a_lease_can_be_acquired_again_by_its_holder(ledger: Ledger) -> None:
    assert ledger.acquire(RELEASE, "one", 10, NOW)
    assert ledger.acquire(RELEASE, "one", 10, after(5))
    assert not ledger.acquire(RELEASE, "two", 10, after(14))


def test_a_renewed_lease_holds_longer(ledger: Ledger) -> None:
    ledger.acquire(RELEASE, "one", 10, NOW)
    assert ledger.renew(RELEASE, "one", 10, after(9))
    assert not ledger.acquire(RELEASE, "two", 10, after(18))


def test_a_lost_lease_cannot_be_renewed_or_given_back(ledger: Ledger) -> None:
    ledger.acquire(RELEASE, "one", 10, NOW)
    ledger.acquire(RELEASE, "two", 10, after(10))
    assert not ledger.renew(RELEASE, "one", 10, after(11))
    assert not ledger.release(RELEASE, "one")
    lease = ledger.lease(RELEASE)
    assert lease is not None
    assert lease.holder == "two"


def test_a_lease_given_back_is_free_at_once(ledger: Ledger) -> None:
    ledger.acquire(RELEASE, "one", 10, NOW)
    assert ledger.release(RELEASE, "one")
    assert ledger.lease(RELEASE) is None
    assert not ledger.renew(RELEASE, "one", 10, NOW)
    assert ledger.acquire(RELEASE, "two", 10, NOW)


def test_of_many_who_acquire_at_once_one_gets_the_lease(ledger: Ledger) -> None:
    ledger.acquire("expired", "gone", 0, NOW)
    for name in ("free", "expired"):
        start = threading.Barrier(10)

        def take(number: int, name: str = name, start: threading.Barrier = start) -> bool:
            start.wait()
            return ledger.acquire(name, str(number), 10, NOW)

        with ThreadPoolExecutor(10) as pool:
            assert sum(pool.map(take, range(10))) == 1


def test_a_walk_that_died_is_a_wake_up_once_its_lease_expires(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    ledger.carried(RELEASE, 1, NOW)
    ledger.acquire(RELEASE, "killed", 10, NOW)
    assert pending(ledger, after(9.9)) == []
    assert pending(ledger, after(10)) == [RELEASE]


def test_a_walk_at_rest_has_carried_its_wake_up_and_given_back_its_lease(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    ledger.acquire(RELEASE, "one", 10, NOW)
    assert ledger.rest(RELEASE, "one", 1, after(1))
    assert ledger.lease(RELEASE) is None
    assert pending(ledger, after(100)) == []


def test_a_walk_that_lost_its_lease_carries_nothing(ledger: Ledger) -> None:
    ledger.wake(RELEASE, NOW)
    ledger.acquire(RELEASE, "one", 10, NOW)
    ledger.acquire(RELEASE, "two", 10, after(10))
    assert not ledger.rest(RELEASE, "one", 1, after(11))
    assert pending(ledger, after(11)) == [RELEASE]


def test_a_cursor_only_moves_forward(ledger: Ledger) -> None:
    assert ledger.cursor("emitted") == 0
    assert ledger.advance("emitted", 7) == 7
    assert ledger.advance("emitted", 3) == 7
    assert (ledger.cursor("emitted"), ledger.cursor("other")) == (7, 0)


def test_a_run_finds_the_subject_it_walks_as_long_as_it_is_the_present_one(ledger: Ledger) -> None:
    assert ledger.wakeup_of_run("run-1") is None
    ledger.run_started(RELEASE, 1, "run-1", NOW)
    found = ledger.wakeup_of_run("run-1")
    assert found is not None
    assert found.subject == RELEASE
    ledger.next_generation(RELEASE, 1, NOW)
    assert ledger.wakeup_of_run("run-1") is None
