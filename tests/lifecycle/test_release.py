"""What the events of one release add up to, and which do not fit."""

from __future__ import annotations

import pickle

import pytest

from lifecycle import events as e
from lifecycle import release as rules
from lifecycle.phases import FORBIDDEN_WHILE_HELD, TRANSITIONS, IllegalEvent, Phase
from lifecycle.release import Release
from tests.lifecycle.facts import MODELS, pools
from tests.lifecycle.story import NOW, Story, at, live, sha, signed_off

EARLY = (Phase.PLANNED, Phase.VERIFYING, Phase.STAGING, Phase.SIGN_OFF, Phase.REWORK)


def hold(round_: int = 1) -> e.Held:
    return e.Held(round=round_, person="mara", reason="wait for the law")


def sample(kind: str, release: Release) -> e.ReleaseEvent:
    """A fact of that kind; the table has to refuse it before anybody looks at its fields."""
    around = {name: values[0] for name, values in pools(release).items()}
    changes = {"reason": "x", "issue": "SHOP-1", "number": 1}
    fields = {k: v for k, v in {**around, **changes}.items() if k in MODELS[kind].model_fields}
    return e.parse(MODELS[kind].model_validate(fields))


def unfit(story: Story, fact: e.ReleaseEvent) -> str:
    """Why the fact does not fit; the release is as it was."""
    before = story.release
    with pytest.raises(IllegalEvent) as illegal:
        story.tell(fact)
    assert story.release == before
    assert (illegal.value.phase, illegal.value.kind) == (before.phase, fact.kind)
    return illegal.value.why


# What the table forbids.


@pytest.mark.parametrize("phase", Phase)
def test_nothing_happens_that_the_table_does_not_name(phase: Phase) -> None:
    story = at(phase)
    assert story.release.phase is phase
    illegal = [kind for kind in e.KINDS if (phase, kind) not in TRANSITIONS and kind != "Planned"]
    for kind in illegal:
        fresh = sample(kind, story.release).model_copy(update={"number": 77, "attempt": 77, "request": "new"})
        if fresh.key("") not in story.release.told:
            assert unfit(story, fresh) == ""


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.terminal])
def test_an_ended_release_accepts_nothing_but_late_feedback_and_a_closed_ones_rollback(phase: Phase) -> None:
    row = {kind: after for (of, kind), after in TRANSITIONS.items() if of is phase}
    late = {"FeedbackGiven": Phase.CLOSED, "FeedbackFollowed": Phase.CLOSED}
    taken_back = {"RollbackStarted": Phase.ROLLING_BACK}
    assert row == (late | taken_back if phase is Phase.CLOSED else {})


def test_every_phase_is_reached_and_every_one_but_the_last_can_be_left() -> None:
    reached = {after for (before, _), after in TRANSITIONS.items() if before is not after}
    assert reached | {Phase.PLANNED} == set(Phase)
    left = {before for (before, _), after in TRANSITIONS.items() if before is not after}
    over = {phase for phase in Phase if phase.terminal}
    assert {phase for phase in Phase if phase not in left} == over - {Phase.CLOSED}


def test_from_every_phase_the_release_can_still_come_to_an_end() -> None:
    ending = {phase for phase in Phase if phase.terminal}
    while more := {before for (before, _), after in TRANSITIONS.items() if after in ending} - ending:
        ending |= more
    assert ending == set(Phase)


def test_every_kind_but_the_first_has_a_place_in_the_table() -> None:
    assert {kind for _, kind in TRANSITIONS} == set(e.KINDS) - {"Planned"}


def test_only_a_plan_begins_a_release() -> None:
    with pytest.raises(IllegalEvent) as illegal:
        rules.apply(None, e.StepPassed(step="qa", number=1))
    assert str(illegal.value) == "StepPassed cannot happen in no release"
    assert rules.fold([]) is None


