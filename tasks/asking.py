"""Asking the requesters whether what they asked for helped, reminding them, and showing what they say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact

from integrations.errors import NotFound, Refused
from lifecycle import feedback
from lifecycle.events import FeedbackAsked, FeedbackGiven
from lifecycle.feedback import Wish
from lifecycle.release import Release
from tasks import feedback_messages, folding, posts, requests
from tasks.context import ledger, policy
from tasks.effects import RETRY, done, once
from tasks.timeline import artifact_key

log = logging.getLogger(__name__)

Group = Sequence[FeedbackAsked]


def key(subject: str, request: str) -> str:
    """The key of the message that asks; `request` is its first question."""
    return f"{subject}:feedback:{request}"


def reminder_key(subject: str, person: str) -> str:
    """The key of the one reminder to this person."""
    return f"{subject}:feedback-reminder:{person}"


def questions(subject: str, release: Release, now: datetime) -> tuple[FeedbackAsked, ...]:
    """What is still to be asked of everybody who asked or voted for an issue of the release. Reads only.

    Votes are given in Slack, so there is no other place to ask at.
    """
    wishes: list[Wish] = []
    for issue in release.delivers:
        wishes += [Wish(issue, who, origin) for who, origin in requests.asked_for(issue)]
        wishes += [Wish(issue, who) for who in requests.voted_for(issue)]
    return feedback.asks(release, subject, wishes, policy(), now + policy().feedback.closes_after)


def is_sent(op_key: str) -> bool:
    """The message of that key stands, in Slack or (where Slack did not take it) elsewhere."""
    return done(op_key) is not None or done(f"{op_key}:link") is not None


@task(task_run_name="ask {who}", **RETRY)
def ask(subject: str, request: str, who: str) -> None:  # noqa: ARG001  the task run's name
    """Ask one person all that was to be asked at that time, once: in Slack, or by signed links."""
    release = _release(subject)
    group = next(g for g in feedback.messages(release) if g[0].request == request)
    _send(subject, release, group, key(subject, request), reminder=False)


@task(task_run_name="remind {person}", **RETRY)
def remind(subject: str, person: str) -> None:
    """Remind one person, once, of what they have not answered; of nothing where they have meanwhile."""
    release = _release(subject)
    group = [asked for asked in release.unanswered if asked.person == person][: feedback.AT_ONCE]
    if group:
        _send(subject, release, group, reminder_key(subject, person), reminder=True)


def _send(subject: str, release: Release, group: Group, op_key: str, *, reminder: bool) -> None:
    """In Slack; whom Slack does not know any more by a link where they asked."""
    project = policy().project(release.plan.project)
    account = group[0].slack
    if account:
        content = feedback_messages.questions(release, project, group, reminder=reminder)
        try:
            posts.post_direct.fn("feedback", account, content, op_key, subject=subject)
        except (Refused, NotFound) as error:
            log.warning("%s: not asked in Slack: %s", op_key, error)
        else:
            return
    name = feedback_messages.called(release, policy(), group[0].person)
    place = feedback.link_place(group[0])
    text = feedback_messages.question_text(release, project, group, name, reminder=reminder)
    link_key = f"{op_key}:link" if account else op_key

    def act() -> dict[str, object]:
        try:
            return {"id": requests.write_at(place, text, op_key) if place else "nobody"}
        except NotFound as error:
            log.warning("%s: not asked: %s", op_key, error)
            return {"id": "nobody"}

    # A comment and a note look for themselves. The text is not kept: it holds personal links.
    about: dict[str, object] = {"place": place}
    once(link_key, subject=subject, kind="comment", request=about, look=lambda _: None, act=act)


def answerer(request: str, slack_id: str) -> str:
    """As whom somebody in Slack answers `request`: as who was asked by that account, else as themselves."""
    recorded = ledger().event_by_key(f"FeedbackAsked:{request}")
    if recorded is not None and recorded.data.get("slack") == slack_id:
        return str(recorded.data["person"])
    person = policy().by_slack(slack_id)
    return person.id if person else f"slack:{slack_id}"


def answered(request: str) -> tuple[str, FeedbackGiven | None]:
    """What `request` asks about (mrkdwn), and the answer that stands, if there is one."""
    recorded = ledger().event_by_key(f"FeedbackAsked:{request}")
    if recorded is None:
        return "This is not asked any more.", None
    release = _release(recorded.subject)
    given = next((each for each in release.answers if each.request == request), None)
    return feedback_messages.about(release, str(recorded.data["issue"])), given


def refresh(subject: str) -> None:
    """Make the questions in Slack show what was answered; a repeat changes nothing.

    Raises:
        IntegrationError: Slack did not take it. The answers stand.
    """
    release = _release(subject)
    project = policy().project(release.plan.project)
    for group in feedback.messages(release):
        op_key = key(subject, group[0].request)
        if group[0].slack and done(op_key) is not None:
            posts.edit_if_changed(op_key, feedback_messages.questions(release, project, group))


@task(task_run_name="answers on {subject}")
def summarise(subject: str) -> str:
    """Put the answers of a release up as an artifact; a repeat makes a newer version of it."""
    page = feedback_messages.page(_release(subject), policy(), subject)
    create_markdown_artifact(page, key=f"feedback-{artifact_key(subject)}")
    return page


def _release(subject: str) -> Release:
    release = folding.release_of(subject)
    if release is None:
        raise KeyError(f"the ledger knows no {subject}")
    return release
