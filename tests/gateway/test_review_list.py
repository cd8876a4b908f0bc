"""The weekly review in Slack: its message, the paged modal with every line, and a reason for each no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import LOOPBACK
from lifecycle import review
from lifecycle.planning import propose
from lifecycle.requests import AlikeFound, opaque
from lifecycle.review_agenda import Agenda
from lifecycle.scoring import Request, RequestSource, Weights
from tests.gateway.world import Office

_WEEKS = count(1)
_POST = """
import sys
from lifecycle import review
from tasks import context, planning_messages, posts
stream = sys.argv[1]
state = review.fold(review.parse(event.data) for event in context.ledger().events(stream))
content = planning_messages.review_content(state, context.policy(), stream)
key = planning_messages.message_key(stream)
print(posts.post.fn("review", context.policy().review.channel, content, key, subject=stream).ts)
"""


@dataclass(frozen=True)
class Held:
    """A review with its message in Slack."""

    stream: str
    proposed: review.Proposed
    ts: str

    def line(self, key: str) -> str:
        return review.line_id(self.proposed.proposal, key)


def hold(office: Office, size: int, alike: tuple[AlikeFound, ...] = ()) -> Held:
    """A review of so many requests, three sources in turn, with the message that a walk posts."""
    now, sources = datetime.now(UTC), list(RequestSource)
    requests = [
        Request(
            key=f"SHOP-{n}",
            title=f"Wish {n} " + "with a title & a bit more " * 4,
            source=sources[n % 3],
            created=now,
            requesters=("person:dora",),
        )
        for n in range(1, size + 1)
    ]
    stream = review.stream("shop", f"20{next(_WEEKS):02}-W42")
    plan = propose(requests, 8, now, Weights(), "1.4.0")
    proposed = review.Proposed(
        proposal=opaque("proposal", stream),
        plan=plan,
        open=size,
        asked_by={r.key: f"{r.source.value}: Dora" for r in requests},
        due=now + timedelta(days=2),
        agenda=Agenda(sources={r.key: r.source for r in requests}, alike=alike, alike_total=len(alike)),
    )
    office.record(stream, proposed)
    return Held(stream, proposed, office.aside.check(_POST, stream).split()[-1])


def message(office: Office, held: Held) -> dict[str, Any]:
    return next(m for m in office.people["mara"].messages() if m["ts"] == held.ts)


def text(office: Office, held: Held) -> str:
    return json.dumps(message(office, held), ensure_ascii=False)


def press(office: Office, slug: str, held: Held, action_id: str, value: str) -> dict[str, Any]:
    where = {"channel_id": message(office, held)["channel_id"], "ts": held.ts}
    body = {**where, "action_id": action_id, "value": value}
    answer = httpx.post(f"{office.slack.url}/people/{slug}/press", json=body, timeout=60, **LOOPBACK)
    return answer.raise_for_status().json()


def values(shown: dict[str, Any], action_id: str) -> list[str]:
    elements = [element for block in shown["blocks"] for element in block.get("elements", [])]
    return [element["value"] for element in elements if element.get("action_id") == action_id]


def submit(office: Office, slug: str, form: str, filled: dict[str, str]) -> dict[str, Any]:
    """Send off the form that this person opened last."""
    view = office.view(slug)
    assert view["callback_id"] == form
    body = {"view_id": view["id"], "values": filled}
    answer = httpx.post(f"{office.slack.url}/people/{slug}/submit", json=body, timeout=60, **LOOPBACK)
    return answer.raise_for_status().json()


def says(office: Office, slug: str, what: str) -> None:
    """Wait until the modal says so."""
    eventually(
        f"the modal says {what}", lambda: what in json.dumps(office.view(slug), ensure_ascii=False), 30
    )


@pytest.fixture(autouse=True)
def no_faults(office: Office) -> Iterator[None]:
    yield
    office.slack.faults.clear()


def test_who_gives_no_reason_has_decided_nothing(office: Office) -> None:
    held = hold(office, 1)
    press(office, "olli", held, "review.defer", held.line("SHOP-1"))
    assert submit(office, "olli", "review.defer", {"reason": "   "})["view"] == "errors"
    assert office.kinds(held.stream) == ["Proposed"]


def test_a_reason_that_comes_after_the_closing_is_refused_in_its_form(office: Office) -> None:
    held = hold(office, 1)
    press(office, "olli", held, "review.reject", held.line("SHOP-1"))
    office.record(held.stream, review.ReviewClosed(person="mara", door="slack"))
    answer = submit(office, "olli", "review.reject", {"reason": "not ours"})
    assert (answer["view"], "The review is closed." in json.dumps(answer)) == ("errors", True)
    assert office.kinds(held.stream) == ["Proposed", "ReviewClosed"]


def test_one_request_is_decided_in_the_message_alone(office: Office) -> None:
    held = hold(office, 1)
    assert "review.all" not in text(office, held)
    press(office, "mara", held, "review.accept", held.line("SHOP-1"))
    eventually("the name", lambda: "Mara (manager): accepted" in text(office, held), 30)
    assert values(message(office, held), "review.accept") == []


@pytest.mark.parametrize("decision", ["defer", "reject"])
def test_a_no_asks_for_its_reason_and_shows_it_with_the_name(office: Office, decision: str) -> None:
    held = hold(office, 2)
    shown = press(office, "olli", held, f"review.{decision}", held.line("SHOP-2"))
    assert shown["error_shown"] == ""
    assert "SHOP-2" in json.dumps(office.view("olli"))
    assert submit(office, "olli", f"review.{decision}", {"reason": "after <summer>"})["view"] == "closed"
    event = office.ledger.events(held.stream)[-1]
    decided = (event.kind, event.data["issue"], event.data["decision"], event.data["reason"])
    assert decided == ("LineDecided", "SHOP-2", decision, "after <summer>")
    assert event.data["person"] == "olli"
    eventually("it shows", lambda: "Olli (release): after &lt;summer&gt;" in text(office, held), 30)


@pytest.mark.parametrize(("size", "pages"), [(40, 1), (41, 2), (400, 10)])
def test_every_line_is_decided_from_the_modal_and_the_message_stays_one(
    office: Office, size: int, pages: int
) -> None:
    held = hold(office, size)
    assert len(message(office, held)["blocks"]) <= 50
    press(office, "olli", held, "review.all", held.proposed.proposal)
    seen = values(office.view("olli"), "review.accept")
    for number in range(1, pages):
        office.press_in_view("olli", "review.page.next", str(number))
        seen += values(office.view("olli"), "review.accept")
    assert sorted(seen) == sorted(held.line(f"SHOP-{n}") for n in range(1, size + 1))
    assert values(office.view("olli"), "review.page.next") == []
    last = seen[-1]
    office.press_in_view("olli", "review.accept", last)
    says(office, "olli", "Olli (release): accepted in the review")
    eventually("it is in the message", lambda: "Olli (release)" in text(office, held), 30)
    assert office.kinds(held.stream) == ["Proposed", "LineDecided"]
    texts = [m["text"] for m in office.people["mara"].messages() if m["ts"] >= held.ts]
    assert sum(held.stream.rpartition(":")[2] in each for each in texts) == 1


def test_a_reason_given_from_the_list_leads_back_to_its_page(office: Office) -> None:
    held = hold(office, 60)
    press(office, "olli", held, "review.all", held.proposed.proposal)
    office.press_in_view("olli", "review.page.next", "1")
    value = values(office.view("olli"), "review.reject")[0]
    office.press_in_view("olli", "review.reject", value)
    assert office.view("olli")["callback_id"] == "review.reject"
    office.press_in_view("olli", "review.page.back", "1")
    says(office, "olli", "41 to 60 of 60")
    office.press_in_view("olli", "review.reject", value)
    assert submit(office, "olli", "review.reject", {"reason": "not ours"})["view"] == "updated"
    says(office, "olli", "Olli (release): not ours")
    office.press_in_view("olli", "review.page.previous", "0")
    says(office, "olli", "1 to 40 of 60")


def test_who_turns_pages_changes_the_list_of_nobody_else(office: Office) -> None:
    held = hold(office, 60)
    for slug in ("olli", "mara"):
        press(office, slug, held, "review.all", held.proposed.proposal)
    before = text(office, held)
    office.press_in_view("olli", "review.page.next", "1")
    says(office, "olli", "41 to 60 of 60")
    says(office, "mara", "1 to 40 of 60")
    assert text(office, held) == before


def test_a_click_on_a_closed_review_is_refused_where_it_was_made(office: Office) -> None:
    held = hold(office, 60)
    press(office, "olli", held, "review.all", held.proposed.proposal)
    value = values(office.view("olli"), "review.accept")[0]
    office.record(held.stream, review.ReviewClosed(person="mara", door="slack"))
    office.press_in_view("olli", "review.accept", value)
    says(office, "olli", "The review is closed.")
    assert values(office.view("olli"), "review.accept") == []


def test_a_list_that_cannot_be_opened_asks_the_person_to_press_again(office: Office) -> None:
    held = hold(office, 60)
    office.slack.faults.order(Fault("POST /api/views.open", "503"))
    press(office, "emil", held, "review.all", held.proposed.proposal)
    eventually("emil is told", lambda: any("press the button" in w for w in office.whispers("emil")), 30)


def test_a_duplicate_is_merged_by_a_person_and_leaves_the_agenda(office: Office) -> None:
    number = next(_WEEKS)
    found = AlikeFound(
        request=opaque("alike", str(number)), issue="SHOP-2", other="SHOP-1", title="Wish 1", score=0.83
    )
    office.record("request:SHOP-2", found)
    held = hold(office, 3, (found,))
    assert "Duplicates to confirm* · 1" in text(office, held)
    assert "Merge into SHOP-1" in text(office, held)
    press(office, "mara", held, "request.merge", found.request)
    assert office.kinds("project:shop")[-1] == "Merged"
    eventually("it is off the agenda", lambda: "Duplicates to confirm" not in text(office, held), 30)
    assert "merged into" in text(office, held)
