"""What differs between the people file and the vendors' accounts is told, and how much it matters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle.people import Account, Finding, Vendor, account_id, barred_from_planning, differences
from lifecycle.policy import Policy
from tests.lifecycle.story import policy, step_data

WINTER = datetime(2026, 12, 1, tzinfo=UTC)
DORA: dict[str, Any] = {
    "id": "dora",
    "name": "Dora",
    "roles": ["developer"],
    "jira": "5f:1",
    "gitlab": 11,
    "slack": "U1",
    "emails": ["dora@shop.example", "Dora@home.example"],
    "time_zone": "Europe/Berlin",
}
QUINN: dict[str, Any] = {"id": "quinn", "name": "Quinn", "roles": ["qa"], "slack": "U2"}
QUENTIN: dict[str, Any] = {"id": "quentin", "name": "Quentin", "roles": ["qa"], "slack": "U3"}


def rules(*people: dict[str, Any], **step: Any) -> Policy:
    """A policy of these people with one step, QA, that one `qa` signs unless `step` says otherwise."""
    return policy(people=list(people), steps=[step_data("qa", **{"quorum": {"qa": 1}, **step})])


def told(account: Account, **changes: Any) -> list[tuple[str, str]]:
    """What is found about Dora, as the file has her but for `changes`: (severity, sentence)."""
    found = differences(rules({**DORA, **changes}, QUINN), [account], WINTER)
    assert all(finding.person == "dora" and finding.vendor is account.vendor for finding in found)
    return [(finding.severity, finding.sentence) for finding in found]


def dora(vendor: Vendor = Vendor.GITLAB, **said: Any) -> Account:
    return Account(person="dora", vendor=vendor, **said)


def test_the_ids_are_the_files() -> None:
    person = rules(DORA, QUINN).people[0]
    assert [account_id(person, vendor) for vendor in Vendor] == ["5f:1", "11", "U1"]
    nowhere = person.model_copy(update={"jira": "", "gitlab": 0, "slack": ""})
    assert [account_id(nowhere, vendor) for vendor in Vendor] == ["", "", ""]


def test_planning_is_for_active_people_of_the_team() -> None:
    team = rules(DORA, QUINN).people[0]
    both, client = ({"roles": roles} for roles in (("client", "developer"), ("client",)))
    assert barred_from_planning(team) == barred_from_planning(team.model_copy(update=both)) == ""
    barred = [None, team.model_copy(update={"active": False}), team.model_copy(update=client)]
    assert [barred_from_planning(person).partition(",")[0] for person in barred] == [
        "You are not in Conveyor's people file",
        "Your account is deactivated",
        "Planning is the team's: nothing was decided.",
    ]


@pytest.mark.parametrize("vendor", list(Vendor))
def test_an_account_like_the_files_says_nothing(vendor: Vendor) -> None:
    assert told(dora(vendor, emails=("DORA@shop.example", "dora@home.example"))) == []


def test_what_was_not_looked_up_says_nothing() -> None:
    assert differences(rules(DORA, QUINN), [], WINTER) == ()


@pytest.mark.parametrize(
    ("vendor", "what"),
    [
        (Vendor.JIRA, "Jira has no account 5f:1"),
        (Vendor.GITLAB, "GitLab has no account 11"),
        (Vendor.SLACK, "Slack has no account U1"),
    ],
)
def test_an_id_that_the_vendor_does_not_know_is_a_problem(vendor: Vendor, what: str) -> None:
    assert told(dora(vendor, found=False)) == [("problem", f"Dora (dora): {what}.")]


def test_whoever_decides_nothing_any_more_may_be_gone_there_too() -> None:
    gone = "Dora (dora): GitLab has no account 11."
    assert told(dora(found=False), active=False) == [("hint", gone)]
    assert told(dora(active=False), active=False) == []


def test_somebody_deactivated_there_and_active_here_is_a_problem() -> None:
    said = "Dora (dora): Jira has deactivated the account, the file calls it active."
    assert told(dora(Vendor.JIRA, active=False)) == [("problem", said)]


def test_somebody_active_there_and_deactivated_here_is_a_hint() -> None:
    said = "Dora (dora): Slack has an active account, the file calls it deactivated."
    assert told(dora(Vendor.SLACK), active=False) == [("hint", said)]


def test_a_bots_account_is_a_problem() -> None:
    said = "Dora (dora): GitLab says that this is a bot's account."
    assert told(dora(bot=True)) == [("problem", said)]


def test_an_address_that_the_file_does_not_have_is_a_problem() -> None:
    said = "Dora (dora): GitLab has the e-mail d@else.example, which is not among the file's."
    assert told(dora(emails=("dora@shop.example", "d@else.example"))) == [("problem", said)]


def test_an_address_of_somebody_else_in_the_file_names_them() -> None:
    accounts = [dora(emails=("Quinn@shop.example",))]
    (found,) = differences(rules(DORA, {**QUINN, "emails": ["quinn@shop.example"]}), accounts, WINTER)
    said = "Dora (dora): GitLab has the e-mail Quinn@shop.example, which is Quinn's in the file."
    assert found == Finding(severity="problem", person="dora", vendor=Vendor.GITLAB, sentence=said)


def test_an_address_of_somebody_whose_addresses_the_file_does_not_give_is_a_hint() -> None:
    said = "Dora (dora): GitLab has the e-mail dora@shop.example, the file has none."
    assert told(dora(emails=("dora@shop.example",)), emails=[]) == [("hint", said)]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("Europe/Berlin", "Europe/London"),  # never the same hour
        ("UTC", "Europe/London"),  # the same hour in winter only
        ("Europe/Berlin", "Europe/Nowhere"),
        ("Europe/Berlin", "../etc/passwd"),
    ],
)
def test_another_clock_is_a_hint(here: str, there: str) -> None:
    said = f"Dora (dora): Slack says time zone {there}, the file {here}."
    assert told(dora(Vendor.SLACK, time_zone=there), time_zone=here) == [("hint", said)]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("UTC", "Etc/UTC"),
        ("Europe/Berlin", "Europe/Amsterdam"),  # Slack's name for all of Central Europe
        ("Europe/Berlin", ""),
    ],
)
def test_another_name_of_the_same_clock_is_none(here: str, there: str) -> None:
    assert told(dora(Vendor.SLACK, time_zone=there), time_zone=here) == []


def test_everything_about_one_account_is_told_in_the_order_of_the_file() -> None:
    accounts = [
        Account(person="quinn", vendor=Vendor.SLACK, found=False),
        dora(Vendor.SLACK, bot=True),
        dora(Vendor.JIRA, active=False, bot=True),
    ]
    found = differences(rules(DORA, QUINN, QUENTIN), accounts, WINTER)
    assert [(f.person, f.vendor.value) for f in found] == [
        ("dora", "Jira"),
        ("dora", "Jira"),
        ("dora", "Slack"),
        ("quinn", "Slack"),
    ]


SILENT = (
    "Qa (qa): needs 1 qa, and none of them has a Slack account that works; the step is not by_link either."
)


def silent(*people: dict[str, Any], accounts: tuple[Account, ...] = (), **step: Any) -> list[str]:
    """What is said of the step, and of nobody in particular."""
    found = differences(rules(*people, **step), accounts, WINTER)
    return [f.sentence for f in found if (f.severity, f.person, f.vendor) == ("problem", "", Vendor.SLACK)]


def test_a_role_that_nobody_can_sign_for_is_a_problem() -> None:
    assert silent({**QUINN, "slack": ""}, title="Qa") == [SILENT]
    assert silent({**QUINN, "slack": ""}, by_link=True) == []
    assert silent({**QUINN, "slack": ""}, QUENTIN) == []


def test_a_person_of_the_role_who_is_deactivated_here_does_not_count() -> None:
    assert silent({**QUINN, "slack": ""}, {**QUENTIN, "active": False}, title="Qa") == [SILENT]


@pytest.mark.parametrize("said", [{"found": False}, {"active": False}, {"bot": True}])
def test_an_account_that_nobody_can_click_with_does_not_count(said: dict[str, Any]) -> None:
    quinn = Account(person="quinn", vendor=Vendor.SLACK, **said)
    assert silent(QUINN, accounts=(quinn,), title="Qa") == [SILENT]
    assert silent(QUINN, QUENTIN, accounts=(quinn,)) == []
    assert silent(QUINN, accounts=(Account(person="quinn", vendor=Vendor.SLACK),)) == []


@pytest.mark.parametrize(("there", "have"), [(1, "only 1 of them has"), (2, "only 2 of them have")])
def test_fewer_than_are_needed_is_a_problem_too(there: int, have: str) -> None:
    people = [
        {"id": f"p{n}", "name": "P", "roles": ["qa"], "slack": f"U{n}" if n < there else ""} for n in range(3)
    ]
    (said,) = silent(*people, quorum={"qa": 3})
    assert f"needs 3 qa, and {have} a Slack account" in said
