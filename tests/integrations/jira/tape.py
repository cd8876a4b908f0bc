"""Cassettes of the client: from Conveyor's own sandbox, or from a real account with `CONVEYOR_RECORD=1`.

To play nothing is needed. `CONVEYOR_RECORD=1` records anew: against the Jira of `CONVEYOR_JIRA_*` if a
token is set there (project `CONVEYOR_RECORD_PROJECT`, flavor `CONVEYOR_JIRA_FLAVOR`, and for the service desk
the key of an open customer's request, `CONVEYOR_RECORD_REQUEST`), else the sandbox.
Host, login, people, addresses and the project's key are replaced before anything is written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import vcr
import yaml
from pydantic import SecretStr
from vcr.record_mode import RecordMode

from integrations.jira.client import JiraClient
from integrations.sandbox.jira import JiraSandbox
from integrations.settings import JiraSettings
from tests.integrations.jira.world import PEOPLE

FOLDER = Path(__file__).parent / "cassettes"
REQUEST = "HELP-1"
"""A customer's request, as cassettes call it."""

SITE = "https://jira.example.test"
RECORDING = os.environ.get("CONVEYOR_RECORD") == "1"
_KEPT_HEADERS = {"content-type", "retry-after", "x-ratelimit-reset"}
_PEOPLE = {
    "emailAddress": "someone@example.test",
    "displayName": "Someone",
    "accountId": "account",
    "name": None,
}

Flavor = Literal["cloud", "server"]


class Tape:
    """One cassette's scrubbing and its header."""

    def __init__(self, origin: str, url: str, project: str, request: str) -> None:
        self._origin = origin
        self._url = url
        self._host = urlsplit(url).netloc
        self._project = re.compile(rf"\b{re.escape(project)}\b")
        self._request = re.compile(rf"\b{re.escape(request)}\b")

    def request(self, request: Any) -> Any:
        """Take the site and the project out of a request; its login is filtered by name."""
        request.uri = self._text(request.uri)
        if request.body:
            request.body = self._text(request.body.decode()).encode()
        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        request.headers.clear()
        request.headers.update(kept)
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        """Take the site, the people and all but a few headers out of an answer."""
        headers = response["headers"]
        response["headers"] = {
            name: value for name, value in headers.items() if name.lower() in _KEPT_HEADERS
        }
        text = self._text(response["body"]["string"].decode())
        if text.startswith(("{", "[")):
            text = json.dumps(anonymous(json.loads(text)))
        response["body"]["string"] = text.encode()
        return response

    def serialize(self, cassette: dict[str, Any]) -> str:
        """YAML that begins with where it comes from."""
        return f"# Recorded from: {self._origin}\n{yaml.safe_dump(cassette, sort_keys=False)}"

    @staticmethod
    def deserialize(text: str) -> Any:
        """The cassette."""
        return yaml.safe_load(text)

    def _text(self, text: str) -> str:
        text = text.replace(self._url, SITE).replace(self._host, urlsplit(SITE).netloc)
        return self._project.sub("REL", self._request.sub(REQUEST, text))


def anonymous(value: Any) -> Any:
    """`value` without the people in it."""
    if isinstance(value, list):
        return [anonymous(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "displayName" in value:
        return {key: _PEOPLE[key] or "account" for key in value if key in _PEOPLE}
    return {key: anonymous(part) for key, part in value.items()}


@contextmanager
def taped(name: str, flavor: Flavor) -> Iterator[JiraClient]:
    """A client that plays `cassettes/{name}-{flavor}.yaml`, or records it."""
    path = FOLDER / f"{name}-{flavor}.yaml"
    if not RECORDING:
        settings = JiraSettings(url=SITE, user="bot", token=SecretStr("not-recorded"), flavor=flavor)
        with _recorder(Tape("", SITE, "REL", REQUEST), RecordMode.NONE).use_cassette(str(path)):
            yield JiraClient(settings)
        return
    with _real(flavor) as (settings, origin):
        path.unlink(missing_ok=True)
        names = [os.environ.get(f"CONVEYOR_RECORD_{name}") for name in ("PROJECT", "REQUEST")]
        tape = Tape(origin, settings.url.rstrip("/"), names[0] or "REL", names[1] or REQUEST)
        with _recorder(tape, RecordMode.ONCE).use_cassette(str(path)):
            yield JiraClient(settings)


@contextmanager
def _real(flavor: Flavor) -> Iterator[tuple[JiraSettings, str]]:
    """The account to record from, and what to call it."""
    settings = JiraSettings()
    if settings.token.get_secret_value():
        if settings.flavor not in ("auto", flavor):
            pytest.skip(f"the account is not Jira {flavor}")
        yield settings, f"a real Jira {flavor} (people, site and project renamed)"
        return
    projects = {"REL": "Release train", "HELP": "Help"}
    sandbox = JiraSandbox(None, PEOPLE, projects, desks=["HELP"], flavor=flavor)
    sandbox.load_backlog(['{"title": "Asked", "created": "2026-03-02T10:00:00+00:00"}'], "HELP")
    bot = PEOPLE[0]
    token = SecretStr(bot.token)
    yield (
        JiraSettings(url=sandbox.url, user=bot.email, token=token, flavor=flavor),
        "Conveyor's sandbox Jira (not Atlassian)",
    )
    sandbox.stop()


def _recorder(tape: Tape, mode: RecordMode) -> Any:
    recorder = vcr.VCR(
        record_mode=mode,
        match_on=("method", "scheme", "host", "path", "query", "body"),
        filter_headers=["Authorization", "Cookie"],
        before_record_request=tape.request,
        before_record_response=tape.response,
        decode_compressed_response=True,
    )
    recorder.register_serializer("headed", tape)
    recorder.serializer = "headed"
    return recorder
