"""What the requesters of a closed release answered."""

from __future__ import annotations

from prefect import flow

from tasks import asking


@flow(name="feedback", flow_run_name="feedback {subject}")
def feedback(subject: str) -> str:
    """Show the answers as an artifact of their own; a repeat shows them again. The Markdown."""
    return asking.summarise(subject)
