"""The production deployments of one release, as the facts of DORA's keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from lifecycle import events as e
from lifecycle.deliveries import deployments
from lifecycle.metrics import CommitFact, DeploymentFact
from tests.lifecycle.story import NOW, Story, later, sha, signed_off

COMMIT = CommitFact(sha=sha(7), authored_at=NOW - timedelta(days=2))


def delivered(story: Story) -> tuple[DeploymentFact, ...]:
    """The facts, each event recorded an hour after the one before."""
    moments: list[datetime] = [NOW + timedelta(hours=n) for n in range(len(story.events))]
    return deployments(zip(moments, story.events, strict=True))


def signed() -> Story:
    return Story("SHOP-1").cut(commits=(COMMIT,)).stage().sign_all()


def test_what_never_went_to_production_is_no_deployment() -> None:
    assert delivered(signed()) == ()
    assert delivered(signed().start_production()) == ()


def test_a_deployment_counts_from_the_moment_production_served_it_with_the_commits_it_brought() -> None:
    assert delivered(signed().start_production().deploy(later(5))) == (
        DeploymentFact(
            version="1.4.0",
            sha=sha(1),
            environment="production",
            finished_at=later(5),
            succeeded=True,
            commits=(COMMIT,),
        ),
    )


def test_the_newest_candidate_is_what_was_deployed() -> None:
    story = (
        Story("SHOP-1").cut(commits=(COMMIT,)).stage().cut().stage().sign_all().start_production().deploy()
    )
    (fact,) = delivered(story)
    assert (fact.sha, fact.commits) == (sha(2), ())


def test_a_rollback_is_no_deployment_but_the_time_when_the_other_was_taken_back() -> None:
    (fact,) = delivered(signed().start_production().deploy(later(5)).roll_back(later(9)))
    assert (fact.succeeded, fact.failed, fact.rolled_back_at) == (True, True, later(9))


def test_going_forward_again_is_a_second_deployment() -> None:
    story = signed_off().start_production().deploy(later(1)).roll_back(later(2))
    story.resume().start_production().deploy(later(9))
    assert [(f.finished_at, f.rolled_back_at) for f in delivered(story)] == [
        (later(1), later(2)),
        (later(9), None),
    ]


def test_a_deployment_that_failed_on_its_way_is_a_failed_one_and_leaves_the_one_before_alone() -> None:
    story = signed_off().start_production().deploy(later(1)).roll_back(later(2))
    story.resume().start_production().roll_back(later(9))
    first, second = delivered(story)
    assert first.rolled_back_at == later(2)
    assert (second.succeeded, second.rolled_back_at) == (False, later(9))


def test_a_history_without_a_deployment_says_so_whatever_it_holds() -> None:
    assert delivered(Story().tell(e.Abandoned(person="mara", reason="no need"))) == ()
