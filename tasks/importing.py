"""Requests of a file become Jira issues, by the core of every other door; see `tasks.requests`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from integrations.errors import Transient
from lifecycle.requests import Ask, one_line
from tasks import requests
from tasks.backlog import request_of
from tasks.context import ledger
from tasks.effects import done

T = TypeVar("T")

_TRIES = 6
_LONGEST_S = 30.0


def known(ask: Ask) -> str:
    """The key of the issue that this row became before, "" if it did not."""
    made = done(requests.creation(ask))
    return str(made["key"]) if made else ""


def changed(ask: Ask) -> str:
    """Why this row is not the one that came in under its id before; "" if it is, or is new."""
    key = known(ask)
    for received in request_of(key).received if key else ():
        if received.origin == ask.origin and received.title != one_line(ask.title):
            return f"its id came in before, as {key} “{received.title}”: give it another id"
    return ""


def bring_in(project_id: str, ask: Ask, pause: Callable[[float], None] = time.sleep) -> str:
    """Make one request of the ask, with its message; the issue's key. A repeat makes what is missing.

    Raises:
        Terminal: a vendor refuses; a person has to change something.
        Transient: a vendor does not answer, after several tries.
    """
    key = patiently(lambda: requests.take_in.fn(project_id, ask), pause)
    whole = f"import:{ask.origin}"
    if ledger().projection(whole) is None:
        patiently(lambda: requests.mark.fn(key), pause)
        patiently(lambda: requests.compare.fn(key), pause)
        patiently(lambda: requests.announce.fn(key), pause)
        ledger().project(whole, key, datetime.now(UTC))
    return key


def patiently(step: Callable[[], T], pause: Callable[[float], None]) -> T:
    """Take a step that may be repeated, again after a pause where the vendor says "later"."""
    for number in range(_TRIES - 1):
        try:
            return step()
        except Transient as error:
            pause(min(error.retry_after_s or 2.0**number / 2, _LONGEST_S))
    return step()
