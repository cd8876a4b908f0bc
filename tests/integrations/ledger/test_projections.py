"""What was last shown outside."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.ledger import Ledger

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_nothing_was_shown_before_it_was_noted(ledger: Ledger) -> None:
    assert ledger.projection("message:1") is None


def test_what_is_shown_last_is_remembered(ledger: Ledger) -> None:
    ledger.project("message:1", "QA 1 of 3", NOW)
    ledger.project("message:1", "QA 2 of 3", NOW)
    ledger.project("message:2", "", NOW)
    assert (ledger.projection("message:1"), ledger.projection("message:2")) == ("QA 2 of 3", "")
