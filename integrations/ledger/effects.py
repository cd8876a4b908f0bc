"""The effects: what was about to be done outside, and what is known to have come of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from integrations.errors import NotFound
from integrations.ledger.database import Database
from integrations.ledger.models import Conclusion, Effect, EffectState, Json
from integrations.ledger.schema import effects


class Effects:
    """The part of the ledger that holds the effects."""

    _db: Database

    def intend(self, key: str, subject: str, kind: str, request: Json, now: datetime) -> Effect:
        """Note the intent before the call, durable on return; a key on record is returned unchanged.

        So the caller looks at `state` first: anything but a fresh intent was tried before.
        """
        row = {
            "key": key,
            "subject": subject,
            "kind": kind,
            "state": "intent",
            "request": dict(request),
            "outcome": {},
            "intended_at": now,
        }
        with self._db.write("intend", key) as connection:
            self._db.insert(connection, effects, row, ["key"])
            return _read(connection, "intend", key)

    def conclude(self, key: str, state: Conclusion, outcome: Json, now: datetime) -> Effect:
        """Note what came of it. "done" is final: what is concluded later is ignored; the row is returned.

        Raises:
            NotFound: nothing of that key was intended.
        """
        values = {"state": state, "outcome": dict(outcome), "concluded_at": now}
        with self._db.write("conclude", key) as connection:
            still_open = (effects.c.key == key) & (effects.c.state != "done")
            connection.execute(update(effects).where(still_open).values(**values))
            return _read(connection, "conclude", key)

    def effect(self, key: str) -> Effect | None:
        """The effect of that key, if it was ever intended."""
        with self._db.read("read effect", key) as connection:
            return _find(connection, key)

    def effects(
        self, subject: str | None = None, state: EffectState | None = None, kind: str | None = None
    ) -> tuple[Effect, ...]:
        """All effects that match what is given, oldest intent first."""
        statement = select(effects).order_by(effects.c.intended_at, effects.c.key)
        for column, value in ((effects.c.subject, subject), (effects.c.state, state), (effects.c.kind, kind)):
            if value is not None:
                statement = statement.where(column == value)
        with self._db.read("read effects", subject or "all") as connection:
            return tuple(Effect(**row) for row in connection.execute(statement).mappings())


def _read(connection: Connection, operation: str, key: str) -> Effect:
    found = _find(connection, key)
    if found is None:
        raise NotFound("ledger", operation, key)
    return found


def _find(connection: Connection, key: str) -> Effect | None:
    row = connection.execute(select(effects).where(effects.c.key == key)).mappings().one_or_none()
    return None if row is None else Effect(**row)
