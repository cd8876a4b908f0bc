"""What has stood too long in development: found with few requests, told once a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prefect import task

from integrations.gitlab.models import MergeRequest, Pipeline
from integrations.jira.client import quoted
from integrations.jira.models import Issue
from integrations.slack import blocks as b
from lifecycle.policy import Policy, Project
from lifecycle.standstill import Control, Kind, Standstill, Told, day_of, may_tell, told, too_long_since
from lifecycle.workflow import Status, meant_keys
from tasks.context import gitlab, jira, policy
from tasks.effects import RETRY
from tasks.posts import Content, Post, post, posted

ROOM = 20
"""The most lines of one digest; of so many issues a kind the history is read."""

_FINISHED = ("success", "failed")
_STATUS = {Kind.IN_PROGRESS: Status.IN_PROGRESS, Kind.REVIEW: Status.CODE_REVIEW}


def awaited(now: datetime) -> list[str]:
    """The projects whose team may be told now, and was not told today."""
    rules = policy()
    return [
        project.id
        for project in rules.projects
        if rules.control is not None
        and may_tell(rules.control, rules.working_hours, now)
        and posted(_key(project.id, rules.control, now)) is None
    ]


@task(task_run_name="what stands still in {project_id}", **RETRY)
def find(project_id: str, now: datetime) -> Told:
    """What has stood too long at `now`. Reads only.

    One search of Jira a kind and one list of GitLab's open merge requests, however many there are; one
    request more for each issue that has stood too long, of the first ones only.
    """
    rules = policy()
    project, control = rules.project(project_id), rules.control or Control()
    since = {kind: too_long_since(kind, control, rules.working_hours, now) for kind in Kind}
    requests = gitlab().merge_requests.list(project.gitlab, state="opened")
    by_key = {key: request for request in requests for key in _keys(project, request)}
    found = [*_red_main(rules, project, since[Kind.RED_MAIN])]
    more = 0
    for kind, status in _STATUS.items():
        issues = list(jira().search(_jql(project, status, now - since[kind]), fields=_FIELDS))
        more += len(issues[ROOM:])
        lines = (_of_issue(rules, kind, issue, by_key.get(issue.key)) for issue in issues[:ROOM])
        found += [line for line in lines if line.since <= since[kind]]
    found += _without_issue(rules, project, requests, since[Kind.REVIEW])
    digest = told(found, ROOM)
    return digest._replace(more=digest.more + more)


_FIELDS = ("summary", "status", "assignee", "created")


def _jql(project: Project, status: Status, stood: timedelta) -> str:
    """Issues in that status that did not change it for so long; relative, as JQL knows no time zone."""
    names = ", ".join(map(quoted, project.statuses.all_theirs(status)))
    minutes = int(stood.total_seconds()) // 60
    where = f"project = {quoted(project.jira)} AND status in ({names})"
    return f"{where} AND NOT status CHANGED AFTER -{minutes}m ORDER BY updated ASC"


def _of_issue(rules: Policy, kind: Kind, issue: Issue, request: MergeRequest | None) -> Standstill:
    """Whoever reviews its merge request can move an issue in review, else whoever works on it."""
    entered = jira().entered(issue.key)
    at = entered[-1].at if entered else issue.created
    assert at is not None
    assignee = rules.by_jira(issue.assignee_account_id) if issue.assignee_account_id else None
    who = (assignee.name,) if assignee else ()
    if kind is Kind.REVIEW and request is not None:
        return Standstill(
            kind=kind,
            title=f"{issue.key} {issue.summary} (!{request.iid})",
            url=request.web_url,
            since=at,
            who=_reviewers(rules, request) or who,
        )
    url = jira().browse_url(issue.key)
    return Standstill(kind=kind, title=f"{issue.key} {issue.summary}", url=url, since=at, who=who)


def _reviewers(rules: Policy, request: MergeRequest) -> tuple[str, ...]:
    people = map(rules.by_gitlab, request.reviewer_ids)
    return tuple(person.name for person in people if person is not None)


def _keys(project: Project, request: MergeRequest) -> tuple[str, ...]:
    return meant_keys(project.jira, [request.source_branch, request.title], [request.description])


def _without_issue(
    rules: Policy, project: Project, requests: Sequence[MergeRequest], since: datetime
) -> Iterator[Standstill]:
    """Merge requests that name no issue, by which they would be found."""
    for request in requests:
        old = request.created_at is not None and request.created_at <= since
        if old and request.created_at and not request.draft and not _keys(project, request):
            author = rules.by_gitlab(request.author_id) if request.author_id else None
            yield Standstill(
                kind=Kind.REVIEW,
                title=f"!{request.iid} {request.title}",
                url=request.web_url,
                since=request.created_at,
                who=_reviewers(rules, request) or ((author.name,) if author else ()),
            )


def _red_main(rules: Policy, project: Project, since: datetime) -> Iterator[Standstill]:
    """Main, if its newest finished pipeline failed, with whoever started the first of the red ones."""
    pipelines = gitlab().pipelines
    latest = pipelines.list(project.gitlab, ref=project.main, limit=ROOM)
    newest = next((each for each in latest if each.status in _FINISHED), None)
    if newest is None or newest.status != "failed":
        return
    green = next(iter(pipelines.list(project.gitlab, ref=project.main, status="success", limit=1)), None)
    failed = pipelines.list(
        project.gitlab, ref=project.main, status="failed", updated_after=green.created_at if green else None
    )
    # Whoever runs one again meanwhile takes it out of the list.
    since_green = (each for each in failed if green is None or each.id > green.id)
    first = min(since_green, key=_number, default=newest)
    if first.created_at is not None and first.created_at <= since:
        starter = pipelines.get(project.gitlab, first.id).user_id
        person = rules.by_gitlab(starter) if starter else None
        yield Standstill(
            kind=Kind.RED_MAIN,
            title=f"pipeline {newest.id} of {project.main} failed",
            url=newest.web_url,
            since=first.created_at,
            who=(person.name,) if person else (),
        )


def _number(pipeline: Pipeline) -> int:
    return pipeline.id


def _key(project_id: str, control: Control, now: datetime) -> str:
    return f"control:{project_id}:digest:{day_of(control, now)}"


@task(task_run_name="tell the team of {project_id}", **RETRY)
def tell(project_id: str, digest: Told, now: datetime) -> Post | None:
    """Post the digest of the day, once, whoever asks for it; nothing if there is nothing to say."""
    if not digest.lines:
        return None
    rules = policy()
    project, control = rules.project(project_id), rules.control or Control()
    key = _key(project_id, control, now)
    headline = f"{project.name}: {len(digest.lines) + digest.more} in development stand still"
    content = Content(text=headline, blocks=_blocks(headline, digest, now))
    return post.fn(headline, project.channel, content, key, subject=f"control:{project_id}")


def _blocks(headline: str, digest: Told, now: datetime) -> list[b.Block]:
    blocks = [b.section(f"⏳ *{b.escape(headline)}*")]
    blocks += [b.section(_line(each, now)) for each in digest.lines]
    return [*blocks, b.context(f"and {digest.more} more")] if digest.more else blocks


def _line(each: Standstill, now: datetime) -> str:
    who = b.escape(", ".join(each.who)) or "nobody"
    since = f"since {each.since:%a %Y-%m-%d %H:%M} UTC ({age(each, now)})"
    return f"{each.kind.capitalize()}: {b.link(each.url, each.title)} {since}: {who}"


def age(each: Standstill, now: datetime) -> str:
    """For how long, in days and hours."""
    hours = int((now - each.since).total_seconds()) // 3600
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h"
