"""Who of the people file plans, and whether the file still says what the vendors say of the same accounts.

Who may decide stands in the file alone: what differs at a vendor is told to a person and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from lifecycle import slack_groups
from lifecycle.calendar import is_zone
from lifecycle.policy import Person, Policy, Step
from lifecycle.slack_groups import GroupRead

_HALF_A_YEAR = timedelta(days=182)


class Vendor(StrEnum):
    """Where a person of the file may have an account."""

    JIRA = "Jira"
    GITLAB = "GitLab"
    SLACK = "Slack"


class Account(BaseModel):
    """What `vendor` says of the id that the file gives for `person`; what it does not tell is empty."""

    model_config = ConfigDict(frozen=True)

    person: str
    vendor: Vendor
    found: bool = True
    active: bool = True
    bot: bool = False
    emails: tuple[str, ...] = ()
    time_zone: str = ""


class Finding(BaseModel):
    """One difference. A problem stops somebody from deciding, or lets the wrong one; a hint does not.

    `person` is empty where it is about a step, `vendor` then the one that is lacking.
    """

    model_config = ConfigDict(frozen=True)

    severity: Literal["problem", "hint"]
    person: str
    vendor: Vendor
    sentence: str


def account_id(person: Person, vendor: Vendor) -> str:
    """The id of the person's account there as the file gives it; "" for none."""
    ids = {Vendor.JIRA: person.jira, Vendor.GITLAB: str(person.gitlab or ""), Vendor.SLACK: person.slack}
    return ids[vendor]


def differences(policy: Policy, accounts: Sequence[Account], now: datetime) -> tuple[Finding, ...]:
    """All that differs between the people file and the accounts that were looked up, in the file's order.

    An account that is not among `accounts` was not looked up, so nothing is said of it.
    """
    seen = {(account.person, account.vendor): account for account in accounts}
    found = [
        finding
        for person in policy.people
        for vendor in Vendor
        if (account := seen.get((person.id, vendor)))
        for finding in _of_account(policy, person, account, now)
    ]
    return (*found, *_silent_steps(policy, seen))


def barred_from_planning(person: Person | None) -> str:
    """Why this person (None: nobody in the file) decides nothing in planning, or ""."""
    if person is None:
        return "You are not in Conveyor's people file, so nothing was decided."
    if not person.active:
        return "Your account is deactivated, so nothing was decided."
    return "" if set(person.roles) - {"client"} else "Planning is the team's: nothing was decided."


def _of_account(policy: Policy, person: Person, account: Account, now: datetime) -> Iterator[Finding]:
    if not account.found:
        id_ = account_id(person, account.vendor)
        # Who decides nothing any more may well be gone there too.
        yield _finding(person, account, f"has no account {id_}", problem=person.active)
        return
    if person.active and not account.active:
        yield _finding(person, account, "has deactivated the account, the file calls it active")
    if account.active and not person.active:
        yield _finding(person, account, "has an active account, the file calls it deactivated", problem=False)
    if account.bot:
        yield _finding(person, account, "says that this is a bot's account")
    for email in account.emails:
        yield from _of_email(policy, person, account, email)
    if account.time_zone and _other_clock(person.time_zone, account.time_zone, now):
        zones = f"says time zone {account.time_zone}, the file {person.time_zone}"
        yield _finding(person, account, zones, problem=False)


def _of_email(policy: Policy, person: Person, account: Account, email: str) -> Iterator[Finding]:
    owner = policy.by_email(email)
    if owner is person:
        return
    if owner is not None:
        yield _finding(person, account, f"has the e-mail {email}, which is {owner.name}'s in the file")
    elif person.emails:
        yield _finding(person, account, f"has the e-mail {email}, which is not among the file's")
    else:
        # There is nothing to be unlike; without an e-mail nobody is known as an author.
        yield _finding(person, account, f"has the e-mail {email}, the file has none", problem=False)


def _other_clock(here: str, there: str, now: datetime) -> bool:
    """Whether the two zones show different times, today or half a year on; a zone nobody knows does.

    Slack has one name for several zones of the same hour, so names say too much.
    """
    if not is_zone(there):
        return True
    moments = (now, now + _HALF_A_YEAR)
    return any(
        m.astimezone(ZoneInfo(here)).utcoffset() != m.astimezone(ZoneInfo(there)).utcoffset() for m in moments
    )


def _finding(person: Person, account: Account, what: str, *, problem: bool = True) -> Finding:
    return Finding(
        severity="problem" if problem else "hint",
        person=person.id,
        vendor=account.vendor,
        sentence=f"{person.name} ({person.id}): {account.vendor} {what}.",
    )


def _silent_steps(policy: Policy, seen: Mapping[tuple[str, Vendor], Account]) -> Iterator[Finding]:
    """The sign-offs that are asked for in Slack of a role that has too few people there."""
    for step in policy.steps:
        if step.by_link:
            continue
        for role, needed in step.quorum.items():
            there = [p for p in policy.with_role(role) if _hears_slack(p, seen.get((p.id, Vendor.SLACK)))]
            if len(there) < needed:
                sentence = _silence(step, role, needed, len(there))
                yield Finding(severity="problem", person="", vendor=Vendor.SLACK, sentence=sentence)


def _hears_slack(person: Person, account: Account | None) -> bool:
    """The file gives an id, and nothing that was looked up speaks against it."""
    return bool(person.slack) and (account is None or (account.found and account.active and not account.bot))


def _silence(step: Step, role: str, needed: int, there: int) -> str:
    have = "none of them has" if not there else f"only {there} of them {'has' if there == 1 else 'have'}"
    return (
        f"{step.title} ({step.id}): needs {needed} {role}, and {have} a Slack account that works; "
        "the step is not by_link either."
    )


def group_findings(policy: Policy, reads: Mapping[str, GroupRead]) -> tuple[Finding, ...]:
    """Which user groups Slack does not open, and which have members whom the file does not know."""
    return tuple(
        Finding(severity="hint", person="", vendor=Vendor.SLACK, sentence=slack_groups.sentence(read, policy))
        for read in reads.values()
        if read.members is None or slack_groups.strangers(policy, read)
    )
