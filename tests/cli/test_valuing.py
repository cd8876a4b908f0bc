"""`conveyor requests set|values|estimates|need|waive|split|estimate|order|orders`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.estimates import Took
from tests.cli.world import START, Cli, Team, in_production


@pytest.mark.parametrize(
    ("tokens", "code", "named"),
    [
        (("set", "SHOP-1", "--urgency", "4", "--as", "mara"), 2, "--why"),
        (("set", "SHOP-1", "--why", "x", "--as", "mara"), 3, "say which value"),
        (("set", "SHOP-1", "--urgency", "9", "--why", "x", "--as", "mara"), 3, "from 1 to 5"),
        (("set", "KIOSK-1", "--urgency", "4", "--why", "x", "--as", "mara"), 3, "no request KIOSK-1"),
        (("need", "SHOP-1", "--as", "mara"), 2, "one of --metric"),
        (("need", "SHOP-1", "--metric", "https://x.y", "--feedback", "z", "--as", "mara"), 2, "one of"),
        (("need", "SHOP-1", "--metric", "fast", "--as", "mara"), 3, "by its link"),
        (("waive", "SHOP-1", "--why", "x", "--as", "dora"), 3, "waived by lead or product"),
        (("estimate", "SHOP-1", "3", "--as", "dora"), 3, "no part of a request"),
        (("split", "SHOP-99", "--qa", "quinn", "--as", "mara"), 3, "no request SHOP-99"),
    ],
)
def test_what_is_refused_is_one_line_with_the_reason(
    shop: Cli, tokens: tuple[str, ...], code: int, named: str
) -> None:
    said = shop.run("requests", *tokens)
    assert (said.code, said.out) == (code, "")
    assert named in said.err
    assert len(said.err.splitlines()) == 1


def test_a_value_is_set_and_shown_with_who_and_why(shop: Cli, team: Team) -> None:
    key = team.issue("Pay by invoice")
    tokens = ("requests", "set", key.lower(), "--complexity", "5", "--type", "defect")
    assert (
        shop.run(*tokens, "--why", "two screens", "--as", "dora").out
        == f"{key}: complexity 5, type defect.\n"
    )
    shown = shop.run("requests", "values", key, "--json").json
    assert shown["complexity"] == {"to": 5, "basis": "set by dora", "why": "two screens"}
    assert shown["urgency"]["basis"] == "assumed"
    assert team.estimate_of(key) == 5
    rows = [line.split("\t") for line in shop.run("requests", "values", key).out.splitlines()]
    assert rows[1][:3] == ["type", "defect", "set by dora"]
    assert rows[-1] == ["need", "", "", "none on record"]


def test_a_need_and_a_waiver_are_shown(shop: Cli, team: Team) -> None:
    key = team.issue("Pay by invoice")
    metric = ("--metric", "https://metrics.example/d/7")
    assert shop.run("requests", "need", key, *metric, "--as", "mara").code == 0
    assert (
        shop.run("requests", "values", key, "--json").json["need"]
        == "metric https://metrics.example/d/7 (mara)"
    )
    assert shop.run("requests", "waive", key, "--why", "it is law", "--as", "olli").code == 0
    assert "waived by olli: it is law" in shop.run("requests", "values", key).out


def test_without_finished_work_there_is_no_figure(cli: Cli) -> None:
    assert cli.run("requests", "estimates", "--json").json == {"sizes": [], "not_measured": 0}
    said = cli.run("requests", "estimates")
    assert (said.code, said.out) == (0, "")
    assert "0 finished requests" in said.err


def test_estimates_stand_beside_what_the_work_took(cli: Cli) -> None:
    told = [("SHOP-1", 3, 2.0), ("SHOP-2", 3, 5.0), ("SHOP-3", 8, 21.0), ("SHOP-4", None, 1.0)]
    keys = tuple(key for key, _, _ in told)
    cli.record("release:shop:1.0.0", *in_production(keys, "1.0.0", START + timedelta(days=30)))
    for key, points, days in told:
        took = Took(version="1.0.0", issue=key, title="x", points=points, days=days, released=START)
        cli.record("finished:shop", took)
    said = cli.run("requests", "estimates")
    assert [line.split("\t") for line in said.out.splitlines()[1:]] == [
        ["3", "2", "3.5", "2.0", "5.0"],
        ["8", "1", "21.0", "21.0", "21.0"],
    ]
    assert said.err.startswith("1 finished requests without")
    assert cli.run("requests", "estimates", "--json").json["sizes"][1]["median_days"] == 21.0


def test_a_request_is_split_estimated_and_handed_out(shop: Cli, team: Team) -> None:
    key = team.issue("Pay by invoice")
    said = shop.run(
        "requests", "split", key, "--developer", "dora: the form", "--qa", "quinn", "--as", "mara"
    )
    assert said.code == 0
    developer, qa = said.err.removeprefix("sub-tasks: ").strip().split(", ")
    assert shop.run("requests", "estimate", developer, "3", "--as", "quinn").code == 3
    assert shop.run("requests", "estimate", developer, "3", "--as", "dora").code == 0
    assert team.estimate_of(key) is None
    assert shop.run("requests", "estimate", qa, "2", "--as", "quinn").code == 0
    assert team.estimate_of(key) == 5
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    order = (
        "requests",
        "order",
        key,
        "--to",
        "Night testers",
        "--text",
        "Try it",
        "--by",
        day,
        "--as",
        "mara",
    )
    assert shop.run(*order).code == 0
    assert shop.run(*order, "--json").json["repeated"] is True
    [row] = [row for row in shop.run("requests", "orders", "--json").json if row["request"] == key]
    assert (row["to"], row["by"], row["state"]) == ("Night testers", day, "open")
    team.close(row["key"])
    assert f"{row['key']}\t{key}\tNight testers\t{day}\tdone" in shop.run("requests", "orders").out
