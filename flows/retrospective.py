"""The four DORA keys, after a release has ended."""

from __future__ import annotations

from prefect import flow

from tasks import figures


@flow(name="retrospective", flow_run_name="retrospective {subject}")
def retrospective(subject: str) -> str:
    """Show the figures of the release's project up to now; a repeat shows them again. The Markdown."""
    return figures.show(subject)
