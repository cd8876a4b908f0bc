"""Log lines are read from files, addresses and Loki: the newest ones, however the log is rotated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations import json_logs
from integrations.errors import NotFound, Refused, Transient
from integrations.json_logs import Lines
from integrations.sandbox.http import Server

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def read(address: str | Path, most: int = json_logs.MOST_BYTES) -> Lines:
    address = f"file:{address}" if isinstance(address, Path) else address
    return json_logs.read(address, NOW - HOUR, NOW, timeout_s=5, most=most)


class Served:
    """A server of logs; `asked` are the queries, newest last."""

    def __init__(self) -> None:
        self.body = "one\ntwo\nthree\n"
        self.ranges = True
        self.asked: list[dict[str, str]] = []

    async def lines(self, request: Request) -> Response:
        size = int(request.headers["range"].removeprefix("bytes=-"))
        whole = self.body.encode()
        if not self.ranges:
            return PlainTextResponse(self.body)
        start = max(0, len(whole) - size)
        said = {"Content-Range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"}
        return Response(whole[start:], 206, said)

    async def loki(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        return PlainTextResponse(self.body)

    async def refused(self, _: Request) -> Response:
        return PlainTextResponse("no", 403)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Served, str]]:
    logs = Served()
    routes = [
        Route("/log", logs.lines),
        Route("/loki/api/v1/query_range", logs.loki),
        Route("/refused", logs.refused),
    ]
    server = Server(Starlette(routes=routes))
    yield logs, server.url
    server.stop()


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(tmp_path / "none.log")


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        read(tmp_path)


def test_every_line_of_a_short_file_is_read(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_bytes(b'{"a": "\xe2\x80\xa8"}\n\n\xff\npartial')
    assert read(log) == Lines(('{"a": "\u2028"}', "\ufffd", "partial"), complete=True)


def test_of_a_long_file_the_newest_whole_lines_are_read(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("".join(f"line {n}\n" for n in range(1000)))
    assert read(log, most=20) == Lines(("line 998", "line 999"), complete=False)


def test_what_was_rotated_away_comes_first_and_counts(tmp_path: Path) -> None:
    (tmp_path / "shop.log.1").write_text("old 1\nold 2\n")
    log = tmp_path / "shop.log"
    log.write_text("new\n")
    assert read(log) == Lines(("old 1", "old 2", "new"), complete=True)
    assert read(log, most=12) == Lines(("old 2", "new"), complete=False)
    assert read(log, most=4) == Lines(("new",), complete=False)


def test_a_log_that_was_emptied_is_read_as_it_is_now(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text("before\n")
    assert read(log).lines == ("before",)
    log.write_text("")
    assert read(log) == Lines((), complete=True)
    log.write_text("after\n")
    assert read(log).lines == ("after",)


def test_an_address_is_asked_for_its_end(served: tuple[Served, str]) -> None:
    logs, url = served
    logs.body, logs.ranges = "one\ntwo\nthree\n", True
    assert read(f"{url}/log") == Lines(("one", "two", "three"), complete=True)
    assert read(f"{url}/log", most=9) == Lines(("three",), complete=False)


def test_a_server_without_ranges_is_read_as_far_as_may_be(served: tuple[Served, str]) -> None:
    logs, url = served
    logs.body, logs.ranges = "one\ntwo\nthree\n", False
    assert read(f"{url}/log").complete
    assert read(f"{url}/log", most=8) == Lines(("one", "two"), complete=False)


def test_loki_is_asked_for_the_time_and_its_streams_become_one(served: tuple[Served, str]) -> None:
    logs, url = served
    streams = [{"stream": {}, "values": [["3", "c"], ["1", "a"]]}, {"stream": {}, "values": [["2", "b", {}]]}]
    logs.body = json.dumps({"status": "success", "data": {"resultType": "streams", "result": streams}})
    address = f'{url}/loki/api/v1/query_range?query={{app="shop"}}'
    assert read(address) == Lines(("a", "b", "c"), complete=True)
    asked = logs.asked[-1]
    assert asked["query"] == '{app="shop"}'
    assert int(asked["end"]) - int(asked["start"]) == 3600 * 10**9


@pytest.mark.parametrize("body", ["", "[]", '{"data": {}}', '{"data": {"result": [{"values": [["x", 1]]}]}}'])
def test_what_is_not_lokis_is_refused(served: tuple[Served, str], body: str) -> None:
    logs, url = served
    logs.body = body
    with pytest.raises(Refused, match="not Loki's"):
        read(f"{url}/loki/api/v1/query_range")


def test_an_answer_of_loki_that_is_too_long_is_refused(served: tuple[Served, str]) -> None:
    logs, url = served
    logs.body = "x" * 100
    with pytest.raises(Refused):
        read(f"{url}/loki/api/v1/query_range", most=99)


def test_who_may_not_read_is_refused_and_no_secret_is_told(served: tuple[Served, str]) -> None:
    _, url = served
    with pytest.raises(Refused) as refused:
        read(f"{url.replace('//', '//shop:s3cret@')}/refused?token=t0ken")
    assert "s3cret" not in str(refused.value)
    assert "t0ken" not in str(refused.value)


def test_nobody_at_the_address_is_transient() -> None:
    with pytest.raises(Transient):
        read("http://127.0.0.1:9/log")
