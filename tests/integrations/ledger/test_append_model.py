"""Any sequence of appends and wake-ups does what a dozen lines of plain Python do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from integrations.errors import Conflict
from integrations.ledger import Ledger, NewEvent

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SUBJECTS = st.sampled_from(["release:shop:1.4.0", "request:SHOP-12", "project:shop"])
KEYS = st.sampled_from("abcdefgh")
_games = count()


@dataclass
class Model:
    """What the ledger must hold: per subject its keys in order, and its wake-up."""

    keys: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    carried: dict[str, int] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """Each game has names of its own, so that all share one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.game = f"{next(_games)}:"
        self.model = Model()

    @rule(
        subject=SUBJECTS,
        keys=st.lists(KEYS, max_size=3),
        off=st.sampled_from([None, 0, 0, -1, 1]),
        wake=st.booleans(),
        also=st.lists(SUBJECTS, max_size=2),
    )
    def append(self, subject: str, keys: list[str], off: int | None, wake: bool, also: list[str]) -> None:
        subject, also = self.game + subject, [self.game + name for name in also]
        held = self.model.keys.setdefault(subject, [])
        known = {key for keys in self.model.keys.values() for key in keys}
        fresh = [key for key in dict.fromkeys(self.game + key for key in keys) if key not in known]
        events = [NewEvent("Told", self.game + key, {"key": key}) for key in keys]
        expected = None if off is None else len(held) + off
        try:
            appended = self.ledger.append(
                subject, events, now=NOW, expected=expected, wake=wake, wake_also=also
            )
        except Conflict:
            assert fresh
            assert off
            return
        assert not (fresh and off)
        assert list(appended.new_keys) == fresh
        held += fresh
        assert appended.revision == len(held)
        for woken in {*also, *([subject] if wake else [])} if fresh else ():
            least = len(held) if woken == subject else 0
            self.model.wanted[woken] = max(self.model.wanted.get(woken, 0) + 1, least)

    @rule(subject=SUBJECTS)
    def wake(self, subject: str) -> None:
        subject = self.game + subject
        self.ledger.wake(subject, NOW)
        self.model.wanted[subject] = self.model.wanted.get(subject, 0) + 1

    @rule(subject=SUBJECTS, back=st.integers(0, 2))
    def carry(self, subject: str, back: int) -> None:
        subject = self.game + subject
        seen = max(self.model.wanted.get(subject, 0) - back, 0)
        self.ledger.carried(subject, seen, NOW)
        self.model.carried[subject] = max(self.model.carried.get(subject, 0), seen)

    @invariant()
    def the_ledger_holds_what_the_model_holds(self) -> None:
        for subject, keys in self.model.keys.items():
            assert [event.key for event in self.ledger.events(subject)] == keys
        pending = {w.subject for w in self.ledger.pending_wakeups(NOW) if w.subject.startswith(self.game)}
        model = self.model
        assert pending == {name for name, n in model.wanted.items() if n > model.carried.get(name, 0)}
        assert all(self.ledger.wakeup(name).wanted == wanted for name, wanted in model.wanted.items())

    def teardown(self) -> None:
        assert self.ledger.verify().ok


def test_any_sequence_of_appends_and_wakings_matches_the_model(ledger: Ledger) -> None:
    class Game(Machine):
        def __init__(self) -> None:
            super().__init__(ledger)

    limits = settings(max_examples=25, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(Game, settings=limits)
    assert ledger.head()[0] > 0
