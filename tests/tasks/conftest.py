"""A ledger and a policy of the test's own; no vendor and no Prefect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.ledger import Ledger
from integrations.settings import settings
from tasks import context
from tests.cli.world import policy_data
from tests.ledgers import lay


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """This process's ledger, empty; the demo's policy."""
    monkeypatch.setenv("CONVEYOR_HOME", str(tmp_path))
    monkeypatch.setenv("CONVEYOR_POLICY", str(tmp_path / "conveyor.yaml"))
    (tmp_path / "conveyor.yaml").write_text(json.dumps(policy_data()))
    lay(tmp_path)
    for remembered in (settings, context.ledger):
        remembered.cache_clear()
    yield context.ledger()
    for remembered in (settings, context.ledger):
        remembered.cache_clear()
