"""Migrations, refused changes, and what a database in trouble means to the caller."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text, update
from sqlalchemy.exc import DBAPIError

from integrations.errors import Refused, Transient
from integrations.ledger import Ledger, NewEvent
from integrations.ledger.schema import REVISION, chain_head, metadata

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def tell(ledger: Ledger, *keys: str) -> None:
    ledger.append("project:shop", [NewEvent("Told", key, {}) for key in keys], now=NOW)


@pytest.fixture
def execute(url: str) -> Callable[[str], None]:
    """Run SQL past the ledger, as somebody with the database's password could."""

    def run(statement: str) -> None:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    return run


@pytest.mark.skipif(
    "CONVEYOR_TEST_POSTGRES_URL" not in os.environ, reason="CONVEYOR_TEST_POSTGRES_URL is not set"
)
def test_the_given_database_server_is_postgresql() -> None:
    """The one test to be skipped without a server; with one, every test of the ledger runs on both."""
    engine = create_engine(os.environ["CONVEYOR_TEST_POSTGRES_URL"])
    with engine.connect() as connection:
        assert "PostgreSQL" in str(connection.execute(text("SELECT version()")).scalar())
    engine.dispose()


def test_a_database_that_was_never_upgraded_is_refused(url: str) -> None:
    ledger = Ledger(url)
    with pytest.raises(Refused):
        ledger.head()
    with pytest.raises(Refused):
        tell(ledger, "a")
    ledger.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, file_url: str) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 500)
    with pytest.raises(Refused):
        Ledger(file_url).upgrade()


def test_a_database_that_cannot_be_reached_is_transient(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        Ledger(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}").upgrade()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(
    ledger: Ledger, execute: Callable[[str], None]
) -> None:
    execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refused):
        ledger.upgrade()
    assert ledger.head()[0] == 0


def test_a_lock_held_beyond_the_timeout_is_transient_and_the_same_call_works_later(
    tmp_path: Path, file_url: str
) -> None:
    ledger = Ledger(file_url, busy_timeout_s=0.05)
    ledger.upgrade()
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient) as caught:
        tell(ledger, "a")
    assert "locked" in caught.value.detail
    assert ledger.head()[0] == 0, "readers do not wait for writers"
    other.execute("ROLLBACK")
    other.close()
    tell(ledger, "a")
    assert ledger.revision("project:shop") == 1
    ledger.close()


def test_an_append_that_waits_too_long_for_another_is_transient(ledger: Ledger, url: str) -> None:
    tell(ledger, "a")
    hurried = Ledger(url, busy_timeout_s=0.1)
    with ledger._db.write("hold", "head") as connection:
        connection.execute(update(chain_head).values(seq=1))
        with pytest.raises(Transient):
            tell(hurried, "b")
    tell(hurried, "b")
    assert ledger.revision("project:shop") == 2
    hurried.close()


def test_an_error_does_not_tell_what_was_to_be_kept(url: str) -> None:
    ledger, words = Ledger(url), "-".join(["private", "words"])
    with pytest.raises(Refused) as caught:
        ledger.receive("slack", "d1", words, {}, words.encode(), NOW)
    assert words not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    ledger.close()


def test_upgrading_twice_keeps_what_is_there(ledger: Ledger) -> None:
    tell(ledger, "a")
    ledger.upgrade()
    assert ledger.revision("project:shop") == 1


def test_the_migrations_make_the_tables_that_the_code_reads(ledger: Ledger, url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_code_expects_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "integrations.ledger:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_an_up_to_date_ledger_opens_quickly_and_without_alembic(file_url: str) -> None:
    ledger = Ledger(file_url)
    ledger.upgrade()
    ledger.close()
    program = (
        "import sys, time; from integrations.ledger import Ledger; began = time.perf_counter();"
        f" Ledger({file_url!r}).upgrade(); print(time.perf_counter() - began, 'alembic' in sys.modules)"
    )
    took_s, alembic = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert alembic == "False"
    assert float(took_s) < 0.1


def test_an_embedded_ledger_survives_a_power_cut(tmp_path: Path, file_url: str) -> None:
    ledger = Ledger(file_url)
    ledger.upgrade()
    with ledger._db.read("look", "pragmas") as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in pragmas]
    assert found == ["wal", 2, 1]
    ledger.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET kind = 'Other'", "DELETE FROM events WHERE seq = 2"]
)
def test_the_database_refuses_to_change_or_delete_an_event(
    ledger: Ledger, execute: Callable[[str], None], statement: str
) -> None:
    tell(ledger, "a", "b")
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        execute(statement)
    assert ledger.verify().ok
    assert ledger.head()[0] == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET kind = 'Other' WHERE seq = 2",
        "UPDATE events SET at = '2026-07-01T12:00:01.000000Z' WHERE seq = 1",
        "UPDATE events SET subject = 'project:other' WHERE seq = 1",
        "UPDATE events SET data = '{\"a\":1}' WHERE seq = 3",
        "DELETE FROM events WHERE seq = 2",
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events",
    ],
)
def test_a_history_changed_past_the_triggers_no_longer_verifies(
    file_url: str, tmp_path: Path, statement: str
) -> None:
    ledger = Ledger(file_url)
    ledger.upgrade()
    tell(ledger, "a", "b", "c")
    ledger.close()
    vandal = sqlite3.connect(tmp_path / "ledger.db")
    vandal.execute("DROP TRIGGER events_no_update")
    vandal.execute("DROP TRIGGER events_no_delete")
    vandal.execute(statement)
    vandal.commit()
    vandal.close()
    assert not ledger.verify().ok
    ledger.close()


def test_reading_the_head_and_a_revision_stays_quick_in_a_long_history(ledger: Ledger) -> None:
    for part in range(20):
        tell(ledger, *(f"{part}:{number}" for number in range(250)))
    began = time.perf_counter()
    for _ in range(20):
        assert ledger.head()[0] == ledger.revision("project:shop") == 5000
    assert time.perf_counter() - began < 2


def test_ledgers_of_one_process_are_upgraded_at_once_each_in_its_own_database(tmp_path: Path) -> None:
    ledgers = [Ledger(f"sqlite:///{tmp_path / str(number)}.db") for number in range(8)]
    start = threading.Barrier(len(ledgers))

    def upgrade(ledger: Ledger) -> int:
        start.wait()
        ledger.upgrade()
        return ledger.head()[0]

    with ThreadPoolExecutor(len(ledgers)) as pool:
        assert list(pool.map(upgrade, ledgers)) == [0] * len(ledgers)
    for ledger in ledgers:
        ledger.close()
