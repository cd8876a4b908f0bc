"""Cutting a candidate: when the issues are ready, or a person asks for one."""

from __future__ import annotations

from lifecycle.candidates import ready
from lifecycle.events import CandidateCut
from lifecycle.release import Phase, candidate_tag
from tasks import code, issues
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def cut(walk: ReleaseWalk) -> Wait | None:
    """Cut the next candidate once its issues are ready; a hotfix gets its branch at once."""
    release = walk.release
    due = walk.phase in (Phase.PLANNED, Phase.REWORK) or release.candidate_asked is not None
    if not due or walk.past_sign_off:
        return None
    hotfix = release.plan.release_kind == "hotfix"
    head = code.head(walk.project.gitlab, walk.branch)
    if hotfix and head is None:
        head = code.cut_branch(walk.project.gitlab, walk.branch, release.plan.base, subject=walk.subject)
    statuses = issues.statuses(walk.project, release.delivers)
    verdict = ready(release, statuses, head)
    if not verdict.allowed:
        name = "Awaiting rework" if walk.phase is Phase.REWORK else "Awaiting development"
        return Wait(name, walk.now + walk.policy.waits.poll, "; ".join(verdict.reasons))
    _cut_next(walk, head)
    return None


def _cut_next(walk: ReleaseWalk, head: str | None) -> None:
    number = walk.release.candidate.number + 1 if walk.release.candidate else 1
    tag = candidate_tag(walk.version, number)
    project = walk.project.gitlab
    sha = head or code.cut_branch(project, walk.branch, walk.release.plan.base, subject=walk.subject)
    code.cut_tag(project, tag, sha, f"Candidate {number} of {walk.version}", subject=walk.subject)
    since = code.production_tag(project)
    contents = code.contents(
        project,
        walk.project.jira,
        tag,
        sha,
        since and since[0],
        walk.release.delivers,
        walk.project.migrations,
    )
    walk.append(CandidateCut(number=number, tag=tag, sha=sha, branch=walk.branch, **dict(contents)))
