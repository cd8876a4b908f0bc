"""What could not be decided at once is decided when it can be: the pump tries again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from deployments.demo.waiting import eventually
from deployments.gateway.doors import Doors
from deployments.gateway.pump import Pump
from deployments.gateway.slack import SlackListener
from integrations.ledger import Ledger, NewEvent
from integrations.settings import settings
from tasks import context
from tests.gateway.world import Asked, Office, slack_headers


@pytest.fixture
def forget(office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """This process is a gateway of its own, on the office's ledger; its policy may be changed."""
    policy = tmp_path / "conveyor.yaml"
    policy.write_text((office.home / "conveyor.yaml").read_text())
    for name, value in office.env.items():
        if name.startswith("CONVEYOR_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("CONVEYOR_POLICY", str(policy))
    # The office's own gateway does not see this ledger.
    monkeypatch.setenv("CONVEYOR_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")

    def clear() -> None:
        for cached in (settings, context.ledger):
            cached.cache_clear()
        vars(context._local).clear()

    clear()
    yield clear
    context.ledger().close()
    monkeypatch.undo()
    clear()


def test_a_click_while_the_policy_is_broken_is_500_and_decided_once_it_is_mended(
    office: Office, forget: Callable[[], None], tmp_path: Path
) -> None:
    asked = office.asking()
    ours = context.ledger()
    for event in office.ledger.events(asked.subject):
        ours.append(asked.subject, [NewEvent(event.kind, event.key, event.data)], now=event.at)
    listener = SlackListener(ours, poke=lambda: None)
    pump = Pump(ours, listener, poke=lambda: None, slack_again=timedelta())
    doors = TestClient(Starlette(routes=[*Doors(ours, listener, poke=lambda: None).routes()]))
    payload = {
        "type": "block_actions",
        "user": {"id": "U0QUINN"},
        "actions": [{"action_id": "signoff.approve", "value": asked.requests["SHOP-3"]}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    good = (tmp_path / "conveyor.yaml").read_text()
    (tmp_path / "conveyor.yaml").write_text("people: nobody\n")
    answer = doors.post("/slack/interactivity", content=body, headers=slack_headers(body))
    assert answer.status_code == 500
    assert [d.kind for d in ours.pending_deliveries()] == ["BlockAction"]
    pump.empty()
    assert decided(ours, asked) == 0
    (tmp_path / "conveyor.yaml").write_text(good)

    def tried_again() -> bool:
        pump.empty()
        return decided(ours, asked) == 1

    eventually("it is decided", tried_again, 30)
    eventually("and done with", lambda: not ours.pending_deliveries(), 30)
    assert decided(ours, asked) == 1


def decided(ledger: Ledger, asked: Asked) -> int:
    return [event.kind for event in ledger.events(asked.subject)].count("SignOffGiven")
