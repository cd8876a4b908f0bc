"""How a release's (or a review's) one flow run walks, waits, and is never walked by two processes.

A run is started, walks its chain from the top, and where it has to wait puts itself into a named
SCHEDULED state and ends. What is done is on the ledger; so a walk may be cut short anywhere.

The order at the end of a walk matters. First the run's state is set to waiting, then the lease is given
back together with the wake-up it has carried. A process killed in between leaves a lease that runs out,
which is a wake-up by itself; a decision that comes in between is still pending and brings the run forward.

Only the run that the ledger has on record for a subject walks it, and of its processes only the one with
the lease. Who loses either stops at once, and leaves state and lease to whoever has them now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Scheduled

from integrations.errors import Conflict, IntegrationError, Terminal, Transient
from integrations.ledger import NewEvent
from tasks import runs
from tasks.context import ledger
from tasks.walk_lease import Lease

_MAX_PASSES = 60

_PATIENCE_S = 300.0
"""How long a walk that has done all it can goes on asking Prefect to let it wait."""


@dataclass(frozen=True)
class Wait:
    """Why the walk stops here: the state's name (`Awaiting QA`), when it is due at the latest, for what."""

    name: str
    until: datetime
    message: str = ""


class Fact(Protocol):
    """An event of lifecycle/: it knows its own semantic key."""

    @property
    def kind(self) -> str: ...
    def key(self, stream: str) -> str: ...
    def model_dump(self, *, mode: str) -> dict[str, object]: ...


class Walk:
    """One pass over a chain of stages, from the top, at one reading of the clock.

    A subclass reads its own state in `read`, called anew whenever the ledger has changed. Stages get the
    walk, look at its state, and return None when there is nothing (more) to do or the `Wait` they need.
    """

    def __init__(self, subject: str, now: datetime, check_lease: Callable[[], None]) -> None:
        self.subject = subject
        self.now = now
        self.waiting: Wait | None = None
        self._check_lease = check_lease
        self.revision = 0
        self.reload()

    @property
    def ended(self) -> bool:
        """The chain is walked to its end; the run completes."""
        return False

    def read(self) -> None:
        """Read the state behind `subject`; called after every append."""

    def settle(self) -> None:
        """Bring what people look at in line with the ledger; called before the run waits or ends."""

    def reload(self) -> None:
        """See what is on the ledger now."""
        self.revision = ledger().revision(self.subject)
        self.read()

    def append(self, *facts: Fact) -> None:
        """Record what happened, if nobody recorded anything since this walk looked.

        Raises:
            Conflict: somebody did; the walk starts its pass again.
            LeaseLost: another process walks; this one ends.
        """
        self._check_lease()
        events = new_events(self.subject, facts)
        ledger().append(self.subject, events, now=self.now, expected=self.revision)
        self.reload()

    def step(self, stage: Callable[..., Wait | None]) -> None:
        """Take one stage, unless an earlier one waits or the chain has ended.

        What may work later waits and is tried again; what only a person can mend waits for one.
        """
        if self.waiting is not None or self.ended:
            return
        try:
            self._check_lease()
            self.waiting = stage(self)
        except Conflict as error:
            if error.vendor != "ledger":
                self.waiting = self._needs_a_person(error)
            self.reload()
        except Transient as error:
            seconds = max(error.retry_after_s or 0.0, 5.0)
            self.waiting = Wait(f"Retrying {error.vendor}", self.now + timedelta(seconds=seconds), str(error))
        except Terminal as error:
            self.waiting = self._needs_a_person(error)

    def step_out(self) -> None:
        """Settle; what cannot be shown now does not stop the release and is shown by the next walk."""
        try:
            self.settle()
        except IntegrationError as error:
            get_run_logger().warning("not shown: %s", error)

    def _needs_a_person(self, error: Terminal) -> Wait:
        get_run_logger().error("%s", error)
        return Wait("Needs a person", self.now + timedelta(hours=1), str(error))


def new_events(subject: str, facts: Sequence[Fact]) -> list[NewEvent]:
    """The ledger's form of `facts`."""
    return [
        NewEvent(kind=fact.kind, key=fact.key(subject), data=fact.model_dump(mode="json")) for fact in facts
    ]


W = TypeVar("W", bound=Walk)


def walks(subject: str, make: Callable[[str, datetime, Callable[[], None]], W]) -> Iterator[W]:
    """Walk `subject` again and again until a pass changes nothing; then wait, or end if it has ended.

    The body of the loop names the stages. Leaving by the end of the iteration means that the chain has
    ended; a wait leaves by Prefect's `Pause`, so that the process ends with exit code 0.
    """
    with _lease(subject, str(flow_run.id)) as lease:
        for _ in range(_MAX_PASSES):
            wanted = ledger().wakeup(subject).wanted
            walk = make(subject, datetime.now(UTC), lease.check)
            before = walk.revision
            yield walk
            changed = ledger().revision(subject) != before or ledger().wakeup(subject).wanted != wanted
            if changed and not walk.ended:
                continue
            lease.confirm()
            walk.step_out()
            if walk.ended:
                lease.rest(wanted)
                return
            wait = walk.waiting or Wait("Needs a person", walk.now + timedelta(hours=1), "no stage waits")
            _wait(lease, wait, wanted)
    raise RuntimeError(f"{subject}: {_MAX_PASSES} passes and still something new")


def _wait(lease: Lease, wait: Wait, wanted: int) -> None:
    """Put this run to wait, give the lease back, end the process."""
    lease.confirm()
    state = _set_state(lease.run_id, wait, lease.check)
    lease.rest(wanted)
    raise Pause("waits", state=state)


def _set_state(run_id: str, wait: Wait, check: Callable[[], None]) -> State:
    """Make this run wait. While Prefect does not answer, nothing else can be done but to ask again.

    Raises:
        Conflict: Prefect's rules said no, as somebody is cancelling the run. The lease is not given back,
            so that it runs out and the subject is looked at again.
    """
    state = Scheduled(name=wait.name, scheduled_time=wait.until, message=wait.message)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            if not runs.set_state(run_id, state):
                raise Conflict("prefect", f"let wait as {wait.name}", run_id)
            return state
        except Transient as error:
            if time.monotonic() > deadline:
                raise
            get_run_logger().warning("%s", error)
            check()
            threading.Event().wait(1)


@contextmanager
def _lease(subject: str, run_id: str) -> Generator[Lease]:
    """Hold the right to walk `subject`; a run that is not the registered one does not get it."""
    lease = Lease(subject, run_id)
    if not lease.on_record():
        _end_replaced(lease)
    if not lease.take():
        turn = Wait("Awaiting turn", datetime.now(UTC) + timedelta(seconds=5), "another process walks")
        raise Pause("not its turn", state=_set_state(run_id, turn, lambda: None))
    try:
        # It may have been replaced while it waited for its turn.
        if not lease.on_record():
            ledger().release(subject, lease.holder)
            _end_replaced(lease)
        yield lease
    finally:
        lease.leave()


def _end_replaced(lease: Lease) -> None:
    """End a run that is not (any more) the one on record."""
    state = Cancelled(name="Replaced", message="another run walks")
    runs.set_state(lease.run_id, state)
    raise Pause("replaced", state=state)
