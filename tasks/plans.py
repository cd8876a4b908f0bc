"""The plan of a release: proposed from all open requests, and written down once the review is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from integrations.errors import Conflict, NotFound
from integrations.jira.models import Issue
from lifecycle import backlog, events, planning, release, requests, review, scope
from lifecycle.planning import Decided, Decision, PlanLine, ReleasePlan
from lifecycle.policy import Project
from lifecycle.requests import Door
from lifecycle.review import Proposed
from lifecycle.scope import Scope, ScopeLine
from lifecycle.scoring import Request, Weights, size_of
from lifecycle.workflow import REJECTABLE, Status
from tasks import issues, review_agenda, sizes
from tasks.backlog import open_jql, own_requests, state_of
from tasks.context import gitlab, jira, ledger, policy
from tasks.effects import RETRY
from tasks.timeline import artifact_key
from tasks.valuing import Valuer
from tasks.walk import new_events

ESTIMATE = sizes.ESTIMATE
"""The issue's property with its estimate."""

PLACE = "conveyor.plan"
"""The issue's property with its place in the plan."""

NEEDS_INFO = "needs-info"
"""The label of a request with open questions."""

_FIELDS = ("summary", "created", "priority", "labels", "issuelinks", "reporter", "issuetype", "duedate")


@task(task_run_name="propose a release from the open requests of {project_id}", **RETRY)
def propose(project_id: str, stream: str, now: datetime) -> Proposed:
    """What the review starts from: every open request read, valued, scored and fitted in.

    Reads only, but for what finished requests took: that is measured once, and kept on the ledger.
    """
    project, rules = policy().project(project_id), policy().review
    found = list(_open_requests(project, now))
    room = review_agenda.capacity(project, now)
    plan = planning.propose(found, room.likely, now, Weights(), review.next_version(_taken(project)))
    kept = review.abridged(plan)
    known = {request.key: request for request in found}
    merged = state_of(project.id)
    agenda = review_agenda.agenda(project, stream, found, {line.key for line in kept.lines})
    return Proposed(
        proposal=requests.opaque("proposal", stream),
        plan=kept,
        open=len(found),
        asked_by={line.key: _asked_by(known[line.key], merged) for line in kept.lines},
        due=now + rules.due,
        agenda=agenda.model_copy(update={"capacity": room}),
    )


def _taken(project: Project) -> Iterator[str]:
    """Every version that is out or on its way."""
    yield from (tag.name for tag in gitlab().repository.tags(project.gitlab))
    prefix = release.release_id(project.id, "")
    yield from (stream.removeprefix(prefix) for stream in ledger().subjects(prefix))


def _open_requests(project: Project, now: datetime) -> Iterator[Request]:
    found = {
        issue.key: issue
        for issue in jira().search(open_jql(project, "created ASC, key ASC"), fields=_FIELDS)
        if not issue.subtask
    }
    state = state_of(project.id)
    taken_in = {stream.partition(":")[2] for stream in ledger().subjects(requests.stream(f"{project.jira}-"))}
    finished = _Finished(project, found)
    valuer = Valuer(project, now)
    for issue in found.values():
        own = own_requests(issue.key, state) if issue.key in taken_in else {}
        yield valuer.valued(_request(issue, state, finished, own), issue, own)


class _Finished:
    """Tells whether a blocker outside the open requests is finished; each is read once."""

    def __init__(self, project: Project, found: Mapping[str, Issue]) -> None:
        self._project = project
        self._open = found
        self._known: dict[str, bool] = {}

    def __call__(self, key: str) -> bool:
        if key in self._open:
            return False
        if key not in self._known:
            self._known[key] = self._read(key)
        return self._known[key]

    def _read(self, key: str) -> bool:
        try:
            return issues.status_of(self._project, key) in (Status.RELEASED, Status.CLOSED)
        except NotFound:
            return True


