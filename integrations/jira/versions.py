"""Versions of a project, and which issues are fixed in them."""

from __future__ import annotations

from datetime import date

from integrations.errors import NotFound, Refused
from integrations.jira.models import Json, Version, as_list, version_from
from integrations.jira.session import Port, segment


class Versions(Port):
    """The part of `JiraClient` that plans and releases versions; needs "Administer projects" in Jira."""

    def versions(self, project_key: str) -> tuple[Version, ...]:
        """Every version of a project."""
        answer = self._jira.call("versions", project_key, "GET", f"project/{segment(project_key)}/versions")
        return tuple(map(version_from, as_list(answer)))

    def ensure_version(self, project_key: str, name: str, description: str = "") -> Version:
        """The project's version of exactly that name, made if there is none; an old description stays."""
        found = self._find_version(project_key, name)
        if found is not None:
            return found
        body = {"name": name, "description": description, "project": project_key}
        try:
            return version_from(self._jira.call("ensure version", name, "POST", "version", json=body))
        except Refused as error:  # perhaps somebody made it meanwhile
            found = self._find_version(project_key, name) if error.status == 400 else None
            if found is None:
                raise
            return found

    def release_version(self, project_key: str, name: str, on: date) -> bool:
        """Mark a version released on that day; False if it already was, on that day."""
        version = self._version(project_key, name)
        if version.released and version.release_date == on.isoformat():
            return False
        self._edit_version(version, {"released": True, "releaseDate": on.isoformat()})
        return True

    def unrelease_version(self, project_key: str, name: str) -> bool:
        """Take the release of a version back; False if it was not released. The date stays, as in Jira."""
        version = self._version(project_key, name)
        if not version.released:
            return False
        self._edit_version(version, {"released": False})
        return True

    def _edit_version(self, version: Version, values: Json) -> None:
        self._jira.call("release version", version.name, "PUT", f"version/{version.id}", json=values)

    def _version(self, project_key: str, name: str) -> Version:
        found = self._find_version(project_key, name)
        if found is None:
            raise NotFound("jira", "version", f"{project_key} {name}")
        return found

    def _find_version(self, project_key: str, name: str) -> Version | None:
        return next((version for version in self.versions(project_key) if version.name == name), None)
