"""Starting a release by hand, a hotfix above all: what the weekly review does for all others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.errors import NotFound
from lifecycle import events, planning
from lifecycle import release as rules
from lifecycle.policy import Person, Project
from lifecycle.release import Phase, Release
from lifecycle.workflow import Status, issue_keys
from tasks import code, folding, issues
from tasks.context import jira, ledger, policy
from tasks.decisions import Outcome
from tasks.walk import new_events

MAY_START = ("manager", "management", "release", "devops")
"""The roles that start a release without a review."""

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True)
class _Cut:
    """What a release is cut from, and what it takes over from a rolled-back one."""

    base: str
    carries: tuple[str, ...] = ()
    supersedes: str | None = None


class _Refusal(Exception):
    """The rules say no; the text is for the person."""


def start_release(
    project_id: str,
    version: str,
    keys: Sequence[str],
    person_id: str,
    *,
    hotfix_of: str = "",
    group: str = "",
    now: datetime | None = None,
) -> Outcome:
    """Plan `version` with these Jira issues and wake its run; a repeat of the same changes nothing.

    A hotfix is cut from the tag of `hotfix_of`. If that version was rolled back, its issues go out with
    this one, which supersedes it. Releases of several projects with the same `group` go out together. The
    issues get the fix version in Jira before the plan is recorded.

    Raises:
        Transient: Jira, GitLab or the ledger did not answer; call again.
    """
    subject = rules.release_id(project_id, version)
    try:
        person = _starter(person_id)
        project, wanted = policy().project(project_id), _wanted(keys)
        standing = _release(subject)
        if standing is not None:
            return _known(standing, wanted, hotfix_of, subject)
        planned = _planned(project, version, wanted, person, hotfix_of)
        planned = planned.model_copy(update={"group": group})
        _not_elsewhere(planned)
    except _Refusal as refusal:
        return Outcome(accepted=False, message=f"Not started: {refusal}.", subject=subject)
    jira().ensure_version(project.jira, version, f"Started by {person.name}")
    for key in (*planned.carries, *planned.issues):
        issues.add_fix_version.fn(project.jira, key, version)
    moment = now or datetime.now(UTC)
    ledger().append(subject, new_events(subject, [planned]), now=moment, wake=True)
    return _known(_release(subject), wanted, hotfix_of, subject, f"{version} is started.")


def start_hotfix(project_id: str, version: str, keys: Sequence[str], person_id: str) -> Outcome:
    """Plan `version` as a hotfix of what production serves; see `start_release`.

    Raises:
        Transient: Jira, GitLab or the ledger did not answer; call again.
    """
    production = code.production_tag(policy().project(project_id).gitlab)
    if production is None:
        return Outcome(accepted=False, message="Not started: nothing is in production yet.")
    # Once this very hotfix is in production itself, a repeat is one all the same.
    known = _release(rules.release_id(project_id, version))
    base = known.plan.base if known is not None else production[0]
    return start_release(project_id, version, keys, person_id, hotfix_of=base)


def _wanted(keys: Sequence[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(key.strip().upper() for key in keys))
    if not wanted:
        raise _Refusal("a release needs an issue")
    return wanted


def _known(
    standing: Release | None, wanted: tuple[str, ...], hotfix_of: str, subject: str, started: str = ""
) -> Outcome:
    """What to say of a release that is on record: ours (just now or long ago), or somebody else's."""
    plan = standing.plan if standing else None
    kind = "hotfix" if hotfix_of else "regular"
    if plan is None or (set(plan.issues), plan.release_kind) != (set(wanted), kind):
        return Outcome(
            accepted=False, message="Not started: this version is planned already.", subject=subject
        )
    if started:
        return Outcome(accepted=True, message=started, subject=subject)
    message = f"{plan.version} was started already."
    return Outcome(accepted=True, message=message, subject=subject, repeated=True)


def _starter(person_id: str) -> Person:
    person = policy().person(person_id)
    if person is None:
        raise _Refusal("you are not in Conveyor's people file")
    if not person.active:
        raise _Refusal("your account is deactivated")
    if not set(MAY_START) & set(person.roles):
        raise _Refusal(f"to start a release is for {', '.join(MAY_START)}")
    return person


def _planned(
    project: Project, version: str, wanted: tuple[str, ...], person: Person, hotfix_of: str
) -> events.Planned:
    if not _VERSION.fullmatch(version):
        raise _Refusal(f"{version} is no version like 1.4.0")
    if hotfix_of == version:
        raise _Refusal("a hotfix needs a version of its own")
    titles = {key: _title(project, key) for key in wanted}
    cut = _hotfix_cut(project, hotfix_of) if hotfix_of else _Cut(project.main)
    delivered = sorted({*cut.carries, *wanted})
    return events.Planned(
        project=project.id,
        version=version,
        release_kind="hotfix" if hotfix_of else "regular",
        issues=wanted,
        titles={**titles, **issues.titles([key for key in cut.carries if key not in titles])},
        carries=cut.carries,
        base=cut.base,
        plan_hash=planning.scope_hash(version, delivered, [delivered]),
        started_by=person.id,
        supersedes=cut.supersedes,
    )


def _title(project: Project, key: str) -> str:
    """The issue's summary, if it is an open issue of the project."""
    if issue_keys(key, project.jira) != (key,):
        raise _Refusal(f"{key} is no issue of {project.jira}")
    try:
        status = issues.status_of(project, key)
    except NotFound:
        raise _Refusal(f"Jira has no {key}") from None
    if status in (Status.RELEASED, Status.CLOSED):
        raise _Refusal(f"{key} is {status} already")
    return issues.titles([key])[key]


def _hotfix_cut(project: Project, version: str) -> _Cut:
    broken = _release(rules.release_id(project.id, version))
    if broken is None:
        production = code.production_tag(project.gitlab)
        if production is None or production[0] != version:
            raise _Refusal(f"{version} is neither a release nor in production")
        return _Cut(version)
    if broken.production is None:
        raise _Refusal(f"{version} has not been in production: it needs a candidate, no hotfix")
    if broken.phase is Phase.ROLLED_BACK:
        return _Cut(broken.production.tag, broken.taken_back, version)
    return _Cut(broken.production.tag)


def _not_elsewhere(planned: events.Planned) -> None:
    """Refuse an issue that is on its way with another release."""
    for stream in ledger().subjects(rules.release_id(planned.project, "")):
        other = _release(stream)
        if other is None or other.phase.terminal or other.plan.version == planned.supersedes:
            continue
        if twice := sorted({*planned.issues, *planned.carries} & set(other.delivers)):
            raise _Refusal(f"{', '.join(twice)} goes out with {other.plan.version}")


def _release(subject: str) -> Release | None:
    return folding.release_of(subject)
