"""Answering a slash command by its response URL, against the sandbox over HTTP."""

from __future__ import annotations

import pytest

from integrations.errors import NotFound, Refused, Transient
from integrations.sandbox.faults import Fault
from integrations.sandbox.slack import SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack import blocks as kit
from integrations.slack.answers import respond
from integrations.slack.events import SlashCommand
from tests.integrations.slack.world import App, Clock, Hands


@pytest.fixture
def url(hands: Hands, app: App, releases: str) -> str:
    """The response URL of a command that ada typed."""
    hands("ada", "command", channel_id=releases, command="/conveyor", text="pending")
    command = app.next()
    assert isinstance(command, SlashCommand)
    return command.response_url


def seen(hands: Hands, slug: str) -> list[str]:
    return [m["text"] for channel in hands.inbox(slug)["channels"] for m in channel["messages"]]


def test_an_answer_after_half_an_hour_is_not_found(settings: SlackSettings, url: str, clock: Clock) -> None:
    clock.now += 31 * 60
    with pytest.raises(NotFound):
        respond(settings, url, "too late")


def test_blocks_that_slack_does_not_take_are_refused(settings: SlackSettings, url: str, hands: Hands) -> None:
    with pytest.raises(Refused):
        respond(settings, url, "text", [{"type": "nonsense"}])
    assert seen(hands, "ada") == []


@pytest.mark.parametrize("do", ["503", "drop_before"])
def test_what_was_not_taken_is_transient(
    sandbox: SlackSandbox, settings: SlackSettings, url: str, hands: Hands, do: str
) -> None:
    sandbox.faults.order(Fault("POST /response/.*", do))
    with pytest.raises(Transient) as caught:
        respond(settings, url, "hello")
    assert seen(hands, "ada") == []
    assert url.rsplit("/", 1)[1] not in repr(vars(caught.value)) + str(caught.value)


def test_an_answer_is_seen_by_the_one_who_asked(settings: SlackSettings, url: str, hands: Hands) -> None:
    respond(settings, url, "two wait", [kit.section("one"), kit.section("two")])
    assert seen(hands, "ada") == ["two wait"]
    assert seen(hands, "bo") == []
