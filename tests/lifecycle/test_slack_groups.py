"""Who holds a role that a Slack user group fills."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.people import group_findings
from lifecycle.policy import Policy
from lifecycle.slack_groups import GroupRead, filled, fold, news, reading, sentence, strangers
from tests.lifecycle.story import policy

GROUP = "S0QA"
PEOPLE = [
    {"id": "dora", "name": "Dora", "roles": ["developer"], "slack": "UDORA"},
    {"id": "quinn", "name": "Quinn", "roles": ["qa"], "slack": "UQUINN"},
    {"id": "clara", "name": "Clara", "roles": ["client", "qa", "manager", "management"]},
]
IDS = st.frozensets(st.sampled_from(["UDORA", "UQUINN", "USTRANGER"]))


def rules(**changes: object) -> Policy:
    return policy(people=PEOPLE, slack_groups={"qa": GROUP}, **changes)


def holders(of: Policy, role: str = "qa") -> list[str]:
    return [person.id for person in of.with_role(role)]


def test_a_group_fills_its_role_and_no_other() -> None:
    now = filled(rules(), {"qa": reading("qa", GROUP, ["UDORA", "USTRANGER"])})
    assert holders(now) == ["dora"]
    assert holders(now, "developer") == ["dora"]
    assert holders(now, "client") == ["clara"]


def test_without_a_word_from_slack_the_files_roles_count() -> None:
    for reads in (
        {},
        {"qa": reading("qa", GROUP, None, "plan_upgrade_required")},
        {"qa": reading("qa", "S0FORMER", ["UDORA"])},
        {"developer": reading("developer", "S0DEV", [])},
    ):
        assert filled(rules(), reads) == rules()


def test_an_empty_group_leaves_nobody_in_the_role() -> None:
    assert holders(filled(rules(), {"qa": reading("qa", GROUP, [])})) == []


def test_a_reading_is_told_when_it_is_new_and_with_the_next_number() -> None:
    first = news({}, {"qa": reading("qa", GROUP, ["UQUINN"])})
    assert [(read.round, read.members) for read in first] == [(1, ("UQUINN",))]
    last = fold(read.model_dump() for read in first)
    assert news(last, {"qa": reading("qa", GROUP, ["UQUINN"])}) == []
    assert [read.round for read in news(last, {"qa": reading("qa", GROUP, [])})] == [2]


@given(members=IDS)
def test_whoever_is_in_both_the_group_and_the_file_holds_the_role(members: frozenset[str]) -> None:
    now = filled(rules(), {"qa": reading("qa", GROUP, members)})
    assert {person.slack for person in now.with_role("qa")} == members - {"USTRANGER"}
    assert filled(now, {"qa": reading("qa", GROUP, members)}) == now


@given(st.lists(st.one_of(IDS, st.none())))
def test_only_what_changed_is_told_and_the_last_word_counts(readings: list[frozenset[str] | None]) -> None:
    told: list[GroupRead] = []
    for members in readings:
        now = {"qa": reading("qa", GROUP, members, "no_such_subteam" if members is None else "")}
        fresh = news(fold(read.model_dump() for read in told), now)
        told += fresh
        assert [read.members for read in told[-1:]] == [None if members is None else tuple(sorted(members))]
        assert news(fold(read.model_dump() for read in told), now) == []
    assert [read.round for read in told] == list(range(1, len(told) + 1))
    assert len({read.key("people:slack-groups") for read in told}) == len(told)


def test_it_is_said_who_holds_the_role_and_what_slack_does_not_tell() -> None:
    known = reading("qa", GROUP, ["UQUINN"])
    odd = reading("qa", GROUP, ["USTRANGER"])
    silent = reading("qa", GROUP, None, "plan_upgrade_required")
    assert sentence(known, rules()) == "qa: Quinn by Slack's S0QA."
    assert sentence(odd, rules()) == "qa: nobody by Slack's S0QA, and 1 whom the people file does not know."
    assert "(plan_upgrade_required); the people file counts" in sentence(silent, rules())
    assert strangers(rules(), odd) == ("USTRANGER",)
    assert group_findings(rules(), {"qa": known}) == ()
    assert [f.severity for f in group_findings(rules(), {"qa": odd, "other": silent})] == ["hint", "hint"]
