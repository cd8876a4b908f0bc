"""What the message and the modal of one sign-off are made from: the ledger and the policy, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lifecycle import backlog
from lifecycle.release import Release
from lifecycle.requests import Requester
from tasks import folding
from tasks.backlog import own_requests, state_of
from tasks.context import ledger, policy
from tasks.signoff_messages import Asking


def asking(release: Release, step_id: str, number: int) -> Asking:
    """All that is shown of `step_id` on candidate `number`."""
    project = policy().project(release.plan.project)
    step = next(step for step in policy().steps if step.id == step_id)
    return Asking(release, project, step, policy(), number, _asked_by(project.id))


def asking_of(request: str) -> Asking | None:
    """The same for whichever step and candidate `request` belongs to; None if nobody was asked so."""
    asked = ledger().event_by_key(f"SignOffAsked:{request}")
    known = () if asked is None else ledger().events(asked.subject)
    release = folding.folded(known)
    question = None if release is None else release.question(request)
    if release is None or question is None:
        return None
    return asking(release, question.step, question.number)


def _asked_by(project_id: str) -> Callable[[str], Sequence[Requester]]:
    """Who asked for an issue, as far as the ledger knows: Jira's reporter of any other is not looked up."""
    state = state_of(project_id)
    return lambda issue: backlog.requesters(issue, state, own_requests(issue, state))
