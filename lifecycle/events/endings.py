"""How a release ends."""

from __future__ import annotations

from typing import Literal

from lifecycle.events.base import Fact


class Closed(Fact, frozen=True):
    """The release is done: watched, and the requesters were asked.

    `attempt` is the one that production serves: a release that was taken back after its end may end again.
    """

    identity = ("attempt",)
    kind: Literal["Closed"] = "Closed"
    attempt: int = 1
    answers: int = 0
    asked: int = 0


class Abandoned(Fact, frozen=True):
    """A person ended the release before production (or after a rollback)."""

    kind: Literal["Abandoned"] = "Abandoned"
    person: str
    reason: str


class Superseded(Fact, frozen=True):
    """A rolled-back release whose issues went out with another one."""

    kind: Literal["Superseded"] = "Superseded"
    by: str
