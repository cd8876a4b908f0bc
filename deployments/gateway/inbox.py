"""What has come in goes to the ledger together: all that waits shares one commit, and nobody waits for more.

A commit costs a write to the disk, whatever is in it. While one is made, deliveries gather for the next.
"""

from __future__ import annotations

import asyncio
from collections import deque

from anyio import to_thread

from integrations.errors import IntegrationError
from integrations.ledger import Ledger, NewDelivery, Received

_TOGETHER = 200


class Inbox:
    """The ledger's inbox, for the coroutines of one event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: deque[tuple[NewDelivery, asyncio.Future[Received]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def receive(self, delivery: NewDelivery) -> Received:
        """Keep a delivery; durable on return.

        Raises:
            Transient: the ledger cannot be written now; nothing was kept.
        """
        kept: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
            try:
                received = await to_thread.run_sync(
                    self._ledger.receive_all, [delivery for delivery, _ in batch]
                )
            except IntegrationError as error:
                for _, kept in batch:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for (_, kept), one in zip(batch, received, strict=True):
                if not kept.done():  # whoever asked may have gone away
                    kept.set_result(one)
