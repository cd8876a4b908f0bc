"""Each process is killed in each phase, in a run of its own: `make faults`."""

from __future__ import annotations

import pytest

from tests.faults.crashes import PHASES, crash
from tests.faults.final_state import differences
from tests.faults.telling import Teller
from tests.faults.town import PROCESSES

ADDED_S = 60
"""How much longer than without a crash a release may take; on a slow machine twice as long."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("phase", PHASES)
def test_a_process_killed_in_a_phase_leaves_nothing_twice_and_loses_nothing(
    teller: Teller, phase: str, process: str
) -> None:
    faultless = teller.faultless()
    told = teller.with_crashes([crash(phase, process, seed=0)])
    assert [each.phase for each in told.crashes] == [phase]
    assert differences(told.state, faultless.state) == []
    assert told.seconds < faultless.seconds + max(ADDED_S, faultless.seconds)
