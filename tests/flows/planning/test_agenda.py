"""What the review looks at besides the requests, from the ledger and Jira: capacity, left-overs, feedback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.settings import settings
from lifecycle import events as e
from lifecycle import review
from tasks import context, planning_messages, plans, posts
from tasks.walk import new_events
from tests.lifecycle.story import Story, live

Team = Any
STREAM = "review:shop:2026-W42"
NOW = datetime(2026, 10, 16, 10, tzinfo=UTC)


def record(story: Story, version: str, at: datetime = NOW) -> None:
    stream = f"release:shop:{version}"
    context.ledger().append(stream, new_events(stream, story.events), now=at)


def delivered(version: str, weeks_ago: int, *issues: str) -> Story:
    """A release that went out for good so many weeks ago."""
    at = NOW - timedelta(weeks=weeks_ago)
    story = live(*issues, version=version)
    served = next(fact for fact in story.events if isinstance(fact, e.ProductionDeployed))
    story.events[story.events.index(served)] = served.model_copy(update={"at": at})
    record(story, version, at)
    return story


def rules(**change: object) -> None:
    data = json.loads(settings().policy.read_text())
    data["review"] |= change
    settings().policy.write_text(json.dumps(data))


def propose(team: Team, stream: str = STREAM, now: datetime = NOW) -> review.Proposed:
    proposed = plans.propose.fn("shop", stream, now)
    context.ledger().append(stream, new_events(stream, [proposed]), now=now)
    state = review.fold(review.parse(event.data) for event in context.ledger().events(stream))
    content = planning_messages.review_content(state, context.policy(), stream)
    posts.post.fn("", team.planning, content, planning_messages.message_key(stream), subject=stream)
    return proposed


def said(team: Team) -> str:
    return json.dumps(team.messages()[-1], ensure_ascii=False)


def test_without_a_release_the_capacity_to_be_measured_is_the_set_one_and_says_so(team: Team) -> None:
    rules(capacity="measured", capacity_unmeasured=5)
    team.file("dora", "A wish")
    assert propose(team).plan.capacity == 5
    assert "capacity 5 points, set: nothing was released yet that could be measured" in said(team)


def test_the_capacity_is_measured_from_what_went_out_for_good(team: Team) -> None:
    rules(capacity="measured", capacity_weeks=4)
    for key in ("SHOP-1", "SHOP-2", "SHOP-3"):
        team.jira().set_property(team.file("dora", key), plans.ESTIMATE, {"points": 5})
    earlier = propose(team, "review:shop:2026-W36", NOW - timedelta(weeks=6))
    sizes = {line.key: line.size for line in earlier.plan.lines}
    delivered("1.1.0", 3, "SHOP-1")
    delivered("1.2.0", 2, "SHOP-1", "SHOP-2")
    delivered("1.3.0", 1, "SHOP-3", "SHOP-90", "SHOP-91")
    record(live("SHOP-2", version="1.4.0").roll_back(), "1.4.0")
    weeks = sorted([sizes["SHOP-1"], sizes["SHOP-1"] + sizes["SHOP-2"], sizes["SHOP-3"] + 6])
    found = propose(team).agenda.capacity
    assert found is not None
    assert (found.low, found.likely, found.high, found.periods) == (weeks[0], weeks[1], weeks[2], 3)
    assert f"capacity {weeks[0]} – {weeks[1]} – {weeks[2]} points (low – likely – high of" in said(team)


def test_what_an_abandoned_release_left_over_is_named_until_it_is_finished(team: Team) -> None:
    lost, finished = team.file("dora", "Lost"), team.file("dora", "Finished by hand")
    story = Story(lost, finished, "SHOP-99", version="1.4.0", titles={lost: "Lost"})
    record(story.tell(e.Abandoned(person="olli", reason="too late")), "1.4.0")
    team.jira("dora").transition(finished, "Closed")
    assert [left.issue for left in propose(team).agenda.left_over] == [lost]
    assert "Left over from earlier releases" in said(team)


def test_answers_since_the_last_review_stand_on_the_agenda_the_unmet_first(team: Team) -> None:
    story = delivered("1.4.0", 2, "SHOP-1", "SHOP-2", "SHOP-3").end_watch()
    asked = {
        key: e.FeedbackAsked(request=f"f-{key}", issue=key, person="clara", due=NOW)
        for key in ("SHOP-1", "SHOP-2", "SHOP-3")
    }
    given = {
        "SHOP-1": e.FeedbackGiven(request="f-SHOP-1", person="clara", issue="SHOP-1", answer="solved"),
        "SHOP-2": e.FeedbackGiven(
            request="f-SHOP-2", person="clara", issue="SHOP-2", answer="not", score=2, comment="slow <b>"
        ),
    }
    story.tell(*asked.values(), *given.values())
    known = context.ledger().revision("release:shop:1.4.0")
    later = new_events("release:shop:1.4.0", story.events[known:])
    context.ledger().append("release:shop:1.4.0", later, now=NOW - timedelta(days=3))
    first = propose(team)
    assert [(a.issue, a.answer) for a in first.agenda.answers] == [("SHOP-2", "not"), ("SHOP-1", "solved")]
    assert "1 solved, 0 partly, 1 not" in said(team)
    assert "*not* (2 of 5)" in said(team)
    assert "slow &lt;b&gt;" in said(team)
    assert propose(team, "review:shop:2026-W43", NOW + timedelta(weeks=1)).agenda.answers == ()


@pytest.mark.parametrize("capacity", [3, 7.5])
def test_a_set_capacity_is_shown_as_set(team: Team, capacity: float) -> None:
    rules(capacity=capacity)
    assert propose(team).plan.capacity == int(capacity)
    assert f"capacity {int(capacity)} points, set" in said(team)
