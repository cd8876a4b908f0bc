"""What would have to leave a release's branch together with one issue. Reads only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from integrations.gitlab import models
from lifecycle import removal as rules
from lifecycle.policy import Project
from lifecycle.release import Release, release_branch
from lifecycle.removal import Commit, Merge, Removal
from lifecycle.workflow import issue_keys
from tasks import code
from tasks.context import gitlab

REVERTS = "Conveyor-Reverts"
"""The trailer of a merge that takes issues out: what it reverts."""

_UNDONE = re.compile(rf"This reverts commit ([0-9a-f]{{40}})|^{REVERTS}: *(.+)$", re.MULTILINE)
_UNDONE_REQUEST = re.compile(r"This reverts merge request \S*?!(\d+)")


class Found(NamedTuple):
    """The set that leaves, and everything that stands on the branch, the oldest first."""

    removal: Removal
    merges: tuple[Merge, ...]


def find(project: Project, release: Release, issue: str) -> Found:
    """The set of `issue` on the release's branch since production; empty while there is no such branch."""
    branch = release_branch(release.plan.version)
    head = code.head(project.gitlab, branch)
    if head is None:
        return Found(rules.removal((), issue, release.scope.links), ())
    since = code.production_tag(project.gitlab)
    history = gitlab().commits.history(project.gitlab, head, since[1] if since else "")
    line = rules.standing(rules.arrivals(_commits(project, history), head))
    merges = tuple(Merge(commit=commit, files=_files(project.gitlab, commit)) for commit in line)
    return Found(rules.removal(merges, issue, release.scope.links), merges)


def _commits(project: Project, history: Sequence[models.Commit]) -> list[Commit]:
    """GitLab's commits as the rules know them: whose work each is, and what it takes back."""
    requests = gitlab().merge_requests.list(project.gitlab, state="merged")
    here = {each.sha for each in history}
    named = {
        sha: code.issues_of(each, project.jira) for each in requests for sha in _made(project, each, here)
    }
    merged = {str(each.iid): each.merge_commit_sha or each.squash_commit_sha or "" for each in requests}
    return [
        Commit(
            sha=each.sha,
            parents=each.parent_ids,
            title=each.title,
            issues=named[each.sha] if each.sha in named else issue_keys(each.message, project.jira),
            undoes=undone(each.message, merged),
        )
        for each in history
    ]


def _made(project: Project, request: models.MergeRequest, here: Collection[str]) -> tuple[str, ...]:
    """What the target branch got of a merge request: one commit, or its own where it was fast-forwarded."""
    made = tuple(sha for sha in (request.merge_commit_sha, request.squash_commit_sha) if sha)
    if made or request.sha not in here:
        return made
    return tuple(commit.sha for commit in gitlab().merge_requests.commits(project.gitlab, request.iid))


def undone(message: str, merged: Mapping[str, str]) -> tuple[str, ...]:
    """The commits that a commit of this message takes back; `merged` is what each merge request made."""
    listed = [found[1] or found[2] for found in _UNDONE.finditer(message)]
    requests = (merged.get(found[1], "") for found in _UNDONE_REQUEST.finditer(message))
    return tuple(sha for part in (*listed, *requests) for sha in part.split())


def _files(project_id: int, commit: Commit) -> tuple[str, ...]:
    return (
        _changed(project_id, commit.parents[0], commit.sha)
        if commit.parents
        else _all(project_id, commit.sha)
    )


@lru_cache(maxsize=5000)
def _changed(project_id: int, parent: str, sha: str) -> tuple[str, ...]:
    """What `sha` changed on its branch; it never changes, so that it is asked once."""
    files = gitlab().repository.compare(project_id, parent, sha).files
    return tuple(sorted({path for each in files for path in (each.new_path, each.old_path)}))


def _all(project_id: int, sha: str) -> tuple[str, ...]:
    return tuple(sorted(gitlab().repository.blobs(project_id, sha)))
