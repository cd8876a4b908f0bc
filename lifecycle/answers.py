"""What one person has answered to one question: a signed link takes an answer once."""

from __future__ import annotations

from enum import StrEnum

from lifecycle import signoff
from lifecycle.release import Release


class Answer(StrEnum):
    """How a person answered a request for a sign-off."""

    AGREED = "agreed"
    WITHDREW = "withdrew"
    OBJECTED = "objected"


def answer_of(release: Release, request: str, person: str) -> Answer | None:
    """What `person` answered to `request`, by whichever door; None for nothing yet.

    The last word counts: an objection after a signature, a signature after one was taken back.
    """
    if any(r.request == request and r.person == person for r in release.returned):
        return Answer.OBJECTED
    if any(who == person for _, who in signoff.signers(release, request)):
        return Answer.AGREED
    if any(w.request == request and w.person == person for w in release.withdrawn):
        return Answer.WITHDREW
    return None
