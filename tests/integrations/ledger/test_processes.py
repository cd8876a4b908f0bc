"""Several processes on one ledger, and processes that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.ledger import Ledger, NewEvent

CHILD = Path(__file__).with_name("child.py")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def started(url: str, *arguments: str) -> subprocess.Popen[str]:
    """A child that has opened the ledger and waits for a line."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), url, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def go(children: Sequence[subprocess.Popen[str]]) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()


def test_four_processes_append_without_gaps_or_duplicates(ledger: Ledger, url: str) -> None:
    children = [started(url, "append", name, "40") for name in "abcd"]
    go(children)
    acknowledged = [key for child in children for key in child.communicate(timeout=100)[0].split()]
    assert [child.returncode for child in children] == [0, 0, 0, 0]
    events = list(ledger.all_events())
    assert [event.seq for event in events] == list(range(1, 321))
    assert [event.revision for event in ledger.events("project:shop")] == list(range(1, 321))
    assert len({event.key for event in events}) == 320
    assert set(acknowledged) == {event.key for event in events if not event.key.endswith("too")}
    assert ledger.verify().ok


def test_a_process_killed_while_appending_loses_nothing_it_was_told(ledger: Ledger, url: str) -> None:
    for name in ("first", "second", "third"):
        child = started(url, "append", name, "100000")
        go([child])
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().strip() for _ in range(15)]
        child.kill()
        acknowledged += child.communicate(timeout=30)[0].split()
        assert child.returncode == -9
        keys = [event.key for event in ledger.all_events() if event.key.startswith(name)]
        assert set(acknowledged) <= set(keys)
        # Both events of an append are there or none; at most one append was under way.
        assert len(keys) % 2 == 0
        assert len(keys) // 2 - len(acknowledged) in (0, 1)
        assert ledger.verify().ok
    assert ledger.append("project:shop", [NewEvent("Counted", "after", {})], now=NOW).inserted


def test_processes_that_upgrade_an_empty_database_at_once_all_succeed(url: str) -> None:
    children = [started(url, "upgrade") for _ in range(4)]
    go(children)
    said = [child.communicate(timeout=100)[0] for child in children]
    assert Counter(said) == {"upgraded\n": 4}
    ledger = Ledger(url)
    assert ledger.head()[0] == 0
    ledger.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_and_its_parent_share_the_ledger_safely(ledger: Ledger) -> None:
    ledger.append("project:shop", [NewEvent("Counted", "before", {})], now=NOW)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ledger.append("project:shop", [NewEvent("Counted", "child", {})], now=NOW)
            status = 0
        finally:
            os._exit(status)
    ledger.append("project:shop", [NewEvent("Counted", "parent", {})], now=NOW)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ledger.append("project:shop", [NewEvent("Counted", "after", {})], now=NOW)
    keys = [event.key for event in ledger.events("project:shop")]
    assert (keys[0], sorted(keys[1:3]), keys[3]) == ("before", ["child", "parent"], "after")
    assert ledger.verify().ok
