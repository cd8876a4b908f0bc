"""How a request comes in: what is kept of a text, who asked, and from where."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.policy import Person, Policy
from lifecycle.requests import (
    TEXT_LENGTH,
    TITLE_LENGTH,
    AlikeFound,
    Ask,
    Door,
    Received,
    Requester,
    body,
    command,
    fold,
    is_cut,
    may_take,
    one_line,
    opaque,
    parse,
    requester_at,
    source_of,
    stream,
    text_of,
)
from lifecycle.scoring import RequestSource

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NOTHING = ["", " ", "\n\t", "\u200b", "\u200e\u200f", "\x00", "\u202e", "\ufeff", "\ud800"]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("title", "text", "kept", "cut"),
    [
        ("x" * 255, "why", "why", False),
        ("x  " * 500, "why", "x  " * 499 + "x\n\nwhy", False),
        ("🛒" * 128, "", "🛒" * 128 + "\n\n", False),
        (" \n" * 300 + "x", "why", "why", False),
        ("x", "y" * 30_000 + "\r\n \x00", "y" * 30_000 + "\r\n \x00", False),
        ("x", "y" * 30_001, "y" * 30_001, True),
    ],
)
def test_of_a_title_that_is_too_long_nothing_is_lost(title: str, text: str, kept: str, cut: bool) -> None:
    ask = Ask(door=Door.SLACK, origin="slack:1", title=title, text=text, requester=Requester(), asked_at=NOW)
    assert (text_of(ask), is_cut(ask)) == (kept, cut)


@pytest.mark.parametrize("title", NOTHING)
def test_a_title_that_nobody_can_see_is_none(title: str) -> None:
    assert one_line(title) == ""
    ask = Ask(door=Door.SLACK, origin="slack:1", title=title, requester=Requester(), asked_at=NOW)
    assert may_take(ask).reasons == ("it has no title: say in a few words what is wished",)


@pytest.mark.parametrize("title", ["سلة", "🛒", "<b>", "0", "家", "é"])
def test_a_title_of_one_visible_character_is_enough(title: str) -> None:
    ask = Ask(door=Door.SLACK, origin="slack:1", title=title, requester=Requester(), asked_at=NOW)
    assert may_take(ask).allowed
    assert one_line(title) == title


@given(st.text(alphabet=st.characters(), max_size=600))
def test_a_title_is_one_printable_line_that_every_vendor_takes(text: str) -> None:
    line = one_line(text)
    assert units(line) <= TITLE_LENGTH
    assert line == line.strip()
    assert not set(line) & set("\n\r\t\x00\u202e\u2066")
    assert one_line(line) == line
    line.encode()


@given(st.text(alphabet=st.characters(), max_size=200))
def test_a_short_text_is_kept_but_for_what_cannot_be_sent(text: str) -> None:
    kept = body(text)
    kept.encode()
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize("character", ["x", "😀", "ä"])
def test_a_text_that_is_too_long_is_cut_between_characters_and_says_so(character: str) -> None:
    cut = body(character * 100_000, "https://example.test/1")
    assert units(cut) <= 32_767
    assert cut.endswith("(cut here: 100000 characters are too many; all of it: https://example.test/1)")
    assert cut.startswith(character * (TEXT_LENGTH // units(character)))
    assert "all of it" not in body(character * 100_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "")),
        ("Vouchers", ("Vouchers", "")),
        ("Vouchers | for | summer ", ("Vouchers", "for | summer")),
        (" | only a text", ("", "only a text")),
    ],
)
def test_a_command_is_a_title_and_after_the_first_bar_a_text(text: str, expected: tuple[str, str]) -> None:
    assert command(text) == expected


def person(*roles: str) -> Person:
    return Person(id="ada", name="Ada", roles=roles, jira="j-ada", gitlab=7, slack="U7")


@pytest.mark.parametrize(
    ("roles", "source"),
    [
        (("client",), RequestSource.CLIENT),
        (("manager", "developer"), RequestSource.MANAGEMENT),
        (("client", "management"), RequestSource.CLIENT),
        (("qa",), RequestSource.DEVELOPER),
    ],
)
def test_the_source_is_what_the_person_is_whichever_door_they_took(
    roles: tuple[str, ...], source: RequestSource
) -> None:
    assert {source_of(door, person(*roles)) for door in Door} == {source}


@pytest.mark.parametrize("who", [None, person(), person("gardener")])
def test_without_a_telling_role_the_door_says_the_source(who: Person | None) -> None:
    assert [source_of(door, who).value for door in (Door.JIRA, Door.GITLAB, Door.SLACK)] == [
        "client",
        "developer",
        "management",
    ]


def policy(*people: Person) -> Policy:
    plain: dict[str, Any] = {
        "people": [each.model_dump() for each in people],
        "projects": [
            {
                "id": "shop",
                "name": "Shop",
                "jira": "SHOP",
                "gitlab": 1,
                "channel": "C1",
                "staging_url": "http://s.example",
                "production_url": "http://p.example",
            }
        ],
        "steps": [{"id": "qa", "title": "QA", "waits_as": "QA", "binds": "issue", "quorum": {"qa": 1}}],
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


def test_a_known_person_is_the_same_by_every_door_and_a_stranger_by_their_account() -> None:
    known = policy(person("qa"))
    by_door = [
        requester_at(known, Door.JIRA, "j-ada"),
        requester_at(known, Door.GITLAB, 7),
        requester_at(known, Door.SLACK, "U7"),
    ]
    assert {who.identity for who in by_door} == {"person:ada"}
    assert {who.name for who in by_door} == {"Ada"}
    strangers = [
        requester_at(known, Door.JIRA, "j-zoe", "Zoe\n<x>"),
        requester_at(known, Door.GITLAB, 8),
        requester_at(known, Door.SLACK, "U8"),
        Requester(name="Zoe"),
    ]
    assert [who.identity for who in strangers] == ["jira:j-zoe", "gitlab:8", "slack:U8", "name:Zoe"]
    assert strangers[0].name == "Zoe <x>"
    assert [who.called for who in strangers] == ["Zoe <x>", "8 in GitLab", "U8 in Slack", "Zoe"]
    assert Requester().called == "somebody"


def test_an_opaque_id_says_nothing_and_is_the_same_for_the_same_parts() -> None:
    assert opaque("a", "b") == opaque("a", "b")
    assert opaque("a", "b") not in (opaque("b", "a"), opaque("a"))
    assert "SHOP" not in opaque("SHOP-1")


def received(origin: str = "jira:SHOP-1") -> Received:
    return Received(
        issue="SHOP-1",
        origin=origin,
        door=Door.JIRA,
        source=RequestSource.CLIENT,
        title="A wish",
        requester=Requester(person="clara"),
        at=NOW,
    )


def test_a_finding_is_found_by_its_id_alone_and_an_ask_once_per_origin() -> None:
    found = AlikeFound(request="abc", issue="SHOP-2", other="SHOP-1", title="A wish", score=0.5)
    assert found.key(stream("SHOP-2")) == "AlikeFound:abc"
    assert received().key(stream("SHOP-1")) == received().key(stream("SHOP-1"))
    assert received().key(stream("SHOP-1")) != received("gitlab:1:3").key(stream("SHOP-1"))
    folded = fold(parse(fact.model_dump(mode="json")) for fact in (received(), found))
    assert (folded.received, folded.alike) == ((received(),), (found,))


@pytest.mark.parametrize("payload", [{}, {"kind": "Merged"}, {"kind": "Received"}, None])
def test_a_payload_of_another_kind_is_refused(payload: object) -> None:
    with pytest.raises(ValidationError):
        parse(payload)
