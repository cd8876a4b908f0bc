"""What a request is compared with: every open one, as the mirror has it at this moment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from integrations.ledger import Ledger, MirroredIssue
from lifecycle.requests import Door, Received, Requester
from lifecycle.scoring import RequestSource
from tasks import alike_index, backlog, context
from tasks.walk import new_events
from tests.tasks.jira_site import Site

NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)
WAITING = frozenset({"to do"})


def wish(number: int, title: str, status: str = "To Do", **changed: object) -> MirroredIssue:
    at = NOW - timedelta(days=100 - number)
    made = MirroredIssue(
        key=f"SHOP-{number}",
        project="SHOP",
        summary=title,
        text="Please.",
        type="Task",
        status=status,
        priority="",
        labels=(),
        fix_versions=(),
        links=(),
        reporter="",
        votes=0,
        created=at,
        updated=at,
    )
    return replace(made, **changed)  # pyright: ignore[reportArgumentType]


def ask(title: str, key: str = "SHOP-99", at: datetime = NOW) -> list[tuple[str, str]]:
    """The keys and titles that come up for a new request."""
    asked = alike_index.Asked(key, title, "", at)
    return [(other, said) for other, said, _ in alike_index.rank("SHOP", WAITING, asked, 3)]


def keys(title: str) -> list[str]:
    return [key for key, _ in ask(title)]


def test_in_an_empty_mirror_nothing_is_alike(book: Ledger) -> None:
    assert book.mirrored("SHOP") == ()
    assert ask("Gift wrap") == []


def test_only_what_is_open_earlier_and_another_comes_up(book: Ledger) -> None:
    book.mirror(
        "SHOP",
        [
            wish(1, "Gift wrap for parcels", "TO DO"),
            wish(2, "Gift wrap for parcels", "Closed"),
            wish(3, "Gift wrap for parcels", fix_versions=("1.4.0",)),
            wish(4, "Gift wrap for parcels", created=NOW + timedelta(seconds=1)),
            wish(5, "Search by colour"),
            wish(6, "Gift wrap for parcels", subtask=True),
            wish(99, "Gift wrap"),
        ],
    )
    assert ask("Gift wrap") == [("SHOP-1", "Gift wrap for parcels")]


def test_many_that_were_closed_meanwhile_do_not_crowd_out_the_open_one(book: Ledger) -> None:
    many = [wish(n, "Gift wrap") for n in range(10, 40)]
    book.mirror("SHOP", [*many, wish(1, "Wrap for a gift of any size")])
    assert len(keys("Gift wrap")) == 3
    closed = [replace(each, status="Closed", updated=NOW) for each in many]
    book.mirror("SHOP", closed)
    assert keys("Gift wrap") == ["SHOP-1"]
    book.mirror("SHOP", [replace(many[3], updated=NOW + timedelta(days=1))])
    assert set(keys("Gift wrap")) == {"SHOP-1", "SHOP-13"}


def test_what_says_something_else_now_is_found_by_that(book: Ledger) -> None:
    book.mirror("SHOP", [wish(1, "Gift wrap"), wish(2, "Search by colour")])
    assert keys("Gift wrap") == ["SHOP-1"]
    book.mirror("SHOP", [wish(1, "Invoices as PDF", updated=NOW)])
    assert keys("Gift wrap") == []
    assert ask("PDF invoices") == [("SHOP-1", "Invoices as PDF")]


def test_what_was_deleted_or_came_since_the_last_call_is_seen(book: Ledger) -> None:
    book.mirror("SHOP", [wish(1, "Gift wrap"), wish(2, "Gift wrap, please")])
    assert set(keys("Gift wrap")) == {"SHOP-1", "SHOP-2"}
    book.unmirror("SHOP", ["SHOP-1"])
    book.mirror("SHOP", [wish(3, "Gift wrap again")])
    assert set(keys("Gift wrap")) == {"SHOP-2", "SHOP-3"}


def test_other_names_for_to_do_count_at_once(book: Ledger) -> None:
    book.mirror("SHOP", [wish(1, "Gift wrap", "Backlog"), wish(2, "Gift wrap")])
    assert keys("Gift wrap") == ["SHOP-2"]
    asked = alike_index.Asked("SHOP-9", "Gift wrap", "", NOW)
    [found] = alike_index.rank("SHOP", frozenset({"backlog"}), asked, 3)
    assert found[0] == "SHOP-1"


@pytest.fixture
def lagging(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A Jira whose search does not show what was made in the last hour."""
    del book
    made = Site("cloud", index_lag_s=3600)
    made.reach(monkeypatch)
    yield made
    made.stop()


def test_a_request_that_was_just_taken_in_is_found_before_jiras_search_shows_it(
    lagging: Site, book: Ledger
) -> None:
    first = lagging.create("Gift wrap for every parcel")
    fact = Received(
        issue=first,
        origin="slack:1",
        door=Door.SLACK,
        source=RequestSource.CLIENT,
        title="Gift wrap",
        requester=Requester(),
        at=NOW,
    )
    stream = f"request:{first}"
    book.append(stream, new_events(stream, [fact]), now=NOW)
    second = lagging.create("Wrap every parcel as a gift")
    assert list(context.jira().search(f"project = SHOP AND key in ({first}, {second})")) == []
    found = backlog.alike_to(second)
    assert [(alike.issue, alike.other) for alike in found][:1] == [(second, first)]
    assert {first, second} <= book.mirrored_keys("SHOP")
    assert "SHOP-7" in book.mirrored_keys("SHOP"), "the older ones were read too"


def test_a_prepared_index_is_in_a_fork_of_the_process_and_knows_what_came_since(book: Ledger) -> None:
    book.mirror("SHOP", [wish(1, "Gift wrap for parcels"), wish(2, "Search by colour", "Closed")])
    alike_index.prepare("SHOP", WAITING)
    book.close()
    book.mirror("SHOP", [wish(3, "Gift wrap in red")])
    readable, writable = os.pipe()
    if not (child := os.fork()):
        with suppress(BaseException):
            read: list[str] = []
            event.listen(book._db._engine, "before_cursor_execute", lambda *told: read.append(told[2]))
            told = {"keys": keys("Gift wrap"), "texts": sum("text" in each for each in read)}
            os.write(writable, json.dumps(told).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as said:
        told = json.loads(said.read())
    os.waitpid(child, 0)
    assert sorted(told["keys"]) == ["SHOP-1", "SHOP-3"]
    assert told["texts"] == 1  # what changed since; a whole reading would ask for the pages besides
