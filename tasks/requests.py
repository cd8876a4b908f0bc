"""From an ask to one Jira issue: take it in, mark it, find what it is like, answer who asked, show it.

Every step may run again: an ask is known by its `origin`, an issue by the op key it was created with, a
message and an answer by theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import task

from integrations.errors import IntegrationError, NotFound, Refused, Terminal
from lifecycle import backlog, requests
from lifecycle.policy import Project
from lifecycle.requests import Ask, Door, Received
from lifecycle.workflow import issue_keys
from tasks import planning_messages, posts
from tasks.backlog import alike_to, own_requests, project_of, state_of
from tasks.context import gitlab, jira, ledger, policy, slack
from tasks.effects import RETRY, done, once
from tasks.leases import alone
from tasks.walk import new_events

log = logging.getLogger(__name__)

PROPERTY = "conveyor.request"
"""The issue's property that shows who asked; the ledger is the authority."""

PLANNED_THERE = "Slack: where it is planned"
"""What the link from an issue to its message is called."""


@dataclass
class Note:
    """What became of one delivery. `failed`: it will be tried again, or a person has to look."""

    outcome: str = ""
    failed: bool = False


@contextmanager
def noting(delivery: int) -> Generator[Note, None, None]:
    """Put the outcome of one delivery on the inbox; a vendor's failure is noted there, not raised."""
    note = Note()
    try:
        yield note
    except IntegrationError as error:
        note.outcome, note.failed = f"delivery {delivery}: {error}", True
        ledger().failed(delivery, str(error), datetime.now(UTC))
    else:
        ledger().handled([delivery], note.outcome, datetime.now(UTC))


@task(task_run_name="take in “{ask.title}”", **RETRY)
def take_in(project_id: str, ask: Ask) -> str:
    """The key of the one Jira issue of this ask, created for the other doors if there is none yet."""
    project = policy().project(project_id)
    with alone(f"intake:{ask.origin}"):
        key = ask.origin.partition(":")[2] if ask.door is Door.JIRA else _create(project, ask)
        received = Received(
            issue=key,
            origin=ask.origin,
            door=ask.door,
            source=ask.source or requests.source_of(ask.door, policy().person(ask.requester.person)),
            title=requests.one_line(ask.title),
            requester=ask.requester,
            url=ask.url,
            place=ask.place,
            at=ask.asked_at,
        )
        stream = requests.stream(key)
        ledger().append(stream, new_events(stream, [received]), now=datetime.now(UTC))
    return key


def creation(ask: Ask) -> str:
    """The key of the effect that creates the ask's issue."""
    return f"intake:{ask.origin}"


def _create(project: Project, ask: Ask) -> str:
    op_key = creation(ask)

    def look(_: datetime) -> dict[str, object] | None:
        key = jira().find_created(project.jira, op_key)
        return None if key is None else {"key": key}

    def act() -> dict[str, object]:
        asked_by = f"Asked for by {ask.requester.name or 'somebody'} in {_DOOR_NAMES[ask.door]}."
        text = requests.body(requests.text_of(ask), ask.url)
        key = jira().create_issue(
            project.jira,
            project.issue_type,
            requests.one_line(ask.title),
            f"{text}\n\n{asked_by}".strip(),
            op_key=op_key,
            labels=(project.intake_label,),
        )
        return {"key": key}

    outcome = once(
        op_key,
        subject=backlog.stream(project.id),
        kind="issue",
        request={"origin": ask.origin},
        look=look,
        act=act,
    )
    return str(outcome["key"])


_DOOR_NAMES = {
    Door.JIRA: "Jira",
    Door.GITLAB: "GitLab",
    Door.SLACK: "Slack",
    Door.DESK: "the service desk",
    Door.FILE: "a file",
    Door.FEEDBACK: "feedback on a release",
}


@task(task_run_name="marks on {key}", **RETRY)
def mark(key: str) -> None:
    """Show on the issue who asked for it and where; a repeat shows the same."""
    state = state_of(project_of(key).id)
    own = own_requests(key, state)
    jira().set_property(key, PROPERTY, backlog.record(key, state, own))
    for received in own[key].received if key in own else ():
        if received.door is Door.DESK:
            jira().link("Relates", key, received.origin.partition(":")[2])
        elif received.url and received.door is not Door.JIRA:
            title = f"{_DOOR_NAMES[received.door]}: {received.title}"
            jira().remote_link(key, received.origin, received.url, title)


@task(task_run_name="what is like {key}", **RETRY)
def compare(key: str) -> list[str]:
    """The keys of the most alike earlier open requests, now on the ledger. Found once."""
    stream = requests.stream(key)
    known = requests.fold(requests.parse(event.data) for event in ledger().events(stream))
    if not known.alike:
        found = alike_to(key)
        ledger().append(stream, new_events(stream, found), now=datetime.now(UTC))
        return [alike.other for alike in found]
    return [alike.other for alike in known.alike]


@task(task_run_name="announce {key}", **RETRY)
def announce(key: str) -> posts.Post:
    """One message in the planning channel, with what it is like; later it is edited, never repeated."""
    stream = requests.stream(key)
    content = planning_messages.request_content(key)
    where = posts.post.fn(
        key, policy().review.channel, content, planning_messages.message_key(stream), subject=stream
    )
    url = slack().permalink(where.channel_id, where.ts)
    jira().remote_link(key, f"slack:{where.channel_id}:{where.ts}", url, PLANNED_THERE)
    return where


