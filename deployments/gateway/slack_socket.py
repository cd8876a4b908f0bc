"""Slack's deliveries over Socket Mode: written to the inbox, dispatched, and only then acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from deployments.gateway.loop import Loop, said
from deployments.gateway.slack import SlackListener
from integrations.ledger import Ledger
from integrations.settings import settings
from integrations.slack import inbound
from integrations.slack.socket import Answer, SocketMode

log = logging.getLogger(__name__)


class SlackSocket:
    """In place of Slack's HTTP doors; `poke` tells whoever handles deliveries that there is one."""

    def __init__(self, ledger: Ledger, listener: SlackListener, poke: Callable[[], None]) -> None:
        self._ledger = ledger
        self._listener = listener
        self._poke = poke
        self._line = SocketMode(settings().slack, self._take)
        self._loop = Loop("slack-socket", self._line.keep_open, 0.5)

    @property
    def alive(self) -> bool:
        """Slack reaches us."""
        return self._loop.alive and self._line.connected

    def start(self) -> None:
        """Open the line, and again whenever it is lost; `alive` says since when it is."""
        self._loop.poke()
        self._loop.start()

    def stop(self) -> None:
        """Close the line for good."""
        self._loop.stop()
        self._line.close()

    def _take(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        try:
            return self._answer(headers, body)
        except Exception as error:  # noqa: BLE001 - the SDK would log it with the delivery's text
            log.warning("Slack's socket: %s", said(error))
            return None

    def _answer(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """What the door says over HTTP; None where it does not say 200."""
        kind = type(inbound.parse(headers["content-type"], body)).__name__
        key = inbound.delivery_id(headers, body)
        received = self._ledger.receive("slack", key, kind, headers, body, datetime.now(UTC))
        if not received.new:
            return Answer("", b"")
        answer = self._listener.dispatch(received.id, headers, body)
        self._poke()
        if answer.status_code != 200:
            return None
        return Answer(answer.headers.get("content-type", ""), bytes(answer.body))
