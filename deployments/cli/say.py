"""How every command speaks: results on stdout (a table, or JSON with `--json`), all else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated, Any

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", help="Print JSON instead of text.")]
Person = Annotated[
    str,
    Parameter(name="--as", env_var="CONVEYOR_PERSON", help="Who decides: a person's id in the policy."),
]
ProjectName = Annotated[
    str, Parameter(name="--project", help="The project's id in the policy; needed if it has several.")
]


class Exit(IntEnum):
    """The exit codes of `conveyor`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    UNREACHABLE = 4


class Stop(Exception):
    """The command ends here with `code`; `message` is one line for stderr."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def out(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(f"{_tame(text)}\n")


def _tame(text: str) -> str:
    """Without what moves the cursor, changes colours or turns the reading order: others wrote parts of it."""
    return "".join(c for c in text if c.isprintable() or c in "\t\n")


def dump(value: Any) -> None:
    """The result as JSON; times as ISO 8601."""
    out(json.dumps(value, indent=2, default=str))


def note(text: str) -> None:
    """One line beside the result."""
    sys.stderr.write(f"{_tame(text)}\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; as plain tab-separated lines where stdout is no terminal."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            out("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_tame(cell)) for cell in row))
    Console().print(shown)


@contextmanager
def busy(what: str) -> Generator[None]:
    """Show that something takes its time; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
