"""Prefect's server, a worker that forks and the sender, as processes; seen over HTTP and in the ledger."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from deployments.demo.waiting import eventually
from deployments.stack import POOL, ROOT, Stack, free_port
from integrations.ledger import Event, Ledger, NewEvent
from integrations.sandbox.http import LOOPBACK

DEADLINE_S = 180
"""How long anything may take on a machine that is busy with something else."""

Json = dict[str, Any]


class Town:
    """The processes; `subject` makes a new toy, `decide` tells it something."""

    def __init__(self, home: Path) -> None:
        self.ledger = Ledger(f"sqlite:///{home / 'ledger.db'}")
        self.ledger.upgrade()
        env = {
            "CONVEYOR_HOME": str(home),
            "CONVEYOR_POLICY": str(home / "no-policy.yaml"),
            "PREFECT_UI_ENABLED": "false",
            # Conveyor's own flows have nothing to do here.
            "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
        }
        self.stack = Stack(home, env, free_port(), free_port())
        self._http = httpx.Client(base_url=self.stack.api_url, timeout=30, **LOOPBACK)
        self._numbers = count(1)

    def start(self) -> None:
        """Bring everything up."""
        self.stack.start_server()
        self.stack.wait_for_server()
        self.stack.register()
        self._register_toys()
        self.stack.start_worker()
        self.start_sender()

    def start_sender(self) -> None:
        """Start the sender."""
        self.stack.spawn("gateway", [sys.executable, "-m", "tests.flows.waking.toysender"])

    @contextmanager
    def second_worker(self) -> Generator[None]:
        """Another worker of the pool, as on another machine."""
        before = len(self._workers())
        self.stack.start_worker("second")
        eventually("the second worker is there", lambda: len(self._workers()) > before, DEADLINE_S)
        try:
            yield
        finally:
            self.stack.kill("second")

    def _workers(self) -> list[Json]:
        return self.api("POST", f"work_pools/{POOL}/workers/filter", limit=10)

    def stop(self) -> None:
        """End everything."""
        self.stack.stop()
        self._http.close()
        self.ledger.close()

    def _register_toys(self) -> None:
        """Two for the worker, one of them with variables of its own; one in a pool where nobody works."""
        self.api("POST", "work_pools/", name="nobody", type="process")
        flow = self.api("POST", "flows/", name="toy")["id"]
        own = {"env": {"TOY_OWN": "yes", "PYTHONPATH": str(ROOT)}}
        for name, pool, variables in (("toy", POOL, {}), ("own", POOL, own), ("crowd", "nobody", {})):
            self.api(
                "POST",
                "deployments/",
                name=name,
                flow_id=flow,
                entrypoint="tests.flows.waking.toyflow.toy",
                work_pool_name=pool,
                pull_steps=[],
                job_variables=variables,
                enforce_parameter_schema=False,
            )

    def api(self, method: str, path: str, **body: object) -> Any:
        """Ask Prefect; a locked database (503) is asked again, as Prefect's own client does."""

        def ask() -> httpx.Response | None:
            answer = self._http.request(method, f"/{path}", json=body or None)
            return None if answer.status_code == 503 else answer

        answer = eventually(f"Prefect answers {method} {path}", ask, 30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    # What is told

    def subject(self, kind: str = "toy", **orders: object) -> str:
        """A new toy, not woken yet."""
        subject = f"{kind}:{next(self._numbers)}"
        self.tell(subject, "Born")
        if orders:
            self.tell(subject, "Order", wake=False, **orders)
        return subject

    def tell(self, subject: str, kind: str, *, wake: bool = False, **data: object) -> datetime:
        """Record a fact; when that was."""
        now = datetime.now(UTC)
        event = NewEvent(kind, f"{subject}:{kind}:{next(self._numbers)}", data)
        self.ledger.append(subject, [event], now=now, wake=wake)
        return now

    def decide(self, subject: str) -> datetime:
        """Record a decision that the toy waits for; when that was."""
        return self.tell(subject, "Decided", wake=True)

    def end(self, subject: str) -> None:
        """Let it end, and wait until it has."""
        self.tell(subject, "End", wake=True)
        self.settled(subject, "COMPLETED")

    # What is seen

    def run_id(self, subject: str) -> str:
        """The run on record; waits for the first one."""
        return eventually(f"{subject} has a run", lambda: self.ledger.wakeup(subject).run_id, DEADLINE_S)

    def run(self, run_id: str) -> Json:
        """The flow run."""
        return self.api("GET", f"flow_runs/{run_id}")

    def runs(self, subject: str) -> list[Json]:
        """Every run of the subject, the oldest first."""
        body = {"flow_runs": {"tags": {"all_": [subject]}}, "sort": "START_TIME_ASC", "limit": 200}
        return sorted(self.api("POST", "flow_runs/filter", **body), key=lambda run: run["created"])

    def settled(self, subject: str, kind: str = "SCHEDULED", decided: int = 0) -> Json:
        """Wait until the run on record is of that state, nothing is pending and the decisions are carried."""

        def look() -> Json | None:
            wakeup = self.ledger.wakeup(subject)
            if wakeup.pending or wakeup.run_id is None or self.ledger.lease(subject) is not None:
                return None
            if self.seen(subject) < decided:
                return None
            run = self.run(wakeup.run_id)
            return run if run["state"]["type"] == kind else None

        return eventually(f"{subject} is {kind}, {decided} decided", look, DEADLINE_S)

    def state(self, run_id: str, state: Mapping[str, object], *, force: bool = True) -> Json:
        """Put a run into a state, as the UI does; what Prefect made of it."""
        return self.api("POST", f"flow_runs/{run_id}/set_state", state=dict(state), force=force)

    def in_state(self, run_id: str, *kinds: str) -> Json:
        """Wait until the run is in one of these states."""

        def look() -> Json | None:
            run = self.run(run_id)
            return run if run["state"]["type"] in kinds or run["state"]["name"] in kinds else None

        return eventually(f"{run_id} is {' or '.join(kinds)}", look, DEADLINE_S)

    def states(self, run_id: str) -> list[str]:
        """The names of the states it went through."""
        found = self.api("GET", f"flow_run_states/?flow_run_id={run_id}")
        return [state["name"] for state in sorted(found, key=lambda state: state["timestamp"])]

    def steps(self, run_id: str, least: int) -> list[str]:
        """The names of its task runs, once there are so many: Prefect hears of them by events."""
        body = {"flow_runs": {"id": {"any_": [run_id]}}}

        def look() -> list[str] | None:
            names = sorted(task["name"] for task in self.api("POST", "task_runs/filter", **body))
            return names if len(names) >= least else None

        return eventually(f"{least} steps of {run_id}", look, DEADLINE_S)

    def walked(self, subject: str) -> tuple[Event, ...]:
        """What the processes put on record of their walks."""
        return self.ledger.events(f"walked:{subject}")

    def begun(self, subject: str, times: int = 1) -> Event:
        """Wait until so many processes have begun to walk; the last one's note."""
        return eventually(
            f"{subject} is walked {times} times",
            lambda: (self._notes(subject, "begun")[times - 1 :] or [None])[0],
            DEADLINE_S,
        )

    def seen(self, subject: str) -> int:
        """How many decisions the last walk saw that came to its end."""
        return max((int(str(note.data["decided"])) for note in self._notes(subject, "ended")), default=0)

    def _notes(self, subject: str, what: str) -> list[Event]:
        return [event for event in self.walked(subject) if event.data["what"] == what]


def overlaps(notes: Iterable[Event]) -> list[str]:
    """Walks that began before another one, of a process that lived on, had ended."""
    found: list[str] = []
    under_way: set[object] = set()
    ended = {note.data["walk"] for note in notes if note.data["what"] == "ended"}
    for note in notes:
        walk = note.data["walk"]
        if note.data["what"] == "ended":
            under_way.discard(walk)
            continue
        found += [f"{walk} began while {other} was under way" for other in under_way]
        if walk in ended:
            under_way.add(walk)
    return found
