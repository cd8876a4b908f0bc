"""What a GitLab release shows for itself: links to the evidence; and that its name is not taken."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task

from integrations.errors import Conflict
from lifecycle.release import Release
from tasks import timeline
from tasks.context import gitlab
from tasks.effects import RETRY


def require_name(project_id: int, version: str, sha: str) -> None:
    """Make sure that what bears the version's name in GitLab is of the commit `sha`.

    Raises:
        Conflict: the tag or a GitLab release of that name is something else; a person has to look.
    """
    tag = gitlab().repository.tag(project_id, version)
    if tag is not None and tag.sha != sha:
        raise Conflict("gitlab", "release", f"tag {version}", None, f"stands at {tag.sha}, not at {sha}")
    for release in gitlab().repository.releases(project_id):
        if release.tag == version and release.sha not in (None, sha):
            why = f"is of {release.sha}, not of {sha}"
            raise Conflict("gitlab", "release", f"GitLab release {version}", None, why)
        if release.name == version and release.tag != version:
            why = f"hangs on the tag {release.tag}, not on {version}"
            raise Conflict("gitlab", "release", f"GitLab release {version}", None, why)


def of(subject: str, release: Release) -> dict[str, str]:
    """Where the evidence for the release can be read, by name; what has no address is left out."""
    links = {
        "Verifying pipeline": release.verified.url if release.verified else "",
        "Sign-offs and history": timeline.address(subject),
    }
    return {name: url for name, url in links.items() if url}


@task(task_run_name="evidence of {version}", **RETRY)
def link(project_id: int, version: str, links: Mapping[str, str]) -> None:
    """Put `links` among the assets of the GitLab release; a repeat adds what is missing."""
    for name, url in links.items():
        gitlab().repository.link_release(project_id, version, name, url)
