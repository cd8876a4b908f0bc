"""A request by form: opened by the command or on a message, refused under its field, filed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from deployments.demo.waiting import eventually
from deployments.gateway.hints import hint
from integrations.ledger import Delivery
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import LOOPBACK
from integrations.settings import settings
from integrations.slack import inbound
from integrations.slack.events import ViewSubmission
from lifecycle import requests
from lifecycle.requests import Door, Received, Requester
from lifecycle.scoring import RequestSource
from tasks import context, request_form
from tasks.request_form import FORM, SHORTCUT, TEXT, TITLE
from tests.gateway.world import Office

pytestmark = pytest.mark.parametrize("office", ["http", "socket"], indirect=True)


@pytest.fixture(autouse=True)
def policy(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process reads the office's policy too."""
    monkeypatch.setenv("CONVEYOR_POLICY", str(office.home / "conveyor.yaml"))
    settings.cache_clear()
    vars(context._local).clear()
    yield
    settings.cache_clear()
    vars(context._local).clear()


def act(office: Office, slug: str, name: str, **body: object) -> httpx.Response:
    """Something a person does in Slack."""
    return httpx.post(f"{office.slack.url}/people/{slug}/{name}", json=body, timeout=60, **LOOPBACK)


def waiting(office: Office, title: str) -> list[Delivery]:
    """The forms that say this title and wait for a run."""
    pending = office.ledger.pending_deliveries(500)
    return [d for d in pending if d.kind == "ViewSubmission" and title in json.dumps(payload(d))]


def payload(delivery: Delivery) -> dict[str, Any]:
    return json.loads(parse_qs(delivery.body.decode())["payload"][0])


def fields(view: dict[str, Any]) -> dict[str, Any]:
    return {block["block_id"]: block["element"] for block in view["blocks"]}


@pytest.mark.parametrize("title", ["   ", "\u200b", "\u202e\u2066"])
def test_a_title_of_nothing_is_refused_under_its_field_and_the_form_stays(office: Office, title: str) -> None:
    office.people["dora"].command("planning", "/request", "")
    view_id = office.view("dora")["id"]
    seen = office.people["dora"].submit(FORM, {TITLE: title, TEXT: "why"})
    assert seen["errors"] == {TITLE: "Say in a few words what you wish for."}
    assert waiting(office, view_id) == []
    again = office.people["dora"].submit(FORM, {TITLE: "A wish after all", TEXT: "why"})
    assert again["view"] == "closed"
    assert len(waiting(office, view_id)) == 1


def test_the_command_without_a_text_opens_an_empty_form_with_slacks_lengths(office: Office) -> None:
    office.people["dora"].command("planning", "/request", "  ")
    shown = fields(office.view("dora"))
    assert shown[TITLE]["max_length"] == 255
    assert shown[TEXT]["max_length"] == 3000
    assert "initial_value" not in shown[TITLE]
    assert act(office, "dora", "close", view_id=office.view("dora")["id"]).status_code == 200


def test_a_form_that_was_sent_waits_for_its_run(office: Office) -> None:
    office.people["dora"].command("planning", "/request", "")
    title = "סל הקניות <b>🛒</b> by form"
    assert office.people["dora"].submit(FORM, {TITLE: title, TEXT: ""})["view"] == "closed"
    [delivery] = waiting(office, "by form")
    assert hint(office.ledger, delivery).flow == "intake"
    event = inbound.parse(str(delivery.headers["content-type"]), delivery.body)
    assert isinstance(event, ViewSubmission)
    filled = request_form.read(event, context.policy())
    assert (filled.title, filled.project) == (title, "shop")
    assert filled.channel == office.slack.channel_id("planning")


def test_the_shortcut_fills_the_form_with_the_message_and_keeps_where_it_stands(office: Office) -> None:
    channel = office.slack.channel_id("planning")
    text = "The cart forgets &lt;everything&gt;\nsee <https://shop.example|the shop>, <@U0DORA>"
    said = act(office, "dora", "say", channel_id=channel, text=text).json()
    used = act(office, "mara", "shortcut", callback_id=SHORTCUT, channel_id=channel, ts=said["ts"])
    assert used.json()["error_shown"] == ""
    view = office.view("mara")
    assert fields(view)[TITLE]["initial_value"] == "The cart forgets <everything>"
    assert fields(view)[TEXT]["initial_value"].endswith("see the shop (https://shop.example), @U0DORA")
    assert view["private_metadata"] == f"{channel} {said['ts']}"
    assert office.people["mara"].submit(FORM, {TITLE: "From a message"})["view"] == "closed"
    assert len(waiting(office, "From a message")) == 1


def test_a_message_longer_than_a_field_is_cut(office: Office) -> None:
    channel = office.slack.channel_id("planning")
    said = act(office, "dora", "say", channel_id=channel, text="word & " * 2000).json()
    act(office, "gerd", "shortcut", callback_id=SHORTCUT, channel_id=channel, ts=said["ts"])
    shown = fields(office.view("gerd"))
    assert [len(shown[name]["initial_value"]) for name in (TITLE, TEXT)] == [255, 3000]
    assert office.people["gerd"].submit(FORM, {})["view"] == "closed"


def test_a_form_that_cannot_be_opened_is_said_in_private(office: Office) -> None:
    office.slack.faults.order(Fault("POST /api/views.open", "503"))
    office.people["quentin"].command("releases", "/request", "")
    eventually("told", lambda: any("form could not be opened" in w for w in office.whispers("quentin")), 30)


def test_somebody_elses_request_gets_one_vote_however_often_it_is_clicked(office: Office) -> None:
    key = f"SHOP-{900 + office.socket_mode}"
    office.record(
        f"request:{key}",
        Received(
            issue=key,
            origin=f"slack:{key}",
            door=Door.SLACK,
            source=RequestSource.MANAGEMENT,
            title="Vouchers",
            requester=Requester(person="gerd"),
            at=datetime.now(UTC),
        ),
    )
    click = {
        "type": "block_actions",
        "channel": {"id": office.slack.channel_id("planning")},
        "actions": [{"action_id": "request.mine_too", "value": key}],
    }
    for user, trigger in (("U0DORA", "1"), ("U0DORA", "2"), ("U0STRANGER", "3"), ("U0GERD", "4")):
        told = {**click, "user": {"id": user, "username": "nele"}, "trigger_id": trigger}
        assert office.tell(urlencode({"payload": json.dumps(told)}).encode()).status_code == 200
    facts = [requests.parse(event.data) for event in office.ledger.events(f"request:{key}")]
    assert [each.who.person or each.who.name for each in requests.fold(facts).voted] == ["dora", "nele"]
    eventually("told", lambda: any(f"who want {key}" in w for w in office.whispers("dora")), 30)
