"""The plan for people: no title, whatever somebody wrote, breaks the graph or the page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.plan_pages import LABEL_CHARS, cell, label, mermaid, page
from lifecycle.scope import Scope, ScopeLine
from lifecycle.waves import Cycle

NASTY = [
    'He said "no"',
    "a]b[c](d)",
    "<script>alert(1)</script>",
    "end",
    "--> x",
    "```",
    "a;b #35; c",
    "smile 😀 family 👨‍👩‍👧",
    "turned \u202e round",
    "line\nbreak\r\n\ttab\x00nul",
    "`code` **bold** 1. list",
    "%% comment",
    "שלום",
    "",
    "x" * 500,
]

titles = st.one_of(
    st.text(max_size=90), st.sampled_from(NASTY), st.text('"[](){}<>#;&|`%-\n end', max_size=30)
)

_LINE = re.compile(
    r'graph LR|  subgraph wave\d+\["Wave \d+"\]|  end|  issue\d+ --> issue\d+'
    r'|    issue\d+\["(?:[^\W_]|[ .,:-]|#\d+;)+"\]'
)
"""All that Conveyor draws with."""


def scope(*titles: str) -> Scope:
    """Issues that wait each for the one before, but for the first two."""
    lines = [
        ScopeLine(key=f"SHOP-{n}", title=title, blocked_by=(f"SHOP-{n - 1}",) if n > 2 else ())
        for n, title in enumerate(titles, 1)
    ]
    return Scope(version="1.4.0", lines=tuple(lines))


def check(graph: str) -> list[str]:
    """Read the graph line by line; the labels in it."""
    depth, declared, labels = 0, set[str](), list[str]()
    for row in graph.split("\n"):
        assert _LINE.fullmatch(row), row
        depth += row.startswith("  subgraph")
        depth -= row == "  end"
        assert depth in (0, 1)
        if found := re.fullmatch(r'    (issue\d+)\["(.*)"\]', row):
            assert depth == 1
            assert found[1] not in declared
            declared.add(found[1])
            labels.append(found[2])
        elif "-->" in row:
            assert set(re.findall(r"issue\d+", row)) <= declared
    assert depth == 0
    return labels


def shown(text: str) -> str:
    """What Mermaid shows of a label."""
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), text)


@pytest.mark.parametrize("title", NASTY)
def test_a_nasty_title_stays_in_its_label(title: str) -> None:
    assert len(check(mermaid(scope(title)))) == 1


@given(st.lists(titles, min_size=1, max_size=6))
def test_every_title_gives_a_graph_that_reads_line_by_line(given_titles: list[str]) -> None:
    labels = check(mermaid(scope(*given_titles)))
    assert len(labels) == len(given_titles)
    assert [text.partition(":")[0] for text in labels] == [f"SHOP-{n + 1}" for n in range(len(labels))]


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=LABEL_CHARS))
def test_what_can_be_seen_of_a_title_is_seen(title: str) -> None:
    assert shown(label(title)) == title


def test_waves_are_subgraphs_and_blockers_are_arrows() -> None:
    assert mermaid(scope("First", "Too", "Then")) == "\n".join(
        [
            "graph LR",
            '  subgraph wave1["Wave 1"]',
            '    issue1["SHOP-1: First"]',
            '    issue2["SHOP-2: Too"]',
            "  end",
            '  subgraph wave2["Wave 2"]',
            '    issue3["SHOP-3: Then"]',
            "  end",
            "  issue2 --> issue3",
        ]
    )


def test_a_circle_cannot_be_drawn() -> None:
    lines = (ScopeLine(key="A", blocked_by=("B",)), ScopeLine(key="B", blocked_by=("A",)))
    with pytest.raises(Cycle):
        mermaid(Scope(version="1", lines=lines))


@given(titles)
def test_a_cell_ends_neither_itself_nor_its_row(title: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<\[`@#!~]", cell(title))
    assert "\n" not in cell(title)


@given(st.lists(titles, min_size=1, max_size=6))
def test_a_page_has_one_graph_and_a_row_for_every_issue(given_titles: list[str]) -> None:
    made = page(scope(*given_titles), ["Decided by ```"], {"SHOP-1": "http://jira/SHOP-1"}, ["+ ```"])
    assert [row for row in made.split("\n") if row.startswith("```")] == ["```mermaid", "```"]
    rows = [row for row in made.split("\n") if re.match(r"\| \d", row)]
    assert len(rows) == len(given_titles)
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 6 for row in rows)


def test_the_page_says_who_decided_what_waits_and_what_changed_since() -> None:
    lines = (
        ScopeLine(key="SHOP-1", title="Sum | total", size=3),
        ScopeLine(key="SHOP-2", title="Vouchers", blocked_by=("SHOP-1",)),
    )
    made = page(
        Scope(version="1.4.0", lines=lines),
        ["Closed by Mara."],
        {"SHOP-1": "http://jira/SHOP-1"},
        ["+ SHOP-2"],
    )
    assert made.startswith("Closed by Mara.\n\n```mermaid\ngraph LR\n")
    assert r"| 1 | [SHOP-1](http://jira/SHOP-1) | Sum \| total | 3 |  |" in made
    assert "| 2 | SHOP-2 | Vouchers |  | SHOP-1 |" in made
    assert made.endswith("## Changes of scope\n\n- + SHOP-2\n")
    assert "Changes of scope" not in page(Scope(version="1.4.0", lines=lines), [], {})
