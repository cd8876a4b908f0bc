"""A change of scope after the closing: asked, approved by the review's roles, and what follows from it."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle import scope_changes as rules
from lifecycle import signoff
from lifecycle.candidates import ready
from lifecycle.cutting import Candidates
from lifecycle.phases import IllegalEvent, Phase
from lifecycle.policy import Policy
from lifecycle.removal import Commit, Merge, Removal
from lifecycle.scope import ScopeLine
from lifecycle.verdict import Verdict
from lifecycle.workflow import Status
from tests.lifecycle.story import NOW, STREAM, Story, at, policy_data, sha, signed_off

GIFT = ScopeLine(key="SHOP-7", title="Gift wrap", size=5, blocks=("SHOP-1",))
LATER = NOW + timedelta(days=3)


def roles(*names: str) -> Policy:
    """The story's policy with these roles of the review; mara's deputy is dora, quinn's is clara."""
    data = policy_data()
    deputies = {"mara": "dora", "quinn": "clara"}
    data["people"] = [{**one, "deputy": deputies.get(one["id"])} for one in data["people"]]
    data["review"] = {**data["review"], "roles": names}
    return Policy.model_validate(data)


TEAM = roles("manager", "qa")


def ask(story: Story, *, add: tuple[ScopeLine, ...] = (), remove: tuple[str, ...] = ()) -> str:
    fact = rules.asking(
        story.release,
        STREAM,
        add,
        remove,
        why="the client asked",
        person="olli",
        door="cli",
        due=NOW + timedelta(days=2),
    )
    story.tell(fact)
    return fact.request


def approve(story: Story, slug: str, request: str, using: Policy = TEAM) -> None:
    """The person approves as the core does: what follows is told with it."""
    may = rules.may_decide(story.release, request, story.person(slug), using, NOW)
    assert may.allowed, may.reasons
    story.tell(e.ScopeChangeApproved(request=request, person=slug, roles=may.roles, door="cli"))
    after = rules.effect(story.release, using)
    assert not isinstance(after, Verdict)
    if after is not None:
        story.tell(after)


def change(story: Story, **what: tuple[ScopeLine, ...] | tuple[str, ...]) -> str:
    request = ask(story, **what)  # pyright: ignore[reportArgumentType]
    approve(story, "mara", request)
    approve(story, "quinn", request)
    return request


# What is refused.


@pytest.mark.parametrize(
    "phase",
    [
        phase
        for phase in Phase
        if phase not in (Phase.PLANNED, Phase.VERIFYING, Phase.STAGING, Phase.SIGN_OFF, Phase.REWORK)
    ],
)
def test_once_production_has_started_the_scope_stays(phase: Phase) -> None:
    release = at(phase).release
    assert rules.may_ask(release, [GIFT], []).reasons == (f"the release is past it: {phase}",)


def test_what_is_in_the_candidate_cannot_leave_by_the_plan_alone() -> None:
    story = Story().cut({"SHOP-1": "d", "SHOP-2": ""})
    assert not rules.may_ask(story.release, [], ["SHOP-1"]).allowed
    assert "candidate 1" in rules.may_ask(story.release, [], ["SHOP-1"]).reasons[0]
    assert rules.may_ask(story.release, [], ["SHOP-2"]).allowed


SECOND = Commit(sha=sha(2), title="Search", issues=("SHOP-2",))
OUT = Removal(issues={"SHOP-2": "", "SHOP-9": "waits for SHOP-2"}, reverts=(Merge(commit=SECOND),))


def test_what_is_in_the_candidate_leaves_with_its_merges() -> None:
    story = Story().cut({"SHOP-1": "d", "SHOP-2": "d"})
    assert rules.may_ask(story.release, [], ["SHOP-2"], OUT.told).allowed
    assert not rules.may_ask(story.release, [], ["SHOP-1"], OUT.told).allowed
    ask_for = {"why": "not wanted", "person": "olli", "door": "cli", "due": NOW}
    asked = rules.asking(story.release, STREAM, [], ["SHOP-2"], **ask_for, removal=OUT)  # pyright: ignore[reportArgumentType]
    assert (asked.reverts, asked.because) == (OUT.told, ("SHOP-9 waits for SHOP-2",))
    story.tell(asked)
    assert not rules.agreed(story.release, TEAM)
    for person, role in (("mara", "manager"), ("quinn", "qa")):
        assert rules.effect(story.release, TEAM) is None
        story.tell(e.ScopeChangeApproved(request=asked.request, person=person, roles=(role,), door="cli"))
    assert rules.agreed(story.release, TEAM)
    fact = rules.effect(story.release, TEAM)
    assert isinstance(fact, e.ScopeChanged)
    story.tell(fact)
    assert (story.release.plan.issues, story.release.phase) == (("SHOP-1",), Phase.REWORK)
    assert not rules.agreed(story.release, TEAM)


