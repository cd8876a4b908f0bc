"""Why a request is needed: a metric, feedback or an incident that a person linked, or a person's waiver."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from lifecycle.events import Fact
from lifecycle.policy import Person, Policy
from lifecycle.verdict import Verdict


class NeedKind(StrEnum):
    """What shows a need."""

    METRIC = "metric"
    FEEDBACK = "feedback"
    INCIDENT = "incident"


class NeedShown(Fact, frozen=True):
    """`person` linked what shows the need. `said`: a metric's link, feedback's words or link, a Jira key."""

    identity = ("round",)
    kind: Literal["NeedShown"] = "NeedShown"
    round: int
    need: NeedKind
    said: str
    person: str
    door: str


class NeedWaived(Fact, frozen=True):
    """`person` answers for it that the request goes on without a need on record."""

    identity = ("round",)
    kind: Literal["NeedWaived"] = "NeedWaived"
    round: int
    person: str
    why: str
    door: str


_LINK = re.compile(r"https?://[^\s/]\S*")
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9][0-9]*")


def read(need: NeedKind, text: str) -> str:
    """What a person gave to show a need.

    Raises:
        ValueError: that does not show it; the text is for the person.
    """
    said = " ".join(text.split())
    if need is NeedKind.METRIC and not _LINK.fullmatch(said):
        raise ValueError("a metric is shown by its link, such as https://metrics.example/d/7")
    if need is NeedKind.INCIDENT and not _KEY.fullmatch(said := said.upper()):
        raise ValueError("an incident is named by its Jira key, such as SHOP-9")
    if not said:
        raise ValueError("say in words what the feedback was, or link it")
    return said[:1000]


def may_waive(person: Person, policy: Policy) -> Verdict:
    """Decide whether `person` may let a request go on without a need: the review's roles may."""
    roles = policy.review.roles
    if not roles or set(roles) & set(person.roles):
        return Verdict()
    return Verdict(reasons=(f"a need is waived by {' or '.join(roles)}",))


def standing(told: Sequence[NeedShown | NeedWaived]) -> str:
    """What is on record of a request's need, in one line; "" for nothing. The last word stands."""
    if not told:
        return ""
    last = told[-1]
    if isinstance(last, NeedWaived):
        return f"waived by {last.person}: {last.why}"
    return f"{last.need} {last.said} ({last.person})"
