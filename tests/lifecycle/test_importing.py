"""A file's rows: everything that is wrong is said, with its row; a row is the same when it comes again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.importing import COLUMNS, Line, Wrong, check
from lifecycle.policy import Policy
from lifecycle.requests import Ask, Door, Requester, one_line
from lifecycle.scoring import RequestSource

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEOPLE = [
    {"id": "ada", "name": "Ada Lovelace", "roles": ["qa"]},
    {"id": "bo1", "name": "Bo"},
    {"id": "bo2", "name": "bo"},
]


@pytest.fixture(scope="module")
def rules() -> Policy:
    plain = {
        "people": PEOPLE,
        "projects": [
            {
                "id": "shop",
                "name": "Shop",
                "jira": "SHOP",
                "gitlab": 1,
                "channel": "C1",
                "staging_url": "http://a",
                "production_url": "http://b",
            }
        ],
        "steps": [
            {"id": "qa", "title": "QA", "waits_as": "Awaiting QA", "binds": "issue", "quorum": {"qa": 1}}
        ],
        "review": {"channel": "C2", "capacity": 8},
        "watch": {
            "rules": {
                "lasts": "1d",
                "every": "5m",
                "failures_allowed": 1,
                "max_latency_ms": 100,
                "minimum_observations": 1,
            },
            "probes": [{"name": "health", "path": "/healthz"}],
        },
    }
    return Policy.model_validate(plain)


def asked(rules: Policy, **values: object) -> Ask:
    lines, wrong = check([(2, {"title": "A wish", **values})], rules, "shop", NOW)
    assert wrong == ()
    return lines[0].ask


@pytest.mark.parametrize(
    ("values", "column", "why"),
    [
        ({"title": ""}, "title", "it is empty"),
        ({"title": " \u200b\u202e "}, "title", "it is empty"),
        ({"title": "x" * 256}, "title", "256 characters are too many, 255 are taken"),
        ({"title": "🛒" * 128}, "title", "256 characters are too many"),
        ({"title": ["a"]}, "title", "it is not a text"),
        ({"title": True}, "title", "it is not a text"),
        ({"text": "x" * 100_000}, "text", "100000 characters are too many, 30000 are taken"),
        ({"text": "a\x00b"}, "text", "it holds a NUL character"),
        ({"text": {"type": "doc"}}, "text", "it is not a text"),
        ({"requester": "BO"}, "requester", "several people have this name"),
        ({"requester": "x" * 201}, "requester", "too many"),
        ({"source": "boss"}, "source", "it is none of client, developer, management"),
        ({"url": "javascript:alert(1)"}, "url", "it is no address of the web"),
        ({"url": "https:///x"}, "url", "it is no address of the web"),
        ({"url": "https://x.example/ y"}, "url", "it is no address of the web"),
        ({"asked_at": "2026-02-30"}, "asked_at", "it is no time such as"),
        ({"asked_at": "yesterday"}, "asked_at", "it is no time such as"),
        ({"asked_at": "0001-01-01T00:00:00+14:00"}, "asked_at", "it is no time such as"),
        ({"asked_at": "2026-03-02T12:00:01Z"}, "asked_at", "it is in the future"),
        ({"id": 1.5}, "id", "it is not a text"),
        ({"id": False}, "id", "it is not a text"),
        ({"wish": "a"}, "wish", "there is no such column; there are title, text"),
    ],
)
def test_what_is_wrong_is_said_with_its_row_and_column(
    rules: Policy, values: dict[str, object], column: str, why: str
) -> None:
    _, wrong = check([(7, {"title": "A wish", **values})], rules, "shop", NOW)
    assert [(each.row, each.column) for each in wrong] == [(7, column)]
    assert why in wrong[0].why
    assert str(wrong[0]).startswith(f"row 7: {column}: ")


def test_every_row_and_everything_in_it_is_looked_at(rules: Policy) -> None:
    rows: list[tuple[int, Mapping[str, object]]] = [
        (2, {"title": "", "source": "x", "odd": 1}),
        (3, {"title": "Good", "odd": 2}),
        (4, {"title": None}),
    ]
    lines, wrong = check(rows, rules, "shop", NOW)
    assert [line.row for line in lines] == [3]
    assert [(each.row, each.column) for each in wrong] == [
        (2, "odd"),
        (2, "title"),
        (2, "source"),
        (4, "title"),
    ]


def test_the_same_row_twice_in_one_file_is_an_error(rules: Policy) -> None:
    rows: list[tuple[int, Mapping[str, object]]] = [
        (2, {"title": "A", "id": "1"}),
        (3, {"title": "B", "id": 1}),
        (4, {"title": "C"}),
        (5, {"title": " C ", "text": ""}),
    ]
    lines, wrong = check(rows, rules, "shop", NOW)
    assert [line.row for line in lines] == [2, 4]
    assert wrong == (Wrong(3, "id", "it is the same as row 2"), Wrong(5, "", "it is the same as row 4"))
    assert str(wrong[1]) == "row 5: it is the same as row 4"


def test_a_whole_row_becomes_an_ask(rules: Policy) -> None:
    ask = asked(
        rules,
        text=" for\r\nsummer ",
        requester="ada lovelace",
        source="Developer",
        url="https://old.example/7",
        asked_at="2026-03-01T10:00:00+01:00",
        id=7,
    )
    assert ask.door is Door.FILE
    assert ask.origin.startswith("file:shop:")
    assert (ask.text, ask.url) == ("for\r\nsummer", "https://old.example/7")
    assert ask.requester == Requester(person="ada", name="Ada Lovelace")
    assert ask.source is RequestSource.DEVELOPER
    assert ask.asked_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_what_is_left_out_is_left_to_the_person_and_the_clock(rules: Policy) -> None:
    ask = asked(rules, requester="Zoe\n<x>")
    assert (ask.requester, ask.source, ask.asked_at) == (Requester(name="Zoe <x>"), None, NOW)
    assert asked(rules, requester="bo1").requester.person == "bo1"
    assert asked(rules, asked_at="2026-03-01").asked_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_row_is_known_by_its_id_else_by_all_that_it_says(rules: Policy) -> None:
    assert asked(rules, id="7").origin == asked(rules, id=7, text="more").origin
    assert asked(rules, id="7").origin != asked(rules, id="8").origin
    assert asked(rules).origin != asked(rules, text="more").origin
    again, _ = check([(9, {"title": "A wish"})], rules, "shop", NOW.replace(year=2027))
    assert again[0].ask.origin == asked(rules).origin
    elsewhere, _ = check([(9, {"title": "A wish"})], rules, "kiosk", NOW)
    assert elsewhere[0].ask.origin != asked(rules).origin


values = st.dictionaries(
    st.one_of(st.sampled_from(COLUMNS), st.text(max_size=5)),
    st.one_of(st.none(), st.text(max_size=20), st.integers(), st.booleans(), st.lists(st.none())),
)


@given(rows=st.lists(values, max_size=6))
def test_each_row_is_either_an_ask_or_wrong_and_says_so_in_one_line(
    rules: Policy, rows: list[dict[str, object]]
) -> None:
    numbered = list(enumerate(rows, 2))
    lines, wrong = check(numbered, rules, "shop", NOW)
    unknown_only = {each.row for each in wrong if each.why.startswith("there is no such column")}
    bad = {each.row for each in wrong}
    assert {line.row for line in lines} | bad == {number for number, _ in numbered}
    assert {line.row for line in lines} & bad <= unknown_only
    assert all("\n" not in str(each) for each in wrong)
    assert all(one_line(line.ask.title) and isinstance(line, Line) for line in lines)
    assert len({line.ask.origin for line in lines}) == len(lines)