def test_what_is_in_the_plan_may_leave_while_nothing_waits_and_something_is_left() -> None:
    story = Story().cut({"SHOP-1": "d", "SHOP-2": "d"})
    assert rules.may_leave(story.release, "SHOP-2")
    assert not rules.may_leave(story.release, "SHOP-9")
    assert not rules.may_leave(story.release, None)
    ask(story, add=(GIFT,))
    assert not rules.may_leave(story.release, "SHOP-2")


@pytest.mark.parametrize(
    ("slug", "using", "speaks"),
    [("mara", TEAM, True), ("dora", TEAM, False), ("dora", roles(), True), ("clara", roles(), False)],
)
def test_who_has_a_say_in_the_scope(slug: str, using: Policy, speaks: bool) -> None:
    person = Story().person(slug)
    assert rules.speaks(person, using) is speaks
    assert not rules.speaks(person.model_copy(update={"active": False}), using)


def test_what_a_rolled_back_release_left_is_not_added_again() -> None:
    story = Story(carries=("SHOP-7",))
    assert rules.may_ask(story.release, [GIFT], []).reasons == ("SHOP-7 goes out with this release already",)


def test_what_is_added_once_the_branch_is_cut_needs_its_own_merge_request() -> None:
    more = (GIFT, ScopeLine(key="SHOP-8"))
    assert rules.to_merge(Story().release, more) == ()
    assert rules.to_merge(Story().cut(branch="main").release, more) == ()
    [said] = rules.to_merge(Story().cut().release, more[:1])
    assert said.startswith("release/1.4.0 is cut already: SHOP-7 needs its own merge request onto it. ")
    assert "SHOP-7, SHOP-8 each need their own" in rules.to_merge(Story().cut().release, more)[0]
    assert rules.to_merge(Story().cut().release, ()) == ()
    assert rules.to_merge(Story(release_kind="hotfix").release, more) != ()


def test_one_change_at_a_time() -> None:
    story = Story()
    ask(story, add=(GIFT,))
    assert rules.may_ask(story.release, [], ["SHOP-2"]).reasons == (
        "another change waits: approve or refuse that first",
    )
    with pytest.raises(IllegalEvent, match="another change of scope waits"):
        story.tell(story.release.scope_asked[0].model_copy(update={"request": "other"}))


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("clara", "a change of scope is decided by manager and qa"),
        ("dora", "a change of scope is decided by manager and qa"),
    ],
)
def test_who_holds_none_of_the_roles_decides_nothing(slug: str, why: str) -> None:
    story = Story()
    request = ask(story, add=(GIFT,))
    assert rules.may_decide(story.release, request, story.person(slug), TEAM, NOW).reasons == (why,)


def test_a_deactivated_person_decides_nothing() -> None:
    story = Story()
    request = ask(story, add=(GIFT,))
    gone = story.person("mara").model_copy(update={"active": False})
    assert rules.may_decide(story.release, request, gone, TEAM, NOW).reasons == (
        "your account is deactivated",
    )


def test_what_nobody_asked_or_what_is_over_is_decided_by_nobody() -> None:
    story = Story()
    request = ask(story, add=(GIFT,))
    story.tell(e.ScopeChangeRefused(request=request, person="mara", reason="no", door="cli"))
    for stale in (request, "never"):
        may = rules.may_decide(story.release, stale, story.person("mara"), TEAM, NOW)
        assert may.reasons == ("nobody waits for a decision on this change",)
        with pytest.raises(IllegalEvent, match="does not wait for anybody"):
            story.tell(e.ScopeChangeApproved(request=stale, person="mara", door="cli"))


