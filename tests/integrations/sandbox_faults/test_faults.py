"""What can be ordered to go wrong goes wrong once, and only there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.http import LOOPBACK, Server


class Counter:
    """A server that counts what it executes."""

    def __init__(self) -> None:
        self.executed = 0
        app = Starlette(routes=[Route("/count/{what:path}", self._count, methods=["GET", "POST"])])
        self.faults = Faults(app)
        self.server = Server(self.faults)

    def _count(self, request: Request) -> JSONResponse:
        request.scope["actor"] = "ana"
        self.executed += 1
        return JSONResponse({"executed": self.executed})


@pytest.fixture
def counter() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.server.stop()


@pytest.fixture
def http(counter: Counter) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=counter.server.url, timeout=0.5, **LOOPBACK) as client:
        yield client


@pytest.mark.parametrize(
    "order",
    [
        {"match": "POST", "do": "503"},
        {"match": "POST /x", "do": "explode"},
        {"match": "POST /(", "do": "503"},
        {"match": "POST /x", "do": "200"},
        {"match": "POST /x", "do": "503", "unknown": 1},
        {"match": "POST /x", "do": "503", "times": "often"},
        {"match": 7, "do": "503"},
    ],
)
def test_an_order_that_means_nothing_is_refused(http: httpx.Client, order: dict[str, object]) -> None:
    assert http.post("/_sandbox/faults", json=order).status_code == 400
    assert http.get("/_sandbox/faults").json() == []


def test_an_ordered_status_is_answered_once_and_nothing_is_executed(http: httpx.Client) -> None:
    order = {"match": "POST /count/.*", "do": "429", "retry_after": "7"}
    assert http.post("/_sandbox/faults", json=order).status_code == 201
    assert http.get("/count/a").json() == {"executed": 1}
    first = http.post("/count/a")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert http.post("/count/a").json() == {"executed": 2}


def test_skip_lets_the_first_matching_requests_pass(counter: Counter, http: httpx.Client) -> None:
    counter.faults.order(Fault("* /count/.*", "503", times=2, skip=1))
    assert [http.get("/count/a").status_code for _ in range(4)] == [200, 503, 503, 200]


@pytest.mark.parametrize(("do", "executed"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_gives_no_byte(
    counter: Counter, http: httpx.Client, do: str, executed: int
) -> None:
    counter.faults.order(Fault("POST /count/a", do))
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/count/a", json={"some": "body"})
    assert counter.executed == executed
    assert http.post("/count/a").status_code == 200


@pytest.mark.parametrize(("do", "executed"), [("hang", 0), ("hang_after", 1)])
def test_a_hanging_request_ends_when_the_caller_gives_up(
    counter: Counter, http: httpx.Client, do: str, executed: int
) -> None:
    counter.faults.order(Fault("POST /count/a", do))
    with pytest.raises(httpx.ReadTimeout):
        http.post("/count/a", json={"some": "body"})
    assert counter.executed == executed


def test_a_status_after_execution_hides_a_success(counter: Counter, http: httpx.Client) -> None:
    counter.faults.order(Fault("POST /count/a", "502_after"))
    assert http.post("/count/a").status_code == 502
    assert counter.executed == 1


def test_orders_can_be_taken_back(http: httpx.Client) -> None:
    http.post("/_sandbox/faults", json={"match": "* /count/.*", "do": "503", "times": 9})
    http.delete("/_sandbox/faults")
    assert http.get("/count/a").status_code == 200


def test_every_request_is_on_record_with_actor_and_fate(counter: Counter, http: httpx.Client) -> None:
    counter.faults.order(Fault("POST /count/.*", "drop_before"))
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/count/a")
    http.get("/count/b?x=1")
    dropped, answered = http.get("/_sandbox/requests").json()
    assert 0 < dropped.pop("at") <= answered.pop("at") <= time.time()
    path = {"method": "POST", "path": "/count/a", "query": ""}
    assert dropped == {**path, "status": None, "actor": "", "fault": "drop_before"}
    path = {"method": "GET", "path": "/count/b", "query": "x=1"}
    assert answered == {**path, "status": 200, "actor": "ana", "fault": ""}
