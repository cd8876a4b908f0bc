"""The one sender of wake-ups: what waits on the ledger becomes a flow run that walks.

Decisions, webhooks and crashes only leave a pending wake-up. This thread looks at the subject's run and
does the one thing that fits: creates it, brings it forward, replaces it when it is dead, or leaves it when
a process is at work. A wake-up stays pending until a walk says that it has carried it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from deployments.gateway.loop import Loop, said
from integrations.ledger import Event, Ledger, Wakeup
from tasks import runs

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Requests to Prefect under way at the same time: a hundred at once lock its SQLite database."""

GRACE = timedelta(seconds=60)
"""How long a run may be pending or running without its walk having begun, before it counts as dead."""

_SOON = timedelta(seconds=0.4)
_LATER = timedelta(seconds=4)
_AT_THE_LATEST = timedelta(minutes=5)
_PAGE = 200


@dataclass(frozen=True)
class Target:
    """Which Prefect deployment walks a subject, and with which parameters."""

    deployment: str
    name: str
    parameters: Mapping[str, object]
    tags: tuple[str, ...]


def target(subject: str) -> Target:
    """The Prefect deployment behind a stream's name.

    Raises:
        ValueError: nothing walks such a stream.
    """
    kind, project, *rest = subject.split(":", 2)
    tags = (subject, f"project:{project}")
    if kind == "release":
        version = rest[0]
        parameters = {"project": project, "version": version}
        return Target(
            "release/release", f"release {version}", parameters, (f"release:{version}", f"project:{project}")
        )
    if kind == "review":
        week = rest[0]
        return Target(
            "weekly-review/weekly-review", f"weekly review {week}", {"project": project, "week": week}, tags
        )
    if kind == "project":
        return Target("intake/intake", f"intake {project}", {}, tags)
    raise ValueError(f"nothing walks {subject}")


class Sender:
    """Turns pending wake-ups into runs, and ledger events into Prefect events, in a thread of its own.

    `aim` says which Prefect deployment walks a subject.
    """

    def __init__(
        self, ledger: Ledger, *, aim: Callable[[str], Target] = target, every_s: float = 0.5
    ) -> None:
        self._ledger = ledger
        self._aim = aim
        self._replaced: dict[str, tuple[int, int]] = {}
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sender")
        self.loop = Loop("sender", self.send, every_s)

    def send(self) -> None:
        """See to every pending wake-up once, then to Prefect's feed."""
        pending = self._ledger.pending_wakeups(datetime.now(UTC))
        if pending:
            list(self._threads.map(self._try, pending))
        self._publish()

    def _try(self, wakeup: Wakeup) -> None:
        try:
            pause = self.carry(wakeup)
        except Exception as error:  # noqa: BLE001 - one subject must not hold up the others
            log.warning("wake-up of %s: %s", wakeup.subject, said(error))
            pause = min(_LATER, _SOON * (wakeup.attempts + 1))
        now = datetime.now(UTC)
        self._ledger.wakeup_tried(wakeup.subject, now, now + pause)

    def carry(self, wakeup: Wakeup) -> timedelta:
        """Do what this wake-up needs now; when to look at it again, should it still be pending then."""
        run = runs.look(wakeup.run_id) if wakeup.run_id else None
        if run is None:
            return self._start(wakeup, replaces=wakeup.run_id is not None)
        if run.type in (*runs.DEAD, "COMPLETED"):
            return self._start(wakeup, replaces=True)
        if run.waits and self._is_carried(wakeup.subject):
            return _SOON
        if runs.bring_forward(run):
            return _LATER
        if run.type != "SCHEDULED" and self._is_gone(wakeup.subject, run):
            log.warning("%s: run %s is %s but nothing walks: replaced", wakeup.subject, run.id, run.type)
            runs.bury(run.id, "its process is gone")
            return self._start(wakeup, replaces=True)
        # A walk under way sees by itself that it was woken; this look is for one that just ended.
        return min(_LATER / 2, _SOON * (1 + wakeup.attempts // 4))

    def _start(self, wakeup: Wakeup, *, replaces: bool) -> timedelta:
        """Create the run and register it; one created but not registered finds out by itself and ends."""
        now, generation = datetime.now(UTC), wakeup.generation
        if replaces:
            generation = self._ledger.next_generation(wakeup.subject, generation, now)
        run_id = self._create(wakeup.subject, f"{wakeup.subject}:{generation}")
        self._ledger.run_started(wakeup.subject, generation, run_id, now)
        return self._patience(wakeup) if replaces else _LATER

    def _patience(self, wakeup: Wakeup) -> timedelta:
        """How long the next run may take to carry it: twice as long after each that died without."""
        carried, times = self._replaced.get(wakeup.subject, (wakeup.carried, 0))
        times = times + 1 if carried == wakeup.carried else 1
        self._replaced[wakeup.subject] = (wakeup.carried, times)
        return min(_AT_THE_LATEST, _LATER * 2 ** min(times - 1, 10))

    def _create(self, subject: str, key: str) -> str:
        wanted = self._aim(subject)
        return runs.start(
            wanted.deployment, wanted.parameters, name=wanted.name, idempotency_key=key, tags=wanted.tags
        )

    def _is_carried(self, subject: str) -> bool:
        """A walk that has just come to wait has seen to it, or is about to say so and give its lease back."""
        lease = self._ledger.lease(subject)
        alive = lease is not None and lease.expires_at > datetime.now(UTC)
        return alive or not self._ledger.wakeup(subject).pending

    def _is_gone(self, subject: str, run: runs.Run) -> bool:
        """The run's process is dead: the lease it took ran out, or it took none in all this time.

        A lease from before the run came into its present state was an earlier process's. One that is being
        cancelled and holds none was waiting: it has no process that could end it.
        """
        now = datetime.now(UTC)
        lease = self._ledger.lease(subject)
        ours = lease if lease is not None and lease.holder.startswith(run.id) else None
        if run.type == "CANCELLING":
            return ours is None or ours.expires_at < now
        if ours is not None and ours.acquired_at >= run.since:
            return ours.expires_at < now
        return run.since + GRACE < now

    def _publish(self) -> None:
        """Send what Prefect's feed has not seen yet; after a crash some go twice, with the same id."""
        after = self._ledger.cursor("prefect-events")
        page = list(self._ledger.all_events(after, limit=_PAGE))
        if page:
            runs.publish([_happening(event) for event in page])
            self._ledger.advance("prefect-events", page[-1].seq)


def _happening(event: Event) -> runs.Happening:
    stream = event.subject.split(":", 1)[0]
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", event.kind).lower()
    return runs.Happening(
        id=uuid5(NAMESPACE_URL, event.hash),
        occurred=event.at,
        event=f"conveyor.{stream}.{name}",
        resource_id="conveyor." + event.subject.replace(":", "."),
        resource_name=event.subject,
        payload={"subject": event.subject, "revision": event.revision, **event.data},
    )
