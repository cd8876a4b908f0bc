"""The ledger's tables, as the code reads them. They are made by `migrations/`; keep both in step.

Times and JSON are kept as text, so that they come back from every database as they went in.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from integrations.ledger.chain import canonical, timestamp

REVISION = "0002"
"""The migration that these tables belong to."""


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as text that sorts: `2026-07-01T12:00:00.000000Z`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else timestamp(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromisoformat(value)


class JsonText(TypeDecorator[Any]):
    """A JSON object or array, kept as canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any | None:  # noqa: ARG002
        return None if value is None else json.loads(value)


metadata = MetaData()

# SQLite numbers rows by itself only where the key is called INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("data", JsonText, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("subject", "revision"),
)

# One row. Locking it orders all appends where the database does not do so itself.
chain_head = Table(
    "chain_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("source", Text, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("headers", JsonText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime),
    Column("handled_at", UtcTime),
    Column("outcome", Text),
    Column("parked_at", UtcTime),
    Column("why", Text),
    UniqueConstraint("source", "delivery_id"),
)
_pending = deliveries.c.handled_at.is_(None)
Index("deliveries_pending", deliveries.c.id, sqlite_where=_pending, postgresql_where=_pending)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("subject", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("request", JsonText, nullable=False),
    Column("outcome", JsonText, nullable=False),
    Column("intended_at", UtcTime, nullable=False),
    Column("concluded_at", UtcTime),
)

wakeups = Table(
    "wakeups",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("wanted", BigInteger, nullable=False),
    Column("carried", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("run_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
)
_open = wakeups.c.wanted > wakeups.c.carried
Index("wakeups_pending", wakeups.c.subject, sqlite_where=_open, postgresql_where=_open)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("acquired_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

projections = Table(
    "projections",
    metadata,
    Column("key", Text, primary_key=True),
    Column("shown", Text, nullable=False),
    Column("shown_at", UtcTime, nullable=False),
)

# What the tracker says, for planning: may be dropped and read again. No part of the hash chain.
mirror_issues = Table(
    "mirror_issues",
    metadata,
    Column("key", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("labels", JsonText, nullable=False),
    Column("fix_versions", JsonText, nullable=False),
    Column("links", JsonText, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("subtask", Boolean, nullable=False),
    Column("votes", Integer, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("updated", UtcTime, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index("mirror_issues_changes", "project", "revision"),
)

# One row per project. Locking it orders the changes of its mirror.
mirror_scans = Table(
    "mirror_scans",
    metadata,
    Column("project", Text, primary_key=True),
    Column("position", JsonText, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("removals", BigInteger, nullable=False),
)
