"""A Prometheus beside the sandbox, as the demo has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deployments import prometheus
from deployments.prometheus import LocalPrometheus
from deployments.sandbox import SandboxVendors
from integrations.errors import Transient
from lifecycle.policy import Policy
from tests.watching.world import program


@pytest.fixture
def installed() -> str:
    return program()


def test_the_sandbox_policy_asks_a_prometheus_if_there_is_one_to_scrape_its_production(
    installed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "conveyor.yaml"
    vendors = SandboxVendors(tmp_path / "sandbox", gateway_url="http://127.0.0.1:1", policy_out=policy)
    try:
        with monkeypatch.context() as bare:
            bare.setenv("PATH", str(tmp_path))
            assert prometheus.beside(vendors) is None
        assert Policy.model_validate(yaml.safe_load(policy.read_text())).watch.metrics == ()
        assert vendors.environment()["CONVEYOR_PROMETHEUS_URL"] == ""
        beside = prometheus.beside(vendors)
        assert beside is not None
        try:
            vendors.wait_production()
            beside.ready()
            assert vendors.environment()["CONVEYOR_PROMETHEUS_URL"] == beside.url
            metrics = Policy.model_validate(yaml.safe_load(policy.read_text())).watch.metrics
            assert [metric.name for metric in metrics] == ["errors", "p95"]
        finally:
            beside.stop()
    finally:
        vendors.stop()


def test_a_prometheus_that_ends_or_finds_nobody_is_said_so(installed: str, tmp_path: Path) -> None:
    nobody = LocalPrometheus(tmp_path / "one", installed, {"production": "http://127.0.0.1:1"}, "shop")
    with pytest.raises(Transient, match="not yet"):
        nobody.ready(within_s=1)
    nobody.stop()
    with pytest.raises(Transient, match="it ended"):
        nobody.ready()
    nobody.stop()
