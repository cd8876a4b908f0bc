"""The ledger's first tables; events cannot be changed or deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_REFUSAL = "events are never changed or deleted"


def upgrade() -> None:
    _events()
    _inbox()
    _effects()
    _waking()
    _refuse_changes()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=False),
        _text("subject"),
        sa.Column("revision", sa.Integer, nullable=False),
        _text("at"),
        _text("kind"),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        _text("data"),
        _text("prev"),
        _text("hash"),
        sa.UniqueConstraint("subject", "revision"),
    )
    head = op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _number("seq"),
        _text("hash"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _inbox() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _SERIAL, primary_key=True),
        _text("source"),
        _text("delivery_id"),
        _text("kind"),
        _text("headers"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _text("received_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("next_attempt_at", nullable=True),
        _text("handled_at", nullable=True),
        _text("outcome", nullable=True),
        _text("parked_at", nullable=True),
        _text("why", nullable=True),
        sa.UniqueConstraint("source", "delivery_id"),
    )
    pending = sa.text("handled_at IS NULL")
    op.create_index(
        "deliveries_pending", "deliveries", ["id"], sqlite_where=pending, postgresql_where=pending
    )


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("key", sa.Text, primary_key=True),
        _text("subject"),
        _text("kind"),
        _text("state"),
        _text("request"),
        _text("outcome"),
        _text("intended_at"),
        _text("concluded_at", nullable=True),
    )
    op.create_index("ix_effects_subject", "effects", ["subject"])
    op.create_index("ix_effects_state", "effects", ["state"])


def _waking() -> None:
    op.create_table(
        "wakeups",
        sa.Column("subject", sa.Text, primary_key=True),
        _number("wanted"),
        _number("carried"),
        sa.Column("generation", sa.Integer, nullable=False),
        _text("run_id", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("next_attempt_at", nullable=True),
        _text("updated_at"),
    )
    pending = sa.text("wanted > carried")
    op.create_index("wakeups_pending", "wakeups", ["subject"], sqlite_where=pending, postgresql_where=pending)
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        _text("holder"),
        _text("acquired_at"),
        _text("expires_at"),
    )
    op.create_table("cursors", sa.Column("name", sa.Text, primary_key=True), _number("value"))
    op.create_table(
        "projections", sa.Column("key", sa.Text, primary_key=True), _text("shown"), _text("shown_at")
    )


def _refuse_changes() -> None:
    if op.get_context().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER events_no_{change.lower()} BEFORE {change} ON events "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION conveyor_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION conveyor_refuse()"
    )
