"""Named positions in something that only grows: how far a reader has come."""

from __future__ import annotations

from sqlalchemy import select, update

from integrations.ledger.database import Database
from integrations.ledger.schema import cursors


class Cursors:
    """The part of the ledger that holds the cursors."""

    _db: Database

    def cursor(self, name: str) -> int:
        """Where the cursor stands; 0 if it was never advanced."""
        with self._db.read("read cursor", name) as connection:
            found = connection.execute(select(cursors.c.value).where(cursors.c.name == name))
            return found.scalar_one_or_none() or 0

    def advance(self, name: str, value: int) -> int:
        """Move the cursor to `value`, never back; where it stands afterwards."""
        with self._db.write("advance cursor", name) as connection:
            self._db.insert(connection, cursors, {"name": name, "value": 0}, ["name"])
            behind = (cursors.c.name == name) & (cursors.c.value < value)
            connection.execute(update(cursors).where(behind).values(value=value))
            return connection.execute(select(cursors.c.value).where(cursors.c.name == name)).scalar_one()
