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
    instead_of: str | None = None
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
    """What is asked at `step`: each finished issue, or once for all of them (None) if all are finished."""
    if step.binds is Scope.ISSUE:
        return [key for key in release.delivers if key not in release.unfinished]
    return () if release.unfinished else (None,)


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


def _counting(release: Release, request: str, step: Step) -> list[e.SignOffGiven]:
    """The signatures that count, carried or not: none of who wrote part of the candidate asked about."""
    ask = release.question(request)
    asked_about = [c.authors for c in release.candidates if ask and c.number == ask.number]
    authors = () if step.authors_may_sign else {author for some in asked_about for author in some}
    chain = _chain(release, request)
    return [s for s in release.signatures if s.request in chain and s.person not in authors]


def missing(release: Release, request: str, step: Step) -> dict[str, int]:
    """How many signatures of which role `request` still lacks."""
    # A deputy's voice is that of the person they stand in for, so the two never count as two.
    voices = {(s.role, s.instead_of or s.person) for s in _counting(release, request, step)}
    lacks = {role: needed - sum(r == role for r, _ in voices) for role, needed in step.quorum.items()}
    return {role: count for role, count in lacks.items() if count > 0}


def may_sign(release: Release, request: str, person: Person, policy: Policy) -> Signing:
    """Whether `person` may sign `request` now, with every reason against it.

    A person who holds several of the wanted roles signs for the first that still lacks someone.
    """
    ask = release.question(request)
    step = next((s for s in policy.steps if ask and s.id == ask.step), None)
    if ask is None or step is None:
        return Signing(reasons=("nobody was asked for this sign-off",))
    given = signers(release, request)
    voices = [v for v in _voices(release, ask, step, person, policy) if (v[0], person.id) not in given]
    lacking = missing(release, request, step)
    role, instead_of = next((v for v in voices if v[0] in lacking), next(iter(voices), ("", None)))
    reasons = [*_request_is_dead(release, ask), *_person_is_barred(release, step, person)]
    if not role and any(who == person.id for _, who in given):
        reasons.append("you have signed this already")
    elif not role:
        reasons.append(f"{step.title} is signed by {' and '.join(step.quorum)}")
    turn = _round(release, request, role, person.id)
    return Signing(role=role, instead_of=instead_of, round=turn, reasons=tuple(reasons))


def _voices(
    release: Release, ask: e.SignOffAsked, step: Step, person: Person, policy: Policy
) -> list[tuple[str, str | None]]:
    """The (role, instead of whom) in which `person` may sign: their own, or as a deputy who was asked."""
    own: list[tuple[str, str | None]] = [(role, None) for role in step.quorum if role in person.roles]
    asked = [d for d in release.deputies if (d.step, d.number, d.deputy) == (ask.step, ask.number, person.id)]
    absent = [policy.person(deputy.person) for deputy in asked]
    return own or [(role, p.id) for p in absent if p for role in step.quorum if role in p.roles]


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
    if not _voices(release, ask, step, person, policy):
        reasons.append(f"{step.title} is decided by {' and '.join(step.quorum)}")
    return Verdict(reasons=tuple(reasons))


def _request_is_dead(release: Release, ask: e.SignOffAsked) -> list[str]:
    newest = release.candidate.number if release.candidate else 0
    if ask.number != newest:
        return [f"candidate {ask.number} is superseded by candidate {newest}"]
    if ask.plan_hash != release.plan.plan_hash:
        return ["the scope of the release was changed since; the next candidate is asked about anew"]
    if release.is_returned(ask.request):
        return ["it was returned for rework"]
    if release.is_expired(ask.request):
        return ["it was not signed in time; ask for a new candidate"]
    if release.staged is None:
        return ["another release has staging; this one is brought there again first"]
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


def speakers(release: Release, request: str, role: str, policy: Policy) -> tuple[Person, ...]:
    """Who could sign `request` in `role`: those who hold it, then the deputies asked in place of one."""
    ask = release.question(request)
    asked = [d for d in release.deputies if ask and (d.step, d.number) == (ask.step, ask.number)]
    holders = policy.with_role(role)
    away = {person.id for person in holders}
    deputies = (policy.person(d.deputy) for d in asked if d.person in away)
    return (*holders, *(p for p in deputies if p and p.active and p not in holders))


def awaited(release: Release, step: Step, policy: Policy) -> dict[str, tuple[e.SignOffAsked, ...]]:
    """By person, the open questions of `step` that wait for exactly them; in the people file's order."""
    open_ = [a for a in release.asked_now(step.id) if missing(release, a.request, step)]
    found = {p.id: tuple(a for a in open_ if _is_awaited(release, a, step, p, policy)) for p in policy.people}
    return {person: asks for person, asks in found.items() if asks}


def _is_awaited(release: Release, ask: e.SignOffAsked, step: Step, person: Person, policy: Policy) -> bool:
    signing = may_sign(release, ask.request, person, policy)
    return signing.allowed and signing.role in missing(release, ask.request, step)


def may_override(release: Release, step: Step | None, person: Person, policy: Policy) -> Verdict:
    """Whether `person` may let the newest candidate past `step` unsigned, with every reason against it."""
    reasons: list[str] = []
    if not set(policy.break_glass) & set(person.roles):
        who = " and ".join(policy.break_glass) or "nobody: the policy names no role under break_glass"
        reasons.append(f"a sign-off is overridden by {who}")
    if step is None:
        reasons.append("this release has no such step")
    elif release.override(step.id) or release.has_passed(step.id):
        reasons.append(f"{step.title} has passed already")
    return Verdict(reasons=tuple(reasons))


def passed(release: Release, step: Step) -> Verdict:
    """Whether every question of `step` about the newest candidate has its quorum; if not, all it lacks.

    A step that somebody overrode has passed for that candidate, and for no other. A candidate without all
    issues of the release passes no step.
    """
    reasons = not_finished(release)
    if release.override(step.id):
        return Verdict(reasons=tuple(reasons))
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
    if release.is_expired(ask.request):
        reasons.append(f"{about} was not signed in time")
    reasons += [f"{about} lacks {n} {role}" for role, n in missing(release, ask.request, step).items()]
    people = {s.person for s in _counting(release, ask.request, step)}
    if step.binds is Scope.RELEASE and people and people == {release.plan.started_by}:
        reasons.append(f"{about}: whoever started the release cannot be its only signer")
    return reasons


def not_finished(release: Release) -> list[str]:
    """Why the newest candidate is only an early one."""
    tag = release.candidate.tag if release.candidate else ""
    return [f"{key} was not finished when {tag} was cut" for key in release.unfinished]


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
