"""What the Jira client sends and the sandbox answers is what Atlassian describes, but for ADF."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from integrations.jira.client import JiraClient
from tests.contracts.jira import ADF, CALLS, OPENAPI, Exchange, complaints, exchanges, rows

pytestmark = pytest.mark.skipif(not OPENAPI.is_file(), reason="needs ../shared/contracts")

USER = {"accountId": "a", "displayName": "A"}


@pytest.mark.parametrize(
    ("template", "exchange", "why"),
    [
        ("/myself", Exchange("GET", "/myself", {"mood": "good"}, None, 200, USER), "query mood"),
        ("/myself", Exchange("GET", "/myself", {}, {"a": 1}, 200, USER), "request $"),
        ("/myself", Exchange("GET", "/myself", {}, None, 302, None), "answer 302"),
        ("/myself", Exchange("GET", "/myself", {}, None, 200, {"displayName": 7}), "answer $.displayName"),
        ("/myself", Exchange("GET", "/myself", {}, None, 200, {"mood": "good"}), "answer $"),
        (
            "/issueLink",
            Exchange("POST", "/issueLink", {}, {"type": {"name": "Blocks"}}, 201, None),
            "inwardIssue",
        ),
        ("/version", Exchange("POST", "/version", {}, {"name": 7}, 201, {}), "request $.name"),
        ("/version", Exchange("POST", "/version", {}, {"title": "1.0"}, 201, {}), "'title' was unexpected"),
        ("/search/jql", Exchange("POST", "/search/jql", {}, {"startAt": 0}, 200, {}), "request $"),
        (
            "/search/jql",
            Exchange("POST", "/search/jql", {}, {}, 200, {"issues": [{"id": 7}]}),
            "answer $.issues[0].id",
        ),
    ],
)
def test_what_the_description_does_not_know_is_complained_about(
    template: str, exchange: Exchange, why: str
) -> None:
    assert any(why in said for said in complaints(exchange, template)), complaints(exchange, template)


def test_every_method_of_the_client_is_called() -> None:
    methods: set[str] = {
        name for name, _ in inspect.getmembers(JiraClient, inspect.isfunction) if name[0] != "_"
    }
    assert methods - {"browse_url", "close"} == set(CALLS)


def test_nothing_deviates_but_text_for_rich_text() -> None:
    table = rows()
    deviating: dict[str, Any] = {row.operation: row.why for row in table if row.verdict == "deviating"}
    assert set(deviating) == set(ADF)
    assert all(why.startswith("v2 has text where v3 has ADF") for why in deviating.values())
    [desk] = [row for row in table if row.verdict == "not described"]
    assert desk.operation == "GET /rest/servicedeskapi/request/{issueIdOrKey}/sla"
    assert ";" not in desk.why.removeprefix("no file for Jira Service Management;"), desk.why
    assert len([row for row in table if row.verdict == "validated"]) >= 11


def test_every_call_was_answered_with_success() -> None:
    assert {one.status for one in exchanges()} <= {200, 201, 204}
