"""Prefect's server, a worker and the gateway as child processes: `conveyor up`, the demo and the tests.

Nothing here imports Prefect, so that a command line starts at once while the servers come up beside it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import certifi
import httpx

from integrations.errors import Transient

ROOT = Path(__file__).resolve().parent.parent
"""Where prefect.yaml stands and the flows are imported from."""

POOL = "conveyor"

_PREFECT = (sys.executable, "-m", "prefect")


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Stack:
    """The processes, their ports and their environment; logs go to `home/logs`.

    `env` is added to this process's environment for all children: it carries the `CONVEYOR_*` settings.
    """

    home: Path
    env: Mapping[str, str]
    prefect_port: int
    gateway_port: int
    worker_type: str = "conveyor"
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _orphaned: list[int] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        """Prefect's API."""
        return f"http://127.0.0.1:{self.prefect_port}/api"

    @property
    def ui_url(self) -> str:
        """Prefect's UI."""
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def gateway_url(self) -> str:
        """The gateway's own address."""
        return f"http://127.0.0.1:{self.gateway_port}"

    def environment(self) -> dict[str, str]:
        """What the children see."""
        return {
            **os.environ,
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_LOGGING_INTERNAL_LEVEL": "ERROR",
            # Its waits double, 2 s to 2^n: nobody must sleep for half a minute after the server is back.
            "PREFECT_CLIENT_MAX_RETRIES": "3",
            # Each client would ask for a token first, of a server that asks for none.
            "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
            # Nor need it load all the world's authorities, 40 ms of CPU: there is no TLS here.
            "PREFECT_API_SSL_CERT_FILE": str(self._authority()),
            "PREFECT_CLI_PROMPT": "false",
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "CONVEYOR_PREFECT_UI_URL": self.ui_url,
            "CONVEYOR_GATEWAY_PORT": str(self.gateway_port),
            "CONVEYOR_PUBLIC_URL": self.gateway_url,
            **self.env,
        }

    def _authority(self) -> Path:
        """A file with a single authority."""
        path = self.home / "authority.pem"
        if not path.exists():
            first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
            self.home.mkdir(parents=True, exist_ok=True)
            path.write_text(first + end)
        return path

    def start_server(self) -> None:
        """Start Prefect's server; `wait_for_server` says when it answers."""
        self.spawn(
            "server",
            [*_PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(self.prefect_port)],
        )

    def start_gateway(self) -> None:
        """Start the gateway."""
        self.spawn("gateway", [sys.executable, "-m", "deployments.gateway"])

    def start_worker(self, name: str = "worker") -> None:
        """Start the worker, or one more of another `name`; it takes what is in the pool."""
        called = "conveyor" if name == "worker" else f"conveyor-{name}"
        self.spawn(
            name,
            [*_PREFECT, "worker", "start", "--pool", POOL, "--type", self.worker_type, "--name", called],
        )

    def register(self) -> None:
        """Register the pool and every Prefect deployment; a repeat changes nothing.

        Raises:
            Transient: Prefect refused; its own words are in `logs/`.
        """
        self._begin_to_register()
        self._end_of_registering()

    def _begin_to_register(self) -> None:
        self.spawn("register", [sys.executable, "-m", "deployments.register", self.worker_type])

    def _end_of_registering(self) -> None:
        if self._children["register"].wait() != 0:
            raise Transient("prefect", "register", POOL, detail=f"see {self.log_of('register')}")
        del self._children["register"]

    def start(self) -> None:
        """Bring everything up, the gateway and the server side by side, and return when all is ready."""
        gateway = threading.Thread(target=self.start_gateway)
        gateway.start()
        self.start_server()
        self.wait_for_server()
        self._begin_to_register()
        self.wait_for(f"{self.api_url}/work_pools/{POOL}", "register")
        self.start_worker()  # it takes as long to come up as the deployments to be registered
        self._end_of_registering()
        gateway.join()
        self.wait_for(f"{self.gateway_url}/healthz", "gateway")

    def wait_for_server(self, within_s: float = 120) -> None:
        """Wait until Prefect's API answers."""
        self.wait_for(f"{self.api_url}/health", "server", within_s)

    def wait_for(self, url: str, name: str, within_s: float = 60) -> None:
        """Wait until `url` answers 200.

        Raises:
            Transient: it did not within `within_s`, or its process has ended.
        """
        deadline = time.monotonic() + within_s
        # One client for all looks: making one costs 40 ms of the CPU that those who are coming up need.
        with httpx.Client(timeout=2, trust_env=False) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    if client.get(url).status_code == 200:
                        return
                child = self._children.get(name)
                if child is not None and child.poll() is not None:
                    raise Transient(name, "start", url, detail=f"it ended; see {self.log_of(name)}")
                time.sleep(0.1)
        raise Transient(name, "start", url, detail=f"not ready; see {self.log_of(name)}")

    def spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a child in its own process group, its output appended to its log."""
        self.log_of(name).parent.mkdir(parents=True, exist_ok=True)
        with self.log_of(name).open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = child
        return child

    def log_of(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.home / "logs" / f"{name}.log"

    def pid(self, name: str) -> int:
        """The child's process id."""
        return self._children[name].pid

    def ended(self) -> str:
        """The name of a child that has ended by itself; "" while all of them run."""
        return next((name for name, child in self._children.items() if child.poll() is not None), "")

    def kill(self, name: str) -> None:
        """SIGKILL one child alone, as a crash would; its own children live on until `stop`."""
        child = self._children.pop(name)
        child.kill()
        child.wait()
        self._orphaned.append(child.pid)

    def stop(self) -> None:
        """End all children and what they started; a second call does nothing."""
        for name in ("worker", "gateway", "server"):
            child = self._children.pop(name, None)
            if child is not None:
                _end(child)
        while self._orphaned:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._orphaned.pop(), signal.SIGKILL)


def _end(child: subprocess.Popen[bytes], grace_s: float = 5) -> None:
    """Ask the whole process group to end, then make it."""
    for wanted in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(child.pid, wanted)
        except ProcessLookupError:
            break
        try:
            child.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            continue
    child.wait()
