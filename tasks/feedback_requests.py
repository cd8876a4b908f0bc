"""From "it did not help" to a request of its own, which starts with its history; later answers reach it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from prefect import task

from integrations.errors import NotFound
from lifecycle import feedback
from lifecycle.events import FeedbackFollowed, FeedbackGiven
from lifecycle.release import Release
from lifecycle.requests import Ask, Door, Requester
from tasks import feedback_messages, folding, issues
from tasks.context import jira, ledger, policy
from tasks.doors import Asked
from tasks.effects import RETRY
from tasks.walk import new_events


def asked(subject: str, given: FeedbackGiven, now: datetime) -> Asked:
    """What this answer asks for, for the same core as all other doors. Reads only."""
    release = _release(subject)
    request = given.request
    question = next((a for a in release.feedback_asked if a.request == request), None)
    person = policy().person(given.person)
    vendor, _, account = given.person.partition(":")
    who = Requester(
        name=feedback_messages.called(release, policy(), given.person),
        person=person.id if person else "",
        slack=(question.slack if question else "") or (person.slack if person else ""),
        jira=account if question and question.outside and vendor == "jira" else "",
        gitlab=int(account) if question and question.outside and vendor == "gitlab" else 0,
    )
    ask = Ask(
        door=Door.FEEDBACK,
        origin=f"feedback:{request}",
        title=f"{release.plan.titles.get(given.issue) or given.issue} (not solved by {release.plan.version})",
        text=_history(release, given),
        requester=who,
        place=feedback.link_place(question) if question else f"jira:{given.issue}",
        asked_at=now,
    )
    return Asked(project=release.plan.project, ask=ask)


def _history(release: Release, given: FeedbackGiven) -> str:
    """What was asked for, the release it went out with, and the answer."""
    project = policy().project(release.plan.project)
    name = feedback_messages.called(release, policy(), given.person)
    deployed = release.deployed
    when = f" on {deployed.at.astimezone(UTC):%Y-%m-%d}" if deployed else ""
    title = release.plan.titles.get(given.issue, "")
    try:
        before = jira().issue(given.issue).description
    except NotFound:
        before = ""
    return "\n\n".join(
        [
            f"{given.issue} “{title}” went out with {project.name} {release.plan.version}{when}.",
            f"Asked whether it helped, {name} answered: {feedback_messages.answer_text(given)}",
            *([f"What was asked for then:\n\n{before}"] if before else []),
        ]
    )


@task(task_run_name="{key} goes on from {given.issue}", **RETRY)
def link(subject: str, given: FeedbackGiven, key: str) -> None:
    """Link the new request with what did not solve it, and put it on record; a repeat changes nothing.

    An issue that was deleted meanwhile is not linked: the text says what it was.
    """
    with suppress(NotFound):
        jira().link("Relates", key, given.issue)
    _record(subject, given, key)


@task(task_run_name="{key} hears of a later answer", **RETRY)
def tell(subject: str, given: FeedbackGiven, key: str) -> None:
    """Say this answer on the request that came of an earlier one, once, and put that on record."""
    name = feedback_messages.called(_release(subject), policy(), given.person)
    text = f"{name} says now: {feedback_messages.answer_text(given)}"
    op_key = f"{subject}:feedback:{given.request}:{given.round}"
    with suppress(NotFound):
        issues.comment.fn(key, text, op_key, subject=subject)
    _record(subject, given, key)


def _record(subject: str, given: FeedbackGiven, key: str) -> None:
    """It is this round that was told, whatever was answered since."""
    fact = FeedbackFollowed(request=given.request, round=given.round, issue=key)
    ledger().append(subject, new_events(subject, [fact]), now=datetime.now(UTC))


def _release(subject: str) -> Release:
    release = folding.release_of(subject)
    if release is None:
        raise KeyError(f"the ledger knows no {subject}")
    return release