@task(task_run_name="answer “{ask.title}”", **RETRY)
def answer(ask: Ask, key: str) -> None:
    """Tell the requester where they asked: the issue, and what is like it. Once."""
    tell(ask, planning_messages.answer(ask, key), "taken")


@task(task_run_name="decline “{ask.title}”", **RETRY)
def decline(ask: Ask, why: str) -> None:
    """Tell the requester where they asked why nothing came of it. Once."""
    tell(ask, posts.Content(text=f"This was not taken in as a request: {why}."), "declined")


@contextmanager
def telling_a_refusal(ask: Ask) -> Generator[None, None, None]:
    """If a vendor refuses the ask, tell the requester where they asked, and the log; once. The error goes on.

    Its delivery stays in the inbox: it is tried again, and filed as soon as a person has mended it.
    """
    try:
        yield
    except Terminal as error:
        if done(f"{ask.origin}:refused") is None:
            log.warning("“%s” (%s) waits for a person: %s", requests.one_line(ask.title), ask.origin, error)
        text = (
            f"Your request is kept, but it cannot be filed now: {error}. Whoever runs Conveyor has to look."
        )
        tell(ask, posts.Content(text=text), "refused")
        raise


def tell(ask: Ask, content: posts.Content, what: str) -> None:
    """Answer the requester where they asked, once per `what`; somebody who left is not answered.

    A Slack answer is seen by the requester alone. Slack keeps none, so after a crash it may come twice.
    """
    op_key = f"{ask.origin}:{what}"

    def act() -> dict[str, object]:
        return {"to": _answer(ask, content, op_key)}

    once(
        op_key,
        subject=f"ask:{ask.origin}",
        kind="answer",
        request={"text": content.text},
        look=lambda _: None,  # a note and a comment look for themselves
        act=act,
    )


def _answer(ask: Ask, content: posts.Content, op_key: str) -> str:
    match ask.door:
        case Door.SLACK:
            return _whisper(ask, content, op_key)
        case Door.FEEDBACK:
            if account := ask.requester.slack:
                return _direct(account, content, op_key)
            with suppress(NotFound):  # the issue by which they asked may be gone by now
                return write_at(ask.place, content.text, op_key) if ask.place else "nobody"
            return "nobody"
        case Door.FILE:
            return "nobody"  # who filed it saw it on their screen
        case _:
            return write_at(ask.origin, content.text, op_key)


def write_at(origin: str, text: str, op_key: str) -> str:
    """Write on the Jira or GitLab issue by which somebody asked, once per `op_key`; the comment's id.

    Raises:
        NotFound: the issue is gone.
    """
    door, _, rest = origin.partition(":")
    if door == Door.GITLAB.value:
        project_id, iid = rest.split(":")
        return str(gitlab().issues.note(int(project_id), int(iid), text, op_key).id)
    return jira().comment(rest, text, op_key=op_key)


def _whisper(ask: Ask, content: posts.Content, op_key: str) -> str:
    user_id = ask.requester.slack
    try:
        posts.whisper(ask.place, user_id, content.text, content.blocks)
    except (Refused, NotFound):  # the bot is not in that channel, or the person is not
        return _direct(user_id, content, op_key)
    return user_id


def _direct(user_id: str, content: posts.Content, op_key: str) -> str:
    try:
        slack().post(slack().direct_channel(user_id), content.text, content.blocks, op_key=op_key)
    except (Refused, NotFound):
        return "nobody"
    return user_id


def requesters(issue: str) -> list[str]:
    """The people (ids of the people file) who asked for `issue`, those of its duplicates included."""
    return [who.person for who, _ in asked_for(issue) if who.person]


def asked_for(issue: str) -> list[tuple[requests.Requester, str]]:
    """Everybody who asked for `issue` or a duplicate of it, each with the origin of their ask ("": unknown).

    Nobody came through a door for an issue made elsewhere: then its Jira reporter asked, unless that is us.
    """
    project = next((p for p in policy().projects if issue in issue_keys(issue, p.jira)), None)
    if project is None:
        return []
    state = state_of(project.id)
    own = own_requests(issue, state)
    asked = backlog.requesters(issue, state, own)
    if not asked:
        return [(who, f"jira:{issue}") for who in _reporters(issue)]
    origins: dict[str, str] = {}
    for event in (event for request in own.values() for event in request.received):
        origin = event.place if event.door is Door.FEEDBACK else event.origin
        origins.setdefault(event.requester.identity, origin)
    return [(who, origins.get(who.identity, "")) for who in asked]


def voted_for(issue: str) -> tuple[requests.Requester, ...]:
    """Everybody who wants `issue` or a duplicate of it too, without having asked."""
    project = next((p for p in policy().projects if issue in issue_keys(issue, p.jira)), None)
    if project is None:
        return ()
    state = state_of(project.id)
    return backlog.voters(issue, state, own_requests(issue, state))


def _reporters(issue: str) -> list[requests.Requester]:
    """Who reported the issue in Jira: nobody if Conveyor did, or if it is gone."""
    try:
        account = jira().issue(issue).reporter_account_id
    except NotFound:
        return []
    if not account or account == jira().myself():
        return []
    return [requests.requester_at(policy(), Door.JIRA, account)]
