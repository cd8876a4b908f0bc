"""Whether a release may go to production now: every rule that has a say, with all its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lifecycle import freezes, promotion, rollback, signoff
from lifecycle.freezes import Window
from lifecycle.gates import standing
from lifecycle.gates.standing import NEVER_STALE, Standing
from lifecycle.phases import Phase
from lifecycle.policy import Step
from lifecycle.release import Release
from lifecycle.together import waits_for
from lifecycle.verdict import Verdict, together


class Around(NamedTuple):
    """What counts beside the release's own history, as it is at `now` (aware).

    `serves` is the commit that staging serves ("" for none), `staged_at` when it was deployed there last;
    `gates` is what the gates' verdict is measured by: without it no exception holds. `others` are the
    project's other releases, `mates` those of other projects that go out together with this one.
    """

    now: datetime
    serves: str
    staged_at: datetime
    soak: timedelta = timedelta(0)
    windows: Sequence[Window] = ()
    gates: Standing = NEVER_STALE
    others: Sequence[Release] = ()
    mates: Sequence[Release] = ()
    depends_on: Sequence[str] = ()
    rehearsal: bool = False


def may_go_out(release: Release, steps: Sequence[Step], around: Around) -> Verdict:
    """Whether the newest candidate may go to production now, be it for the first time or again.

    After a rollback it was on staging and the sign-offs were given once already; what is needed then is
    that a person has released the hold.
    """
    always = together(_gates(release, around), _others(release, around), _frozen(release, around))
    if release.phase is Phase.ROLLED_BACK:
        held = (f"the release is held: {release.hold.reason}",) if release.hold else ()
        return together(Verdict(reasons=held), always)
    return together(
        Verdict(reasons=tuple(signoff.not_finished(release))),
        signoff.may_ship(release, steps),
        promotion.may_promote(release, around.serves, around.staged_at, around.soak, around.now),
        Verdict(reasons=rollback.unrehearsed(release) if around.rehearsal else ()),
        always,
    )


def _gates(release: Release, around: Around) -> Verdict:
    number = release.candidate.number if release.candidate else 0
    verdict = release.judged or release.verified
    return Verdict(reasons=standing.obstacles(number, verdict, around.gates))


def _others(release: Release, around: Around) -> Verdict:
    held = rollback.project_held(release, around.others)
    return Verdict(reasons=(*held, *waits_for(around.depends_on, around.mates)))


def _frozen(release: Release, around: Around) -> Verdict:
    if release.unfrozen is not None:
        return Verdict()
    return freezes.closed(around.windows, "production", around.now)
