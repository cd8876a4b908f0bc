"""What the tests marked `prefect` share: a migrated database, and a server for the flows that they call."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.stack import Stack, free_port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take longest begins first, so that xdist's workers end together."""
    items.sort(key=_patience, reverse=True)


def _patience(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@pytest.fixture(scope="session")
def prefect_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefect's empty database, migrated once per run: on a copy of it a server starts at half the cost."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    home = shared / "migrated"
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            making = own / "migrating"
            command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
            subprocess.run(command, env={**os.environ, "PREFECT_HOME": str(making)}, check=True)
            making.rename(home)
    return home / "prefect.db"


def with_database(home: Path, database: Path) -> Path:
    """The home of a stack whose server finds that database; `home` again."""
    (home / "prefect").mkdir(parents=True, exist_ok=True)
    shutil.copy(database, home / "prefect" / "prefect.db")
    return home


@pytest.fixture(scope="session")
def prefect_server(prefect_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server, and nothing beside it."""
    home = with_database(tmp_path_factory.mktemp("prefect"), prefect_database)
    stack = Stack(home, {"PREFECT_UI_ENABLED": "false"}, free_port(), free_port())
    stack.start_server()
    try:
        stack.wait_for_server()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def prefect(prefect_server: Stack) -> Iterator[None]:
    """Flows that are called in this process are runs of the one server."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import (
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
        temporary_settings,
    )

    told = prefect_server.environment()
    as_children_do = (PREFECT_API_URL, PREFECT_API_SSL_CERT_FILE, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED)
    with temporary_settings({setting: told[setting.name] for setting in as_children_do}):
        yield
        APILogWorker.instance().drain()
        EventsWorker.drain_all()
