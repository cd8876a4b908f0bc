"""Whether what developers use is free of production: asked of GitLab's variables and the repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lifecycle import environments
from lifecycle.environments import Environment, Finding, Value
from lifecycle.policy import Project
from tasks import occupying
from tasks.context import gitlab


@dataclass(frozen=True)
class Standing:
    """One environment as it stands: what it serves, whose it is, and who keeps others away."""

    environment: Environment
    serves: str
    release: str
    lock: str


def check(project: Project) -> tuple[Finding, ...]:
    """What of production would reach an environment below staging. Reads only."""
    production = next(place for place in project.places if place.name == "production")
    values = [
        Value(v.key, v.value, v.environment_scope) for v in gitlab().environments.variables(project.gitlab)
    ]
    found: list[Finding] = []
    for place in project.places:
        if place.below_staging:
            found += environments.findings(place, production, values, _files(project, place))
    return tuple(found)


def _files(project: Project, place: Environment) -> dict[str, str]:
    """The environment's settings on the main branch, by path; what is not there sets nothing."""
    found: dict[str, str] = {}
    for path in place.settings_files(project.settings_file):
        content = gitlab().repository.file(project.gitlab, path, project.main)
        if content is not None:
            found[path] = content.decode(errors="replace")
    return found


def standing(project: Project, now: datetime) -> list[Standing]:
    """All environments of the project. Reads only."""
    rows: list[Standing] = []
    for place in project.places:
        state, _ = occupying.seen(project.id, place.name)
        lock = state.locked(now)
        rows.append(
            Standing(
                place,
                serves="" if "*" in place.name else occupying.serves(project.gitlab, place.name),
                release=occupying.had_by(place.name, state, now),
                lock=f"{lock.person}: {lock.reason}" if lock else "",
            )
        )
    return rows
