"""Every migration up, down and up again, on a database of its own."""

import sqlite3
from contextlib import closing

from shop import schema


def check(folder=schema.FOLDER) -> list[dict[str, object]]:
    """In their order; `reversible` where the way back brings back the tables as they were.

    Raises:
        sqlite3.Error: one cannot be applied at all.
    """
    found = []
    with closing(schema.connect(":memory:")) as database:
        for migration in schema.ids(folder):
            before = _tables(database)
            schema.apply(database, migration, "check", folder)
            problem = _problem(database, migration, before, folder)
            found.append({"id": migration, "reversible": not problem, **({"reason": problem} if problem else {})})
    return found


def _problem(database, migration: str, before, folder) -> str:
    """Why there is no way back, "" if there is; the migration is applied afterwards either way."""
    script = schema.down(folder, migration)
    if script is None:
        return "there is no .down.sql"
    with closing(schema.copy(database)) as scratch:
        try:
            schema.back(scratch, {migration: script})
            if _tables(scratch) != before:
                return "the way back does not bring back the tables as they were"
            schema.apply(scratch, migration, "check", folder)
        except sqlite3.Error as error:
            return str(error)
    return ""


def _tables(database) -> dict[str, list[tuple]]:
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    shapes = {name: database.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    return {name: shape for name, shape in shapes.items() if name != "migrations"}