def test_an_illegal_event_says_where_and_why_also_after_its_way_between_processes() -> None:
    again = pickle.loads(pickle.dumps(IllegalEvent(Phase.REWORK, "StepPassed", "held: x")))
    assert str(again) == "StepPassed cannot happen in Rework: held: x"


# What does not fit this very release.


def test_candidates_are_counted() -> None:
    story = Story()
    two = e.CandidateCut(number=2, tag="1.4.0-rc.2", sha=sha(2), branch="release/1.4.0")
    assert unfit(story, two) == "the candidate is 1, not 2"
    assert unfit(story, e.CandidateAsked(number=2, person="mara")) == "the candidate is 1, not 2"


@pytest.mark.parametrize(
    "fact",
    [
        e.CandidateVerified(number=1, pipeline_id=1),
        e.CandidateRejected(number=1, reasons=("red",)),
    ],
)
def test_news_of_an_earlier_candidate_come_too_late(fact: e.ReleaseEvent) -> None:
    assert unfit(Story().cut().cut(), fact) == "the candidate is 2, not 1"


def test_staging_serves_the_candidate_or_nothing() -> None:
    story = at(Phase.STAGING)
    other = e.Staged(number=1, sha=sha(9), url="", pipeline_id=2)
    assert unfit(story, other) == f"the commit is {sha(1)}, not {sha(9)}"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"number": 2}, "the candidate is 1, not 2"),
        ({"sha": sha(9)}, f"the commit is {sha(1)}, not {sha(9)}"),
        ({"plan_hash": "p2"}, "the plan is p1, not p2"),
        ({"issue": "SHOP-9"}, "SHOP-9 is not in this release"),
    ],
)
def test_people_are_asked_about_this_plan_and_this_candidate_only(
    changes: dict[str, object], why: str
) -> None:
    story = at(Phase.SIGN_OFF)
    ask = story.release.asked[0].model_copy(update={"request": "other", **changes})
    assert unfit(story, ask) == why


def test_what_nobody_asked_can_be_neither_signed_nor_returned() -> None:
    story = at(Phase.SIGN_OFF)
    returned = e.Returned(request="r", step="qa", issue=None, person="quinn", reason="no", door="cli")
    for fact in (Story.signature("quinn", "r", "qa"), returned):
        assert unfit(story, fact) == "this is not asked, or not asked any more"


def test_what_was_returned_cannot_be_signed() -> None:
    story = at(Phase.SIGN_OFF)
    request = story.request("qa", "SHOP-1")
    story.send_back("quinn", request)
    late = Story.signature("quentin", request, "qa")
    assert unfit(story, late) == "this is not asked, or not asked any more"


def test_a_signature_that_does_not_stand_cannot_be_taken_back() -> None:
    story = at(Phase.SIGN_OFF)
    withdrawn = e.SignOffWithdrawn(request=story.request("qa", "SHOP-1"), role="qa", person="quinn", round=1)
    assert unfit(story, withdrawn) == "there is no such signature"


def test_a_carry_is_believed_only_with_its_proof() -> None:
    story = Story().cut({"SHOP-1": "a", "SHOP-2": "b"}).stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1")).cut({"SHOP-1": "a", "SHOP-2": "c"}).stage()
    story.ask("qa")
    (right,) = story.release.carried
    story.events.remove(right)
    for change in (
        {"from_request": story.request("qa", "SHOP-2", 1)},
        {"request": story.request("qa", "SHOP-2")},
        {"step": "check"},
        {"issue": "SHOP-2"},
        {"from_sha": sha(2)},
        {"to_sha": sha(1)},
        {"from_digest": "c", "to_digest": "c"},
    ):
        assert unfit(story, right.model_copy(update=change)) == "no sign-off can be carried so"
    assert story.tell(right).release.carried == (right,)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sha": sha(9)}, f"the commit is {sha(1)}, not {sha(9)}"),
        ({"number": 2}, "the candidate is 1, not 2"),
        ({"attempt": 2}, "the attempt is 1, not 2"),
    ],
)
def test_production_starts_with_the_signed_commit_only(changes: dict[str, object], why: str) -> None:
    story = signed_off()
    going = e.ProductionStarted(number=1, tag="1.4.0", sha=sha(1)).model_copy(update=changes)
    assert unfit(story, going) == why


