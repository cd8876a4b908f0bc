"""The client against a real Prometheus that scrapes a real shop."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf, isnan

import pytest
from pydantic import SecretStr

from integrations.errors import IntegrationError, Refused, Terminal, Transient
from integrations.prometheus import Prometheus
from integrations.settings import PrometheusSettings
from tests.watching.world import PER_SECOND, Watched


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("sum(", 400, "parse error"),
        ("up[5m]", 200, "a matrix"),
        ("up + on(job) group_left sum by (job, path) (shop_requests_total)", 422, "many"),
        ('"words"', 200, "a string"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused_with_prometheus_own_words(
    watched: Watched, query: str, status: int, said: str
) -> None:
    with pytest.raises(Terminal, match=said) as error:
        watched.client().at(query, now())
    assert error.value.status == status


def test_no_series_nan_and_infinity_are_no_data(watched: Watched) -> None:
    ask = watched.client()
    assert ask.number("no_such_metric", now()) is None
    assert ask.number("scalar(no_such_metric)", now()) is None
    assert ask.number("vector(1) / 0", now()) is None
    assert ask.histogram("no_such_metric", now()) is None
    assert isnan(ask.at("vector(0) / 0", now()).series[0].values[0][1])


def test_one_number_and_several_are_not_mistaken_for_each_other(watched: Watched) -> None:
    assert watched.client().number('up{job="shop",environment="production"}', now()) == 1
    watched.counted(now() - timedelta(seconds=5), PER_SECOND)
    with pytest.raises(Refused, match="series, one is needed"):
        watched.client().number("shop_requests_total", now())


def test_a_moment_in_the_past_is_asked_for_as_it_was(watched: Watched) -> None:
    assert watched.client().number("up", now() - timedelta(weeks=1)) is None
    moment = now() - timedelta(seconds=1)
    [series] = watched.client().at("vector(time())", moment).series
    assert abs(series.values[0][1] - moment.timestamp()) < 0.001
    assert abs(series.values[0][0] - moment) < timedelta(milliseconds=1)


def test_a_histogram_is_read_by_its_bounds(watched: Watched) -> None:
    watched.counted(now() - timedelta(seconds=5), 20)
    query = "sum by (le) (shop_request_seconds_bucket)"
    found = watched.client().histogram(query, now())
    assert found is not None
    assert found[inf] >= 20
    counts = [found[bound] for bound in sorted(found)]
    assert counts == sorted(counts)


@pytest.mark.parametrize("query", ["up", "sum by (le, path) (shop_request_seconds_bucket)"])
def test_what_is_no_histogram_is_refused(watched: Watched, query: str) -> None:
    with pytest.raises(Refused, match="not a histogram"):
        watched.client().histogram(query, now())


def test_values_over_a_time_come_step_by_step(watched: Watched) -> None:
    ends = now()
    [series] = (
        watched.client().over("vector(7)", ends - timedelta(minutes=1), ends, timedelta(seconds=20)).series
    )
    assert [value for _, value in series.values] == [7, 7, 7, 7]
    assert series.values[-1][0] - series.values[0][0] == timedelta(minutes=1)
    with pytest.raises(Refused, match="exceeded maximum resolution"):
        watched.client().over("vector(7)", ends - timedelta(days=1), ends, timedelta(seconds=1))


class Strange:
    """An HTTP server that answers everything alike, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str | None, str]] = []
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                world.asked.append((self.path, self.headers["Authorization"], form))
                self.send_response(world.status)
                self.end_headers()
                self.wfile.write(world.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def client(self, token: str = "") -> Prometheus:
        return Prometheus(PrometheusSettings(url=f"{self.url}/", token=SecretStr(token), timeout_s=5))


@pytest.fixture
def strange() -> Iterator[Strange]:
    server = Strange()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b"Service Unavailable", Transient),
        (503, b'{"status":"error","errorType":"timeout","error":"query timed out"}', Transient),
        (502, b"<html>", Transient),
        (401, b"who are you", Refused),
        (302, b"", Refused),
        (200, b"<html>", Refused),
        (200, b'{"status":"success"}', Refused),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}}', Refused),
        (200, b'{"status":"success","data":{"resultType":"weather","result":[]}}', Refused),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}', Refused),
        (200, b'{"status":"success","data":{"resultType":"scalar","result":[]}}', Refused),
        (
            200,
            b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}',
            Refused,
        ),
    ],
)
def test_an_answer_that_is_none_of_prometheus_says_what_to_do(
    strange: Strange, status: int, body: bytes, kind: type[IntegrationError]
) -> None:
    strange.status, strange.body = status, body
    with pytest.raises(kind) as error:
        strange.client().number("up", now())
    assert "prometheus" in str(error.value)


def test_the_token_is_sent_and_warnings_come_along(strange: Strange) -> None:
    data = {"resultType": "scalar", "result": [1, "3"]}
    strange.body = json.dumps(
        {"status": "success", "warnings": ["remote read failed"], "data": data}
    ).encode()
    answer = strange.client("s3cret").at("up + 1", datetime(2026, 3, 2, tzinfo=UTC))
    assert (answer.warnings, answer.series[0].values[0][1]) == (("remote read failed",), 3)
    assert strange.asked == [
        ("/api/v1/query", "Bearer s3cret", "query=up+%2B+1&timeout=5.0&time=1772409600.000")
    ]


@pytest.mark.parametrize("ask", [Prometheus.number, Prometheus.histogram])
def test_a_part_of_the_data_is_not_taken_for_all_of_it(
    strange: Strange, ask: Callable[[Prometheus, str, datetime], object]
) -> None:
    data = {"resultType": "vector", "result": [{"metric": {"le": "+Inf"}, "value": [1, "3"]}]}
    strange.body = json.dumps({"status": "success", "data": data, "warnings": ["PromQL info: odd"]}).encode()
    assert ask(strange.client(), "up", now()) in (3, {inf: 3})
    strange.body = strange.body.replace(b"PromQL info: odd", b"remote read failed")
    with pytest.raises(Transient, match="incomplete: remote read failed"):
        ask(strange.client(), "up", now())


def test_nobody_at_the_address_is_transient_and_no_address_is_refused() -> None:
    with pytest.raises(Transient):
        Prometheus(PrometheusSettings(url="http://127.0.0.1:1")).number("up", now())
    with pytest.raises(Refused, match="not an address"):
        Prometheus(PrometheusSettings(url="localhost")).number("up", now())
