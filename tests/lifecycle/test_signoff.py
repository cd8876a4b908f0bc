"""Who may sign what, what a quorum needs, when a signature counts for a newer commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle import signoff
from lifecycle.phases import IllegalEvent, Phase
from lifecycle.policy import Policy
from tests.lifecycle.story import (
    NOW,
    PEOPLE,
    STREAM,
    Story,
    at,
    live,
    policy,
    sha,
    signed_off,
    step_data,
)


def asked(**plan: Any) -> Story:
    """Two issues, candidate 1 on staging, QA is asked."""
    return Story("SHOP-1", "SHOP-2", **plan).cut().stage().ask("qa")


def qa_done() -> Story:
    """QA has passed; the manager is asked about the release as a whole."""
    story = asked()
    for issue in ("SHOP-1", "SHOP-2"):
        story.sign("quinn", story.request("qa", issue))
    return story.conclude("qa").ask("check")


def with_steps(*steps: dict[str, object], **roles: tuple[str, ...]) -> Policy:
    people = [{"id": slug, "name": slug, "roles": has} for slug, has in {**PEOPLE, **roles}.items()]
    return policy(steps=list(steps), people=people)


# Who may not sign.


def test_what_nobody_asked_cannot_be_signed_nor_returned() -> None:
    story = asked()
    assert story.may_sign("quinn", "nothing").reasons == ("nobody was asked for this sign-off",)
    verdict = signoff.may_return(story.release, "nothing", story.person("quinn"), story.policy)
    assert verdict.reasons == ("nobody was asked for this sign-off",)


def test_a_step_that_the_policy_no_longer_has_cannot_be_signed_nor_returned() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.policy = with_steps(step_data("check", quorum={"manager": 1}))
    assert not story.may_sign("quinn", request).allowed
    assert not signoff.may_return(story.release, request, story.person("quinn"), story.policy).allowed


def test_somebody_without_the_role_is_told_who_signs() -> None:
    story = asked()
    assert story.may_sign("mara", story.request("qa", "SHOP-1")).reasons == ("QA is signed by qa",)


def test_a_deactivated_person_decides_nothing() -> None:
    story = asked()
    request, gone = story.request("qa", "SHOP-1"), story.person("quinn").model_copy(update={"active": False})
    verdicts = (
        signoff.may_sign(story.release, request, gone, story.policy),
        signoff.may_return(story.release, request, gone, story.policy),
    )
    assert all(verdict.reasons == ("your account is deactivated",) for verdict in verdicts)


def test_an_author_may_not_sign_the_candidate_but_may_send_it_back() -> None:
    story = Story().cut(authors=("quinn",)).stage().ask("qa")
    request = story.request("qa", "SHOP-1")
    assert story.may_sign("quinn", request).reasons == ("you wrote part of candidate 1",)
    assert story.send_back("quinn", request).release.phase is Phase.REWORK


def test_an_author_may_sign_where_the_policy_says_so() -> None:
    story = Story().cut(authors=("clara",)).stage().ask("client")
    assert story.may_sign("clara", story.request("client")).allowed
    story.sign("clara", story.request("client"))
    assert signoff.passed(story.release, story.step("client")).allowed


def test_every_reason_against_a_person_is_given_not_only_the_first() -> None:
    story = Story().cut(authors=("mara",)).stage().ask("qa")
    request = story.request("qa", "SHOP-1")
    story.cut(authors=("mara",))
    assert story.may_sign("mara", request).reasons == (
        "candidate 1 is superseded by candidate 2",
        "you wrote part of candidate 2",
        "QA is signed by qa",
    )


def test_what_was_returned_can_be_neither_signed_nor_returned_again() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.send_back("quinn", request)
    assert story.may_sign("quentin", request).reasons == ("it was returned for rework",)
    again = signoff.may_return(story.release, request, story.person("quentin"), story.policy)
    assert again.reasons == ("it was returned for rework",)


def test_while_one_issue_is_reworked_the_others_are_tested_on() -> None:
    story = asked()
    story.send_back("quinn", story.request("qa", "SHOP-1")).sign("quinn", story.request("qa", "SHOP-2"))
    assert story.release.phase is Phase.REWORK


def test_nothing_is_signed_once_production_has_started() -> None:
    story = signed_off().start_production()
    assert (
        "the release is past it: Production"
        in story.may_sign("quentin", story.request("qa", "SHOP-1")).reasons
    )


def test_whoever_may_not_sign_may_not_send_back_either() -> None:
    story = asked()
    verdict = signoff.may_return(
        story.release, story.request("qa", "SHOP-1"), story.person("mara"), story.policy
    )
    assert verdict.reasons == ("QA is decided by qa",)


# One person, one signature per role.


def test_one_person_counts_once_per_role_and_step() -> None:
    story = Story("SHOP-1", using=with_steps(step_data("qa", quorum={"qa": 2}))).cut().stage().ask("qa")
    request = story.request("qa")
    story.sign("quinn", request)
    assert story.may_sign("quinn", request).reasons == ("you have signed this already",)
    story.tell(story.signature("quinn", request, "qa", 2))  # a ledger that somebody wrote past may_sign
    assert signoff.passed(story.release, story.step("qa")).reasons == ("QA lacks 1 qa",)
    assert signoff.passed(story.sign("quentin", request).release, story.step("qa")).allowed


def test_a_person_with_two_roles_signs_for_the_one_that_still_lacks_somebody() -> None:
    story = Story("SHOP-1", using=with_steps(step_data("qa", quorum={"qa": 1, "security": 1})))
    request = story.cut().stage().ask("qa").request("qa")
    story.sign("quinn", request)
    assert story.may_sign("quentin", request).role == "security"
    story.sign("quentin", request)
    assert story.may_sign("quentin", request).role == "qa"  # more than enough does no harm
    assert story.sign("quentin", request).may_sign("quentin", request).role == ""


def test_a_missing_role_is_not_made_up_for_by_another() -> None:
    story = Story("SHOP-1", using=with_steps(step_data("qa", quorum={"qa": 1, "security": 1})))
    request = story.cut().stage().ask("qa").request("qa")
    story.sign("quentin", request)
    assert signoff.missing(story.release, request, story.step("qa")) == {"security": 1}


def test_an_authors_signature_does_not_count_however_it_came_there() -> None:
    story = Story("SHOP-1").cut(authors=("quinn",)).stage().ask("qa")
    request = story.request("qa", "SHOP-1")
    story.tell(story.signature("quinn", request, "qa"))
    assert signoff.missing(story.release, request, story.step("qa")) == {"qa": 1}


def test_whoever_started_the_release_is_never_its_only_signer() -> None:
    story = qa_done()
    story.sign("olli", story.request("check"))
    alone = "Check: whoever started the release cannot be its only signer"
    assert signoff.passed(story.release, story.step("check")).reasons == (alone,)
    story.sign("mara", story.request("check"))
    assert signoff.passed(story.release, story.step("check")).allowed


def test_an_author_beside_the_starter_does_not_make_them_two() -> None:
    story = Story("SHOP-1").cut(authors=("mara",)).stage().ask("check")
    request = story.request("check")
    story.tell(story.signature("olli", request, "manager"), story.signature("mara", request, "manager"))
    assert not signoff.passed(story.release, story.step("check")).allowed


def test_an_author_whom_nobody_knows_blocks_every_step_that_authors_may_not_sign() -> None:
    story = Story("SHOP-1").cut(strangers=("x@example.test",)).stage().ask("qa").ask("client")
    story.sign("quinn", story.request("qa", "SHOP-1")).sign("clara", story.request("client"))
    why = "x@example.test wrote part of the candidate and is not among the people"
    assert signoff.passed(story.release, story.step("qa")).reasons == (why,)
    assert signoff.passed(story.release, story.step("client")).allowed


# Withdrawing.


def test_a_withdrawn_signature_does_not_count_and_the_same_person_can_sign_in_the_next_round() -> None:
    story = asked()
    request, quinn = story.request("qa", "SHOP-1"), story.person("quinn")
    story.sign("quinn", request).tell(*signoff.may_withdraw(story.release, request, quinn))
    assert signoff.signers(story.release, request) == frozenset()
    assert story.may_sign("quinn", request).round == 2
    assert signoff.signers(story.sign("quinn", request).release, request) == {("qa", "quinn")}


def test_nobody_withdraws_what_somebody_else_signed() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.sign("quinn", request)
    assert signoff.may_withdraw(story.release, request, story.person("quentin")) == ()


def test_withdrawing_is_impossible_once_production_has_started() -> None:
    story = signed_off()
    request, quinn = story.request("qa", "SHOP-1"), story.person("quinn")
    assert signoff.may_withdraw(story.release, request, quinn)
    assert signoff.may_withdraw(story.start_production().release, request, quinn) == ()
    assert signoff.may_withdraw(story.deploy().roll_back().release, request, quinn) == ()


def test_a_signature_can_be_withdrawn_while_the_next_candidate_is_made_and_is_then_not_carried() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.sign("quinn", request).cut()
    story.tell(*signoff.may_withdraw(story.release, request, story.person("quinn")))
    assert story.stage().ask("qa").release.carried == ()


def test_a_carried_signature_can_be_withdrawn_where_it_counts_now() -> None:
    story = asked()
    story.sign("quinn", story.request("qa", "SHOP-1")).cut().stage().ask("qa").cut().stage().ask("qa")
    request, quinn = story.request("qa", "SHOP-1"), story.person("quinn")
    assert signoff.signers(story.release, request) == {("qa", "quinn")}
    story.tell(*signoff.may_withdraw(story.release, request, quinn))
    assert signoff.signers(story.release, request) == frozenset()
    assert story.sign("quinn", request).release.signatures[-1].request == request


def test_a_step_that_had_passed_stops_the_release_again_when_a_signature_is_withdrawn() -> None:
    story = signed_off()
    request = story.request("qa", "SHOP-2")
    story.tell(*signoff.may_withdraw(story.release, request, story.person("quinn")))
    assert signoff.may_ship(story.release, story.steps).reasons == ("QA of SHOP-2 lacks 1 qa",)
    assert signoff.may_ship(story.sign("quentin", request).release, story.steps).allowed


# Asking.


def test_only_a_staged_candidate_is_asked_about() -> None:
    story = Story()
    qa = story.step("qa")
    assert signoff.asks(story.release, STREAM, qa, NOW, "staging") == ()
    assert signoff.asks(story.cut().release, STREAM, qa, NOW, "staging") == ()
    assert len(signoff.asks(story.stage().release, STREAM, qa, NOW, "staging")) == 2


def test_each_issue_is_asked_about_or_the_release_as_a_whole_and_each_only_once() -> None:
    story = asked(carries=("SHOP-3",))
    assert [a.issue for a in story.release.asked] == ["SHOP-3", "SHOP-1", "SHOP-2"]
    assert {a.due for a in story.release.asked} == {NOW + story.step("qa").due}
    assert signoff.asks(story.release, STREAM, story.step("qa"), NOW, "staging") == ()
    (check,) = signoff.asks(story.release, STREAM, story.step("check"), NOW, "staging")
    assert (check.issue, check.sha, check.plan_hash) == (None, sha(1), "p1")


_name = st.text(alphabet='a=\n", None', max_size=4)
_asks = st.fixed_dictionaries(
    {
        "step": _name,
        "number": st.integers(1, 3),
        "issue": st.none() | _name,
        "sha": st.integers(1, 2).map(sha),
        "plan_hash": _name,
        "environment": _name,
    }
)
Ask = dict[str, object]


@given(_name, _asks, _name, _asks)
def test_requests_differ_exactly_when_something_that_a_signature_binds_differs(
    stream: str, ask: Ask, other_stream: str, other: Ask
) -> None:
    ids = (signoff.request_id(stream, ask), signoff.request_id(other_stream, other))
    assert (ids[0] == ids[1]) == ((stream, ask) == (other_stream, other))


@given(_name, _asks, st.data())
def test_one_changed_field_makes_another_request(stream: str, ask: Ask, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(ask)))
    changed = {**ask, name: data.draw(_asks)[name]}
    same = changed == ask
    assert (signoff.request_id(stream, changed) == signoff.request_id(stream, ask)) == same


def test_no_issue_is_another_question_than_an_issue_of_that_name() -> None:
    ask = {"issue": None}
    assert signoff.request_id("s", ask) != signoff.request_id("s", {"issue": "None"})


def test_a_request_is_opaque_and_the_order_of_its_fields_does_not_matter() -> None:
    one, two = signoff.request_id("s", {"a": 1, "b": 2}), signoff.request_id("s", {"b": 2, "a": 1})
    assert one == two
    assert len(one) == 24
    assert int(one, 16) >= 0


# Carrying: the story of two issues.


def rework(digests: dict[str, str], **second: object) -> Story:
    """QA signs SHOP-1 and returns SHOP-2; candidate 2 comes with `digests`."""
    story = Story("SHOP-1", "SHOP-2").cut({"SHOP-1": "one", "SHOP-2": "two"}).stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    story.send_back("quinn", story.request("qa", "SHOP-2"), "the total is wrong")
    assert story.release.phase is Phase.REWORK
    return story.cut(digests, **second).stage().ask("qa")


def test_a_sign_off_is_kept_for_the_new_commit_if_the_issues_own_files_are_the_same() -> None:
    story = rework({"SHOP-1": "one", "SHOP-2": "mended"})
    (carry,) = story.release.carried
    assert (carry.issue, carry.from_sha, carry.to_sha) == ("SHOP-1", sha(1), sha(2))
    assert carry.from_digest == carry.to_digest == "one"
    assert signoff.passed(story.release, story.step("qa")).reasons == ("QA of SHOP-2 lacks 1 qa",)
    story.sign("quentin", story.request("qa", "SHOP-2"))
    assert signoff.passed(story.release, story.step("qa")).allowed


def test_a_sign_off_is_lost_if_the_rework_touched_a_file_that_both_issues_share() -> None:
    story = rework({"SHOP-1": "other", "SHOP-2": "mended"})
    assert story.release.carried == ()
    assert signoff.passed(story.release, story.step("qa")).reasons == (
        "QA of SHOP-1 lacks 1 qa",
        "QA of SHOP-2 lacks 1 qa",
    )


def test_what_was_returned_has_to_be_signed_anew_even_if_nothing_changed() -> None:
    story = rework({"SHOP-1": "one", "SHOP-2": "two"})
    assert [carry.issue for carry in story.release.carried] == ["SHOP-1"]


def test_files_that_are_not_known_are_not_the_same_files() -> None:
    story = Story("SHOP-1").cut({}).stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1")).cut({}).stage().ask("qa")
    assert story.release.carried == ()


def test_nothing_is_carried_that_nobody_signed_and_nothing_is_carried_twice() -> None:
    assert asked().cut().stage().ask("qa").release.carried == ()
    story = rework({"SHOP-1": "one", "SHOP-2": "mended"})
    assert signoff.carries(story.release, story.step("qa")) == ()


def test_a_kept_sign_off_does_not_count_if_its_signer_wrote_part_of_the_new_candidate() -> None:
    story = rework({"SHOP-1": "one", "SHOP-2": "mended"}, authors=("dora", "quinn"))
    assert len(story.release.carried) == 1
    assert signoff.missing(story.release, story.request("qa", "SHOP-1"), story.step("qa")) == {"qa": 1}


def test_what_an_earlier_message_says_does_not_change_with_the_next_candidates_authors() -> None:
    story = asked()
    story.sign("quinn", story.request("qa", "SHOP-1")).cut(authors=("quinn",))
    assert signoff.missing(story.release, story.request("qa", "SHOP-1", 1), story.step("qa")) == {}


def test_a_chain_of_carries_breaks_where_the_files_differ_once() -> None:
    story = Story("SHOP-1").cut({"SHOP-1": "a"}).stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    story.cut({"SHOP-1": "b"}).stage().ask("qa").cut({"SHOP-1": "a"}).stage().ask("qa")
    assert signoff.signers(story.release, story.request("qa", "SHOP-1")) == frozenset()


def test_a_candidate_that_never_reached_the_people_does_not_break_the_chain() -> None:
    story = Story("SHOP-1").cut({"SHOP-1": "a"}).stage().ask("qa")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    story.cut({"SHOP-1": "b"}).tell(e.CandidateRejected(number=2, reasons=("red",)))
    story.cut({"SHOP-1": "a"}).stage().ask("qa")
    assert signoff.signers(story.release, story.request("qa", "SHOP-1")) == {("qa", "quinn")}


@pytest.mark.parametrize("binds", ["candidate", "release"])
def test_what_binds_the_candidate_or_the_release_as_a_whole_is_never_carried(binds: str) -> None:
    story = Story("SHOP-1", using=with_steps(step_data("qa", binds=binds, quorum={"qa": 1})))
    story.cut().stage().ask("qa").sign("quinn", story.request("qa")).cut().stage().ask("qa")
    assert story.release.carried == ()
    assert signoff.missing(story.release, story.request("qa"), story.step("qa")) == {"qa": 1}


# Shipping.


def test_a_step_has_not_passed_while_one_of_its_issues_was_not_asked_about() -> None:
    story = Story("SHOP-1", "SHOP-2").cut().stage()
    ask, _ = signoff.asks(story.release, STREAM, story.step("qa"), NOW, "staging")
    story.tell(ask).sign("quinn", ask.request)
    assert signoff.passed(story.release, story.step("qa")).reasons == ("QA of SHOP-2 was not asked for yet",)


def test_may_ship_lists_everything_that_is_missing() -> None:
    story = asked().ask("check")
    story.sign("quinn", story.request("qa", "SHOP-1"))
    story.send_back("quinn", story.request("qa", "SHOP-2"))
    story.sign("olli", story.request("check"))
    story.tell(e.Held(round=1, person="mara", reason="a holiday"))
    assert signoff.may_ship(story.release, story.steps).reasons == (
        "the release stands in Rework",
        "the release is held: a holiday",
        "QA of SHOP-2 was returned for rework",
        "QA of SHOP-2 lacks 1 qa",
        "QA is not concluded",
        "Check: whoever started the release cannot be its only signer",
        "Check is not concluded",
        "Client was not asked for yet",
        "Client is not concluded",
        "Approval was not asked for yet",
        "Approval is not concluded",
    )


def test_a_release_ships_when_every_step_is_signed_and_concluded() -> None:
    story = signed_off()
    assert signoff.may_ship(story.release, story.steps).allowed


def test_sign_offs_of_the_candidate_before_do_not_ship_the_next() -> None:
    story = signed_off().cut({"SHOP-1": "new", "SHOP-2": "new"}).stage()
    assert len(signoff.may_ship(story.release, story.steps).reasons) == 2 * 4 + 1


def test_a_hotfix_ships_on_the_policys_shorter_list() -> None:
    story = Story(release_kind="hotfix", base="1.4.0").cut().stage().sign_all()
    assert [step.id for step in story.steps] == ["qa", "approval"]
    assert story.start_production().release.phase is Phase.PRODUCTION


@pytest.mark.parametrize("go", [live, lambda: at(Phase.ROLLED_BACK), lambda: at(Phase.VERIFYING)])
def test_only_a_release_that_stands_at_its_sign_offs_may_ship(go: Callable[[], Story]) -> None:
    story = go()
    assert signoff.may_ship(story.release, story.steps).reasons[0].startswith("the release stands in")


# Deputies, time, and break-glass.


def with_a_deputy(**roles: tuple[str, ...]) -> Story:
    """QA of two issues by two of QA; Quinn's deputy is Olli."""
    step = step_data("qa", binds="issue", quorum={"qa": 2})
    people = [{"id": slug, "name": slug.title(), "roles": has} for slug, has in {**PEOPLE, **roles}.items()]
    people[1]["deputy"] = "olli"
    using = policy(steps=[step], people=people, break_glass=["release"])
    return Story("SHOP-1", using=using).cut().stage().ask("qa")


