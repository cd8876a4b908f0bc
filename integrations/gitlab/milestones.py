"""GitLab's milestones: what a version holds together there."""

from __future__ import annotations

from datetime import date

from integrations.errors import Conflict, Refused
from integrations.gitlab.models import Milestone
from integrations.gitlab.session import Session


class Milestones:
    """`project_id` is GitLab's numeric id; a milestone's natural key is its title."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, project_id: int, title: str) -> Milestone | None:
        """The project's milestone of exactly that title, or None."""
        rows = self._session.rows(
            Milestone, "milestone", f"projects/{project_id}/milestones", {"title": title}
        )
        return next((found for found in rows if found.title == title), None)

    def ensure(
        self,
        project_id: int,
        title: str,
        description: str,
        *,
        start: date | None = None,
        due: date | None = None,
    ) -> Milestone:
        """The milestone of that title, made if there is none; its description and dates are as given.

        A date that is None is left as it stands, and so is the state.

        Raises:
            Conflict: a group above has a milestone of that title, and GitLab allows no second one.

        Source: https://docs.gitlab.com/api/milestones/
        """
        path = f"projects/{project_id}/milestones"
        wanted = {"description": description}
        wanted |= {"start_date": start.isoformat()} if start else {}
        wanted |= {"due_date": due.isoformat()} if due else {}
        found = self.find(project_id, title)
        if found is None:
            try:
                made = self._session.post(Milestone, "create milestone", path, {"title": title, **wanted})
            except Refused as error:
                found = self.find(project_id, title) if error.status == 400 else None
                if found is None and "already being used" in error.detail:
                    raise Conflict("gitlab", "create milestone", title, 400, error.detail) from None
                if found is None:
                    raise
            else:
                return made.model_copy(update={"changed": True})
        if all(getattr(found, name) == value for name, value in wanted.items()):
            return found
        return self._put(project_id, found, wanted)

    def close(self, project_id: int, title: str) -> bool:
        """Close the milestone; False if there is none that is open."""
        found = self.find(project_id, title)
        if found is None or found.state == "closed":
            return False
        self._put(project_id, found, {"state_event": "close"})
        return True

    def reopen(self, project_id: int, title: str) -> bool:
        """Open the milestone again; False if there is none that is closed."""
        found = self.find(project_id, title)
        if found is None or found.state != "closed":
            return False
        self._put(project_id, found, {"state_event": "activate"})
        return True

    def _put(self, project_id: int, found: Milestone, values: dict[str, str]) -> Milestone:
        path = f"projects/{project_id}/milestones/{found.id}"
        changed = self._session.put(Milestone, "edit milestone", path, values)
        return changed.model_copy(update={"changed": True})
