"""Whether what developers use is free of production: asked of GitLab's variables and the repository."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect import task

from integrations.errors import Refused
from lifecycle import environments
from lifecycle.environments import Environment, Finding, Value
from lifecycle.policy import Project
from tasks import occupying, posts, release_messages
from tasks.context import gitlab, policy
from tasks.effects import RETRY
from tasks.reconciling import Difference


@dataclass(frozen=True)
class Standing:
    """One environment as it stands: what it serves, whose it is, and who keeps others away."""

    environment: Environment
    serves: str
    release: str
    lock: str


def check(project: Project) -> tuple[Finding, ...]:
    """What of production would reach an environment below staging. Reads only."""
    if not any(place.below_staging for place in project.places):
        return ()
    production = next(place for place in project.places if place.name == "production")
    values = [
        Value(v.key, v.value, v.environment_scope) for v in gitlab().environments.variables(project.gitlab)
    ]
    found: list[Finding] = []
    for place in project.places:
        if place.below_staging:
            found += environments.findings(place, production, values, _files(project, place))
    return tuple(found)


def find() -> list[Difference]:
    """Projects whose environments below staging reach production, and of which that was not told yet.

    Where GitLab does not let us read the variables nothing is found: `conveyor env check` says so.
    """
    differences: list[Difference] = []
    for project in policy().projects:
        found = _readable(project)
        if found and posts.posted(_key(project, found)) is None:
            text = f"environments of {project.id}: {len(found)} places below staging reach production"
            differences.append(Difference(project.id, text, "apart"))
    return differences


@task(task_run_name="tell what of {project_id} reaches production", **RETRY)
def tell(project_id: str) -> None:
    """Tell the channel what must not be below staging, the same only once. Values are never told."""
    project = policy().project(project_id)
    found = _readable(project)
    if not found:
        return
    headline = f"{project.name}: environments below staging reach production"
    lines = [f"{each.environment}: {each.where} has {each.problem}" for each in found]
    content = release_messages.news("⛔", headline, [*lines, "`conveyor env check` looks again."])
    posts.post.fn(headline, project.channel, content, _key(project, found), subject=f"project:{project.id}")


def _readable(project: Project) -> tuple[Finding, ...]:
    try:
        return check(project)
    except Refused:
        return ()


def _key(project: Project, found: Sequence[Finding]) -> str:
    told = hashlib.sha256(repr(sorted(found)).encode()).hexdigest()[:16]
    return f"project:{project.id}:apart:{told}"


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
