"""A mirror of the tracker's issues, and how far it has been read. No part of the hash chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TEXTS = ("summary", "text", "type", "status", "priority", "labels", "fix_versions", "links", "reporter")


def upgrade() -> None:
    op.create_table(
        "mirror_issues",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("subtask", sa.Boolean, nullable=False),
        sa.Column("votes", sa.Integer, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("updated", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("mirror_issues_changes", "mirror_issues", ["project", "revision"])
    op.create_table(
        "mirror_scans",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("position", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("removals", sa.BigInteger, nullable=False),
    )
