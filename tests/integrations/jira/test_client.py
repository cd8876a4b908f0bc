"""The client against a Jira over HTTP, Cloud and Server alike: each promise, and each a second time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.errors import Conflict, NotFound, Refused
from integrations.jira.client import JiraClient, op_label
from integrations.jira.models import Link, entered_from
from tests.integrations.jira.world import Jira

New = Callable[[str], str]


def writes(jira: Jira) -> int:
    return sum(seen.method != "GET" and "search" not in seen.path for seen in jira.sandbox.faults.requests)


def test_an_issue_that_is_not_there_is_not_found(client: JiraClient) -> None:
    with pytest.raises(NotFound) as raised:
        client.issue("REL-99")
    assert (raised.value.operation, raised.value.object_id, raised.value.status) == ("issue", "REL-99", 404)


def test_wrong_credentials_are_refused_without_showing_them(jira: Jira) -> None:
    with pytest.raises(Refused) as raised:
        jira.client(token="wrong-secret").myself()
    assert raised.value.status == 401
    assert "wrong-secret" not in f"{raised.value!s} {raised.value!r}"
    assert raised.value.__cause__ is None


def test_input_that_jira_does_not_take_is_refused_with_its_reason(client: JiraClient) -> None:
    with pytest.raises(Refused) as raised:
        client.create_issue("REL", "Task", "x", "", op_key="1", labels=["two words"])
    assert raised.value.status == 400
    assert "labels" in raised.value.detail


def test_a_status_that_no_transition_leads_to_is_a_conflict(client: JiraClient, new: New) -> None:
    key = new("x")
    with pytest.raises(Conflict):
        client.transition(key, "Released")
    assert client.issue(key).status == "To Do"


def test_a_closed_client_opens_again(client: JiraClient, new: New) -> None:
    key = new("x")
    client.close()
    assert client.issue(key).key == key


def test_the_flavor_is_asked_of_the_server(jira: Jira) -> None:
    assert jira.client(flavor="auto").flavor == jira.flavor


def test_the_client_acts_as_its_credentials(jira: Jira) -> None:
    assert jira.client("ana").myself() == "acc-ana"


def test_an_account_is_read_by_its_id_and_only_by_that(jira: Jira, client: JiraClient) -> None:
    ana = client.user("acc-ana")
    assert (ana.account_id, ana.name, ana.email) == ("acc-ana", "Ana", "ana@example.test")
    assert (ana.time_zone, ana.active, ana.is_bot) == ("Etc/UTC", True, False)
    assert client.user("acc-gone").active is False
    assert client.user("acc-bot").is_bot is (jira.flavor == "cloud")
    for other in ("Ana", "ana@example.test", "acc-an"):
        with pytest.raises(NotFound):
            client.user(other)


def test_a_created_issue_reads_as_it_was_made(jira: Jira, client: JiraClient) -> None:
    key = client.create_issue(
        "REL",
        "Story",
        "Pay by card",
        "As a client",
        op_key="intake:1",
        labels=["request"],
        priority="High",
        reporter_account_id="acc-ana",
        properties=[("conveyor.source", {"door": "slack"})],
    )
    issue = client.issue(key)
    assert (issue.key, issue.project_key, issue.status, issue.issue_type) == (key, "REL", "To Do", "Story")
    assert (issue.summary, issue.description, issue.priority) == ("Pay by card", "As a client", "High")
    assert set(issue.labels) == {"request", op_label("intake:1")}
    assert (issue.reporter_account_id, issue.assignee_account_id, issue.resolution) == ("acc-ana", "", "")
    assert issue.created is not None
    assert abs(datetime.now(UTC) - issue.created) < timedelta(minutes=1)
    assert client.property(key, "conveyor.source") == {"door": "slack"}
    assert client.browse_url(key) == f"{jira.sandbox.url}/browse/{key}"


def test_a_created_issue_is_found_by_what_it_was_made_for(client: JiraClient) -> None:
    key = client.create_issue("REL", "Task", "x", "", op_key="intake:1")
    assert client.find_created("REL", "intake:1") == key
    assert client.find_created("REL", "intake:2") is None


def test_a_label_alone_does_not_prove_who_made_an_issue(client: JiraClient) -> None:
    client.create_issue("REL", "Task", "x", "", op_key="other", labels=[op_label("intake:1")])
    assert client.find_created("REL", "intake:1") is None


def test_search_reads_every_page_in_the_order_asked(client: JiraClient, new: New) -> None:
    keys = [new(f"number {n}") for n in range(7)]
    found = client.search("project = REL ORDER BY key ASC", page_size=2)
    assert [issue.key for issue in found] == keys


def test_search_fills_the_fields_that_were_asked_for(client: JiraClient, new: New) -> None:
    new("only this")
    (issue,) = client.search("project = REL", fields=["summary"])
    assert (issue.summary, issue.status, issue.created) == ("only this", "", None)


def test_a_search_that_finds_nothing_is_empty(client: JiraClient) -> None:
    assert list(client.search('project = REL AND labels = "nothing"')) == []


def test_a_query_outside_the_grammar_is_refused(client: JiraClient) -> None:
    with pytest.raises(Refused):
        list(client.search("project = REL AND"))


def test_a_transition_goes_by_the_status_it_leads_to(jira: Jira, client: JiraClient, new: New) -> None:
    key = new("x")
    assert client.transition(key, "in progress") is True
    assert client.issue(key).status == "In Progress"
    before = writes(jira)
    assert client.transition(key, "In Progress") is False
    assert writes(jira) == before


def test_an_issue_goes_the_whole_way_and_back_by_a_rollback(client: JiraClient, new: New) -> None:
    key = new("x")
    way = [
        "In Progress",
        "Code Review",
        "In Progress",
        "Code Review",
        "QA",
        "In Progress",
        "Code Review",
        "QA",
    ]
    way += ["Waiting Release", "Released", "Waiting Release", "Released", "Closed"]
    for status in way:
        assert client.transition(key, status)
    assert (client.issue(key).status, client.issue(key).resolution) == ("Closed", "Done")


def test_closing_may_name_a_resolution(client: JiraClient, new: New) -> None:
    key = new("x")
    client.transition(key, "Closed", resolution="Duplicate")
    assert client.issue(key).resolution == "Duplicate"


def test_a_comment_is_made_once_per_op_key(client: JiraClient, new: New) -> None:
    key = new("x")
    first = client.comment(key, "QA starts", op_key="qa:1")
    assert client.comment(key, "QA starts again", op_key="qa:1") == first
    second = client.comment(key, "QA starts", op_key="qa:2")
    assert [(c.id, c.body) for c in client.comments(key)] == [(first, "QA starts"), (second, "QA starts")]
    assert client.comments(key)[0].author_account_id == "acc-bot"
    assert client.find_comment(key, "qa:3") is None


def test_a_comment_is_found_behind_more_than_a_page_of_others(
    jira: Jira, client: JiraClient, new: New
) -> None:
    key = new("x")
    jira.chatter(key, 120)
    made = client.comment(key, "mine", op_key="c")
    assert client.find_comment(key, "c") == made
    assert len(client.comments(key)) == 121


def test_an_edit_changes_what_differs_and_nothing_else(jira: Jira, client: JiraClient, new: New) -> None:
    key = new("x")
    wish = {"summary": "y", "description": "why", "priority": "Low", "assignee_account_id": "acc-ana"}
    assert client.edit(key, **wish, add_labels=["a", "b"]) is True
    before = writes(jira)
    assert client.edit(key, **wish, add_labels=["a"], remove_labels=["c"]) is False
    assert writes(jira) == before
    assert client.edit(key, remove_labels=["a"], assignee_account_id="") is True
    issue = client.issue(key)
    assert (issue.summary, issue.description, issue.priority) == ("y", "why", "Low")
    assert (issue.assignee_account_id, "a" in issue.labels, "b" in issue.labels) == ("", False, True)


def test_an_assignee_is_taken_by_account_id_never_by_a_similar_name(client: JiraClient, new: New) -> None:
    key = new("x")
    with pytest.raises(Refused):
        client.edit(key, assignee_account_id="Ana")
    assert client.issue(key).assignee_account_id == ""


def test_a_version_is_made_once(client: JiraClient) -> None:
    made = client.ensure_version("REL", "1.4.0", "autumn")
    assert client.ensure_version("REL", "1.4.0", "another text") == made
    assert [version.name for version in client.versions("REL")] == ["1.4.0"]
    assert (made.description, made.released) == ("autumn", False)


def test_versions_of_an_unknown_project_are_not_found(client: JiraClient) -> None:
    with pytest.raises(NotFound):
        client.ensure_version("NOPE", "1.0.0")


def test_a_version_is_released_and_taken_back(client: JiraClient) -> None:
    client.ensure_version("REL", "1.4.0")
    assert client.release_version("REL", "1.4.0", date(2026, 3, 2)) is True
    assert client.release_version("REL", "1.4.0", date(2026, 3, 2)) is False
    (version,) = client.versions("REL")
    assert (version.released, version.release_date) == (True, "2026-03-02")
    assert client.unrelease_version("REL", "1.4.0") is True
    assert client.unrelease_version("REL", "1.4.0") is False
    assert client.versions("REL")[0].released is False


def test_a_version_that_is_not_there_cannot_be_released(client: JiraClient) -> None:
    with pytest.raises(NotFound):
        client.release_version("REL", "9.9.9", date(2026, 3, 2))


def test_fix_versions_are_added_and_removed_one_by_one(client: JiraClient, new: New) -> None:
    key = new("x")
    for name in ("1.4.0", "1.5.0"):
        client.ensure_version("REL", name)
        assert client.add_fix_version(key, name) is True
        assert client.add_fix_version(key, name) is False
    assert client.issue(key).fix_versions == ("1.4.0", "1.5.0")
    assert client.remove_fix_version(key, "1.4.0") is True
    assert client.remove_fix_version(key, "1.4.0") is False
    assert client.issue(key).fix_versions == ("1.5.0",)


def test_an_unknown_version_cannot_be_a_fix_version(client: JiraClient, new: New) -> None:
    with pytest.raises(Refused):
        client.add_fix_version(new("x"), "9.9.9")


def test_a_link_has_a_direction_and_is_made_once(client: JiraClient, new: New) -> None:
    blocker, blocked = new("blocker"), new("blocked")
    assert client.link("Blocks", blocker, blocked) is True
    assert client.link("Blocks", blocker, blocked) is False
    (seen,) = client.issue(blocker).links
    assert seen == Link(seen.id, "Blocks", "outward", blocked)
    assert client.issue(blocked).links == (Link(seen.id, "Blocks", "inward", blocker),)
    assert client.unlink("Blocks", blocked, blocker) is False
    assert client.unlink("Blocks", blocker, blocked) is True
    assert client.unlink("Blocks", blocker, blocked) is False
    assert client.issue(blocked).links == ()


def test_a_remote_link_is_one_per_global_id(jira: Jira, client: JiraClient, new: New) -> None:
    key = new("x")
    first = client.remote_link(key, "mr:7", "https://git.example.test/7", "Merge request 7")
    assert client.remote_link(key, "mr:7", "https://git.example.test/7", "Merge request 7, merged") == first
    (link,) = jira.get(f"issue/{key}/remotelink")
    assert (link["globalId"], link["object"]["title"]) == ("mr:7", "Merge request 7, merged")


def test_a_property_holds_any_json(client: JiraClient, new: New) -> None:
    key = new("x")
    client.set_property(key, "conveyor.state", {"phase": "staging", "list": [1, None]})
    client.set_property(key, "conveyor.state", {"phase": "staging", "list": [1, None]})
    assert client.property(key, "conveyor.state") == {"phase": "staging", "list": [1, None]}
    assert client.property(key, "never.set") is None
    with pytest.raises(NotFound):
        client.property("REL-99", "conveyor.state")


def test_a_sub_task_has_its_parent_its_assignee_and_its_day(jira: Jira, client: JiraClient, new: New) -> None:
    parent = new("whole")
    key = client.create_issue(
        "REL",
        "Sub-task",
        "part",
        "",
        op_key="part",
        parent_key=parent,
        assignee_account_id="acc-ana",
        due="2026-11-30",
    )
    fields = jira.get(f"issue/{key}")["fields"]
    assert (fields["parent"]["key"], fields["duedate"]) == (parent, "2026-11-30")
    found = client.issue(key, fields=("issuetype", "duedate", "assignee"))
    assert (found.subtask, found.due, found.assignee_account_id) == (True, "2026-11-30", "acc-ana")
    assert not client.issue(parent).subtask


def test_a_sub_task_of_nothing_is_refused(client: JiraClient) -> None:
    with pytest.raises(Refused):
        client.create_issue("REL", "Sub-task", "part", "", op_key="alone")


def test_the_history_tells_when_each_status_was_entered_the_oldest_first(
    client: JiraClient, new: New
) -> None:
    key = new("x")
    assert client.entered(key) == ()
    client.edit(key, summary="y")
    for status in ("In Progress", "Code Review"):
        client.transition(key, status)
    entered = client.entered(key)
    assert [each.status for each in entered] == ["In Progress", "Code Review"]
    assert entered[0].at <= entered[1].at


def test_a_history_that_is_cut_tells_nothing() -> None:
    item = {"field": "status", "toString": "In Progress"}
    history = {"created": "2026-01-31T10:05:00.000+0000", "items": [item]}
    assert len(entered_from({"changelog": {"total": 1, "histories": [history]}})) == 1
    assert entered_from({"changelog": {"total": 101, "histories": [history]}}) == ()
