"""The plan of a release: proposed from all open requests, and written down once the review is closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from integrations.errors import Conflict, NotFound
from integrations.jira.models import Issue, as_object
from lifecycle import backlog, events, planning, release, requests, review
from lifecycle.planning import Decided, Decision, PlanLine, ReleasePlan
from lifecycle.policy import Project
from lifecycle.requests import Door
from lifecycle.review import Proposed
from lifecycle.scoring import Request, Weights
from lifecycle.workflow import REJECTABLE, Status
from tasks import issues
from tasks.backlog import open_jql, own_requests, state_of
from tasks.context import gitlab, jira, ledger, policy
from tasks.effects import RETRY
from tasks.timeline import artifact_key
from tasks.walk import new_events

ESTIMATE = "conveyor.estimate"
"""The issue's property with its estimate: `{"points": 3}`."""

PLACE = "conveyor.plan"
"""The issue's property with its place in the plan."""

NEEDS_INFO = "needs-info"
"""The label of a request with open questions."""

_FIELDS = ("summary", "created", "priority", "labels", "issuelinks", "reporter", "issuetype")


@task(task_run_name="propose a release from the open requests of {project_id}", **RETRY)
def propose(project_id: str, stream: str, now: datetime) -> Proposed:
    """What the review starts from: every open request read, scored and fitted in. Reads only."""
    project, rules = policy().project(project_id), policy().review
    found = list(_open_requests(project))
    plan = planning.propose(found, int(rules.capacity), now, Weights(), review.next_version(_taken(project)))
    kept = review.abridged(plan)
    known = {request.key: request for request in found}
    return Proposed(
        proposal=requests.opaque("proposal", stream),
        plan=kept,
        open=len(found),
        asked_by={line.key: _asked_by(known[line.key], project) for line in kept.lines},
        due=now + rules.due,
    )


def _taken(project: Project) -> Iterator[str]:
    """Every version that is out or on its way."""
    yield from (tag.name for tag in gitlab().repository.tags(project.gitlab))
    prefix = release.release_id(project.id, "")
    yield from (stream.removeprefix(prefix) for stream in ledger().subjects(prefix))


def _open_requests(project: Project) -> Iterator[Request]:
    found = {
        issue.key: issue for issue in jira().search(open_jql(project, "created ASC, key ASC"), fields=_FIELDS)
    }
    state = state_of(project.id)
    taken_in = {stream.partition(":")[2] for stream in ledger().subjects(requests.stream(f"{project.jira}-"))}
    finished = _Finished(project, found)
    for issue in found.values():
        yield _request(issue, state, finished, taken_in=issue.key in taken_in)


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


def _request(issue: Issue, state: backlog.Backlog, finished: _Finished, *, taken_in: bool) -> Request:
    own = own_requests(issue.key, state) if taken_in else {}
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
        complexity=_estimate(issue.key) if taken_in else None,
        blocks=tuple(link.key for link in links if link.direction == "outward"),
        blocked_by=tuple(x.key for x in links if x.direction == "inward" and not finished(x.key)),
        needs_info=NEEDS_INFO in issue.labels,
        priority=issue.priority,
    )


def _estimate(key: str) -> int | None:
    """What people estimated, in points; None for nothing or nonsense."""
    points = as_object(jira().property(key, ESTIMATE)).get("points")
    return points if isinstance(points, int) and not isinstance(points, bool) and points >= 1 else None


def _asked_by(request: Request, project: Project) -> str:
    own = own_requests(request.key, state_of(project.id))
    names = [who.name for who in backlog.requesters(request.key, state_of(project.id), own) if who.name]
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
    rows: list[Mapping[str, object]] = [
        {
            "issue": line.key,
            "title": line.title,
            "decision": line.decision.value,
            "wave": line.wave or "",
            "score": line.score.total,
            "points": line.size,
            "why": line.why,
            "decided by": line.person,
        }
        for line in plan.lines
    ]
    shown, key = plan.model_dump_json(), f"{stream}:artifact"
    if flow_run.id is not None and ledger().projection(key) != shown:
        create_table_artifact([dict(row) for row in rows], artifact_key(stream), f"Plan of {version}")
        ledger().project(key, shown, datetime.now(UTC))
    return rows


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
