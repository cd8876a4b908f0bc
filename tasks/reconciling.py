"""Where the outside differs from the ledger, and what may be mended without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from lifecycle.release import Phase, Release
from lifecycle.workflow import Status
from tasks import folding, issues, lost_originals, runs, signoffs
from tasks.context import ledger, policy


@dataclass(frozen=True)
class Difference:
    """Something outside that is not as the ledger has it. `mend` says how it is put right."""

    subject: str
    text: str
    mend: Literal["wake", "refresh", "post", "announce", "by-hand", "apart", "tell"]


def _open_releases() -> list[tuple[str, Release]]:
    found: list[tuple[str, Release]] = []
    for subject in ledger().subjects("release:"):
        release = folding.release_of(subject)
        if release is not None and not release.phase.terminal:
            found.append((subject, release))
    return found


def lost_runs() -> list[Difference]:
    """Open releases whose run is missing, dead, or has ended too early."""
    found: list[Difference] = []
    for subject, _ in _open_releases():
        wakeup = ledger().wakeup(subject)
        run = runs.look(wakeup.run_id) if wakeup.run_id else None
        if wakeup.pending or (run is not None and run.type not in (*runs.DEAD, "COMPLETED")):
            continue
        seen = f"run {run.id} is {run.type}" if run else "no run"
        found.append(Difference(subject, f"{subject}: {seen}", "wake"))
    return found


def stale_messages() -> list[Difference]:
    """Releases whose sign-off messages may not show the last decision."""
    return [
        Difference(subject, f"{subject}: messages are behind the ledger", "refresh")
        for subject, _ in _open_releases()
        if signoffs.stale(subject)
    ]


_EXPECTED = {
    Phase.WATCHING: Status.RELEASED,
    Phase.FEEDBACK: Status.RELEASED,
    Phase.ROLLED_BACK: Status.WAITING_RELEASE,
}


def issues_astray() -> list[Difference]:
    """Issues of a release in production that stand elsewhere in Jira: a person did that, so it is told."""
    found: list[Difference] = []
    for subject, release in _open_releases():
        expected = _EXPECTED.get(release.phase)
        if expected is None or ledger().wakeup(subject).pending:
            continue
        project = policy().project(release.plan.project)
        for key, status in issues.statuses(project, release.delivers).items():
            if status is not expected:
                found.append(Difference(subject, f"{key} is {status}, {subject} says {expected}", "tell"))
    return found


def mend(differences: Sequence[Difference]) -> None:
    """Wake what stands still, mend the messages, tell the channel; what people moved is only reported."""
    for difference in differences:
        if difference.mend == "wake":
            ledger().wake(difference.subject, datetime.now(UTC))
        elif difference.mend == "refresh":
            signoffs.refresh(difference.subject)
        elif difference.mend == "post":
            lost_originals.tell.fn(difference.subject.partition(":")[2])


def unknown_effects() -> list[str]:
    """Effects of which nobody knows whether they took place; the next walk looks them up."""
    unsettled = (*ledger().effects(state="unknown"), *ledger().effects(state="intent"))
    return [f"{e.key}: {e.state} since {e.intended_at:%Y-%m-%d %H:%M:%S} UTC" for e in unsettled]
