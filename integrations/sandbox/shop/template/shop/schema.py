"""The database's schema: migrations, `NNNN_name.up.sql` each, and `NNNN_name.down.sql` to take it back.

One without a `.down.sql` cannot be taken back. What was applied stands in the table `migrations`, with
the last release that brought it along.
"""

import sqlite3
from contextlib import closing, contextmanager
from itertools import takewhile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "migrations"
_UP, _DOWN = ".up.sql", ".down.sql"
_TABLE = "CREATE TABLE IF NOT EXISTS migrations (id TEXT PRIMARY KEY, release TEXT NOT NULL)"


class Irreversible(Exception):
    """A migration has no way back; nothing was changed."""


def connect(path) -> sqlite3.Connection:
    """A connection that commits every statement by itself unless a transaction is begun."""
    return sqlite3.connect(path, timeout=5, isolation_level=None)


def ids(folder: Path = FOLDER) -> list[str]:
    """The migrations that a release brings along, in their order."""
    return sorted(path.name.removesuffix(_UP) for path in folder.glob(f"*{_UP}"))


def down(folder: Path, migration: str) -> str | None:
    """The script that takes the migration back, None if it cannot be."""
    path = folder / f"{migration}{_DOWN}"
    return path.read_text() if path.exists() else None


def reversible(folder: Path = FOLDER) -> dict[str, str]:
    """The scripts, newest first, down to the first migration that has none."""
    scripts = ((migration, down(folder, migration)) for migration in reversed(ids(folder)))
    return dict(takewhile(lambda row: row[1] is not None, scripts))


def applied(connection: sqlite3.Connection) -> dict[str, str]:
    """The release of every migration that is in the database, in their order."""
    connection.execute(_TABLE)
    return dict(connection.execute("SELECT id, release FROM migrations ORDER BY id"))


def forward(connection: sqlite3.Connection, release: str, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing, each in a transaction of its own; their ids."""
    missing = [one for one in ids(folder) if one not in applied(connection)]
    for migration in missing:
        apply(connection, migration, release, folder)
    return missing


def apply(connection: sqlite3.Connection, migration: str, release: str, folder: Path = FOLDER) -> None:
    """Apply one migration, all of it or nothing."""
    connection.execute(_TABLE)
    with _transaction(connection):
        _run(connection, (folder / f"{migration}{_UP}").read_text())
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (migration, release))


def back(connection: sqlite3.Connection, scripts: dict[str, str]) -> None:
    """Take migrations back by their scripts, each in a transaction of its own."""
    for migration, script in scripts.items():
        with _transaction(connection):
            _run(connection, script)
            connection.execute("DELETE FROM migrations WHERE id = ?", (migration,))


def carried(connection: sqlite3.Connection, release: str, folder: Path = FOLDER) -> None:
    """Note that this release brings its migrations along: it is asked when they are to be taken back."""
    rows = [(release, migration) for migration in ids(folder)]
    with _transaction(connection):
        connection.executemany("UPDATE migrations SET release = ? WHERE id = ?", rows)


def way_back(connection: sqlite3.Connection, folder: Path, releases: Path) -> dict[str, str]:
    """The scripts, newest first, that take back what the release in `folder` does not know.

    They come from the release that brought the migration along, under `releases`.

    Raises:
        Irreversible: one of them has no script.
    """
    known = set(ids(folder))
    foreign = [row for row in reversed(applied(connection).items()) if row[0] not in known]
    scripts = {one: down(releases / release / "shop" / "migrations", one) for one, release in foreign}
    stuck = sorted(one for one, script in scripts.items() if script is None)
    if stuck:
        raise Irreversible(f"migration {', '.join(stuck)} cannot be taken back")
    return scripts


def copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The database in memory, to try something out."""
    scratch = connect(":memory:")
    connection.backup(scratch)
    return scratch


def rehearse(connection: sqlite3.Connection, folder: Path, scripts: dict[str, str]) -> None:
    """Apply what is missing and run `scripts` on a copy; what goes wrong goes wrong there."""
    with closing(copy(connection)) as scratch:
        forward(scratch, "rehearsal", folder)
        back(scratch, scripts)


@contextmanager
def _transaction(connection):
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _run(connection, script: str) -> None:
    """Statement by statement: `executescript` would commit what was begun."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    if statement.strip():
        connection.execute(statement)
