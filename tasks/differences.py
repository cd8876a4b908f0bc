"""All that reconcile looks at, in one place for the flow and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tasks import (
    deployed_by_hand,
    environment_checks,
    mirror,
    people,
    plan_reconciling,
    planning_reconciling,
    reconciling,
)
from tasks.reconciling import Difference


def find() -> list[Difference]:
    """Where the outside differs from the ledger. Reads only."""
    return [
        *reconciling.lost_runs(),
        *reconciling.stale_messages(),
        *reconciling.issues_astray(),
        *planning_reconciling.lost_reviews(),
        *planning_reconciling.pending_merges(),
        *planning_reconciling.lost_originals(),
        *planning_reconciling.overdue_orders(),
        *plan_reconciling.moved_by_hand(),
        *deployed_by_hand.find(),
        *environment_checks.find(),
    ]


def mend(found: Sequence[Difference], now: datetime) -> list[str]:
    """Mend what may be mended, tell what people moved, read roles and Jira anew; whose roles changed."""
    reconciling.mend(found)
    by_hand = [each for each in found if each.mend == "announce"]
    if by_hand:
        plan_reconciling.tell(by_hand)
    for each in found:
        if each.mend == "by-hand":
            deployed_by_hand.tell(each.subject)
        elif each.mend == "apart":
            environment_checks.tell(each.subject)
    for project_id in mirror.projects():
        mirror.keep(project_id, now)
    return people.read_groups()
