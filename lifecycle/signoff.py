"""Who may sign what, what a quorum needs, and when a signature still counts for a newer commit.

A signature is always on one request, and a request fixes release, step, candidate, issue, commit, plan
and environment. It reaches another commit only by a recorded carry: the issue's own files are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from lifecycle import events as e
from lifecycle.phases import TRANSITIONS, Phase
from lifecycle.policy import Person, Policy, Scope, Step
from lifecycle.release import Release
from lifecycle.verdict import Verdict


class Signing(BaseModel):
    """May this person sign this request: in which role, as which round; or every reason why not."""

    model_config = ConfigDict(frozen=True)
    role: str = ""
    round: int = 1
    reasons: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """There is a role to sign in, and nothing speaks against it."""
        return bool(self.role) and not self.reasons


def request_id(stream: str, ask: Mapping[str, object]) -> str:
    """An opaque id, the same for the same question: 24 hex digits over everything a signature binds."""
    return hashlib.sha256(json.dumps([stream, ask], sort_keys=True).encode()).hexdigest()[:24]


def asks(
    release: Release, stream: str, step: Step, now: datetime, environment: str
) -> tuple[e.SignOffAsked, ...]:
    """What the newest candidate still has to be asked at `step`: one question, or one per issue."""
    candidate = release.candidate
    if candidate is None or release.phase is not Phase.SIGN_OFF:
        return ()
    wanted: list[e.SignOffAsked] = []
    for issue in _questions(release, step):
        bound: dict[str, object] = {
            "step": step.id,
            "number": candidate.number,
            "issue": issue,
            "sha": candidate.sha,
            "plan_hash": release.plan.plan_hash,
            "environment": environment,
        }
        request = request_id(stream, bound)
        if all(request != a.request for a in release.asked):
            wanted.append(e.SignOffAsked.model_validate({**bound, "request": request, "due": now + step.due}))
    return tuple(wanted)


def _questions(release: Release, step: Step) -> Sequence[str | None]:
    """What is asked at `step`: each issue, or once for all of them (None)."""
    return release.delivers if step.binds is Scope.ISSUE else (None,)


def carries(release: Release, step: Step) -> tuple[e.SignOffCarried, ...]:
    """The sign-offs of earlier candidates that count for the newest one too, and are not yet recorded."""
    possible = [release.carry(ask.request) for ask in release.asked_now(step.id)]
    return tuple(
        carry
        for carry in possible
        if carry and carry not in release.carried and signers(release, carry.from_request)
    )


def signers(release: Release, request: str) -> frozenset[tuple[str, str]]:
    """Every (role, person) whose signature stands on `request`, directly or by an unbroken carry."""
    chain = _chain(release, request)
    return frozenset((s.role, s.person) for s in release.signatures if s.request in chain)


def _chain(release: Release, request: str) -> tuple[str, ...]:
    """`request` and the earlier ones whose signatures were carried to it."""
    before = (carry.from_request for carry in release.carried if carry.request == request)
    return (request, *(earlier for carried in before for earlier in _chain(release, carried)))


def _counted(release: Release, request: str, step: Step) -> frozenset[tuple[str, str]]:
    """The signers who count, carried or not: nobody who wrote part of the candidate that is asked about."""
    ask = release.question(request)
    asked_about = [c.authors for c in release.candidates if ask and c.number == ask.number]
    authors = () if step.authors_may_sign else {author for some in asked_about for author in some}
    return frozenset((role, person) for role, person in signers(release, request) if person not in authors)


def missing(release: Release, request: str, step: Step) -> dict[str, int]:
    """How many signatures of which role `request` still lacks."""
    given = _counted(release, request, step)
    lacks = {role: needed - sum(r == role for r, _ in given) for role, needed in step.quorum.items()}
    return {role: count for role, count in lacks.items() if count > 0}


def may_sign(release: Release, request: str, person: Person, policy: Policy) -> Signing:
    """Whether `person` may sign `request` now, with every reason against it.

    A person who holds several of the wanted roles signs for the first that still lacks someone.
    """
    ask = release.question(request)
    step = next((s for s in policy.steps if ask and s.id == ask.step), None)
    if ask is None or step is None:
        return Signing(reasons=("nobody was asked for this sign-off",))
    roles = [role for role in step.quorum if role in person.roles]
    given = signers(release, request)
    open_roles = [r for r in roles if (r, person.id) not in given]
    role = next((r for r in open_roles if r in missing(release, request, step)), next(iter(open_roles), ""))
    reasons = [*_request_is_dead(release, ask), *_person_is_barred(release, step, person)]
    if not roles:
        reasons.append(f"{step.title} is signed by {' and '.join(step.quorum)}")
    elif not role:
        reasons.append("you have signed this already")
    return Signing(role=role, round=_round(release, request, role, person.id), reasons=tuple(reasons))


def may_return(release: Release, request: str, person: Person, policy: Policy) -> Verdict:
    """Whether `person` may send back what `request` asks about: who may sign it may return it.

    Having signed before does not bar a person from finding a fault later, nor does being the author.
    """
    ask = release.question(request)
    step = next((s for s in policy.steps if ask and s.id == ask.step), None)
    if ask is None or step is None:
        return Verdict(reasons=("nobody was asked for this sign-off",))
    reasons = _request_is_dead(release, ask)
    if not person.active:
        reasons.append("your account is deactivated")
    if not any(role in person.roles for role in step.quorum):
        reasons.append(f"{step.title} is decided by {' and '.join(step.quorum)}")
    return Verdict(reasons=tuple(reasons))


def _request_is_dead(release: Release, ask: e.SignOffAsked) -> list[str]:
    newest = release.candidate.number if release.candidate else 0
    if ask.number != newest:
        return [f"candidate {ask.number} is superseded by candidate {newest}"]
    if release.is_returned(ask.request):
        return ["it was returned for rework"]
    if (release.phase, "SignOffGiven") not in TRANSITIONS:
        return [f"the release is past it: {release.phase}"]
    return []


def _person_is_barred(release: Release, step: Step, person: Person) -> list[str]:
    reasons: list[str] = []
    if not person.active:
        reasons.append("your account is deactivated")
    candidate = release.candidate
    if candidate and not step.authors_may_sign and person.id in candidate.authors:
        reasons.append(f"you wrote part of candidate {candidate.number}")
    return reasons


def _round(release: Release, request: str, role: str, person: str) -> int:
    withdrawn = [w for w in release.withdrawn if (w.request, w.role, w.person) == (request, role, person)]
    return len(withdrawn) + 1


def may_withdraw(release: Release, request: str, person: Person) -> tuple[e.SignOffWithdrawn, ...]:
    """The withdrawals that take back what `person` signed on `request`, or had carried to it.

    None once production has started.
    """
    if (release.phase, "SignOffWithdrawn") not in TRANSITIONS:
        return ()
    chain = _chain(release, request)
    return tuple(
        e.SignOffWithdrawn(request=s.request, role=s.role, person=s.person, round=s.round)
        for s in release.signatures
        if s.request in chain and s.person == person.id
    )


def passed(release: Release, step: Step) -> Verdict:
    """Whether every question of `step` about the newest candidate has its quorum; if not, all it lacks."""
    reasons: list[str] = []
    asked = release.asked_now(step.id)
    for issue in _questions(release, step):
        about = f"{step.title} of {issue}" if issue else step.title
        asks = [ask for ask in asked if ask.issue == issue]
        if not asks:
            reasons.append(f"{about} was not asked for yet")
        for ask in asks:
            reasons += _unsigned(release, step, ask, about)
    if release.candidate and not step.authors_may_sign:
        reasons += [
            f"{stranger} wrote part of the candidate and is not among the people"
            for stranger in release.candidate.strangers
        ]
    return Verdict(reasons=tuple(reasons))


def _unsigned(release: Release, step: Step, ask: e.SignOffAsked, about: str) -> list[str]:
    reasons = [f"{about} was returned for rework"] if release.is_returned(ask.request) else []
    reasons += [f"{about} lacks {n} {role}" for role, n in missing(release, ask.request, step).items()]
    people = {person for _, person in _counted(release, ask.request, step)}
    if step.binds is Scope.RELEASE and people and people == {release.plan.started_by}:
        reasons.append(f"{about}: whoever started the release cannot be its only signer")
    return reasons


def may_ship(release: Release, steps: Sequence[Step]) -> Verdict:
    """Whether the newest candidate may go to production: every step passed, in order, nothing held.

    Every failing rule is reported, not only the first.
    """
    reasons: list[str] = []
    if release.phase is not Phase.SIGN_OFF:
        reasons.append(f"the release stands in {release.phase}")
    if release.hold:
        reasons.append(f"the release is held: {release.hold.reason}")
    for step in steps:
        reasons += passed(release, step).reasons
        if not release.has_passed(step.id):
            reasons.append(f"{step.title} is not concluded")
    return Verdict(reasons=tuple(reasons))
