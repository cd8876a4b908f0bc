"""Where the questions of one sign-off stand, and who could still answer them: what a message shows."""

from __future__ import annotations

from enum import StrEnum

from lifecycle.events import SignOffAsked
from lifecycle.policy import Person, Policy, Step
from lifecycle.release import Release
from lifecycle.signoff import may_sign, missing, signers, speakers


class Standing(StrEnum):
    """How far one question is. `KEPT` is signed too, by signatures that were carried to it."""

    WAITING = "waiting"
    RETURNED = "returned"
    EXPIRED = "expired"
    SIGNED = "signed"
    KEPT = "kept"


def standing(release: Release, ask: SignOffAsked, step: Step) -> Standing:
    """How far this question of `step` is."""
    if release.is_returned(ask.request):
        return Standing.RETURNED
    if release.is_expired(ask.request):
        return Standing.EXPIRED
    if missing(release, ask.request, step):
        return Standing.WAITING
    carried = any(carry.request == ask.request for carry in release.carried)
    return Standing.KEPT if carried else Standing.SIGNED


def awaited(release: Release, request: str, step: Step, policy: Policy) -> dict[str, tuple[Person, ...]]:
    """Per role that `request` still lacks: who could speak in it, may sign and has not.

    Nobody for a role means that the step cannot be passed as things are: say so instead of waiting.
    """
    given = signers(release, request)
    return {
        role: tuple(
            person
            for person in speakers(release, request, role, policy)
            if (role, person.id) not in given and may_sign(release, request, person, policy).allowed
        )
        for role in missing(release, request, step)
    }
