"""Changing a release's scope after its closing: one core for Slack and the command line.

The contract is that of `tasks.decisions.decide`: a door authenticates and says who; whether it counts is
decided here, and an accepted decision is on the ledger together with the release's wake-up before this
returns. Only `ask_change` reads a vendor (Jira, about the issues it names); nothing is written to any. A door
calls afterwards `tasks.plan_messages.refresh(outcome.subject)`.

    Slack's action_id   value               calls
    scope.approve       the change's id     approve(value, person, ...)
    scope.refuse        the change's id     refuse(value, person, reason, ...)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from integrations.errors import Conflict, NotFound
from lifecycle import events as e
from lifecycle import people, scope_changes
from lifecycle import release as rules
from lifecycle.candidates import READY
from lifecycle.policy import Person, Project
from lifecycle.release import Door, IllegalEvent, Release
from lifecycle.removal import Removal
from lifecycle.requests import one_line
from lifecycle.scope import ScopeLine
from lifecycle.verdict import Verdict
from lifecycle.workflow import Status, issue_keys
from tasks import folding, issues, plans
from tasks.context import jira, ledger, policy
from tasks.deciding import no, record_all
from tasks.decisions import Outcome


class _Refusal(Exception):
    """The rules say no; the text is for the person."""


_Decided = tuple[Sequence[e.ReleaseEvent], str]


def ask_change(
    stream: str,
    add: Sequence[str],
    remove: Sequence[str],
    why: str,
    person_id: str,
    door: Door = "cli",
    now: datetime | None = None,
    *,
    removal: Removal | None = None,
) -> Outcome:
    """Ask the review's roles for another scope; the same wish, while it waits, is no second one.

    `removal` is what leaves the release branch along with it, once they have approved.

    Raises:
        Transient: Jira or the ledger did not answer; call again.
    """
    adding, removing = _keys(add), _keys(remove)

    def attempt(person: Person, release: Release, moment: datetime) -> _Decided:
        standing = release.scope_change
        if standing and (tuple(x.key for x in standing.add), standing.remove) == (adding, removing):
            return (standing,), ""
        if not one_line(why):
            raise _Refusal("Not asked: say why.")
        project = policy().project(release.plan.project)
        reverts = removal.told if removal else ()
        leaves = {key for each in reverts for key in each.issues}
        lines, reasons = _read(project, release, adding, [key for key in removing if key not in leaves])
        verdict = scope_changes.may_ask(release, lines, removing, reverts)
        if reasons or not verdict.allowed:
            raise _Refusal(f"Not asked: {'; '.join((*verdict.reasons, *reasons))}.")
        fact = scope_changes.asking(
            release,
            stream,
            lines,
            removing,
            why=one_line(why),
            person=person.id,
            door=door,
            due=moment + policy().review.due,
            removal=removal,
        )
        who = " and ".join(scope_changes.missing(release, fact.request, policy()))
        asked = f"Asked: it takes effect once {who} approved."
        return (fact,), " ".join((asked, *scope_changes.to_merge(release, lines)))

    return _decided(stream, attempt, person_id, now)


def approve(request: str, person_id: str, door: Door = "slack", now: datetime | None = None) -> Outcome:
    """Approve a change in every role the person speaks for; with the last role it takes effect."""

    def attempt(person: Person, release: Release, moment: datetime) -> _Decided:
        given = [a for a in release.scope_approved if (a.request, a.person) == (request, person.id)]
        if given:
            return given, ""
        may = scope_changes.may_decide(release, request, person, policy(), moment)
        if not may.allowed:
            raise _Refusal(f"Not approved: {'; '.join(may.reasons)}.")
        fact = e.ScopeChangeApproved(
            request=request, person=person.id, roles=may.roles, instead_of=may.instead_of, door=door
        )
        after = rules.apply(release, fact)
        follows = scope_changes.effect(after, policy())
        if isinstance(follows, Verdict):
            raise _Refusal(f"Not approved: {'; '.join(follows.reasons)}.")
        if follows is not None and after.scope_change and after.scope_change.reverts:
            return (fact,), "Approved: its merges are taken out of the branch now, then the scope is changed."
        if follows is not None:
            return (fact, follows), "Approved: the scope is changed."
        missing = scope_changes.missing(after, request, policy())
        return (fact,), f"Approved; still to approve: {', '.join(missing)}."

    return _decided(_stream_of(request), attempt, person_id, now)


def refuse(
    request: str, person_id: str, reason: str, door: Door = "slack", now: datetime | None = None
) -> Outcome:
    """Refuse a change, with the reason: it is over. Who asked for it may take it back so."""

    def attempt(person: Person, release: Release, moment: datetime) -> _Decided:
        over = [r for r in release.scope_refused if r.request == request]
        if over and over[0].person == person.id:
            return over, ""
        asked = release.scope_change
        own = asked is not None and (asked.request, asked.person) == (request, person.id)
        may = scope_changes.may_decide(release, request, person, policy(), moment)
        if not may.allowed and not own:
            raise _Refusal(f"Not refused: {'; '.join(may.reasons)}.")
        if asked is not None and asked.reverts and scope_changes.agreed(release, policy()):
            raise _Refusal("Not refused: everybody has approved, and its merges are being taken out.")
        if not one_line(reason):
            raise _Refusal("Not refused: say why.")
        fact = e.ScopeChangeRefused(request=request, person=person.id, reason=one_line(reason), door=door)
        return (fact,), "Refused: the plan stays as it is."

    return _decided(_stream_of(request), attempt, person_id, now)


def _keys(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key.strip().upper() for key in keys)


def _stream_of(request: str) -> str:
    asked = ledger().event_by_key(f"ScopeChangeAsked:{request}")
    return asked.subject if asked else ""


def _read(
    project: Project, release: Release, add: Sequence[str], remove: Sequence[str]
) -> tuple[list[ScopeLine], list[str]]:
    """The issues to add as a plan counts them, and what Jira has against the change."""
    lines: list[ScopeLine] = []
    reasons: list[str] = []
    for key in add:
        line, why = _addable(project, release, key)
        lines.append(line)
        reasons += [why] if why else []
    standing = {key: _status(project, key) for key in remove if key in release.plan.issues}
    reasons += [
        f"{key} is in {status}: its changes are merged and would go out all the same"
        for key, status in standing.items()
        if status in READY
    ]
    return lines, reasons


def _addable(project: Project, release: Release, key: str) -> tuple[ScopeLine, str]:
    """The issue as a plan counts it, and why it cannot be added, or ""."""
    ours = issue_keys(key, project.jira) == (key,)
    status = _status(project, key) if ours else None
    issue = jira().issue(key) if status is not None else None
    why = scope_changes.not_addable(
        key,
        project.jira,
        status,
        open_questions=issue is not None and plans.NEEDS_INFO in issue.labels,
        goes_out_with=_other_release(project, release, key),
    )
    line = ScopeLine(key=key) if why or issue is None else plans.scope_line(project, issue)
    return line, why


def _other_release(project: Project, release: Release, key: str) -> str:
    """The version of another open release that delivers the issue, or ""."""
    for stream in ledger().subjects(rules.release_id(project.id, "")):
        other = folding.release_of(stream)
        if other and not other.phase.terminal and key in other.delivers and stream != _stream(release):
            return other.plan.version
    return ""


def _status(project: Project, key: str) -> Status | None:
    try:
        return issues.status_of(project, key)
    except NotFound:
        return None


def _stream(release: Release) -> str:
    return rules.release_id(release.plan.project, release.plan.version)


def _decided(
    stream: str,
    attempt: Callable[[Person, Release, datetime], _Decided],
    person_id: str,
    now: datetime | None,
) -> Outcome:
    """Attempt as that person, again while others write to the same release at the same moment."""
    person = policy().person(person_id)
    if person is None or people.barred_from_planning(person):
        return no(people.barred_from_planning(person))
    for _ in range(10):
        known = ledger().events(stream) if stream else ()
        release = folding.folded(known)
        if release is None or not known:
            return no("There is no such plan, or nobody asked for such a change.")
        moment = now or datetime.now(UTC)
        try:
            facts, message = attempt(person, release, moment)
            for fact in facts:
                release = rules.apply(release, fact)
            told = record_all(stream, facts, known, moment, wake=True)
        except Conflict:
            continue  # somebody decided at the same moment: look again
        except (_Refusal, IllegalEvent) as refusal:
            return no(str(refusal), stream)
        text = message if told else "This was decided already; nothing changed."
        return Outcome(accepted=True, message=text, subject=stream, repeated=not told)
    raise Conflict("ledger", "decide", stream)
