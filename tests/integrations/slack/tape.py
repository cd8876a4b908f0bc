"""Cassettes of the client: from Conveyor's own sandbox, or from a real workspace with `CONVEYOR_RECORD=1`.

To play nothing is needed. `CONVEYOR_RECORD=1` records anew: against the workspace of `CONVEYOR_SLACK_*` if a
bot token is set there, else against the sandbox. `CONVEYOR_RECORD_CHANNEL` is then the id of an empty channel
that the bot is in, `CONVEYOR_RECORD_USER` that of one of its people. Host, token, ids and names are replaced
before anything is written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vcr
import yaml
from pydantic import SecretStr

from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack.client import SlackClient
from tests.integrations.slack.world import CHANNELS, PEOPLE

FOLDER = Path(__file__).parent / "cassettes"
API = "https://slack.example.test/api/"
CHANNEL, USER = "C0RECORDED", "U0RECORDED"
RECORDING = os.environ.get("CONVEYOR_RECORD") == "1"
_KEPT_HEADERS = {"content-type", "retry-after"}
_TOKEN = re.compile(r"\bx(?:ox[a-z]|app)-[\w-]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAMED = frozenset(
    [
        "name",
        "real_name",
        "real_name_normalized",
        "display_name",
        "display_name_normalized",
        "first_name",
        "last_name",
        "user",
        "team",
        "url",
        "title",
        "phone",
        "skype",
        "status_text",
    ]
)


@dataclass(frozen=True)
class Tape:
    """`client` plays or records; `channel_id` and `user_id` are whom it may speak to."""

    client: SlackClient
    channel_id: str
    user_id: str


class Scrub:
    """Takes out of what is written down whatever names the workspace, on both ways."""

    def __init__(self, origin: str, api_url: str, channel_id: str, user_id: str) -> None:
        self._origin = origin
        self._renamed = {api_url: API, channel_id: CHANNEL, user_id: USER}

    def request(self, request: Any) -> Any:
        """Only the address, the body and its type are kept."""
        request.uri = self._text(request.uri)
        if request.body:
            request.body = self._text(request.body.decode()).encode()
        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        request.headers.clear()
        request.headers.update(kept)
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        """The same for an answer; names of people and of the workspace become others."""
        headers = response["headers"].items()
        response["headers"] = {name: value for name, value in headers if name.lower() in _KEPT_HEADERS}
        body = json.loads(self._text(response["body"]["string"].decode()))
        response["body"]["string"] = json.dumps(anonymous(body)).encode()
        return response

    def serialize(self, cassette: dict[str, Any]) -> str:
        """YAML that begins with where it comes from."""
        return f"# Recorded from: {self._origin}\n{yaml.safe_dump(cassette, sort_keys=False)}"

    @staticmethod
    def deserialize(text: str) -> Any:
        """The cassette."""
        return yaml.safe_load(text)

    def _text(self, text: str) -> str:
        for name, other in self._renamed.items():
            text = text.replace(name, other)
        return _EMAIL.sub("someone@example.test", _TOKEN.sub("xoxb-removed", text))


def anonymous(value: Any, key: str = "") -> Any:
    """`value` without the names of people, workspaces and addresses of either."""
    if isinstance(value, list):
        return [anonymous(one) for one in value]
    if isinstance(value, dict):
        return {name: anonymous(part, name) for name, part in value.items()}
    named = key in _NAMED and isinstance(value, str) and not re.fullmatch(r"[UTCBD]0?[A-Z0-9]{6,}", value)
    return "someone" if named and value else value


@contextmanager
def taped(name: str) -> Iterator[Tape]:
    """A client that plays `cassettes/{name}.yaml`, or records it."""
    path = FOLDER / f"{name}.yaml"
    if not RECORDING:
        with _recorder(Scrub("", API, CHANNEL, USER), "none").use_cassette(str(path)):
            yield Tape(_client(API, "not-recorded"), CHANNEL, USER)
        return
    with _real() as (settings, origin, channel_id, user_id):
        path.unlink(missing_ok=True)
        scrub = Scrub(origin, settings.api_url, channel_id, user_id)
        with _recorder(scrub, "once").use_cassette(str(path)):
            yield Tape(SlackClient(settings), channel_id, user_id)


def _client(api_url: str, token: str) -> SlackClient:
    return SlackClient(SlackSettings(api_url=api_url, bot_token=SecretStr(token)))


@contextmanager
def _real() -> Iterator[tuple[SlackSettings, str, str, str]]:
    """The workspace to record from, what to call it, and whom to speak to."""
    settings = SlackSettings()
    if settings.bot_token.get_secret_value():
        channel_id, user_id = os.environ["CONVEYOR_RECORD_CHANNEL"], os.environ["CONVEYOR_RECORD_USER"]
        yield settings, "a real Slack workspace (people, ids and names replaced)", channel_id, user_id
        return
    token = SecretStr("xoxb-of-the-recording")
    sandbox = SlackSandbox(PEOPLE, CHANNELS, SlackAppSeed(token.get_secret_value(), "s"))
    settings = SlackSettings(api_url=sandbox.api_url, bot_token=token)
    origin = "Conveyor's sandbox Slack (not slack.com)"
    yield settings, origin, sandbox.channel_id("releases"), PEOPLE[1].slack_id
    sandbox.stop()


def _recorder(scrub: Scrub, mode: str) -> Any:
    recorder = vcr.VCR(
        record_mode=mode,  # pyright: ignore[reportArgumentType]
        match_on=("method", "scheme", "host", "path", "query", "body"),
        filter_headers=["Authorization", "Cookie"],
        before_record_request=scrub.request,
        before_record_response=scrub.response,
        decode_compressed_response=True,
    )
    recorder.register_serializer("headed", scrub)
    recorder.serializer = "headed"
    return recorder
