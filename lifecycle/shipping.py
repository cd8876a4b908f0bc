"""Whether a release may go to production now: every rule that has a say, with all its reasons."""

from __future__ import annotations

from collections.abc import Sequence

from lifecycle import signoff
from lifecycle.phases import Phase
from lifecycle.policy import Step
from lifecycle.release import Release
from lifecycle.verdict import Verdict


def may_go_out(release: Release, steps: Sequence[Step]) -> Verdict:
    """Whether the newest candidate may go to production now, be it for the first time or again.

    After a rollback the sign-offs were given once already; what is needed then is that a person has
    released the hold.
    """
    if release.phase is Phase.ROLLED_BACK:
        held = (f"the release is held: {release.hold.reason}",) if release.hold else ()
        return Verdict(reasons=held)
    verdict = signoff.may_ship(release, steps)
    return Verdict(reasons=tuple(dict.fromkeys((*signoff.not_finished(release), *verdict.reasons))))
