"""Slack's rate limits: calls a minute by tier, and about one post a second in each channel.

Source: https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}


@dataclass(frozen=True)
class Rates:
    """How strict to be. Slack promises the steady rates and allows bursts without saying how large."""

    posts_per_s: float = 1.0
    post_burst: int = 10
    tier_burst: float = 4.0
    """How many minutes' worth of a method's tier may come at once."""


class Limiter:
    """A leaking bucket per method and per channel. Not safe for threads by itself."""

    def __init__(self, rates: Rates | None, clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, method: str, tier: int, channel: str | None) -> int:
        """0 and the call counts, or the whole seconds after which it may come again."""
        if self._rates is None:
            return 0
        if channel is not None:  # chat.postMessage: the channel's rate is the limit
            return self._pour(f"post:{channel}", self._rates.posts_per_s, self._rates.post_burst)
        per_minute = PER_MINUTE[tier]
        return self._pour(method, per_minute / 60, max(1.0, per_minute * self._rates.tier_burst))

    def _pour(self, key: str, per_s: float, size: float) -> int:
        now = self._clock()
        level, since = self._buckets.get(key, (0.0, now))
        level = max(0.0, level - (now - since) * per_s)
        if level + 1 > size:
            self._buckets[key] = (level, now)
            return max(1, math.ceil((level + 1 - size) / per_s))
        self._buckets[key] = (level + 1, now)
        return 0
