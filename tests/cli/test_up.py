"""`conveyor up` and `conveyor reconcile`: the real processes, brought up and taken down."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.http import LOOPBACK
from tests.cli.world import Cli, Team, first_json
from tests.conftest import with_database

CONVEYOR = Path(sys.executable).parent / "conveyor"


def test_up_starts_nothing_on_a_policy_with_problems(cli: Cli) -> None:
    cli.policy.write_text("schema: 1\n")
    shutil.rmtree(cli.home / "var")
    said = cli.run("up")
    assert said.code == 1
    assert "policy check" in said.err
    assert not (cli.home / "var").exists()


def test_reconcile_needs_to_know_where_prefect_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    said = cli.run("reconcile", "--dry-run")
    assert said.code == 4
    assert "PREFECT_API_URL" in said.err


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(240)
def test_up_serves_until_ctrl_c_and_reconcile_finds_nothing_amiss(
    team: Team, tmp_path: Path, prefect_database: Path
) -> None:
    home = with_database(tmp_path / "var", prefect_database)  # the demo is what begins with none
    env = {**os.environ, **team.vendors.environment(), "CONVEYOR_HOME": str(home)}
    child = subprocess.Popen(
        [CONVEYOR, "up", "--prefect-port", "0", "--gateway-port", "0", "--json"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        up = first_json(child.stdout)
        assert httpx.get(f"{up['gateway']}/healthz", **LOOPBACK, timeout=10).status_code == 200
        there = {**env, "PREFECT_API_URL": up["PREFECT_API_URL"]}
        for how in (["--dry-run"], []):
            looked = subprocess.run(
                [CONVEYOR, "reconcile", *how], env=there, capture_output=True, text=True, check=False
            )
            assert (looked.returncode, looked.stdout) == (0, "nothing differs\n"), looked.stderr
        for name in ("control", "digest", "reconcile"):
            eventually(f"{name}'s schedule makes runs", lambda name=name: _scheduled(up, name) > 0, 60)
        os.kill(child.pid, signal.SIGINT)
        assert child.wait(timeout=60) == 0
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=60)
    for url in (up["gateway"], up["prefect"]):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, **LOOPBACK, timeout=10)


def _scheduled(up: dict[str, str], name: str) -> int:
    """How many runs of that Prefect deployment a schedule has made."""
    body = {"deployments": {"name": {"any_": [name]}}, "limit": 200}
    found = httpx.post(f"{up['PREFECT_API_URL']}/flow_runs/filter", json=body, **LOOPBACK, timeout=30)
    return sum(run["auto_scheduled"] for run in found.raise_for_status().json())
