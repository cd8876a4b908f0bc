"""Many releases wait, then all are decided at once: `python -m tests.benchmarks.many [--releases N]`.

Each is a real release of one request that waits for its development. Prints what so many cost while they
wait, and then, from the moment of the decisions (all are held), how long it takes until the last one's flow
runs again and until the last one says that it is on hold; and the CPU seconds that each took, with all of
Conveyor's and Prefect's processes counted and the sandbox's vendors not. One JSON line per measure.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from deployments.demo.waiting import eventually
from deployments.demo.world import World
from integrations.sandbox.http import LOOPBACK
from tests.benchmarks.report import report

PATIENCE_S = 900
IDLE_S = 30
FEW = 12
"""So many wait before anything is measured."""


class Crowd(World):
    """The demo's world with many releases."""

    def open(self) -> None:
        """Start everything; this process works with the same ledger and vendors."""
        path = self.vendors.policy_path
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        rules["waits"]["poll"] = "6h"  # they wait for people, not for the clock
        path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
        self.start_beside()
        self.ready()
        os.environ |= self.stack.environment()

    def cost(self) -> dict[str, Cost]:
        """What server, worker (with the runs' processes) and gateway have taken so far."""
        found: dict[str, Cost] = {}
        for name in ("server", "worker", "gateway"):
            process = psutil.Process(self.stack.pid(name))
            own = [process, *process.children(recursive=True)]
            memory = sum(each.memory_full_info().pss for each in own) / 1e6
            found[name] = Cost(len(own), memory, sum(_cpu(each) for each in own))
        return found

    def idle(self) -> float:
        """The CPU that all of it takes while nothing happens, in percent of one core."""
        before = total(self.cost())
        time.sleep(IDLE_S)
        return 100 * (total(self.cost()).cpu_s - before.cpu_s) / IDLE_S

    def states(self) -> dict[str, str]:
        """The state's name of every release's run, by the run's name; those replaced do not count."""
        found: dict[str, str] = {}
        offset = 0
        while True:
            body = {"flows": {"name": {"any_": ["release"]}}, "limit": 200, "offset": offset}
            body["sort"] = "START_TIME_ASC"
            url = f"{self.stack.api_url}/flow_runs/filter"
            page: list[Any] = httpx.post(url, json=body, timeout=60, **LOOPBACK).json()
            found |= {run["name"]: run["state_name"] for run in page}
            offset += len(page)
            if len(page) < 200:
                return found

    def all_are(self, name: str, count: int) -> bool:
        """Every release's run is in the state of that name."""
        return list(self.states().values()).count(name) == count


@dataclass(frozen=True)
class Cost:
    """Of one or more processes: their number, memory (shared pages counted once), CPU so far."""

    processes: int
    memory_mb: float
    cpu_s: float


def total(costs: dict[str, Cost]) -> Cost:
    """All of it together."""
    return Cost(
        sum(cost.processes for cost in costs.values()),
        sum(cost.memory_mb for cost in costs.values()),
        sum(cost.cpu_s for cost in costs.values()),
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def start(crowd: Crowd, numbers: range) -> None:
    """Plan the releases, each with one request of Gerd's, and let them come to wait."""
    from tasks.starting import start_release

    for number in numbers:
        key = crowd.people["gerd"].file_issue(f"Wish {number}", "As we said.", [])
        outcome = start_release("shop", f"2.{number}.0", [key], "olli")
        if not outcome.accepted:
            raise SystemExit(outcome.message)
        if number % 20 == 19:
            print(f"{number + 1} releases", file=sys.stderr, flush=True)
    eventually("all wait", lambda: crowd.all_are("Awaiting development", numbers.stop), PATIENCE_S)
    time.sleep(15)  # what was walked a moment ago still has logs to send


def all_carried() -> bool:
    """No wake-up waits for its walk, as the ledger says: to ask Prefect for so many runs costs it much."""
    from tasks.context import ledger

    return not ledger().pending_wakeups(datetime.now(UTC) + timedelta(days=1))


def main(folder: Path, count: int) -> None:
    """Bring the releases to wait, look at what that costs, decide on all."""
    crowd = Crowd(folder / "crowd")
    try:
        crowd.open()
        measure(crowd, count)
    finally:
        crowd.stop()


def measure(crowd: Crowd, count: int) -> None:
    """All measures."""
    from tasks.decisions import Decision, decide

    start(crowd, range(FEW))  # every process has walked: what that costs, waiting does not
    few = total(crowd.cost())
    alone = crowd.idle()
    start(crowd, range(FEW, count))
    many = total(crowd.cost())
    waiting = crowd.idle()
    more = f"{count - FEW} more waiting releases"
    report(f"processes added by {more}", "1", [many.processes - few.processes])
    report(f"memory added by {more}", "MB", [many.memory_mb - few.memory_mb])
    report(f"CPU added by {more}, to {alone:.1f} %", "%", [waiting - alone])
    before = crowd.cost()
    began = time.time()
    deciding = threading.Thread(
        target=lambda: [
            decide(Decision("hold", f"release:shop:2.{n}.0", "mara", "cli", "all at once"))
            for n in range(count)
        ]
    )
    deciding.start()
    deciding.join()
    eventually("all are carried", all_carried, PATIENCE_S)
    ended = time.time()
    eventually("all are held", lambda: crowd.all_are("On hold", count), PATIENCE_S)
    time.sleep(5)
    after = crowd.cost()
    report(f"{count} decisions at once, until the last is carried", "s", [ended - began])
    report(f"CPU of one of {count} decisions", "s", [(total(after).cpu_s - total(before).cpu_s) / count])
    for name, cost in after.items():
        report(f"… of which {name}", "s", [(cost.cpu_s - before[name].cpu_s) / count])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=200)
    with tempfile.TemporaryDirectory() as made:
        main(Path(made), parser.parse_args().releases)
