"""What waits for whom, over all releases, as the ledger has it at this moment."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from integrations.ledger import Ledger
from lifecycle import events, pending
from lifecycle import release as rules
from lifecycle.pending import Pending
from lifecycle.policy import Policy
from tasks.context import ledger, policy

_RELEASES = "release:"
_PAST = ("ProductionStarted", "Abandoned")
"""After one of these facts nothing of a release can be signed any more: it is not even read."""


@dataclass(frozen=True)
class _Look:
    """What one look found by which policy, up to which seq of the ledger: the next reads the rest."""

    rules: Policy
    seq: int
    found: Mapping[str, tuple[Pending, ...]]


_looks: WeakKeyDictionary[Ledger, _Look] = WeakKeyDictionary()


def everything() -> tuple[Pending, ...]:
    """Every sign-off that waits for somebody, the earliest due first.

    A process remembers its last look: another costs two queries and the releases that changed since. Two
    threads may look at once; what either remembers is true.
    """
    book, now_rules = ledger(), policy()
    before = _looks.get(book)
    if before is None or before.rules is not now_rules:
        before = _Look(now_rules, 0, {})
    seq, changed = book.changed(before.seq, _RELEASES)
    found = dict(before.found)
    for stream in changed:
        found.pop(stream, None)
    found |= _read(book, changed, now_rules)
    _looks[book] = _Look(now_rules, seq, found)
    return pending.by_due(itertools.chain.from_iterable(found.values()))


def _read(book: Ledger, streams: tuple[str, ...], now_rules: Policy) -> dict[str, tuple[Pending, ...]]:
    found: dict[str, tuple[Pending, ...]] = {}
    history = book.events_of(streams, unless=_PAST)
    for stream, recorded in itertools.groupby(history, key=lambda event: event.subject):
        release: rules.Release | None = None
        asked_at: dict[str, datetime] = {}
        for event in recorded:
            fact = events.parse(event.data)
            release = rules.apply(release, fact)
            if isinstance(fact, events.SignOffAsked):
                asked_at.setdefault(fact.request, event.at)
        if release and (waiting := pending.pending(release, now_rules, asked_at)):
            found[stream] = waiting
    return found


def of_person(person_id: str) -> tuple[Pending, ...]:
    """What this person may sign now, the earliest due first."""
    return pending.waiting_for(everything(), person_id)
