"""How fast the ledger is: `python -m tests.benchmarks.ledger [URL]`, one JSON line per measure, in ms.

The floor is one durable insert into a bare SQLite file in the same place, measured in turn with it.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from integrations.ledger import Ledger, NewEvent
from tests.benchmarks.report import report

ROUNDS = 300
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def milliseconds(work: Callable[[int], object], number: int) -> float:
    began = time.perf_counter()
    work(number)
    return (time.perf_counter() - began) * 1000


def measure(name: str, work: Callable[[int], object], floor: Callable[[int], object]) -> None:
    taken, floors = list[float](), list[float]()
    for number in range(ROUNDS):
        taken.append(milliseconds(work, number))
        floors.append(milliseconds(floor, number))
    report(name, "ms", taken, statistics.median(floors))


def bare(path: Path) -> Callable[[int], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (n, body);")
    return lambda number: connection.execute("INSERT INTO t VALUES (?, ?)", (number, b"x" * 2000))


def main(folder: Path, url: str) -> None:
    ledger, floor, run = Ledger(url), bare(folder / "floor.db"), f"{time.time_ns()}"
    ledger.upgrade()

    def append(number: int) -> None:
        event = NewEvent("Told", f"{run}:{number}", {"text": "x" * 500})
        ledger.append(f"release:shop:{run}", [event], now=NOW, wake=True)

    def receive(number: int, source: str = "gitlab") -> None:
        ledger.receive(source, f"{run}:{number}", "push", {}, b"x" * 2000, NOW)

    def open_again(_: int) -> None:
        opened = Ledger(url)
        opened.upgrade()
        opened.close()

    def from_eight_threads(number: int) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda thread: receive(number * 8 + thread, "threads"), range(8)))

    measure("append and wake", append, floor)
    measure("receive", receive, floor)
    measure("receive, 8 at once from threads", from_eight_threads, floor)
    measure("open an up-to-date ledger", open_again, floor)
    for number in range(10_000):
        ledger.run_started(f"waiting:{run}:{number}", 1, "run", datetime.now(UTC))
    measure("pending wake-ups among 10,000 waiting", lambda _: ledger.pending_wakeups(NOW), floor)
    measure("verify what was appended", lambda _: ledger.verify(), floor)
    ledger.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made), sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{made}/ledger.db")
