"""The one living Markdown artifact of a release."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prefect.runtime import flow_run

from integrations.ledger import Event
from integrations.settings import settings
from lifecycle import events, timeline
from lifecycle.policy import Project
from lifecycle.release import Release
from tasks import runs
from tasks.context import ledger
from tasks.walk import Wait

_RELEASES = "com.atlassian.jira.jira-projects-plugin:release-page"
"""The page of a Jira project that lists its versions."""


def artifact_key(subject: str) -> str:
    """The artifact's key in Prefect: lower case, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", subject.lower())


def publish(
    subject: str, release: Release, history: Sequence[Event], project: Project, waiting: Wait | None
) -> None:
    """Show the release's history in Prefect as one artifact of its run, which is rewritten as it goes on.

    A page that says nothing new is not sent.
    """
    said = f"{waiting.name}: {waiting.message}" if waiting else ""
    page = timeline.page(
        release, [(event.at, events.parse(event.data)) for event in history], _links(release, project), said
    )
    run_id, shown = flow_run.id, f"{subject}:artifact"
    if run_id is None or ledger().projection(shown) == page:
        return
    mine = _shown_at(subject, str(run_id))
    known = ledger().projection(mine) or ""
    title = f"{project.name} {release.plan.version}"
    artifact_id = runs.show(page, artifact_key(subject), title, known)
    ledger().project(mine, artifact_id, history[-1].at)
    ledger().project(shown, page, history[-1].at)


def address(subject: str) -> str:
    """Where the history is shown in Prefect's UI; "" before it is, or where the UI's address is not set."""
    run_id, url = ledger().wakeup(subject).run_id, settings().prefect_ui_url
    artifact_id = run_id and ledger().projection(_shown_at(subject, run_id))
    return f"{url}/artifacts/artifact/{artifact_id}" if artifact_id and url else ""


def _shown_at(subject: str, run_id: str) -> str:
    return f"{subject}:artifact:{run_id}"


def _links(release: Release, project: Project) -> dict[str, str]:
    reached = settings()
    links = {
        "Jira": f"{reached.jira.url}/projects/{project.jira}?selectedItem={_RELEASES}",
        "GitLab": f"{reached.gitlab.url}/projects/{project.gitlab}",
        "staging": project.staging_url,
        "production": project.production_url,
    }
    if reached.slack_ui_url:
        links["Slack"] = reached.slack_ui_url
    review = release.plan.review and ledger().wakeup(release.plan.review).run_id
    if review and reached.prefect_ui_url:
        links["weekly review"] = f"{reached.prefect_ui_url}/runs/flow-run/{review}"
    return links
