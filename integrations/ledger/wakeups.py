"""Wake-ups and leases: whose run must look again, and who may walk it.

`wanted` counts wakings, `carried` says up to which of them a walk has looked. A walk reads `wanted`
before it looks at anything else, so that whatever happens while it walks leaves the subject pending.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select, update

from integrations.ledger.database import Database
from integrations.ledger.models import Lease, Wakeup
from integrations.ledger.schema import leases, wakeups


class Wakeups:
    """The part of the ledger that holds the wake-ups and the leases."""

    _db: Database

    def wake(self, subject: str, now: datetime) -> None:
        """Make `subject` pending, whatever a walk that is under way may already have seen."""
        with self._db.write("wake", subject) as connection:
            want(self._db, connection, subject, now)

    def wakeup(self, subject: str) -> Wakeup:
        """The subject's wake-up; one never woken has all zeros, generation 1 and no run."""
        with self._db.read("read wake-up of", subject) as connection:
            found = connection.execute(select(wakeups).where(wakeups.c.subject == subject)).mappings()
            row = found.one_or_none()
            return Wakeup(subject) if row is None else Wakeup(**row)

    def wakeup_of_run(self, run_id: str) -> Wakeup | None:
        """The wake-up of the subject whose present run this is, if there is one."""
        with self._db.read("read wake-up of run", run_id) as connection:
            statement = select(wakeups).where(wakeups.c.run_id == run_id)
            row = connection.execute(statement).mappings().first()
            return None if row is None else Wakeup(**row)

    def pending_wakeups(self, now: datetime) -> tuple[Wakeup, ...]:
        """Wake-ups to be seen to at `now`: pending, or walked by somebody whose lease ran out.

        Those tried before are left out until their next attempt is due. A lease on a subject that was
        never woken and never had a run is not looked at.
        """
        expired = exists().where(leases.c.name == wakeups.c.subject, leases.c.expires_at <= now)
        due = or_(wakeups.c.next_attempt_at.is_(None), wakeups.c.next_attempt_at <= now)
        pending = or_(wakeups.c.wanted > wakeups.c.carried, expired)
        statement = select(wakeups).where(pending, due).order_by(wakeups.c.updated_at, wakeups.c.subject)
        with self._db.read("read wake-ups", "pending") as connection:
            return tuple(Wakeup(**row) for row in connection.execute(statement).mappings())

    def carried(self, subject: str, wanted_seen: int, now: datetime) -> None:
        """A walk that began by reading `wanted_seen` has done all it could; harmless when late."""
        with self._db.write("carry", subject) as connection:
            _carry(connection, subject, wanted_seen, now)

    def wakeup_tried(self, subject: str, now: datetime, next_attempt_at: datetime) -> None:
        """Count one attempt at waking; not pending again before `next_attempt_at`, unless woken anew."""
        with self._db.write("note try of", subject) as connection:
            values = {"attempts": wakeups.c.attempts + 1, "next_attempt_at": next_attempt_at}
            _update(connection, subject, now, **values)

    def run_started(self, subject: str, generation: int, run_id: str, now: datetime) -> bool:
        """Register the run of `generation`; False if that is not the subject's generation (any more)."""
        with self._db.write("register run of", subject) as connection:
            if _lock(self._db, connection, subject, now).generation != generation:
                return False
            _update(connection, subject, now, run_id=run_id)
            return True

    def next_generation(self, subject: str, expected_generation: int, now: datetime) -> int:
        """Give up the run of `expected_generation`; the generation that stands afterwards.

        Whoever comes second with the same expectation changes nothing and learns the same number.
        """
        with self._db.write("replace run of", subject) as connection:
            generation = _lock(self._db, connection, subject, now).generation
            if generation != expected_generation:
                return generation
            _update(connection, subject, now, generation=generation + 1, run_id=None)
            return generation + 1

    def acquire(self, name: str, holder: str, ttl_s: float, now: datetime) -> bool:
        """Take the lease if it is free, has expired or is ours; whether it is ours now, for `ttl_s`."""
        row = {"name": name, "holder": holder, "acquired_at": now, "expires_at": _after(now, ttl_s)}
        with self._db.write("acquire", name) as connection:
            if self._db.insert(connection, leases, row, ["name"]):
                return True
            if _hold(connection, name, leases.c.holder == holder, expires_at=row["expires_at"]):
                return True
            return _hold(connection, name, leases.c.expires_at <= now, **row)

    def renew(self, name: str, holder: str, ttl_s: float, now: datetime) -> bool:
        """Hold the lease until `ttl_s` from now; False if another has it, or nobody: stop acting."""
        with self._db.write("renew", name) as connection:
            return _hold(connection, name, leases.c.holder == holder, expires_at=_after(now, ttl_s))

    def release(self, name: str, holder: str) -> bool:
        """Give the lease back; False if it was not ours (any more)."""
        with self._db.write("release", name) as connection:
            return _release(connection, name, holder)

    def lease(self, name: str) -> Lease | None:
        """The lease of that name, expired or not; None once released."""
        with self._db.read("read lease", name) as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).mappings().one_or_none()
            return None if row is None else Lease(**row)

    def rest(self, subject: str, holder: str, wanted_seen: int, now: datetime) -> bool:
        """End a walk: `carried` and `release` in one step. False, with nothing done, if the lease was lost:
        whoever has it now walks anyway.
        """
        with self._db.write("rest", subject) as connection:
            if not _release(connection, subject, holder):
                return False
            _carry(connection, subject, wanted_seen, now)
            return True


def want(db: Database, connection: Connection, subject: str, now: datetime, *, at_least: int = 0) -> None:
    """Raise the subject's `wanted`, inside the caller's transaction; attempts start afresh."""
    row = _lock(db, connection, subject, now)
    wanted = max(row.wanted + 1, row.carried + 1, at_least)
    _update(connection, subject, now, wanted=wanted, attempts=0, next_attempt_at=None)


def _carry(connection: Connection, subject: str, seen: int, now: datetime) -> None:
    later = wakeups.c.carried < seen
    values = {"carried": seen, "attempts": 0, "next_attempt_at": None, "updated_at": now}
    connection.execute(update(wakeups).where(wakeups.c.subject == subject, later).values(**values))


def _lock(db: Database, connection: Connection, subject: str, now: datetime) -> Wakeup:
    """The subject's row, made if need be, held until the transaction ends."""
    start = Wakeup(subject, updated_at=now)
    db.insert(connection, wakeups, vars(start), ["subject"])
    this = select(wakeups).where(wakeups.c.subject == subject).with_for_update()
    return Wakeup(**connection.execute(this).mappings().one())


def _update(connection: Connection, subject: str, now: datetime, **values: Any) -> None:
    statement = update(wakeups).where(wakeups.c.subject == subject)
    connection.execute(statement.values(updated_at=now, **values))


def _after(now: datetime, ttl_s: float) -> datetime:
    return now + timedelta(seconds=ttl_s)


def _hold(connection: Connection, lease: str, condition: ColumnElement[bool], **values: Any) -> bool:
    statement = update(leases).where(leases.c.name == lease, condition).values(**values)
    return connection.execute(statement).rowcount == 1


def _release(connection: Connection, name: str, holder: str) -> bool:
    ours = (leases.c.name == name) & (leases.c.holder == holder)
    return connection.execute(delete(leases).where(ours)).rowcount == 1
