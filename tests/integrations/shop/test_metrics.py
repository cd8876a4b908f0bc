"""Prometheus can read what the shop tells of itself."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from integrations.sandbox.shop import template_dir

ASKED = r"""
from shop.metrics import Metrics

metrics = Metrics()
for method, path, status, seconds in (("GET", "/", 200, 0.003), ('PA"INT', 'a"b\\', 404, 3)):
    metrics.began()
    metrics.observe(method, path, status, seconds)
print(metrics.text(version='1.3.0"', sha="a\nb"), end="")
"""


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_own_check_has_nothing_to_say_whatever_was_asked_for() -> None:
    told = subprocess.run(
        [sys.executable, "-S", "-B", "-c", ASKED], cwd=template_dir(), check=True, capture_output=True
    ).stdout
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=told, capture_output=True, text=False, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    assert b'shop_request_seconds_bucket{method="GET",path="/",le="0.005"} 1\n' in told
    assert b"shop_requests_in_flight 0\n" in told
