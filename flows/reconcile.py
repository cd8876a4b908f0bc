"""What a crash, a lost run or a missed webhook left half done is found and mended."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow

from tasks import differences


@flow(name="reconcile", flow_run_name="reconcile")
def reconcile(dry_run: bool = False) -> list[str]:
    """Compare the ledger with Prefect, Jira, GitLab and the messages; mend what may be mended.

    Then what changed in Jira is read into the mirror. One line per difference; with `dry_run` nothing is
    changed.
    """
    found = differences.find()
    told = [difference.text for difference in found]
    return told if dry_run else [*told, *differences.mend(found, datetime.now(UTC))]
