"""When which process is killed: as soon as the ledger says that a phase has begun, or a moment later."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.story import Tale
from tests.faults.town import Town

PHASES = {
    "development": ("Planned", ""),
    "verifying": ("CandidateCut", ""),
    "staging": ("CandidateVerified", ""),
    "QA": ("Staged", ""),
    "approvals": ("StepPassed", "qa"),
    "production": ("ProductionStarted", ""),
    "watching": ("ProductionDeployed", ""),
    "feedback": ("WatchEnded", ""),
}
"""Phase -> the kind of event that begins it, and the step that it is about."""

LONGEST_DELAY_S = 2.5


@dataclass(frozen=True)
class Crash:
    """Kill `process` `delay_s` after `phase` has begun; `with_children`: and all that it started."""

    phase: str
    process: str
    with_children: bool
    delay_s: float


def crash(phase: str, process: str, seed: int) -> Crash:
    """The crash of one cell: at once or later, alone or with children, as the seed says."""
    chance = random.Random(f"{phase} {process} {seed}")
    delay_s = chance.choice((0.0, chance.uniform(0, LONGEST_DELAY_S)))
    return Crash(phase, process, chance.random() < 0.5, delay_s)


class Saboteur:
    """Carries out crashes beside a story, each once, in the order given; `done` says which it has."""

    def __init__(self, town: Town, tale: Tale, crashes: Sequence[Crash]) -> None:
        self.done: list[Crash] = []
        self._town = town
        self._tale = tale
        self._crashes = crashes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="saboteur", daemon=True)

    def __enter__(self) -> Saboteur:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        for each in self._crashes:
            while not self._begun(each.phase):
                if self._over.wait(0.03):
                    return
            self._over.wait(each.delay_s)
            self._town.kill(each.process, with_children=each.with_children)
            self.done.append(each)

    def _begun(self, phase: str) -> bool:
        kind, step = PHASES[phase]
        return any(
            event.kind == kind and event.data.get("step", "") in (step, "")
            for event in self._town.ledger.events(self._tale.stream)
        )
