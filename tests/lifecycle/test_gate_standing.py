"""No candidate goes out whose gates were not judged, fail, or were judged too long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from lifecycle import events as e
from lifecycle import shipping
from lifecycle.gates.ending import has_ended
from lifecycle.gates.policy import GatePolicy
from lifecycle.gates.standing import Standing, is_stale, obstacles
from lifecycle.phases import IllegalEvent, Phase
from lifecycle.timeline import sentence
from tests.lifecycle.story import NOW, Story, around, going_out, signed_off

WEEK = Standing(oldest=NOW - timedelta(days=7))
SCANS = {"sast": "high", "dependency_scanning": "high"}
TOO_LONG_AGO = "the gates were judged at 2026-10-08 10:00 UTC: too long ago"
OTHER_RULES = "the gates were judged before the policy asked what it asks now"


def verified(**change: Any) -> e.CandidateVerified:
    return e.CandidateVerified(number=1, pipeline_id=1, **{"at": NOW, "passed": ("tests",), **change})


def judged(number: int = 1, **change: Any) -> e.CandidateJudged:
    return e.CandidateJudged(number=1, round=number, **{"at": NOW, **change})


@pytest.mark.parametrize(
    ("given", "standing", "reasons"),
    [
        (None, Standing(), ("the gates of candidate 1 were not judged",)),
        (
            e.CandidateVerified(number=2, pipeline_id=1),
            Standing(),
            ("the gates of candidate 1 were not judged",),
        ),
        (verified(), Standing(), ()),
        (verified(at=None), Standing(), ()),
        (verified(), WEEK, ()),
        (verified(at=NOW - timedelta(days=7)), WEEK, ()),
        (
            verified(at=NOW - timedelta(days=8)),
            WEEK,
            (TOO_LONG_AGO,),
        ),
        (verified(at=None), WEEK, ("the gates were judged at a time that is not on record: too long ago",)),
        (verified(excepted=("sast",)), Standing(), ("the exception to gate sast has ended",)),
        (verified(excepted=("sast",)), Standing(excepted=("sast", "tests")), ()),
        (judged(reasons=("no report",)), Standing(), ("gate: no report",)),
        (judged(), WEEK, ()),
        (verified(rules="a"), Standing(rules="a"), ()),
        (verified(rules="a"), Standing(), ()),
        (verified(), Standing(rules="a"), ()),
        (verified(rules="a"), Standing(rules="b"), (OTHER_RULES,)),
        (
            judged(rules="a", at=NOW - timedelta(days=8)),
            WEEK._replace(rules="b"),
            (OTHER_RULES, TOO_LONG_AGO),
        ),
    ],
)
def test_what_speaks_against_a_verdict(
    given: e.CandidateVerified | e.CandidateJudged | None, standing: Standing, reasons: tuple[str, ...]
) -> None:
    assert obstacles(1, given, standing) == reasons
    if given is not None:
        assert is_stale(given, standing) is any(
            why == OTHER_RULES or "too long ago" in why for why in reasons
        )


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"minimum_coverage": 91}, False),
        ({"scans": {**SCANS, "secret_detection": "info"}}, False),
        ({"required_jobs": ["unit", "fuzz"]}, False),
        ({"scans": {"dependency_scanning": "high", "sast": "high"}}, True),
        ({"valid_for": "3d", "settles_after": "1h", "exceptions_by": ["qa"]}, True),
        ({"flaky_tests": [{"name": "adds", "until": "2026-10-15"}]}, True),
        ({"flaky_tests": [{"name": "adds", "until": "2026-10-16"}]}, False),
    ],
)
def test_a_verdict_is_by_what_the_policy_asks_that_day(change: dict[str, Any], same: bool) -> None:
    asked = {"required_jobs": ["unit"], "minimum_coverage": 90, "scans": SCANS}
    day = NOW.date()
    before, after = (GatePolicy.model_validate(each).in_force(day) for each in (asked, asked | change))
    assert (before == after) is same


def test_a_signed_release_waits_for_gates_that_stand() -> None:
    story = signed_off()
    assert going_out(story) == ()
    assert going_out(story, gates=WEEK) == (
        "the gates were judged at a time that is not on record: too long ago",
    )
    story.tell(judged())
    assert going_out(story, gates=WEEK) == ()
    story.tell(judged(2, reasons=("there is no sast report",)))
    assert going_out(story, gates=WEEK) == ("gate: there is no sast report",)


def test_what_was_taken_back_goes_out_again_only_with_gates_that_stand() -> None:
    story = signed_off().start_production().deploy().roll_back().resume()
    assert going_out(story, gates=WEEK) != ()
    assert going_out(story.tell(judged()), gates=WEEK) == ()


def test_a_release_whose_gates_nobody_judged_does_not_go_out() -> None:
    story = signed_off()
    release = story.release.model_copy(update={"verified": None})
    assert shipping.may_go_out(release, story.steps, around(release)).reasons == (
        "the gates of candidate 1 were not judged",
    )
    assert "the gates of candidate 0 were not judged" in going_out(Story())


def test_a_judgement_is_of_the_newest_candidate_and_follows_the_last_one() -> None:
    story = signed_off()
    for wrong in (judged(2), judged().model_copy(update={"number": 2})):
        with pytest.raises(IllegalEvent):
            story.tell(wrong)
    story.tell(judged(), judged(2))
    with pytest.raises(IllegalEvent):
        Story().cut().tell(judged())


def test_the_history_says_what_was_excepted_and_what_failed() -> None:
    assert sentence(verified()) == "pipeline and gates passed"
    assert sentence(verified(excepted=("sast",))) == "pipeline and gates passed: sast excepted"
    again = judged(reasons=("no report",), excepted=("sast",))
    assert sentence(again) == "the gates were judged again: no report; sast excepted"
    assert verified().reasons == ()


ENDED = NOW - timedelta(seconds=30)


@pytest.mark.parametrize(
    ("status", "jobs", "settles_s", "ended", "right"),
    [
        ("running", (), 0, ENDED, False),
        ("success", ("success",), 60, ENDED, True),
        ("canceled", ("running",), 60, ENDED, True),
        ("failed", ("failed", "success"), 0, ENDED, True),
        ("failed", ("failed", "pending"), 0, ENDED, False),
        ("failed", ("failed",), 31, ENDED, False),
        ("failed", ("failed",), 30, ENDED, True),
        ("failed", ("failed",), 30, None, True),
    ],
)
def test_a_failed_pipeline_is_believed_once_nothing_of_it_is_retried(
    status: str, jobs: tuple[str, ...], settles_s: int, ended: datetime | None, right: bool
) -> None:
    assert has_ended(status, jobs, ended, timedelta(seconds=settles_s), NOW) is right


class Gating(RuleBasedStateMachine):
    """Candidates are cut, judged, signed, judged again; time passes and exceptions end."""

    shipped: ClassVar[int] = 0
    kept: ClassVar[int] = 0

    @initialize(valid_days=st.sampled_from([None, 1, 3]))
    def begin(self, valid_days: int | None) -> None:
        self.valid_for = None if valid_days is None else timedelta(days=valid_days)
        self.story, self.now, self.excepted = Story().cut(), NOW, frozenset[str]()

    @rule(days=st.sampled_from([0.5, 2]))
    def time_passes(self, days: float) -> None:
        self.now += timedelta(days=days)

    @rule(gates=st.frozensets(st.sampled_from(["sast", "coverage"])))
    def exceptions_change(self, gates: frozenset[str]) -> None:
        self.excepted = gates

    @rule(failing=st.sampled_from(["", "", "sast", "coverage"]))
    def judge(self, failing: str) -> None:
        """The first judgement of a candidate, or another one of it."""
        release = self.story.release
        excepted = (failing,) if failing in self.excepted else ()
        reasons = (f"{failing} fails",) if failing and not excepted else ()
        if release.phase is Phase.VERIFYING and not reasons:
            number = release.candidates[-1].number
            fact = e.CandidateVerified(number=number, pipeline_id=1, at=self.now, excepted=excepted)
            self.story.tell(fact)
            self.story.tell(e.Staged(number=number, sha=release.candidates[-1].sha, url="x", pipeline_id=2))
        elif release.phase in (Phase.SIGN_OFF, Phase.ROLLED_BACK):
            number = release.candidates[-1].number
            turn = release.judged.round + 1 if release.judged else 1
            self.story.tell(
                e.CandidateJudged(number=number, round=turn, at=self.now, excepted=excepted, reasons=reasons)
            )

    @rule(really=st.integers(0, 3))
    def cut(self, really: int) -> None:
        if self.story.release.phase in (Phase.VERIFYING, Phase.SIGN_OFF) and not really:
            self.story.cut()

    @rule()
    def sign(self) -> None:
        release = self.story.release
        if release.phase is Phase.SIGN_OFF and not release.has_passed("qa"):
            self.story.sign_all()

    @rule()
    def take_back(self) -> None:
        if self.story.release.phase is Phase.WATCHING:
            self.story.roll_back().resume()

    @rule()
    def ship(self) -> None:
        release = self.story.release
        oldest = None if self.valid_for is None else self.now - self.valid_for
        standing = Standing(oldest, self.excepted)
        if going_out(self.story, gates=standing):
            type(self).kept += release.phase is Phase.SIGN_OFF
            return
        last = self.last_verdict(release.candidates[-1].number)
        assert last is not None
        assert last.reasons == ()
        assert set(last.excepted) <= self.excepted
        assert self.valid_for is None or (last.at is not None and self.now - last.at <= self.valid_for)
        self.story.start_production().deploy(self.now)
        type(self).shipped += 1

    def last_verdict(self, number: int) -> e.CandidateVerified | e.CandidateJudged | None:
        """As an auditor finds it: in the raw events, without the rules."""
        kinds = (e.CandidateVerified, e.CandidateJudged)
        told = [fact for fact in self.story.events if isinstance(fact, kinds) and fact.number == number]
        return told[-1] if told else None


def test_no_order_of_events_ships_a_candidate_with_a_missing_failing_or_stale_gate() -> None:
    Gating.shipped = Gating.kept = 0
    run_state_machine_as_test(
        Gating, settings=settings(max_examples=150, stateful_step_count=30, deadline=None)
    )
    assert Gating.shipped
    assert Gating.kept
