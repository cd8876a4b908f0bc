"""The inbox: what vendors sent, kept before it is acknowledged, handled later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select, tuple_, update

from integrations.errors import NotFound
from integrations.ledger.database import Database
from integrations.ledger.models import Delivery, NewDelivery, Received
from integrations.ledger.schema import deliveries

MAX_ATTEMPTS = 8
"""After so many failures a delivery is parked until a person looks."""

_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 300.0


class Inbox:
    """The part of the ledger that holds the deliveries."""

    _db: Database

    def receive(
        self,
        source: str,
        delivery_id: str,
        kind: str,
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
    ) -> Received:
        """Keep one delivery; see `receive_all`."""
        return self.receive_all([NewDelivery(source, delivery_id, kind, headers, body, now)])[0]

    def receive_all(self, new: Sequence[NewDelivery]) -> tuple[Received, ...]:
        """Keep deliveries, durable on return, in their order; with one commit, so that many cost like one.

        The same `source` and `delivery_id` again, here or on record, is a duplicate.
        """
        rows = [{**vars(each), "headers": dict(each.headers), "attempts": 0} for each in new]
        keys = [(each.source, each.delivery_id) for each in new]
        with self._db.write("receive", f"{len(new)} deliveries") as connection:
            made = self._db.insert_all(connection, deliveries, rows, ["source", "delivery_id"])
            ids = {(row.source, row.delivery_id): row.id for row in made}
            known = tuple_(deliveries.c.source, deliveries.c.delivery_id).in_(set(keys) - ids.keys())
            columns = (deliveries.c.source, deliveries.c.delivery_id, deliveries.c.id)
            earlier = connection.execute(select(*columns).where(known)) if ids.keys() < set(keys) else ()
            all_ids = ids | {(row.source, row.delivery_id): row.id for row in earlier}
        return tuple(Received(all_ids[key], ids.pop(key, None) is not None) for key in keys)

    def pending_deliveries(
        self,
        limit: int = 100,
        *,
        source: str | None = None,
        kinds: Sequence[str] = (),
        now: datetime | None = None,
    ) -> tuple[Delivery, ...]:
        """Deliveries to be handled at `now` (None: the clock's), oldest first; no `kinds` means all.

        Those that failed are left out until their next attempt is due, parked ones for good.
        """
        now = now or datetime.now(UTC)
        c = deliveries.c
        due = c.next_attempt_at.is_(None) | (c.next_attempt_at <= now)
        statement = select(deliveries).where(c.handled_at.is_(None), c.parked_at.is_(None), due)
        if source is not None:
            statement = statement.where(c.source == source)
        if kinds:
            statement = statement.where(c.kind.in_(kinds))
        with self._db.read("read deliveries", source or "all") as connection:
            return _all(connection, statement.order_by(c.id).limit(limit))

    def parked_deliveries(self) -> tuple[Delivery, ...]:
        """Deliveries that failed `MAX_ATTEMPTS` times; a person has to look."""
        c = deliveries.c
        statement = select(deliveries).where(c.parked_at.is_not(None), c.handled_at.is_(None))
        with self._db.read("read deliveries", "parked") as connection:
            return _all(connection, statement.order_by(c.id))

    def delivery(self, delivery: int) -> Delivery:
        """The delivery with that row id.

        Raises:
            NotFound: there is none.
        """
        with self._db.read("read delivery", str(delivery)) as connection:
            return _one(connection, "read delivery", delivery)

    def handled(self, ids: Sequence[int], outcome: str, now: datetime) -> None:
        """Note that these are done with; `outcome` is a word or two. The first outcome stays."""
        c = deliveries.c
        statement = update(deliveries).where(c.id.in_(ids), c.handled_at.is_(None))
        with self._db.write("handle deliveries", ",".join(map(str, ids))) as connection:
            connection.execute(statement.values(handled_at=now, outcome=outcome))

    def failed(self, delivery: int, why: str, now: datetime) -> Delivery:
        """Note one failure; the next attempt is due after 1 s, 2 s, 4 s ... up to 300 s, then it is parked.

        Raises:
            NotFound: no delivery has that row id.
        """
        operation = "note failure of delivery"
        this = update(deliveries).where(deliveries.c.id == delivery)
        with self._db.write(operation, str(delivery)) as connection:
            connection.execute(this.values(attempts=deliveries.c.attempts + 1, why=why))
            attempts = _one(connection, operation, delivery).attempts
            wait_s = min(_FIRST_RETRY_S * 2 ** (attempts - 1), _LONGEST_RETRY_S)
            parked_at = now if attempts >= MAX_ATTEMPTS else None
            next_attempt_at = now + timedelta(seconds=wait_s)
            connection.execute(this.values(next_attempt_at=next_attempt_at, parked_at=parked_at))
            return _one(connection, operation, delivery)


def _all(connection: Connection, statement: Select[Any]) -> tuple[Delivery, ...]:
    return tuple(Delivery(**row) for row in connection.execute(statement).mappings())


def _one(connection: Connection, operation: str, delivery: int) -> Delivery:
    found = _all(connection, select(deliveries).where(deliveries.c.id == delivery))
    if not found:
        raise NotFound("ledger", operation, str(delivery))
    return found[0]
