"""The sandbox, Conveyor's three processes, and whoever starts again what has died, as systemd would."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import yaml

from deployments.demo.people import Person
from deployments.demo.world import World
from deployments.stack import Stack
from integrations.ledger import Ledger

PROCESSES = ("worker", "gateway", "server")

# One look is enough and none can be missed for good: what is tested is crashes, not the watch's own rules.
_WATCH = {
    "lasts": "6s",
    "every": "3s",
    "failures_allowed": 1,
    "max_latency_ms": 5000,
    "minimum_observations": 1,
    "missed_allowed": 2,
}
_FEEDBACK = {"after": "1s", "closes_after": "10m", "settles_after": "1s"}


class Town:
    """Everything that runs, supervised from construction until `stop`."""

    def __init__(self, home: Path) -> None:
        self.world = World(home)
        self._shorten_the_waits()
        self._over = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self.world.start_beside()
        try:
            self.world.ready()
        except BaseException:
            self.world.stop()
            raise
        self.ledger = Ledger(f"sqlite:///{home / 'ledger.db'}")
        self._supervisor.start()

    @property
    def stack(self) -> Stack:
        """Conveyor's processes."""
        return self.world.stack

    @property
    def people(self) -> dict[str, Person]:
        """The sandbox's people by slug."""
        return self.world.people

    def kill(self, name: str, *, with_children: bool = False) -> None:
        """SIGKILL one process, alone or with all that it started."""
        pid = self.stack.pid(name)
        if with_children:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End everything."""
        self._over.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        self.world.stop()

    def _supervise(self) -> None:
        start = {
            "worker": self.stack.start_worker,
            "gateway": self.stack.start_gateway,
            "server": self.stack.start_server,
        }
        while not self._over.wait(0.1):
            if name := self.stack.ended():
                self.stack.kill(name)  # takes note of what it left behind
                start[name]()

    def _shorten_the_waits(self) -> None:
        path = self.world.vendors.policy_path
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        rules["watch"]["rules"] = _WATCH
        rules["feedback"] = _FEEDBACK
        path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
