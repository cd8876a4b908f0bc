"""Merge requests: find, open, merge at a known commit, and say something on them once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.errors import Conflict, Refused, Transient
from integrations.gitlab.models import ChangedFile, Commit, MergeRequest, Note, Reviewer
from integrations.gitlab.notes import write_note
from integrations.gitlab.repository import full_sha
from integrations.gitlab.session import Session

# Source: https://docs.gitlab.com/api/merge_requests/#merge-status
_NOT_KNOWN_YET = frozenset({"unchecked", "checking", "preparing", "approvals_syncing"})


class MergeRequests:
    """`project_id` is GitLab's numeric id, `iid` the number people see (`!7`)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(
        self,
        project_id: int,
        *,
        state: str | None = None,
        target: str | None = None,
        source: str | None = None,
        updated_after: datetime | None = None,
        labels: Sequence[str] = (),
    ) -> tuple[MergeRequest, ...]:
        """Merge requests, oldest first; every condition given must hold, every label be there.

        `state` is opened, closed, locked or merged; `target` and `source` are branches.
        """
        query = {
            "state": state,
            "target_branch": target,
            "source_branch": source,
            "updated_after": updated_after,
            "labels": ",".join(labels) or None,
            # New ones come last: a list that grows while it is read loses nothing.
            "order_by": "created_at",
            "sort": "asc",
        }
        path = f"projects/{project_id}/merge_requests"
        return tuple(self._session.rows(MergeRequest, "merge requests", path, query))

    def get(self, project_id: int, iid: int) -> MergeRequest:
        """The merge request, with its head pipeline."""
        return self._session.get(MergeRequest, "merge request", _path(project_id, iid))

    def open(self, project_id: int, source: str, target: str, title: str, description: str) -> MergeRequest:
        """Open a merge request from branch `source` into `target`, unless one of the pair is open.

        Raises:
            Refused: a branch is missing, or there is nothing to merge.

        Source: https://docs.gitlab.com/api/merge_requests/#create-mr
        """
        if found := self._open_one(project_id, source, target):
            return found
        body = {
            "source_branch": source,
            "target_branch": target,
            "title": title,
            "description": description,
        }
        path = f"projects/{project_id}/merge_requests"
        try:
            made = self._session.post(MergeRequest, "open merge request", path, body)
        except Conflict:
            if found := self._open_one(project_id, source, target):
                return found
            raise
        return made.model_copy(update={"changed": True})

    def merge(self, project_id: int, iid: int, sha: str, message: str = "") -> MergeRequest:
        """Merge, if the source branch's head is still `sha`; merged already at that head is success.

        `message` is the merge commit's, GitLab's own if it is empty.

        GitLab may answer before it is done: look at `state`, and read again while it is `locked`.

        Raises:
            Conflict: the head is another commit, or it cannot be merged as it stands.
            Transient: GitLab is still finding out whether it can be merged, or merging it.

        Source: https://docs.gitlab.com/api/merge_requests/#merge-a-merge-request
        """
        path = f"{_path(project_id, iid)}/merge"
        before = self.get(project_id, iid)
        if before.state == "merged":
            return _merged_at(before, full_sha(sha), path)
        body = {"sha": full_sha(sha), **({"merge_commit_message": message} if message else {})}
        try:
            merged = self._session.put(MergeRequest, "merge", path, body)
        except (Conflict, Refused) as error:
            # 405 comes for a merged one too; 406 and 422 are other versions' "cannot be merged".
            if error.status not in (405, 406, 409, 422):
                raise
            now = self.get(project_id, iid)
            if now.state == "merged":
                return _merged_at(now, sha, path)
            why = f"{now.state}, {now.detailed_merge_status}, head {now.sha}"
            busy = now.state == "locked" or now.detailed_merge_status in _NOT_KNOWN_YET
            kind = Transient if busy and now.sha == sha else Conflict
            raise kind("gitlab", "merge", path, error.status, why) from None
        return merged.model_copy(update={"changed": True})

    def files(self, project_id: int, iid: int) -> tuple[str, ...]:
        """Every path that the merge request touches, sorted; of a renamed file both."""
        rows = self._session.rows(ChangedFile, "merge request files", f"{_path(project_id, iid)}/diffs")
        return tuple(sorted({path for row in rows for path in (row.old_path, row.new_path)}))

    def commits(self, project_id: int, iid: int) -> tuple[Commit, ...]:
        """The merge request's commits, newest first."""
        path = f"{_path(project_id, iid)}/commits"
        return tuple(self._session.rows(Commit, "merge request commits", path))

    def reviewers(self, project_id: int, iid: int) -> tuple[Reviewer, ...]:
        """Who reviews the merge request, and what they made of it.

        Source: https://docs.gitlab.com/api/merge_requests/#get-single-merge-request-reviewers
        """
        path = f"{_path(project_id, iid)}/reviewers"
        # This list has no pages.
        return tuple(self._session.rows(Reviewer, "reviewers", path, {"per_page": None}))

    def note(self, project_id: int, iid: int, body: str, op_key: str) -> Note:
        """Write `body` (Markdown) on the merge request, once per `op_key`."""
        return write_note(self._session, f"{_path(project_id, iid)}/notes", body, op_key)

    def _open_one(self, project_id: int, source: str, target: str) -> MergeRequest | None:
        """Compared here as well: a fork's branch may have the same name, and GitLab ignores what it
        does not know in a query."""
        pair = (source, target, "opened")
        for found in self.list(project_id, state="opened", source=source, target=target):
            own = found.source_project_id in (None, project_id)
            if own and (found.source_branch, found.target_branch, found.state) == pair:
                return found
        return None


def _path(project_id: int, iid: int) -> str:
    return f"projects/{project_id}/merge_requests/{iid}"


def _merged_at(found: MergeRequest, sha: str, path: str) -> MergeRequest:
    if found.sha != sha:
        raise Conflict("gitlab", "merge", path, None, f"was merged at {found.sha}, not at {sha}")
    return found
