"""What a crash left half done while planning: a review that nobody walks, a merge that Jira does not show."""

from __future__ import annotations

from datetime import UTC, datetime

from lifecycle import backlog, requests, review
from tasks import lost_originals as originals
from tasks import merges, runs, splitting
from tasks.context import ledger, policy
from tasks.reconciling import Difference


def lost_reviews() -> list[Difference]:
    """Open reviews whose run is missing, dead, or has ended too early."""
    found: list[Difference] = []
    for subject in ledger().subjects("review:"):
        wakeup = ledger().wakeup(subject)
        state = review.fold(review.parse(event.data) for event in ledger().events(subject))
        if state.written is not None or wakeup.pending:
            continue
        run = runs.look(wakeup.run_id) if wakeup.run_id else None
        if run is None or run.type in (*runs.DEAD, "COMPLETED"):
            seen = f"run {run.id} is {run.type}" if run else "no run"
            found.append(Difference(subject, f"{subject}: {seen}", "wake"))
    return found


def overdue_orders() -> list[Difference]:
    """Work orders whose day is over: people outside the team have them, so it is told."""
    today = datetime.now(UTC).date()
    return [
        Difference(
            requests.stream(order.key),
            f"{order.issue}: {order.part.asked.name} was to be done with it by {order.part.asked.due}",
            "tell",
        )
        for project in policy().projects
        for order in splitting.orders(project)
        if order.overdue(today)
    ]


def pending_merges() -> list[Difference]:
    """Merges that people decided and that no run carries out."""
    return [
        Difference(stream, f"{fact.issue}: {fact.kind} is not shown in Jira yet", "wake")
        for project in policy().projects
        if not ledger().wakeup(stream := backlog.stream(project.id)).pending
        for fact in merges.pending(project.id)
    ]


def lost_originals() -> list[Difference]:
    """Requests that are gone from Jira while others are merged into them, and of which nobody was told."""
    return [
        Difference(requests.stream(key), f"{key} is gone, {', '.join(merged)} merged into it", "post")
        for key, merged in originals.untold().items()
    ]
