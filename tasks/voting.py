"""“Mine too”: somebody wants what another has asked for. A person's click, never a score's doing.

Slack's action `request.mine_too` carries the id of a finding (in the private answer to who asked) or the key
of a request (in its message). The contract is that of `tasks.review_decisions`, but anybody may say this:
of what they asked for themselves, that it is the same as an earlier request, which merges it; of any other
request, that they want it too, which is a vote.
"""

from __future__ import annotations

from datetime import UTC, datetime

from lifecycle import backlog, requests
from lifecycle.release import Door
from lifecycle.requests import Requester
from tasks import planning_messages
from tasks.backlog import own_requests, project_of, request_of, state_of
from tasks.context import ledger, policy
from tasks.deciding import insist, no
from tasks.decisions import Outcome
from tasks.requests import mark
from tasks.review_decisions import finding, join, project_id
from tasks.walk import new_events


def mine_too(target: str, who: Requester, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Join `who`'s own new request to the earlier one, or count their vote. `target`: finding or key.

    Their own request becomes a duplicate of the earlier one, as if the team had merged it, and the team can
    take it back.
    """
    moment = now or datetime.now(UTC)
    person = policy().person(who.person)
    if person is not None and not person.active:
        return no("Your account is deactivated, so nothing was decided.")
    found = finding(target)
    if found is None:
        if project_id(target) is None or not request_of(target).received:
            return no("There is no such request.")
        return _vote(target, who, door, moment)
    if not _asked(who, found.issue):
        return _vote(found.other, who, door, moment)
    by, name = (who.person, "") if person else (who.identity, who.called)
    return insist(
        lambda: join(found.issue, found.other, by, door, moment, alike=target, name=name), found.issue
    )


def show(subject: str) -> None:
    """Make the request's message and its mark in Jira say what the ledger says; harmless at any time."""
    planning_messages.refresh(subject)
    mark.fn(subject.partition(":")[2])


def _asked(who: Requester, key: str) -> bool:
    return who.identity in {received.requester.identity for received in request_of(key).received}


def _vote(key: str, who: Requester, door: Door, now: datetime) -> Outcome:
    subject, state = requests.stream(key), state_of(project_of(key).id)
    own = own_requests(key, state)
    if who.identity in {one.identity for one in backlog.requesters(key, state, own)}:
        message = f"{key} is yours already: you asked for it."
        return Outcome(accepted=True, message=message, subject=subject, repeated=True)
    fact = requests.Voted(issue=key, who=who, door=door)
    told = ledger().append(subject, new_events(subject, [fact]), now=now)
    message = f"You are counted among those who want {key}."
    return Outcome(accepted=True, message=message, subject=subject, repeated=not told.inserted)