def test_news_of_another_attempt_or_another_commit_do_not_fit() -> None:
    story = signed_off().start_production()
    deployed = e.ProductionDeployed(attempt=1, sha=sha(1), url="", pipeline_id=3, at=NOW)
    assert (
        unfit(story, deployed.model_copy(update={"sha": sha(9)})) == f"the commit is {sha(1)}, not {sha(9)}"
    )
    assert unfit(story, deployed.model_copy(update={"attempt": 2})) == "the attempt is 1, not 2"
    story.tell(deployed)
    assert unfit(story, e.WatchEnded(attempt=2, verdict="healthy")) == "the attempt is 1, not 2"
    assert (
        unfit(story, e.WatchTicked(attempt=2, tick=1, at=NOW, observations=())) == "the attempt is 1, not 2"
    )
    story.start_rollback()
    back = e.RolledBack(to_sha=sha(9), pipeline_id=4, at=NOW)
    assert unfit(story, back) == f"the commit is {sha(0)}, not {sha(9)}"


# Holding.


def test_a_held_release_is_not_held_again_and_one_that_is_not_held_is_not_resumed() -> None:
    story = Story().tell(hold())
    assert unfit(story, hold(2)) == "it is held already"
    story.tell(e.Resumed(round=1, person="mara"))
    assert unfit(story, e.Resumed(round=2, person="mara")) == "it is not held"
    assert unfit(story, hold(3)) == "the hold is 2, not 3"


def test_whoever_resumes_an_earlier_hold_does_not_release_the_present_one() -> None:
    story = Story().tell(hold(), e.Resumed(round=1, person="mara"), hold(2))
    assert unfit(story, e.Resumed(round=3, person="mara")) == "the hold is 2, not 3"
    assert story.release.resumed == e.Resumed(round=1, person="mara")


@pytest.mark.parametrize("phase", EARLY)
def test_a_held_release_stays_where_it_is_and_goes_on_from_there(phase: Phase) -> None:
    story = at(phase).tell(hold())
    assert (story.release.phase, story.release.hold) == (phase, hold())
    assert (story.resume().release.phase, story.release.hold) == (phase, None)


@pytest.mark.parametrize("kind", sorted(FORBIDDEN_WHILE_HELD))
def test_while_held_no_step_is_taken_towards_the_customer(kind: str) -> None:
    stories = {
        "CandidateCut": Story(),
        "SignOffExpired": at(Phase.SIGN_OFF),
        "StepPassed": at(Phase.SIGN_OFF),
        "ProductionStarted": signed_off(),
        "Closed": at(Phase.FEEDBACK),
    }
    story = stories[kind].tell(hold())
    assert unfit(story, sample(kind, story.release)) == "held: wait for the law"


def test_while_held_people_may_still_sign_and_return() -> None:
    story = at(Phase.SIGN_OFF).tell(hold())
    story.sign("quinn", story.request("qa", "SHOP-1")).send_back("quentin", story.request("qa", "SHOP-2"))
    assert story.release.phase is Phase.REWORK


def test_after_a_rollback_the_release_is_held_until_a_person_resumes_it() -> None:
    story = live().roll_back()
    assert story.release.hold == e.Held(round=1, person=None, reason="rolled back: cart is bad")
    again = e.ProductionStarted(number=1, tag="1.4.0", sha=sha(1), attempt=2)
    assert unfit(story, again) == "held: rolled back: cart is bad"
    story.resume().start_production().deploy()
    assert (story.release.phase, story.release.attempt) == (Phase.WATCHING, 2)


