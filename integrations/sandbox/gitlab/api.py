"""All routes of the REST API but those of the CI."""

from __future__ import annotations

from integrations.sandbox.gitlab import (
    api_branches,
    api_changelog,
    api_commits,
    api_files,
    api_hooks,
    api_issues,
    api_merge_requests,
    api_notes,
    api_projects,
    api_releases,
    api_rewrites,
    api_settings,
    api_tags,
    api_wiki,
)

TABLE = [
    route
    for module in (
        api_projects,
        api_branches,
        api_tags,
        api_commits,
        api_files,
        api_rewrites,
        api_changelog,
        api_merge_requests,
        api_notes,
        api_issues,
        api_releases,
        api_hooks,
        api_wiki,
        api_settings,
    )
    for route in module.routes.table
]
