"""How long it takes to find what waits: `python -m tests.benchmarks.pending [RELEASES] [ISSUES]`, in seconds.

A ledger on SQLite holds RELEASES (1,000) that each wait for QA of ISSUES (10), and as many that have ended.
One JSON line per measure: the first look of a process, another when nothing happened, and another after one
signature. The floor is reading the open releases' events with bare SQL.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from integrations.ledger import Ledger, NewEvent
from lifecycle import events as e
from tasks import context, pending
from tests.cli.world import SHA, policy_data

NOW = datetime(2026, 10, 1, 10, tzinfo=UTC)
ROUNDS = 5


def main(folder: Path, releases: int, issues: int) -> None:
    """Fill a ledger and measure."""
    (folder / "conveyor.yaml").write_text(yaml.safe_dump(policy_data()))
    os.environ |= {"CONVEYOR_HOME": str(folder), "CONVEYOR_POLICY": str(folder / "conveyor.yaml")}
    book = context.ledger()
    for number in range(releases):
        _release(book, f"1.{number}.0", issues)
        ended = _release(book, f"0.{number}.0", issues)
        _record(book, ended, e.Abandoned(person="mara", reason="no"))
    found = pending.everything()
    assert len(found) == releases * issues
    tell("bare read of the open releases' events", lambda _: _bare(folder / "ledger.db"))
    tell("first look", _first_look)
    tell("another look, nothing happened", lambda _: pending.everything())

    def after_a_signature(number: int) -> None:
        asked = found[number]
        fact = e.SignOffGiven(request=asked.request, role="qa", person="quinn", door="cli")
        _record(book, asked.stream, fact)
        assert len(pending.everything()) == releases * issues - number - 1

    tell("a signature, and another look", after_a_signature)


def tell(name: str, work: Callable[[int], object]) -> None:
    """Print what one measure took."""
    taken: list[float] = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - began)
    line = {"name": name, "unit": "s", "rounds": ROUNDS, "p50": statistics.median(taken), "max": max(taken)}
    print(json.dumps(line), flush=True)


def _first_look(_: int) -> None:
    context.ledger.cache_clear()  # another ledger object, of which nothing is remembered
    pending.everything()


def _bare(path: Path) -> int:
    """Only what has to be read: no rule is applied."""
    wanted = (
        "SELECT data FROM events WHERE subject NOT IN (SELECT subject FROM events WHERE kind = 'Abandoned')"
    )
    with closing(sqlite3.connect(path)) as connection:
        return sum(len(json.loads(row[0])) for row in connection.execute(wanted))


def _release(book: Ledger, version: str, issues: int) -> str:
    stream = f"release:shop:{version}"
    keys = tuple(f"SHOP-{n}" for n in range(1, issues + 1))
    cut = e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=SHA, branch="b", authors=("dora",), digests={})
    facts = (
        e.Planned(project="shop", version=version, issues=keys, base="main", plan_hash="p"),
        cut,
        e.CandidateVerified(number=1, pipeline_id=7),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=8),
        *(
            e.SignOffAsked(
                request=f"{version}:{key}",
                step="qa",
                number=1,
                issue=key,
                sha=SHA,
                plan_hash="p",
                environment="staging",
                due=NOW + timedelta(days=2),
            )
            for key in keys
        ),
    )
    _record(book, stream, *facts)
    return stream


def _record(book: Ledger, stream: str, *facts: Any) -> None:
    new = [NewEvent(fact.kind, fact.key(stream), fact.model_dump(mode="json")) for fact in facts]
    book.append(stream, new, now=NOW)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        counts = [int(given) for given in sys.argv[1:]]
        main(Path(made), *(counts + [1000, 10][len(counts) :]))
