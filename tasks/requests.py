"""From an ask to one Jira issue: take it in, mark it, find what it is like, answer who asked, show it.

Every step may run again: an ask is known by its `origin`, an issue by the op key it was created with, a
message and an answer by theirs.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import task

from integrations.errors import IntegrationError, NotFound, Refused
from lifecycle import backlog, requests
from lifecycle.policy import Project
from lifecycle.requests import Ask, Door, Received
from lifecycle.workflow import issue_keys
from tasks import planning_messages, posts
from tasks.backlog import alike_to, own_requests, project_of, state_of
from tasks.context import gitlab, jira, ledger, policy, slack
from tasks.effects import RETRY, once
from tasks.leases import alone
from tasks.walk import new_events

PROPERTY = "conveyor.request"
"""The issue's property that shows who asked; the ledger is the authority."""


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
            source=requests.source_of(ask.door, policy().person(ask.requester.person)),
            title=requests.one_line(ask.title),
            requester=ask.requester,
            url=ask.url,
            place=ask.place,
            at=ask.asked_at,
        )
        stream = requests.stream(key)
        ledger().append(stream, new_events(stream, [received]), now=datetime.now(UTC))
    return key


def _create(project: Project, ask: Ask) -> str:
    op_key = f"intake:{ask.origin}"

    def look(_: datetime) -> dict[str, object] | None:
        key = jira().find_created(project.jira, op_key)
        return None if key is None else {"key": key}

    def act() -> dict[str, object]:
        asked_by = f"Asked for by {ask.requester.name or 'somebody'} in {_DOOR_NAMES[ask.door]}."
        text = requests.body(ask.text, ask.url)
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


_DOOR_NAMES = {Door.JIRA: "Jira", Door.GITLAB: "GitLab", Door.SLACK: "Slack"}


@task(task_run_name="marks on {key}", **RETRY)
def mark(key: str) -> None:
    """Show on the issue who asked for it and where; a repeat shows the same."""
    state = state_of(project_of(key).id)
    own = own_requests(key, state)
    jira().set_property(key, PROPERTY, backlog.record(key, state, own))
    for received in own[key].received if key in own else ():
        if received.url and received.door is not Door.JIRA:
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
    jira().remote_link(key, f"slack:{where.channel_id}:{where.ts}", url, "Slack: where it is planned")
    return where


@task(task_run_name="answer “{ask.title}”", **RETRY)
def answer(ask: Ask, key: str) -> None:
    """Tell the requester where they asked: the issue, and what is like it. Once."""
    tell(ask, planning_messages.answer_text(ask, key, slack=ask.door is Door.SLACK), "taken")


@task(task_run_name="decline “{ask.title}”", **RETRY)
def decline(ask: Ask, why: str) -> None:
    """Tell the requester where they asked why nothing came of it. Once."""
    tell(ask, f"This was not taken in as a request: {why}.", "declined")


def tell(ask: Ask, text: str, what: str) -> None:
    """Answer the requester where they asked, once per `what`; somebody who left is not answered.

    A Slack answer is seen by the requester alone. Slack keeps none, so after a crash it may come twice.
    """
    op_key = f"{ask.origin}:{what}"

    def act() -> dict[str, object]:
        return {"to": _answer(ask, text, op_key)}

    once(
        op_key,
        subject=f"ask:{ask.origin}",
        kind="answer",
        request={"text": text},
        look=lambda _: None,  # a note and a comment look for themselves
        act=act,
    )


def _answer(ask: Ask, text: str, op_key: str) -> str:
    match ask.door:
        case Door.JIRA:
            return jira().comment(ask.origin.partition(":")[2], text, op_key=op_key)
        case Door.GITLAB:
            _, project_id, iid = ask.origin.split(":")
            return str(gitlab().issues.note(int(project_id), int(iid), text, op_key).id)
        case Door.SLACK:
            return _whisper(ask, text, op_key)


def _whisper(ask: Ask, text: str, op_key: str) -> str:
    user_id = ask.requester.slack
    try:
        posts.whisper(ask.place, user_id, text)
    except (Refused, NotFound):  # the bot is not in that channel, or the person is not
        try:
            slack().post(slack().direct_channel(user_id), text, op_key=op_key)
        except (Refused, NotFound):
            return "nobody"
    return user_id


def requesters(issue: str) -> list[str]:
    """The people (ids of the people file) who asked for `issue`, those of its duplicates included.

    Nobody came through a door for an issue made elsewhere: then its Jira reporter asked.
    """
    project = next((p for p in policy().projects if issue in issue_keys(issue, p.jira)), None)
    if project is None:
        return []
    state = state_of(project.id)
    asked = backlog.requesters(issue, state, own_requests(issue, state))
    if not asked:
        reporter = policy().by_jira(jira().issue(issue).reporter_account_id)
        return [reporter.id] if reporter else []
    return [who.person for who in asked if who.person]
