"""A gateway that has Slack by Socket Mode: the line is kept open, and what comes over it is not lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from tests.gateway.world import SECRETS, WAYS, Asked, Office

JIRA, GITLAB, SLACK = WAYS
OPENINGS = "/api/apps.connections.open"


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A gateway that may be killed, and whose Slack may be cut off."""
    made = Office(tmp_path_factory.mktemp("mortal-socket"), socket_mode=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def click(asked: Asked, **changed: object) -> bytes:
    """Quinn's approval as Slack delivers it."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0QUINN"},
        "actions": [{"action_id": "signoff.approve", "value": asked.requests["SHOP-3"]}],
        **changed,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def openings(office: Office) -> int:
    return sum(seen.path == OPENINGS for seen in office.slack.faults.requests)


def well(office: Office, status: int = 200) -> bool:
    return office.http.get("/healthz").status_code == status


def test_after_a_kill_and_a_restart_the_socket_is_opened_again_and_the_next_click_counts(
    mortal: Office,
) -> None:
    before, asked = openings(mortal), mortal.asking()
    mortal.kill()
    eventually("the socket is gone", lambda: mortal.slack.sockets.count == 0, 10)
    assert "did not respond" in mortal.press("quinn", asked, "signoff.approve")["error_shown"]
    assert "SignOffGiven" not in mortal.kinds(asked.subject)
    mortal.start()
    assert openings(mortal) == before + 1
    assert mortal.press("quinn", asked, "signoff.approve")["error_shown"] == ""
    assert mortal.kinds(asked.subject)[-1] == "SignOffGiven"


def test_a_socket_that_slack_closes_is_opened_again_and_the_next_click_counts(mortal: Office) -> None:
    before, asked = openings(mortal), mortal.asking()
    mortal.slack.sockets.close()
    eventually("another one", lambda: openings(mortal) > before and well(mortal), 30)
    assert mortal.press("quinn", asked, "signoff.approve")["error_shown"] == ""
    assert mortal.kinds(asked.subject)[-1] == "SignOffGiven"


def test_when_slack_asks_for_a_new_socket_the_next_click_counts(mortal: Office) -> None:
    sockets, asked = mortal.slack.sockets, mortal.asking()
    [old] = sockets._links
    sockets.refresh()
    eventually("another one", lambda: sockets.count == 1 and old not in sockets._links and well(mortal), 30)
    assert mortal.press("quinn", asked, "signoff.approve")["error_shown"] == ""
    assert mortal.kinds(asked.subject)[-1] == "SignOffGiven"


def test_while_slack_cannot_be_reached_the_gateway_says_that_it_is_not_well(mortal: Office) -> None:
    asked = mortal.asking()
    mortal.slack.faults.order(Fault(f"POST {OPENINGS}", "503", times=2))
    mortal.slack.sockets.close()
    eventually("not well", lambda: well(mortal, 503), 10)
    assert mortal.http.post(JIRA.path, content=b"{}").status_code == 401
    eventually("well again", lambda: well(mortal), 30)
    assert mortal.press("quinn", asked, "signoff.approve")["error_shown"] == ""


def test_slacks_doors_are_closed_and_the_others_open(mortal: Office) -> None:
    assert mortal.send(SLACK, SLACK.body()).status_code == 404
    assert mortal.send(JIRA, JIRA.body()).status_code == 200
    assert mortal.send(GITLAB, GITLAB.body()).status_code == 200


def test_an_event_that_comes_twice_is_one_delivery_and_acknowledged_twice(mortal: Office) -> None:
    event = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "emoji_changed"}}
    body = json.dumps(event).encode()
    assert [mortal.tell(body).status_code for _ in range(2)] == [200, 200]
    [delivery] = mortal.kept(body)
    eventually("it is handled", lambda: mortal.ledger.delivery(delivery.id).handled_at, 30)


@pytest.mark.slow
def test_a_delivery_that_cannot_be_decided_is_not_acknowledged_and_stays(mortal: Office) -> None:
    body = click(mortal.asking(), user={"name": "no id"})
    assert mortal.tell(body).status_code == 504
    [delivery] = mortal.kept(body)
    assert delivery.handled_at is None


@pytest.mark.slow
def test_no_secret_and_nothing_of_a_payload_is_logged(mortal: Office) -> None:
    mark = "tellnobody"
    asked = mortal.asking()
    assert mortal.tell(click(asked, user={mark: mark})).status_code == 504
    assert mortal.tell(click(asked, trigger_id=mark)).status_code == 200
    mortal.people["dora"].command("planning", "/request", mark)
    mortal.slack.deliver("interactive", {mark: mark})
    mortal.slack.sockets.close()
    # What the log says of these comes before what it says of a later start.
    mortal.kill()
    mortal.start()
    logged = mortal.log.read_text()
    assert "Slack delivery" in logged
    assert "Slack's socket" in logged
    assert [secret for secret in (mark, *SECRETS, "ticket=") if secret in logged] == []
