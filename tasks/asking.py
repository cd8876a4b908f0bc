"""Asking the requesters whether what they asked for helped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact

from integrations import links
from lifecycle import events
from lifecycle import release as rules
from lifecycle.policy import Person
from lifecycle.release import Release
from tasks import issues, posts, release_messages, requests
from tasks.context import ledger, policy
from tasks.effects import RETRY
from tasks.timeline import artifact_key


def key(subject: str, request: str) -> str:
    """The key of the message that asks."""
    return f"{subject}:feedback:{request}"


def questions(subject: str, release: Release, now: datetime) -> list[events.FeedbackAsked]:
    """One question per issue and requester who can be asked, merged requesters included."""
    wait = policy().feedback.closes_after
    return [
        events.FeedbackAsked(
            request=hashlib.sha256(f"{subject}\n{issue}\n{person.id}".encode()).hexdigest()[:24],
            person=person.id,
            issue=issue,
            due=now + wait,
        )
        for issue in release.delivers
        for person in _requesters(issue)
    ]


def _requesters(issue: str) -> Iterator[Person]:
    for person_id in requests.requesters(issue):
        person = policy().person(person_id)
        if person is not None and person.active:
            yield person


@task(task_run_name="ask {who} about {issue}", **RETRY)
def ask(subject: str, request: str, who: str, issue: str) -> None:  # noqa: ARG001  the task run's name
    """Ask one requester about one issue, once: in Slack, or by a signed link on the issue they filed."""
    release = rules.fold(events.parse(event.data) for event in ledger().events(subject))
    if release is None:
        return
    question = next(a for a in release.feedback_asked if a.request == request)
    person = policy().person(question.person)
    if person is None:
        return
    title = release.plan.titles.get(question.issue, "")
    project = policy().project(release.plan.project)
    op_key = key(subject, request)
    if not person.slack:
        address = links.url(links.Link(person.id, request))
        body = (
            f"{person.name}: this went out with {project.name} {release.plan.version}. Did it help? {address}"
        )
        issues.comment.fn(question.issue, body, op_key, subject=subject)
        return
    content = release_messages.feedback_question(
        project, release.plan.version, question.issue, title, request
    )
    posts.post_direct.fn("feedback", person.slack, content, op_key, subject=subject)


@task(task_run_name="answers on {subject}")
def summarise(subject: str) -> str:
    """Put the answers of a release up as an artifact; a repeat makes a newer version of it."""
    release = rules.fold(events.parse(event.data) for event in ledger().events(subject))
    given = release.feedback_given if release else ()
    asked = len(release.feedback_asked) if release else 0
    rows = [f"| {g.issue} | {g.person} | {g.answer} | {g.score or ''} | {g.comment} |" for g in given]
    page = "\n".join(
        [
            f"# Feedback on {subject}",
            f"{len(given)} of {asked} answered.",
            "",
            "| issue | who | answer | score | comment |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ]
    )
    create_markdown_artifact(page, key=f"feedback-{artifact_key(subject)}")
    return page
