"""Whether the verdict of a candidate's gates still stands when it is to go out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol


class GateVerdict(Protocol):
    """What the last judgement said: a `CandidateVerified` or a `CandidateJudged`."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def excepted(self) -> tuple[str, ...]: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...


class Standing(NamedTuple):
    """By what a verdict is measured.

    One older than `oldest` is stale (None: none is); `excepted` are the gates with an exception that holds.
    """

    oldest: datetime | None = None
    excepted: Collection[str] = ()


NEVER_STALE = Standing()
"""A verdict of any age counts, and no exception does."""


def is_stale(given: GateVerdict, standing: Standing) -> bool:
    """The verdict is too old; one whose time nobody knows is."""
    return standing.oldest is not None and (given.at is None or given.at < standing.oldest)


def obstacles(number: int, given: GateVerdict | None, standing: Standing) -> tuple[str, ...]:
    """What speaks against shipping candidate `number`: gates that are missing, failing or stale."""
    if given is None or given.number != number:
        return (f"the gates of candidate {number} were not judged",)
    reasons = [f"gate: {reason}" for reason in given.reasons]
    reasons += [
        f"the exception to gate {gate} has ended" for gate in given.excepted if gate not in standing.excepted
    ]
    if is_stale(given, standing):
        when = f"{given.at:%Y-%m-%d %H:%M} UTC" if given.at else "a time that is not on record"
        reasons.append(f"the gates were judged at {when}: too long ago")
    return tuple(reasons)
