"""A look at production outside any release's own watch."""

from __future__ import annotations

from prefect import flow

from tasks import probes


@flow(name="watch", flow_run_name="watch {project}")
def watch(project: str) -> list[str]:
    """Probe production once and show what was seen; nothing is decided. One line per probe."""
    return probes.look_at(project)
