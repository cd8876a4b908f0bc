"""A fresh, migrated ledger on every kind of database there is to test on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from integrations.ledger import Ledger

SERVER = os.environ.get("CONVEYOR_TEST_POSTGRES_URL", "")


@pytest.fixture(params=["sqlite", "postgresql"] if SERVER else ["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    schema = f"ledger_{uuid4().hex[:12]}"
    engine = create_engine(SERVER)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    own = make_url(SERVER).update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """A migrated ledger without any rows."""
    opened = Ledger(url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """The URL of an empty SQLite database, for what only embedded ledgers do."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"
