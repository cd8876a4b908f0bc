"""Who may change a release's scope after the review has closed it, and when a change takes effect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from lifecycle import events as e
from lifecycle.phases import TRANSITIONS
from lifecycle.policy import Person, Policy
from lifecycle.release import Release, release_branch, scope_of
from lifecycle.removal import Removal, Reverted
from lifecycle.scope import Difference, Scope, ScopeLine, changed, difference, objections
from lifecycle.signoff import request_id
from lifecycle.verdict import Verdict
from lifecycle.workflow import Status, issue_keys


class Approving(BaseModel):
    """May this person approve: in which roles, instead of whom; or every reason why not."""

    model_config = ConfigDict(frozen=True)
    roles: tuple[str, ...] = ()
    instead_of: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons


def may_ask(
    release: Release, add: Sequence[ScopeLine], remove: Sequence[str], reverts: Sequence[Reverted] = ()
) -> Verdict:
    """Whether this change may be put to the review's roles now, with every reason against it."""
    if (release.phase, "ScopeChangeAsked") not in TRANSITIONS:
        return Verdict(reasons=(f"the release is past it: {release.phase}",))
    if release.scope_change is not None:
        return Verdict(reasons=("another change waits: approve or refuse that first",))
    reasons = [*objections(release.scope, add, remove), *_merged(release, remove, reverts)]
    reasons += [
        f"{line.key} goes out with this release already" for line in add if line.key in release.plan.carries
    ]
    return Verdict(reasons=tuple(reasons))


def not_addable(
    key: str, project_key: str, status: Status | None, *, open_questions: bool, goes_out_with: str
) -> str:
    """Why the issue cannot come to a release of the Jira project `project_key`, or "".

    `status`: None if Jira has no such issue; `goes_out_with`: the other open release that has it.
    """
    if issue_keys(key, project_key) != (key,):
        return f"{key} is no issue of {project_key}"
    if status is None:
        return f"Jira has no {key}"
    if status in (Status.RELEASED, Status.CLOSED):
        return f"{key} is {status} already"
    if open_questions:
        return f"{key} has open questions"
    return f"{key} goes out with {goes_out_with}" if goes_out_with else ""


def _merged(release: Release, remove: Collection[str], reverts: Sequence[Reverted]) -> list[str]:
    """What cannot be taken out of the plan alone: its merges are in the candidate."""
    candidate, taken_out = release.candidate, {key for each in reverts for key in each.issues}
    return [
        f"{key}: its merges are in candidate {candidate.number}; the code has to be taken out first"
        for key in remove
        if candidate is not None and candidate.digests.get(key) and key not in taken_out
    ]


def to_merge(release: Release, add: Sequence[ScopeLine]) -> tuple[str, ...]:
    """What whoever adds issues has to know once the release branch is cut: main alone does not bring them."""
    cut = release.candidate is not None and release.candidate.branch != release.plan.base
    if not add or not (cut or release.plan.release_kind == "hotfix"):
        return ()
    keys, branch = ", ".join(line.key for line in add), release_branch(release.plan.version)
    needs = "needs its" if len(add) == 1 else "each need their"
    return (
        f"{branch} is cut already: {keys} {needs} own merge request onto it. "
        "What is merged to the main branch alone does not go out with this release.",
    )


def asking(
    release: Release,
    stream: str,
    add: Sequence[ScopeLine],
    remove: Sequence[str],
    *,
    why: str,
    person: str,
    door: str,
    due: datetime,
    removal: Removal | None = None,
) -> e.ScopeChangeAsked:
    """The question to put. It binds the plan as it stands and the plan it leads to; each asking is its own.

    Raises:
        Cycle: the new plan has a circle; `may_ask` says so.
    """
    wanted: dict[str, object] = {
        "add": [line.key for line in add],
        "remove": list(remove),
        "plan_hash": release.plan.plan_hash,
        "number": len(release.scope_asked) + 1,
    }
    return e.ScopeChangeAsked(
        request=request_id(stream, wanted),
        add=tuple(add),
        remove=tuple(remove),
        plan_hash=release.plan.plan_hash,
        new_hash=changed(release.scope, add, remove).plan_hash,
        why=why,
        person=person,
        door=door,
        due=due,
        reverts=removal.told if removal else (),
        because=removal.dependents if removal else (),
    )


