"""Once a day each team hears what has stood too long in development."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow

from tasks import standstills


@flow(name="digest", flow_run_name="digest")
def digest() -> list[str]:
    """Tell every team that is at work and was not told today; one line per thing that stands still.

    A repeat tells nobody twice. A team with nothing standing still hears nothing, and is looked at again.
    """
    now = datetime.now(UTC)
    said: list[str] = []
    for project in standstills.awaited(now):
        found = standstills.find(project, now)
        standstills.tell(project, found, now)
        said += [f"{project}: {each.kind}: {each.title}" for each in found.lines]
    return said
