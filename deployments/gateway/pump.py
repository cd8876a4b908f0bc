"""From the inbox to whoever acts on a delivery: wake the release it is about, start a run for a batch.

Deliveries are hints: nothing is decided from them here, the runs read the vendors again. A delivery stays
pending until it was handled; a run that takes a batch says so itself, and a batch that nobody finished is
handed out again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from deployments.gateway.hints import Hint, hint
from deployments.gateway.loop import Loop, said
from deployments.gateway.slack import SlackListener
from integrations.errors import Refused, Transient
from integrations.ledger import Delivery, Ledger
from tasks import alertmanager, runs

log = logging.getLogger(__name__)

AGAIN = timedelta(seconds=30)
"""A run that has not finished its batch by then counts as lost, and the batch is handed out once more."""

_PAUSE = timedelta(seconds=4)
_LONGEST_PAUSE = timedelta(minutes=5)

SLACK_AGAIN = timedelta(seconds=15)
"""After this a Slack delivery that nobody finished is dispatched again."""


_REST_S = 0.05
"""Between two turns: nobody waits so little for a webhook, and taking deliveries in goes first."""


@dataclass
class _Batch:
    """Deliveries that a run was started for, and since when."""

    ids: frozenset[int] = frozenset()
    run_id: str = ""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    tries: int = 0

    def is_under_way(self) -> bool:
        """Its run may still finish it, or it is too early to try again: each try waits twice as long.

        A run whose process was killed looks alive for ever: it is buried.
        """
        now = datetime.now(UTC)
        if now < self.since + min(_PAUSE * 2**self.tries, _LONGEST_PAUSE):
            return True
        run = runs.look(self.run_id)
        if run is None or run.type in (*runs.DEAD, "COMPLETED"):
            return False
        if now < self.since + AGAIN:
            return True
        runs.bury(self.run_id, "it came to no end; another run does its work")
        return False


class Pump:
    """Empties the inbox in a thread of its own; a test in a hurry gives another `slack_again`."""

    def __init__(
        self,
        ledger: Ledger,
        listener: SlackListener,
        poke: Callable[[], None],
        *,
        every_s: float = 0.5,
        slack_again: timedelta = SLACK_AGAIN,
    ) -> None:
        self._ledger = ledger
        self._listener = listener
        self._poke_sender = poke
        self._slack_again = slack_again
        self._batches = {"control": _Batch(), "intake": _Batch()}
        self._catching_up = _Batch() if ledger.head()[0] else None
        self.loop = Loop("pump", self._turn, every_s, rest_s=_REST_S)

    def _turn(self) -> None:
        self.empty()
        self._catch_up()

    def empty(self) -> None:
        """Look at every pending delivery once."""
        wanted: dict[str, list[int]] = {"control": [], "intake": []}
        done: dict[str, list[int]] = {}
        for delivery in self._ledger.pending_deliveries(500):
            try:
                found = self._look_at(delivery)
            except Transient:
                raise  # the ledger itself: the next turn looks again
            except Exception as error:  # noqa: BLE001 - one bad delivery must not hold up the others
                log.warning("delivery %s: %s", delivery.id, said(error))
                self._ledger.failed(delivery.id, type(error).__name__, datetime.now(UTC))
                continue
            if found is not None:
                (wanted[found.flow] if found.flow else done.setdefault(found.why, [])).append(delivery.id)
        for why, ids in done.items():
            self._ledger.handled(ids, why, datetime.now(UTC))
        for flow, ids in wanted.items():
            self._hand_out(flow, ids)

    def _look_at(self, delivery: Delivery) -> Hint | None:
        """Do what one delivery needs at once; what is left to do with it, None if that is not ours."""
        if delivery.source == "alertmanager":
            return self._take_alerts(delivery)
        found = self._hint(delivery)
        if delivery.source == "slack" and delivery.kind != "SlashCommand" and not found.flow:
            self._again_in_slack(delivery)
            return None
        for subject in found.wakes:
            self._ledger.wake(subject, datetime.now(UTC))
            self._poke_sender()
        return found

    def _catch_up(self) -> None:
        """Have a run look at what happened while no gateway was here: GitLab tells everything only once."""
        batch = self._catching_up
        if batch is None or (batch.run_id and batch.is_under_way()):
            return
        run = runs.look(batch.run_id) if batch.run_id else None
        if run is not None and run.type == "COMPLETED":
            self._catching_up = None
            return
        key = f"control:catch-up:{uuid4()}"
        run_id = runs.start("control/control", {}, name="control: catching up", idempotency_key=key)
        self._catching_up = _Batch(run_id=run_id, tries=batch.tries + 1 if run else 0)

    def _hint(self, delivery: Delivery) -> Hint:
        try:
            return hint(self._ledger, delivery)
        except Refused as error:
            return Hint(why=f"not understood: {error.detail}")

    def _take_alerts(self, delivery: Delivery) -> Hint:
        """Alertmanager cannot be read again, so what it says is the evidence itself."""
        taken = alertmanager.take(delivery.body)
        self._poke_sender()
        return Hint(why=taken)

    def _again_in_slack(self, delivery: Delivery) -> None:
        if delivery.received_at + self._slack_again < datetime.now(UTC):
            headers = {name: str(value) for name, value in delivery.headers.items()}
            self._listener.dispatch(delivery.id, headers, delivery.body)
            self._ledger.failed(delivery.id, "dispatched again", datetime.now(UTC))

    def _hand_out(self, flow: str, ids: Sequence[int]) -> None:
        """One run at a time takes all that has come in the meantime."""
        batch = self._batches[flow]
        unfinished = batch.ids & set(ids)
        if not ids or (unfinished and batch.is_under_way()):
            return
        tries = batch.tries + 1 if unfinished else 0
        key = hashlib.sha256(f"{flow} {sorted(ids)} {tries}".encode()).hexdigest()[:24]
        run_id = runs.start(
            f"{flow}/{flow}",
            {"deliveries": sorted(ids)},
            name=f"{flow}: {len(ids)} deliveries",
            idempotency_key=f"{flow}:{key}",
        )
        self._batches[flow] = _Batch(frozenset(ids), run_id, tries=tries)
