"""The repository of a project: branches, tags, commits, files, and the releases that hang on tags.

What is asked for by name and commit is made only if it is missing. There already at that commit is
success (`changed` is False); at another commit it is a `Conflict`, and a person has to look.
"""

from __future__ import annotations

import base64
import re
from typing import TypeVar

from integrations.errors import Conflict, NotFound, Refused, Transient
from integrations.gitlab.models import (
    Branch,
    Commit,
    Comparison,
    File,
    MergeRequest,
    Release,
    ReleaseLink,
    Tag,
    TreeEntry,
)
from integrations.gitlab.session import Session, segment

N = TypeVar("N", Branch, Tag)


def full_sha(sha: str) -> str:
    """`sha` itself; ValueError unless it is a whole one, for a short one and a branch's name move."""
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", sha):
        raise ValueError(f"not a whole commit sha: {sha!r}")
    return sha


class Repository:
    """`project_id` is GitLab's numeric id throughout."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def branch(self, project_id: int, name: str) -> Branch | None:
        """The branch, or None."""
        path = f"projects/{project_id}/repository/branches/{segment(name)}"
        return self._session.find(Branch, "branch", path)

    def create_branch(self, project_id: int, name: str, ref_sha: str) -> Branch:
        """Make branch `name` at commit `ref_sha`.

        Raises:
            Conflict: it exists at another commit.

        Source: https://docs.gitlab.com/api/branches/#create-repository-branch
        """
        path = f"projects/{project_id}/repository/branches"
        body = {"branch": name, "ref": full_sha(ref_sha)}
        return self._ensure(Branch, "create branch", path, name, ref_sha, body)

    def delete_branch(self, project_id: int, name: str) -> bool:
        """Delete the branch; False if there was none."""
        path = f"projects/{project_id}/repository/branches/{segment(name)}"
        try:
            self._session.delete("delete branch", path)
        except NotFound:
            return False
        return True

    def tag(self, project_id: int, name: str) -> Tag | None:
        """The tag, or None."""
        path = f"projects/{project_id}/repository/tags/{segment(name)}"
        return self._session.find(Tag, "tag", path)

    def tags(self, project_id: int, search: str | None = None) -> tuple[Tag, ...]:
        """All tags, newest first; `search` is GitLab's (`^1.4.0` begins so, `0$` ends so)."""
        path = f"projects/{project_id}/repository/tags"
        return tuple(self._session.rows(Tag, "tags", path, {"search": search}))

    def create_tag(self, project_id: int, name: str, sha: str, message: str) -> Tag:
        """Make the annotated tag `name` on commit `sha`.

        Raises:
            Conflict: it exists on another commit.

        Source: https://docs.gitlab.com/api/tags/#create-a-new-tag
        """
        path = f"projects/{project_id}/repository/tags"
        body = {"tag_name": name, "ref": full_sha(sha), "message": message}
        return self._ensure(Tag, "create tag", path, name, sha, body)

    def commit(self, project_id: int, ref: str) -> Commit:
        """The commit that `ref` (a sha, branch or tag) names now."""
        path = f"projects/{project_id}/repository/commits/{segment(ref)}"
        return self._session.get(Commit, "commit", path)

    def compare(self, project_id: int, from_ref: str, to_ref: str) -> Comparison:
        """What `to_ref` has since it and `from_ref` parted: commits oldest first, files with both paths.

        Raises:
            Transient: GitLab gave up half way; what it had is not handed on.
        """
        path = f"projects/{project_id}/repository/compare"
        found = self._session.get(Comparison, "compare", path, {"from": from_ref, "to": to_ref})
        if found.timed_out:
            raise Transient("gitlab", "compare", path, 200, "GitLab ran out of time")
        return found

    def blobs(self, project_id: int, ref: str) -> dict[str, str]:
        """Path -> blob id of every file at `ref`; equal ids are equal contents."""
        path = f"projects/{project_id}/repository/tree"
        entries = self._session.rows(TreeEntry, "blobs", path, {"ref": ref, "recursive": True})
        return {entry.path: entry.id for entry in entries if entry.type == "blob"}

    def file(self, project_id: int, path: str, ref: str) -> bytes | None:
        """The file's content at `ref`, or None if it is not there."""
        where = f"projects/{project_id}/repository/files/{segment(path)}"
        found = self._session.find(File, "file", where, {"ref": ref})
        if found is None:
            return None
        return base64.b64decode(found.content) if found.encoding == "base64" else found.content.encode()

    def revert(self, project_id: int, sha: str, branch: str, *, beyond: str = "") -> Commit:
        """Put a commit on `branch` that takes `sha` back; if one is there already, that one.

        With `beyond` (a ref) only a revert that it does not have counts as there: `sha` may have been
        reverted and brought back earlier.

        Raises:
            Conflict: later commits stand in the way; a person has to revert it.

        Source: https://docs.gitlab.com/api/commits/#revert-a-commit
        """
        path = f"projects/{project_id}/repository/commits/{full_sha(sha)}/revert"
        if found := self._reverting(project_id, sha, f"{beyond}..{branch}" if beyond else branch):
            return found
        try:
            commit = self._session.post(Commit, "revert", path, {"branch": branch})
        except Refused as error:
            if error.status != 400:
                raise
            raise Conflict("gitlab", "revert", path, 400, error.detail) from None
        return commit.model_copy(update={"changed": True})

    def merge_requests_of(self, project_id: int, sha: str) -> tuple[MergeRequest, ...]:
        """The merge requests that brought commit `sha`."""
        path = f"projects/{project_id}/repository/commits/{segment(sha)}/merge_requests"
        return tuple(self._session.rows(MergeRequest, "merge requests of", path))

    def release(self, project_id: int, tag: str) -> Release | None:
        """The release on `tag`, or None."""
        path = f"projects/{project_id}/releases/{segment(tag)}"
        return self._session.find(Release, "release", path)

    def releases(self, project_id: int) -> tuple[Release, ...]:
        """All releases, the newest first."""
        return tuple(self._session.rows(Release, "releases", f"projects/{project_id}/releases"))

    def link_release(self, project_id: int, tag: str, name: str, url: str) -> ReleaseLink:
        """Put a link among the assets of the release on `tag`; one of that name is left as it is.

        Source: https://docs.gitlab.com/api/releases/links/#create-a-release-link
        """
        path = f"projects/{project_id}/releases/{segment(tag)}/assets/links"
        release = self.release(project_id, tag)
        if found := next((each for each in release.links if each.name == name), None) if release else None:
            return found
        made = self._session.post(ReleaseLink, "link release", path, {"name": name, "url": url})
        return made.model_copy(update={"changed": True})

    def create_release(self, project_id: int, tag: str, name: str, notes: str) -> Release:
        """Make the release on `tag`, which must exist; one that is there is left as it is.

        Raises:
            Conflict: there is no such tag (GitLab would make one, wherever the branch stands).

        Source: https://docs.gitlab.com/api/releases/#create-a-release
        """
        path = f"projects/{project_id}/releases"
        if found := self.release(project_id, tag):
            return found
        if self.tag(project_id, tag) is None:
            raise Conflict("gitlab", "create release", path, None, f"no tag {tag}")
        try:
            body = {"tag_name": tag, "name": name, "description": notes}
            made = self._session.post(Release, "create release", path, body)
        except Conflict:
            if found := self.release(project_id, tag):
                return found
            raise
        return made.model_copy(update={"changed": True})

    def _reverting(self, project_id: int, sha: str, branch: str) -> Commit | None:
        """The commit on `branch` whose message says, as GitLab's does, that it reverts `sha`."""
        reverted = self.commit(project_id, sha)
        iids = [str(each.iid) for each in self.merge_requests_of(project_id, sha)]
        by_request = rf"|merge request \S*!({'|'.join(iids)})\b" if iids else ""
        says = re.compile(rf"This reverts (commit {sha}{by_request})")
        path = f"projects/{project_id}/repository/commits"
        query = {"ref_name": branch, "since": reverted.committed_at}
        later = self._session.rows(Commit, "commits", path, query)
        return next((commit for commit in later if says.search(commit.message)), None)

    def _ensure(
        self, model: type[N], operation: str, path: str, name: str, sha: str, body: dict[str, str]
    ) -> N:
        """Look, make, and look again where GitLab says that somebody was quicker (409, before 400)."""
        one = f"{path}/{segment(name)}"
        if found := self._session.find(model, operation, one):
            return _at(found, sha, operation, one)
        try:
            made = self._session.post(model, operation, path, body)
        except (Conflict, Refused):
            if found := self._session.find(model, operation, one):
                return _at(found, sha, operation, one)
            raise
        return _at(made, sha, operation, one).model_copy(update={"changed": True})


def _at(found: N, sha: str, operation: str, path: str) -> N:
    if found.sha != sha:
        raise Conflict("gitlab", operation, path, None, f"stands at {found.sha}, not at {sha}")
    return found
