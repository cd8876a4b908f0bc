"""What waits for whom: the answer in Slack, each person's App Home, and the page for all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from lifecycle import release as rules
from tests.gateway.world import WAYS, Office

SLACK = WAYS[2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A gateway of this file's own: nothing waits but what a test asks for."""
    made = Office(tmp_path_factory.mktemp("desk"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def tidy(desk: Office) -> None:
    """What the test before left open is open no more."""
    for stream in desk.ledger.subjects("release:"):
        release = rules.fold(e.parse(event.data) for event in desk.ledger.events(stream))
        if release and not release.phase.terminal:
            desk.record(stream, e.Abandoned(person="mara", reason="the test is over"))


def act(desk: Office, slug: str, what: str, **body: object) -> dict[str, Any]:
    answer = httpx.post(f"{desk.slack.url}/people/{slug}/{what}", json=body, timeout=60, **LOOPBACK)
    return answer.raise_for_status().json()


def answered(desk: Office, slug: str, text: str) -> str:
    """Ask what is pending, and wait for the private answer that says so; its blocks as text."""
    before = {m["ts"] for m in desk.people[slug].messages()}
    seen = desk.people[slug].command("releases", "/conveyor", "pending")
    assert seen["error_shown"] == ""

    def look() -> str | None:
        for message in desk.people[slug].messages():
            if message["ts"] not in before and message.get("ephemeral") and text in message["text"]:
                return json.dumps(message["blocks"], ensure_ascii=False)
        return None

    return eventually(f"{slug} is told: {text}", look, 30)


def home(desk: Office, slug: str) -> str:
    """What the person's App Home says now; "" if it was never published."""
    view = desk.people[slug].inbox()["home"]
    return json.dumps(view["blocks"], ensure_ascii=False) if view else ""


def opened(desk: Office, slug: str, text: str) -> str:
    """Open the App Home and wait until it says `text`."""
    act(desk, slug, "home")
    return shown(desk, slug, text)


def shown(desk: Office, slug: str, text: str) -> str:
    """Wait until the App Home says `text`."""

    def look() -> str | None:
        said = home(desk, slug)
        return said if text in said else None

    return eventually(f"{slug}'s home says {text}", look, 30)


def press(desk: Office, slug: str, action_id: str, request: str) -> None:
    view = desk.people[slug].inbox()["home"]
    seen = act(desk, slug, "press", view_id=view["id"], action_id=action_id, value=request)
    assert seen["error_shown"] == ""


def no_fault_to_come(desk: Office) -> bool:
    return httpx.get(f"{desk.slack.url}/_sandbox/faults", **LOOPBACK).raise_for_status().json() == []


# The command.


def test_somebody_whom_conveyor_does_not_know_gets_one_private_line(desk: Office) -> None:
    form = {"command": "/conveyor", "text": "pending", "user_id": "U0STRANGER", "channel_id": desk.releases}
    answer = desk.send(SLACK, urlencode(form).encode())
    assert answer.status_code == 200
    assert "not among Conveyor's people" in answer.text
    assert "\n" not in answer.text


def test_who_has_nothing_to_sign_is_told_so(desk: Office) -> None:
    desk.asking()
    assert "Nothing waits for you" in answered(desk, "gerd", "Nothing waits for you")


def test_the_list_names_what_waits_with_links_and_due_dates_to_the_one_who_asked(desk: Office) -> None:
    asked = desk.asking(title="Gift <wrap>")
    said = answered(desk, "quinn", "2 sign-offs wait for you")
    for text in (f"*Shop {asked.version}*", "QA of *SHOP-3*", "Gift &lt;wrap&gt;", "/browse/SHOP-4|Search>"):
        assert text in said
    assert said.count("due <!date^") == 2
    assert said.count("|message>") == 2
    assert "late by" not in said
    assert not [w for w in desk.whispers("quentin") if "wait for you" in w]


def test_what_is_late_says_by_how_much(desk: Office) -> None:
    desk.asking("check", due=-timedelta(hours=5))
    assert re.search(r"late by 5h", answered(desk, "mara", "1 sign-off waits for you"))


def test_the_list_keeps_to_slacks_limits_and_says_how_many_more(desk: Office) -> None:
    for _ in range(21):
        desk.asking()
    said = answered(desk, "quinn", "42 sign-offs wait for you")
    assert said.count("due <!date^") == 40
    assert "… and 2 more" in said
    at_home = opened(desk, "quinn", "due <!date^")
    assert at_home.count("due <!date^") == 42


def test_an_answer_that_slack_does_not_take_is_no_failed_command(desk: Office) -> None:
    desk.slack.faults.order(Fault("POST /response/.*", "503"))
    assert desk.people["quinn"].command("releases", "/conveyor", "pending")["error_shown"] == ""
    eventually("it was tried", lambda: no_fault_to_come(desk), 30)
    assert answered(desk, "quinn", "Nothing waits for you")


@pytest.mark.parametrize("text", ["help", "", "what is pending"])
def test_anything_else_is_answered_with_help(desk: Office, text: str) -> None:
    form = {"command": "/conveyor", "text": text, "user_id": "U0QUINN", "trigger_id": f"t-{text}"}
    answer = desk.send(SLACK, urlencode(form).encode())
    assert "/request title" in answer.text
    assert "/conveyor pending" in answer.text


# The App Home.


def test_a_home_shows_what_waits_for_its_person_with_buttons(desk: Office) -> None:
    asked = desk.asking()
    said = opened(desk, "quentin", asked.version)
    for request in asked.requests.values():
        assert said.count(f'"value": "{request}"') == 2
    assert "QA of *SHOP-3*" in said
    theirs = opened(desk, "mara", "Nothing waits for you")
    assert asked.version not in theirs


def test_somebody_whom_conveyor_does_not_know_sees_so_at_home(desk: Office) -> None:
    event = {"type": "app_home_opened", "user": "U0BOT", "tab": "home"}
    body = json.dumps({"type": "event_callback", "event_id": "Ev0STRANGER", "event": event}).encode()
    assert desk.send(SLACK, body).status_code == 200
    url = f"{desk.slack.url}/people/bot/inbox"

    def look() -> bool:
        view = httpx.get(url, **LOOPBACK).raise_for_status().json()["home"]
        return "not among Conveyor's people" in json.dumps(view)

    eventually("they are told", look, 30)


def test_the_tab_of_messages_is_no_home(desk: Office) -> None:
    event = {"type": "app_home_opened", "user": "U0OLLI", "tab": "messages"}
    body = json.dumps({"type": "event_callback", "event_id": "Ev0MESSAGES", "event": event}).encode()
    assert desk.send(SLACK, body).status_code == 200
    [delivery] = desk.kept(body)
    eventually("it is done with", lambda: desk.ledger.delivery(delivery.id).outcome == "ignored", 30)
    assert home(desk, "olli") == ""


def test_an_approval_at_home_signs_and_the_home_says_so(desk: Office) -> None:
    asked = desk.asking()
    opened(desk, "quinn", asked.version)
    press(desk, "quinn", "signoff.approve", asked.requests["SHOP-3"])
    event = desk.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["request"]) == ("SignOffGiven", asked.requests["SHOP-3"])
    assert (event.data["person"], event.data["door"]) == ("quinn", "slack")
    said = shown(desk, "quinn", "Signed as qa.")
    assert asked.requests["SHOP-3"] not in said
    assert asked.requests["SHOP-4"] in said
    eventually("the message shows it", lambda: "signed by Quinn" in desk.message(asked), 30)


def test_a_return_at_home_asks_for_the_reason_and_the_home_says_what_became_of_it(desk: Office) -> None:
    asked = desk.asking()
    opened(desk, "quinn", asked.version)
    press(desk, "quinn", "signoff.return", asked.requests["SHOP-3"])
    assert "Returned" not in desk.kinds(asked.subject)
    desk.people["quinn"].submit("signoff.return", {"reason": "The ribbon is missing"})
    event = desk.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["reason"]) == ("Returned", "The ribbon is missing")
    said = shown(desk, "quinn", "Returned SHOP-3 for rework.")
    assert asked.requests["SHOP-3"] not in said
    assert asked.requests["SHOP-4"] in said


