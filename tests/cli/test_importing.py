"""`conveyor requests import`: all rows or none, nothing twice; a break is finished by running it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
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
        "rows": [{"row": 2, "key": "", "state": "new", "title": wish}],
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
    messages = [m["text"] for m in team.messages()]
    assert any(first in text for text in messages)
    assert [row["door"] for row in shop.run("requests", "list", "--json").json] == ["file", "file"]


def test_the_same_file_again_makes_nothing_twice(shop: Cli, team: Team, wish: str) -> None:
    path = csv(shop.home, f"{wish},,,,,,1", f"{wish} 2,,,,,,")
    keys = [row["key"] for row in shop.run("requests", "import", path, "--json").json["rows"]]
    before = (sorted(team.titles()), shop.ledger.head())
    again = shop.run("requests", "import", path, "--json").json["rows"]
    assert [(row["key"], row["state"]) for row in again] == [(key, "known") for key in keys]
    assert (sorted(team.titles()), shop.ledger.head()) == before


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
    healed.vendors.jira.faults.clear()
    done = shop.run("requests", "import", path, "--json")
    assert [row["state"] for row in done.json["rows"]] == ["known", "new", "new"]
    assert sorted(t for t in healed.titles() if wish in t) == [f"{wish} {n}" for n in range(3)]


def test_an_answer_that_is_lost_makes_no_second_issue(shop: Cli, healed: Team, wish: str) -> None:
    healed.vendors.jira.faults.order(Fault("POST /rest/api/2/issue", "drop_after"))
    assert shop.run("requests", "import", csv(shop.home, f"{wish},,,,,,")).code == 0
    assert healed.titles().count(wish) == 1
