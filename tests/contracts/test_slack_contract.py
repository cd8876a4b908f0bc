"""The Slack client and the sandbox keep to Slack's own description, or it is said why not."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from integrations.slack.client import SlackClient
from tests.contracts.slack import (
    CALLS,
    EXPLAINED,
    SWAGGER,
    Exchange,
    complaints,
    exchanges,
    rows,
    unexplained,
)

pytestmark = pytest.mark.skipif(not SWAGGER.is_file(), reason="needs ../shared/contracts")

OK: dict[str, Any] = {"ok": True, "message_ts": "1800000000.000001"}
SENT = {"channel": "C0SBX000001", "user": "U0TEST002", "text": "x"}


@pytest.mark.parametrize(
    ("exchange", "why"),
    [
        (Exchange("chat.postEphemeral", {"channel": "C0SBX000001", "text": "x"}, OK), "sends no user"),
        (Exchange("chat.postEphemeral", SENT | {"colour": "red"}, OK), "colour: not described"),
        (Exchange("chat.postEphemeral", SENT | {"as_user": "perhaps"}, OK), "as_user: str for boolean"),
        (Exchange("chat.postEphemeral", SENT | {"text": 5}, OK), "text: int for string"),
        (Exchange("chat.postEphemeral", SENT, {"ok": True}), "'message_ts' is a required property"),
        (Exchange("chat.postEphemeral", SENT, OK | {"message_ts": "1.5"}), "does not match"),
        (Exchange("chat.postEphemeral", SENT, {"ok": False, "error": "no_mood"}), "is not one of"),
    ],
)
def test_what_the_description_does_not_know_is_complained_about(exchange: Exchange, why: str) -> None:
    assert any(why in complaint for complaint in complaints(exchange))


def test_what_the_description_knows_is_not_complained_about() -> None:
    assert complaints(Exchange("chat.postEphemeral", SENT, OK)) == []


def test_every_method_of_the_client_is_held_against_the_description() -> None:
    methods = {name for name, _ in inspect.getmembers(SlackClient, callable) if not name.startswith("_")}
    assert methods == set(CALLS)


def test_nothing_deviates_without_a_reason() -> None:
    assert unexplained() == []


def test_every_reason_is_still_needed() -> None:
    said = {(exchange.method, complaint) for exchange in exchanges() for complaint in complaints(exchange)}
    idle = [
        (method, part)
        for method, reasons in EXPLAINED.items()
        for part in reasons
        if not any(method == one and part in complaint for one, complaint in said)
    ]
    assert idle == []


def test_there_is_a_row_for_every_operation() -> None:
    verdicts = {row.operation: row.verdict for row in rows()}
    assert len(verdicts) == 16
    assert verdicts["POST /api/views.open"] == "validated"
    # The description ends before Slack had them; tests/integrations/slack has recorded ones.
    assert verdicts["POST /api/files.completeUploadExternal"] == "not described"
    assert verdicts["POST /api/chat.postMessage"] == "deviating"
