"""`conveyor requests similar` and `conveyor requests rank`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from deployments.cli.duplicates import answers
from deployments.cli.say import Stop
from tests.cli.world import Cli, Team

PAY = {"title": "Pay by invoice", "description": "within 14 days", "created": "2026-03-02T10:00:00"}
DARK = {"title": "Dark theme", "description": None, "created": "2026-03-02T10:00:00+02:00"}


def rank(*lines: bytes) -> subprocess.CompletedProcess[bytes]:
    """The command as others start it, in a process of its own."""
    command = [sys.executable, "-m", "deployments.cli.main", "requests", "rank"]
    return subprocess.run(command, input=b"\n".join(lines), capture_output=True, check=False)


def line(**command: Any) -> bytes:
    return json.dumps(command).encode()


def add(key: str, report: dict[str, Any]) -> bytes:
    return line(op="add", report={"id": key, **report})


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (b"", "Expecting value"),
        (b"[1", "Expecting"),
        (b"\xff\xfe", "utf-8"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "valid dictionary"),
        (line(op="drop"), "drop"),
        (line(op="add", report=PAY), "id"),
        (add("A", {**PAY, "title": 7}), "title"),
        (add("A", {**PAY, "created": "yesterday"}), "created"),
        (add("A", {"title": "Pay"}), "created"),
        (line(op="rank", query=PAY, k=-1), "k"),
    ],
)
def test_a_broken_line_is_named_by_its_number_and_ends_with_1(broken: bytes, named: str) -> None:
    with pytest.raises(Stop) as stopped:
        list(answers([add("A", PAY), broken, line(op="rank", query=PAY)]))
    assert stopped.value.code == 1
    assert stopped.value.message.startswith("line 2: ")
    assert named in stopped.value.message


def test_a_broken_line_is_one_line_on_stderr_after_what_was_answered_before() -> None:
    done = rank(add("A", PAY), line(op="rank", query=PAY), b"[1", line(op="rank", query=PAY))
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert re.fullmatch(r"conveyor: line 3: Expecting .*\n", done.stderr.decode())


def test_requests_are_ranked_and_each_ranking_is_one_line() -> None:
    said = answers(
        [
            line(op="preload", reports=[{"id": "A", **PAY}, {"id": "B", **DARK}]),
            line(op="rank", query=PAY, k=1),
            add("C", {**DARK, "title": "A theme that is \ud800 dark 💥 <b>עגלה</b>", "components": ["shop"]}),
            line(op="rank", query={**DARK, "components": None}),
            line(op="rank", query={"title": "zeppelin", "created": PAY["created"]}),
        ]
    )
    first, second, third = [json.loads(each)["results"] for each in said]
    assert first == [["A", pytest.approx(1.0, abs=1e-6)]]
    assert [key for key, _ in second] == ["B", "C"]
    assert third == []


def test_ranking_starts_without_prefect_vendors_or_a_ledger() -> None:
    program = (
        "import sys; from deployments.cli.main import main; main(['requests', 'rank']); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, check=True)
    assert {"prefect", "jira", "gitlab", "slack_sdk", "sqlalchemy", "httpx"}.isdisjoint(
        done.stdout.decode().split()
    )


def test_a_title_in_words_is_compared_with_the_open_requests(shop: Cli, team: Team) -> None:
    same, _ = (team.issue(t) for t in ("Wishes may be shared by mail", "Gift cards"))
    [found] = shop.run("requests", "similar", "share a wish by mail", "--json").json
    assert (found["key"], found["title"]) == (same, "Wishes may be shared by mail")
    assert 0 < found["score"] <= 1
    assert shop.run("requests", "similar", "share a wish by mail").out.splitlines()[1].startswith(f"{same}\t")


def test_a_title_that_is_like_nothing_is_said_beside_the_result(shop: Cli) -> None:
    said = shop.run("requests", "similar", "Quarterly zeppelin")
    assert (said.code, said.out, said.err) == (0, "", "no open request is like Quarterly zeppelin\n")


def test_a_title_for_a_project_that_is_not_there_is_a_wrong_name(shop: Cli) -> None:
    assert shop.run("requests", "similar", "Gift cards", "--project", "kiosk").code == 2
