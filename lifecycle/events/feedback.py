"""Who was asked whether a release helped, and what they said."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from lifecycle.events.base import Fact


class FeedbackAsked(Fact, frozen=True):
    """`person` was asked whether `issue` helped.

    Somebody `outside` the people file is known by their account where they asked (`gitlab:17`) and by `name`.
    They are asked by `slack`, their account there, or else by a signed link at `place`, the origin of their
    request (`gitlab:7:12`; "": on the issue).
    """

    identity = ("request",)
    kind: Literal["FeedbackAsked"] = "FeedbackAsked"
    request: str
    person: str
    issue: str
    due: AwareDatetime
    outside: bool = False
    name: str = ""
    slack: str = ""
    place: str = ""


class FeedbackReminded(Fact, frozen=True):
    """`person` was reminded of the questions that they had not answered; once in a release."""

    identity = ("person",)
    kind: Literal["FeedbackReminded"] = "FeedbackReminded"
    person: str


class FeedbackGiven(Fact, frozen=True):
    """`person` answered `request` for the `round`th time; the last round counts.

    `entered_by` is who recorded what `person` said elsewhere; "" for an answer of their own, which no
    entered one may follow.
    """

    identity = ("request", "round")
    kind: Literal["FeedbackGiven"] = "FeedbackGiven"
    request: str
    round: int = 1
    person: str
    issue: str
    answer: Literal["solved", "partly", "not"]
    score: int | None = Field(default=None, ge=1, le=5)
    comment: str = ""
    entered_by: str = ""


class FeedbackFollowed(Fact, frozen=True):
    """The new request `issue`, opened because the answer to `request` was "not", says all up to `round`."""

    identity = ("request", "round")
    kind: Literal["FeedbackFollowed"] = "FeedbackFollowed"
    request: str
    round: int
    issue: str
