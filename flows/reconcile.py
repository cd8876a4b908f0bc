"""What a crash, a lost run or a missed webhook left half done is found and mended."""

from __future__ import annotations

from prefect import flow

from tasks import planning_reconciling, reconciling


@flow(name="reconcile", flow_run_name="reconcile")
def reconcile(dry_run: bool = False) -> list[str]:
    """Compare the ledger with Prefect, Jira, GitLab and the messages; mend what may be mended.

    One line per difference. With `dry_run` nothing is changed.
    """
    found = [*reconciling.lost_runs(), *reconciling.stale_messages(), *reconciling.issues_astray()]
    found += [*planning_reconciling.lost_reviews(), *planning_reconciling.pending_merges()]
    if not dry_run:
        reconciling.mend(found)
    return [difference.text for difference in found]
