"""Stand-ins for Prefect's API and the command `conveyor`: they say what they are told to say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from integrations.sandbox.http import Server

Json = dict[str, Any]


class Prefect:
    """Answers Prefect's filters with `rows` of that name, and the states of a run with `states`."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Json]] = {
            name: [] for name in ("flows", "flow_runs", "task_runs", "artifacts")
        }
        self.rows["artifacts/latest"] = self.rows["artifacts"]
        self.states: dict[str, list[Json]] = {}
        routes = [
            Route("/{name:path}/filter", self._filter, methods=["POST"]),
            Route("/flow_run_states/", self._states),
        ]
        self._server = Server(Starlette(routes=routes))
        self.url = self._server.url

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    async def _filter(self, request: Request) -> JSONResponse:
        asked = await request.json()
        rows = self.rows[request.path_params["name"]]
        return JSONResponse(rows[asked["offset"] : asked["offset"] + asked["limit"]])

    async def _states(self, request: Request) -> JSONResponse:
        return JSONResponse(self.states[request.query_params["flow_run_id"]])

    def run(self, flow: str, name: str, ending: str, *, creator: str = "", waits: Iterable[str] = ()) -> str:
        """Add a completed run of a flow; its id. A wait is its name, or `name: why`."""
        run_id, number = f"run-{len(self.rows['flow_runs']) + 1}", f"flow-{flow}"
        if all(row["id"] != number for row in self.rows["flows"]):
            self.rows["flows"].append({"id": number, "name": flow})
        self.rows["flow_runs"].append(
            {
                "id": run_id,
                "name": name,
                "flow_id": number,
                "state_type": "COMPLETED",
                "state_name": ending,
                "start_time": f"2026-01-01T00:00:{len(self.rows['flow_runs']):02d}Z",
                "auto_scheduled": False,
                "deployment_id": f"deployment-{flow}",
                "created_by": {"type": "AUTOMATION"} if creator == "automation" else None,
                "work_pool_name": "conveyor",
                "labels": {"prefect.worker.name": "conveyor"},
                "run_count": 1,
            }
        )
        told = ["Scheduled", *(word for wait in waits for word in ("Pending", "Running", wait)), ending]
        self.states[run_id] = [
            {"name": name, "message": why, "timestamp": f"2026-01-01T00:{number:02d}:00Z"}
            for number, (name, _, why) in enumerate(word.partition(": ") for word in told)
        ][::-1]
        self.task(run_id, f"step of {name}")
        return run_id

    def task(self, run_id: str, name: str, state: str = "COMPLETED") -> None:
        """Add a task run."""
        self.rows["task_runs"].append(
            {"flow_run_id": run_id, "name": name, "state_type": state, "state_name": state.capitalize()}
        )

    def artifact(self, run_id: str, key: str, data: str, kind: str = "markdown") -> None:
        """Add an artifact's latest version."""
        self.rows["artifacts"].append({"flow_run_id": run_id, "key": key, "type": kind, "data": data})

    def find(self, name: str) -> Json:
        """The run of that name."""
        return next(row for row in self.rows["flow_runs"] if row["name"] == name)


def write_command(folder: Path) -> Path:
    """A program that prints the file $SAID/FIRST-ARGUMENTS and ends with what stands in its first line."""
    path = folder / "conveyor.py"
    path.write_text(
        "import os, sys\n"
        "words = [word for word in sys.argv[1:] if not word.startswith('-')]\n"
        "with open(os.path.join(os.environ['SAID'], '-'.join(words))) as file:\n"
        "    code, _, text = file.read().partition('\\n')\n"
        "sys.stdout.write(text)\n"
        "sys.exit(int(code))\n"
    )
    return path


def chained(events: Iterable[tuple[str, str, Json]]) -> list[Json]:
    """An export's lines: (subject, kind, payload), each with the hash of the one before."""
    lines: list[Json] = []
    head = "0" * 64
    for seq, (subject, kind, payload) in enumerate(events, 1):
        line: Json = {
            "seq": seq,
            "at": "2026-01-01T00:00:00.000000Z",
            "kind": kind,
            "key": f"{subject}:{kind}:{seq}",
            "data": {"payload": payload, "revision": seq, "subject": subject},
            "prev": head,
        }
        head = hashlib.sha256((head + canonical(line)).encode()).hexdigest()
        lines.append({**line, "hash": head})
    return lines


def canonical(line: Json) -> str:
    """As the ledger writes it."""
    return json.dumps(line, sort_keys=True, separators=(",", ":"))
