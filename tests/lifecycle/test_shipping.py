"""What may go to production, when and from where, and when again after it was taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import shipping, signoff
from lifecycle.freezes import Freeze
from lifecycle.phases import IllegalEvent, Phase
from tests.lifecycle.facts import seeds, some_fact
from tests.lifecycle.story import NOW, Story, around, going_out, live, sha, signed_off

CHRISTMAS = Freeze.model_validate({"name": "Christmas", "from": "2026-10-10", "until": "2026-11-01"})


def rolled_back() -> Story:
    """Production serves the earlier version again, and the release is held."""
    return live().roll_back()


def hotfix() -> Story:
    """A hotfix that everybody signed."""
    return Story(release_kind="hotfix").cut().stage().sign_all()


@pytest.mark.parametrize("go", [signed_off, live, lambda: Story().cut().stage()])
def test_the_sign_offs_decide_before_anything_went_out(go: Callable[[], Story]) -> None:
    story = go()
    assert going_out(story) == signoff.may_ship(story.release, story.steps).reasons


def test_what_was_taken_back_goes_out_again_once_a_person_has_released_the_hold() -> None:
    story = rolled_back()
    assert going_out(story) == ("the release is held: rolled back: cart is bad",)
    assert going_out(story.resume()) == ()
    assert story.start_production().release.phase is Phase.PRODUCTION
    assert isinstance(story.events[-1], e.ProductionStarted)


# Staging.


@pytest.mark.parametrize("story", [Story(), Story().cut()])
def test_what_was_never_on_staging_does_not_go_out(story: Story) -> None:
    assert "the candidate is not on staging" in going_out(story)


@pytest.mark.parametrize(("serves", "told"), [("", "nothing"), (sha(9), "00000000")])
def test_only_what_staging_serves_now_goes_out(serves: str, told: str) -> None:
    assert going_out(signed_off(), serves=serves) == (f"staging serves {told}, not the candidate 00000000",)


def test_a_candidate_soaks_on_staging_and_the_wait_ends_by_itself() -> None:
    soak = timedelta(hours=2)
    story = signed_off()
    verdict = shipping.may_go_out(story.release, story.steps, around(story.release, soak=soak))
    assert verdict.reasons == ("on staging since 2026-10-16 10:00 UTC, to soak until 2026-10-16 12:00 UTC",)
    assert verdict.until == NOW + soak
    assert going_out(story, soak=soak, now=NOW + soak) == ()
    assert going_out(story, soak=soak, now=NOW + soak - timedelta(microseconds=1)) != ()


def test_who_gave_staging_away_has_to_be_there_again_and_keeps_its_sign_offs() -> None:
    story = signed_off().tell(e.Unstaged(number=1, round=1, by="release:shop:1.4.1"))
    assert story.release.phase is Phase.STAGING
    assert "the candidate is not on staging" in going_out(story)
    again = e.Staged(number=1, sha=sha(1), url="", pipeline_id=9)
    for wrong in ({"round": 3}, {"round": 2, "sha": sha(2)}, {"round": 2, "number": 2}):
        with pytest.raises(IllegalEvent):
            story.tell(again.model_copy(update=wrong))
    assert story.tell(again).release.phase is Phase.STAGING  # told before
    story.tell(again.model_copy(update={"round": 2}))
    assert going_out(story) == ()


def test_nothing_is_signed_while_another_release_has_staging() -> None:
    story = Story().cut().stage().ask("qa")
    request = story.release.asked[0].request
    assert story.may_sign("quinn", request).allowed
    story.tell(e.Unstaged(number=1, round=1, by="release:shop:1.4.1"))
    assert story.may_sign("quinn", request).reasons == (
        "another release has staging; this one is brought there again first",
    )


# Freezes.


@pytest.mark.parametrize("go", [signed_off, hotfix, lambda: rolled_back().resume()])
def test_nothing_goes_out_in_a_freeze_and_the_end_is_known(go: Callable[[], Story]) -> None:
    story = go()
    verdict = shipping.may_go_out(story.release, story.steps, around(story.release, windows=(CHRISTMAS,)))
    assert verdict.reasons == ("frozen: Christmas, until 2026-11-01 00:00 UTC",)
    assert verdict.until == datetime(2026, 11, 1, tzinfo=UTC)


def override(attempt: int = 1) -> e.FreezeOverridden:
    return e.FreezeOverridden(attempt=attempt, person="olli", role="release", reason="the shop is down")


def test_a_hotfix_goes_out_in_a_freeze_by_a_persons_word_once() -> None:
    story = hotfix().tell(override())
    assert going_out(story, windows=(CHRISTMAS,)) == ()
    story.start_production().deploy().roll_back().resume()
    assert going_out(story, windows=(CHRISTMAS,)) == ("frozen: Christmas, until 2026-11-01 00:00 UTC",)
    assert going_out(story.tell(override(2)), windows=(CHRISTMAS,)) == ()


def test_the_word_replaces_no_sign_off() -> None:
    story = Story(release_kind="hotfix").cut().stage().tell(override())
    assert going_out(story, windows=(CHRISTMAS,)) == signoff.may_ship(story.release, story.steps).reasons


@pytest.mark.parametrize(
    ("story", "attempt", "why"),
    [
        (signed_off(), 1, "only a hotfix"),
        (hotfix(), 2, "the attempt is 1, not 2"),
        (live(), 2, "cannot happen"),
    ],
)
def test_the_word_is_for_the_next_attempt_of_a_hotfix(story: Story, attempt: int, why: str) -> None:
    with pytest.raises(IllegalEvent, match=why):
        story.tell(override(attempt))


# Together.


@given(
    st.sampled_from([signed_off, hotfix, lambda: hotfix().tell(override()), lambda: Story().cut().stage()]),
    st.booleans(),
    st.integers(0, 30),
    st.integers(0, 48),
    st.integers(0, 48),
)
def test_what_goes_out_is_signed_soaked_and_out_of_every_freeze(
    go: Callable[[], Story], there: bool, day: int, soak: int, waited: int
) -> None:
    story, now = go(), NOW + timedelta(days=day)
    waits, since = timedelta(hours=soak), now - timedelta(hours=waited)
    wanted = around(
        story.release,
        now=now,
        serves=sha(1) if there else "",
        staged_at=since,
        soak=waits,
        windows=(CHRISTMAS,),
    )
    if shipping.may_go_out(story.release, story.steps, wanted).allowed:
        assert signoff.may_ship(story.release, story.steps).allowed
        assert there
        assert waited >= soak
        assert now >= datetime(2026, 11, 1, tzinfo=UTC) or story.release.unfrozen is not None


def anything(story: Story, drawn: list[int]) -> list[e.ReleaseEvent]:
    """The history after whatever of the drawn facts can happen, each told once."""
    release, history = story.release, list(story.events)
    for seed in drawn:
        fact = some_fact(seed, e.KINDS, release)
        if fact.key("") in release.told:
            continue
        try:
            after = rules.apply(release, fact)
        except IllegalEvent:
            continue
        if after is not release:  # a fact told again is not on the ledger twice
            release = after
            history.append(fact)
    return history


@given(
    st.sampled_from([signed_off, hotfix, lambda: hotfix().tell(override()), lambda: rolled_back().resume()]),
    st.lists(seeds, max_size=25),
)
def test_whatever_happens_nothing_goes_out_frozen_or_unstaged(
    go: Callable[[], Story], drawn: list[int]
) -> None:
    history = anything(go(), drawn)
    release = rules.fold(history)
    assert release is not None
    steps = Story().policy.steps_for(release.plan.release_kind)
    if not shipping.may_go_out(release, steps, around(release, windows=(CHRISTMAS,))).allowed:
        return
    # Told from the raw facts alone: a hotfix, let out for this very attempt, and on staging since.
    attempts = len({fact.attempt for fact in history if isinstance(fact, e.ProductionStarted)})
    assert release.plan.release_kind == "hotfix"
    assert any(isinstance(f, e.FreezeOverridden) and f.attempt == attempts + 1 for f in history)
    if release.phase is not Phase.ROLLED_BACK:
        moved = [fact for fact in history if isinstance(fact, e.Staged | e.Unstaged | e.CandidateCut)]
        assert isinstance(moved[-1], e.Staged)