def asked_for(absent: str, number: int = 1) -> e.DeputyAsked:
    return e.DeputyAsked(step="qa", number=number, person=absent, deputy="olli")


def signs(story: Story, slug: str) -> Story:
    signing = story.may_sign(slug, story.request("qa", "SHOP-1"))
    assert signing.allowed, signing.reasons
    fact = story.signature(slug, story.request("qa", "SHOP-1"), signing.role, signing.round)
    return story.tell(fact.model_copy(update={"instead_of": signing.instead_of}))


def test_a_deputy_signs_only_once_asked_and_only_this_candidate() -> None:
    story = with_a_deputy()
    request = story.request("qa", "SHOP-1")
    assert story.may_sign("olli", request).reasons == ("QA is signed by qa",)
    story.tell(asked_for("quinn"))
    assert (story.may_sign("olli", request).role, story.may_sign("olli", request).instead_of) == (
        "qa",
        "quinn",
    )
    assert signoff.may_return(story.release, request, story.person("olli"), story.policy).allowed
    story.cut().stage().ask("qa")
    assert not story.may_sign("olli", story.request("qa", "SHOP-1")).allowed


def test_a_deputy_and_whom_they_stand_in_for_are_one_voice() -> None:
    story = signs(signs(with_a_deputy().tell(asked_for("quinn")), "olli"), "quinn")
    request = story.request("qa", "SHOP-1")
    assert signoff.missing(story.release, request, story.step("qa")) == {"qa": 1}
    assert story.may_sign("olli", request).reasons == ("you have signed this already",)
    assert signs(story, "quentin").conclude("qa").release.has_passed("qa")


