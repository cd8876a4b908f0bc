"""`conveyor watch`: what the last tick saw, at the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from lifecycle import events as e
from lifecycle.readings import Reading, Side
from lifecycle.watch import Firing, Observation
from tests.cli.world import SHA, START, Cli, in_production

STREAM = "release:shop:1.4.0"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(cli: Cli) -> Cli:
    """1.4.0 has been in production since `START`, watched for 24 hours by a probe and three metrics."""
    data = yaml.safe_load(cli.policy.read_text())
    data["watch"]["rules"] |= {"lasts": "24h", "every": "5m"}
    data["watch"]["metrics"] = [
        {"name": "errors", "kind": "error_rate", "bad": "b", "total": "t"},
        {"name": "p95", "kind": "latency", "buckets": "h"},
        {"name": "cpu", "kind": "saturation", "level": "l", "limit": 1},
    ]
    cli.policy.write_text(yaml.safe_dump(data))
    cli.record(STREAM, *in_production(("SHOP-3",), "1.4.0", START)[:-1])
    return cli


def ticked(tick: int, missed: int = 0) -> e.WatchTicked:
    at = START + 5 * tick * MINUTE
    return e.WatchTicked(
        tick=tick,
        at=at,
        missed=missed,
        observations=(
            Observation(at=at, probe="health", ok=True, status=200, latency_ms=12),
            Observation(at=at, probe="cart", ok=False, detail="ConnectTimeout"),
        ),
        readings=(
            Reading(
                at=at,
                metric="errors",
                now=Side(value=0.012, bad=12, total=1000),
                before=Side(value=0.01, bad=10, total=1000),
                against="1w before",
                chance=0.4,
            ),
            Reading(at=at, metric="p95", missing="no data"),
            Reading(at=at, metric="cpu", now=Side(value=0.5)),
            Reading(at=at, metric="forgotten", now=Side(value=0.5)),
        ),
    )


def test_a_release_that_is_not_there_is_a_wrong_name(watched: Cli) -> None:
    said = watched.run("watch", "show", "9.9.9")
    assert (said.code, said.out) == (2, "")
    assert "there is no release 9.9.9" in said.err


def test_before_the_first_tick_it_says_so(watched: Cli) -> None:
    assert watched.run("watch", "show", "1.4.0").out.endswith("; nobody has looked yet\n")
    assert watched.run("watch", "show", "1.4.0", "--json").json["last"] is None


def test_the_last_tick_is_a_table_of_probes_and_metrics(watched: Cli) -> None:
    watched.record(STREAM, ticked(1), ticked(3, missed=1))
    watched.record(STREAM, e.WatchEnded(verdict="inconclusive", reasons=("tick 2 missed: cart",)))
    head, reason, *rows = watched.run("watch", "show", "1.4.0").out.splitlines()
    assert head == "shop:1.4.0: inconclusive; tick 3 of 288 at 2026-10-01 10:15:00 UTC"
    assert reason == "  tick 2 missed: cart"
    assert [row.split("\t") for row in rows] == [
        ["WHAT", "NOW", "BEFORE", "HOW IT IS"],
        ["health", "200, 12 ms", "", "ok"],
        ["cart", "no answer", "", "bad ConnectTimeout"],
        [
            "errors",
            "1.2 % (12 of 1000 requests)",
            "1 % (10 of 1000 requests) 1w before",
            "so by chance with a probability of 0.4",
        ],
        ["p95", "", "", "no data"],
        ["cpu", "0.5", "", "not compared"],
        ["forgotten", "", "", "not watched any more"],
    ]


def test_what_was_taken_back_after_its_watch_is_rolled_back_and_no_more_healthy(watched: Cli) -> None:
    back = e.RollbackStarted(person="olli", reasons=("parcels get lost",), to_tag="1.3.0", to_sha=SHA)
    rolled = e.RolledBack(to_sha=SHA, pipeline_id=4, at=START, took_s=4, noticed_at=START)
    watched.record(STREAM, e.WatchEnded(verdict="healthy"), e.Closed(), back, rolled)
    assert watched.run("watch", "show", "1.4.0").out.splitlines() == [
        "shop:1.4.0: rolled back; nobody has looked yet",
        "  parcels get lost",
        "  1.3.0 served again 4.0 s after it was decided (10:00:00 UTC).",
    ]


def test_an_alert_that_counts_is_in_the_table(watched: Cli) -> None:
    lost = Firing(fingerprint="f", name="OrdersLost", summary="3 of 4", since=START)
    watched.record(STREAM, e.WatchTicked(tick=1, at=START, observations=(), firing=(lost,)))
    rows = watched.run("watch", "show", "1.4.0").out.splitlines()
    assert rows[-1] == "OrdersLost\tfires since 2026-10-01 10:00:00 UTC\t\tbad 3 of 4"


def test_json_has_the_tick_as_it_was_recorded(watched: Cli) -> None:
    watched.record(STREAM, ticked(1))
    back = e.RollbackStarted(person="mara", reasons=("bad",), to_tag="1.3.0", to_sha=SHA)
    watched.record(STREAM, back)
    said = watched.run("watch", "show", "shop:1.4.0", "--json").json
    assert (said["state"], said["reasons"], said["ticks"]) == ("rolled back", ["bad"], 288)
    assert said["last"] == ticked(1).model_dump(mode="json")
    assert said["rolled_back"] is None


def test_how_long_customers_waited_for_the_earlier_version_is_told_from_the_tick_on(watched: Cli) -> None:
    back = e.RollbackStarted(person=None, reasons=("cart was bad",), to_tag="1.3.0", to_sha=SHA)
    tick, at = ticked(1), START + 5 * MINUTE + timedelta(seconds=9.3)
    seen = (Observation(at=at, probe="cart", ok=True, status=200),)
    rolled = e.RolledBack(to_sha=SHA, pipeline_id=4, at=at, took_s=9.3, noticed_at=tick.at, seen=seen)
    watched.record(STREAM, tick, back, rolled)
    said = watched.run("watch", "show", "1.4.0").out.splitlines()
    since = "the tick that showed the fault (10:05:00 UTC)"
    assert said[1:3] == [
        "  cart was bad",
        f"  1.3.0 served again 9.3 s after {since}; all probes are well.",
    ]
    told = watched.run("watch", "show", "1.4.0", "--json").json["rolled_back"]
    assert (told["noticed_at"], told["at"], told["took_s"]) == (
        "2026-10-01T10:05:00Z",
        "2026-10-01T10:05:09.300000Z",
        9.3,
    )
    assert [one["probe"] for one in told["seen"]] == ["cart"]
