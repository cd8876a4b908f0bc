"""What Alertmanager tells becomes evidence on the ledger of the release that is watched."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.alertmanager import Alert, parse
from lifecycle.events import AlertReceived
from lifecycle.policy import Project
from lifecycle.release import Phase, Release
from tasks import folding
from tasks.context import ledger, policy
from tasks.walk import new_events


def take(body: bytes) -> str:
    """Put each alert of a notification on record, once, and wake the release; in words what became of it.

    Raises:
        Refused: it is no notification.
        Conflict: somebody recorded something meanwhile; the same call later settles it.
    """
    found = [
        (project, alert) for alert in parse(body) for project in policy().projects if _is_of(project, alert)
    ]
    taken = [alert for project, alert in found if _record(project, alert)]
    return "evidence of a watched release" if taken else "of no release that is watched"


def _is_of(project: Project, alert: Alert) -> bool:
    """The alert has all labels that the policy names for the product."""
    wanted = project.alert_labels or {"project": project.id}
    return all(alert.labels.get(name) == value for name, value in wanted.items())


def _record(project: Project, alert: Alert) -> bool:
    for subject in ledger().subjects(f"release:{project.id}:"):
        revision = ledger().revision(subject)
        folded = folding.release_of(subject)
        if folded is None or not _takes(folded, alert):
            continue
        fact = AlertReceived(
            attempt=folded.attempt,
            fingerprint=alert.fingerprint,
            status=alert.status,
            name=alert.name,
            severity=alert.labels.get("severity", ""),
            summary=alert.summary,
            starts_at=alert.starts_at,
            url=alert.url,
        )
        new = new_events(subject, [fact])
        ledger().append(subject, new, now=datetime.now(UTC), expected=revision, wake=True)
        return True
    return False


def _takes(folded: Release, alert: Alert) -> bool:
    """It is watched; or the watch is over, and this is the end of what fired in it."""
    if folded.phase is Phase.WATCHING:
        return True
    after = folded.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.FEEDBACK)
    known = {one.fingerprint for one in folded.alerts_received}
    return after and alert.status == "resolved" and alert.fingerprint in known
