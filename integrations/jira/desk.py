"""What only Jira Service Management knows of an issue: by when somebody was promised an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from integrations.jira.models import Json, as_list, as_object, as_text
from integrations.jira.session import Port, segment

AT_ONCE = 100
"""More SLAs than any request has; the rest of a longer list is not read."""


@dataclass(frozen=True)
class RunningSla:
    """An SLA of a customer's request whose clock was started and has not been stopped.

    `breaches_at` (aware UTC) is when it is breached by the calendar, or was; None if Jira does not say, as of
    a paused one. `remaining` counts the hours of the SLA's own calendar only, and is negative once breached.
    """

    name: str
    breached: bool
    paused: bool
    breaches_at: datetime | None
    remaining: timedelta


class ServiceDesk(Port):
    """The part of `JiraClient` that needs Jira Service Management."""

    def running_slas(self, key: str) -> tuple[RunningSla, ...]:
        """The SLAs that run for the customer's request `key`, in Jira's order. Reads only.

        Raises:
            NotFound: it is gone, was not asked by a customer, or this Jira has no service desk.
            Refused: the account these credentials act as is no agent of the service desk.

        Source: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/#api-rest-servicedeskapi-request-issueidorkey-sla-get
        """
        path, limit = f"request/{segment(key)}/sla", {"limit": AT_ONCE}
        answer = self._jira.call("SLA", key, "GET", path, params=limit, api="servicedeskapi")
        found = (_running(as_object(one)) for one in as_list(as_object(answer).get("values")))
        return tuple(sla for sla in found if sla is not None)


def _running(raw: Json) -> RunningSla | None:
    """One SLA's ongoing cycle; None if it has none, or tells no time of it."""
    cycle = as_object(raw.get("ongoingCycle"))
    breaches_at = _millis(as_object(cycle.get("breachTime")).get("epochMillis"))
    remaining = _millis(as_object(cycle.get("remainingTime")).get("millis"))
    if breaches_at is None and remaining is None:
        return None
    return RunningSla(
        name=as_text(raw.get("name")),
        breached=cycle.get("breached") is True,
        paused=cycle.get("paused") is True,
        breaches_at=None if breaches_at is None else _EPOCH + breaches_at,
        remaining=remaining or timedelta(0),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=100 * 366)


def _millis(value: object) -> timedelta | None:
    """A number of milliseconds; None for anything else, and for what is no time of this century."""
    if not isinstance(value, int) or abs(value) > _LONGEST / timedelta(milliseconds=1):
        return None
    return timedelta(milliseconds=value)
