"""A file of rows, CSV or JSON lines, as plain data; what its columns mean is not known here.

CSV is RFC 4180 with a header, in UTF-8 with or without a byte order mark, with `,` or `;`. In JSON lines each
line is an object. Rows are counted as a spreadsheet or an editor does: a CSV file's header is row 1.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from integrations.errors import Refused


class Row(NamedTuple):
    """One row, by column; `wrong` says why it cannot be read, "" if it can."""

    number: int
    values: Mapping[str, object]
    wrong: str = ""


def read(path: Path) -> tuple[Row, ...]:
    """Every row of the file, in order; blank ones are left out.

    Raises:
        OSError: it cannot be opened.
        Refused: as a whole it is no such file: empty, not UTF-8, without a header, or of another kind.
    """
    readers = {".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _refused(path, "it is neither .csv nor .jsonl")
    rows = tuple(reader(path, _text(path)))
    if not rows:
        raise _refused(path, "it has no rows")
    return rows


def _text(path: Path) -> str:
    data = path.read_bytes()
    if not data.strip():
        raise _refused(path, "it is empty")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(path, "it is UTF-16: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _refused(path, f"line {line} is not UTF-8: save the file as UTF-8") from None


def _csv(path: Path, text: str) -> Iterator[Row]:
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    lines = _records(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter))
    number, header = next(lines, (1, "it is empty"))
    if isinstance(header, str):
        raise _refused(path, f"row {number}: {header}")
    columns = [name.strip() for name in header]
    if not all(columns) or len(set(columns)) < len(columns):
        raise _refused(path, "a column of the header has no name, or stands twice")
    for number, fields in lines:
        if isinstance(fields, str):
            yield Row(number, {}, fields)
        elif len(fields) != len(columns):
            yield Row(number, {}, f"it has {len(fields)} fields, the header {len(columns)}")
        else:
            yield Row(number, dict(zip(columns, fields, strict=True)))


def _records(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with its number, or why it cannot be read; after that nothing can be."""
    number = 0
    while True:
        number += 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"it cannot be read: {error}"
            return
        if any(field.strip() for field in fields):
            yield number, fields


def _json_lines(_: Path, text: str) -> Iterator[Row]:
    # Not splitlines(): a JSON string may hold the other characters that it takes for ends of lines.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, {}, "it is not JSON")
            continue
        if isinstance(value, dict):
            yield Row(number, cast("dict[str, object]", value))
        else:
            yield Row(number, {}, "it is not a JSON object")


def _refused(path: Path, why: str) -> Refused:
    return Refused("file", "read", str(path), detail=why)
