"""One process at a time: for steps whose look-up cannot see what another process is just doing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from integrations.errors import Transient
from tasks.context import ledger

TTL_S = 8.0
"""How long a process that stopped renewing is believed to be alive."""


@contextmanager
def alone(name: str) -> Generator[None, None, None]:
    """Hold the lease `name` while the body runs; wait for it as long as a dead process could keep it.

    Raises:
        Transient: another process is at it; call again.
    """
    holder = f"{os.getpid()}/{uuid4().hex[:8]}"
    stop = threading.Event()
    deadline = time.monotonic() + TTL_S * 1.5
    while not ledger().acquire(name, holder, TTL_S, datetime.now(UTC)):
        if time.monotonic() > deadline:
            raise Transient("ledger", "acquire", name, detail="another process is at it")
        stop.wait(0.1)

    def keep() -> None:
        while not stop.wait(TTL_S / 4):
            ledger().renew(name, holder, TTL_S, datetime.now(UTC))

    keeper = threading.Thread(target=keep, name=f"lease:{name}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        ledger().release(name, holder)