def test_a_change_that_waits_when_production_starts_is_too_late() -> None:
    story = signed_off()
    request = ask(story, add=(GIFT,))
    story.start_production()
    may = rules.may_decide(story.release, request, story.person("mara"), TEAM, NOW)
    assert may.reasons == ("the release is past it: Production",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"plan_hash": "p9"}, "the plan is"),
        ({"issues": ("SHOP-1",)}, "the scope is"),
        ({"request": "never"}, "does not wait for anybody"),
    ],
)
def test_only_what_was_approved_takes_effect(changes: dict[str, object], why: str) -> None:
    story = Story()
    request = ask(story, add=(GIFT,))
    story.tell(
        *(
            e.ScopeChangeApproved(request=request, person=who, roles=(role,), door="cli")
            for who, role in (("mara", "manager"), ("quinn", "qa"))
        )
    )
    fact = rules.effect(story.release, TEAM)
    assert isinstance(fact, e.ScopeChanged)
    with pytest.raises(IllegalEvent, match=why):
        story.tell(fact.model_copy(update=changes))


def test_a_change_asked_for_another_plan_does_not_fit() -> None:
    story = Story()
    ask(story, add=(GIFT,))
    stale = story.release.scope_asked[0].model_copy(update={"plan_hash": "p9"})
    with pytest.raises(IllegalEvent, match="the plan is p1, not p9"):
        Story().tell(stale)


def test_what_came_into_a_candidate_meanwhile_stays() -> None:
    story = Story()
    request = ask(story, remove=("SHOP-2",))
    story.cut()
    story.tell(e.ScopeChangeApproved(request=request, person="mara", roles=("manager", "qa"), door="cli"))
    late = rules.effect(story.release, TEAM)
    assert isinstance(late, Verdict)
    assert "SHOP-2: its merges are in candidate 1" in late.reasons[0]


# Who approves.


def test_each_role_has_to_approve_and_one_person_counts_for_each_of_theirs() -> None:
    using = roles("release", "manager", "qa")
    story = Story()
    request = ask(story, add=(GIFT,))
    assert rules.missing(story.release, request, using) == ("release", "manager", "qa")
    assert rules.effect(story.release, using) is None
    approve(story, "olli", request, using)  # who asked, and holds the roles
    assert rules.missing(story.release, request, using) == ("qa",)
    approve(story, "quinn", request, using)
    assert story.release.plan.issues == ("SHOP-1", "SHOP-2", "SHOP-7")


def test_a_deputy_approves_once_the_time_is_up() -> None:
    story = Story()
    request = ask(story, add=(GIFT,))
    may = rules.may_decide(story.release, request, story.person("dora"), TEAM, LATER)
    assert (may.roles, may.instead_of) == (("manager",), "mara")
    assert not rules.may_decide(story.release, request, story.person("gerd"), TEAM, LATER).allowed


def test_without_roles_anybody_of_the_team_is_enough_but_no_client() -> None:
    using = roles()
    story = Story()
    request = ask(story, add=(GIFT,))
    assert rules.missing(story.release, request, using) == ("one of the team",)
    may = rules.may_decide(story.release, request, story.person("clara"), using, LATER)
    assert may.reasons == ("a change of scope is decided by the team",)
    approve(story, "dora", request, using)
    assert story.release.scope_change is None


@given(st.permutations(["mara", "quinn", "olli", "quentin"]))
def test_approvals_in_any_order_come_to_the_same_plan(order: list[str]) -> None:
    story = Story()
    request = ask(story, add=(GIFT,), remove=("SHOP-2",))
    for slug in order:
        if story.release.scope_change:
            approve(story, slug, request)
    assert story.release.scope_change is None
    assert story.release.plan.issues == ("SHOP-1", "SHOP-7")
    assert story.release.plan.plan_hash == story.release.scope.plan_hash


def test_of_all_orders_none_takes_effect_before_the_last_role() -> None:
    using = roles("release", "manager", "qa")
    for order in permutations(["olli", "quinn"]):
        story = Story()
        request = ask(story, add=(GIFT,))
        approve(story, order[0], request, using)
        assert story.release.plan.plan_hash == "p1"
        approve(story, order[1], request, using)
        assert story.release.plan.plan_hash != "p1"


# What follows.


