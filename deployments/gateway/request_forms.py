"""The form of a request in front of somebody in Slack: opened, and refused under its fields."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from integrations.errors import IntegrationError
from integrations.settings import settings
from integrations.slack import answers, inbound
from integrations.slack.events import ViewSubmission
from tasks import request_form
from tasks.context import policy, slack

log = logging.getLogger(__name__)

AGAIN = "The form could not be opened. Please try again, or write `/request title | description`."

Body = Mapping[str, Any]


def show(body: Body, channel: str) -> bool:
    """Open the form, filled with the message if a shortcut on one was used; False if Slack did not.

    Then its three seconds are over, or Slack is down: only the person can ask again.
    """
    message = body.get("message") or {}
    form = request_form.view(policy(), channel, str(message.get("ts", "")), str(message.get("text", "")))
    try:
        slack().open_view(str(body.get("trigger_id", "")), form)
    except IntegrationError as error:
        log.warning("no form for a request: %s", error)
        return False
    return True


def ask_again(body: Body) -> None:
    """Tell the person where they are, in private, that there was no form."""
    answers.respond(settings().slack, str(body.get("response_url", "")), AGAIN)


def wrong_in(body: Body) -> Mapping[str, str]:
    """What has to be mended in the form that was sent off, by field."""
    event = inbound.interaction(body)
    if not isinstance(event, ViewSubmission):
        return {}
    return request_form.errors(request_form.read(event, policy()), policy())
