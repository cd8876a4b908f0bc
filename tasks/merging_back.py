"""What went to production is merged back to the main branch, which keeps what was taken out of it."""

from __future__ import annotations

from typing import NamedTuple

from prefect import task

from integrations.errors import Conflict
from integrations.gitlab.models import MergeRequest
from tasks import code
from tasks.context import gitlab
from tasks.effects import RETRY
from tasks.removal_reading import REVERTS


class Back(NamedTuple):
    """The merge request ("" where there was nothing to bring back), and whether it is merged."""

    url: str
    merged: bool


@task(task_run_name="merge {source} back to {target}", **RETRY)
def merge_back(project_id: int, source: str, target: str, title: str, *, subject: str) -> Back:
    """Bring the release branch's own commits back by merge request; a repeat finds it.

    Merges that were taken out of the release stay on `target`: what is merged is a branch on which they are
    brought back. What git cannot merge stays open for a person; where it cannot bring them back either, as a
    draft, for merging it as it is would undo them on `target`.
    """
    kept = f"conveyor/back-{source.rpartition('/')[2]}"
    for branch in (source, kept):
        for request in gitlab().merge_requests.list(project_id, state="merged", source=branch, target=target):
            return Back(request.web_url, merged=True)
    commits = gitlab().repository.compare(project_id, target, source).commits
    if not commits:
        return Back("", merged=True)
    out = [each.sha for each in reversed(commits) if REVERTS in dict(each.trailers)]
    text = f"Made by the release {subject}."
    if out and not _brought_back(project_id, source, kept, out):
        title = f"Draft: {title}, by hand"
        text += f" As it is, it would undo on {target} what was taken out of the release."
        return Back(_open(project_id, source, target, title, text).web_url, merged=False)
    request = _open(project_id, kept if out else source, target, title, text)
    try:
        request = gitlab().merge_requests.merge(project_id, request.iid, request.sha or "")
    except Conflict:
        return Back(request.web_url, merged=False)
    return Back(request.web_url, merged=True)


def _open(project_id: int, source: str, target: str, title: str, text: str) -> MergeRequest:
    return gitlab().merge_requests.open(project_id, source, target, title, text)


def _brought_back(project_id: int, source: str, kept: str, out: list[str]) -> bool:
    """Make the branch `kept`: `source` with these merges reverted, the newest first. False: git conflicts."""
    repository = gitlab().repository
    if repository.branch(project_id, kept) is None:
        repository.create_branch(project_id, kept, code.require_branch(project_id, source))
    try:
        for sha in out:
            repository.revert(project_id, sha, kept, beyond=source)
    except Conflict:
        repository.delete_branch(project_id, kept)
        return False
    return True
