"""What a release owes to those it shares its environments with."""

from __future__ import annotations

from lifecycle.events import Unstaged
from lifecycle.release import Phase
from tasks import environment_messages, occupying
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def give_way(walk: ReleaseWalk) -> Wait | None:
    """Note that another release took staging: nothing is signed until this one is there again."""
    candidate = walk.release.candidate
    if walk.phase not in (Phase.SIGN_OFF, Phase.REWORK) or candidate is None or walk.release.staged is None:
        return None
    by = occupying.taken_over_by(walk.subject, walk.release)
    if by:
        walk.append(Unstaged(number=candidate.number, round=walk.release.unstagings + 1, by=by))
    return None


def tell_unfrozen(walk: ReleaseWalk) -> Wait | None:
    """Say in the channel who lets a hotfix out in a freeze, and why; once."""
    fact = walk.release.unfrozen
    if fact is None or walk.done(environment_messages.unfrozen_key(walk.subject, fact.attempt)):
        return None
    environment_messages.tell_unfrozen(walk.subject)
    return None
