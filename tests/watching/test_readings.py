"""What is read of a real shop through a real Prometheus: a version that is worse, and one that is not."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments import sandbox_policy
from integrations.settings import settings
from lifecycle.policy import Policy, Project, Watch
from lifecycle.readings import Reading
from lifecycle.watch import WatchState, assess
from tasks import context, readings
from tests.watching.world import ENOUGH, Watched


def policy(*metrics: dict[str, Any]) -> tuple[Project, Watch]:
    """The sandbox's, with other metrics if there are any."""
    cast = sandbox_policy.people(dict.fromkeys(sandbox_policy.CAST, "t"))
    urls = {"staging": "http://127.0.0.1:1", "production": "http://127.0.0.1:1"}
    channels = {name: f"C-{name}" for name in sandbox_policy.CHANNELS}
    data = sandbox_policy.policy(cast, channels, 1, urls, "demo", prometheus=True)
    if metrics:
        data["watch"]["metrics"] = metrics
    found = Policy.model_validate(data)
    return found.project("shop"), found.watch


@pytest.fixture
def asked_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have Conveyor ask the Prometheus at that address."""

    def forget() -> None:
        settings.cache_clear()
        vars(context._local).clear()

    def at(url: str) -> None:
        monkeypatch.setenv("CONVEYOR_PROMETHEUS_URL", url)
        monkeypatch.setenv("CONVEYOR_PROMETHEUS_TIMEOUT_S", "2")
        forget()

    yield at
    forget()


def read(live: datetime, begun: datetime, *metrics: dict[str, Any]) -> list[Reading]:
    return readings.read.fn(*policy(*metrics), 1, live, begun, datetime.now(UTC))


def judge(found: list[Reading], live: datetime) -> tuple[WatchState, tuple[str, ...]]:
    _, watch = policy()
    now = found[0].at
    verdict = assess(
        [], live, now, watch.rules, readings=found, metrics=watch.metrics, comparison=watch.comparison
    )
    return verdict.state, verdict.reasons


def test_a_version_whose_cart_fails_is_unhealthy_at_its_first_look_and_the_same_one_again_is_not(
    watched: Watched, asked_at: Callable[[str], None]
) -> None:
    asked_at(watched.prometheus.url)
    begun, live = watched.replace(broken=True)
    errors, p95 = read(live, begun)
    assert errors.now is not None
    assert errors.before is not None
    assert 0.1 < (errors.now.value or 0) < 0.4  # every fourth request is for the cart
    assert (errors.before.value, errors.against, p95.missing) == (0, "just before the release", "")
    state, reasons = judge([errors, p95], live)
    assert state is WatchState.UNHEALTHY
    assert reasons[0].startswith("errors rose from 0 % (0 of ")

    begun, live = watched.replace(broken=False)
    errors, p95 = read(live, begun)
    assert (errors.now and errors.now.value, p95.before is not None) == (0, True)
    assert judge([errors, p95], live) == (WatchState.WATCHING, ())


def test_the_same_hours_before_are_preferred_where_enough_is_known_of_them(
    watched: Watched, asked_at: Callable[[str], None]
) -> None:
    asked_at(watched.prometheus.url)
    live = datetime.now(UTC)
    watched.counted(live, ENOUGH)
    project, watch = policy()
    moments_ago = watch.comparison.model_copy(update={"before": timedelta(seconds=1)})
    watch = watch.model_copy(update={"comparison": moments_ago})
    errors, _ = readings.read.fn(project, watch, 1, live, datetime.now(UTC), datetime.now(UTC))
    assert errors.against == "1s before"


def test_too_few_requests_are_told_but_not_compared(
    watched: Watched, asked_at: Callable[[str], None]
) -> None:
    asked_at(watched.prometheus.url)
    live = datetime.now(UTC)
    watched.counted(live, ENOUGH)
    demanding = [{**metric, "minimum": 10**6} for metric in sandbox_policy.metrics("demo")]
    for found in read(live, live, *demanding):
        assert found.now is not None
        assert (found.before, found.chance, found.missing) == (None, None, "")


LEVEL = {"name": "level", "kind": "saturation", "limit": 1}


@pytest.mark.parametrize(
    ("level", "missing"),
    [
        ('no_such_metric{job="{job}"}', "no data"),
        ("sum(", "parse error"),
        ("shop_build_info or up", "series, one is needed"),
    ],
)
def test_what_cannot_be_read_says_why(
    watched: Watched, asked_at: Callable[[str], None], level: str, missing: str
) -> None:
    asked_at(watched.prometheus.url)
    now = datetime.now(UTC)
    [found] = read(now, now, {**LEVEL, "level": level})
    assert found.now is None
    assert missing in found.missing


def test_a_level_is_read_and_the_placeholders_are_filled(
    watched: Watched, asked_at: Callable[[str], None]
) -> None:
    asked_at(watched.prometheus.url)
    live = datetime.now(UTC) - timedelta(seconds=3)
    query = 'max(max_over_time(up{job="{job}",environment="{environment}"}[{window}]))'
    [found] = read(live, live, {**LEVEL, "level": query})
    assert found.now is not None
    assert found.now.value == 1


@pytest.mark.parametrize(
    ("url", "missing"), [("", "CONVEYOR_PROMETHEUS_URL"), ("http://127.0.0.1:1", "no answer")]
)
def test_a_prometheus_that_is_not_there_is_no_reason_against_the_version(
    asked_at: Callable[[str], None], url: str, missing: str
) -> None:
    asked_at(url)
    now = datetime.now(UTC)
    found = read(now, now)
    assert [missing in each.missing for each in found] == [True, True]
    assert judge(found, now) == (WatchState.WATCHING, ())


def test_a_level_is_kept_where_the_time_before_cannot_be_read(
    watched: Watched, asked_at: Callable[[str], None]
) -> None:
    asked_at(watched.prometheus.url)
    live = datetime.now(UTC)
    # One series now, and two before: that cannot be one number.
    long_ago = f"vector(3) and vector(time()) < {live.timestamp() - 60:.0f}"
    query = f'vector(2) or label_replace({long_ago}, "a", "b", "", "")'
    [found] = read(live, live, {**LEVEL, "level": query})
    assert found.now is not None
    assert (found.now.value, found.before) == (2, None)
    assert "the time before: " in found.missing
    assert "2 series, one is needed" in found.missing


def test_a_prometheus_that_does_not_answer_is_asked_once_in_a_tick(asked_at: Callable[[str], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        asked_at(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        now = datetime.now(UTC)
        found = read(now, now)
        deaf.setblocking(False)
        callers = 0
        with contextlib.suppress(BlockingIOError):
            while deaf.accept():
                callers += 1
    assert [("no answer" in each.missing) for each in found] == [True, True]
    assert callers == 1
