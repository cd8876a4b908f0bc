"""A real Prometheus on this machine that scrapes the shop, for the demo and the tests.

It is the program of Debian's package `prometheus` on a port and a folder of its own; the packaged service
is not used.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import yaml

from deployments import sandbox_policy
from deployments.sandbox import SandboxVendors
from deployments.stack import free_port
from integrations.errors import Transient
from integrations.sandbox.http import LOOPBACK

_GONE_WITHIN_S = 10.0


def program() -> str | None:
    """Where Prometheus is; None on a machine without it."""
    return shutil.which("prometheus")


class LocalPrometheus:
    """Scrapes `targets` (environment -> address) every second as one job, from construction until `stop`.

    Everything is kept below `home`. `program` is the executable; see `program()`.
    """

    def __init__(self, home: Path, program: str, targets: Mapping[str, str], job: str) -> None:
        self._targets = len(targets)
        self._job = job
        self._log = home / "prometheus.log"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        home.mkdir(parents=True, exist_ok=True)
        config = home / "prometheus.yml"
        config.write_text(yaml.safe_dump(_config(targets, job)), encoding="utf-8")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={home / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self, within_s: float = 60) -> None:
        """Return as soon as every target is up for it.

        Raises:
            Transient: not within `within_s`, or Prometheus has ended; its log says why.
        """
        deadline = time.monotonic() + within_s
        while self._up() < self._targets:
            if self._process.poll() is not None:
                raise Transient("prometheus", "start", self.url, detail=f"it ended; see {self._log}")
            if time.monotonic() > deadline:
                raise Transient("prometheus", "scrape", self._job, detail=f"not yet; see {self._log}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it; a second call does nothing."""
        self._process.terminate()
        try:
            self._process.wait(timeout=_GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _up(self) -> int:
        """How many targets answered their last scrape."""
        query = {"query": f'sum(up{{job="{self._job}"}})'}
        try:
            answer = httpx.get(f"{self.url}/api/v1/query", params=query, timeout=2, **LOOPBACK)
        except httpx.HTTPError:
            return 0
        rows = answer.json()["data"]["result"] if answer.status_code == 200 else []
        return int(rows[0]["value"][1]) if rows else 0


def beside(vendors: SandboxVendors) -> LocalPrometheus | None:
    """Start one that scrapes the sandbox's shop, and have the watch ask it; None where it is not installed.

    It is `ready` some seconds after production serves.
    """
    found = program()
    if found is None:
        return None
    started = LocalPrometheus(
        vendors.home / "prometheus", found, {"production": vendors.production_url}, sandbox_policy.PROJECT
    )
    vendors.watch_by(started.url)
    return started


def _config(targets: Mapping[str, str], job: str) -> dict[str, object]:
    statics = [
        {"targets": [urlsplit(url).netloc], "labels": {"environment": environment}}
        for environment, url in targets.items()
    ]
    every = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    return {"global": every, "scrape_configs": [{"job_name": job, "static_configs": statics}]}
