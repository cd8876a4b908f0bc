"""What one delivery hints at: which releases to wake, and whether a run should look closer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from integrations.gitlab import events as gitlab_events
from integrations.gitlab import webhook as gitlab_webhook
from integrations.jira import webhook as jira_webhook
from integrations.ledger import Delivery, Ledger
from integrations.slack import inbound
from integrations.slack.events import SlackEvent, SlashCommand, ViewSubmission
from lifecycle import events, release
from lifecycle.candidates import READY, may_be_due
from lifecycle.gates.ending import FINISHED
from lifecycle.policy import Project
from lifecycle.workflow import UnknownStatus
from tasks import request_form
from tasks.context import policy


@dataclass(frozen=True)
class Hint:
    """`flow` takes the delivery (None: nobody needs to), `wakes` are woken, `why` goes on record."""

    flow: Literal["control", "intake"] | None = None
    wakes: tuple[str, ...] = ()
    why: str = "recorded"


def hint(ledger: Ledger, delivery: Delivery) -> Hint:
    """Read the delivery's hint; Refused if it cannot be read."""
    headers = {name: str(value) for name, value in delivery.headers.items()}
    match delivery.source:
        case "jira":
            return _jira(ledger, jira_webhook.parse(delivery.body))
        case "gitlab":
            return _gitlab(gitlab_webhook.parse(headers, delivery.body))
        case _:
            event = inbound.parse(headers.get("content-type", ""), delivery.body)
            return Hint(flow="intake") if _is_request(event) else Hint()


def _is_request(event: SlackEvent) -> bool:
    """A command that says what is wished, or a form without a mistake; else the listener answers it."""
    match event:
        case SlashCommand():
            return event.command == "/request" and bool(event.text.strip())
        case ViewSubmission(callback_id=request_form.FORM):
            return not request_form.errors(request_form.read(event, policy()), policy())
        case _:
            return False


def _jira(ledger: Ledger, event: jira_webhook.JiraEvent) -> Hint:
    project = next((p for p in policy().projects if p.jira == event.project_key), None)
    if project is None:
        at_desk = any(p.service_desk == event.project_key for p in policy().projects if p.service_desk)
        if at_desk and event.kind == "jira:issue_created":
            return Hint(flow="intake")
        return Hint(why="of no project in the policy")
    if event.kind == "jira:issue_created" and project.intake_label in event.labels:
        return Hint(flow="intake")
    if event.kind == jira_webhook.ISSUE_DELETED:
        return Hint(flow="intake")
    if any(change.field == "status" and _is_ready(project, change.to_string) for change in event.changes):
        return Hint(wakes=tuple(_waiting_for(ledger, project, event.issue_key)), why="developed")
    return Hint()


def _is_ready(project: Project, status: str) -> bool:
    """Development of an issue that came here is done; a status that the policy does not know counts too."""
    try:
        return project.statuses.to_ours(status) in READY
    except UnknownStatus:
        return True


def _waiting_for(ledger: Ledger, project: Project, issue_key: str) -> Iterator[str]:
    """Releases that wait for this issue's development."""
    for subject in ledger.subjects(f"release:{project.id}:"):
        folded = release.fold(events.parse(event.data) for event in ledger.events(subject))
        if folded and may_be_due(folded) and issue_key in folded.delivers:
            yield subject


def _gitlab(event: gitlab_events.Event) -> Hint:
    project = next((p for p in policy().projects if p.gitlab == event.project_id), None)
    if project is None:
        return Hint(why="of no project in the policy")
    match event:
        case gitlab_events.PipelineEvent():
            # The key is a variable, or an input, which only the pipeline's name shows.
            words = (event.variables.get("CONVEYOR_OP", ""), *event.name.split())
            keys = (word.partition(":pipeline:") for word in words)
            subject, mark, _ = next((key for key in keys if key[1]), ("", "", ""))
            over = event.status in FINISHED
            reviewed = not mark and _may_be_reviewed(project, event)
            wakes = (subject,) if mark and over else ()
            return Hint("control" if reviewed else None, wakes, f"pipeline {event.status}")
        case gitlab_events.NoteEvent() if event.on == "MergeRequest":
            return Hint(flow="control")  # older versions tell of requested changes by their comment only
        case gitlab_events.DeploymentEvent() if event.status == "success":
            awaited = event.environment == project.qa_environment
            return Hint(flow="control" if awaited else None, why=f"deployed to {event.environment}")
        case gitlab_events.MergeRequestEvent():
            return Hint(flow="control")
        case gitlab_events.PushEvent():
            on_release = event.branch.startswith("release/")
            version = event.branch.removeprefix("release/")
            wakes = (release.release_id(project.id, version),) if on_release else ()
            return Hint(flow=None if on_release else "control", wakes=wakes, why="pushed")
        case gitlab_events.IssueEvent() if project.intake_label in event.labels:
            return Hint(flow="intake")
        case _:
            return Hint()


def _may_be_reviewed(project: Project, event: gitlab_events.PipelineEvent) -> bool:
    """A pipeline of a change that has just become red, or green again."""
    own = event.ref != project.main and not event.ref.startswith("release/") and not event.tag
    return own and event.status in ("success", "failed")
