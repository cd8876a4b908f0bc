"""The figures of a project, from the ledger alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.artifacts import create_markdown_artifact

from lifecycle import events
from lifecycle.deliveries import deployments
from lifecycle.metrics import FourKeys, Window, four_keys
from tasks.context import ledger


def four_keys_of(project: str, now: datetime, days: int = 90) -> FourKeys:
    """DORA's four keys of `project` over the last `days`, up to `now`."""
    facts = [
        fact
        for subject in ledger().subjects(f"release:{project}:")
        for fact in deployments((e.at, events.parse(e.data)) for e in ledger().events(subject))
    ]
    return four_keys(facts, Window(start=now - timedelta(days=days), end=now))


def overridden_of(project: str, now: datetime, days: int = 90) -> int:
    """How many sign-offs of `project` were overridden in the last `days`, up to `now`."""
    since = now - timedelta(days=days)
    return sum(
        event.kind == "StepOverridden" and event.at >= since
        for subject in ledger().subjects(f"release:{project}:")
        for event in ledger().events(subject)
    )


@task(task_run_name="figures of {subject}")
def show(subject: str) -> str:
    """Put the four keys of the release's project up as an artifact; a repeat makes a newer version of it."""
    project = subject.split(":")[1]
    now = datetime.now(UTC)
    page = markdown(project, four_keys_of(project, now), overridden_of(project, now))
    create_markdown_artifact(page, key=f"dora-{project}", description=f"DORA's four keys of {project}")
    return page


def markdown(project: str, keys: FourKeys, overridden: int) -> str:
    """The keys as a table, a dash where there is nothing to measure yet; and what was not signed at all."""
    values: dict[str, float | None] = keys.model_dump()
    rows = [f"| {name} | {'–' if value is None else f'{value:.4g}'} |" for name, value in values.items()]
    loud = f"Sign-offs overridden: {overridden}"
    return "\n".join(
        [f"# DORA's four keys: {project}", "", "| key | value |", "| --- | --- |", *rows, "", loud]
    )
