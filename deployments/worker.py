"""A Prefect worker that starts a run at once: warm processes, and an ear on Prefect's events.

`prefect worker start --type conveyor`. For every run a stock process worker starts a new Python and imports
Prefect and the flows, seconds of a core each time, and it looks for work every few seconds. This one has
the first done beforehand and need not look. States, logs, cancellation, crash detection and limits stay
Prefect's own. A run that asks for more than a process (its own command, environment or folder, or code that
has to be fetched first) is executed as the stock worker does it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import DeploymentResponse, WorkerFlowRunResponse
from prefect.events import Event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_flow_run
from prefect.runner._flow_run_executor import FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.workers.process import ProcessWorker

from deployments.pool import Order, Pool, Running, Scope

AT_ONCE = 24
"""How many runs are under way at the same time where no `--limit` is given."""

LOOK_EVERY_S = 3.0
"""How often to look for work that no event has told of."""

LABEL_TRIES, LABEL_PAUSE_S = 100, 0.1
"""How often a run's labels are tried beside it, after three times before it starts."""

_KNOWN_FOR_S = 10.0


class PoolStarter:
    """Starts one run in a warm process; see Prefect's own `ProcessStarter`."""

    def __init__(self, worker: ConveyorWorker, entrypoint: str, environment: dict[str, str]) -> None:
        self._worker = worker
        self._entrypoint = entrypoint
        self._environment = environment

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hand the run over, say so, and return when it has ended."""
        pool = self._worker.pool
        order = Order(flow_run, self._entrypoint, self._environment)
        run = await _taken(pool, order)
        self._worker.running[flow_run.id] = run
        try:
            task_status.started(ProcessHandle(run, Scope(run)))  # pyright: ignore[reportArgumentType]
            run.returncode = await run.process.ended()
        finally:
            del self._worker.running[flow_run.id]
            pool.give_back(run.process, fit=run.returncode == 0)


async def _taken(pool: Pool, order: Order) -> Running:
    while True:
        process = await pool.take()
        try:
            return process.take(order)
        except BrokenPipeError:
            pool.give_back(process, fit=False)  # it ended while it was idle


class ConveyorWorker(ProcessWorker):
    """The worker of type `conveyor`."""

    type = "conveyor"
    _description = "Executes flow runs in warm processes, as soon as they are scheduled."
    _display_name = "Conveyor"
    _logo_url = ""
    _documentation_url = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = self._limit or AT_ONCE
        self.pool = Pool()
        self.running: dict[UUID, Running] = {}
        self._context = FlowRunExecutorContext()
        self._deployments: dict[UUID, tuple[float, DeploymentResponse]] = {}
        self._executing: set[UUID] = set()
        self._due_again: set[UUID] = set()
        self._left: list[WorkerFlowRunResponse] = []
        self._looked_at = 0.0
        self._told = anyio.Event()
        self._next_due: datetime | None = None
        self._is_listening = False

    async def __aenter__(self) -> ConveyorWorker:
        """Claim no run before there is a process for it: the fork server's imports take a while."""
        await self.pool.warm_up()
        await self._context.__aenter__()
        await super().__aenter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        """Let the runs under way finish, then their processes."""
        try:
            await super().__aexit__(*exc_info)
        finally:
            await self._context.__aexit__(*exc_info)
            self.pool.close()

    # What to start, and when

    async def _initialize_after_sync(self) -> None:
        await super()._initialize_after_sync()
        if self._has_successfully_synced and not self._is_listening:
            self._is_listening = True
            assert self._runs_task_group is not None
            self._runs_task_group.start_soon(self._until_torn_down, self._listen)
            self._runs_task_group.start_soon(self._until_torn_down, self._look_when_told)

    async def _until_torn_down(self, service: Any) -> None:
        with anyio.CancelScope() as scope:
            self._scheduled_task_scopes.add(scope)
            await service()

    async def _listen(self) -> None:
        """Hear of every run of this pool that is scheduled, or suspended."""
        heard = EventFilter(
            event=EventNameFilter(prefix=["prefect.flow-run."]),
            any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{self.work_pool.id}"]),
        )
        while True:
            try:
                async with get_events_subscriber(filter=heard) as events:
                    self._told.set()  # there may be what nobody told while it was not listening
                    async for event in events:
                        await self._hear(event)
            except Exception as error:  # noqa: BLE001 - without it the worker still looks by itself
                self._logger.debug("Not listening to events: %s", error)
            await anyio.sleep(1)

    async def _hear(self, event: Event) -> None:
        state = event.payload.get("validated_state") or {}
        if state.get("type") == StateType.SCHEDULED.value:
            self._told.set()
        elif state.get("type") == StateType.PAUSED.value:
            flow_run_id = UUID(event.resource.id.rpartition(".")[2])
            if run := self.running.get(flow_run_id):
                run.process.suspend(flow_run_id, State(type=StateType.PAUSED, name=state.get("name")))

    async def _look_when_told(self) -> None:
        """Look for work when told, when some is due, and every few seconds in any case."""
        while True:
            with anyio.move_on_after(self._patience()):
                await self._told.wait()
            self._told = anyio.Event()
            try:
                await self._look()
                await self.pool.have_a_spare()
            except Exception as error:  # noqa: BLE001 - the next look is soon
                self._logger.debug("Not looked: %s", error)
                await anyio.sleep(1)

    async def _look(self) -> None:
        """Start what is due. Prefect is not asked while more is known to be due than may be started."""
        if self._left and time.monotonic() - self._looked_at < LOOK_EVERY_S:
            await self._start(self._left)
            return
        self._looked_at = time.monotonic()
        await self.get_and_submit_flow_runs()

    def _patience(self) -> float:
        if self._next_due is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.0, (self._next_due - datetime.now(UTC)).total_seconds()))

    async def _submit_scheduled_flow_runs(
        self, flow_run_response: list[WorkerFlowRunResponse]
    ) -> list[FlowRun]:
        """Take what is due, and not what is still at work under the same id; remember when more is due."""
        now = datetime.now(UTC)
        due: list[WorkerFlowRunResponse] = []
        later: list[datetime] = []
        for entry in flow_run_response:
            start = entry.flow_run.next_scheduled_start_time or now
            if start > now:
                later.append(start)
            elif entry.flow_run.id in self._executing:
                self._due_again.add(entry.flow_run.id)
            else:
                due.append(entry)
        self._next_due = min(later, default=None)
        return await self._start(due)

    async def _start(self, due: list[WorkerFlowRunResponse]) -> list[FlowRun]:
        """Start as many of them as the limit allows, and remember the others."""
        started = await super()._submit_scheduled_flow_runs(due)
        self._left = [entry for entry in due if entry.flow_run.id not in self._submitting_flow_run_ids]
        return started

    # One run

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Claim the run and start it; one of which nothing can be read now stays due, for the next look."""
        try:
            deployment = await self._deployment_of(flow_run)
        except Exception as error:  # noqa: BLE001 - raised here it would end the worker and every run
            self._logger.warning("Flow run '%s' is not started yet: %s", flow_run.id, error)
            self._submitting_flow_run_ids.discard(flow_run.id)
            self._release_limit_slot(flow_run.id)
            return
        if deployment is None or not self._is_plain(deployment, flow_run):
            await super()._submit_run(flow_run)
            return
        self._executing.add(flow_run.id)
        try:
            if await self._propose_pending_state(flow_run):
                if flow_run.run_count == 0 and not await self._labelled(flow_run.id):
                    self._later(self._labelled, flow_run.id, LABEL_TRIES)
                await self._execute(flow_run, deployment.entrypoint or "")
        except Exception as error:
            self._logger.exception("Flow run '%s' was not executed", flow_run.id)
            await self._propose_crashed_state(flow_run, f"not executed: {error}")
        finally:
            self._executing.discard(flow_run.id)
            self._submitting_flow_run_ids.discard(flow_run.id)
            self._release_limit_slot(flow_run.id)
            if self._cancelling_observer is not None:
                self._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)
            if self._left or flow_run.id in self._due_again:
                self._due_again.discard(flow_run.id)
                self._told.set()

    async def _execute(self, flow_run: FlowRun, entrypoint: str) -> None:
        environment: dict[str, str] = {"PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false"}
        try:
            port, token = self._context.control_channel.register(flow_run.id)
            environment |= {"PREFECT__CONTROL_PORT": str(port), "PREFECT__CONTROL_TOKEN": token}
        except RuntimeError:
            pass  # no channel: cancellation kills, as in Prefect's own starter
        executor = self._context.create_executor(
            flow_run,
            PoolStarter(self, entrypoint, environment),
            resolve_flow=load_flow_from_flow_run,
            propose_submitting=False,
        )
        await executor.submit()

    async def _labelled(self, flow_run_id: UUID, tries: int = 3) -> bool:
        """Have the run say which worker has it; False where Prefect's locked database refused so often.

        Prefect's client would itself try again for half a minute, and the run wait for it.
        """
        for _ in range(tries):
            try:
                with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                    await self._give_worker_labels_to_flow_run(flow_run_id)
                return True
            except Exception as error:  # noqa: BLE001 - a label is worth no run
                self._logger.debug("Flow run '%s' has no labels: %s", flow_run_id, error)
                await anyio.sleep(LABEL_PAUSE_S)
        return False

    def _later(self, service: Any, *arguments: Any) -> None:
        assert self._runs_task_group is not None
        self._runs_task_group.start_soon(service, *arguments)

    async def _deployment_of(self, flow_run: FlowRun) -> DeploymentResponse | None:
        """The run's deployment, as it was some seconds ago at most."""
        if flow_run.deployment_id is None:
            return None
        read_at, known = self._deployments.get(flow_run.deployment_id, (0.0, None))
        if known is None or time.monotonic() - read_at > _KNOWN_FOR_S:
            try:
                known = await self.client.read_deployment(flow_run.deployment_id)
            except ObjectNotFound:
                return None
            self._deployments[flow_run.deployment_id] = (time.monotonic(), known)
        return known

    def _is_plain(self, deployment: DeploymentResponse, flow_run: FlowRun) -> bool:
        """The run asks for nothing but a process in which its flow can be imported."""
        asked = self.work_pool.base_job_template.get("variables", {}).get("properties", {})
        return (
            ":" not in (deployment.entrypoint or ":")
            and not deployment.pull_steps
            and not deployment.job_variables
            and not flow_run.job_variables
            and not any(asked.get(name, {}).get("default") for name in ("command", "env", "working_dir"))
        )