def may_decide(release: Release, request: str, person: Person, policy: Policy, now: datetime) -> Approving:
    """Whether `person` may approve (or refuse) the change `request` now, in all the roles they speak for.

    From `due` on the deputy of whoever holds a role may speak in their place. Where the policy names no
    roles, anybody of the team is enough.
    """
    asked = release.scope_change
    if asked is None or asked.request != request:
        return Approving(reasons=("nobody waits for a decision on this change",))
    if (release.phase, "ScopeChanged") not in TRANSITIONS:
        return Approving(reasons=(f"the release is past it: {release.phase}",))
    if not person.active:
        return Approving(reasons=("your account is deactivated",))
    wanted = policy.review.roles
    own = tuple(role for role in wanted if role in person.roles)
    if own or (not wanted and set(person.roles) - {"client"}):
        return Approving(roles=own)
    if now >= asked.due:
        for absent in policy.people:
            held = tuple(role for role in wanted if role in absent.roles)
            if absent.deputy == person.id and held:
                return Approving(roles=held, instead_of=absent.id)
    who = " and ".join(wanted) or "the team"
    return Approving(reasons=(f"a change of scope is decided by {who}",))


def missing(release: Release, request: str, policy: Policy) -> tuple[str, ...]:
    """The roles of the review that have not approved `request` yet."""
    given = [fact for fact in release.scope_approved if fact.request == request]
    roles = {role for fact in given for role in fact.roles}
    if not policy.review.roles:
        return () if given else ("one of the team",)
    return tuple(role for role in policy.review.roles if role not in roles)


def may_leave(release: Release, issue: str | None) -> bool:
    """Whether taking the issue out can be put to the review's roles, as far as the plan goes."""
    return issue is not None and may_ask(release, (), (issue,), (Reverted(sha="", issues=(issue,)),)).allowed


def agreed(release: Release, policy: Policy) -> bool:
    """Every role has approved the change that waits; if it reverts merges, that is under way."""
    asked = release.scope_change
    return asked is not None and not missing(release, asked.request, policy)


def speaks(person: Person, policy: Policy) -> bool:
    """Whether `person` has a say in a change of scope."""
    wanted = set(policy.review.roles)
    return person.active and bool(set(person.roles) & wanted if wanted else set(person.roles) - {"client"})


def effect(release: Release, policy: Policy) -> Verdict | e.ScopeChanged | None:
    """What follows for the change that waits: None while a role is missing, then the fact that it took
    effect, or why it cannot any more.

    Approvals in any order come to the same.
    """
    asked = release.scope_change
    if asked is None or missing(release, asked.request, policy):
        return None
    if late := _merged(release, asked.remove, asked.reverts):
        return Verdict(reasons=tuple(late))
    after = changed(release.scope, asked.add, asked.remove)
    return e.ScopeChanged(request=asked.request, plan_hash=asked.new_hash, issues=after.issues)


def before_and_after(release: Release, request: str) -> tuple[Scope, Scope] | None:
    """The scope that a change was asked for, and the one it leads to; None if nobody asked for it.

    Told for changes that are decided too: the plan is followed from its closing on.
    """
    before = scope_of(release.closed)
    effective = {fact.request for fact in release.scope_changed}
    for asked in release.scope_asked:
        after = changed(before, asked.add, asked.remove)
        if asked.request == request:
            return before, after
        if asked.request in effective:
            before = after
    return None


def told(release: Release, request: str) -> Difference | None:
    """The difference that a change of scope makes, None if nobody asked for it."""
    both = before_and_after(release, request)
    return None if both is None else difference(*both)


def since_closing(release: Release) -> tuple[str, ...]:
    """One line for every change that took effect, oldest first: what, who asked, who approved, why."""
    asked = {fact.request: fact for fact in release.scope_asked}
    return tuple(_line(asked[fact.request], release) for fact in release.scope_changed)


def _line(asked: e.ScopeChangeAsked, release: Release) -> str:
    by = [fact.person for fact in release.scope_approved if fact.request == asked.request]
    return f"{asked.changes}: {asked.why} (asked by {asked.person}, approved by {', '.join(by)})"
