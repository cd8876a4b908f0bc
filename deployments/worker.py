"""A Prefect worker whose run processes are forked from a parent that has everything imported.

`prefect worker start --type conveyor`: what a stock process worker does, states, logs, cancellation and
crash detection included; only the start of a process differs. A stock one starts a new Python and imports
Prefect and the flows, seconds of a whole core each time; here a fork server has done so once.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import warnings
from typing import Any

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.flows import load_flow_from_flow_run
from prefect.runner._control_channel import ControlChannel
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["deployments.preload"])


def _warm_up() -> None:
    first = _FORKS.Process(target=os.getpid, name="warm-up")
    first.start()
    first.join()


class ForkStarter:
    """Starts a run in a process forked from the fork server; see Prefect's own `ProcessStarter`."""

    def __init__(self, environment: dict[str, str], control: ControlChannel | None) -> None:
        self._environment = environment
        self._control = control

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Fork, say so, and return when the process has ended."""
        environment = {**self._environment, **self._cancellable(flow_run)}
        process = _FORKS.Process(target=execute, args=(str(flow_run.id), environment), name=flow_run.name)
        try:
            await anyio.to_thread.run_sync(process.start)
            task_status.started(ProcessHandle(process))  # pyright: ignore[reportArgumentType]
            await anyio.wait_readable(process.sentinel)
            await anyio.to_thread.run_sync(process.join)
        finally:
            if self._control is not None:
                self._control.unregister(flow_run.id)

    def _cancellable(self, flow_run: FlowRun) -> dict[str, str]:
        """How the child hears that it is cancelled and not merely killed."""
        if self._control is None:
            return {}
        try:
            port, token = self._control.register(flow_run.id)
        except RuntimeError:
            return {}  # no channel: cancellation kills, as in Prefect's own starter
        return {"PREFECT__CONTROL_PORT": str(port), "PREFECT__CONTROL_TOKEN": token}


def execute(flow_run_id: str, environment: dict[str, str]) -> None:
    """What the forked process does: exactly `python -m prefect.engine`, without the start of a Python."""
    os.environ.update(environment)
    os.environ["PREFECT__FLOW_RUN_ID"] = flow_run_id
    sys.argv = ["prefect.engine", flow_run_id]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it is imported already, that is the point
        runpy.run_module("prefect.engine", run_name="__main__")


class ConveyorWorker(ProcessWorker):
    """The worker of type `conveyor`."""

    type = "conveyor"
    _description = "Executes flow runs in processes forked from a warm parent."
    _display_name = "Conveyor"
    _logo_url = ""
    _documentation_url = ""

    async def setup(self) -> None:
        """Claim no run before one can be forked: the fork server's imports take a while."""
        await anyio.to_thread.run_sync(_warm_up)
        await super().setup()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """Execute the run in a forked process; as `ProcessWorker.run`, with another starter."""
        environment = {name: value for name, value in configuration.env.items() if value is not None}
        done: FlowRunExecutionResult | None = None
        async with FlowRunExecutorContext() as context:
            starter = ForkStarter(
                {**environment, "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false"},
                context.control_channel,
            )
            executor = context.create_executor(
                flow_run, starter, resolve_flow=load_flow_from_flow_run, propose_submitting=False
            )

            async def execute_run(
                *, task_status: anyio.abc.TaskStatus[Any] = anyio.TASK_STATUS_IGNORED
            ) -> None:
                nonlocal done
                done = await executor.submit(task_status=task_status)

            async with anyio.create_task_group() as group:
                handle = await group.start(execute_run)
                (task_status or anyio.TASK_STATUS_IGNORED).started(handle.pid)
        if done is None or done.status_code is None:
            raise RuntimeError("the run's process did not start")
        return ProcessWorkerResult(status_code=done.status_code, identifier=str(done.handle.pid))
