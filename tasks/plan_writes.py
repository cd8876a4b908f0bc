"""Where a plan is shown besides Jira's fix versions: ranks, GitLab's wiki and milestone.

Each is found again by its own name, so a repeat after a crash changes nothing. What a team's tools do not
have (no Jira Software, no wiki) is left out: the task says so, and the plan stands all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from prefect import task

from integrations.errors import Conflict, NotFound, Refused
from lifecycle import plan_pages, review
from lifecycle.planning import ReleasePlan
from lifecycle.scope import Scope
from tasks.backlog import open_jql
from tasks.context import gitlab, jira, ledger, policy
from tasks.effects import RETRY


class Shown(NamedTuple):
    """Where something is shown ("" for nowhere), and what was left out, with the reason."""

    url: str = ""
    left_out: tuple[str, ...] = ()


def link_id(project_id: str, version: str) -> str:
    """The global id of the link from an issue to its plan: one per issue and version."""
    return f"conveyor-plan:{project_id}:{version}"


def wiki_title(version: str) -> str:
    """The title of the plan's wiki page."""
    return f"Plan {version}"


def about(review_stream: str) -> tuple[str, ...]:
    """Who decided the plan, in sentences that stay the same."""
    _, _, week = review_stream.split(":", 2)
    told = {event.kind: event for event in ledger().events(review_stream)}
    closed = told.get("ReviewClosed")
    if closed is None:
        return ()
    person = policy().person(str(closed.data["person"]))
    who = person.name if person else str(closed.data["person"])
    return (f"Decided in the weekly review {week}, closed by {who} on {closed.at:%Y-%m-%d}.",)


def closed_plan(review_stream: str | None) -> ReleasePlan | None:
    """The plan that the review closed; None for a release that was started by hand."""
    if review_stream is None:
        return None
    folded = review.fold(review.parse(event.data) for event in ledger().events(review_stream))
    return folded.plan if folded.proposed else None


@task(task_run_name="ranks of {version}", **RETRY)
def rank(project_id: str, version: str, keys: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG001 - the run's name
    """Put the plan's issues in its order above all open requests; what was left out, with the reason."""
    project = policy().project(project_id)
    above = open_jql(project, "Rank ASC, key ASC")
    try:
        first = next((i.key for i in jira().search(above, fields=("summary",)) if i.key not in keys), None)
    except Refused as error:
        if error.status != 400:
            raise
        return ("ranks: Jira does not know them",)
    if first is None and len(keys) == 1:
        return ()
    refused = jira().rank(keys, before=first) if first else jira().rank(keys[1:], after=keys[0])
    if refused is None:
        return ("ranks: there is no Jira Software",)
    return tuple(f"rank of {key}: {why}" for key, why in refused.items())


@task(task_run_name="wiki page of {version}", **RETRY)
def wiki_page(
    project_id: str, version: str, scope: Scope, about: Sequence[str], changes: Sequence[str] = ()
) -> Shown:
    """The plan with the graph of its waves as a page of the project's wiki, as it stands now."""
    project = policy().project(project_id)
    content = plan_pages.page(scope, about, _browse(scope), changes)
    try:
        page = gitlab().wikis.ensure(project.gitlab, wiki_title(version), content)
    except (NotFound, Refused) as error:
        return Shown(left_out=(f"wiki page: {_switched_off(error)}",))
    return Shown(f"{gitlab().project(project.gitlab).web_url}/-/wikis/{page.slug}")


def _browse(scope: Scope) -> Mapping[str, str]:
    return {key: jira().browse_url(key) for key in scope.issues}


@task(task_run_name="milestone {version}", **RETRY)
def milestone(
    project_id: str, version: str, wiki: str, start: date | None = None, due: date | None = None
) -> Shown:
    """The version's milestone in GitLab, with a link to the plan and the dates that are known."""
    project = policy().project(project_id)
    text = f"[{wiki_title(version)}]({wiki})" if wiki else f"{wiki_title(version)}, made by Conveyor"
    try:
        found = gitlab().milestones.ensure(project.gitlab, version, text, start=start, due=due)
    except Conflict as error:
        return Shown(left_out=(f"milestone: {error.detail}",))
    except (NotFound, Refused) as error:
        return Shown(left_out=(f"milestone: {_switched_off(error)}",))
    return Shown(found.web_url)


@task(task_run_name="milestone {version} is closed", **RETRY)
def close_milestone(project_id: str, version: str) -> bool:
    """Close the version's milestone; False if there is none that is open."""
    try:
        return gitlab().milestones.close(policy().project(project_id).gitlab, version)
    except (NotFound, Refused) as error:
        _switched_off(error)
        return False


@task(task_run_name="milestone {version} is open again", **RETRY)
def reopen_milestone(project_id: str, version: str) -> bool:
    """Open the version's milestone again; False if there is none that is closed."""
    try:
        return gitlab().milestones.reopen(policy().project(project_id).gitlab, version)
    except (NotFound, Refused) as error:
        _switched_off(error)
        return False


def _switched_off(error: NotFound | Refused) -> str:
    """What GitLab says of a part that the project does not have; any other refusal is raised again."""
    if isinstance(error, Refused) and error.status != 403:
        raise error
    return error.detail or f"GitLab answered {error.status}"
