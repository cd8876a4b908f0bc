"""Whether a release may go to production now: every rule that has a say, with all its reasons."""

from __future__ import annotations

from collections.abc import Sequence

from lifecycle import rollback, signoff, together
from lifecycle.phases import Phase
from lifecycle.policy import Project, Step
from lifecycle.release import Release
from lifecycle.verdict import Verdict


def may_go_out(
    release: Release,
    steps: Sequence[Step],
    others: Sequence[Release] = (),
    mates: Sequence[Release] = (),
    *,
    project: Project | None = None,
) -> Verdict:
    """Whether the newest candidate may go to production now, be it for the first time or again.

    After a rollback the sign-offs were given once already; what is needed then is that a person has
    released the hold. `others` are the project's other releases, `mates` those of other projects that go
    out together with this one. Where the project wants rehearsals, the candidate must have shown on staging
    that it can come back.
    """
    reasons = list(rollback.project_held(release, others))
    reasons += together.waits_for(project.depends_on if project else (), mates)
    if release.phase is Phase.ROLLED_BACK:
        if release.hold:
            reasons.insert(0, f"the release is held: {release.hold.reason}")
        return Verdict(reasons=tuple(reasons))
    reasons = [*signoff.may_ship(release, steps).reasons, *reasons]
    if project and project.rehearsal:
        reasons += rollback.unrehearsed(release)
    return Verdict(reasons=tuple(reasons))
