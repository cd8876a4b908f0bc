"""What a crash, a lost run or a missed webhook left half done is found and mended."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow

from tasks import differences, review_starting


@flow(name="reconcile", flow_run_name="reconcile")
def reconcile(dry_run: bool = False) -> list[str]:
    """Begin the weekly reviews that are due; compare the ledger with the vendors and mend what may be mended.

    Then what changed in Jira is read into the mirror. One line per review that begins and per difference,
    whether with Prefect, Jira, GitLab or the messages; with `dry_run` nothing is changed.
    """
    begun = [] if dry_run else [f"{stream} is due: it begins" for stream in review_starting.begin_due()]
    found = differences.find()
    told = [*begun, *(difference.text for difference in found)]
    return told if dry_run else [*told, *differences.mend(found, datetime.now(UTC))]
