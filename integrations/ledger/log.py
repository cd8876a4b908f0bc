"""The events: append-only, each with the hash of the one before, ordered over the whole ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from integrations.errors import Conflict
from integrations.ledger import chain
from integrations.ledger.database import Database
from integrations.ledger.models import Appended, Event, NewEvent, Verification
from integrations.ledger.schema import chain_head, events
from integrations.ledger.wakeups import want

_PAGE = 500


class EventLog:
    """The part of the ledger that holds the events."""

    _db: Database

    def append(
        self,
        subject: str,
        new: Sequence[NewEvent],
        *,
        now: datetime,
        expected: int | None = None,
        wake: bool = False,
        wake_also: Sequence[str] = (),
    ) -> Appended:
        """Record `new` on `subject`, all or nothing, durable on return; what is on record stays as it is.

        An event whose key is on record (wherever, whatever its data) inserts nothing: the first wins and
        is returned. `expected` is the revision that the caller decided on; a pure repeat does not need it
        to hold. If anything is inserted, `wake` and `wake_also` wake these subjects in the same
        transaction.

        Raises:
            Conflict: others appended to `subject` after `expected`; read again and decide anew.
            ValueError: a name is empty, a time has no zone or data is not JSON; nothing is recorded.
            Transient: not known to be recorded; a repeat is harmless.
        """
        _check_names(subject, *(name for event in new for name in (event.kind, event.key)))
        with self._db.write("append", subject) as connection:
            head = connection.execute(select(chain_head).with_for_update()).one()
            revision = _revision(connection, subject)
            known = _by_keys(connection, [event.key for event in new])
            last = Event(head.seq, subject, revision, now, "", "", {}, "", head.hash)
            fresh: list[Event] = []
            for event in new:
                if event.key not in known:
                    last = known[event.key] = _next(last, event)
                    fresh.append(last)
            if fresh:
                if expected is not None and expected != revision:
                    raise Conflict("ledger", "append", subject, detail=f"revision {revision}, not {expected}")
                connection.execute(insert(events), [vars(event) for event in fresh])
                connection.execute(update(chain_head).values(seq=last.seq, hash=last.hash))
                for woken in sorted({*wake_also, *((subject,) if wake else ())}):
                    want(self._db, connection, woken, now, at_least=last.revision if woken == subject else 0)
            recorded = tuple(known[event.key] for event in new)
        return Appended(recorded, tuple(event.key for event in fresh), last.revision)

    def events(self, subject: str, after_revision: int = 0) -> tuple[Event, ...]:
        """The subject's events after `after_revision`, in order."""
        with self._db.read("read events of", subject) as connection:
            where = (events.c.subject == subject) & (events.c.revision > after_revision)
            rows = connection.execute(select(events).where(where).order_by(events.c.revision))
            return tuple(Event(**row) for row in rows.mappings())

    def event_by_key(self, key: str) -> Event | None:
        """The event with the semantic key `key`, if it is on record."""
        with self._db.read("read event", key) as connection:
            return _by_keys(connection, [key]).get(key)

    def all_events(self, after_seq: int = 0, limit: int | None = None) -> Iterator[Event]:
        """Every event after `after_seq` in order, at most `limit`; read in pages, no lock held between."""
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with self._db.read("read events", "all") as connection:
                statement = select(events).where(events.c.seq > after_seq).order_by(events.c.seq).limit(size)
                page = [Event(**row) for row in connection.execute(statement).mappings()]
            yield from page
            if len(page) < size:
                return
            after_seq = page[-1].seq
            left = None if left is None else left - len(page)

    def revision(self, subject: str) -> int:
        """The revision of the subject's last event; 0 if it has none."""
        with self._db.read("read revision of", subject) as connection:
            return _revision(connection, subject)

    def subjects(self, prefix: str = "") -> tuple[str, ...]:
        """All subjects that have events and start with `prefix`, sorted."""
        with self._db.read("read subjects", prefix) as connection:
            starts = func.substr(events.c.subject, 1, len(prefix)) == prefix
            first = (events.c.revision == 1) & starts
            return tuple(sorted(connection.execute(select(events.c.subject).where(first)).scalars()))

    def changed(self, after_seq: int, prefix: str = "") -> tuple[int, tuple[str, ...]]:
        """The ledger's last seq, and the subjects that start with `prefix` and have events after `after_seq`.

        Given the seq of the last answer it costs what has happened since, however long the history is.
        """
        with self._db.read("read changes", prefix) as connection:
            last = connection.execute(select(chain_head.c.seq)).scalar_one()
            starts = func.substr(events.c.subject, 1, len(prefix)) == prefix
            new = (events.c.seq > after_seq) & (events.c.seq <= last) & starts
            found = connection.execute(select(events.c.subject).where(new).distinct()).scalars()
            return last, tuple(sorted(found))

    def events_of(self, subjects: Sequence[str], *, unless: Sequence[str] = ()) -> Iterator[Event]:
        """The events of all `subjects`, one subject after the other, each in order; one query for 500.

        A subject that has an event of a kind in `unless` is left out.
        """
        for start in range(0, len(subjects), _PAGE):
            these = events.c.subject.in_(subjects[start : start + _PAGE])
            over = select(events.c.subject).where(these, events.c.kind.in_(unless))
            wanted = select(events).where(these, events.c.subject.not_in(over))
            with self._db.read("read events of", f"{len(subjects)} subjects") as connection:
                rows = connection.execute(wanted.order_by(events.c.subject, events.c.revision)).mappings()
                page = [Event(**row) for row in rows]
            yield from page

    def head(self) -> tuple[int, str]:
        """The seq and hash of the ledger's last event; 0 and 64 zeros if there is none."""
        with self._db.read("read head", "chain") as connection:
            row = connection.execute(select(chain_head)).one()
            return row.seq, row.hash

    def export(self) -> Iterator[str]:
        """The whole history as JSON lines without line ends; the format is in `integrations.ledger.chain`."""
        return (chain.line(event) for event in self.all_events())

    def verify(self, head: str | None = None) -> Verification:
        """Check the chain as it stands in the database; `head` is a hash kept elsewhere.

        Without `head` the end of the chain is compared with the ledger's own note of it.
        """
        seq, noted = self.head()
        return chain.verify((chain.line(event) for event in self.all_events(limit=seq)), head or noted)


def _check_names(*names: str) -> None:
    for name in names:
        if not name or "\0" in name:
            raise ValueError(f"not a name: {name!r}")


def _next(last: Event, new: NewEvent) -> Event:
    event = replace(
        last,
        seq=last.seq + 1,
        revision=last.revision + 1,
        kind=new.kind,
        key=new.key,
        data=chain.normal(new.data),
        prev=last.hash,
    )
    return replace(event, hash=chain.digest(event.prev, chain.content(event)))


def _revision(connection: Connection, subject: str) -> int:
    statement = select(func.coalesce(func.max(events.c.revision), 0)).where(events.c.subject == subject)
    return connection.execute(statement).scalar_one()


def _by_keys(connection: Connection, keys: Sequence[str]) -> dict[str, Event]:
    rows = connection.execute(select(events).where(events.c.key.in_(keys))).mappings()
    return {event.key: event for event in (Event(**row) for row in rows)}
