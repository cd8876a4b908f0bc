"""What went wrong while a release was watched: alerts of the watch, and those of Alertmanager."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from lifecycle.events.base import Fact


class AlertRaised(Fact, frozen=True):
    """A cause (a probe) is bad since `at`; `number` counts the episodes of this cause in this attempt."""

    identity = ("attempt", "cause", "number")
    kind: Literal["AlertRaised"] = "AlertRaised"
    attempt: int = 1
    cause: str
    number: int
    reason: str
    at: AwareDatetime


class AlertRecovered(Fact, frozen=True):
    """That episode is over since `at`."""

    identity = ("attempt", "cause", "number")
    kind: Literal["AlertRecovered"] = "AlertRecovered"
    attempt: int = 1
    cause: str
    number: int
    reason: str
    at: AwareDatetime


class AlertReceived(Fact, frozen=True):
    """Alertmanager said so. `severity` is its label of that name, "" where the alert has none."""

    identity = ("fingerprint", "status", "starts_at")
    kind: Literal["AlertReceived"] = "AlertReceived"
    attempt: int = 1
    fingerprint: str
    status: Literal["firing", "resolved"]
    name: str
    severity: str = ""
    summary: str = ""
    starts_at: AwareDatetime
    url: str = ""
