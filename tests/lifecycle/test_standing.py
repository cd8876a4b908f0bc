"""Where a question stands, and who could still answer it."""

from __future__ import annotations

from lifecycle.events import DeputyAsked, SignOffExpired
from lifecycle.standing import Standing, awaited, standing
from tests.lifecycle.story import Story, policy, policy_data, step_data

TWO_ROLES = [
    step_data("qa", binds="issue", quorum={"qa": 1, "security": 1}),
    *policy_data()["steps"][1:],
]


def asked(**changes: object) -> Story:
    return Story(using=policy(**changes)).cut().stage().ask("qa")


def stands(story: Story, issue: str) -> Standing:
    ask = story.release.question(story.request("qa", issue))
    assert ask is not None
    return standing(story.release, ask, story.step("qa"))


def names(story: Story, issue: str = "SHOP-1") -> dict[str, list[str]]:
    able = awaited(story.release, story.request("qa", issue), story.step("qa"), story.policy)
    return {role: [person.id for person in people] for role, people in able.items()}


def test_a_question_waits_until_its_quorum_has_signed() -> None:
    story = asked(steps=TWO_ROLES)
    assert stands(story, "SHOP-1") is Standing.WAITING
    story.sign("quinn", story.request("qa", "SHOP-1"))
    assert stands(story, "SHOP-1") is Standing.WAITING
    story.sign("quentin", story.request("qa", "SHOP-1"))
    assert stands(story, "SHOP-1") is Standing.SIGNED
    assert stands(story, "SHOP-2") is Standing.WAITING


def test_what_was_returned_is_returned_whoever_signed_it() -> None:
    story = asked()
    request = story.request("qa", "SHOP-1")
    story.sign("quinn", request).send_back("quentin", request)
    assert stands(story, "SHOP-1") is Standing.RETURNED


def test_what_was_carried_is_kept_if_it_is_enough() -> None:
    story = asked()
    story.sign("quinn", story.request("qa", "SHOP-1")).send_back("quinn", story.request("qa", "SHOP-2"))
    story.cut().stage().ask("qa")
    assert stands(story, "SHOP-1") is Standing.KEPT
    assert stands(story, "SHOP-2") is Standing.WAITING


def test_who_holds_the_lacking_role_and_may_sign_is_awaited_in_the_file_s_order() -> None:
    story = asked()
    assert names(story) == {"qa": ["quinn", "quentin"]}
    assert names(story.sign("quentin", story.request("qa", "SHOP-1"))) == {}
    assert names(story, "SHOP-2") == {"qa": ["quinn", "quentin"]}


def test_whoever_signed_in_a_role_is_awaited_only_in_another() -> None:
    two = [step_data("qa", binds="issue", quorum={"qa": 2, "security": 1}), *policy_data()["steps"][1:]]
    story = asked(steps=two)
    assert names(story) == {"qa": ["quinn", "quentin"], "security": ["quentin"]}
    story.sign("quentin", story.request("qa", "SHOP-1"))
    assert names(story) == {"qa": ["quinn"], "security": ["quentin"]}


def test_an_author_is_not_awaited_and_neither_is_somebody_who_left() -> None:
    people = policy_data()["people"]
    left = [{**each, "active": each["id"] != "quentin"} for each in people]
    story = Story(using=policy(people=left)).cut(authors=("quinn",)).stage().ask("qa")
    assert names(story) == {"qa": []}


def test_nobody_is_awaited_for_a_superseded_candidate() -> None:
    story = asked()
    old = story.request("qa", "SHOP-1")
    story.send_back("quinn", story.request("qa", "SHOP-2")).cut().stage()
    assert awaited(story.release, old, story.step("qa"), story.policy) == {"qa": ()}


def test_what_was_not_signed_in_time_has_expired_and_waits_for_nobody() -> None:
    story = asked()
    story.tell(SignOffExpired(request=story.request("qa", "SHOP-1")))
    assert stands(story, "SHOP-1") is Standing.EXPIRED
    assert names(story) == {"qa": []}


def test_a_deputy_who_was_asked_is_awaited_after_those_who_hold_the_role() -> None:
    story = asked().tell(DeputyAsked(step="qa", number=1, person="quinn", deputy="olli"))
    assert names(story) == {"qa": ["quinn", "quentin", "olli"]}
