"""Waiting for what a person would see, with a deadline and a word on what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PACE_S = 0.2


class TooLate(Exception):
    """Something that should have appeared did not; the text says what, and what was there instead."""


def eventually(what: str, look: Callable[[], T | None], within_s: float = 60) -> T:
    """The first result of `look` that is neither None nor False.

    Raises:
        TooLate: there was none within `within_s`.
    """
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen is not None and seen is not False:
            return seen
        if time.monotonic() > deadline:
            raise TooLate(f"{what}: not within {within_s:g} s")
        time.sleep(PACE_S)
