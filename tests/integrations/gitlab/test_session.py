"""Every request goes out once and in time, and what goes wrong comes back as one of our errors."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from integrations.errors import Conflict, IntegrationError, NotFound, Refused, Terminal, Transient
from integrations.gitlab import GitLabClient
from integrations.gitlab.notes import marker
from integrations.gitlab.repository import full_sha
from integrations.gitlab.session import segment
from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.http import Server
from integrations.settings import GitLabSettings

TOKEN = "glpat-not-a-real-one"
Handler = Callable[[Request], Response]


class Wire:
    """A server on whose wire anything can be put; remembers every request."""

    def __init__(self) -> None:
        self.reset()
        app = Starlette(routes=[Route("/{path:path}", self._serve, methods=["GET", "POST", "PUT", "DELETE"])])
        self.faults = Faults(app)
        self.server = Server(self.faults)
        self.client = GitLabClient(settings(self.server.url))

    def reset(self) -> None:
        self.requests: list[Request] = []
        self.answer: Handler = lambda request: JSONResponse({"id": 1})

    def _serve(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answer(request)

    def stop(self) -> None:
        self.client.close()
        self.server.stop()


def settings(url: str, timeout_s: float = 5.0) -> GitLabSettings:
    return GitLabSettings.model_validate({"url": url, "token": TOKEN, "timeout_s": timeout_s})


@pytest.fixture(scope="module")
def running() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.stop()


@pytest.fixture
def wire(running: Wire) -> Wire:
    running.reset()
    return running


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_turn_into_another_path_is_not_sent(wire: Wire, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        wire.client.repository.tag(1, name)
    assert wire.requests == []


@pytest.mark.parametrize("sha", ["", "main", "a" * 39, "A" * 40, "a" * 41])
def test_a_tag_is_put_on_a_whole_commit_sha_only(wire: Wire, sha: str) -> None:
    with pytest.raises(ValueError, match="sha"):
        wire.client.repository.create_tag(1, "1.4.0", sha, "")
    assert full_sha("a" * 40) == "a" * 40
    assert wire.requests == []


@pytest.mark.parametrize("key", ["", "a b", "a-->b", "a--b", "<", "a\nb"])
def test_an_op_key_that_could_end_its_own_marker_is_not_written(key: str) -> None:
    with pytest.raises(ValueError, match="op key"):
        marker(key)
    assert marker("release:1.4.0/tell@2") == "<!-- op:release:1.4.0/tell@2 -->"


def test_a_branch_with_slashes_is_one_segment_of_the_path() -> None:
    assert segment("release/1.4.0") == "release%2F1.4.0"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, NotFound),
        (405, Conflict),
        (408, Transient),
        (409, Conflict),
        (410, NotFound),
        (412, Conflict),
        (422, Refused),
        (423, Conflict),
        (429, Transient),
        (500, Transient),
        (502, Transient),
        (503, Transient),
        (520, Transient),
    ],
)
def test_an_error_says_what_to_do_about_it_and_is_not_retried(
    wire: Wire, status: int, error: type[IntegrationError]
) -> None:
    wire.answer = lambda request: JSONResponse({"message": f"no, because of {status}"}, status)
    with pytest.raises(error) as raised:
        wire.client.pipelines.start(1, "main", {"TOKEN": "s3cret"}, op_key="k")
    assert type(raised.value) is error
    assert (raised.value.vendor, raised.value.status) == ("gitlab", status)
    assert raised.value.detail == f"no, because of {status}"
    assert len(wire.requests) == 1


def test_an_error_crosses_processes_and_holds_no_secret(wire: Wire) -> None:
    wire.answer = lambda request: Response("<html>" + TOKEN, 502, media_type="text/html")
    with pytest.raises(Transient) as raised:
        wire.client.pipelines.start(1, "main", {"TOKEN": "s3cret"}, op_key="k")
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value)
    assert raised.value.__cause__ is None
    for secret in (TOKEN, "s3cret", "<html>"):
        assert secret not in repr(again.args)


@pytest.mark.parametrize(
    ("headers", "wait"), [({"Retry-After": "17"}, 17.0), ({}, None), ({"Retry-After": "soon"}, None)]
)
def test_the_vendors_own_word_on_when_to_come_back_is_kept(
    wire: Wire, headers: dict[str, str], wait: float | None
) -> None:
    wire.answer = lambda request: JSONResponse({"message": "slow down"}, 429, headers)
    with pytest.raises(Transient) as raised:
        wire.client.version()
    assert raised.value.retry_after_s == wait
    assert len(wire.requests) == 1


@pytest.mark.parametrize("do", ["hang", "hang_after"])
def test_a_server_that_does_not_answer_is_given_up_in_time(wire: Wire, do: str) -> None:
    wire.faults.order(Fault("POST /.*", do))
    client = GitLabClient(settings(wire.server.url, timeout_s=0.3))
    before = time.monotonic()
    with pytest.raises(Transient) as raised:
        client.pipelines.start(1, "main", {}, op_key="k")
    assert time.monotonic() - before < 2
    assert (raised.value.status, raised.value.detail) == (None, "ReadTimeout")
    assert len(wire.requests) == (1 if do == "hang_after" else 0)
    client.close()


@pytest.mark.parametrize("do", ["drop_before", "drop_after"])
def test_a_cut_connection_is_transient_and_the_request_was_sent_once(wire: Wire, do: str) -> None:
    wire.faults.order(Fault("POST /.*", do))
    with pytest.raises(Transient) as raised:
        wire.client.pipelines.start(1, "main", {}, op_key="k")
    assert raised.value.status is None
    assert len(wire.requests) == (1 if do == "drop_after" else 0)


def test_nobody_listening_is_transient(wire: Wire) -> None:
    client = GitLabClient(settings("http://127.0.0.1:1"))
    with pytest.raises(Transient, match="no answer"):
        client.version()


@pytest.mark.parametrize("url", ["gitlab.example", "ftp://gitlab.example", "http://"])
def test_a_wrong_url_is_refused_and_not_tried_for_ever(url: str) -> None:
    with pytest.raises(Refused, match="URL"):
        GitLabClient(settings(url)).version()


def test_a_page_of_html_in_place_of_an_answer_is_transient(wire: Wire) -> None:
    wire.answer = lambda request: Response("<html>", 200, media_type="text/html")
    with pytest.raises(Transient):
        wire.client.version()
    with pytest.raises(Transient):
        wire.client.repository.tags(1)


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"name": "x"}, [], None, "text", 7])
def test_an_answer_that_is_none_of_gitlabs_is_terminal(wire: Wire, answer: object) -> None:
    wire.answer = lambda request: JSONResponse(answer)
    with pytest.raises(Terminal, match="not understood as MergeRequest"):
        wire.client.merge_requests.get(1, 2)


@pytest.mark.parametrize("answer", [{}, {"message": "x"}, None, 7, [[]], ["x"]])
def test_a_list_that_is_none_is_terminal(wire: Wire, answer: object) -> None:
    wire.answer = lambda request: JSONResponse(answer)
    with pytest.raises(Terminal):
        wire.client.repository.tags(1)


def test_a_list_is_read_to_its_last_page_from_our_own_address(wire: Wire) -> None:
    def pages(request: Request) -> Response:
        page = int(request.query_params.get("page", "1"))
        rows = [{"name": f"t{page}-{n}", "commit": {"id": "a" * 40}} for n in range(2)]
        # The server thinks it lives elsewhere; we stay where we were told.
        following = f'<http://gitlab.invalid/api/v4/projects/1/repository/tags?page={page + 1}>; rel="next"'
        return JSONResponse(rows, headers={"Link": following} if page < 4 else {})

    wire.answer = pages
    names = [tag.name for tag in wire.client.repository.tags(1)]
    assert names == [f"t{page}-{n}" for page in (1, 2, 3, 4) for n in range(2)]
    assert wire.requests[0].query_params["per_page"] == "100"


def test_a_page_that_fails_fails_the_list_instead_of_shortening_it(wire: Wire) -> None:
    def pages(request: Request) -> Response:
        if "page" in request.query_params:
            return JSONResponse({"message": "slow down"}, 429, {"Retry-After": "3"})
        here = f"{wire.server.url}/api/v4/projects/1/repository/tags?page=2"
        row = {"name": "t", "commit": {"id": "a" * 40}}
        return JSONResponse([row], headers={"Link": f'<{here}>; rel="next"'})

    wire.answer = pages
    with pytest.raises(Transient) as raised:
        wire.client.repository.tags(1)
    assert raised.value.retry_after_s == 3.0


def test_a_post_is_not_redirected_into_something_else(wire: Wire) -> None:
    def moved(request: Request) -> Response:
        at_goal = request.url.path == "/elsewhere"
        return JSONResponse({"id": 1}) if at_goal else RedirectResponse("/elsewhere", 301)

    wire.answer = moved
    with pytest.raises(Refused, match="RedirectError: check the URL"):
        wire.client.pipelines.start(1, "main", {}, op_key="k")


def test_going_round_in_circles_is_refused(wire: Wire) -> None:
    wire.answer = lambda request: RedirectResponse("/elsewhere", 302)
    with pytest.raises(Refused, match="TooManyRedirects: check the URL"):
        wire.client.version()


def test_the_token_goes_to_gitlab_and_not_to_whom_it_redirects(wire: Wire) -> None:
    storage = Wire()
    storage.answer = lambda request: Response(b"report")
    wire.answer = lambda request: RedirectResponse(f"{storage.server.url}/bucket/report", 302)
    try:
        assert wire.client.pipelines.artifact(1, 2, "report.xml", 100) == b"report"
        assert wire.requests[0].headers["PRIVATE-TOKEN"] == TOKEN
        assert TOKEN not in str(storage.requests[0].headers)
    finally:
        storage.stop()


def test_an_artifact_longer_than_allowed_is_refused(wire: Wire) -> None:
    wire.answer = lambda request: Response(b"x" * 200_000)
    with pytest.raises(Refused, match="longer than 199999"):
        wire.client.pipelines.artifact(1, 2, "dir/report.xml", 199_999)
    assert wire.requests[0].url.path == "/api/v4/projects/1/jobs/2/artifacts/dir/report.xml"
    assert wire.client.pipelines.artifact(1, 2, "dir/report.xml", 200_000) == b"x" * 200_000


def test_of_a_long_trace_the_end_is_kept(wire: Wire) -> None:
    wire.answer = lambda request: Response(b"x" * 200_000 + b"the end")
    assert wire.client.pipelines.trace(1, 2, max_bytes=8) == "xthe end"


def test_a_client_does_not_leave_its_process(wire: Wire) -> None:
    with pytest.raises(TypeError, match="token"):
        pickle.dumps(wire.client)


@pytest.mark.parametrize(
    ("state", "merge_status", "error"),
    [
        ("opened", "checking", Transient),
        ("opened", "preparing", Transient),
        ("locked", "mergeable", Transient),
        ("opened", "conflict", Conflict),
        ("opened", "ci_still_running", Conflict),
        ("closed", "not_open", Conflict),
    ],
)
def test_a_merge_that_gitlab_is_not_ready_for_may_be_tried_later(
    wire: Wire, state: str, merge_status: str, error: type[IntegrationError]
) -> None:
    it = {"iid": 5, "state": state, "detailed_merge_status": merge_status, "sha": "a" * 40}
    no = {"message": "405 Method Not Allowed"}
    wire.answer = lambda request: JSONResponse(no, 405) if request.method == "PUT" else JSONResponse(it)
    with pytest.raises(error, match=merge_status) as raised:
        wire.client.merge_requests.merge(1, 5, "a" * 40)
    assert type(raised.value) is error
    with pytest.raises(Conflict):
        wire.client.merge_requests.merge(1, 5, "b" * 40)


@pytest.mark.parametrize("fork", [False, True])
def test_a_merge_request_that_somebody_opened_in_between_is_found_but_a_forks_is_not(
    wire: Wire, fork: bool
) -> None:
    theirs = {"iid": 5, "source_branch": "x", "target_branch": "main", "state": "opened"}
    theirs["source_project_id"] = 8 if fork else 1

    def answer(request: Request) -> Response:
        if request.method == "POST":
            return JSONResponse({"message": ["Another open merge request already exists"]}, 409)
        posted = any(each.method == "POST" for each in wire.requests)
        return JSONResponse([theirs] if posted else [])

    wire.answer = answer
    if fork:
        with pytest.raises(Conflict, match="Another open"):
            wire.client.merge_requests.open(1, "x", "main", "t", "d")
    else:
        found = wire.client.merge_requests.open(1, "x", "main", "t", "d")
        assert (found.iid, found.changed) == (5, False)
    assert [each.method for each in wire.requests] == ["GET", "POST", "GET"]