def _request(
    issue: Issue, state: backlog.Backlog, finished: _Finished, own: Mapping[str, requests.Request]
) -> Request:
    received = own[issue.key].received if issue.key in own else ()
    reporter = policy().by_jira(issue.reporter_account_id)
    asked = backlog.requesters(issue.key, state, own)
    links = [link for link in issue.links if link.type == "Blocks"]
    return Request(
        key=issue.key,
        title=requests.one_line(issue.summary) or issue.key,
        source=received[0].source if received else requests.source_of(Door.JIRA, reporter),
        created=issue.created or datetime.now(UTC),
        requesters=tuple(who.identity for who in asked) or (f"jira:{issue.reporter_account_id}",),
        type=issue.issue_type,
        complexity=sizes.estimate_of(issue.key) if own else None,
        blocks=tuple(link.key for link in links if link.direction == "outward"),
        blocked_by=tuple(x.key for x in links if x.direction == "inward" and not finished(x.key)),
        needs_info=NEEDS_INFO in issue.labels,
        priority=issue.priority,
        votes=len(backlog.voters(issue.key, state, own)),
    )


def scope_line(project: Project, issue: Issue) -> ScopeLine:
    """One issue as a plan counts it: its size, and what it waits for and holds up. Reads only."""
    state = state_of(project.id)
    own = own_requests(issue.key, state)
    valuer = Valuer(project, datetime.now(UTC))
    request = valuer.valued(_request(issue, state, _Finished(project, {}), own), issue, own)
    return ScopeLine(
        key=request.key,
        title=request.title,
        size=size_of(request, Weights()),
        blocked_by=request.blocked_by,
        blocks=request.blocks,
    )


def _asked_by(request: Request, state: backlog.Backlog) -> str:
    own = own_requests(request.key, state)
    names = [who.name for who in backlog.requesters(request.key, state, own) if who.name]
    return f"{request.source.value}: {', '.join(names)}" if names else request.source.value


@task(task_run_name="is everything of {version} still there", **RETRY)
def still_there(version: str, plan: ReleasePlan) -> ReleasePlan:
    """The plan without what was deleted from Jira since it was proposed. Reads only."""
    gone: dict[str, Decided] = {}
    for key in plan.accepted:
        try:
            jira().issue(key)
        except NotFound:
            gone[key] = Decided(Decision.REJECT, "it is not in Jira any more", "")
    return planning.apply_decisions(plan, gone).model_copy(update={"version": version}) if gone else plan


@task(task_run_name="Jira version {version}", **RETRY)
def make_version(jira_key: str, version: str, description: str) -> None:
    """Make the version in Jira; one that is there stays."""
    jira().ensure_version(jira_key, version, description)


@task(task_run_name="place of {key} in {version}", **RETRY)
def place(key: str, version: str, wave: int | None, at: int) -> None:
    """Show on the issue where it stands in the plan; a repeat shows the same."""
    jira().set_property(key, PLACE, {"version": version, "wave": wave, "place": at})


@task(task_run_name="{key} is out of {version}", **RETRY)
def take_out(key: str, version: str, link_id: str) -> None:
    """Take the issue out of the version, with all that showed its place; a repeat finds nothing to do."""
    try:
        jira().remove_fix_version(key, version)
        jira().remove_property(key, PLACE)
        jira().remove_remote_link(key, link_id)
    except NotFound:  # the issue itself was deleted
        return


@task(task_run_name="{line.key} is put off", **RETRY)
def put_off(line: PlanLine, stream: str) -> None:
    """Say on the issue why it is not in the release, once."""
    _comment(line, stream, "Not in the next release")


@task(task_run_name="{line.key} is rejected", **RETRY)
def reject(project_id: str, line: PlanLine, stream: str) -> bool:
    """Close the issue with the reason, once; False if it is in work by now, then it stays open."""
    project = policy().project(project_id)
    try:
        status = issues.status_of(project, line.key)
        if status in REJECTABLE:
            jira().transition(line.key, project.statuses.to_theirs(Status.CLOSED))
        _comment(line, stream, "Rejected")
    except NotFound:
        return False
    return status in (*REJECTABLE, Status.CLOSED)


