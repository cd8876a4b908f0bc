"""When the next candidate is cut."""

from __future__ import annotations

import pytest

from lifecycle import events as e
from lifecycle.candidates import READY, ready
from lifecycle.workflow import Status
from tests.lifecycle.story import Story, sha


def statuses(one: Status, two: Status = Status.QA) -> dict[str, Status]:
    return {"SHOP-1": one, "SHOP-2": two}


@pytest.mark.parametrize("status", [status for status in Status if status not in READY])
def test_no_candidate_while_an_issue_is_still_developed(status: Status) -> None:
    verdict = ready(Story().release, statuses(status), None)
    assert verdict.reasons == (f"SHOP-1 is in {status}",)


def test_an_issue_of_which_nothing_is_known_is_not_ready() -> None:
    assert ready(Story().release, {"SHOP-1": Status.QA}, None).reasons == ("nothing is known of SHOP-2",)


def test_no_second_candidate_of_the_same_commit() -> None:
    release = Story().cut().release
    assert ready(release, statuses(Status.QA), sha(1)).reasons == (
        "nothing new on the release branch since 1.4.0-rc.1",
    )


def test_a_release_branch_that_is_gone_brings_nothing_new() -> None:
    assert not ready(Story().cut().release, statuses(Status.QA), None).allowed


def test_every_reason_is_given() -> None:
    verdict = ready(Story().cut().release, statuses(Status.TO_DO, Status.IN_PROGRESS), sha(1))
    assert len(verdict.reasons) == 3


@pytest.mark.parametrize("status", sorted(READY))
def test_the_first_candidate_is_due_as_soon_as_every_issue_is_developed(status: Status) -> None:
    assert ready(Story().release, statuses(status), None).allowed


def test_the_next_candidate_is_due_when_the_rework_is_on_the_branch() -> None:
    assert ready(Story().cut().release, statuses(Status.QA), sha(2)).allowed


def test_a_candidate_that_a_person_asks_for_is_due_whatever_the_issues_say() -> None:
    story = Story().cut().tell(e.CandidateAsked(number=2, person="mara"))
    assert ready(story.release, {}, sha(1)).allowed
    assert not ready(story.cut().release, statuses(Status.QA), sha(2)).allowed
