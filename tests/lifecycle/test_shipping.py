"""What may go to production, and when again after it was taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lifecycle import events as e
from lifecycle import shipping, signoff
from lifecycle.phases import Phase
from tests.lifecycle.story import Story, live, signed_off


def rolled_back() -> Story:
    """Production serves the earlier version again, and the release is held."""
    return live().roll_back()


@pytest.mark.parametrize("go", [signed_off, live, lambda: Story().cut().stage()])
def test_the_sign_offs_decide_before_anything_went_out(go: Callable[[], Story]) -> None:
    story = go()
    assert shipping.may_go_out(story.release, story.steps) == signoff.may_ship(story.release, story.steps)


def test_what_was_taken_back_goes_out_again_once_a_person_has_released_the_hold() -> None:
    story = rolled_back()
    assert shipping.may_go_out(story.release, story.steps).reasons == (
        "the release is held: rolled back: cart is bad",
    )
    assert shipping.may_go_out(story.resume().release, story.steps).allowed
    assert story.start_production().release.phase is Phase.PRODUCTION
    assert isinstance(story.events[-1], e.ProductionStarted)
