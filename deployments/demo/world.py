"""The demo's world: the sandbox at once, Conveyor's processes beside it, and its people."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deployments.demo.backlog import reports
from deployments.demo.people import Person
from deployments.load import Load
from deployments.prometheus import LocalPrometheus, beside
from deployments.sandbox import SandboxVendors
from deployments.stack import Stack, free_port

_CUSTOMERS_PER_S = 20
"""Requests to production: so many that the watch's figures have something to say within its seconds."""


@dataclass
class World:
    """Everything that runs; `stop` ends it all."""

    home: Path
    jira: str = "cloud"
    backlog: Path | None = None
    vendors: SandboxVendors = field(init=False)
    stack: Stack = field(init=False)
    people: dict[str, Person] = field(init=False)
    prometheus: LocalPrometheus | None = field(init=False)
    _customers: Load | None = None
    _failure: BaseException | None = None

    def __post_init__(self) -> None:
        gateway_port = free_port()
        self.vendors = SandboxVendors(
            self.home / "sandbox",
            jira="server" if self.jira == "server" else "cloud",
            gateway_url=f"http://127.0.0.1:{gateway_port}",
            policy_out=self.home / "conveyor.yaml",
        )
        if self.backlog is not None:
            self.vendors.jira.load_backlog(reports(self.backlog, datetime.now(UTC)), "SHOP")
        self.prometheus = beside(self.vendors)
        environment = {**self.vendors.environment(), "CONVEYOR_HOME": str(self.home)}
        self.stack = Stack(self.home, environment, free_port(), gateway_port)
        self.people = {
            person.id: Person(
                person.id,
                person.name,
                person.email,
                self.vendors.tokens[person.id],
                slack=self.vendors.slack.url,
                gitlab=self.vendors.gitlab.url,
                jira=self.vendors.jira.url,
                home=self.home / "desks",
            )
            for person in self.vendors.people.values()
        }

    def start_beside(self) -> threading.Thread:
        """Bring Conveyor up in the background; `ready` waits for it and raises what went wrong."""

        def start() -> None:
            try:
                self.stack.start()
            except BaseException as error:  # noqa: BLE001 - handed to `ready`
                self._failure = error

        self._starting = threading.Thread(target=start, daemon=True)
        self._starting.start()
        return self._starting

    def ready(self) -> None:
        """Wait until Conveyor is up and production serves the first version."""
        self._starting.join()
        if self._failure is not None:
            raise self._failure
        self.vendors.wait_production()
        if self.prometheus is not None:
            self.prometheus.ready()
            self._customers = Load(self.vendors.production_url, _CUSTOMERS_PER_S)

    def stop(self) -> None:
        """End everything."""
        if self._customers is not None:
            self._customers.stop()
        self.stack.stop()
        if self.prometheus is not None:
            self.prometheus.stop()
        self.vendors.stop()
