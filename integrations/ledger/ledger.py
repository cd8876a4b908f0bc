"""The ledger: the one durable memory of Conveyor."""

from __future__ import annotations

from integrations.ledger.cursors import Cursors
from integrations.ledger.database import Database
from integrations.ledger.effects import Effects
from integrations.ledger.inbox import Inbox
from integrations.ledger.log import EventLog
from integrations.ledger.mirror import Mirror
from integrations.ledger.projections import Projections
from integrations.ledger.wakeups import Wakeups


class Ledger(EventLog, Inbox, Effects, Wakeups, Cursors, Projections, Mirror):
    """Events, deliveries, effects, wake-ups, leases, cursors, projections and the mirror in one database.

    Its `url` is SQLAlchemy's: `sqlite:////path/ledger.db` or `postgresql+psycopg://...`. All threads of a
    process share one. Every method is one transaction, durable on return, and raises:

        Transient: the database cannot be reached, or others held it longer than `busy_timeout_s`
        Refused: the database is not a ledger or not of this version; see `upgrade`
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 10.0) -> None:
        self._db = Database(url, busy_timeout_s)

    def upgrade(self) -> None:
        """Make or migrate the tables; quick when there is nothing to do, safe from many processes at once.

        Raises:
            Refused: a newer program has migrated them; use that one.
        """
        self._db.upgrade()

    def close(self) -> None:
        """Close all idle connections. The ledger may be used again."""
        self._db.close()
