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


@dataclass(frozen=True)
class Page:
    """What came back, at most as much of it as was asked for; `status` and `failure` as in `Look`."""

    status: int | None
    body: str = ""
    failure: str = ""


def fetch(url: str, timeout_s: float, most: int = 1024 * 1024) -> Page:
    """GET `url` once and read at most `most` bytes, redirects not followed. Never raises for what it sees."""
    try:
        with requests.get(url, timeout=timeout_s, allow_redirects=False, stream=True) as answer:
            body = bytearray()
            for chunk in answer.iter_content(64 * 1024):
                body += chunk
                if len(body) >= most:
                    break
            return Page(answer.status_code, bytes(body[:most]).decode("utf-8", "replace"))
    except requests.RequestException as error:
        return Page(None, failure=type(error).__name__)


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
