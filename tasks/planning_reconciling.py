"""What a crash left half done while planning: a review that nobody walks, a merge that Jira does not show."""

from __future__ import annotations

from lifecycle import backlog, review
from tasks import merges, runs
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


def pending_merges() -> list[Difference]:
    """Merges that people decided and that no run carries out."""
    return [
        Difference(stream, f"{fact.issue}: {fact.kind} is not shown in Jira yet", "wake")
        for project in policy().projects
        if not ledger().wakeup(stream := backlog.stream(project.id)).pending
        for fact in merges.pending(project.id)
    ]
