"""Showing a plan: what the closing of a review writes, and every change of scope after it writes again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from lifecycle.policy import Project
from lifecycle.scope import Scope
from tasks import issues, plan_writes, plans


class Written(NamedTuple):
    """Where the plan is read ("" for nowhere), and what was left out, with the reason."""

    wiki: str
    milestone: str
    left_out: tuple[str, ...]


def write(
    project: Project,
    scope: Scope,
    about: Sequence[str],
    changes: Sequence[str] = (),
    *,
    start: date | None = None,
    due: date | None = None,
) -> Written:
    """Show the scope in Jira (versions, places, ranks, links) and GitLab; each once, a repeat goes on."""
    ordered = [key for wave in scope.waves for key in wave]
    waves = {key: number for number, wave in enumerate(scope.waves, 1) for key in wave}
    for at, key in enumerate(ordered, 1):
        issues.add_fix_version(project.jira, key, scope.version)
        plans.place(key, scope.version, waves[key], at)
    unranked = plan_writes.rank(project.id, scope.version, ordered)
    wiki = plan_writes.wiki_page(project.id, scope.version, scope, about, changes)
    milestone = plan_writes.milestone(project.id, scope.version, wiki.url, start, due)
    if address := wiki.url or milestone.url:
        title, global_id = (
            plan_writes.wiki_title(scope.version),
            plan_writes.link_id(project.id, scope.version),
        )
        for key in ordered:
            issues.remote_link(key, global_id, address, title)
    return Written(wiki.url, milestone.url, (*unranked, *wiki.left_out, *milestone.left_out))
