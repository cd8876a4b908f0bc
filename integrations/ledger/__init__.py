"""The ledger: append-only hash-chained events, the inbox, effects, wake-ups, leases.

What it says is what happened; Jira, GitLab, Slack and Prefect only show it.
"""

from integrations.ledger.ledger import Ledger
from integrations.ledger.mirror import MirrorChanges, MirroredIssue, MirroredLink
from integrations.ledger.models import (
    Appended,
    Delivery,
    Effect,
    Event,
    Lease,
    NewDelivery,
    NewEvent,
    Received,
    Verification,
    Wakeup,
)

__all__ = [
    "Appended",
    "Delivery",
    "Effect",
    "Event",
    "Lease",
    "Ledger",
    "MirrorChanges",
    "MirroredIssue",
    "MirroredLink",
    "NewDelivery",
    "NewEvent",
    "Received",
    "Verification",
    "Wakeup",
]
