"""The app's manifest asks for what the client needs, and for nothing that it does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrations.sandbox.slack import SlackAppSeed
from integrations.slack import client
from tasks import request_form

ROOT = Path(__file__).parents[3]
# Which scopes a bot needs for a method. Source: https://docs.slack.dev/reference/methods
NEEDS = {
    "auth.test": set[str](),
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.getPermalink": set[str](),
    "conversations.history": {"channels:history", "groups:history", "im:history", "metadata.message:read"},
    "conversations.replies": {"channels:history", "groups:history", "im:history", "metadata.message:read"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read", "users:read.email"},
    "files.getUploadURLExternal": {"files:write"},
    "files.completeUploadExternal": {"files:write"},
    "views.open": set[str](),
    "views.update": set[str](),
    "views.publish": set[str](),
}


@pytest.fixture
def manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "deployments" / "slack-manifest.yaml").read_text())


def test_the_scopes_are_those_of_the_methods_that_are_called(manifest: dict[str, Any]) -> None:
    source = Path(client.__file__).read_text()
    called = set(re.findall(r'"((?:auth|chat|conversations|files|usergroups|users|views)\.[\w.]+)"', source))
    assert called == set(NEEDS)
    scopes = {scope for method in called for scope in NEEDS[method]}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == scopes | {"commands"}


def test_the_commands_are_those_that_are_served(manifest: dict[str, Any]) -> None:
    commands = tuple(command["command"] for command in manifest["features"]["slash_commands"])
    assert commands == SlackAppSeed("", "").commands


def test_the_shortcuts_are_those_that_are_served(manifest: dict[str, Any]) -> None:
    shortcuts = manifest["features"]["shortcuts"]
    assert tuple((s["callback_id"], s["name"]) for s in shortcuts) == SlackAppSeed("", "").shortcuts
    assert [(s["type"], s["callback_id"]) for s in shortcuts] == [("message", request_form.SHORTCUT)]
    assert all(len(s["name"]) <= 24 and len(s["description"]) <= 150 for s in shortcuts)


def test_every_address_is_a_door_of_the_gateway(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    addresses = {command["url"] for command in manifest["features"]["slash_commands"]}
    addresses |= {settings["event_subscriptions"]["request_url"], settings["interactivity"]["request_url"]}
    doors = {f"https://conveyor.example.com/slack/{name}" for name in ("commands", "events", "interactivity")}
    assert addresses == doors


def test_people_have_a_home_and_we_hear_that_it_is_opened(manifest: dict[str, Any]) -> None:
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert "app_home_opened" in manifest["settings"]["event_subscriptions"]["bot_events"]
