"""Warm processes that take one flow run after another, each alone in its process while it lasts.

They are forked from a fork server that has Prefect and every flow imported. What a run leaves behind in its
process is bounded: one that ended otherwise than well takes its process with it, and no process outlives
`RUNS_EACH` runs.
"""

from __future__ import annotations

import contextlib
import functools
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import anyio
from prefect.client.schemas.objects import FlowRun

RUNS_EACH = 50
"""A process is replaced after so many runs."""

COMES_BACK_S = 1.0
"""If no process is free and none was given back for so long, more are forked; most walks are shorter."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["deployments.preload", "deployments.pool"])


@dataclass(frozen=True)
class Order:
    """One run for a warm process: the run as the worker has claimed it, the flow's module path."""

    flow_run: FlowRun
    entrypoint: str
    environment: dict[str, str]


class WarmProcess:
    """The worker's end of one process."""

    def __init__(self) -> None:
        self._orders, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=serve, args=(theirs,), name="conveyor")
        self._process.start()
        theirs.close()
        self.runs = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """It can take a run."""
        return self._process.is_alive()

    def take(self, order: Order) -> Running:
        """Start a run in it.

        Raises:
            BrokenPipeError: the process has ended; take another one.
        """
        self.runs += 1
        self._orders.send(order)
        return Running(self)

    async def ended(self) -> int:
        """Wait for the run's end; its exit code, 0 if all it had to report is with Prefect."""
        async with anyio.create_task_group() as group:
            for ready in (self._orders.fileno(), self._process.sentinel):
                group.start_soon(_first, ready, group.cancel_scope)
        with contextlib.suppress(EOFError, OSError):
            if self._orders.poll():
                return int(self._orders.recv())
        await anyio.to_thread.run_sync(self._process.join)
        return self._process.exitcode or 0

    def suspend(self, flow_run_id: UUID, state: object) -> None:
        """Tell the run that it was suspended; nothing happens if it has ended."""
        with contextlib.suppress(OSError):
            self._orders.send((flow_run_id, state))

    def dismiss(self) -> None:
        """Let the process end, as soon as its run has."""
        self._orders.close()


async def _first(ready: int, scope: anyio.CancelScope) -> None:
    await anyio.wait_readable(ready)
    scope.cancel()


class Running:
    """One run in a warm process, as Prefect looks at a run's process: `pid`, and `returncode` at the end."""

    def __init__(self, process: WarmProcess) -> None:
        self.process = process
        self.returncode: int | None = None

    @property
    def pid(self) -> int | None:
        """The process, as long as it is this run's; None afterwards, when it may be another's."""
        return self.process.pid if self.returncode is None else None


class Scope:
    """Whom Prefect may signal to end a run: nobody once it is over, as another may be at work there."""

    wait_after_graceful_kill = True

    def __init__(self, run: Running) -> None:
        self._run = run

    def is_alive(self, _: int) -> bool:
        """The run is not over."""
        return self._run.returncode is None and self._run.process.is_alive

    def graceful_kill(self, pid: int) -> None:
        """Ask it to end."""
        self._signal(pid, signal.SIGTERM)

    def hard_kill(self, pid: int) -> None:
        """End it."""
        self._signal(pid, signal.SIGKILL)

    def close(self) -> None:
        """Nothing is held."""

    def _signal(self, pid: int, number: signal.Signals) -> None:
        if self.is_alive(pid):
            os.kill(pid, number)


class Pool:
    """The warm processes that no run is in, and the making of more. For the coroutines of one event loop."""

    def __init__(self, keep: int = 0) -> None:
        self._keep = keep or (os.cpu_count() or 2) + 1
        self._idle: list[WarmProcess] = []
        self._returned = anyio.Event()
        self._forking = 0
        self._busy = 0
        self._waiting = 0
        self._last_return = -math.inf

    async def warm_up(self) -> None:
        """Fork what is kept; the first fork waits for the fork server's imports."""
        while len(self._idle) < self._keep:
            self._idle.append(await self._fork())

    async def take(self) -> WarmProcess:
        """A process for one run: the one that was used last, the next one that comes back, or a new one.

        Many short runs at once are done sooner by few processes than by many that have to be forked. Where
        all last, as they wait for vendors, there are twice as many after each second.
        """
        self._waiting += 1
        try:
            process = await self._next()
        finally:
            self._waiting -= 1
        self._busy += 1
        return process

    async def _next(self) -> WarmProcess:
        while True:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
            with anyio.move_on_after(COMES_BACK_S):
                await self._returned.wait()
                continue
            if self._forking <= self._busy:
                return await self._fork()

    def give_back(self, process: WarmProcess, *, fit: bool) -> None:
        """Keep it for the next run, or let it end: it is not `fit`, has served, or enough others wait."""
        self._busy -= 1
        if fit and process.is_alive and process.runs < RUNS_EACH and len(self._idle) < self._keep:
            self._idle.append(process)
        else:
            process.dismiss()
        self._last_return = anyio.current_time()
        self._returned.set()
        self._returned = anyio.Event()

    async def have_a_spare(self) -> None:
        """Fork one if all are taken by runs that last, so that the next run need not wait for it."""
        lasting = anyio.current_time() - self._last_return > COMES_BACK_S
        if lasting and not self._idle and not self._waiting and not self._forking:
            self._idle.append(await self._fork())

    async def _fork(self) -> WarmProcess:
        self._forking += 1
        try:
            return await anyio.to_thread.run_sync(WarmProcess)
        finally:
            self._forking -= 1

    def close(self) -> None:
        """Let all idle processes end."""
        for process in self._idle:
            process.dismiss()
        self._idle.clear()


