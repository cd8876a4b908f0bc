"""What the fork server imports before the first run: Prefect's engine and every flow."""

import contextlib
import importlib
import pkgutil

import prefect.engine
import prefect.flow_engine
import prefect.runner

import flows

__all__ = ["prefect"]

for _module in pkgutil.iter_modules(flows.__path__):
    # A flow that cannot be imported fails in its own run, with its own error, not here.
    with contextlib.suppress(ImportError):
        importlib.import_module(f"flows.{_module.name}")
