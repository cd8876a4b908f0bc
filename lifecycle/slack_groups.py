"""Roles that a Slack user group fills: who is in the group and in the people file holds the role.

The facts are those of the ledger's `people:slack-groups` stream, so that it can be shown later who held
a role when. Where Slack does not tell (the plan has no user groups, the group is gone), the roles of the file
count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from lifecycle.events import Fact
from lifecycle.policy import Person, Policy

STREAM = "people:slack-groups"


class GroupRead(Fact, frozen=True):
    """Slack said who is in the `group` that fills `role`; None: it does not say, and `why`."""

    identity = ("role", "round")
    kind: Literal["GroupRead"] = "GroupRead"
    role: str
    group: str
    round: int
    members: tuple[str, ...] | None
    why: str = ""


def fold(payloads: Iterable[Mapping[str, object]]) -> dict[str, GroupRead]:
    """What was read last, by role."""
    reads = (GroupRead.model_validate(payload) for payload in payloads)
    return {read.role: read for read in reads}


def reading(role: str, group: str, members: Iterable[str] | None, why: str = "") -> GroupRead:
    """What Slack says now, as if it were the first time; None for `members`: it does not say, and `why`."""
    now = None if members is None else tuple(sorted(set(members)))
    return GroupRead(role=role, group=group, round=1, members=now, why=why)


def news(last: Mapping[str, GroupRead], now: Mapping[str, GroupRead]) -> list[GroupRead]:
    """Of what was read now that which is not on record yet, numbered to follow it."""
    found: list[GroupRead] = []
    for role, read in now.items():
        round_ = last[role].round if role in last else 0
        if role not in last or last[role] != read.model_copy(update={"round": round_}):
            found.append(read.model_copy(update={"round": round_ + 1}))
    return found


def filled(policy: Policy, reads: Mapping[str, GroupRead]) -> Policy:
    """The policy with the roles that user groups fill; all else as in the file."""
    members = {
        role: set(read.members)
        for role, group in policy.slack_groups.items()
        if (read := reads.get(role)) and read.group == group and read.members is not None
    }
    if not members:
        return policy
    people = tuple(_with_roles(person, members) for person in policy.people)
    return policy.model_copy(update={"people": people})


def _with_roles(person: Person, members: Mapping[str, set[str]]) -> Person:
    kept = [role for role in person.roles if role not in members]
    given = [role for role, ids in members.items() if person.slack and person.slack in ids]
    roles = (*kept, *given)
    return person if set(roles) == set(person.roles) else person.model_copy(update={"roles": roles})


def strangers(policy: Policy, read: GroupRead) -> tuple[str, ...]:
    """The members whom the people file does not know: they hold no role, whatever Slack says."""
    return tuple(id_ for id_ in read.members or () if policy.by_slack(id_) is None)


def sentence(read: GroupRead, policy: Policy) -> str:
    """What a reading means, for people."""
    if read.members is None:
        return f"{read.role}: Slack does not say who is in {read.group} ({read.why}); the people file counts."
    people = [person.name for id_ in read.members if (person := policy.by_slack(id_))]
    unknown = len(strangers(policy, read))
    others = f", and {unknown} whom the people file does not know" if unknown else ""
    return f"{read.role}: {', '.join(people) or 'nobody'} by Slack's {read.group}{others}."
