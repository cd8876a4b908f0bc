"""The table that people read, and the document that machines read."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from deployments.demo import report
from deployments.demo.checks import Row

GOOD = Row("git.tags", "git", "1.3.0, 1.4.0", "1.3.0, 1.4.0", ok=True)
BAD = Row("jira.status.gift", "Jira", "Closed", "Released [bold]", ok=False)


def shown(*rows: Row, width: int = 100, color: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=color, color_system="standard" if color else None
    )
    console.print(report.table(rows))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_row_that_holds_takes_one_line_however_much_was_seen() -> None:
    long = Row("gitlab.production", "GitLab", "x" * 500, "x\ny " * 120, ok=True)
    lines = [line for line in shown(GOOD, long, width=80).splitlines() if "✓" in line]
    assert len(lines) == 2
    assert all(len(line) <= 80 for line in lines)


def test_a_row_that_does_not_hold_shows_what_was_expected_and_what_was_seen_to_the_last_word() -> None:
    text = shown(BAD, Row("x", "git", "E" * 150, "S" * 150, ok=False), width=60)
    assert "expected  Closed" in text
    assert "seen      Released [bold]" in text
    assert (text.count("E"), text.count("S")) == (150, 150)


def test_what_does_not_hold_is_red_and_what_holds_is_not() -> None:
    red = "\x1b[1;31m"
    lines = shown(GOOD, BAD, color=True).splitlines()
    assert red in next(line for line in lines if "jira.status.gift" in line)
    assert red not in next(line for line in lines if "git.tags" in line)


def test_the_title_counts_what_holds() -> None:
    assert "1 of 2 checks hold" in shown(GOOD, BAD)


def test_the_document_has_exactly_its_fields() -> None:
    runs = [{"id": "r1", "flow": "release", "state": "Closed", "more": "is left out"}]
    made = report.document("c" * 40, 93.456, [GOOD, BAD], runs, {"change_failure_rate": 0.5})
    assert json.loads(json.dumps(made)) == {
        "schema": 1,
        "scenario": "shop",
        "commit": "c" * 40,
        "seconds": 93.5,
        "checks": [
            {
                "id": "git.tags",
                "system": "git",
                "expected": "1.3.0, 1.4.0",
                "seen": "1.3.0, 1.4.0",
                "ok": True,
            },
            {
                "id": "jira.status.gift",
                "system": "Jira",
                "expected": "Closed",
                "seen": "Released [bold]",
                "ok": False,
            },
        ],
        "runs": [{"id": "r1", "flow": "release", "state": "Closed"}],
        "figures": {"change_failure_rate": 0.5},
    }


@pytest.mark.parametrize(("value", "said"), [(0.5, "0.5"), (None, "–"), (8.199, "8.199")])
def test_the_four_keys_are_printed_with_a_dash_for_what_was_not_measured(
    value: float | None, said: str
) -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(report.four_keys({"change_failure_rate": value}))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert next(line for line in lines if "Change failure rate" in line).split()[-1] == said
    assert sum("–" in line for line in lines) == (3 if value is not None else 4)


def test_the_commit_is_the_one_of_this_checkout() -> None:
    assert len(report.commit()) in (0, 40)