def test_a_deputy_who_wrote_it_or_who_may_sign_anyway_signs_for_nobody() -> None:
    story = with_a_deputy().cut(authors=("olli",)).stage().ask("qa").tell(asked_for("quinn", 2))
    assert story.may_sign("olli", story.request("qa", "SHOP-1")).reasons == ("you wrote part of candidate 2",)
    story = with_a_deputy(olli=("qa",)).tell(asked_for("quinn"))
    assert story.may_sign("olli", story.request("qa", "SHOP-1")).instead_of is None


def test_a_deputy_of_somebody_who_left_the_people_file_signs_for_nobody() -> None:
    story = with_a_deputy().tell(asked_for("gone"))
    assert not story.may_sign("olli", story.request("qa", "SHOP-1")).allowed


def test_a_deputy_who_started_the_release_is_still_its_only_approver() -> None:
    step = step_data("check", quorum={"manager": 1})
    people = [{"id": slug, "name": slug, "roles": has} for slug, has in PEOPLE.items() if slug != "olli"]
    people += [{"id": "olli", "name": "Olli", "roles": ["release"]}]
    story = Story("SHOP-1", using=policy(steps=[step], people=people)).cut().stage().ask("check")
    story.tell(e.DeputyAsked(step="check", number=1, person="mara", deputy="olli"))
    request = story.request("check")
    story.tell(story.signature("olli", request, "manager").model_copy(update={"instead_of": "mara"}))
    assert signoff.passed(story.release, story.step("check")).reasons == (
        "Check: whoever started the release cannot be its only signer",
    )


