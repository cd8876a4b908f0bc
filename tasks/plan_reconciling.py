"""Where Jira's fix versions differ from a closed plan: somebody changed them by hand, past the approval.

Nothing is put right: a person decides whether the plan or Jira is meant. The team is told once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from prefect import task

from integrations.errors import NotFound, Refused
from integrations.jira.client import quoted
from lifecycle.policy import Project
from lifecycle.release import Release
from tasks import folding, posts, release_messages
from tasks.context import jira, ledger, policy
from tasks.effects import RETRY
from tasks.reconciling import Difference


class Astray(NamedTuple):
    """Issues that only Jira counts to the version, and issues that only the plan does."""

    only_jira: tuple[str, ...] = ()
    only_plan: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The difference in words, one line per issue."""
        return (
            *(f"{key} has the fix version in Jira, the plan does not have it" for key in self.only_jira),
            *(f"{key} is in the plan, in Jira it does not have the fix version" for key in self.only_plan),
        )


def against_jira(project: Project, release: Release) -> Astray:
    """How Jira's fix version differs from the plan. Reads only.

    A search may lag behind, so what differs there is read itself.
    """
    version, planned = release.plan.version, set(release.delivers)
    where = f"project = {quoted(project.jira)} AND fixVersion = {quoted(version)} ORDER BY key ASC"
    try:
        found = {issue.key for issue in jira().search(where, fields=("fixVersions",))}
    except Refused as error:
        if error.status != 400:  # there is no such version
            raise
        found = set[str]()
    return Astray(
        tuple(key for key in sorted(found - planned) if _has(key, version)),
        tuple(key for key in release.delivers if key not in found and not _has(key, version)),
    )


def _has(key: str, version: str) -> bool:
    try:
        return version in jira().issue(key).fix_versions
    except NotFound:
        return False


def moved_by_hand() -> list[Difference]:
    """Open releases whose fix versions in Jira are not those of the plan; a person did that, so it is told.

    A release that is about to be walked may still write them, and is left out.
    """
    found: list[Difference] = []
    for subject in ledger().subjects("release:"):
        release = folding.release_of(subject)
        if release is None or release.phase.terminal or ledger().wakeup(subject).pending:
            continue
        lines = against_jira(policy().project(release.plan.project), release).lines
        if lines:
            found.append(Difference(subject, f"{subject}: {'; '.join(lines)}", "announce"))
    return found


@task(task_run_name="tell what was moved by hand", **RETRY)
def tell(differences: Sequence[Difference]) -> list[str]:
    """Tell the planning channel of each difference, once for as long as it reads the same; what was new."""
    told: list[str] = []
    for difference in differences:
        digest = hashlib.sha256(difference.text.encode()).hexdigest()[:16]
        key = f"{difference.subject}:by-hand:{digest}"
        if posts.posted(key) is not None:
            continue
        _, project, version = difference.subject.split(":", 2)
        headline = f"Jira and the plan of {policy().project(project).name} {version} differ"
        lines = difference.text.removeprefix(f"{difference.subject}: ").split("; ")
        hint = f"Ask for it with `conveyor plan change {version}`, or put the fix version back."
        content = release_messages.news("🔀", headline, [*(f"• {line}" for line in lines), hint])
        posts.post.fn(headline, policy().review.channel, content, key, subject=difference.subject)
        told.append(difference.text)
    return told
