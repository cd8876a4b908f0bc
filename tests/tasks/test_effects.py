"""An effect that must not happen twice: intent before, look-up after, outcome on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest

from integrations.errors import NotFound, Refused, Transient
from integrations.ledger import Ledger
from tasks.effects import done, once


class Vendor:
    """Something outside that makes one thing per call; `fails` decides what the caller sees of it."""

    def __init__(self) -> None:
        self.made = 0
        self.fails: Callable[[], None] = lambda: None

    def act(self) -> Mapping[str, object]:
        self.fails()
        self.made += 1
        return {"number": self.made}

    def act_and_lose_the_answer(self) -> Mapping[str, object]:
        self.made += 1
        raise Transient("vendor", "make", "thing")

    def look(self, _: datetime) -> Mapping[str, object] | None:
        return {"number": self.made} if self.made else None


def _once(vendor: Vendor, act: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    return once("k", subject="s", kind="thing", request={}, look=vendor.look, act=act)


def test_a_repeat_answers_from_the_record(book: Ledger) -> None:
    vendor = Vendor()
    assert _once(vendor, vendor.act) == {"number": 1}
    assert _once(vendor, vendor.act) == {"number": 1}
    assert vendor.made == 1


def test_an_effect_whose_answer_was_lost_is_found_and_not_repeated(book: Ledger) -> None:
    vendor = Vendor()
    with pytest.raises(Transient):
        _once(vendor, vendor.act_and_lose_the_answer)
    assert done("k") is None
    assert _once(vendor, vendor.act) == {"number": 1}
    assert vendor.made == 1


@pytest.mark.parametrize(("status", "waits"), [(None, True), (504, True), (503, False)])
def test_who_gave_no_answer_may_still_be_at_it_so_nothing_is_repeated_too_soon(
    book: Ledger, status: int | None, waits: bool
) -> None:
    vendor = Vendor()

    def try_() -> Mapping[str, object]:
        minute = timedelta(minutes=1)
        return once(
            "k", subject="s", kind="thing", request={}, look=vendor.look, act=vendor.act, settles=minute
        )

    def silent() -> None:
        raise Transient("vendor", "make", "thing", status)

    vendor.fails = silent
    with pytest.raises(Transient):
        try_()
    vendor.fails = lambda: None
    if waits:
        with pytest.raises(Transient, match="may still be at it") as soon:
            try_()
        assert 0 < (soon.value.retry_after_s or 0) <= 60
        assert (vendor.made, soon.value.vendor) == (0, "vendor")
        effect = book.effect("k")
        assert effect is not None
        book.conclude("k", "unknown", effect.outcome, datetime.fromisoformat("2026-11-20T10:00:00+00:00"))
    assert try_() == {"number": 1}


def test_an_intent_left_by_a_crash_is_looked_up_first(book: Ledger) -> None:
    vendor = Vendor()
    vendor.made = 1
    book.intend("k", "s", "thing", {}, datetime.fromisoformat("2026-11-20T10:00:00+00:00"))
    assert _once(vendor, vendor.act) == {"number": 1}
    assert vendor.made == 1


def test_an_intent_without_its_effect_is_acted_on(book: Ledger) -> None:
    vendor = Vendor()
    book.intend("k", "s", "thing", {}, datetime.fromisoformat("2026-11-20T10:00:00+00:00"))
    assert _once(vendor, vendor.act) == {"number": 1}


def test_a_refusal_is_on_record_as_not_done_and_may_be_tried_again(book: Ledger) -> None:
    vendor = Vendor()

    def refuse() -> None:
        raise Refused("vendor", "make", "thing", 403)

    vendor.fails = refuse
    with pytest.raises(Refused):
        _once(vendor, vendor.act)
    effect = book.effect("k")
    assert effect is not None
    assert effect.state == "not_done"
    vendor.fails = lambda: None
    assert _once(vendor, vendor.act) == {"number": 1}


def test_a_look_up_that_cannot_tell_stops_the_effect(book: Ledger) -> None:
    vendor = Vendor()
    book.intend("k", "s", "thing", {}, datetime.fromisoformat("2026-11-20T10:00:00+00:00"))

    def blind(_: datetime) -> None:
        raise Transient("vendor", "look", "thing")

    with pytest.raises(Transient):
        once("k", subject="s", kind="thing", request={}, look=blind, act=vendor.act)
    assert vendor.made == 0


def test_an_effect_nobody_knows_of_is_not_done(book: Ledger) -> None:
    assert done("never") is None
    with pytest.raises(NotFound):
        book.conclude("never", "done", {}, datetime.fromisoformat("2026-11-20T10:00:00+00:00"))
