"""`conveyor requests import`: the requests of a file, all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deployments.cli import names, say
from deployments.cli.say import Exit, Json, ProjectName

if TYPE_CHECKING:
    from integrations.errors import IntegrationError
    from lifecycle.importing import Line, Wrong

DryRun = Annotated[bool, Parameter(name="--dry-run", help="Only check the file, make nothing.")]


def import_(file: Path, *, project: ProjectName = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Make a request of each row of a CSV or JSON lines file; with one bad row, of none.

    Columns: title (needed), text, requester (a name, or a person's id in the policy), source (client,
    developer or management), url, asked_at (ISO 8601), id. The same row again makes nothing twice: it is
    known by its id, or without one by all that it says. After a break run it again. The planning channel
    hears of it by one message.

    Example: `conveyor requests import wishes.csv --dry-run`

    Parameters
    ----------
    file:
        A file in UTF-8 that ends with .csv or .jsonl.
    """
    wanted = names.project_named(project)
    lines, wrong = _checked(file, wanted.id)
    if wrong:
        _refuse(wrong, as_json=json)
    rows = [_row(line) for line in lines]
    if not dry_run:
        _make(wanted.id, file.name, lines, rows)
    if json:
        say.dump({"project": wanted.id, "dry_run": dry_run, "rows": rows, "errors": []})
        return
    columns = ("row", "key", "state", "title", "alike")
    say.table([name.upper() for name in columns], ([_cell(row[name]) for name in columns] for row in rows))


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _checked(file: Path, project: str) -> tuple[tuple[Line, ...], list[Wrong]]:
    """What the file asks for, and all that is wrong, in the order of its rows."""
    from datetime import UTC, datetime

    from integrations import table_file
    from lifecycle import importing as rules
    from tasks.context import policy
    from tasks.importing import changed

    rows = table_file.read(file)
    readable = ((row.number, row.values) for row in rows if not row.wrong)
    lines, wrong = rules.check(readable, policy(), project, datetime.now(UTC))
    found = [*wrong, *(rules.Wrong(row.number, "", row.wrong) for row in rows if row.wrong)]
    found += [rules.Wrong(line.row, "id", why) for line in lines if (why := changed(line.ask))]
    return lines, sorted(found)


def _refuse(wrong: list[Wrong], *, as_json: bool) -> None:
    if as_json:
        say.dump({"rows": [], "errors": [each._asdict() for each in wrong]})
    else:
        for each in wrong:
            say.note(str(each))
    bad = len({each.row for each in wrong})
    raise say.Stop(Exit.FAILED, f"nothing was imported: {bad} {'row is' if bad == 1 else 'rows are'} wrong")


def _row(line: Line) -> dict[str, object]:
    from lifecycle.requests import one_line
    from tasks.importing import known

    key = known(line.ask)
    return {
        "row": line.row,
        "key": key,
        "state": "known" if key else "new",
        "title": one_line(line.ask.title),
        "url": "",
        "alike": [],
    }


def _make(project: str, file: str, lines: tuple[Line, ...], rows: list[dict[str, object]]) -> None:
    """Bring in row by row, and say so; where it breaks, say how far it came."""
    from integrations.errors import IntegrationError
    from tasks.importing import Import

    whole = Import(project, file, [line.ask for line in lines])
    try:
        with say.busy("reading what the requests are compared with"):
            whole.begin()
    except IntegrationError as error:
        raise _broken(error, f"{error}; nothing was imported") from None
    for done, (line, row) in enumerate(zip(lines, rows, strict=True)):
        try:
            found = whole.bring_in(line.ask)
        except IntegrationError as error:
            whole.stopped(line.row, error)
            how_far = f"{done} of {len(lines)} rows are in; run it again for the rest"
            raise _broken(error, f"row {line.row}: {error}; {how_far}") from None
        row |= {"key": found.key, "url": found.url, "alike": list(found.alike)}
        like = f", reads like {', '.join(found.alike)}" if found.alike else ""
        say.note(f"{done + 1}/{len(lines)} {found.key} ({row['state']}) {row['title']}{like}")
    try:
        whole.end()
    except IntegrationError as error:
        raise _broken(error, f"all rows are in, but the message is not: {error}; run it again") from None


def _broken(error: IntegrationError, message: str) -> say.Stop:
    from integrations.errors import Transient

    return say.Stop(Exit.UNREACHABLE if isinstance(error, Transient) else Exit.FAILED, message)
