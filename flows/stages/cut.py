"""Cutting a candidate: when the policy says so, or a person asks for one."""

from __future__ import annotations

from lifecycle.candidates import may_be_due, ready, unfinished
from lifecycle.events import CandidateCut
from lifecycle.release import Phase, candidate_tag
from tasks import code, issues
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def cut(walk: ReleaseWalk) -> Wait | None:
    """Cut the next candidate once it is due; a hotfix gets its branch at once."""
    release = walk.release
    if not may_be_due(release) or walk.past_sign_off:
        return None
    if release.plan.release_kind == "hotfix" and code.head(walk.project.gitlab, walk.branch) is None:
        code.cut_branch(walk.project.gitlab, walk.branch, release.plan.base, subject=walk.subject)
    statuses = issues.statuses(walk.project, release.delivers)
    lacking = unfinished(release, statuses)
    branch = _branch(walk, lacking)
    head = code.head(walk.project.gitlab, branch)
    rules = walk.policy.candidates_of(walk.project)
    verdict = ready(release, statuses, head, rules, walk.cut_at, walk.now)
    if verdict.allowed:
        _cut_next(walk, branch, lacking)
    elif walk.phase in (Phase.PLANNED, Phase.REWORK):
        name = "Awaiting rework" if walk.phase is Phase.REWORK else "Awaiting development"
        return Wait(name, walk.now + walk.policy.waits.poll, "; ".join(verdict.reasons))
    return None


def _branch(walk: ReleaseWalk, lacking: tuple[str, ...]) -> str:
    """What the next candidate is cut from: what the release is planned on, until all issues are finished.

    So what is merged later is in the next candidate by itself (docs/decisions/0012-early-candidates.md).
    """
    release = walk.release
    early = release.candidate is None or release.candidate.branch == release.plan.base
    if early and code.head(walk.project.gitlab, walk.branch) is None and (lacking or release.candidate):
        return release.plan.base
    return walk.branch


def _cut_next(walk: ReleaseWalk, branch: str, lacking: tuple[str, ...]) -> None:
    number = walk.release.candidate.number + 1 if walk.release.candidate else 1
    tag = candidate_tag(walk.version, number)
    project, base = walk.project.gitlab, walk.release.plan.base
    if not lacking:
        branch = walk.branch
        sha = code.head(project, branch) or code.cut_branch(project, branch, base, subject=walk.subject)
    else:
        sha = code.require_branch(project, branch)
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
    walk.append(
        CandidateCut(number=number, tag=tag, sha=sha, branch=branch, unfinished=lacking, **dict(contents))
    )
