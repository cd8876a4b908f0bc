"""Release notes, by issue and in the requesters' words."""

from __future__ import annotations

from prefect import task

from lifecycle.release import Release
from tasks.context import gitlab
from tasks.effects import RETRY


def of(release: Release) -> str:
    """One line per issue of the release, as its title says it."""
    titles = release.plan.titles
    return "\n".join(f"• {key} {titles.get(key, '')}".rstrip() for key in release.delivers)


@task(task_run_name="GitLab release {version}", **RETRY)
def publish(project_id: int, version: str, notes: str, *, subject: str) -> str:  # noqa: ARG001
    """Make the GitLab release on the final tag; a repeat finds it by its tag."""
    existing = gitlab().repository.release(project_id, version)
    if existing is None:
        gitlab().repository.create_release(project_id, version, version, notes)
    return version
