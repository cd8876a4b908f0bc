"""What the fork server imports before the first run, and what each process does before its first."""

import contextlib
import importlib
import pkgutil

import prefect.engine
import prefect.flow_engine
import prefect.runner
from prefect.client.orchestration import get_client

import flows

__all__ = ["prefect", "warm"]

for _module in pkgutil.iter_modules(flows.__path__):
    # A flow that cannot be imported fails in its own run, with its own error, not here.
    with contextlib.suppress(ImportError):
        importlib.import_module(f"flows.{_module.name}")


def warm() -> None:
    """Build once what every first use builds: certificates, and the clients' machinery."""
    with get_client(sync_client=True):
        pass
