"""`conveyor pending`: what waits for whom, at the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.ledger import NewEvent
from lifecycle import events as e
from tests.cli.world import Cli, asked, until_qa

STREAM = "release:shop:1.4.0"


@pytest.fixture
def waiting(cli: Cli) -> Cli:
    """QA of two issues was asked three hours ago; SHOP-4 has been due for one, SHOP-3 is not."""
    now = datetime.now(UTC)
    cli.record(STREAM, *until_qa()[:4])
    for issue, request, due in (("SHOP-3", "r3", 24), ("SHOP-4", "r4", -1)):
        fact = asked("qa", issue, request).model_copy(update={"due": now + timedelta(hours=due)})
        new = NewEvent(fact.kind, fact.key(STREAM), fact.model_dump(mode="json"))
        cli.ledger.append(STREAM, [new], now=now - timedelta(hours=3))
    return cli


def test_somebody_who_is_not_in_the_policy_is_a_wrong_name(waiting: Cli) -> None:
    said = waiting.run("pending", "--person", "mallory")
    assert (said.code, said.out) == (2, "")
    assert "no person mallory" in said.err


def test_nothing_is_said_beside_the_result(cli: Cli) -> None:
    said = cli.run("pending")
    assert (said.code, said.out, said.err) == (0, "", "nothing waits for anybody\n")
    assert cli.run("pending", "--json").json == []


def test_a_person_for_whom_nothing_waits_is_told_so(waiting: Cli) -> None:
    said = waiting.run("pending", "--person", "gerd")
    assert (said.code, said.out, said.err) == (0, "", "nothing waits for gerd\n")


def test_the_list_says_for_whom_how_long_and_until_when_the_late_first(waiting: Cli) -> None:
    head, *rows = (line.split("\t") for line in waiting.run("pending").out.splitlines())
    assert head == ["RELEASE", "WHAT", "WAITS FOR", "FOR HOW LONG", "DUE (UTC)", "LATE BY"]
    assert [row[:3] for row in rows] == [
        ["shop:1.4.0", "QA of SHOP-4", "quinn, quentin (1 qa)"],
        ["shop:1.4.0", "QA of SHOP-3", "quinn, quentin (1 qa)"],
    ]
    assert [row[3][:2] for row in rows] == ["3h", "3h"]
    assert [row[5][:2] for row in rows] == ["1h", ""]


def test_a_question_that_nobody_may_sign_says_so(cli: Cli) -> None:
    plan, cut, *rest = until_qa()
    cli.record(STREAM, plan, cut.model_copy(update={"authors": ("quinn", "quentin")}), *rest)
    assert "nobody who may sign (1 qa)" in cli.run("pending").out


def test_one_persons_list_gets_shorter_as_they_sign(waiting: Cli) -> None:
    assert len(waiting.run("pending", "--person", "quinn", "--json").json) == 2
    assert waiting.run("release", "approve", "r4", "--as", "quentin").code == 0
    [left] = waiting.run("pending", "--person", "quinn", "--json").json
    assert (left["request"], left["issue"], left["title"]) == ("r3", "SHOP-3", "Gift wrap")
    assert (left["people"], left["late"]) == (["quinn", "quentin"], False)
    assert 3 * 3600 <= left["waited_s"] < 4 * 3600


def test_an_ended_release_waits_for_nobody(waiting: Cli) -> None:
    waiting.record(STREAM, e.Abandoned(person="mara", reason="no"))
    assert waiting.run("pending", "--json").json == []
