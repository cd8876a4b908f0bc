"""A project's commits: what is on a branch, whether a commit could be taken back, and a changelog of them."""

from __future__ import annotations

from integrations.errors import Refused
from integrations.gitlab.models import Commit
from integrations.gitlab.repository import full_sha
from integrations.gitlab.session import Session
from integrations.gitlab.wire import Text, Wire


class _DryRun(Wire):
    dry_run: Text = ""


class _Changelog(Wire):
    notes: Text = ""


class Commits:
    """`project_id` is GitLab's numeric id throughout."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def history(self, project_id: int, ref: str, beyond: str = "") -> tuple[Commit, ...]:
        """Every commit behind `ref` that the ref `beyond` does not have; no order is promised.

        Source: https://docs.gitlab.com/api/commits/#list-repository-commits
        """
        query = {"ref_name": f"{beyond}..{ref}" if beyond else ref}
        return tuple(
            self._session.rows(Commit, "commits", f"projects/{project_id}/repository/commits", query)
        )

    def reverts(self, project_id: int, sha: str, branch: str) -> bool:
        """Whether `sha` could be taken back on `branch` as it stands; nothing is written.

        False: later commits stand in the way, or nothing of it is left.

        Source: https://docs.gitlab.com/api/commits/#revert-a-commit
        """
        path = f"projects/{project_id}/repository/commits/{full_sha(sha)}/revert"
        try:
            self._session.post(_DryRun, "try a revert", path, {"branch": branch, "dry_run": True})
        except Refused as error:
            if error.status != 400:
                raise
            return False
        return True

    def changelog(self, project_id: int, version: str, from_ref: str, to_ref: str, trailer: str) -> str:
        """The section that GitLab would write of `version`, in Markdown: its commits that carry `trailer`.

        Source: https://docs.gitlab.com/api/repositories/#generate-changelog-data
        """
        path = f"projects/{project_id}/repository/changelog"
        query = {"version": version, "from": from_ref, "to": to_ref, "trailer": trailer}
        return self._session.get(_Changelog, "changelog", path, query).notes
