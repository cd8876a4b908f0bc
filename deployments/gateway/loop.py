"""A thread of the gateway that works in turns and outlives whatever one turn stumbles over."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable

from integrations.errors import IntegrationError

log = logging.getLogger(__name__)


class Loop:
    """Does `turn` every `every_s` seconds, and when poked, from `start` to `stop`.

    Poked while it rested for a while it turns at once, otherwise `rest_s` after its last turn: under load
    one turn then takes more, and leaves Python's lock to others in between.
    """

    def __init__(self, name: str, turn: Callable[[], None], every_s: float, *, rest_s: float = 0) -> None:
        self._name = name
        self._turn = turn
        self._every_s = every_s
        self._rest_s = rest_s
        self._stopped = threading.Event()
        self._poked = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """It is started and has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def poke(self) -> None:
        """There is something to do: turn now."""
        self._poked.set()

    def stop(self) -> None:
        """End after the turn under way; a second call does nothing."""
        self._stopped.set()
        self._poked.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped.wait(self._rest_s):
            self._poked.wait(self._every_s)
            self._poked.clear()
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - it serves everybody: one turn must not end it
                log.warning("%s: %s", self._name, said(error))


def said(error: Exception) -> str:
    """An error for the log: ours say facts; of others only kind and place, the text may be somebody's."""
    if isinstance(error, IntegrationError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