# In the process


def serve(orders: Connection) -> None:
    """Take runs until there are no more orders, or one ends otherwise than well."""
    usual = dict(os.environ)
    _adapt_prefect()
    with contextlib.suppress(Exception):
        _share_client()  # where the server does not answer now, the first run asks again
    inbox = _Inbox(orders)
    while (order := inbox.next()) is not None:
        code = execute(order)
        with contextlib.suppress(OSError):
            orders.send(code)
        if code != 0:
            break
        os.environ.clear()
        os.environ.update(usual)


class _Inbox:
    """What the worker says: orders to the main thread, suspensions to the run under way."""

    def __init__(self, orders: Connection) -> None:
        self._orders = orders
        self._given = threading.Semaphore(0)
        self._next: Order | None = None
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def next(self) -> Order | None:
        """The next run; None when the worker has no more, or is gone."""
        with contextlib.suppress(KeyboardInterrupt):
            self._given.acquire()
            return self._next
        return None

    def _listen(self) -> None:
        from prefect._flow_run_suspension import mark_flow_run_suspension_requested

        while True:
            try:
                said: Any = self._orders.recv()
            except (EOFError, OSError):
                said = None
            if said is None or isinstance(said, Order):
                self._next = said
                self._given.release()
                if said is None:
                    return
            else:
                mark_flow_run_suspension_requested(*said)


def execute(order: Order) -> int:
    """What `python -m prefect.engine` does, for a run and a flow that are at hand; its exit code."""
    from prefect._internal.control_listener import configure_from_env
    from prefect.engine import handle_engine_signals
    from prefect.flow_engine import run_flow
    from prefect.flows import load_flow_from_entrypoint
    from prefect.logging.loggers import flow_run_logger

    os.environ.update(order.environment)
    os.environ["PREFECT__FLOW_RUN_ID"] = str(order.flow_run.id)
    configure_from_env()
    logger = flow_run_logger(flow_run=order.flow_run)
    try:
        with handle_engine_signals(order.flow_run.id):
            _share_client()
            flow = load_flow_from_entrypoint(order.entrypoint, use_placeholder_flow=False)
            run_flow(flow, flow_run=order.flow_run, error_logger=logger)  # pyright: ignore[reportArgumentType]
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, the worker hears of it
        return 1
    return 0


def _share_client() -> None:
    """Give all runs of this process one Prefect client: to build one costs more than many a request."""
    from prefect.context import SyncClientContext

    if SyncClientContext.get() is None:
        SyncClientContext().__enter__()


def _adapt_prefect() -> None:
    """Take from a run's end and beginning what makes sense only where its process ends with it."""
    import prefect.flow_engine as engine
    from prefect import results

    # Its own look-out for suspensions is a socket per run: the worker has one for all.
    engine.observe_flow_run_suspension = unobserved  # pyright: ignore[reportPrivateImportUsage]
    # The thread that sends heartbeats sleeps by the second. Told to stop it sends no more, so nobody has
    # to wait until it wakes.
    beating = functools.partial(engine._send_heartbeats, join_on_exit=False)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    engine._send_heartbeats = beating  # noqa: SLF001
    # Each run asks twice where results are kept by default.
    where = functools.cache(results._read_server_default_result_storage_block_id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    results._read_server_default_result_storage_block_id = where  # noqa: SLF001


@contextlib.contextmanager
def unobserved(*_: object, **__: object) -> Generator[None]:
    """In place of Prefect's own look-out for suspensions, a socket per run: the worker has one for all."""
    yield
