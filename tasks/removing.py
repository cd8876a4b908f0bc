"""Taking an issue out of a release: shown, asked of the review's roles, then done as one merge request.

All reverts are made on a branch of their own, which is then merged: the release branch gets all of them or
none. Names and texts there do not name the issues, for a merge request that does is work on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prefect import task

from integrations.errors import Conflict
from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import removal, scope_changes
from lifecycle.policy import Project
from lifecycle.release import Door, Release, release_branch
from lifecycle.removal import Removal, Reverted
from lifecycle.requests import opaque
from lifecycle.workflow import RETURNS, Status
from tasks import code, folding, issues
from tasks.context import gitlab, jira, ledger, policy
from tasks.decisions import Outcome
from tasks.effects import RETRY, once
from tasks.effects import Outcome as Effect
from tasks.removal_reading import REVERTS, Found, find
from tasks.scope_decisions import ask_change


@dataclass(frozen=True)
class Preview:
    """What would leave, in words; `why_not` says why it cannot ("" if it can)."""

    removal: Removal
    lines: tuple[str, ...]
    why_not: str


class _Stays(Conflict):
    """The merges cannot be taken out; nothing was changed. `detail` is for people."""


def preview(stream: str, issue: str) -> Preview | None:
    """What leaves with `issue`, tried on a branch that is deleted again; None if there is no such release."""
    release = folding.release_of(stream)
    if release is None:
        return None
    project, key = policy().project(release.plan.project), issue.strip().upper()
    found = find(project, release, key)
    verdict = scope_changes.may_ask(release, (), _leaving(release, found), found.removal.told)
    why_not = "; ".join(verdict.reasons) or _tried(project, release, found)
    return Preview(found.removal, lines(found.removal), why_not)


def ask(
    stream: str, issue: str, why: str, person_id: str, door: Door = "cli", now: datetime | None = None
) -> Outcome:
    """Ask the review's roles to take `issue` out, with all that depends on it; see `ask_change`.

    Raises:
        Transient: Jira, GitLab or the ledger did not answer; call again.
    """
    release = folding.release_of(stream)
    if release is None:
        return Outcome(accepted=False, message="There is no such release.")
    project, key = policy().project(release.plan.project), issue.strip().upper()
    standing = release.scope_change
    if standing is not None and standing.remove[:1] == (key,):
        return ask_change(stream, (), standing.remove, why, person_id, door, now)
    found = find(project, release, key)
    if stuck := _tried(project, release, found):
        return Outcome(accepted=False, message=f"Not asked: {stuck}.", subject=stream)
    leaving = _leaving(release, found)
    return ask_change(stream, (), leaving, why, person_id, door, now, removal=found.removal)


def of_question(request: str) -> tuple[str, str]:
    """The release and the issue that the sign-off `request` is about; empty if it is about no issue."""
    question = ledger().event_by_key(f"SignOffAsked:{request}")
    return (question.subject, str(question.data["issue"] or "")) if question else ("", "")


def reason_of(request: str) -> str:
    """Why what `request` asked about was returned, "" if nobody did."""
    returned = ledger().event_by_key(f"Returned:{request}")
    return str(returned.data["reason"]) if returned else ""


def lines(found: Removal) -> tuple[str, ...]:
    """The set in words: what leaves with it and why, and what is reverted, the newest first."""
    return (*found.dependents, *(told(each) for each in found.told))


def told(reverted: Reverted) -> str:
    """One merge that is reverted."""
    return f"revert {reverted.sha[:8]} {reverted.title} ({', '.join(reverted.issues)})"


def _leaving(release: Release, found: Found) -> tuple[str, ...]:
    """The issue that was asked for, and those of the plan that leave with it."""
    first, *others = found.removal.issues
    return (first, *(key for key in others if key in release.delivers))


def _tried(project: Project, release: Release, found: Found) -> str:
    """Why git refuses these reverts, "" if it does not.

    One alone is asked of GitLab as a dry run. Several build on each other: they are made on a branch, which
    is deleted.
    """
    branch, reverts = release_branch(release.plan.version), found.removal.told
    if not reverts:
        return ""
    if len(reverts) == 1:
        free = gitlab().commits.reverts(project.gitlab, reverts[0].sha, branch)
        return "" if free else _stuck(found, reverts[0])
    head = code.require_branch(project.gitlab, branch)
    name = f"conveyor/try-{opaque('try', head, *(each.sha for each in reverts))}"
    gitlab().repository.delete_branch(project.gitlab, name)  # a try that was cut short left it
    gitlab().repository.create_branch(project.gitlab, name, head)
    try:
        _revert(project, found, branch, name)
    except _Stays as stays:
        return stays.detail
    finally:
        gitlab().repository.delete_branch(project.gitlab, name)
    return ""


def _revert(project: Project, found: Found, branch: str, name: str) -> None:
    """Revert the set on branch `name`; what is reverted there already is not again."""
    for each in found.removal.told:
        try:
            gitlab().repository.revert(project.gitlab, each.sha, name, beyond=branch)
        except Conflict:
            raise _Stays("gitlab", "revert", each.sha, 400, _stuck(found, each)) from None


def _stuck(found: Found, each: Reverted) -> str:
    """Which merge git does not revert, and what of the files that it changed was changed since."""
    shas = [one.sha for one in found.removal.told]
    mine = {path for merge in found.merges if merge.commit.sha == each.sha for path in merge.files}
    ways = removal.in_the_way(found.merges, each.sha, shas)
    later = [
        f"{', '.join(sorted(mine & set(way.files)))} changed since by {way.commit.sha[:8]} {way.commit.title}"
        for way in ways
    ]
    why = "; ".join(later) or f"it changed {', '.join(sorted(mine))}"
    return f"git conflicts: {told(each)}; {why}"


@task(task_run_name="take merges out of {subject}", **RETRY)
def take_out(subject: str, request: str) -> str:
    """Revert what the change `request` names, all in one merge request; why it cannot be, "" once done.

    A repeat goes on where it was: the branch, each revert and the merge request are found again.
    What stands on the branch must still be what was approved.
    """
    release = folding.release_of(subject)
    asked = next((a for a in release.scope_asked if a.request == request), None) if release else None
    if release is None or asked is None:
        return "nobody asked for this"
    project = policy().project(release.plan.project)
    name = f"conveyor/{release.plan.version}-without-{request}"
    branch = release_branch(release.plan.version)

    def look(_: datetime) -> Effect | None:
        merged = gitlab().merge_requests.list(project.gitlab, state="merged", source=name, target=branch)
        return next(({"sha": m.merge_commit_sha or m.sha or "", "url": m.web_url} for m in merged), None)

    try:
        once(
            key_of(subject, request),
            subject=subject,
            kind="removal",
            request={"branch": branch, "reverts": [each.sha for each in asked.reverts]},
            look=look,
            act=lambda: _act(project, release, asked, name),
        )
        why_not = ""
    except _Stays as stays:
        why_not = stays.detail
    gitlab().repository.delete_branch(project.gitlab, name)
    return why_not


def key_of(subject: str, request: str) -> str:
    """The op key under which the merges of that change of scope are taken out."""
    return f"{subject}:without:{request}"


def _act(project: Project, release: Release, asked: e.ScopeChangeAsked, name: str) -> Effect:
    found = find(project, release, asked.remove[0])
    if found.removal.told != asked.reverts or _leaving(release, found) != asked.remove:
        why = "the branch holds something else by now than what was approved; ask again"
        raise _Stays("gitlab", "revert", name, None, why)
    branch = release_branch(release.plan.version)
    repository, requests = gitlab().repository, gitlab().merge_requests
    if repository.branch(project.gitlab, name) is None:
        repository.create_branch(project.gitlab, name, code.require_branch(project.gitlab, branch))
    _revert(project, found, branch, name)
    subject = rules.release_id(project.id, release.plan.version)
    title = f"Take merges out of {release.plan.version}"
    opened = requests.open(project.gitlab, name, branch, title, f"Made by the release {subject}.")
    trailers = f"{REVERTS}: {' '.join(each.sha for each in asked.reverts)}"
    message = f"Take {', '.join(asked.remove)} out of {release.plan.version}\n\n{asked.why}\n\n{trailers}\n"
    message += f"Conveyor-Op: {key_of(subject, asked.request)}\n"
    head = code.require_branch(project.gitlab, name)
    merged = requests.merge(project.gitlab, opened.iid, head, message)
    return {"sha": merged.merge_commit_sha or head, "url": merged.web_url}


def concluded(subject: str, release: Release, changed: e.ScopeChanged) -> e.ReleaseEvent:
    """What follows once all have approved the change: it, after its merges are out; or that they stay."""
    asked = release.scope_change
    why_not = take_out(subject, asked.request) if asked is not None and asked.reverts else ""
    if not why_not:
        return changed
    return e.ScopeChangeRefused(request=changed.request, person=None, reason=why_not, door="flow")


@task(task_run_name="tell {key} that it left {version}", **RETRY)
def put_back(project_id: str, key: str, version: str, why: str, op_key: str, *, subject: str) -> None:
    """Say on the issue that its change left the release; from QA or review it goes back into development."""
    project = policy().project(project_id)
    if (issues.status_of(project, key), Status.IN_PROGRESS) in RETURNS:
        jira().transition(key, project.statuses.to_theirs(Status.IN_PROGRESS))
    text = f"Taken out of {version}: {why}. {project.main} still has its change."
    issues.comment.fn(key, text, op_key, subject=subject)
