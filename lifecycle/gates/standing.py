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
    @property
    def rules(self) -> str: ...


class Standing(NamedTuple):
    """By what a verdict is measured.

    One older than `oldest` is stale (None: none is), and so is one by other rules than `rules`, the digest of
    what the policy asks now ("": by any); `excepted` are the gates with an exception that holds.
    """

    oldest: datetime | None = None
    excepted: Collection[str] = ()
    rules: str = ""


NEVER_STALE = Standing()
"""A verdict of any age counts, and no exception does."""


def is_stale(given: GateVerdict, standing: Standing) -> bool:
    """The verdict is too old, as one of an unknown time is, or the policy asks for something else now."""
    return _is_old(given, standing) or _by_other_rules(given, standing)


def _is_old(given: GateVerdict, standing: Standing) -> bool:
    return standing.oldest is not None and (given.at is None or given.at < standing.oldest)


def _by_other_rules(given: GateVerdict, standing: Standing) -> bool:
    """A verdict from before the rules were noted with it gets stale by its age alone."""
    return bool(given.rules and standing.rules) and given.rules != standing.rules


def obstacles(number: int, given: GateVerdict | None, standing: Standing) -> tuple[str, ...]:
    """What speaks against shipping candidate `number`: gates that are missing, failing or stale."""
    if given is None or given.number != number:
        return (f"the gates of candidate {number} were not judged",)
    reasons = [f"gate: {reason}" for reason in given.reasons]
    reasons += [
        f"the exception to gate {gate} has ended" for gate in given.excepted if gate not in standing.excepted
    ]
    if _by_other_rules(given, standing):
        reasons.append("the gates were judged before the policy asked what it asks now")
    if _is_old(given, standing):
        when = f"{given.at:%Y-%m-%d %H:%M} UTC" if given.at else "a time that is not on record"
        reasons.append(f"the gates were judged at {when}: too long ago")
    return tuple(reasons)
