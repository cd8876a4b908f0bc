"""The three doors: what a delivery of the inbox asks for, read again from the vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prefect import task
from pydantic import BaseModel

from integrations.errors import NotFound, Refused
from integrations.gitlab import webhook as gitlab_webhook
from integrations.gitlab.events import IssueEvent
from integrations.jira import webhook as jira_webhook
from integrations.jira.models import Issue
from integrations.jira.notes import OP_PROPERTY
from integrations.ledger import Delivery
from integrations.slack import inbound
from integrations.slack.events import SlashCommand, ViewSubmission
from lifecycle import requests
from lifecycle.requests import Ask, Door
from tasks import mirror, request_form
from tasks.context import gitlab, jira, ledger, policy, slack
from tasks.effects import RETRY


class Asked(BaseModel, frozen=True):
    """What a delivery asks for; `nothing` says why it asks for nothing (any more), or for too little.

    `gone` is the key of an issue that was deleted.
    """

    project: str = ""
    ask: Ask | None = None
    nothing: str = ""
    gone: str = ""


@task(task_run_name="read delivery {delivery}", **RETRY)
def read(delivery: int) -> Asked:
    """What was asked, as its object stands now: a webhook is only a hint. Reads only."""
    received = ledger().delivery(delivery)
    reader = _READERS.get(received.source)
    if reader is None:
        return Asked(nothing=f"nobody asks through {received.source}")
    try:
        asked = reader(received)
    except NotFound as error:
        return Asked(nothing=f"{error.operation} {error.object_id} is gone")
    except Refused as error:
        if error.vendor == received.source and error.operation in ("parse", "webhook"):
            return Asked(nothing=f"it cannot be read: {error.detail}")
        raise
    if asked.ask is None:
        return asked
    return asked.model_copy(update={"nothing": "; ".join(requests.may_take(asked.ask).reasons)})


def _from_jira(received: Delivery) -> Asked:
    event = jira_webhook.parse(received.body)
    if event.kind == jira_webhook.ISSUE_DELETED:
        return _deleted(event)
    issue = jira().issue(event.issue_key)
    project = next((p for p in policy().projects if p.jira == issue.project_key), None)
    desk = next((p for p in policy().projects if p.service_desk == issue.project_key), None)
    if desk is not None:
        return Asked(project=desk.id, ask=_of_issue(Door.DESK, issue, event, received))
    if project is None:
        return Asked(nothing=f"the policy has no project {issue.project_key}")
    if project.intake_label not in issue.labels:
        return Asked(nothing=f"{issue.key} has no label {project.intake_label}")
    if jira().property(issue.key, OP_PROPERTY):
        return Asked(nothing=f"{issue.key} was made by Conveyor")
    return Asked(project=project.id, ask=_of_issue(Door.JIRA, issue, event, received))


def _of_issue(door: Door, issue: Issue, event: jira_webhook.JiraEvent, received: Delivery) -> Ask:
    """What a Jira issue asks for, whoever reported it: at a service desk that is the customer."""
    name = event.actor_name if event.actor_account_id == issue.reporter_account_id else ""
    return Ask(
        door=door,
        origin=f"{door}:{issue.key}",
        title=issue.summary,
        text=issue.description,
        requester=requests.requester_at(policy(), Door.JIRA, issue.reporter_account_id, name),
        url=jira().browse_url(issue.key),
        asked_at=issue.created or received.received_at,
    )


def _deleted(event: jira_webhook.JiraEvent) -> Asked:
    project = next((p for p in policy().projects if p.jira == event.project_key), None)
    if project is not None:
        mirror.look(project, event.issue_key)
    return Asked(gone=event.issue_key, nothing=f"{event.issue_key} was deleted")


def _from_gitlab(received: Delivery) -> Asked:
    event = gitlab_webhook.parse(received.headers, received.body)
    project = next((p for p in policy().projects if p.gitlab == event.project_id), None)
    if project is None or not isinstance(event, IssueEvent):
        return Asked(nothing="it is no issue of a project of the policy")
    issue = gitlab().issues.get(project.gitlab, event.iid)
    if project.intake_label not in issue.labels or issue.state != "opened":
        return Asked(nothing=f"#{issue.iid} is {issue.state} or has no label {project.intake_label}")
    ask = Ask(
        door=Door.GITLAB,
        origin=f"gitlab:{project.gitlab}:{issue.iid}",
        title=issue.title,
        text=issue.description,
        requester=requests.requester_at(
            policy(), Door.GITLAB, issue.author_id or 0, f"GitLab user {issue.author_id}"
        ),
        url=issue.web_url,
        asked_at=issue.created_at or received.received_at,
    )
    return Asked(project=project.id, ask=ask)


def _from_slack(received: Delivery) -> Asked:
    given = {name.lower(): value for name, value in received.headers.items()}
    event = inbound.parse(given.get("content-type", "application/x-www-form-urlencoded"), received.body)
    if isinstance(event, ViewSubmission) and event.callback_id == request_form.FORM:
        return _from_form(received, event)
    if not isinstance(event, SlashCommand):
        return Asked(nothing="it is no command")
    title, text = requests.command(event.text)
    projects = policy().projects
    project = next((p for p in projects if p.channel == event.channel_id), projects[0])
    ask = Ask(
        door=Door.SLACK,
        origin=f"slack:{received.delivery_id}",
        title=title,
        text=text,
        requester=requests.requester_at(policy(), Door.SLACK, event.user_id, _slack_name(event.user_id)),
        place=event.channel_id,
        asked_at=received.received_at,
    )
    return Asked(project=project.id, ask=ask)


def _from_form(received: Delivery, event: ViewSubmission) -> Asked:
    filled = request_form.read(event, policy())
    wrong = request_form.errors(filled, policy())
    if wrong:
        return Asked(nothing="; ".join(wrong.values()))
    ask = Ask(
        door=Door.SLACK,
        origin=f"slack:{event.view_id or received.delivery_id}",
        title=filled.title,
        text=filled.text,
        requester=requests.requester_at(policy(), Door.SLACK, event.user_id, _slack_name(event.user_id)),
        url=_permalink(filled.channel, filled.message_ts) if filled.message_ts else "",
        place=filled.channel,
        asked_at=received.received_at,
    )
    return Asked(project=filled.project, ask=ask)


def _permalink(channel: str, ts: str) -> str:
    """Where the message stands; "" for one that is gone, or in a place where our bot is not."""
    try:
        return slack().permalink(channel, ts)
    except (NotFound, Refused):
        return ""


def _slack_name(user_id: str) -> str:
    """The account's name; "" for one that is not there any more."""
    try:
        return slack().user(user_id).name
    except NotFound:
        return ""


_READERS: Mapping[str, Callable[[Delivery], Asked]] = {
    "jira": _from_jira,
    "gitlab": _from_gitlab,
    "slack": _from_slack,
}
