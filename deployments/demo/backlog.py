"""A real backlog for the sandbox's Jira, as if it were the shop's own and written up to this moment."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path


def reports(folder: Path, now: datetime) -> Iterator[str]:
    """The reports in `folder` as JSON lines: their dates moved so that the newest is from `now`.

    Each becomes the next issue of the shop's project; its own key stays on it as a label.
    """
    rows = [json.loads(line) for line in _lines(folder)]
    shift = now - max(_at(row["created"]) for row in rows)
    for row in rows:
        key = row.pop("id")
        labels = [*(row.get("labels") or []), key]
        yield json.dumps({**row, "created": (_at(row["created"]) + shift).isoformat(), "labels": labels})


def _lines(folder: Path) -> Iterator[str]:
    with gzip.open(folder / "reports.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from lines


def _at(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
