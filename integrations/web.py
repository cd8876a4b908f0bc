"""Looking at a web page from outside, as a customer's browser would reach it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import requests


@dataclass(frozen=True)
class Look:
    """What came back. `status` None: nothing did; then `failure` is the kind of error."""

    status: int | None
    latency_ms: float
    failure: str = ""


def look(url: str, timeout_s: float) -> Look:
    """GET `url` once, redirects not followed. Never raises for what it sees."""
    started = time.perf_counter()
    status: int | None = None
    failure = ""
    try:
        status = requests.get(url, timeout=timeout_s, allow_redirects=False).status_code
    except requests.RequestException as error:
        failure = type(error).__name__
    return Look(status, (time.perf_counter() - started) * 1000, failure)
