"""What waits for people: the sign-offs that a release still lacks, who may give them, since when, until when.

It follows `lifecycle.signoff`: whom it names may sign, by the same rules, at the moment of looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from lifecycle import signoff
from lifecycle.events import SignOffAsked
from lifecycle.phases import TRANSITIONS
from lifecycle.policy import Policy, Scope, Step
from lifecycle.release import Release, release_id


class Pending(BaseModel):
    """One question that somebody has to answer.

    `people`: ids of those who may sign it, in the policy's order; none if nobody may. `lacks`: how many
    signatures of which role; if only whoever started the release has signed, one more of any of them.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    version: str
    tag: str
    number: int
    request: str
    step: str
    title: str
    issue: str | None
    issue_title: str
    lacks: dict[str, int]
    people: tuple[str, ...]
    asked_at: datetime
    due: datetime

    @property
    def stream(self) -> str:
        """The release's stream in the ledger."""
        return release_id(self.project, self.version)

    @property
    def what(self) -> str:
        """What is to be signed, such as `QA of SHOP-3`."""
        return f"{self.title} of {self.issue}" if self.issue else self.title

    def waited(self, now: datetime) -> timedelta:
        """How long it has been asked, in whole minutes; zero before the asking, as clocks differ."""
        return _minutes(now - self.asked_at)

    def late(self, now: datetime) -> timedelta:
        """How long it is overdue, in whole minutes; zero while it is not."""
        return _minutes(now - self.due)

    def is_late(self, now: datetime) -> bool:
        """It is past its due time, be it by a second."""
        return now > self.due


def _minutes(span: timedelta) -> timedelta:
    return max(span // timedelta(minutes=1), 0) * timedelta(minutes=1)


def pending(release: Release, policy: Policy, asked_at: Mapping[str, datetime]) -> tuple[Pending, ...]:
    """The open questions of the newest candidate, in the order of asking; `asked_at`: request -> when.

    None while nothing can be signed. What a policy no longer asks for is left out, as the walk does.
    """
    if (release.phase, "SignOffGiven") not in TRANSITIONS:
        return ()
    steps = {step.id: step for step in policy.steps_for(release.plan.release_kind)}
    found = (
        _waiting(release, ask, steps[ask.step], policy, asked_at[ask.request])
        for ask in release.asked_now()
        if ask.step in steps and release.is_open(ask.request) and not release.override(ask.step)
    )
    return tuple(each for each in found if each)


def _waiting(
    release: Release, ask: SignOffAsked, step: Step, policy: Policy, asked_at: datetime
) -> Pending | None:
    """The question as it waits; None if it has all its signatures."""
    lacks = signoff.missing(release, ask.request, step)
    if not lacks:
        signed = {person for _, person in signoff.signers(release, ask.request)}
        if step.binds is not Scope.RELEASE or signed != {release.plan.started_by}:
            return None
        lacks = dict.fromkeys(step.quorum, 1)
    plan = release.plan
    return Pending(
        project=plan.project,
        version=plan.version,
        tag=next(c.tag for c in release.candidates if c.number == ask.number),
        number=ask.number,
        request=ask.request,
        step=step.id,
        title=step.title,
        issue=ask.issue,
        issue_title=plan.titles.get(ask.issue or "", ""),
        lacks=lacks,
        people=tuple(_signers(release, ask.request, policy, lacks)),
        asked_at=asked_at,
        due=ask.due,
    )


def _signers(release: Release, request: str, policy: Policy, wanted: Mapping[str, int]) -> Iterable[str]:
    """Who could speak in a wanted role and may sign in it, in the policy's order."""
    able = {person.id for role in wanted for person in signoff.speakers(release, request, role, policy)}
    for person in policy.people:
        if person.id in able:
            signing = signoff.may_sign(release, request, person, policy)
            if signing.allowed and signing.role in wanted:
                yield person.id


def by_due(found: Iterable[Pending]) -> tuple[Pending, ...]:
    """The earliest due first; of the same time in the order of release, step and issue."""
    return tuple(sorted(found, key=lambda p: (p.due, p.project, p.version, p.step, p.issue or "")))


def waiting_for(found: Iterable[Pending], person: str) -> tuple[Pending, ...]:
    """Those of `found` that this person may sign."""
    return tuple(each for each in found if person in each.people)
