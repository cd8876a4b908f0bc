"""What a merge (or its taking back) does outside: status, link, requesters, comments, the message.

A person decided and the ledger knows; here Jira follows. Each effect looks first or is keyed by the merge's
round, so that a crash between any two of them is finished by the next run.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from prefect import task

from integrations.errors import Conflict, IntegrationError, NotFound
from lifecycle import backlog, requests
from lifecycle.backlog import Merged, Settled, Unmerged
from lifecycle.policy import Project
from lifecycle.requests import Ask, Door
from lifecycle.workflow import REJECTABLE, Status
from tasks import issues, planning_messages, posts
from tasks import requests as intake
from tasks.backlog import request_of, state_of
from tasks.context import jira, ledger, policy
from tasks.effects import RETRY
from tasks.leases import alone
from tasks.walk import new_events


def pending(project_id: str) -> tuple[Merged | Unmerged, ...]:
    """What was decided and Jira does not show yet, in order."""
    return state_of(project_id).pending


def finish() -> tuple[list[str], bool]:
    """Carry out every decided merge of every project: what was done, and whether all of it worked.

    What failed is pending still, and so is the wake-up of its project.
    """
    told: list[str] = []
    worked = True
    for project in policy().projects:
        stream = backlog.stream(project.id)
        wanted = ledger().wakeup(stream).wanted
        try:
            for fact in pending(project.id):
                settle(project.id, fact)
                told.append(f"{fact.kind}: {fact.issue} and {fact.into}")
        except IntegrationError as error:
            worked = False
            told.append(str(error))
            ledger().wake(stream, datetime.now(UTC))
        else:
            ledger().carried(stream, wanted, datetime.now(UTC))
    return told, worked


@task(task_run_name="{fact.kind}: {fact.issue} and {fact.into}", **RETRY)
def settle(project_id: str, fact: Merged | Unmerged) -> None:
    """Make Jira and Slack show one decided merge, or one taken back; done once, a repeat goes on.

    What Jira refuses (the issue is in work by now, or gone) is put on record, and the merge is off.
    """
    project = policy().project(project_id)
    with alone(f"merges:{project_id}"):
        if fact not in state_of(project_id).pending:
            return
        try:
            refused = _merge(project, fact) if isinstance(fact, Merged) else _unmerge(project, fact)
        except (Conflict, NotFound) as error:
            refused = str(error)
        told = Settled(issue=fact.issue, round=fact.round, verb=fact.kind, refused=refused)
        stream = backlog.stream(project_id)
        ledger().append(stream, new_events(stream, [told]), now=datetime.now(UTC))
    for key in (fact.issue, fact.into):
        planning_messages.refresh(requests.stream(key))


def _merge(project: Project, fact: Merged) -> str:
    """Close the duplicate, link it, bring its requesters along, tell everybody."""
    jira().issue(fact.into)
    status = project.statuses.to_ours(jira().issue(fact.issue).status)
    if status is not Status.CLOSED:
        if status not in REJECTABLE:
            raise Conflict("jira", "merge", fact.issue, detail=f"it is in {status} by now")
        jira().transition(fact.issue, project.statuses.to_theirs(Status.CLOSED))
    jira().link("Duplicate", fact.issue, fact.into)
    for key in (fact.issue, fact.into):
        intake.mark.fn(key)
    who = fact.name or _name(fact.person)
    _comment(fact, fact.issue, f"Merged into {fact.into} by {who}: it asks for the same.")
    names = ", ".join(r.requester.name or "somebody" for r in request_of(fact.issue).received)
    _comment(fact, fact.into, f"Also asked for by {names or 'others'} ({fact.issue}), merged by {who}.")
    _tell(fact, f"Your request {fact.issue} goes on as {fact.into}, {jira().browse_url(fact.into)}")
    return ""


def _unmerge(project: Project, fact: Unmerged) -> str:
    """Put the duplicate on its own feet again; what Jira's workflow has no way for is left to a person."""
    jira().unlink("Duplicate", fact.issue, fact.into)
    intake.mark.fn(fact.issue)
    try:
        jira().transition(fact.issue, project.statuses.to_theirs(Status.TO_DO))
        left = ""
    except Conflict:
        left = "Jira's workflow has no way back from Closed: reopen it by hand"
    text = f"Not merged into {fact.into} any more, says {_name(fact.person)}."
    _comment(fact, fact.issue, f"{text} {left}".strip())
    with suppress(NotFound):  # an original that was deleted has nothing to show it on
        intake.mark.fn(fact.into)
        _comment(fact, fact.into, f"{fact.issue} stands on its own again, says {_name(fact.person)}.")
    _tell(fact, f"Your request {fact.issue} stands on its own again, {jira().browse_url(fact.issue)}")
    return left


def _comment(fact: Merged | Unmerged, key: str, text: str) -> None:
    op_key = f"{requests.stream(fact.issue)}:{fact.kind}:{fact.round}:{key}"
    issues.comment.fn(key, text, op_key, subject=requests.stream(key))


def _tell(fact: Merged | Unmerged, text: str) -> None:
    """Tell who asked, where they asked; in Jira the comment does."""
    for received in request_of(fact.issue).received:
        if received.door is not Door.JIRA:
            ask = Ask(**received.model_dump(include=set(Ask.model_fields)), asked_at=received.at)
            intake.tell(ask, posts.Content(text=text), f"{fact.kind}:{fact.round}")


def _name(person_id: str) -> str:
    person = policy().person(person_id)
    return person.name if person else person_id
