"""The ledger's database: connections, transactions, migrations, and what their failures mean.

One `Database` is shared by all threads of a process. After a fork the child gets connections of its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from integrations.errors import Conflict, IntegrationError, Refused, Transient
from integrations.ledger.schema import REVISION

_MIGRATION_LOCK = 0x636F6E76
_SQLITE_LATER = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_PROTOCOL,
}


class Database:
    """Transactions on the database at `url`; waits at most `busy_timeout_s` for others' locks."""

    def __init__(self, url: str, busy_timeout_s: float) -> None:
        self._busy_timeout_s = busy_timeout_s
        self._embedded = make_url(url).get_backend_name() == "sqlite"
        self._engine = self._create(url)
        # SQLite lets waiting writers poll; threads of one process queue up here instead.
        self._writing = threading.Lock()
        self._inherited: list[object] = []
        _opened.add(self)

    def close(self) -> None:
        """Close all idle connections."""
        self._engine.dispose()

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent: neither used nor closed here."""
        self._inherited.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._writing = threading.Lock()

    @contextmanager
    def read(self, operation: str, object_id: str) -> Generator[Connection]:
        """One transaction that only reads.

        Raises:
            Transient: the database cannot be reached or is locked; call again.
            Refused: the database is not a ledger, or one of another version.
        """
        with self._errors(operation, object_id), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, operation: str, object_id: str) -> Generator[Connection]:
        """One transaction, durable when the block is left without an error, undone otherwise.

        Raises:
            Transient: as `read`. After a lost connection the outcome is unknown: look, then repeat.
            Refused: as `read`.
            Conflict: a constraint of the database forbids it.
        """
        with self._errors(operation, object_id), self._turn(operation, object_id):
            with self._engine.connect().execution_options(conveyor_writes=True) as connection:
                with connection.begin():
                    yield connection

    def insert(
        self, connection: Connection, table: Table, row: Mapping[str, Any], unique: Sequence[str]
    ) -> bool:
        """Insert `row` unless one with the same `unique` columns exists; whether it was inserted."""
        dialect = sqlite if self._embedded else postgresql
        statement = dialect.insert(table).values(**row).on_conflict_do_nothing(index_elements=unique)
        return connection.execute(statement.returning(table.c[unique[0]])).first() is not None

    def insert_all(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], unique: Sequence[str]
    ) -> Sequence[Row[Any]]:
        """Insert those of `rows` whose `unique` columns are new, the first of equals.

        What was inserted: per row its `unique` columns and its id.
        """
        dialect = sqlite if self._embedded else postgresql
        statement = dialect.insert(table).on_conflict_do_nothing(index_elements=unique)
        told = statement.returning(*(table.c[name] for name in (*unique, "id")))
        return connection.execute(told, list(rows)).all()

    def upsert_all(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], newer_by: str
    ) -> None:
        """Insert `rows`, or replace those of the same primary key unless theirs is newer by that column."""
        insert = (sqlite if self._embedded else postgresql).insert(table)
        unique = [column.name for column in table.primary_key]
        changed = {column.name: insert.excluded[column.name] for column in table.columns}
        newer = insert.excluded[newer_by] >= table.c[newer_by]
        statement = insert.on_conflict_do_update(index_elements=unique, set_=changed, where=newer)
        connection.execute(statement, list(rows))

    def upgrade(self) -> None:
        """Bring the tables up to `REVISION`; quick where they are. Safe from many processes at once.

        Raises:
            Refused: a newer program has been here; use that one.
            Transient: the database cannot be reached or is locked.
        """
        with self.read("upgrade", "tables") as connection:
            if _version(connection) == REVISION:
                return
        with self.write("upgrade", "tables") as connection:
            if not self._embedded:
                connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _MIGRATION_LOCK})
            if _version(connection) != REVISION:
                _migrate(connection)

    @contextmanager
    def _turn(self, operation: str, object_id: str) -> Generator[None]:
        if not self._embedded:
            yield
            return
        if not self._writing.acquire(timeout=self._busy_timeout_s):
            raise Transient("ledger", operation, object_id, detail="other threads are writing")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _errors(self, operation: str, object_id: str) -> Generator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _translated(error, operation, object_id) from error

    def _create(self, url: str) -> Engine:
        # Parameters stay out of errors and logs: they hold what people wrote.
        options = {"pool_timeout": self._busy_timeout_s, "max_overflow": 24, "hide_parameters": True}
        if not self._embedded:
            engine = create_engine(url, pool_pre_ping=True, **options)
            event.listen(engine, "connect", self._set_up_server)
            return engine
        engine = create_engine(url, connect_args={"timeout": self._busy_timeout_s}, **options)
        event.listen(engine, "connect", self._set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _set_up_server(self, connection: DBAPIConnection, _record: object) -> None:
        connection.cursor().execute(f"SET lock_timeout = {int(self._busy_timeout_s * 1000)}")
        connection.commit()

    def _set_up_sqlite(self, connection: sqlite3.Connection, _record: object) -> None:
        # Transactions are begun by `_begin_sqlite`, not by the driver.
        connection.isolation_level = None
        deadline = time.monotonic() + self._busy_timeout_s
        while not _write_ahead(connection):
            if time.monotonic() > deadline:
                raise sqlite3.OperationalError("database is locked")
            time.sleep(0.01)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: sqlite3.Connection) -> bool:
    """Whether the file is in WAL mode now. The first change to it does not wait for locks by itself."""
    try:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return mode in ("wal", "memory")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("conveyor_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _translated(error: Exception, operation: str, object_id: str) -> IntegrationError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    detail = str(cause).partition("\n")[0]
    if isinstance(error, IntegrityError):
        return Conflict("ledger", operation, object_id, detail=detail)
    later = isinstance(error, PoolTimeout)
    if isinstance(cause, sqlite3.Error):
        later = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_BUSY) & 0xFF in _SQLITE_LATER
    elif isinstance(error, DBAPIError):
        # Lost connections, deadlocks, shutdowns; a missing table or a bad statement is another class.
        later = error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")
    return (Transient if later else Refused)("ledger", operation, object_id, detail=detail)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection) -> None:
    # Imported here: most processes find the tables up to date and never need it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "integrations.ledger:migrations")
    config.attributes["connection"] = connection
    try:
        with _migrating:
            command.upgrade(config, "head")
    except CommandError as error:
        raise Refused("ledger", "upgrade", "tables", detail=str(error)) from error


_opened: weakref.WeakSet[Database] = weakref.WeakSet()

# Alembic keeps the connection it migrates in a global: one ledger of a process after the other.
_migrating = threading.Lock()


def _after_fork() -> None:
    global _migrating
    _migrating = threading.Lock()
    for database in _opened:
        database.after_fork()


os.register_at_fork(after_in_child=_after_fork)
