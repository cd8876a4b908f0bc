"""GitLab issues, where a team takes requests by that door too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.gitlab.models import Issue, Note
from integrations.gitlab.notes import write_note
from integrations.gitlab.session import Session


class Issues:
    """`project_id` is GitLab's numeric id, `iid` the number people see (`#7`)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(
        self,
        project_id: int,
        *,
        labels: Sequence[str] = (),
        state: str | None = None,
        updated_after: datetime | None = None,
    ) -> tuple[Issue, ...]:
        """Issues, oldest first; `state` is opened or closed, and every label must be there."""
        query = {
            "labels": ",".join(labels) or None,
            "state": state,
            "updated_after": updated_after,
            "order_by": "created_at",
            "sort": "asc",
        }
        return tuple(self._session.rows(Issue, "issues", f"projects/{project_id}/issues", query))

    def get(self, project_id: int, iid: int) -> Issue:
        """The issue."""
        return self._session.get(Issue, "issue", f"projects/{project_id}/issues/{iid}")

    def note(self, project_id: int, iid: int, body: str, op_key: str) -> Note:
        """Write `body` (Markdown) on the issue, once per `op_key`."""
        path = f"projects/{project_id}/issues/{iid}/notes"
        return write_note(self._session, path, body, op_key)