def test_who_is_refused_at_home_is_told_there(desk: Office) -> None:
    asked = desk.asking()
    opened(desk, "quinn", asked.version)
    desk.record(asked.subject, e.Abandoned(person="mara", reason="no"))
    press(desk, "quinn", "signoff.approve", asked.requests["SHOP-3"])
    said = shown(desk, "quinn", "Not signed: the release is past it")
    assert asked.version not in said
    assert "SignOffGiven" not in desk.kinds(asked.subject)


def test_a_decision_in_the_channel_publishes_the_home_anew(desk: Office) -> None:
    asked = desk.asking()
    opened(desk, "quinn", asked.requests["SHOP-3"])
    desk.press("quinn", asked, "signoff.approve", "SHOP-3")
    eventually("it is gone", lambda: asked.requests["SHOP-3"] not in home(desk, "quinn"), 30)
    assert "Signed as qa." not in home(desk, "quinn")
    assert asked.requests["SHOP-4"] in home(desk, "quinn")


def test_a_home_that_was_not_published_is_published_when_it_is_opened_again(desk: Office) -> None:
    asked = desk.asking("approval")
    desk.slack.faults.order(Fault("POST /api/views.publish", "503"))
    act(desk, "gerd", "home")
    eventually("it was tried", lambda: no_fault_to_come(desk), 30)
    assert asked.version not in home(desk, "gerd")
    opened(desk, "gerd", asked.version)


