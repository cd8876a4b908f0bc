"""One person's answer to one question, as it stands at last."""

from __future__ import annotations

import pytest

from lifecycle import events as e
from lifecycle.answers import Answer, answer_of
from tests.lifecycle.story import Story


@pytest.fixture
def story() -> Story:
    """Clara is asked."""
    return Story("SHOP-1").cut().stage().ask("client")


def answer(story: Story, person: str = "clara") -> Answer | None:
    return answer_of(story.release, story.request("client"), person)


def withdraw(story: Story) -> Story:
    request = story.request("client")
    return story.tell(e.SignOffWithdrawn(request=request, role="client", person="clara", round=1))


def test_nobody_has_answered_what_was_only_asked(story: Story) -> None:
    assert answer(story) is None


def test_a_signature_is_its_signers_answer_and_nobody_elses(story: Story) -> None:
    story.sign("clara", story.request("client"))
    assert (answer(story), answer(story, "mara")) == (Answer.AGREED, None)


def test_a_signature_that_was_taken_back_is_an_answer_too(story: Story) -> None:
    withdraw(story.sign("clara", story.request("client")))
    assert (answer(story), answer(story, "mara")) == (Answer.WITHDREW, None)


def test_who_signs_again_agrees(story: Story) -> None:
    request = story.request("client")
    withdraw(story.sign("clara", request))
    story.sign("clara", request)
    assert answer(story) is Answer.AGREED


def test_an_objection_counts_more_than_a_signature_before_it(story: Story) -> None:
    request = story.request("client")
    story.sign("clara", request).send_back("clara", request)
    assert (answer(story), answer(story, "mara")) == (Answer.OBJECTED, None)


def test_the_answer_to_one_question_is_none_to_another(story: Story) -> None:
    story.sign("clara", story.request("client"))
    assert answer_of(story.release, "f" * 24, "clara") is None
    story.send_back("clara", story.request("client"))
    assert answer_of(story.release, "f" * 24, "clara") is None
