"""What customers of the service desk were promised, read from Jira for the requests that came in there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from integrations.errors import NotFound, Refused
from integrations.jira.desk import RunningSla
from lifecycle import requests
from lifecycle.requests import Door
from lifecycle.values import Sla
from tasks.context import jira

log = logging.getLogger(__name__)


def running(own: Mapping[str, requests.Request], now: datetime) -> tuple[Sla, ...]:
    """The SLAs that run for a request and its duplicates (`own`); a paused one presses nobody.

    One request to Jira for each ask that came in by the service desk, none for all others. Reads only. What
    Jira does not show us counts as no SLA, with a line in the log.
    """
    received = [each for request in own.values() for each in request.received if each.door is Door.DESK]
    keys = dict.fromkeys(each.origin.partition(":")[2] for each in received)
    return tuple(
        Sla(name=requests.one_line(sla.name, 60), breaches_at=sla.breaches_at or now + sla.remaining)
        for key in keys
        for sla in _read(key)
        if sla.breached or not sla.paused
    )


def _read(key: str) -> tuple[RunningSla, ...]:
    try:
        return jira().running_slas(key)
    except (NotFound, Refused) as error:
        log.warning("%s counts without its SLA: %s", key, error)
        return ()
