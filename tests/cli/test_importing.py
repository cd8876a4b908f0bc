"""`conveyor requests import`: all rows or none, nothing twice; a break is finished by running it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from integrations.sandbox.faults import Fault
from tests.cli.world import Cli, Team


@pytest.fixture
def wish() -> str:
    """A title that no other test files."""
    return f"Wish {uuid4().hex[:8]}"


@pytest.fixture
def healed(team: Team) -> Iterator[Team]:
    yield team
    team.vendors.jira.faults.clear()
    team.vendors.slack.faults.clear()


def csv(home: Path, *rows: str, header: str = "title,text,requester,source,url,asked_at,id") -> str:
    path = home / "wishes.csv"
    path.write_text("\r\n".join([header, *rows]) + "\r\n", encoding="utf-8-sig")
    return str(path)


def jsonl(home: Path, *rows: dict[str, object]) -> str:
    path = home / "wishes.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def heard(team: Team, key: str) -> list[dict[str, Any]]:
    """What the planning channel hears of an imported request."""
    return [m for m in team.messages() if f"*<{team.vendors.jira.url}/browse/{key}|" in str(m["blocks"])]


def test_one_bad_row_imports_nothing_and_every_error_is_said_with_its_row(
    shop: Cli, team: Team, wish: str
) -> None:
    long = "x" * 100_000
    path = csv(
        shop.home, f"{wish},,,,,,", ",,,boss,,,", f"{wish} 2,{long},,,,tomorrow,", f"{wish} 3,a\x00b,,,,,"
    )
    said = shop.run("requests", "import", path)
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert [line.split(": ")[:2] for line in lines[:-1]] == [
        ["row 3", "source"],
        ["row 3", "title"],
        ["row 4", "asked_at"],
        ["row 4", "text"],
        ["row 5", "text"],
    ]
    assert lines[-1] == "conveyor: nothing was imported: 3 rows are wrong"
    assert not [title for title in team.titles() if wish in title]
    assert shop.ledger.head()[0] == 0
    errors = shop.run("requests", "import", path, "--json").json["errors"]
    assert errors[0] == {"row": 3, "column": "source", "why": "it is none of client, developer, management"}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"title\n\xff\n", "line 2 is not UTF-8"),
        ("a.txt", b"title\n", "neither .csv nor .jsonl"),
    ],
)
def test_a_file_that_is_none_is_one_line(cli: Cli, name: str, data: bytes, said: str) -> None:
    path = cli.home / name
    path.write_bytes(data)
    found = cli.run("requests", "import", str(path))
    assert (found.code, found.out) == (1, "")
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert cli.run("requests", "import", str(cli.home / "none.csv")).code == 2


def test_a_dry_run_checks_and_makes_nothing(shop: Cli, team: Team, wish: str) -> None:
    path = csv(shop.home, f"{wish},why,Zoe,client,,,1")
    said = shop.run("requests", "import", path, "--dry-run", "--json").json
    assert said == {
        "project": "shop",
        "dry_run": True,
        "rows": [{"row": 2, "key": "", "state": "new", "title": wish, "url": "", "alike": []}],
        "errors": [],
    }
    assert shop.ledger.head()[0] == 0
    assert wish not in team.titles()


def test_each_row_becomes_a_request_as_by_every_other_door(shop: Cli, team: Team, wish: str) -> None:
    title = f"{wish} <b>סל</b> 🛒"
    rows = [
        {
            "title": title,
            "text": "why\r\nnot",
            "requester": "clara",
            "url": "https://old.example/7",
            "asked_at": "2026-02-01",
            "id": 7,
        },
        {"title": f"{wish} 2", "requester": "Zoe", "source": "management"},
    ]
    said = shop.run("requests", "import", jsonl(shop.home, *rows), "--json")
    assert said.code == 0
    assert [line.split()[0] for line in said.err.splitlines()] == ["1/2", "2/2"]
    first, second = (row["key"] for row in said.json["rows"])
    assert team.titles().count(title) == 1
    shown = [team.property(key, "conveyor.request") for key in (first, second)]
    assert [each["source"] for each in shown] == ["client", "management"]
    assert [each["requesters"] for each in shown] == [
        [{"name": "Clara (client)", "person": "clara"}],
        [{"name": "Zoe"}],
    ]
    received = shop.ledger.events(f"request:{first}")[0]
    assert (received.kind, received.data["door"]) == ("Received", "file")
    assert str(received.data["at"]).startswith("2026-02-01T00:00:00")
    [message] = heard(team, first)
    assert message["text"].startswith("📥 Imported wishes.jsonl for Shop: 2 new requests")
    assert second in str(message["blocks"])
    assert "סל" in str(message["blocks"])
    assert said.json["rows"][0]["url"] in str(message["blocks"])
    assert "Slack: where it is planned" in [link["object"]["title"] for link in team.links(second)]
    assert [row["door"] for row in shop.run("requests", "list", "--json").json] == ["file", "file"]


def test_the_same_file_again_makes_nothing_twice(shop: Cli, team: Team, wish: str) -> None:
    path = csv(shop.home, f"{wish},,,,,,1", f"{wish} 2,,,,,,")
    keys = [row["key"] for row in shop.run("requests", "import", path, "--json").json["rows"]]
    before = (sorted(team.titles()), shop.ledger.head(), team.messages())
    again = shop.run("requests", "import", path, "--json").json["rows"]
    assert [(row["key"], row["state"]) for row in again] == [(key, "known") for key in keys]
    assert shop.run("requests", "import", csv(shop.home, f"{wish} 2,,,,,,")).code == 0
    assert (sorted(team.titles()), shop.ledger.head(), team.messages()) == before
    grown = csv(shop.home, f"{wish},,,,,,1", f"{wish} 2,,,,,,", f"{wish} 3,,,,,,")
    third = shop.run("requests", "import", grown, "--json").json["rows"][2]
    assert (third["state"], keys[0] in third["alike"]) == ("new", True)
    first, message = heard(team, keys[0]), heard(team, third["key"])[0]
    assert first[0] in before[2]
    assert message["text"].startswith(
        "📥 Imported wishes.csv for Shop: 1 new request · 2 came in before · 1 read"
    )
    assert "reads like <" in str(message["blocks"])


def test_another_wish_under_an_id_that_came_in_before_is_an_error_not_a_loss(shop: Cli, wish: str) -> None:
    assert shop.run("requests", "import", csv(shop.home, f"{wish},,,,,,1")).code == 0
    said = shop.run("requests", "import", csv(shop.home, f"{wish} other,,,,,,1"))
    assert said.code == 1
    assert "row 2: id: its id came in before, as SHOP-" in said.err


def test_a_break_half_way_says_how_far_it_came_and_is_finished_by_running_it_again(
    shop: Cli, healed: Team, wish: str
) -> None:
    path = csv(shop.home, *(f"{wish} {n},,,,,," for n in range(3)))
    healed.vendors.jira.faults.order(Fault("POST /rest/api/2/issue", "403", times=9, skip=1))
    said = shop.run("requests", "import", path)
    assert said.code == 1
    assert "1 of 3 rows are in; run it again for the rest" in said.err.splitlines()[-1]
    [message] = [m for m in healed.messages() if f"{wish} 0" in str(m["blocks"])]
    assert "1 of 3 rows in" in message["text"]
    assert "⚠️ stopped at row 3: jira: create issue" in message["text"]
    healed.vendors.jira.faults.clear()
    done = shop.run("requests", "import", path, "--json")
    assert [row["state"] for row in done.json["rows"]] == ["known", "new", "new"]
    [mended] = [m for m in healed.messages() if m["ts"] == message["ts"]]
    assert mended["text"].startswith("📥 Imported wishes.csv for Shop: 3 new requests")
    assert [f"{wish} {n}" in str(mended["blocks"]) for n in range(3)] == [True, True, True]
    assert len(heard(healed, done.json["rows"][2]["key"])) == 1
    assert sorted(t for t in healed.titles() if wish in t) == [f"{wish} {n}" for n in range(3)]


def test_without_slack_nothing_is_made_and_a_message_that_cannot_be_finished_is_mended(
    shop: Cli, healed: Team, wish: str
) -> None:
    path = csv(shop.home, f"{wish},,,,,,")
    healed.vendors.slack.faults.order(Fault("POST /api/chat.postMessage", "403", times=9))
    said = shop.run("requests", "import", path)
    assert (said.code, wish in healed.titles()) == (1, False)
    assert said.err.splitlines()[-1].endswith("nothing was imported")
    healed.vendors.slack.faults.clear()
    healed.vendors.slack.faults.order(Fault("POST /api/chat.update", "403", times=9))
    said = shop.run("requests", "import", path)
    assert (said.code, wish in healed.titles()) == (1, True)
    assert "all rows are in, but the message is not" in said.err.splitlines()[-1]
    healed.vendors.slack.faults.clear()
    assert shop.run("requests", "import", path).code == 0
    [message] = [m for m in healed.messages() if wish in str(m["blocks"])]
    assert "1 new request" in message["text"]


def test_an_answer_that_is_lost_makes_no_second_issue(shop: Cli, healed: Team, wish: str) -> None:
    healed.vendors.jira.faults.order(Fault("POST /rest/api/2/issue", "drop_after"))
    assert shop.run("requests", "import", csv(shop.home, f"{wish},,,,,,")).code == 0
    assert healed.titles().count(wish) == 1
