"""Looking up at the vendors what they say of the people in the file, and who is in Slack's user groups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from integrations.errors import IntegrationError, NotFound, Refused
from lifecycle import slack_groups
from lifecycle.people import Account, Vendor, account_id
from lifecycle.policy import Person
from lifecycle.slack_groups import GroupRead
from tasks.context import gitlab, jira, ledger, policy, slack
from tasks.walk import new_events


def look_up(vendor: Vendor, people: Iterable[Person], found: list[Account]) -> str:
    """Add to `found` what `vendor` says of everybody who has an id there, one after the other.

    It ends at the first that the vendor does not answer: the next would fare no better. What was found
    until then stands.

    Returns:
        Why it ended early, "" if everybody was looked up.
    """
    try:
        for person in people:
            if not account_id(person, vendor):
                continue
            found.append(account(vendor, person))
    except IntegrationError as error:
        return str(error)
    return ""


def account(vendor: Vendor, person: Person) -> Account:
    """What `vendor` says of the person's account; that it does not know it is an answer too.

    Raises:
        Transient: no answer.
        Refused: these credentials may not look.
    """
    try:
        return _ASK[vendor](person)
    except NotFound:
        return Account(person=person.id, vendor=vendor, found=False)


def _in_jira(person: Person) -> Account:
    user = jira().user(person.jira)
    return Account(
        person=person.id,
        vendor=Vendor.JIRA,
        active=user.active,
        bot=user.is_bot,
        emails=_told(user.email),
    )


def _in_gitlab(person: Person) -> Account:
    user = gitlab().user(person.gitlab)
    return Account(
        person=person.id,
        vendor=Vendor.GITLAB,
        active=user.state in ("active", ""),
        bot=user.bot,
        emails=_told(user.email, user.public_email),
    )


def _in_slack(person: Person) -> Account:
    user = slack().user(person.slack)
    return Account(
        person=person.id,
        vendor=Vendor.SLACK,
        active=not user.deleted,
        bot=user.is_bot,
        emails=_told(user.email),
        time_zone=user.tz,
    )


_ASK = {Vendor.JIRA: _in_jira, Vendor.GITLAB: _in_gitlab, Vendor.SLACK: _in_slack}


def _told(*emails: str) -> tuple[str, ...]:
    """The addresses that a vendor really told, each once."""
    return tuple(dict.fromkeys(email for email in emails if email))


def groups_now() -> dict[str, GroupRead]:
    """What Slack says of each user group that fills a role, by role. Reads only.

    Raises:
        Transient: no answer.
    """
    found: dict[str, GroupRead] = {}
    for role, group in policy().slack_groups.items():
        try:
            found[role] = slack_groups.reading(role, group, slack().group_members(group))
        except (NotFound, Refused) as error:
            found[role] = slack_groups.reading(role, group, None, error.detail)
    return found


def read_groups() -> list[str]:
    """Look who is in the user groups that fill roles; what changed is a fact, and counts from now on.

    Returns:
        A sentence for each role whose holders changed.

    Raises:
        Transient: no answer; what was read last stands.
        Conflict: somebody else recorded a reading at the same moment; look again.
    """
    if not policy().slack_groups:
        return []
    stream = slack_groups.STREAM
    known = ledger().events(stream)
    news = slack_groups.news(slack_groups.fold(event.data for event in known), groups_now())
    if news:
        expected = known[-1].revision if known else 0
        ledger().append(stream, new_events(stream, news), now=datetime.now(UTC), expected=expected)
    return [slack_groups.sentence(read, policy()) for read in news]
