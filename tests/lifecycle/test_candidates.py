"""When the next candidate is cut, and what one without all issues may not do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle import events as e
from lifecycle import signoff
from lifecycle.candidates import READY, may_be_due, ready, unfinished
from lifecycle.cutting import Candidates
from lifecycle.phases import IllegalEvent, Phase
from lifecycle.release import Release
from lifecycle.verdict import Verdict
from lifecycle.workflow import Status
from tests.lifecycle.story import NOW, Story, at, going_out, policy, policy_data, sha, signed_off

DAYS = timedelta(days=1)


def statuses(one: Status, two: Status = Status.QA) -> dict[str, Status]:
    return {"SHOP-1": one, "SHOP-2": two}


def look(
    release: Release,
    found: dict[str, Status],
    head: str | None,
    *,
    cut: datetime = NOW,
    now: datetime = NOW,
    **rules: Any,
) -> Verdict:
    return ready(release, found, head, Candidates.model_validate(rules), cut, now)


def early(*issues: str, without: tuple[str, ...] = ("SHOP-2",)) -> Story:
    """A staged candidate of main that holds the others."""
    return Story(*(issues or ("SHOP-1", "SHOP-2"))).cut(unfinished=without, branch="main").stage()


@pytest.mark.parametrize(
    "rules",
    [
        {"when": "count"},
        {"when": "count", "issues": 0},
        {"when": "schedule"},
        {"when": "schedule", "cron": "0 6 30 2 *"},
        {"when": "schedule", "cron": "0 6,18 * * *"},
        {"when": "schedule", "cron": "0 6 * * *", "time_zone": "Berlin"},
        {"cron": "0 6 * * *"},
        {"when": "hand", "issues": 2},
        {"when": "never"},
        {"every": "1d"},
    ],
)
def test_a_rule_that_says_too_little_or_too_much_is_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Candidates.model_validate(rules)


def test_a_project_may_have_a_rule_of_its_own() -> None:
    data = policy_data(candidates={"when": "hand"})
    assert policy(**data).candidates_of(policy(**data).projects[0]).when == "hand"
    data["projects"][0]["candidates"] = {"when": "count", "issues": 3}
    assert policy(**data).candidates_of(policy(**data).projects[0]).issues == 3


@pytest.mark.parametrize("status", [status for status in Status if status not in READY])
def test_no_candidate_while_an_issue_is_still_developed(status: Status) -> None:
    assert look(Story().release, statuses(status), None).reasons == (f"SHOP-1 is in {status}",)


def test_an_issue_of_which_nothing_is_known_is_not_ready() -> None:
    assert look(Story().release, {"SHOP-1": Status.QA}, None).reasons == ("nothing is known of SHOP-2",)


def test_no_second_candidate_of_the_same_commit() -> None:
    release = Story().cut().release
    assert look(release, statuses(Status.QA), sha(1)).reasons == (
        "nothing new on release/1.4.0 since 1.4.0-rc.1",
    )


def test_a_release_branch_that_is_gone_brings_nothing_new() -> None:
    assert not look(Story().cut().release, statuses(Status.QA), None).allowed


def test_every_reason_is_given() -> None:
    verdict = look(Story().cut().release, statuses(Status.TO_DO, Status.IN_PROGRESS), sha(1))
    assert len(verdict.reasons) == 3


@pytest.mark.parametrize("status", sorted(READY))
def test_the_first_candidate_is_due_as_soon_as_every_issue_is_developed(status: Status) -> None:
    assert look(Story().release, statuses(status), None).allowed


def test_the_next_candidate_is_due_when_the_rework_is_on_the_branch() -> None:
    assert look(Story().cut().release, statuses(Status.QA), sha(2)).allowed


@pytest.mark.parametrize("rules", [{}, {"when": "hand"}, {"when": "count", "issues": 9}])
def test_a_candidate_that_a_person_asks_for_is_due_whatever_the_issues_say(rules: dict[str, Any]) -> None:
    story = Story().cut().tell(e.CandidateAsked(number=2, person="mara"))
    assert look(story.release, {}, sha(1), **rules).allowed
    assert may_be_due(story.release)


def test_by_hand_means_that_nothing_is_cut_by_itself() -> None:
    verdict = look(Story().release, statuses(Status.QA), None, when="hand")
    assert verdict.reasons == ("a person asks for each candidate",)


def test_a_hotfix_is_cut_when_it_is_complete_whatever_the_policy_says() -> None:
    release = Story(release_kind="hotfix").release
    assert look(release, statuses(Status.QA), None, when="hand").allowed
    assert not look(release, statuses(Status.TO_DO), None, when="count", issues=1).allowed


class TestCount:
    KEYS = ("SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4")

    def see(self, release: Release, done: int, head: str | None = None) -> Verdict:
        found = {k: Status.QA if n < done else Status.TO_DO for n, k in enumerate(self.KEYS)}
        return look(release, found, head, when="count", issues=2)

    def test_the_first_is_due_at_the_nth_finished_issue(self) -> None:
        release = Story(*self.KEYS).release
        assert self.see(release, 1).reasons == ("1 of 2 issues are finished for the next candidate",)
        assert self.see(release, 2).allowed

    def test_only_what_was_finished_since_counts_for_the_next(self) -> None:
        release = early(*self.KEYS, without=("SHOP-3", "SHOP-4")).release
        assert self.see(release, 3, sha(2)).reasons == ("1 of 2 issues are finished for the next candidate",)
        assert self.see(release, 4, sha(2)).allowed

    def test_the_last_issues_need_not_be_so_many(self) -> None:
        release = early(*self.KEYS, without=("SHOP-4",)).release
        assert self.see(release, 4, sha(2)).allowed

    def test_what_the_last_candidate_held_has_to_be_finished_again(self) -> None:
        release = early(*self.KEYS, without=("SHOP-3", "SHOP-4")).release
        back = {**dict.fromkeys(self.KEYS, Status.QA), "SHOP-1": Status.IN_PROGRESS}
        verdict = look(release, back, sha(2), when="count", issues=2)
        assert verdict.reasons == ("SHOP-1 is in In Progress",)

    def test_a_rejected_candidate_does_not_wait_for_more_issues(self) -> None:
        story = Story(*self.KEYS).cut(unfinished=("SHOP-3", "SHOP-4"), branch="main")
        story.tell(e.CandidateRejected(number=1, reasons=("red",)))
        assert self.see(story.release, 2, sha(2)).allowed
        assert not self.see(story.release, 2, sha(1)).allowed


class TestSchedule:
    RULES: ClassVar[dict[str, str]] = {
        "when": "schedule",
        "cron": "0 6 * * 1-5",
        "time_zone": "Europe/Berlin",
    }
    FRIDAY = datetime(2026, 10, 16, 4, tzinfo=UTC)  # 06:00 in Berlin

    def see(self, now: datetime, cut: datetime, one: Status = Status.QA) -> Verdict:
        return look(Story().release, statuses(one, Status.TO_DO), sha(1), now=now, cut=cut, **self.RULES)

    def test_it_is_due_from_its_time_on_by_the_clock_of_its_zone(self) -> None:
        before = self.see(self.FRIDAY - timedelta(seconds=1), self.FRIDAY - 3 * DAYS)
        assert before.reasons == ("candidates are cut at 0 6 * * 1-5 (Europe/Berlin)",)
        assert self.see(self.FRIDAY, self.FRIDAY - 3 * DAYS).allowed

    def test_one_candidate_an_occasion(self) -> None:
        later = self.FRIDAY + timedelta(hours=1)
        assert not self.see(later, self.FRIDAY).allowed
        assert not self.see(self.FRIDAY + DAYS, self.FRIDAY).allowed
        assert self.see(self.FRIDAY + 3 * DAYS, self.FRIDAY).allowed

    def test_nothing_finished_is_nothing_to_test(self) -> None:
        verdict = self.see(self.FRIDAY, self.FRIDAY - 3 * DAYS, one=Status.IN_PROGRESS)
        assert verdict.reasons == ("no issue is finished",)


def test_issues_finished_since_are_a_reason_to_cut_the_same_commit_again() -> None:
    release = early().release
    assert look(release, statuses(Status.QA), sha(1)).allowed
    still = look(release, statuses(Status.QA, Status.CODE_REVIEW), sha(1))
    assert still.reasons == ("SHOP-2 is in Code Review", "nothing new on main since 1.4.0-rc.1")


@pytest.mark.parametrize("phase", [Phase.PLANNED, Phase.REWORK])
def test_a_release_without_a_candidate_that_can_ship_looks_for_the_next(phase: Phase) -> None:
    assert may_be_due(at(phase).release)


def test_an_early_candidate_is_followed_by_the_next_and_a_complete_one_is_not() -> None:
    assert may_be_due(early().release)
    assert not may_be_due(Story().cut().stage().release)


def test_who_tests_an_early_candidate_is_asked_about_finished_issues_only() -> None:
    story = early().ask("qa").ask("check")
    assert [(ask.step, ask.issue) for ask in story.release.asked] == [("qa", "SHOP-1")]


@pytest.mark.parametrize(("step", "issue"), [("qa", "SHOP-2"), ("check", None)])
def test_nobody_can_be_asked_for_what_an_early_candidate_does_not_hold(step: str, issue: str | None) -> None:
    story = early()
    plan = story.release.plan.plan_hash
    asked = e.SignOffAsked(
        request="r",
        step=step,
        number=1,
        issue=issue,
        sha=sha(1),
        plan_hash=plan,
        environment="staging",
        due=NOW,
    )
    with pytest.raises(IllegalEvent, match="cut without SHOP-2"):
        story.tell(asked)


def test_an_issue_that_is_taken_out_is_not_waited_for() -> None:
    story = early()
    release = story.release.model_copy(
        update={"plan": story.release.plan.model_copy(update={"issues": ("SHOP-1",)})}
    )
    assert release.unfinished == ()


def test_an_early_candidate_passes_no_step_and_never_ships() -> None:
    story = early().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    reason = "SHOP-2 was not finished when 1.4.0-rc.1 was cut"
    assert signoff.passed(story.release, story.step("qa")).reasons == (reason,)
    assert going_out(story)[0] == reason
    for fact in (
        e.StepPassed(step="qa", number=1),
        e.ProductionStarted(number=1, tag="1.4.0", sha=sha(1)),
    ):
        with pytest.raises(IllegalEvent, match="cut without SHOP-2"):
            story.tell(fact)


def test_an_override_does_not_make_an_early_candidate_whole() -> None:
    story = early().ask("qa")
    story.tell(
        e.StepOverridden(step="qa", number=1, person="gerd", role="management", reason="now", door="cli")
    )
    assert not signoff.passed(story.release, story.step("qa")).allowed


def test_what_qa_signed_early_carries_to_the_complete_candidate() -> None:
    story = early().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    story.cut().stage().ask("qa")
    assert signoff.missing(story.release, story.request("qa", "SHOP-1"), story.step("qa")) == {}
    assert signoff.missing(story.release, story.request("qa", "SHOP-2"), story.step("qa")) == {"qa": 1}


def test_a_complete_candidate_has_nothing_to_wait_for() -> None:
    assert going_out(signed_off()) == ()


@given(st.dictionaries(st.sampled_from(["SHOP-1", "SHOP-2"]), st.sampled_from(Status)))
def test_a_candidate_without_a_question_asked_for_holds_every_issue(found: dict[str, Status]) -> None:
    release = Story().release
    if look(release, found, None).allowed:
        assert unfinished(release, found) == ()
