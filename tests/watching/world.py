"""A shop in production with customers, and the real Prometheus that watches it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deployments import prometheus
from deployments.demo.waiting import eventually
from deployments.load import Load
from deployments.prometheus import LocalPrometheus
from deployments.stack import free_port
from integrations.prometheus import Prometheus
from integrations.sandbox import shop
from integrations.sandbox.http import LOOPBACK
from integrations.settings import PrometheusSettings
from tests.watching.database import migrated

PER_SECOND = 40
ENOUGH = 3 * PER_SECOND
"""Requests of three seconds."""


class Watched:
    """`url` is production's; its versions follow each other on one port, as deployments do."""

    def __init__(self, home: Path, program: str) -> None:
        self._home = home
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self._database = migrated(home / "shop.db", shop.template_dir())
        self.deploy(broken=False)
        self.load = Load(self.url, PER_SECOND)
        self.prometheus = LocalPrometheus(home / "prometheus", program, {"production": self.url}, "shop")
        self.prometheus.ready()

    def deploy(self, *, broken: bool) -> datetime:
        """Have a version serve in place of the one before, and say since when.

        The broken one lacks a setting: a cart with something in it answers 500, all else is well.
        """
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
        given = {"SHOP_DATABASE": str(self._database)}
        if not broken:
            given |= {"SHOP_SHIPPING_CENTS": "490"}
        with (self._home / "shop.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-B", "serve.py", "--port", str(self._port)],
                cwd=shop.template_dir(),
                env={"PATH": os.environ["PATH"], "SHOP_ENV": "production", **given},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually("the shop serves", self._serves, 20)
        return datetime.now(UTC)

    def replace(self, *, broken: bool) -> tuple[datetime, datetime]:
        """Replace a version that was well for seconds: when that began, since when the new one serves."""
        self.counted(self.deploy(broken=False), ENOUGH)
        begun = datetime.now(UTC)
        live = self.deploy(broken=broken)
        self.counted(live, ENOUGH)
        return begun, live

    def client(self) -> Prometheus:
        """Conveyor's own client for it."""
        return Prometheus(PrometheusSettings(url=self.prometheus.url))

    def counted(self, since: datetime, at_least: int) -> None:
        """Wait until Prometheus, which scrapes each second, has counted so many requests after `since`."""

        def seen() -> bool:
            now = datetime.now(UTC)
            window = int((now - since).total_seconds())
            total = f'sum(increase(shop_requests_total{{path!~"/metrics|/healthz"}}[{window}s]))'
            return window > 0 and (self.client().number(total, now) or 0) >= at_least

        eventually(f"{at_least} requests are counted", seen, 60)

    def stop(self) -> None:
        self.load.stop()
        self.prometheus.stop()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _serves(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2, **LOOPBACK).status_code == 200
        except httpx.HTTPError:
            return False


def program() -> str:
    """Where Prometheus is; on a machine without it the test is skipped and says so, but fails in CI."""
    found = prometheus.program()
    if found is None and os.environ.get("CONVEYOR_TEST_PROMETHEUS") == "required":
        pytest.fail("prometheus is not installed")
    if found is None:
        pytest.skip("prometheus is not installed")
    return found
