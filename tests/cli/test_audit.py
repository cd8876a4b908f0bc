"""`conveyor audit ...`: whoever does not trust us can check."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.world import Cli, until_qa

STREAM = "release:shop:1.4.0"


@pytest.fixture
def told(cli: Cli) -> Cli:
    cli.record(STREAM, *until_qa())
    return cli


def change(cli: Cli, statement: str) -> None:
    """Do what somebody with a database client would do, who takes away what stops them."""
    cli.ledger.close()
    with closing(sqlite3.connect(cli.home / "var" / "ledger.db")) as connection, connection:
        for kind in ("update", "delete"):
            connection.execute(f"DROP TRIGGER events_no_{kind}")
        connection.execute(statement)


def test_a_changed_event_breaks_the_chain(told: Cli) -> None:
    change(told, "UPDATE events SET data = replace(data, 'SHOP-3', 'SHOP-9') WHERE seq = 1")
    said = told.run("audit", "verify")
    assert said.code == 1
    assert "line 1: does not match its hash" in said.out
    assert said.err == "conveyor: the chain is broken: 1 problems\n"


def test_a_removed_event_breaks_the_chain(told: Cli) -> None:
    change(told, "DELETE FROM events WHERE seq = 2")
    said = told.run("audit", "verify", "--json")
    assert said.code == 1
    assert said.json["ok"] is False


def test_a_cut_tail_is_found_by_the_head_that_was_kept(told: Cli) -> None:
    kept = told.run("audit", "verify", "--json").json["head"]
    assert told.run("audit", "verify", "--head", kept).code == 0
    whole = told.run("audit", "export").out.splitlines()
    cut = told.home / "cut.jsonl"
    cut.write_text("".join(f"{line}\n" for line in whole[:-1]))
    assert told.run("audit", "verify", "--file", str(cut)).code == 0
    assert told.run("audit", "verify", "--file", str(cut), "--head", kept).code == 1


def test_a_missing_export_is_a_wrong_name(told: Cli) -> None:
    said = told.run("audit", "verify", "--file", "nowhere.jsonl")
    assert said.code == 2
    assert said.err == "conveyor: No such file or directory: nowhere.jsonl\n"


def test_an_export_can_be_checked_with_nothing_but_a_hash_function(told: Cli, tmp_path: Path) -> None:
    assert told.run("audit", "export", "--to", str(tmp_path / "all.jsonl")).code == 0
    before = "0" * 64
    lines = (tmp_path / "all.jsonl").read_bytes().splitlines()
    for line in lines:
        fields = json.loads(line)
        claimed = fields.pop("hash")
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert fields["prev"] == before
        assert hashlib.sha256((before + canonical).encode()).hexdigest() == claimed
        before = claimed
    assert len(lines) == len(until_qa())
    assert told.run("audit", "verify", "--json").json["head"] == before


def test_show_gives_every_event_of_the_release_with_its_place_in_the_chain(told: Cli) -> None:
    shown = told.run("audit", "show", "1.4.0", "--json").json
    exported = [json.loads(line) for line in told.run("audit", "export").out.splitlines()]
    assert shown == exported
    first = told.run("audit", "show", "1.4.0").out.splitlines()[1].split("\t")
    assert first[0] == "1"
    assert first[2:4] == ["Planned", "planned with SHOP-3, SHOP-4"]
