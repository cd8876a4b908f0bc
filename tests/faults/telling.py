"""Telling one story after the other in one town, and comparing what they left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from deployments.demo.waiting import eventually
from tasks.runs import DEAD
from tests.faults import story
from tests.faults.crashes import Crash, Saboteur
from tests.faults.final_state import State, final_state, release_runs
from tests.faults.story import Tale
from tests.faults.town import Town


@dataclass(frozen=True)
class Told:
    """A story that has come to its end: what it left, how long it took, what was killed meanwhile."""

    state: State
    seconds: float
    crashes: tuple[Crash, ...]


class Teller:
    """Keeps a town and its faultless story; a town in which a story failed is not used again."""

    def __init__(self, home: Callable[[], Path]) -> None:
        self._home = home
        self._town: Town | None = None
        self._number = 0
        self._faultless: Told | None = None

    def faultless(self) -> Told:
        """The story without a crash, told in this town."""
        if self._town is None or self._faultless is None:
            self._faultless = self._tell(())
        return self._faultless

    def with_crashes(self, crashes: Sequence[Crash]) -> Told:
        """The story with these crashes, told after the faultless one."""
        self.faultless()
        return self._tell(crashes)

    def stop(self) -> None:
        """End the town."""
        if self._town is not None:
            self._town.stop()
            self._town = None

    def _tell(self, crashes: Sequence[Crash]) -> Told:
        if self._town is None:
            self._town, self._number = Town(self._home()), 0
        self._number += 1
        try:
            return _told(self._town, self._number, crashes)
        except BaseException:
            self.stop()
            raise


def _told(town: Town, number: int, crashes: Sequence[Crash]) -> Told:
    begun = time.monotonic()
    tale = story.begin(town, number)
    with Saboteur(town, tale, crashes) as saboteur:
        story.go_on(town, tale)
    eventually(f"{tale.stream} is at rest", lambda: _rests(town, tale), 90)
    return Told(final_state(town, tale), time.monotonic() - begun, tuple(saboteur.done))


def _rests(town: Town, tale: Tale) -> bool:
    """Nothing of the story is under way any more, in the ledger and in Prefect."""
    if town.ledger.pending_deliveries() or town.ledger.lease(tale.stream) is not None:
        return False
    try:
        runs = release_runs(town, tale)
    except httpx.HTTPError:
        return False  # Prefect's server is coming up again
    return {run["state_type"] for run in runs} <= {*DEAD, "COMPLETED"}