def test_what_has_expired_is_signed_by_nobody_and_fails_the_step() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.tell(e.SignOffExpired(request=request))
    assert story.may_sign("quinn", request).reasons == ("it was not signed in time; ask for a new candidate",)
    assert "QA of SHOP-1 was not signed in time" in signoff.passed(story.release, story.step("qa")).reasons
    with pytest.raises(IllegalEvent):
        story.tell(story.signature("quinn", request, "qa"))
    story.cut().stage().ask("qa")
    assert story.may_sign("quinn", story.request("qa", "SHOP-1")).allowed


def test_whom_a_step_waits_for_is_told_by_person() -> None:
    story = asked().sign("quinn", asked().request("qa", "SHOP-1"))
    waits = signoff.awaited(story.release, story.step("qa"), story.policy)
    assert {who: [a.issue for a in asks] for who, asks in waits.items()} == {
        "quinn": ["SHOP-2"],
        "quentin": ["SHOP-2"],
    }


def test_break_glass_is_for_the_roles_of_the_policy_and_for_one_candidate() -> None:
    story = with_a_deputy()
    step = story.step("qa")
    may = lambda slug: signoff.may_override(story.release, step, story.person(slug), story.policy)  # noqa: E731
    assert may("mara").reasons == ("a sign-off is overridden by release",)
    assert may("olli").allowed
    override = e.StepOverridden(
        step="qa", number=1, person="olli", role="release", reason="the shop is down", door="cli"
    )
    story.tell(override)
    assert may("olli").reasons == ("QA has passed already",)
    assert signoff.passed(story.release, step).allowed
    assert story.conclude("qa").release.has_passed("qa")
    story.cut().stage().ask("qa")
    assert story.release.override("qa") is None
    assert not signoff.passed(story.release, step).allowed


def test_nobody_overrides_where_the_policy_names_no_role_and_no_step_that_is_not_there() -> None:
    story = asked()
    verdict = signoff.may_override(story.release, None, story.person("olli"), story.policy)
    assert verdict.reasons == (
        "a sign-off is overridden by nobody: the policy names no role under break_glass",
        "this release has no such step",
    )