def test_a_rollback_under_a_hold_leaves_one_hold_and_the_next_one_is_counted_on() -> None:
    story = live().tell(hold()).roll_back()
    assert story.release.hold is not None
    assert (story.release.hold.round, story.release.holds) == (2, 2)
    assert story.resume().tell(hold(3)).release.hold == hold(3)


# What adds up.


def test_a_fact_that_is_told_again_changes_nothing() -> None:
    story = signed_off()
    for fact in list(story.events):
        assert rules.apply(story.release, fact) == story.release


def test_of_two_tellings_the_first_wins() -> None:
    story = Story().tell(e.CandidateAsked(number=1, person="mara"), e.CandidateAsked(number=1, person="olli"))
    assert story.release.candidate_asked == e.CandidateAsked(number=1, person="mara")


def test_a_release_delivers_its_own_issues_and_those_of_the_one_that_was_rolled_back() -> None:
    assert Story("SHOP-1", "SHOP-2", carries=("SHOP-3", "SHOP-1")).release.delivers == (
        "SHOP-3",
        "SHOP-1",
        "SHOP-2",
    )


def test_a_new_candidate_starts_from_nothing_and_leaves_the_earlier_ones_readable() -> None:
    story = at(Phase.SIGN_OFF).sign_all().tell(e.CandidateAsked(number=2, person="mara"))
    asked_before = story.release.asked
    story.cut(sha=sha(7))
    release = story.release
    assert release.phase is Phase.VERIFYING
    assert (release.candidate_asked, release.verified, release.rejected, release.staged) == (None,) * 4
    assert [c.sha for c in release.candidates] == [sha(1), sha(7)]
    assert release.asked == asked_before
    assert release.asked_now() == ()
    assert not release.has_passed("qa")


def test_what_was_seen_of_an_earlier_attempt_does_not_count_for_the_next() -> None:
    story = live().tell(e.WatchTicked(attempt=1, tick=1, at=NOW, observations=()))
    release = story.roll_back().resume().start_production().release
    assert (release.ticks, release.deployed, release.rollback, release.rolled_back) == ((), None, None, None)


def test_a_release_without_a_candidate_asks_nothing_and_has_passed_nothing() -> None:
    release = Story().release
    assert (release.candidate, release.asked_now(), release.has_passed("qa")) == (None, (), False)
    assert (release.question("r"), release.carry("r"), release.attempt) == (None, None, 0)


def test_late_feedback_is_kept() -> None:
    given = e.FeedbackGiven(request="r", person="clara", issue="SHOP-1", answer="solved")
    asked = e.FeedbackAsked(request="r", person="clara", issue="SHOP-1", due=NOW)
    story = live().end_watch().tell(asked, e.Closed(asked=1), given)
    release = story.release
    assert (release.phase, release.feedback_given, release.feedback_late) == (
        Phase.CLOSED,
        (given,),
        (given,),
    )


def test_a_release_is_rolled_back_even_while_its_requesters_are_asked() -> None:
    assert at(Phase.FEEDBACK).roll_back().release.phase is Phase.ROLLED_BACK


def test_a_closed_release_that_is_taken_back_is_open_again_and_may_close_again() -> None:
    story = at(Phase.CLOSED)
    first = story.release.ended
    assert story.roll_back().release.ended is None
    assert story.release.hold is not None
    again = e.Closed(attempt=2)
    release = story.resume().start_production().deploy().end_watch().tell(again).release
    assert (first, release.ended, release.phase) == (e.Closed(), again, Phase.CLOSED)


def test_names_in_the_repository_and_the_ledger() -> None:
    assert rules.release_id("shop", "1.4.0") == "release:shop:1.4.0"
    assert rules.candidate_tag("1.4.0", 2) == "1.4.0-rc.2"
    assert rules.release_branch("1.4.0") == "release/1.4.0"
