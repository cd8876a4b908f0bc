"""The sandbox refuses what Jira refuses, in Jira's words, and never pretends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.jira import JiraSandbox
from tests.integrations.jira.world import PEOPLE
from tests.integrations.sandbox_jira.conftest import Site, basic

API = "/rest/api/2"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic not base64"},
        {"Authorization": "Bearer token-ana"},
        basic("ana@example.test", "wrong"),
        basic("ana@example.test", ""),
        basic("bot@example.test", "token-ana"),
        basic("gone@example.test", "token-gone"),
    ],
)
def test_cloud_wants_the_address_and_its_token(cloud: Site, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{cloud.sandbox.url}{API}/myself", headers=headers, **LOOPBACK)
    assert answer.status_code == 401


def test_server_wants_a_bearer_token(server: Site) -> None:
    url = f"{server.sandbox.url}{API}/myself"
    wrong = basic("ana@example.test", "token-ana")
    assert httpx.get(url, headers=wrong, **LOOPBACK).status_code == 401
    assert server.http.get(f"{API}/myself").json()["name"] == "acc-ana"
    assert "accountId" not in server.http.get(f"{API}/myself").json()


@pytest.mark.parametrize("path", ["/rest/api/3/issue/REL-1", f"{API}/nope", "/rest/servicedeskapi/request"])
def test_what_is_not_built_is_not_found(cloud: Site, path: str) -> None:
    answer = cloud.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["errors"] == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "summary"),
        ({"summary": " "}, "summary"),
        ({"summary": "a\nb"}, "summary"),
        ({"summary": "x" * 256}, "summary"),
        ({"summary": "x", "project": {"key": "NOPE"}}, "project"),
        ({"summary": "x", "issuetype": {"name": "Wish"}}, "issuetype"),
        ({"summary": "x", "story_points": 5}, "story_points"),
        ({"summary": "x", "status": {"name": "QA"}}, "status"),
        ({"summary": "x", "labels": ["a b"]}, "labels"),
        ({"summary": "x", "labels": "a"}, "labels"),
        ({"summary": "x", "description": {"type": "doc"}}, "description"),
        ({"summary": "x", "assignee": {"name": "acc-ana"}}, "assignee"),
        ({"summary": "x", "fixVersions": [{"name": "9.9"}]}, "fixVersions"),
        ({"summary": "x", "issuetype": {"name": "Sub-task"}}, "parent"),
    ],
)
def test_a_wrong_field_is_named(cloud: Site, fields: dict[str, Any], field: str) -> None:
    base = {"project": {"key": "REL"}, "issuetype": {"name": "Task"}}
    answer = cloud.http.post(f"{API}/issue", json={"fields": {**base, **fields}})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"fields": 7}'])
def test_a_body_that_is_no_object_is_refused(cloud: Site, body: bytes) -> None:
    assert cloud.http.post(f"{API}/issue", content=body).status_code == 400


def test_all_the_wrong_fields_are_named_at_once(cloud: Site) -> None:
    fields = {"project": {"key": "REL"}, "labels": ["a b"], "foo": 1}
    errors = cloud.http.post(f"{API}/issue", json={"fields": fields}).json()["errors"]
    assert set(errors) == {"summary", "issuetype", "labels", "foo"}


def test_an_edit_with_nothing_in_it_is_refused(cloud: Site) -> None:
    answer = cloud.http.put(f"{API}/issue/{cloud.create()}", json={})
    assert (answer.status_code, answer.json()["errorMessages"]) == (
        400,
        ["one of 'fields' or 'update' required"],
    )


def test_a_refused_edit_changes_nothing(cloud: Site) -> None:
    key = cloud.create("before")
    body = {"fields": {"summary": "after"}, "update": {"labels": [{"append": "x"}]}}
    assert cloud.http.put(f"{API}/issue/{key}", json=body).status_code == 400
    assert cloud.http.get(f"{API}/issue/{key}").json()["fields"]["summary"] == "before"


def test_transitions_have_names_of_their_own(cloud: Site) -> None:
    ways = cloud.http.get(f"{API}/issue/{cloud.create()}/transitions").json()["transitions"]
    assert [(way["name"], way["to"]["name"]) for way in ways] == [
        ("Start work", "In Progress"),
        ("Reject", "Closed"),
    ]


@pytest.mark.parametrize(("id_", "status"), [("41", 409), ("999", 400), ("", 400)])
def test_an_illegal_transition_is_refused(cloud: Site, id_: str, status: int) -> None:
    answer = cloud.http.post(f"{API}/issue/{cloud.create()}/transitions", json={"transition": {"id": id_}})
    assert answer.status_code == status
    assert set(answer.json()) == {"errorMessages", "errors"}


def test_the_history_tells_who_changed_what(cloud: Site) -> None:
    key = cloud.create("before")
    cloud.http.put(f"{API}/issue/{key}", json={"fields": {"summary": "after"}})
    cloud.http.post(f"{API}/issue/{key}/transitions", json={"transition": {"id": "11"}})
    answer = cloud.http.get(f"{API}/issue/{key}", params={"expand": "changelog"}).json()
    told = [
        (e["author"]["accountId"], i["field"], i["toString"])
        for e in answer["changelog"]["histories"]
        for i in e["items"]
    ]
    assert told == [("acc-ana", "status", "In Progress"), ("acc-ana", "summary", "after")]


def test_comments_can_be_changed_and_taken_back(cloud: Site) -> None:
    path = f"{API}/issue/{cloud.create()}/comment"
    id_ = cloud.http.post(path, json={"body": "first"}).json()["id"]
    assert cloud.http.put(f"{path}/{id_}", json={"body": "second"}).json()["body"] == "second"
    assert cloud.http.post(path, json={"body": " "}).status_code == 400
    assert cloud.http.delete(f"{path}/{id_}").status_code == 204
    assert cloud.http.get(f"{path}/{id_}").status_code == 404
    assert cloud.http.get(path).json()["total"] == 0


def test_a_property_is_201_when_new_and_200_after(cloud: Site) -> None:
    path = f"{API}/issue/{cloud.create()}/properties/state"
    assert [cloud.http.put(path, json=value).status_code for value in (1, {"a": 2})] == [201, 200]
    assert cloud.http.get(path).json() == {"key": "state", "value": {"a": 2}}
    assert [cloud.http.delete(path).status_code for _ in range(2)] == [204, 404]


def test_a_version_name_is_free_once(cloud: Site) -> None:
    body = {"name": "2.0.0", "project": "OPS"}
    assert cloud.http.post(f"{API}/version", json=body).status_code == 201
    again = cloud.http.post(f"{API}/version", json=body)
    assert (again.status_code, list(again.json()["errors"])) == (400, ["name"])
    assert cloud.http.post(f"{API}/version", json={**body, "name": "3", "chump": 1}).status_code == 400


def test_deleting_an_issue_takes_its_links_along(cloud: Site) -> None:
    gone, stays = cloud.create(), cloud.create()
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": gone}, "outwardIssue": {"key": stays}}
    assert cloud.http.post(f"{API}/issueLink", json=body).status_code == 201
    assert cloud.http.delete(f"{API}/issue/{gone}").status_code == 204
    assert cloud.http.get(f"{API}/issue/{stays}").json()["fields"]["issuelinks"] == []
    assert cloud.create() not in (gone, stays)


def test_issues_are_ranked_before_another(cloud: Site) -> None:
    first, second, third = (cloud.create("ranked", labels=["ranked"]) for _ in range(3))
    body = {"issues": [third, second], "rankBeforeIssue": first}
    assert cloud.http.put("/rest/agile/1.0/issue/rank", json=body).status_code == 204
    asked = {"jql": "labels = ranked ORDER BY rank", "fields": ["summary"]}
    found = cloud.http.post(f"{API}/search/jql", json=asked).json()["issues"]
    assert [issue["key"] for issue in found] == [third, second, first]


@pytest.mark.parametrize("wrong", ["nothing", "too many", "unknown", "itself", "no anchor"])
def test_a_rank_that_cannot_be_is_refused(cloud: Site, wrong: str) -> None:
    keys = [cloud.create("ranked") for _ in range(2)]
    body: dict[str, object] = {"issues": [keys[0]], "rankAfterIssue": keys[1]}
    changed: dict[str, dict[str, object]] = {
        "nothing": {"issues": []},
        "too many": {"issues": [keys[0]] * 51},
        "unknown": {"issues": ["REL-4711"]},
        "itself": {"rankAfterIssue": keys[0]},
        "no anchor": {"rankAfterIssue": "REL-4711"},
    }
    answer = cloud.http.put("/rest/agile/1.0/issue/rank", json={**body, **changed[wrong]})
    assert answer.status_code == 400
    assert answer.json()["errorMessages"]


def test_cloud_has_no_search_by_offset_and_server_none_by_token(cloud: Site, server: Site) -> None:
    assert cloud.http.get(f"{API}/search", params={"jql": "project = REL"}).status_code == 410
    assert server.http.get(f"{API}/search/jql", params={"jql": "project = REL"}).status_code == 404


def test_cloud_answers_ids_only_unless_asked(cloud: Site) -> None:
    cloud.create()
    found = cloud.http.get(f"{API}/search/jql", params={"jql": "project = REL"}).json()
    assert set(found["issues"][0]) == {"id"}
    assert "total" not in found


@pytest.mark.parametrize("asked", [{}, {"jql": ""}, {"jql": "ORDER BY created"}])
def test_cloud_wants_a_bounded_query(cloud: Site, asked: dict[str, str]) -> None:
    answer = cloud.http.post(f"{API}/search/jql", json=asked)
    assert answer.status_code == 400
    assert "Unbounded" in answer.json()["errorMessages"][0]


def test_a_page_token_is_of_one_search(cloud: Site) -> None:
    for _ in range(3):
        cloud.create(labels=["paged"])
    asked = {"jql": "labels = paged", "maxResults": 2, "fields": ["key"]}
    first = cloud.http.post(f"{API}/search/jql", json=asked).json()
    cloud.create(labels=["paged"])
    last = cloud.http.post(
        f"{API}/search/jql", json={**asked, "nextPageToken": first["nextPageToken"]}
    ).json()
    assert (len(first["issues"]), len(last["issues"]), last["isLast"]) == (2, 1, True)
    forged = {**asked, "nextPageToken": "forged.2"}
    assert cloud.http.post(f"{API}/search/jql", json=forged).status_code == 400
    counted = cloud.http.post(f"{API}/search/approximate-count", json={"jql": "labels = paged"})
    assert counted.json() == {"count": 4}


def test_a_webhook_for_an_unknown_event_is_refused(cloud: Site) -> None:
    path = "/rest/webhooks/1.0/webhook"
    body = {"url": "http://127.0.0.1:9/", "secret": "hidden", "events": ["moon_rises"]}
    assert cloud.http.post(path, json=body).status_code == 400
    made = cloud.http.post(path, json={**body, "events": ["jira:version_created"]})
    assert made.status_code == 201
    assert "hidden" not in cloud.http.get(path).text
    assert cloud.http.delete(made.json()["self"]).status_code == 204


def test_the_pages_show_the_board_and_an_issue_with_everything_escaped(cloud: Site) -> None:
    key = cloud.create("<script>alert(1)</script>", description="<b>bold</b>")
    cloud.http.post(f"{API}/issue/{key}/comment", json={"body": "<i>seen</i>"})
    link = {"globalId": "x", "object": {"url": "javascript:alert(1)", "title": "<u>"}}
    cloud.http.post(f"{API}/issue/{key}/remotelink", json=link)
    board, page = cloud.http.get("/").text, cloud.http.get(f"/browse/{key}").text
    assert f'href="/browse/{key}"' in board
    assert f'href="/browse/{key}"' in cloud.http.get(f"/projects/{key.partition('-')[0]}").text
    assert "&lt;b&gt;bold" in page
    assert "&lt;i&gt;seen" in page
    for text in (board, page):
        assert "<script>" not in text
        assert "javascript:" not in text
    assert cloud.http.get("/browse/REL-9999").status_code == 404


def test_what_was_kept_at_home_is_there_again(tmp_path: Path) -> None:
    first = JiraSandbox(tmp_path, PEOPLE, {"REL": "Release train"})
    login = basic(PEOPLE[1].email, PEOPLE[1].token)
    fields = {"project": {"key": "REL"}, "issuetype": {"name": "Task"}, "summary": "kept"}
    httpx.post(f"{first.url}{API}/issue", json={"fields": fields}, headers=login, **LOOPBACK)
    first.stop()
    second = JiraSandbox(tmp_path, PEOPLE, {"REL": "Release train", "NEW": "New"})
    found = httpx.get(f"{second.url}{API}/issue/REL-1", headers=login, **LOOPBACK).json()
    again = httpx.post(f"{second.url}{API}/issue", json={"fields": fields}, headers=login, **LOOPBACK)
    second.stop()
    assert (found["fields"]["summary"], again.json()["key"]) == ("kept", "REL-2")
    assert "NEW" in second.state.projects


def test_a_new_issue_is_hidden_from_search_while_the_index_lags() -> None:
    sandbox = JiraSandbox(None, PEOPLE, {"REL": "Release train"}, index_lag_s=60.0)
    with httpx.Client(base_url=sandbox.url, headers=basic(PEOPLE[1].email, PEOPLE[1].token)) as http:
        key = Site(sandbox, http).create()
        assert http.get(f"{API}/issue/{key}").status_code == 200
        assert http.get(f"{API}/search/jql", params={"jql": "project = REL"}).json()["issues"] == []
    sandbox.stop()


def _sub(cloud: Site, **parent: Any) -> httpx.Response:
    fields = {"project": {"key": "REL"}, "issuetype": {"name": "Sub-task"}, "summary": "part", **parent}
    return cloud.http.post(f"{API}/issue", json={"fields": fields})


def test_a_sub_task_stands_in_its_parent_and_its_parent_in_it(cloud: Site) -> None:
    parent = cloud.create("whole")
    key = _sub(cloud, parent={"key": parent}).json()["key"]
    [part] = cloud.http.get(f"{API}/issue/{parent}").json()["fields"]["subtasks"]
    assert (part["key"], part["fields"]["issuetype"]["subtask"]) == (key, True)
    found = cloud.http.get(f"{API}/issue/{key}").json()["fields"]
    assert (found["parent"]["key"], found["subtasks"]) == (parent, [])


@pytest.mark.parametrize("parent", ["REL-9999", "", "OPS", "part"])
def test_a_parent_that_cannot_be_one_is_refused(cloud: Site, parent: str) -> None:
    whole = cloud.create("whole")
    other: dict[str, Any] = {"summary": "x", "project": {"key": "OPS"}}
    places = {"OPS": cloud.create(**other), "part": _sub(cloud, parent={"key": whole}).json()["key"]}
    answer = _sub(cloud, parent={"key": places.get(parent, parent)})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"parent"})


def test_an_issue_goes_with_its_sub_tasks_only_if_that_is_said(cloud: Site) -> None:
    parent = cloud.create("whole")
    part = _sub(cloud, parent={"key": parent}).json()["key"]
    assert cloud.http.delete(f"{API}/issue/{parent}").status_code == 400
    path = f"{API}/issue/{parent}"
    assert cloud.http.delete(path, params={"deleteSubtasks": "true"}).status_code == 204
    assert cloud.http.get(f"{API}/issue/{part}").status_code == 404
