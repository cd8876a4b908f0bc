"""The right to walk: one process at a time, of the one run on record, and not a moment longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.demo.waiting import eventually
from integrations.errors import Transient
from integrations.settings import settings
from tasks import context
from tasks.walk_lease import LEASE_S, Lease, LeaseLost

SUBJECT = "toy:1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process has a ledger of its own, in a folder that may be moved away."""
    home = tmp_path / "home"
    monkeypatch.setenv("CONVEYOR_HOME", str(home))
    monkeypatch.delenv("CONVEYOR_LEDGER_URL", raising=False)
    for cached in (settings, context.ledger):
        cached.cache_clear()
    context.ledger().wake(SUBJECT, datetime.now(UTC))
    yield home
    context.ledger().close()
    for cached in (settings, context.ledger):
        cached.cache_clear()


@pytest.fixture
def lease(home: Path) -> Iterator[Lease]:
    """The lease of run `r1`, taken."""
    made = Lease(SUBJECT, "r1")
    assert made.on_record()
    assert made.take()
    yield made
    made.leave()


def now(plus_s: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=plus_s)


def test_the_first_run_that_asks_is_on_record_and_no_other(home: Path) -> None:
    assert Lease(SUBJECT, "r1").on_record()
    assert not Lease(SUBJECT, "r2").on_record()
    assert Lease(SUBJECT, "r1").on_record()


def test_a_second_process_waits_for_the_first(lease: Lease) -> None:
    second = Lease(SUBJECT, "r1")
    taken = threading.Event()
    thread = threading.Thread(target=lambda: second.take() and taken.set())
    thread.start()
    held = context.ledger().lease(SUBJECT)
    assert held is not None
    assert (held.holder, taken.is_set()) == (lease.holder, False)
    lease.rest(1)
    assert taken.wait(30)
    thread.join()
    second.leave()


def test_a_walk_that_ends_gives_its_lease_back_and_has_carried_its_wake_up(lease: Lease) -> None:
    assert context.ledger().wakeup(SUBJECT).pending
    lease.rest(context.ledger().wakeup(SUBJECT).wanted)
    assert not context.ledger().wakeup(SUBJECT).pending
    assert context.ledger().lease(SUBJECT) is None


def test_who_holds_the_lease_may_go_on(lease: Lease) -> None:
    lease.check()
    lease.confirm()
    held = context.ledger().lease(SUBJECT)
    assert held is not None
    assert held.holder == lease.holder


def test_a_process_that_slept_longer_than_its_lease_finds_it_lost(lease: Lease) -> None:
    assert context.ledger().acquire(SUBJECT, "another", LEASE_S, now(LEASE_S + 1))
    with pytest.raises(LeaseLost):
        lease.confirm()
    with pytest.raises(LeaseLost):
        lease.check()
    lease.rest(1)
    held = context.ledger().lease(SUBJECT)
    assert held is not None
    assert held.holder == "another"
    assert context.ledger().wakeup(SUBJECT).pending


def test_a_lost_lease_is_noticed_without_asking(lease: Lease) -> None:
    assert context.ledger().acquire(SUBJECT, "another", 60, now(LEASE_S + 1))

    def noticed() -> bool:
        try:
            lease.check()
        except LeaseLost:
            return True
        return False

    eventually("the next renewal finds out", noticed, LEASE_S * 3)


def test_a_replaced_run_loses_its_lease_to_the_one_that_replaces_it(lease: Lease) -> None:
    assert context.ledger().next_generation(SUBJECT, 1, now()) == 2
    assert context.ledger().run_started(SUBJECT, 2, "r2", now())
    with pytest.raises(LeaseLost):
        lease.confirm()
    assert context.ledger().lease(SUBJECT) is None


def test_a_lease_outlives_a_ledger_that_could_not_be_reached(lease: Lease, home: Path) -> None:
    ledger = context.ledger()
    away = home.with_name("away")
    home.rename(away)
    ledger.close()
    try:
        with pytest.raises(Transient):
            ledger.lease(SUBJECT)
        tried = now(LEASE_S / 4 + 0.5)
        eventually("a renewal was due and failed", lambda: now() > tried, LEASE_S)
    finally:
        away.rename(home)
    first = ledger.lease(SUBJECT)
    assert first is not None

    def renewed() -> bool:
        held = ledger.lease(SUBJECT)
        return held is not None and held.expires_at > first.expires_at

    eventually("it is renewed again", renewed, LEASE_S * 3)
    lease.check()
