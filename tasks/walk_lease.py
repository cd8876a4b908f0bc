"""The right to walk one subject: one run is on record for it, and one process of that run holds the lease."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

from prefect.exceptions import Pause
from prefect.logging import get_run_logger

from integrations.errors import IntegrationError, Transient
from tasks.context import ledger

LEASE_S = 8.0
"""How long a walk that stopped renewing its lease is believed to be alive."""


class LeaseLost(Pause):
    """Another process may be walking by now: this one ends, and touches neither state nor lease."""


class Lease:
    """The right of one process of the run on record to walk; renewed until it is given back or lost."""

    def __init__(self, subject: str, run_id: str) -> None:
        self.run_id = run_id
        self._subject = subject
        self.holder = f"{run_id}/{os.getpid()}/{uuid4().hex[:8]}"
        self._lost = threading.Event()
        self._sure_until = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease:{subject}", daemon=True)

    def take(self) -> bool:
        """Wait for the lease as long as a dead holder could keep it."""
        deadline = time.monotonic() + LEASE_S * 1.5
        while not self._try():
            if time.monotonic() > deadline:
                return False
            self._stop.wait(0.1)
        self._thread.start()
        return True

    def check(self) -> None:
        """Raise LeaseLost if another process may be walking by now: look before every step and fact."""
        if self._lost.is_set() or time.monotonic() > self._sure_until:
            self.confirm()

    def confirm(self) -> None:
        """Renew at once, or raise LeaseLost.

        Raises:
            Transient: the ledger did not say.
        """
        if self._lost.is_set() or not self._renew():
            raise LeaseLost(f"{self._subject} is walked by another process")

    def rest(self, wanted: int) -> None:
        """Give the lease back, and say which wake-up this walk has carried."""
        self.leave()
        try:
            ledger().rest(self._subject, self.holder, wanted, datetime.now(UTC))
        except Transient as error:
            # It runs out then, and the run is woken for nothing.
            get_run_logger().warning("%s", error)

    def leave(self) -> None:
        """Stop renewing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def on_record(self) -> bool:
        """This run is the one that walks the subject; the first one that asks is, if there was none."""
        registered = ledger().wakeup(self._subject)
        if registered.run_id is None:
            now = datetime.now(UTC)
            ledger().run_started(self._subject, registered.generation, self.run_id, now)
            registered = ledger().wakeup(self._subject)
        return registered.run_id == self.run_id

    def _try(self) -> bool:
        asked = time.monotonic()
        try:
            if not ledger().acquire(self._subject, self.holder, LEASE_S, datetime.now(UTC)):
                return False
        except Transient:
            return False
        self._sure_until = asked + LEASE_S
        return True

    def _renew(self) -> bool:
        """Hold the lease longer; False, for good, if another has it or another run is on record."""
        asked = time.monotonic()
        held = ledger().renew(self._subject, self.holder, LEASE_S, datetime.now(UTC))
        if held and ledger().wakeup(self._subject).run_id == self.run_id:
            self._sure_until = asked + LEASE_S
            return True
        self._lost.set()
        if held:
            ledger().release(self._subject, self.holder)
        return False

    def _keep(self) -> None:
        while not self._stop.wait(LEASE_S / 4):
            try:
                if not self._renew():
                    return
            except IntegrationError:
                continue  # the next try is soon; if none works, `check` finds out by the clock
