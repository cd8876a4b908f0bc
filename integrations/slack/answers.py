"""Answering a slash command by its response URL: works in every conversation, also where our bot is not."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

from integrations.errors import from_status
from integrations.settings import SlackSettings
from integrations.slack.blocks import Block
from integrations.slack.failures import NETWORK_FAILURES, from_network

_WHAT = "answer"
"""Stands for the URL in errors and logs: whoever has it may write in our name for half an hour."""


def respond(settings: SlackSettings, response_url: str, text: str, blocks: Sequence[Block] = ()) -> None:
    """Answer where the command was typed, seen by that person alone. A repeat is seen twice.

    `response_url` comes from a verified delivery; it serves five times within half an hour.

    Raises:
        NotFound: it is used up or expired: only the person can ask again.
        Refused: Slack does not accept the blocks or the text.
        Transient: no answer.

    Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    """
    log = logging.getLogger("conveyor.slack_sdk")
    log.setLevel(logging.CRITICAL)  # below that the SDK logs the URL and the body
    hook = WebhookClient(
        response_url, timeout=max(1, round(settings.timeout_s)), logger=log, retry_handlers=[]
    )
    # The SDK takes a proxy from the environment but not NO_PROXY; urllib knows both.
    if proxy_bypass(urlsplit(response_url).hostname or ""):
        hook.proxy = None
    try:
        answer = hook.send(text=text, blocks=list(blocks) or None, response_type="ephemeral")
    except (SlackClientError, *NETWORK_FAILURES) as error:
        raise from_network("respond", _WHAT, error) from None
    if answer.status_code != 200:
        raise from_status("slack", "respond", _WHAT, answer.status_code, detail=answer.body[:100])
