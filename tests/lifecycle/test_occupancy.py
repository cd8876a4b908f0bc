"""Who has an environment: one release at a time, a hotfix first, and nobody past a lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle.occupancy import (
    DECIDING,
    DeployedByHand,
    Locked,
    Occupancy,
    Taken,
    Unlocked,
    fold,
    may_take,
    needs,
    stream,
)
from lifecycle.phases import Phase
from tests.lifecycle.story import NOW, Story, at, later, live, sha, signed_off

ME = "release:shop:1.5.0"


def taken(number: int = 1, **changes: object) -> Taken:
    given: dict[str, object] = {"round": 1, "release": "release:shop:1.4.0", "number": number, "sha": sha(1)}
    return Taken.model_validate({**given, "at": NOW, **changes})


def me(kind: str = "regular") -> Story:
    return Story(version="1.5.0", release_kind=kind).cut()


def lock(**changes: object) -> Locked:
    return Locked.model_validate({"round": 1, "person": "olli", "reason": "load test", **changes})


def staged_rework() -> Story:
    story = Story().cut().stage().ask("qa")
    return story.send_back("quinn", story.release.asked[0].request)


@pytest.mark.parametrize(
    ("environment", "held_in"),
    [
        ("staging", {Phase.STAGING, Phase.SIGN_OFF}),
        ("production", {Phase.PRODUCTION, Phase.ROLLING_BACK}),
    ],
)
@pytest.mark.parametrize("phase", Phase)
def test_a_release_has_an_environment_while_its_history_says_so(
    environment: str, held_in: set[Phase], phase: Phase
) -> None:
    now = NOW + DECIDING
    assert needs(environment, taken(), at(phase).release, now) is (phase in held_in)


def test_what_is_tested_on_while_it_is_reworked_keeps_staging() -> None:
    assert needs("staging", taken(), staged_rework().release, NOW)
    assert not needs("production", taken(), staged_rework().release, NOW)


def test_a_candidate_that_was_replaced_has_nothing() -> None:
    story = staged_rework().cut()
    assert not needs("staging", taken(), story.release, NOW)
    assert not needs("staging", taken(), None, NOW)
    assert not needs("staging", taken(), Story().release, NOW)


def test_who_took_production_has_a_moment_to_decide() -> None:
    release = signed_off().release
    assert needs("production", taken(), release, NOW + DECIDING - timedelta(seconds=1))
    assert not needs("production", taken(), release, NOW + DECIDING)


def test_who_was_rolled_back_at_once_has_production_no_longer() -> None:
    """A hotfix may come within the moment that the release had to decide."""
    rolled_back = live().roll_back().resume().release
    assert not needs("production", taken(attempt=1), rolled_back, NOW)
    assert needs("production", taken(attempt=2), rolled_back, NOW)


def test_an_environment_is_what_its_events_say() -> None:
    by_hand = DeployedByHand(deployment_id=7, sha=sha(2))
    told = [taken(), lock(), by_hand, Unlocked(round=1, person="olli"), lock(round=2)]
    assert stream("shop", "staging") == "environment:shop:staging"
    states = [fold(fact.model_dump() for fact in told[:count]) for count in range(len(told) + 1)]
    assert states[0] == Occupancy()
    assert states[3] == Occupancy(taken=taken(), lock=lock(), locks=1, by_hand=(by_hand,))
    assert (states[4].lock, states[4].locks) == (None, 1)
    assert states[5].lock == lock(round=2)


@pytest.mark.parametrize("kind", ["regular", "hotfix"])
def test_a_lock_keeps_everybody_away_and_says_who_and_why(kind: str) -> None:
    state = Occupancy(lock=lock(until=later(30)))
    verdict = may_take("staging", state, me(kind).release, None, NOW)
    assert verdict.reasons == ("staging is locked by olli: load test",)
    assert verdict.until == later(30)
    assert may_take("staging", state, me(kind).release, None, later(30)).allowed


@pytest.mark.parametrize(
    ("environment", "mine", "theirs", "allowed"),
    [
        ("staging", "regular", "regular", False),
        ("staging", "hotfix", "regular", True),
        ("staging", "hotfix", "hotfix", False),
        ("staging", "regular", "hotfix", False),
        ("production", "hotfix", "regular", False),
    ],
)
def test_one_release_at_a_time_and_a_hotfix_first_on_staging(
    environment: str, mine: str, theirs: str, allowed: bool
) -> None:
    other = Story(release_kind=theirs).cut().stage()
    if environment == "production":
        other = Story(release_kind=theirs).cut().stage().sign_all().start_production()
    verdict = may_take(environment, Occupancy(taken=taken()), me(mine).release, other.release, NOW)
    assert verdict.allowed is allowed
    if not allowed:
        assert verdict.reasons == (f"{environment} is taken by 1.4.0",)


def test_what_is_free_or_ones_own_is_taken() -> None:
    release = me().release
    assert may_take("staging", Occupancy(), release, None, NOW).allowed
    assert may_take("staging", Occupancy(taken=taken()), release, at(Phase.WATCHING).release, NOW).allowed
    own = Story().cut().stage().release
    assert may_take("staging", Occupancy(taken=taken()), own, own, NOW).allowed


# The facts.

facts = st.lists(
    st.sampled_from(
        [
            lambda n: taken(round=n),
            lambda n: lock(round=n),
            lambda n: lock(round=n, until=later(5)),
            lambda n: Unlocked(round=n, person="mara"),
            lambda n: DeployedByHand(deployment_id=n, sha=sha(n)),
        ]
    ),
    max_size=8,
)


@given(facts)
def test_the_last_word_counts(makers: list[Callable[[int], e.Fact]]) -> None:
    told = [make(n) for n, make in enumerate(makers, 1)]
    state = fold(fact.model_dump(mode="json") for fact in told)
    words = [f for f in told if isinstance(f, Locked | Unlocked)]
    last = words[-1] if words else None
    assert state.lock == (last if isinstance(last, Locked) else None)
    assert state.taken == next((f for f in reversed(told) if isinstance(f, Taken)), None)
    assert [f.deployment_id for f in state.by_hand] == [
        f.deployment_id for f in told if isinstance(f, DeployedByHand)
    ]
    assert len({fact.key(stream("shop", "staging")) for fact in told}) == len(told)
