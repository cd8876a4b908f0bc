"""What a sign-off's message is made from, read from the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.gateway import issue_list
from deployments.gateway.modals import Place, place_in
from integrations.ledger import Ledger
from lifecycle import backlog, requests
from lifecycle.events import Fact
from lifecycle.requests import Door, Received, Requester
from lifecycle.scoring import RequestSource
from tasks.signoff_facts import asking_of
from tasks.signoff_messages import Asking, message
from tasks.walk import new_events
from tests.cli.world import until_qa

SUBJECT = "release:shop:1.4.0"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def record(book: Ledger, stream: str, *facts: Fact) -> None:
    book.append(stream, new_events(stream, facts), now=NOW)


def received(issue: str, who: Requester) -> Received:
    return Received(
        issue=issue,
        origin=f"jira:{issue}",
        door=Door.JIRA,
        source=RequestSource.CLIENT,
        title="A wish",
        requester=who,
        at=NOW,
    )


@pytest.fixture
def asked(book: Ledger) -> Ledger:
    record(book, SUBJECT, *until_qa())
    return book


def said(about: Asking | None) -> str:
    assert about is not None
    return "\n".join(str(block.get("text", "")) for block in message(about).blocks)


def test_requesters_come_from_the_ledger_those_of_duplicates_too(asked: Ledger) -> None:
    record(asked, requests.stream("SHOP-3"), received("SHOP-3", Requester(person="dora", jira="j1")))
    record(asked, requests.stream("SHOP-9"), received("SHOP-9", Requester(jira="j9")))
    merged = backlog.Merged(issue="SHOP-9", into="SHOP-3", round=1, person="mara", door="slack")
    record(asked, backlog.stream("shop"), merged)
    text = said(asking_of("r3"))
    assert "asked for by Dora (developer), j9 in Jira" in text
    assert text.count("asked for by") == 1


def test_a_question_that_nobody_asked_is_about_nothing(asked: Ledger) -> None:
    assert asking_of("nothing") is None
    view = issue_list.view(Place("nothing", "", 3), None)
    assert view["blocks"][0]["text"]["text"] == issue_list.GONE


@pytest.mark.parametrize("place", [Place("r3", "C1"), Place("r3", "", 7), Place("r3", "", 0), Place()])
def test_a_modal_knows_where_it_stands(place: Place) -> None:
    assert place_in({"private_metadata": str(place)}) == place


@pytest.mark.parametrize("metadata", ["", "r3", "r3 C1", "r3  -1", "r3  x"])
def test_a_modal_of_an_earlier_version_or_of_nobody_is_on_no_page(metadata: str) -> None:
    assert place_in({"private_metadata": metadata}).page is None
