"""Jiras that answer oddly, small enough to be written down here: the client neither loops nor repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from integrations.errors import NotFound, Refused, Transient
from integrations.jira.client import JiraClient
from integrations.jira.desk import RunningSla
from integrations.sandbox.http import Server
from integrations.settings import JiraSettings

Answers = Callable[[str, str, Any], Any]


@contextmanager
def odd(answers: Answers, flavor: str = "cloud") -> Iterator[JiraClient]:
    """A client of a Jira that answers `answers(method, path, body)`."""

    async def answer(request: Request) -> Response:
        body = await request.json() if await request.body() else None
        said = answers(request.method, request.url.path.removeprefix("/rest/api/2/"), body)
        return said if isinstance(said, Response) else JSONResponse(said)

    server = Server(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT"])]))
    client = JiraClient(JiraSettings.model_validate({"url": server.url, "flavor": flavor, "token": "t"}))
    yield client
    client.close()
    server.stop()


def test_an_account_that_was_deleted_is_not_found() -> None:
    with odd(lambda *_: {"accountId": "unknown", "displayName": "Former user"}) as client:
        with pytest.raises(NotFound):
            client.user("acc-ana")


@pytest.mark.parametrize("answer", [{}, [], None, {"displayName": "Ana"}])
def test_an_answer_without_an_account_is_none(answer: object) -> None:
    with odd(lambda *_: answer) as client, pytest.raises(Transient):
        client.user("acc-ana")


def test_a_page_token_that_repeats_ends_the_search() -> None:
    page = {"issues": [{"id": "1", "key": "REL-1"}], "nextPageToken": "again"}
    with odd(lambda *_: page) as client:
        found = client.search("project = REL")
        assert [next(found).key, next(found).key] == ["REL-1", "REL-1"]
        with pytest.raises(Transient):
            next(found)


def test_a_total_that_is_never_reached_ends_the_search() -> None:
    def answers(_method: str, _path: str, body: Any) -> Any:
        return {"total": 10, "issues": [{"id": "1", "key": "REL-1"}] if body["startAt"] == 0 else []}

    with odd(answers, "server") as client:
        assert [issue.key for issue in client.search("project = REL")] == ["REL-1"]


def test_of_an_sla_only_what_runs_and_tells_a_time_is_read() -> None:
    def cycle(**said: Any) -> dict[str, Any]:
        return {"name": "Resolution", "completedCycles": [], "ongoingCycle": {"breached": False, **said}}

    paused = cycle(paused=True, remainingTime={"millis": 3_600_000, "friendly": "1h"})
    late = cycle(breached=True, breachTime={"epochMillis": 1_785_142_800_000}, remainingTime={"millis": -1})
    never = [{"name": "Never begun", "completedCycles": []}, cycle(), cycle(breachTime="soon"), "?", None]
    never += [cycle(breachTime={"epochMillis": number}) for number in (10**30, "1", 1.5, None)]
    with odd(lambda *_: {"values": [*never, paused, late]}) as client:
        assert client.running_slas("HELP-1") == (
            RunningSla("Resolution", False, True, None, timedelta(hours=1)),
            RunningSla(
                "Resolution", True, False, datetime(2026, 7, 27, 9, tzinfo=UTC), timedelta(milliseconds=-1)
            ),
        )
    for nothing in ({}, [], None, {"values": {}}):
        with odd(lambda *_, said=nothing: said) as client:
            assert client.running_slas("HELP-1") == ()


def test_what_a_service_desk_says_of_a_refusal_is_kept() -> None:
    said = JSONResponse({"errorMessage": "You are no agent.", "i18nErrorMessage": {}}, 403)
    with odd(lambda *_: said) as client, pytest.raises(Refused) as raised:
        client.running_slas("HELP-1")
    assert raised.value.detail == "You are no agent."


def test_markers_are_asked_for_where_comments_come_without_properties() -> None:
    me, other = {"accountId": "me"}, {"accountId": "other"}
    asked: list[str] = []

    def answers(_method: str, path: str, _body: Any) -> Any:
        asked.append(path)
        if path.endswith("/comment"):
            authors = {"1": other, "2": me, "3": me}
            return {"total": 3, "comments": [{"id": id_, "author": who} for id_, who in authors.items()]}
        if path == "myself":
            return me
        if path == "comment/3/properties/conveyor.op":
            return {"key": "conveyor.op", "value": {"op_key": "qa:1"}}
        return JSONResponse({"errorMessages": [], "errors": {}}, 404)

    with odd(answers) as client:
        assert client.find_comment("REL-1", "qa:1") == "3"
    assert "comment/1/properties/conveyor.op" not in asked


def test_a_create_without_a_key_in_the_answer_is_unclear_not_done() -> None:
    with odd(lambda *_: {"id": "1"}) as client, pytest.raises(Transient):
        client.create_issue("REL", "Task", "x", "", op_key="1")


def test_an_answer_that_is_no_json_is_unclear_and_not_shown() -> None:
    page = Response("<html>secret page</html>", media_type="text/html")
    with odd(lambda *_: page) as client, pytest.raises(Transient) as raised:
        client.myself()
    assert "secret page" not in str(raised.value)


def test_a_redirect_is_refused_instead_of_followed_with_the_login() -> None:
    with odd(lambda *_: RedirectResponse("/login")) as client, pytest.raises(Refused) as raised:
        client.myself()
    assert raised.value.status == 307


def test_an_error_page_is_not_shown() -> None:
    page = Response("<html>secret page</html>", 403, media_type="text/html")
    with odd(lambda *_: page) as client, pytest.raises(Refused) as raised:
        client.myself()
    assert "secret page" not in f"{raised.value!s} {raised.value!r}"
