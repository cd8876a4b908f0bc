"""The policy: what cannot be right is refused with a message that says where."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from lifecycle.policy import Policy
from lifecycle.review_calendar import EveryWeeks, cron
from tests.lifecycle.story import policy, policy_data, step_data

QUINN = {"id": "quinn", "name": "Quinn", "roles": ["qa"]}
QUENTIN = {"id": "quentin", "name": "Quentin", "roles": ["qa"]}
QA = step_data("qa", quorum={"qa": 1})


def refused(**changes: Any) -> str:
    """The message about a policy that is right but for `changes`."""
    with pytest.raises(ValidationError) as error:
        policy(**changes)
    return str(error.value)


def people(*two: dict[str, Any]) -> dict[str, Any]:
    return {"people": two or [QUINN, QUENTIN], "steps": [QA]}


def test_the_policy_of_these_tests_is_right() -> None:
    assert [step.id for step in policy().steps] == ["qa", "check", "client", "approval"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", "quinn", "person quinn stands twice"),
        ("jira", "5f:1", "Jira account 5f:1 stands twice"),
        ("gitlab", 4, "GitLab id 4 stands twice"),
        ("slack", "U1", "Slack id U1 stands twice"),
        ("emails", ["Q@shop.example"], "e-mail q@shop.example stands twice"),
    ],
)
def test_no_two_people_share_an_account(field: str, value: object, message: str) -> None:
    other = [v.lower() for v in value] if isinstance(value, list) else value
    assert message in refused(**people({**QUINN, field: value}, {**QUENTIN, field: other}))


def test_people_without_an_account_at_a_vendor_do_not_share_one() -> None:
    assert len(policy(**people()).people) == 2


def test_a_service_desk_is_a_project_of_its_own() -> None:
    (project,) = policy_data()["projects"]
    desk = {**project, "service_desk": project["jira"]}
    assert f"service desk {project['jira']} is a project of its own" in refused(projects=[desk])


def test_logs_are_at_an_address_and_are_there_if_they_are_to_be_looked_at() -> None:
    shop = policy_data()["projects"][0]
    assert "logs.production" in refused(projects=[{**shop, "logs": {"production": "/var/log/shop.log"}}])
    wanted = {**shop, "runtime": {"json_logs": True}}
    assert "project shop: runtime.json_logs needs logs.staging" in refused(projects=[wanted])
    logs = {"staging": "file:/var/log/shop.log", "production": "https://logs.example.test"}
    assert policy(projects=[{**wanted, "logs": logs}]).project("shop").runtime.json_logs


def test_no_two_projects_and_no_two_steps_have_one_id() -> None:
    (project,) = policy_data()["projects"]
    assert "project shop stands twice" in refused(projects=[project, project])
    desks = [{**project, "id": each, "service_desk": "HELP"} for each in ("shop", "kiosk")]
    assert "service desk HELP stands twice" in refused(projects=desks)
    assert "step qa stands twice" in refused(**{**people(), "steps": [QA, QA]})


@pytest.mark.parametrize(
    "times",
    [
        {"remind": ["2h", "1h"]},
        {"remind": ["1h", "1h"]},
        {"remind": ["3d"], "due": "2d"},
        {"due": "3d", "expires": "2d"},
    ],
)
def test_reminders_lateness_and_the_end_follow_each_other(times: dict[str, Any]) -> None:
    message = refused(**{**people(), "steps": [{**QA, **times}]})
    assert "step qa: remind, due and expires must follow each other in time" in message


def test_people_work_by_the_clock_of_where_they_are() -> None:
    changed = policy(
        **people({**QUINN, "time_zone": "Asia/Kolkata"}, QUENTIN), working_hours={"start": "10:00"}
    )
    hours = changed.hours_of(changed.people[0])
    assert (hours.time_zone, hours.start.hour, hours.end.hour) == ("Asia/Kolkata", 10, 17)


def test_a_deputy_is_one_of_the_people() -> None:
    message = refused(**people({**QUINN, "deputy": "nobody"}, QUENTIN))
    assert "quinn: deputy nobody is not among the people" in message
    assert policy(**people({**QUINN, "deputy": "quentin"}, QUENTIN)).people[0].deputy == "quentin"


@pytest.mark.parametrize("quentin", [{**QUENTIN, "active": False}, {**QUENTIN, "roles": ["developer"]}])
def test_a_quorum_can_be_reached_by_those_who_are_there(quentin: dict[str, Any]) -> None:
    steps = [step_data("qa", quorum={"qa": 2})]
    message = refused(**{**people(QUINN, quentin), "steps": steps})
    assert "step qa: needs 2 qa, the people file has 1" in message
    assert policy(**{**people(), "steps": steps}).steps[0].quorum == {"qa": 2}


@pytest.mark.parametrize("needed", [0, -1])
def test_a_quorum_of_nobody_is_no_quorum(needed: int) -> None:
    message = refused(steps=[step_data("qa", quorum={"qa": needed})])
    assert f"step qa: a quorum of {needed} qa asks nobody" in message
    assert "steps.0" in message


def test_a_step_without_a_quorum_is_no_step() -> None:
    assert "steps.0.quorum" in refused(steps=[step_data("qa", quorum={})])
    assert "steps\n" in refused(steps=[])


def test_a_hotfix_does_not_go_out_unsigned_either() -> None:
    assert "steps: none is asked for a hotfix" in refused(steps=[{**QA, "hotfix": False}])


def test_all_that_is_wrong_is_said_at_once() -> None:
    steps = [QA, QA, step_data("check", quorum={"manager": 1})]
    message = refused(**{**people({**QUINN, "deputy": "x"}, QUENTIN), "steps": steps})
    assert all(
        part in message for part in ("step qa stands twice", "quinn: deputy x", "step check: needs 1 manager")
    )


WEEKLY = {"weeks": 2, "day": "fri", "start": "2026-01-09"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"feedback": {"afterr": "7d"}}, "feedback.afterr"),
        (people({**QUINN, "rolls": ["qa"]}, QUENTIN), "people.0.rolls"),
        ({"steps": [{**QA, "author_may_sign": True}]}, "steps.0.author_may_sign"),
        ({"watch": {"rules": {"last": "1d"}, "probes": [{"name": "h", "path": "/"}]}}, "watch.rules.last"),
        ({"watch": {"rules": {}, "probes": []}}, "watch.probes"),
        ({"schema": 2}, "schema"),
        ({"projects": []}, "projects"),
        ({"review": {"channel": "C", "capacity": 0}}, "review.capacity"),
        ({"review": {"channel": "C", "capacity": float("nan")}}, "review.capacity"),
        ({"review": {"channel": "C", "capacity": 8, "cron": "0 10 * * *  *"}}, "review"),
        ({"review": {"channel": "C", "capacity": 8, "cron": "0 10 30 2 *"}}, "review"),
        ({"review": {"channel": "C", "capacity": 8, "cron": "0 10 * * 5", "every": WEEKLY}}, "review"),
        ({"review": {"channel": "C", "capacity": 8, "every": {**WEEKLY, "weeks": 0}}}, "review.every.weeks"),
        ({"review": {"channel": "C", "capacity": 8, "holidays": {"country": "XX"}}}, "review.holidays"),
        ({"review": {"channel": "C", "capacity": 8, "due": "2d", "deputies": "1d"}}, "review"),
        (people({**QUINN, "time_zone": "Mars/Base"}, QUENTIN), "people.0.time_zone"),
        ({"review": {"channel": "C", "capacity": 8, "time_zone": "../UTC"}}, "review.time_zone"),
        ({"feedback": {"after": "a week"}}, "feedback.after"),
        ({"waits": {"poll": "-5m"}}, "waits.poll"),
        ({"steps": [{**QA, "due": "2 days"}]}, "steps.0.due"),
        ({"steps": [{**QA, "remind": ["4h", "soon"]}]}, "steps.0.remind.1"),
        ({"steps": [{**QA, "binds": "project"}]}, "steps.0.binds"),
    ],
)
def test_a_wrong_or_unknown_field_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as error:
        policy(**changes)
    assert path in {".".join(map(str, problem["loc"])) for problem in error.value.errors()}


def test_a_status_of_the_team_is_mapped_to_one_of_ours_or_refused() -> None:
    (project,) = policy_data()["projects"]
    with pytest.raises(ValidationError, match=r"projects\.0\.statuses"):
        policy(projects=[{**project, "statuses": {"Open": "Doing"}}])
    assert policy(projects=[{**project, "statuses": {"Open": "To Do"}}]).project("shop").statuses.root


def test_a_policy_cannot_be_changed_once_it_is_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        policy().review.channel = "C9"


def test_durations_are_written_as_people_do() -> None:
    changed = policy(feedback={"after": "7d", "closes_after": "1w"}, waits={"poll": "90s"})
    assert changed.feedback.after == changed.feedback.closes_after == timedelta(days=7)
    assert changed.waits.poll == timedelta(seconds=90)


def test_the_requests_page_is_off_unless_it_is_opened() -> None:
    assert policy().requests_page == "off"
    assert policy(requests_page=False).requests_page == "off", "YAML's word for an unquoted off"
    assert policy(requests_page="token").requests_page == "token"
    for given in (True, "open", "", None):
        assert "requests_page" in refused(requests_page=given)


def test_the_policy_survives_its_way_through_json() -> None:
    told = policy(bots=["bot@shop.example"]).model_dump_json(by_alias=True)
    assert Policy.model_validate_json(told) == policy(bots=["bot@shop.example"])


def test_people_are_found_by_their_accounts_only_and_a_project_by_its_id() -> None:
    quinn = {**QUINN, "jira": "5f:1", "gitlab": 4, "slack": "U1", "emails": ["Quinn@Shop.example"]}
    rules = policy(**people(quinn, QUENTIN))
    found = (
        rules.by_jira("5f:1"),
        rules.by_gitlab(4),
        rules.by_slack("U1"),
        rules.by_email("quinn@shop.EXAMPLE"),
    )
    assert {person.id if person else "" for person in found} == {"quinn"}
    assert rules.project("shop").jira == "SHOP"
    with pytest.raises(KeyError, match="the policy has no project 'shoe'"):
        rules.project("shoe")


def test_nobody_is_found_by_an_account_that_nobody_has_nor_by_none() -> None:
    rules = policy(**people())
    missing = (
        rules.by_jira(""),
        rules.by_slack(""),
        rules.by_gitlab(0),
        rules.by_email(""),
        rules.person("Quinn"),
    )
    assert set(missing) == {None}


def test_whoever_is_deactivated_is_known_but_holds_no_role() -> None:
    rules = policy(**people({**QUINN, "active": False}, QUENTIN))
    assert [person.id for person in rules.with_role("qa")] == ["quentin"]
    assert rules.person("quinn") is not None


def test_a_hotfix_needs_the_shorter_list_of_steps() -> None:
    assert [step.id for step in policy().steps_for("hotfix")] == ["qa", "approval"]
    assert policy().steps_for("regular") == policy().steps


@pytest.mark.parametrize(
    ("accounts", "keeper"),
    [
        ({"quinn": "U1", "quentin": "U2", "mara": "U3"}, "mara"),
        ({"quinn": "U1", "quentin": "U2"}, "quinn"),
        ({}, None),
    ],
)
def test_a_manager_hands_on_what_people_without_slack_have_to_see(
    accounts: dict[str, str], keeper: str | None
) -> None:
    mara = {"id": "mara", "name": "Mara", "roles": ["manager"]}
    who = [{**each, "slack": accounts.get(str(each["id"]), "")} for each in (QUINN, QUENTIN, mara)]
    found = policy(**{**people(), "people": who}).keeper
    assert (found.id if found else None) == keeper


def test_the_review_s_schedule_is_the_cron_line_or_the_rhythm_on_working_days() -> None:
    plain = policy(review={"channel": "C", "capacity": "measured"})
    assert plain.review_schedule.rule == cron("0 10 * * 5")
    every = policy(
        review={"channel": "C", "capacity": 8, "every": WEEKLY, "time_zone": "Asia/Tokyo"},
        working_hours={"days": ["sun", "mon"]},
    ).review_schedule
    assert isinstance(every.rule, EveryWeeks)
    assert (every.time_zone, every.working_days) == ("Asia/Tokyo", ("sun", "mon"))
