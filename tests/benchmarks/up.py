"""How soon Conveyor is up on the databases of an earlier day: `python -m tests.benchmarks.up [--rounds N]`.

`conveyor up` is started on what its first start left behind. One JSON line per measure, in seconds: until it
says that it is ready, and until Prefect calls its worker online. The floor is Prefect's server alone, started
on the same database, until it answers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from deployments.demo.waiting import eventually
from deployments.sandbox import SandboxVendors
from deployments.stack import POOL, ROOT, Stack, free_port
from integrations.sandbox.http import LOOPBACK
from tests.benchmarks.report import report

PATIENCE_S = 120
CONVEYOR = (sys.executable, "-m", "deployments.cli.main")


@contextlib.contextmanager
def up(environment: dict[str, str], gateway_port: int) -> Iterator[dict[str, Any]]:
    """`conveyor up`, ended again afterwards; what it prints once it is ready."""
    command = [*CONVEYOR, "up", "--json", "--prefect-port", "0", "--gateway-port", str(gateway_port)]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield _first_document(running)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()


def _first_document(running: subprocess.Popen[str]) -> dict[str, Any]:
    text = ""
    for line in running.stdout or ():
        text += line
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(text)
    raise SystemExit(f"conveyor up ended: {text}")


def online(api: str) -> bool:
    """Prefect calls a worker of the pool online."""
    found = httpx.post(f"{api}/work_pools/{POOL}/workers/filter", json={}, timeout=10, **LOOPBACK)
    return any(worker["status"] == "ONLINE" for worker in found.raise_for_status().json())


def server_alone(environment: dict[str, str], home: Path) -> float:
    """Seconds until Prefect's server answers."""
    stack = Stack(home, environment, free_port(), free_port())
    began = time.monotonic()
    try:
        stack.start_server()
        stack.wait_for_server()
        return time.monotonic() - began
    finally:
        stack.stop()


def main(folder: Path, rounds: int) -> None:
    """Start the sandbox, start Conveyor once, then measure."""
    gateway = free_port()
    policy, home = folder / "conveyor.yaml", folder / "home"
    vendors = SandboxVendors(folder / "sandbox", gateway_url=f"http://127.0.0.1:{gateway}", policy_out=policy)
    environment = {**os.environ, **vendors.environment(), "CONVEYOR_HOME": str(home)}
    ready: list[float] = []
    working: list[float] = []
    floor: list[float] = []
    try:
        for number in range(rounds + 1):
            began = time.monotonic()
            with up(environment, gateway) as urls:
                ready.append(time.monotonic() - began)
                api = urls["PREFECT_API_URL"]
                eventually("the worker is online", lambda api=api: online(api), PATIENCE_S)
                working.append(time.monotonic() - began)
            floor.append(server_alone(environment, home))
            print(f"round {number}: {ready[-1]:.1f} s", file=sys.stderr, flush=True)
    finally:
        vendors.stop()
    alone = statistics.median(floor[1:])
    report("conveyor up on an empty database, until it is ready", "s", ready[:1])
    report("conveyor up on an existing database, until it is ready", "s", ready[1:], alone)
    report("… until its worker is online", "s", working[1:], alone)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    with tempfile.TemporaryDirectory() as made:
        main(Path(made), parser.parse_args().rounds)