# The page.


def rows(desk: Office) -> list[str]:
    """The page's rows of releases, in order."""
    answer = desk.http.get("/pending")
    assert answer.status_code == 200
    return re.findall(r"<tr[^>]*>\s*<td>.*?</tr>", answer.text, re.DOTALL)


def test_a_page_on_which_nothing_waits_says_so(desk: Office) -> None:
    answer = desk.http.get("/pending")
    assert answer.status_code == 200
    assert "Nothing waits for anybody." in answer.text
    assert "<table" not in answer.text


def test_the_page_says_what_waits_for_whom_the_earliest_due_first(desk: Office) -> None:
    later, late = desk.asking("check"), desk.asking("approval", due=-timedelta(days=1, minutes=1))
    sooner = desk.asking("client", due=timedelta(hours=1))
    first, second, third = rows(desk)
    for row, asked, what, name in (
        (first, late, "Management&#39;s approval", "Gerd (management)"),
        (second, sooner, "The client&#39;s consent", "Clara (client)"),
        (third, later, "Manager&#39;s check of staging", "Mara (manager)"),
    ):
        for text in (f"Shop {asked.version}", what, name):
            assert text in row
    assert "late by 1d1m" in first
    assert 'class="late"' in first
    assert "late" not in second + third
    due = datetime.now(UTC) + timedelta(hours=1)
    assert f"{due:%Y-%m-%d}" in second or f"{due - timedelta(minutes=1):%Y-%m-%d}" in second


def test_a_question_that_nobody_may_sign_is_on_the_page(desk: Office) -> None:
    desk.asking(authors=("quinn", "quentin"))
    assert all("nobody who may sign" in row for row in rows(desk))
    assert len(rows(desk)) == 2


def test_the_page_follows_a_decision(desk: Office) -> None:
    asked = desk.asking()
    assert len(rows(desk)) == 2
    desk.press("quinn", asked, "signoff.approve", "SHOP-3")
    [left] = rows(desk)
    assert "QA of SHOP-4" in left


def test_the_page_shows_what_people_wrote_as_text(desk: Office) -> None:
    desk.asking(title='<img src=x onerror="alert(1)">')
    page = desk.http.get("/pending").text
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in page
    assert "<img" not in page


def test_the_page_is_read_only_and_kept_by_nobody(desk: Office) -> None:
    asked = desk.asking()
    answer = desk.http.get("/pending")
    assert answer.headers["cache-control"] == "no-store"
    for decides in ("<form", "<button", "<input", "<script", asked.requests["SHOP-3"]):
        assert decides not in answer.text
    assert desk.http.post("/pending", data={"verb": "approve"}).status_code == 405