def _comment(line: PlanLine, stream: str, what: str) -> None:
    person = policy().person(line.person)
    who = f"{person.name}: " if person else ""
    text = f"{what} (weekly review): {who}{line.why}."
    try:
        issues.comment.fn(line.key, text, f"{stream}:{line.key}:said", subject=stream)
    except NotFound:
        return


@task(task_run_name="plan of {version} as a table", **RETRY)
def table(stream: str, version: str, plan: ReleasePlan) -> Sequence[Mapping[str, object]]:
    """The plan in Prefect, one row per line; published once per content."""
    rows = [_row(line) for line in plan.lines]
    _publish(stream, version, rows)
    return rows


@task(task_run_name="plan of {scope.version} as a table, with its changes", **RETRY)
def changed_table(stream: str, plan: ReleasePlan | None, scope: Scope) -> Sequence[Mapping[str, object]]:
    """The table of `stream` with the present scope: what came and went since `plan` was closed says so."""
    waves = {key: number for number, wave in enumerate(scope.waves, 1) for key in wave}
    rows: list[Mapping[str, object]] = []
    for line in plan.lines if plan else ():
        row = {**_row(line), "wave": waves.get(line.key, "")}
        out = line.accepted and line.key not in waves
        rows.append({**row, "decision": "taken out"} if out else row)
    known = {line.key for line in plan.lines if line.accepted} if plan else set[str]()
    for line in scope.lines:
        if line.key not in known:
            rows = [row for row in rows if row["issue"] != line.key]
            row = {"issue": line.key, "title": line.title, "decision": "added", "wave": waves[line.key]}
            rows.append({**row, "score": "", "points": line.size, "why": "", "decided by": ""})
    _publish(stream, scope.version, rows)
    return rows


def _row(line: PlanLine) -> dict[str, object]:
    return {
        "issue": line.key,
        "title": line.title,
        "decision": line.decision.value,
        "wave": line.wave or "",
        "score": line.score.total,
        "points": line.size,
        "why": line.why,
        "decided by": line.person,
    }


def _publish(stream: str, version: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Publish the rows under the key of `stream`, unless they were published last."""
    shown, key = json.dumps(rows), f"{stream}:artifact"
    if flow_run.id is not None and ledger().projection(key) != shown:
        create_table_artifact([dict(row) for row in rows], artifact_key(stream), f"Plan of {version}")
        ledger().project(key, shown, datetime.now(UTC))


@task(task_run_name="release {version} starts", **RETRY)
def start_release(
    project_id: str, version: str, plan: ReleasePlan, stream: str, started_by: str, now: datetime
) -> events.Planned:
    """The release is planned, and its run is woken; a repeat finds it planned.

    Raises:
        Conflict: that version was planned by somebody else; a person has to say which plan counts.
    """
    project = policy().project(project_id)
    subject = release.release_id(project_id, version)
    planned = events.Planned(
        project=project_id,
        version=version,
        issues=plan.accepted,
        titles={line.key: line.title for line in plan.lines if line.accepted},
        base=project.main,
        plan_hash=planning.plan_hash(plan),
        started_by=started_by,
        review=stream,
        lines=scope.of_plan(plan).lines,
        capacity=plan.capacity,
    )
    appended = ledger().append(subject, new_events(subject, [planned]), now=now, wake=True)
    standing = events.parse(appended.events[0].data)
    if not isinstance(standing, events.Planned) or standing.review != stream:
        raise Conflict("plan", "start", subject, detail="another review has planned this version")
    return standing


def unclaimed(project_id: str, version: str, stream: str) -> None:
    """Return if no other review has planned this version.

    Raises:
        Conflict: one has.
    """
    subject = release.release_id(project_id, version)
    for event in ledger().events(subject)[:1]:
        if event.data.get("review") != stream:
            raise Conflict("plan", "write", subject, detail="this version is planned already")
