"""What the fork server has at hand before the first run, so that no run's process has to, or holds a copy."""

import contextlib
import gc
import importlib
import pkgutil

import anyio._backends._asyncio
import prefect.concurrency.services
import prefect.engine
import prefect.flow_engine
import prefect.runner
import prefect.task_engine
import prefect.utilities.visualization

import flows
from tasks import backlog, context

__all__ = ["anyio", "prefect"]

for _module in pkgutil.iter_modules(flows.__path__):
    # A flow that cannot be imported fails in its own run, with its own error, not here.
    with contextlib.suppress(ImportError):
        importlib.import_module(f"flows.{_module.name}")

# The requester is answered with what is alike: no run has to read the whole backlog first. Without a policy
# or a ledger each run says by itself what is wrong.
with contextlib.suppress(Exception):
    context.policy()
    backlog.prepare_comparing()
    context.ledger().close()

# What is here stays: a fork that collects garbage would copy every page of it by looking at it.
gc.collect()
gc.freeze()
