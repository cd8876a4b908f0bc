"""People press buttons in Slack: what they decide is on the ledger, and Slack shows it; by both ways."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from tests.gateway.world import Asked, Office

pytestmark = pytest.mark.parametrize("office", ["http", "socket"], indirect=True)


@pytest.fixture
def asked(office: Office) -> Asked:
    return office.asking()


def told(office: Office, slug: str, text: str) -> str:
    """Wait until this person is told so, privately."""
    return eventually(
        f"{slug} is told: {text}", lambda: next((w for w in office.whispers(slug) if text in w), None), 30
    )


def test_an_approval_is_on_record_and_the_message_shows_who_gave_it(office: Office, asked: Asked) -> None:
    assert office.press("quinn", asked, "signoff.approve")["error_shown"] == ""
    event = office.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["person"], event.data["door"]) == ("SignOffGiven", "quinn", "slack")
    eventually("the name", lambda: "signed by Quinn" in office.message(asked), 30)
    assert asked.requests["SHOP-3"] not in office.message(asked)
    assert asked.requests["SHOP-4"] in office.message(asked)


def test_an_approval_wakes_the_release(office: Office, asked: Asked) -> None:
    assert not office.ledger.wakeup(asked.subject).pending
    office.press("quinn", asked, "signoff.approve")
    assert office.ledger.wakeup(asked.subject).pending


@pytest.mark.parametrize("slug", ["mara", "olli"])
def test_who_has_not_the_role_is_refused_in_private(office: Office, asked: Asked, slug: str) -> None:
    before = office.kinds(asked.subject)
    message = office.message(asked)
    office.press(slug, asked, "signoff.approve")
    told(office, slug, "Not signed: QA is signed by qa")
    assert office.kinds(asked.subject) == before
    assert office.message(asked) == message
    assert not [w for w in office.whispers("quinn") if "QA is signed by qa" in w]


def test_an_author_is_refused_in_private(office: Office) -> None:
    asked = office.asking(authors=("quentin",))
    office.press("quentin", asked, "signoff.approve")
    told(office, "quentin", "Not signed")
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_somebody_whom_conveyor_does_not_know_is_refused_and_told_so(office: Office, asked: Asked) -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": "U0STRANGER"},
        "channel": {"id": office.releases},
        "actions": [{"action_id": "signoff.approve", "value": asked.requests["SHOP-3"]}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert office.tell(body).status_code == 200
    assert "SignOffGiven" not in office.kinds(asked.subject)
    [delivery] = office.kept(body)
    eventually("it is done with", lambda: office.ledger.delivery(delivery.id).outcome, 30)
    assert "not among Conveyor's people" in str(office.ledger.delivery(delivery.id).outcome)


def test_a_click_that_is_delivered_twice_decides_once(office: Office, asked: Asked) -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": "U0QUINN"},
        "channel": {"id": office.releases},
        "actions": [{"action_id": "signoff.approve", "value": asked.requests["SHOP-3"]}],
        "trigger_id": "1.2.3",
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert office.tell(body).status_code == 200
    woken = office.ledger.wakeup(asked.subject).wanted
    assert office.tell(body).status_code == 200
    assert office.kinds(asked.subject).count("SignOffGiven") == 1
    assert office.ledger.wakeup(asked.subject).wanted == woken


def test_two_clicks_of_one_person_sign_once(office: Office, asked: Asked) -> None:
    body = {
        "type": "block_actions",
        "user": {"id": "U0QUINN"},
        "channel": {"id": office.releases},
        "actions": [{"action_id": "signoff.approve", "value": asked.requests["SHOP-3"]}],
    }
    for trigger in ("1.1.1", "2.2.2"):
        form = urlencode({"payload": json.dumps({**body, "trigger_id": trigger})}).encode()
        assert office.tell(form).status_code == 200
    assert office.kinds(asked.subject).count("SignOffGiven") == 1


def test_a_return_asks_for_the_reason_in_a_modal_and_records_it(office: Office, asked: Asked) -> None:
    office.press("quinn", asked, "signoff.return")
    assert "Returned" not in office.kinds(asked.subject)
    seen = office.people["quinn"].submit("signoff.return", {"reason": "The ribbon <b>is missing"})
    assert seen["view"] == "closed"
    event = office.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["reason"]) == ("Returned", "The ribbon <b>is missing")
    eventually("the reason is shown", lambda: "ribbon &lt;b&gt;is missing" in office.message(asked), 30)


def test_a_return_without_a_reason_is_refused_in_the_modal(office: Office, asked: Asked) -> None:
    office.press("quinn", asked, "signoff.return")
    seen = office.people["quinn"].submit("signoff.return", {"reason": "   "})
    assert seen["errors"] == {"reason": "Not returned: say what has to be mended."}
    assert "Returned" not in office.kinds(asked.subject)
    again = office.people["quinn"].submit("signoff.return", {"reason": "Now I know"})
    assert again["view"] == "closed"
    assert "Returned" in office.kinds(asked.subject)


def test_a_return_by_somebody_without_the_role_is_refused_in_the_modal(office: Office, asked: Asked) -> None:
    office.press("gerd", asked, "signoff.return")
    seen = office.people["gerd"].submit("signoff.return", {"reason": "I do not like it"})
    assert "QA is decided by qa" in seen["errors"]["reason"]
    assert "Returned" not in office.kinds(asked.subject)


def test_while_slacks_web_api_is_down_no_click_is_lost(office: Office, asked: Asked) -> None:
    office.slack.faults.order(Fault("POST /api/.*", "drop_before", times=50))
    try:
        assert office.press("quinn", asked, "signoff.approve")["error_shown"] == ""
        assert office.kinds(asked.subject)[-1] == "SignOffGiven"
        assert office.ledger.wakeup(asked.subject).pending
    finally:
        office.slack.faults.clear()


def test_a_modal_that_cannot_be_opened_asks_the_person_to_press_again(office: Office, asked: Asked) -> None:
    office.slack.faults.order(Fault("POST /api/views.open", "503"))
    assert office.press("quinn", asked, "signoff.return")["error_shown"] == ""
    told(office, "quinn", "press the button again")
    office.press("quinn", asked, "signoff.return")
    assert office.people["quinn"].submit("signoff.return", {"reason": "x"})["view"] == "closed"


def test_a_request_by_command_is_answered_at_once(office: Office) -> None:
    office.people["dora"].command("planning", "/request", "Vouchers | please")
    told(office, "dora", "Thank you")


def test_a_request_by_command_waits_for_its_run(office: Office) -> None:
    title = "Only this very wish"
    office.people["dora"].command("planning", "/request", title)
    waiting = [d for d in office.ledger.pending_deliveries(500) if b"Only+this+very+wish" in d.body]
    assert [d.kind for d in waiting] == ["SlashCommand"]


def test_help_is_given_by_command(office: Office) -> None:
    office.people["dora"].command("planning", "/conveyor", "help")
    told(office, "dora", "/request title")
