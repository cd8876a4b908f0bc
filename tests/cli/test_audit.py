"""`conveyor audit ...`: whoever does not trust us can check."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.ledger import chain
from lifecycle import events as e
from tests.cli.world import PLAN, SHA, START, Cli, asked, until_qa

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


AGAIN = "b" * 40
BUSY = settings(deadline=None)
"""A busy machine is no fault of the chain."""


def a_winding_story() -> list[e.ReleaseEvent]:
    """Signed, taken back and signed again; returned, held, mended; one signature is carried over."""
    first, *told = until_qa()
    digests = {"SHOP-3": "d3", "SHOP-4": "d4"}
    cut, *told = told
    by_quinn: dict[str, Any] = {"request": "r3", "role": "qa", "person": "quinn"}
    second: dict[str, Any] = {"number": 2, "sha": AGAIN}
    return [
        first,
        cut.model_copy(update={"digests": digests}),
        *told,
        e.SignOffGiven(**by_quinn, door="slack", comment="looks well"),
        e.SignOffWithdrawn(**by_quinn, round=1, reason="wrong tab"),
        e.SignOffGiven(**by_quinn, round=2, door="cli"),
        e.Returned(
            request="r4", step="qa", issue="SHOP-4", person="quentin", reason="it breaks", door="slack"
        ),
        e.Held(round=1, person="mara", reason="the fair"),
        e.Resumed(round=1, person="gerd", reason="it is over"),
        e.CandidateCut(
            **second, tag="1.4.0-rc.2", branch="release/1.4.0", digests={**digests, "SHOP-4": "mended"}
        ),
        e.CandidateVerified(number=2, pipeline_id=9),
        e.Staged(**second, url="http://127.0.0.1:1", pipeline_id=10),
        asked("qa", "SHOP-3", "r3b").model_copy(update=second),
        e.SignOffCarried(
            request="r3b",
            from_request="r3",
            step="qa",
            issue="SHOP-3",
            from_sha=SHA,
            to_sha=AGAIN,
            from_digest="d3",
            to_digest="d3",
        ),
    ]


def test_the_story_of_a_release_is_told_in_order_and_in_words(cli: Cli) -> None:
    cli.record(STREAM, *a_winding_story())
    _, *rows = (line.split("\t") for line in cli.run("audit", "show", "1.4.0").out.splitlines())
    assert [row[0] for row in rows] == [str(n) for n in range(1, len(a_winding_story()) + 1)]
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert [row[3] for row in rows] == [
        "planned with SHOP-3, SHOP-4",
        "candidate `1.4.0-rc.1` cut at `aaaaaaaa`",
        "pipeline and gates passed",
        "staging serves the candidate",
        "qa: sign-off of SHOP-3 asked for",
        "qa: sign-off of SHOP-4 asked for",
        "quinn signed SHOP-3 as qa (by slack): looks well",
        "quinn took back having signed SHOP-3 as qa: wrong tab",
        "quinn signed SHOP-3 as qa (by cli)",
        "quentin returned SHOP-4: it breaks",
        "mara held the release: the fair",
        "gerd released the hold: it is over",
        "candidate `1.4.0-rc.2` cut at `bbbbbbbb`",
        "pipeline and gates passed",
        "staging serves the candidate",
        "qa: sign-off of SHOP-3 asked for",
        "qa: sign-off of SHOP-3 kept from `aaaaaaaa`",
    ]


def test_a_story_that_breaks_the_rules_is_shown_all_the_same(cli: Cli) -> None:
    cli.record(STREAM, PLAN, e.ProductionDeployed(sha=SHA, url="x", pipeline_id=1, at=START))
    said = cli.run("audit", "show", "1.4.0")
    assert said.code == 0
    assert said.out.splitlines()[-1].split("\t")[2:4] == [
        "ProductionDeployed",
        "production serves the release",
    ]


def test_whatever_is_done_to_an_export_of_the_ledger_is_found(cli: Cli) -> None:
    cli.record(STREAM, *a_winding_story())
    path = cli.home / "all.jsonl"
    assert cli.run("audit", "export", "--to", str(path)).code == 0
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    head = str(json.loads(lines[-1])["hash"])

    def found(changed: list[bytes], kept: str | None = None) -> bool:
        return not chain.verify(changed, kept).ok

    @BUSY
    @given(st.integers(0, len(whole) - 1), st.integers(1, 255))
    def a_changed_byte(place: int, flip: int) -> None:
        changed = bytearray(whole)
        changed[place] ^= flip
        # A file is read up to each line feed, and only there.
        assert found([line + b"\n" for line in bytes(changed).removesuffix(b"\n").split(b"\n")])

    @BUSY
    @given(st.integers(0, len(lines) - 2))
    def a_removed_line(which: int) -> None:
        assert found(lines[:which] + lines[which + 1 :])

    @BUSY
    @given(st.integers(0, len(lines) - 1), st.integers(0, len(lines) - 1))
    def two_swapped_lines(one: int, other: int) -> None:
        swapped = list(lines)
        swapped[one], swapped[other] = lines[other], lines[one]
        assert found(swapped) == (one != other)

    @BUSY
    @given(st.integers(0, len(lines)))
    def a_cut_tail(kept: int) -> None:
        assert not found(lines[:kept])
        assert found(lines[:kept], head) == (kept < len(lines))

    for tampering in (a_changed_byte, a_removed_line, two_swapped_lines, a_cut_tail):
        tampering()
