"""Fixtures of the command line's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from deployments.sandbox import SandboxVendors
from integrations.settings import settings
from tasks import context
from tests.cli.world import Cli, Team, policy_data
from tests.ledgers import lay


@pytest.fixture
def fresh_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """The process's own settings, ledger and policy are read anew from the environment."""

    def forget() -> None:
        settings.cache_clear()
        context.ledger.cache_clear()
        # Each thread keeps its clients, and those their address.
        vars(context._local).clear()

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONVEYOR_PERSON", raising=False)
    monkeypatch.setenv("CONVEYOR_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("CONVEYOR_POLICY", str(tmp_path / "conveyor.yaml"))
    lay(tmp_path / "var")
    forget()
    yield forget
    forget()


@pytest.fixture
def cli(tmp_path: Path, fresh_settings: object, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.policy.write_text(yaml.safe_dump(policy_data()))
    return made


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    home = tmp_path_factory.mktemp("sandbox")
    nobody = "http://127.0.0.1:1"
    made = Team(SandboxVendors(home, gateway_url=nobody, policy_out=home / "conveyor.yaml"))
    made.vendors.wait_production()
    yield made
    made.stop()


@pytest.fixture
def shop(
    cli: Cli, team: Team, monkeypatch: pytest.MonkeyPatch, fresh_settings: Callable[[], None], tmp_path: Path
) -> Cli:
    """The command line with the sandbox's vendors and policy, and a ledger of its own."""
    for name, value in {**team.vendors.environment(), "CONVEYOR_HOME": str(tmp_path / "var")}.items():
        monkeypatch.setenv(name, value)
    fresh_settings()
    return cli
