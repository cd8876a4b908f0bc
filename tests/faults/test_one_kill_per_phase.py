"""One release with a crash in every phase ends as one without any."""

from __future__ import annotations

from itertools import cycle

import pytest

from tests.faults.crashes import PHASES, crash
from tests.faults.final_state import differences
from tests.faults.telling import Teller
from tests.faults.town import PROCESSES

SEED = 1

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_sigkill_in_every_phase_leaves_nothing_twice_and_loses_nothing(teller: Teller) -> None:
    crashes = [crash(phase, process, SEED) for phase, process in zip(PHASES, cycle(PROCESSES), strict=False)]
    told = teller.with_crashes(crashes)
    assert [each.phase for each in told.crashes] == list(PHASES)
    found = differences(told.state, teller.faultless().state)
    assert found == [], "\n".join(found)
