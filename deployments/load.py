"""Customers of the sandbox's shop: a steady stream of requests, so that its metrics have something to say."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import cycle

import httpx

from integrations.sandbox.http import LOOPBACK

Step = tuple[str, Mapping[str, str] | None]
"""A path, and the form that is sent to it; without one it is only looked at."""

CUSTOMER: Sequence[Step] = (
    ("/", None),
    ("/cart/add", {"product": "cups", "amount": "1"}),
    ("/cart", None),
    ("/api/products", None),
)
"""One customer who looks at what is in the cart, again and again."""


class Load:
    """Takes `steps` in turn, `per_second` of them, from construction until `stop`, in one session.

    Answers and their absence are not looked at: Prometheus counts them.
    """

    def __init__(self, url: str, per_second: float, steps: Sequence[Step] = CUSTOMER) -> None:
        self._url = url.rstrip("/")
        self._steps = cycle(steps)
        self._pause_s = 1 / per_second
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; returns when the last request is over."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        with httpx.Client(base_url=self._url, timeout=2, **LOOPBACK) as client:
            while not self._over.wait(max(0.0, due - time.monotonic())):
                path, form = next(self._steps)
                with contextlib.suppress(httpx.HTTPError):
                    client.request("POST" if form else "GET", path, data=form)
                # Who fell behind goes on at the same pace: a burst would be another load.
                due = max(due + self._pause_s, time.monotonic())
