"""A release as the events of its stream add it up."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.ledger import Event
from lifecycle import events, release
from lifecycle.release import Release
from tasks.context import ledger


def release_of(subject: str) -> Release | None:
    """The release of that stream as it stands; None if nothing is on record."""
    return folded(ledger().events(subject))


def folded(history: Iterable[Event]) -> Release | None:
    """The release after these events, all of its stream from the first on; None for none."""
    return release.fold(events.parse(event.data) for event in history)
