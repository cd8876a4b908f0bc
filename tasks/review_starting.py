"""Starting the weekly review: when the policy has one due, and by hand on any other day."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.settings import settings
from lifecycle import review, review_calendar
from tasks import planning_messages, posts, review_walk
from tasks.context import ledger, policy
from tasks.decisions import Outcome


def begin_due(now: datetime | None = None) -> list[str]:
    """Wake the reviews that the policy has due now, one for each project; those that are there stay.

    A review is due until its day is over, so one begins late if nothing ran at its hour.
    """
    moment = now or datetime.now(UTC)
    found = review_calendar.due(policy().review_schedule, moment)
    streams = [review.stream(project.id, found.week) for project in policy().projects] if found else []
    begun = [stream for stream in streams if not review_walk.is_there(stream)]
    for stream in begun:
        ledger().wake(stream, moment)
    return begun


def start_review(project_id: str, now: datetime | None = None) -> Outcome:
    """Wake this week's review, whose run the gateway then creates; one that is there stays as it is.

    A review of an earlier week that a holiday moved to today or later is the one that is meant. A wake-up
    whose run came to nothing before it had proposed anything is sent again.
    """
    moment = now or datetime.now(UTC)
    week = review_walk.week_to_start(moment)
    stream = review.stream(project_id, week)
    there = review_walk.is_there(stream)
    if not ledger().revision(stream):
        ledger().wake(stream, moment)
    said = f"The review of {week} is there already" if there else f"The review of {week} begins"
    return Outcome(accepted=True, message=f"{said}: {_where(stream)}.", subject=stream, repeated=there)


def _where(stream: str) -> str:
    """Where a person finds it: its channel, whether its message stands there yet, and its run."""
    posted = posts.posted(planning_messages.message_key(stream))
    channel = policy().review.channel
    place = f"its message is in Slack's channel {channel}"
    if posted is None:
        place = f"its message comes to Slack's channel {channel} as soon as the gateway and a worker run"
    run, pages = ledger().wakeup(stream).run_id, settings().prefect_ui_url.rstrip("/")
    return f"{place}, its run is {pages}/runs/flow-run/{run}" if run and pages else place
