"""GitLab's wiki: pages that Conveyor keeps."""

from __future__ import annotations

from integrations.errors import Refused
from integrations.gitlab.models import WikiPage
from integrations.gitlab.session import Session, segment


def slug_of(title: str) -> str:
    """The slug that GitLab makes of a title without `/`: what a page is found and linked by."""
    return title.replace(" ", "-")


class Wikis:
    """`project_id` is GitLab's numeric id. A page is found by the slug of its title."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, project_id: int, title: str) -> WikiPage | None:
        """The page, or None."""
        path = f"projects/{project_id}/wikis/{segment(slug_of(title))}"
        return self._session.find(WikiPage, "wiki page", path)

    def ensure(self, project_id: int, title: str, content: str) -> WikiPage:
        """The page of that title with exactly that content (Markdown); nothing is sent if it has it.

        Raises:
            NotFound, Refused: the project has no wiki, or this token may not write to it.

        Source: https://docs.gitlab.com/api/wikis/
        """
        found = self.find(project_id, title)
        if found is None:
            body = {"title": title, "content": content, "format": "markdown"}
            try:
                made = self._session.post(WikiPage, "create wiki page", f"projects/{project_id}/wikis", body)
            except Refused as error:
                found = self.find(project_id, title) if error.status in (400, 422) else None
                if found is None:
                    raise
            else:
                return made.model_copy(update={"changed": True})
        # GitLab drops white space at the end of a page.
        if found.content.rstrip() == content.rstrip():
            return found
        path = f"projects/{project_id}/wikis/{segment(found.slug)}"
        body = {"title": title, "content": content, "format": "markdown"}
        changed = self._session.put(WikiPage, "edit wiki page", path, body)
        return changed.model_copy(update={"changed": True})