def test_the_plan_follows_and_what_the_review_closed_stays_readable() -> None:
    story = Story(titles={"SHOP-1": "Sum"})
    request = change(story, add=(GIFT,), remove=("SHOP-2",))
    release = story.release
    assert release.phase is Phase.PLANNED
    assert release.plan.titles == {"SHOP-1": "Sum", "SHOP-7": "Gift wrap"}
    assert release.scope.waves == (("SHOP-7",), ("SHOP-1",))
    assert release.closed.issues == ("SHOP-1", "SHOP-2")
    told = rules.told(release, request)
    assert told is not None
    assert told.lines == (
        "+ SHOP-7 Gift wrap (5 points)",
        "- SHOP-2  (not estimated)",
        "SHOP-1: wave 1 -> 2",
        "points: 0 -> 5",
    )
    assert rules.told(release, "never") is None
    assert rules.since_closing(release) == (
        "+ SHOP-7, - SHOP-2: the client asked (asked by olli, approved by mara, quinn)",
    )


def test_a_later_change_is_told_against_the_plan_it_was_asked_for() -> None:
    story = Story()
    change(story, add=(GIFT,))
    refused = ask(story, remove=("SHOP-1",))
    story.tell(e.ScopeChangeRefused(request=refused, person="mara", reason="no", door="cli"))
    second = change(story, remove=("SHOP-7",))
    both = rules.before_and_after(story.release, second)
    assert both is not None
    assert (both[0].issues, both[1].issues) == (("SHOP-1", "SHOP-2", "SHOP-7"), ("SHOP-1", "SHOP-2"))


@pytest.mark.parametrize("phase", [Phase.VERIFYING, Phase.STAGING, Phase.SIGN_OFF, Phase.REWORK])
def test_a_candidate_of_the_plan_before_needs_a_successor(phase: Phase) -> None:
    story = at(phase)
    change(story, add=(GIFT,))
    release = story.release
    assert (release.phase, release.outdated) == (Phase.REWORK, True)
    done = dict.fromkeys(release.delivers, Status.QA)
    assert ready(release, done, sha(1), Candidates(), NOW, NOW).allowed  # the same commit, for another plan
    waiting = ready(release, {**done, "SHOP-7": Status.TO_DO}, sha(1), Candidates(), NOW, NOW)
    assert waiting.reasons == ("SHOP-7 is in To Do",)
    story.cut()
    assert not story.release.outdated


def test_what_was_signed_for_the_plan_before_is_void() -> None:
    story = signed_off()
    asked = story.request("qa", "SHOP-1")
    assert signoff.may_ship(story.release, story.steps).allowed
    change(story, add=(GIFT,))
    assert not signoff.may_ship(story.release, story.steps).allowed
    again = story.may_sign("quentin", asked)
    assert "the scope of the release was changed since" in again.reasons[0]
    assert story.release.asked_now() == ()
    story.cut().stage().ask("qa")  # the same files: only the plan is another
    assert story.release.carried == ()
    assert not signoff.passed(story.release, story.step("qa")).allowed
    assert {a.issue for a in story.release.asked_now("qa")} == {"SHOP-1", "SHOP-2", "SHOP-7"}


def test_a_step_overridden_for_the_plan_before_is_not_for_the_next_one() -> None:
    story = at(Phase.SIGN_OFF)
    story.tell(
        e.StepOverridden(step="qa", number=1, person="gerd", role="management", reason="fire", door="cli")
    )
    change(story, add=(GIFT,))
    story.cut().stage()
    assert story.release.override("qa") is None


@pytest.mark.parametrize(
    ("key", "status", "questions", "other", "why"),
    [
        ("KIOSK-1", None, False, "", "KIOSK-1 is no issue of SHOP"),
        ("SHOP-1 SHOP-2", Status.TO_DO, False, "", "SHOP-1 SHOP-2 is no issue of SHOP"),
        ("SHOP-9", None, False, "", "Jira has no SHOP-9"),
        ("SHOP-9", Status.RELEASED, True, "1.3.0", "SHOP-9 is Released already"),
        ("SHOP-9", Status.CLOSED, False, "", "SHOP-9 is Closed already"),
        ("SHOP-9", Status.TO_DO, True, "1.3.0", "SHOP-9 has open questions"),
        ("SHOP-9", Status.QA, False, "1.3.0", "SHOP-9 goes out with 1.3.0"),
        ("SHOP-9", Status.TO_DO, False, "", ""),
    ],
)
def test_only_an_open_issue_without_questions_or_another_release_is_added(
    key: str, status: Status | None, questions: bool, other: str, why: str
) -> None:
    assert rules.not_addable(key, "SHOP", status, open_questions=questions, goes_out_with=other) == why
