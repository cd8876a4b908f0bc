"""What something outside was last made to show: a message's content, an artifact's page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from integrations.ledger.database import Database
from integrations.ledger.schema import projections


class Projections:
    """The part of the ledger that remembers what was shown. Losing it costs an edit, never an effect."""

    _db: Database

    def projection(self, key: str) -> str | None:
        """What `key` was last made to show; None if never."""
        with self._db.read("read projection", key) as connection:
            found = connection.execute(select(projections.c.shown).where(projections.c.key == key))
            return found.scalar_one_or_none()

    def project(self, key: str, shown: str, now: datetime) -> None:
        """Note that `key` shows this now."""
        row = {"key": key, "shown": shown, "shown_at": now}
        with self._db.write("note projection", key) as connection:
            if not self._db.insert(connection, projections, row, ["key"]):
                mine = projections.c.key == key
                connection.execute(update(projections).where(mine).values(shown=shown, shown_at=now))
