"""From a decision to what it starts: `python -m tests.benchmarks.wait [--rounds N] [--postgres URL]`.

Three releases wait side by side, each walked by another kind of worker: ours, Prefect's own process worker,
and a flow that serves itself, which look for work every half second and every second. Their manager presses
Slack's button in turn, and each decision has the flow ask for the next of many sign-offs. One JSON line per
kind and measure, in seconds: until Prefect says that the flow runs again, and until its first call to a
vendor. The floor is one HTTP call and one durable insert. `--postgres` has Prefect and the ledger on that
server, in two databases that are made anew.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import create_engine, make_url, text

from deployments.demo.people import Person
from deployments.demo.waiting import eventually
from deployments.demo.world import World
from integrations.sandbox.http import LOOPBACK
from tests.benchmarks.aimed import KINDS
from tests.benchmarks.report import report
from tests.faults.story import Tale, begin, develop

NAMES = {"release": "conveyor worker", "stock": "process worker", "served": "serve"}
PATIENCE_S = 180
SPARE = 3
"""Sign-offs beyond those that are measured: the first decision on each kind warms it up."""


class Office(World):
    """The demo's world with three kinds of workers and a policy of many sign-offs."""

    def open(self, rounds: int, databases: dict[str, str]) -> None:
        """Start everything."""
        self._many_steps(rounds + SPARE)
        self.stack.env = {**self.stack.env, **databases, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        self.stack.start_server()
        self.stack.wait_for_server()
        self.stack.register()
        self._register_the_others()
        self.stack.start_worker()
        self.stack.spawn("gateway", [sys.executable, "-m", "tests.benchmarks.aimed"])
        self.stack.spawn("served", [sys.executable, "-m", "tests.benchmarks.aimed", "serve"])
        prefect = ["env", "PREFECT_WORKER_QUERY_SECONDS=0.5", sys.executable, "-m", "prefect"]
        self.stack.spawn("stock", [*prefect, "worker", "start", "--pool", "stock", "--type", "process"])
        self.stack.wait_for(f"{self.stack.gateway_url}/healthz", "gateway")
        self.vendors.wait_production()

    def _many_steps(self, count: int) -> None:
        path = self.vendors.policy_path
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        rules["steps"] = [
            {"id": f"check-{n}", "title": f"Check {n:03}", "waits_as": f"Awaiting {n}", "binds": "release"}
            | {"quorum": {"manager": 1}, "due": "2h"}
            for n in range(1, count + 1)
        ]
        path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")

    def _register_the_others(self) -> None:
        self.prefect("POST", "work_pools/", name="stock", type="process")
        flow = self.prefect("GET", "deployments/name/release/release")["flow_id"]
        entrypoint = {"entrypoint": "flows.release.release", "pull_steps": []}
        self.prefect("POST", "deployments/", name="stock", flow_id=flow, work_pool_name="stock", **entrypoint)

    def prefect(self, method: str, path: str, **body: object) -> Any:
        """Ask Prefect's API."""
        answer = httpx.request(
            method, f"{self.stack.api_url}/{path}", json=body or None, timeout=30, **LOOPBACK
        )
        return answer.raise_for_status().json()

    def run_of(self, version: str) -> str:
        """The id of the release's flow run."""
        body = {"flow_runs": {"name": {"any_": [f"release {version}"]}}}
        return eventually(
            f"a run of {version}", lambda: self.prefect("POST", "flow_runs/filter", **body), PATIENCE_S
        )[0]["id"]

    def ran_at(self, run_id: str, after: float) -> float | None:
        """When the run first was running after that moment."""
        states = self.prefect("GET", f"flow_run_states/?flow_run_id={run_id}")
        times = [_seconds(state["timestamp"]) for state in states if state["type"] == "RUNNING"]
        return min((at for at in times if at > after), default=None)

    def called_at(self, after: float) -> float:
        """When the first request of Conveyor's came to a vendor after that moment."""
        vendors = (self.vendors.jira, self.vendors.gitlab, self.vendors.slack)
        return min(
            (
                seen["at"]
                for vendor in vendors
                for seen in httpx.get(f"{vendor.url}/_sandbox/requests", timeout=30, **LOOPBACK).json()
                if seen["at"] > after and not seen["path"].startswith("/people/")
            ),
            default=after,
        )

    def forget_calls(self) -> None:
        """Start a new record of requests."""
        for vendor in (self.vendors.jira, self.vendors.gitlab, self.vendors.slack):
            httpx.delete(f"{vendor.url}/_sandbox/requests", timeout=30, **LOOPBACK)


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


def decide(office: Office, mara: Person, version: str, number: int) -> tuple[float, float]:
    """Press the button of one check, wait until the next is asked for; seconds to running, to a call."""
    run_id = office.run_of(version)
    about = f"Check {number:03}: Shop {version}"
    eventually(f"{about} is asked", lambda: next(mara.buttons("signoff.approve", about), None), PATIENCE_S)

    def rests() -> bool:
        return office.prefect("GET", f"flow_runs/{run_id}")["state"]["name"] == f"Awaiting {number}"

    eventually(f"{version} waits for {number}", rests, PATIENCE_S)
    time.sleep(0.5)  # whoever walked it goes to sleep
    office.forget_calls()
    pressed = time.time()
    mara.press("signoff.approve", about)
    ran = eventually(f"{version} runs", lambda: office.ran_at(run_id, pressed), PATIENCE_S)
    following = f"Check {number + 1:03}: Shop {version}"
    eventually(
        "the next is asked", lambda: next(mara.buttons("signoff.approve", following), None), PATIENCE_S
    )
    return ran - pressed, office.called_at(ran) - pressed


def floor(office: Office, folder: Path, rounds: int) -> float:
    """The median of one HTTP call and one durable insert."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (n, body);")
    taken: list[float] = []
    with httpx.Client(**LOOPBACK) as client:
        for number in range(rounds):
            began = time.perf_counter()
            client.get(f"{office.stack.gateway_url}/healthz")
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, b"x" * 2000))
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def new_databases(server: str) -> dict[str, str]:
    """Two empty databases on that PostgreSQL server, as the children's environment."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("conveyor_wait", "prefect_wait"):
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    url = make_url(server)
    ledger, prefect = url.set(database="conveyor_wait"), url.set(database="prefect_wait")
    return {
        "CONVEYOR_LEDGER_URL": ledger.render_as_string(hide_password=False),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect.set(
            drivername="postgresql+asyncpg"
        ).render_as_string(hide_password=False),
    }


def main(folder: Path, rounds: int, postgres: str) -> None:
    """Open the office, bring three releases to their sign-offs, measure in turn."""
    office = Office(folder / "office")
    try:
        office.open(rounds, new_databases(postgres) if postgres else {})
        for number in range(1, len(KINDS) + 1):
            tale: Tale = begin(office, number)  # pyright: ignore[reportArgumentType]
            develop(office.people["dora"], tale)
        measure(office, folder, rounds)
    finally:
        office.stop()


def measure(office: Office, folder: Path, rounds: int) -> None:
    """All rounds, one decision on each release per round; print the figures."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(1, rounds + 2):
        for version, kind in KINDS.items():
            ran, called = decide(office, office.people["mara"], version, number)
            if number > 1:
                taken[kind, "running again"].append(ran)
                taken[kind, "first call"].append(called)
                print(f"{number:3} {NAMES[kind]:16} {ran:6.3f} {called:6.3f}", file=sys.stderr, flush=True)
    least = floor(office, folder, 200)
    for (kind, what), seconds in taken.items():
        report(f"decision to {what}, {NAMES[kind]}", "s", seconds, least)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--postgres", default="", help="such as postgresql+psycopg://postgres@127.0.0.1/postgres"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        main(Path(made), asked.rounds, asked.postgres)
