"""What people do, and what then reaches the app."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from integrations.slack import blocks as kit
from integrations.slack.client import SlackClient
from integrations.slack.events import (
    AppHomeOpened,
    BlockAction,
    MessageEvent,
    Shortcut,
    SlashCommand,
    ViewClosed,
    ViewSubmission,
)
from integrations.slack.inbound import delivery_id
from tests.integrations.slack.world import BOT_TOKEN, CHANNELS, PEOPLE, SECRET, App, Clock, Hands

MENU = kit.select("menu", [kit.option("Later", "later"), kit.option("Never", "never")])
ASKED = [
    kit.section("*Ready?*", accessory=MENU, block_id="when"),
    kit.actions(kit.button("Yes", "answer", "yes"), kit.button("No", "decline", "no"), block_id="decide"),
]
FORM = kit.modal(
    "Why",
    [
        kit.input_block("reason", "Reason", kit.text_input("text", min_length=3, max_length=20)),
        kit.input_block("what", "What then", MENU, optional=True),
    ],
    callback_id="return",
    private_metadata="so-1",
    submit="Return",
    notify_on_close=True,
)


@pytest.fixture
def asked(client: SlackClient, releases: str) -> str:
    """The ts of a message with a menu and two buttons."""
    return client.post(releases, "Ready?", ASKED, op_key="k").ts


@pytest.fixture
def opened(client: SlackClient, app: App, hands: Hands, releases: str) -> str:
    """The id of a modal in front of Ada."""
    hands("ada", "command", channel_id=releases, command="/conveyor", text="")
    command = app.next()
    assert isinstance(command, SlashCommand)
    return client.open_view(command.trigger_id, FORM)


@pytest.mark.parametrize(
    ("person", "act", "body", "status"),
    [
        ("nobody", "press", {}, 404),
        ("ada", "dance", {}, 404),
        ("ada", "press", {"channel_id": "C0NOWHERE"}, 404),
        ("ada", "submit", {"view_id": "V0NOWHERE"}, 404),
        ("ada", "close", {}, 404),
        ("ada", "say", {"channel_id": "C0NOWHERE", "text": "x"}, 404),
        ("ada", "command", {"command": "/dance"}, 404),
    ],
)
def test_who_means_something_that_is_not_there_is_told(
    hands: Hands, app: App, person: str, act: str, body: dict[str, str], status: int
) -> None:
    assert hands(person, act, **body).status_code == status
    assert app.bodies == []


def test_a_page_of_another_site_cannot_act(hands: Hands, releases: str) -> None:
    body = {"channel_id": releases, "text": "x"}
    for origin, status in (("http://evil.example.test", 403), (str(hands.http.base_url).rstrip("/"), 200)):
        answer = hands.http.post("/people/ada/say", json=body, headers={"Origin": origin})
        assert answer.status_code == status


def test_a_button_that_is_gone_cannot_be_pressed(
    hands: Hands, client: SlackClient, app: App, releases: str, asked: str
) -> None:
    press = {"channel_id": releases, "ts": asked, "action_id": "answer"}
    assert hands("ada", "press", **press, value="other").status_code == 409
    assert hands("ada", "press", **press, block_id="other").status_code == 409
    client.update(releases, asked, "Approved")
    assert hands("ada", "press", **press).status_code == 409
    assert hands("ada", "press", **press | {"ts": "1800000000.999999"}).status_code == 404
    assert app.bodies == []


def test_a_channel_is_closed_to_those_who_are_not_in_it(
    hands: Hands, client: SlackClient, sandbox: SlackSandbox
) -> None:
    requests = sandbox.channel_id("requests")
    posted = client.post(requests, "Ready?", ASKED, op_key="k")
    press = {"channel_id": requests, "ts": posted.ts, "action_id": "answer"}
    assert hands("bo", "press", **press).status_code == 404
    assert "requests" not in [channel["name"] for channel in hands.inbox("bo")["channels"]]


def test_a_press_is_a_signed_form_as_slack_sends_it(
    hands: Hands, app: App, releases: str, asked: str, sandbox: SlackSandbox
) -> None:
    outcome = hands("ada", "press", channel_id=releases, ts=asked, action_id="answer").json()
    assert (outcome["status"], outcome["error_shown"]) == (200, "")
    assert app.headers[0]["content-type"] == "application/x-www-form-urlencoded"
    payload = json.loads(dict(httpx.QueryParams(app.bodies[0].decode()))["payload"])
    assert payload["container"] == {
        "type": "message",
        "message_ts": asked,
        "channel_id": releases,
        "is_ephemeral": False,
    }
    assert payload["user"] == {"id": "U0TEST002", "username": "ada", "name": "ada", "team_id": "T0SANDBOX"}
    assert payload["channel"] == {"id": releases, "name": "releases"}
    assert payload["message"]["text"] == "Ready?"
    assert payload["response_url"].startswith(sandbox.url)
    action = payload["actions"][0]
    assert (action["type"], action["value"], action["block_id"]) == ("button", "yes", "decide")
    assert float(action["action_ts"]) > float(asked)


def test_a_double_click_is_two_deliveries(hands: Hands, app: App, releases: str, asked: str) -> None:
    for _ in range(2):
        hands("ada", "press", channel_id=releases, ts=asked, action_id="answer")
    assert len({delivery_id({}, body) for body in app.bodies}) == 2


def test_a_choice_of_a_menu_is_sent_and_remembered(hands: Hands, app: App, releases: str, asked: str) -> None:
    press = {"channel_id": releases, "ts": asked}
    assert hands("ada", "press", **press, action_id="menu", value="sometime").status_code == 409
    hands("ada", "press", **press, action_id="menu", value="never")
    chosen = app.next()
    assert isinstance(chosen, BlockAction)
    assert (chosen.selected, chosen.block_id) == ("never", "when")
    hands("ada", "press", **press, action_id="answer")
    pressed = app.next()
    assert isinstance(pressed, BlockAction)
    assert pressed.values == {"when": {"menu": "never"}}


def test_an_ephemeral_button_works_for_the_one_who_sees_it(
    hands: Hands, client: SlackClient, app: App, releases: str
) -> None:
    client.ephemeral(releases, "U0TEST002", "Sure?", ASKED)
    ts = hands.messages("ada", releases)[0]["ts"]
    press = {"channel_id": releases, "ts": ts, "action_id": "answer"}
    assert hands("bo", "press", **press).status_code == 404
    assert hands("ada", "press", **press).json()["status"] == 200
    pressed = app.next()
    assert isinstance(pressed, BlockAction)
    assert pressed.message_ts == ts


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_person_is_shown_that_the_app_failed(
    hands: Hands, app: App, releases: str, asked: str, status: int
) -> None:
    app.answers = [(status, b"oops", "text/plain")]
    outcome = hands("ada", "press", channel_id=releases, ts=asked, action_id="answer").json()
    assert outcome["status"] == status
    assert "did not respond" in outcome["error_shown"]


@pytest.mark.slow
def test_an_app_that_takes_longer_than_three_seconds_has_failed(
    hands: Hands, app: App, releases: str
) -> None:
    app.answers = [(0, b"", "")]
    outcome = hands("ada", "command", channel_id=releases, command="/request", text="x").json()
    assert outcome["status"] is None
    assert 2900 <= outcome["ms"] < 6000
    assert outcome["error_shown"] == "/request failed with the error “operation_timeout”"


def test_an_app_that_is_down_has_failed(hands: Hands, clock: Clock) -> None:
    url = "http://127.0.0.1:1/"
    sandbox = SlackSandbox(PEOPLE, CHANNELS, SlackAppSeed(BOT_TOKEN, SECRET, url, url, url), clock=clock)
    body = {"channel_id": sandbox.channel_id("releases"), "command": "/request"}
    outcome = httpx.post(f"{sandbox.url}/people/ada/command", json=body, **LOOPBACK).json()
    sandbox.stop()
    assert (outcome["status"], outcome["error_shown"]) == (
        None,
        "/request failed with the error “dispatch_failed”",
    )


def test_a_modal_is_not_sent_until_it_is_complete(hands: Hands, app: App, opened: str) -> None:
    app.bodies.clear()
    for values, status in (
        ({}, 422),
        ({"reason": "no"}, 422),
        ({"reason": "x" * 21}, 422),
        ({"other": "x"}, 409),
    ):
        assert hands("ada", "submit", view_id=opened, values=values).status_code == status
    assert list(hands("ada", "submit", view_id=opened, values={}).json()["errors"]) == ["reason"]
    assert hands("bo", "submit", view_id=opened, values={"reason": "good"}).status_code == 404
    assert app.bodies == []


def test_a_submitted_modal_closes(hands: Hands, app: App, opened: str) -> None:
    outcome = hands("ada", "submit", view_id=opened, values={"reason": "too slow", "what": "later"}).json()
    assert outcome["view"] == "closed"
    assert hands.inbox("ada")["views"] == []
    assert app.next() == ViewSubmission(
        user_id="U0TEST002",
        callback_id="return",
        private_metadata="so-1",
        values={"reason": {"text": "too slow"}, "what": {"menu": "later"}},
        view_id=opened,
    )


def answer(app: App, **body: object) -> None:
    app.answers = [(200, json.dumps(body).encode(), "application/json")]


def test_errors_of_the_app_stand_at_their_fields(hands: Hands, app: App, opened: str) -> None:
    answer(app, response_action="errors", errors={"reason": "Say more."})
    outcome = hands("ada", "submit", view_id=opened, values={"reason": "too slow"}).json()
    assert (outcome["view"], outcome["errors"]) == ("errors", {"reason": "Say more."})
    assert hands.inbox("ada")["views"][0]["errors"] == {"reason": "Say more."}


def test_errors_at_no_field_are_trouble(hands: Hands, app: App, opened: str) -> None:
    answer(app, response_action="errors", errors={"text": "Say more."})
    outcome = hands("ada", "submit", view_id=opened, values={"reason": "too slow"}).json()
    assert (outcome["view"], bool(outcome["error_shown"])) == ("open", True)


def test_a_modal_is_updated_pushed_and_cleared_by_the_answer(hands: Hands, app: App, opened: str) -> None:
    second = kit.modal("Second", [kit.section("two")], callback_id="second", submit="On")
    answer(app, response_action="push", view=second)
    pushed = hands("ada", "submit", view_id=opened, values={"reason": "too slow"}).json()
    assert [view["title"]["text"] for view in hands.inbox("ada")["views"]] == ["Why", "Second"]
    answer(app, response_action="update", view={**second, "callback_id": "third"})
    hands("ada", "submit", view_id=pushed["view_id"], values={})
    assert [view["callback_id"] for view in hands.inbox("ada")["views"]] == ["return", "third"]
    answer(app, response_action="clear")
    hands("ada", "submit", view_id=pushed["view_id"], values={})
    assert hands.inbox("ada")["views"] == []


@pytest.mark.parametrize("body", [b"ok", b'{"response_action": "sing"}', b'{"response_action": "update"}'])
def test_an_answer_that_slack_does_not_know_leaves_the_modal_open(
    hands: Hands, app: App, opened: str, body: bytes
) -> None:
    app.answers = [(200, body, "application/json")]
    outcome = hands("ada", "submit", view_id=opened, values={"reason": "too slow"}).json()
    assert (outcome["view"], bool(outcome["error_shown"])) == ("open", True)


def test_a_closed_modal_is_told(hands: Hands, app: App, opened: str) -> None:
    hands("ada", "close", view_id=opened)
    assert app.next() == ViewClosed("U0TEST002", "return", "so-1", opened)


def test_a_slash_command_is_answered_to_the_one_who_typed_it(hands: Hands, app: App, releases: str) -> None:
    app.answers = [(200, b"Noted.", "text/plain")]
    hands("ada", "command", channel_id=releases, command="/request", text="Faster search")
    command = app.next()
    assert isinstance(command, SlashCommand)
    assert (command.command, command.text, command.channel_id) == ("/request", "Faster search", releases)
    assert [(m["text"], m["ephemeral"]) for m in hands.messages("ada", releases)] == [("Noted.", True)]
    assert hands.messages("bo", releases) == []
    answer(app, response_type="in_channel", text="For all")
    hands("ada", "command", channel_id=releases, command="/request", text="")
    assert [m["text"] for m in hands.messages("bo", releases)] == ["For all"]


def test_a_message_is_an_event_where_the_bot_is(hands: Hands, app: App, releases: str) -> None:
    first = hands("ada", "say", channel_id=releases, text="hello").json()
    hands("bo", "say", channel_id=releases, text="hi", thread_ts=first["ts"])
    events = [app.next(), app.next()]
    seen = [(e.user_id, e.text, e.thread_ts, e.bot_id) for e in events if isinstance(e, MessageEvent)]
    assert seen == [("U0TEST002", "hello", "", ""), ("U0TEST003", "hi", first["ts"], "")]


def test_an_event_that_is_not_taken_comes_three_times_again(hands: Hands, app: App, releases: str) -> None:
    app.answers = [(500, b"", "text/plain")] * 4
    hands("ada", "say", channel_id=releases, text="hello")
    same = {getattr(app.next(), "event_id", None) for _ in range(4)}
    assert len(same) == 1
    again = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h in app.headers]
    assert again == [(None, None)] + [(str(attempt), "http_error") for attempt in (1, 2, 3)]
    hands("ada", "say", channel_id=releases, text="next")
    following = app.next()
    assert isinstance(following, MessageEvent)
    assert following.text == "next"


def test_a_home_is_opened_and_its_buttons_work(hands: Hands, client: SlackClient, app: App) -> None:
    hands("ada", "home")
    seen = app.next()
    assert isinstance(seen, AppHomeOpened)
    assert (seen.user_id, seen.tab) == ("U0TEST002", "home")
    client.publish_home("U0TEST002", kit.home([kit.actions(kit.button("Show", "show", "1"))]))
    view_id = hands.inbox("ada")["home"]["id"]
    assert hands("bo", "press", view_id=view_id, action_id="show").status_code == 404
    hands("ada", "press", view_id=view_id, action_id="show")
    pressed = app.next()
    assert isinstance(pressed, BlockAction)
    assert (pressed.view_id, pressed.value, pressed.message_ts) == (view_id, "1", "")


def test_a_shortcut_carries_its_message(hands: Hands, app: App, releases: str) -> None:
    said = hands("bo", "say", channel_id=releases, text="The cart forgets").json()
    app.next()
    hands("ada", "shortcut", callback_id="request.from_message", channel_id=releases, ts=said["ts"])
    seen = app.next()
    assert isinstance(seen, Shortcut)
    assert (seen.callback_id, seen.message_text) == ("request.from_message", "The cart forgets")
    assert (seen.channel_id, seen.message_ts) == (releases, said["ts"])


def response_url(app: App) -> str:
    pressed = app.next()
    assert isinstance(pressed, BlockAction)
    return pressed.response_url


def test_a_response_url_works_five_times_within_half_an_hour(
    hands: Hands, app: App, releases: str, asked: str, clock: Clock
) -> None:
    for _ in range(2):
        hands("ada", "press", channel_id=releases, ts=asked, action_id="answer")
    first, second = response_url(app), response_url(app)
    statuses = [hands.http.post(first, json={"text": f"{n}"}).status_code for n in range(6)]
    assert statuses == [200] * 5 + [404]
    assert len(hands.messages("ada", releases)) == 6
    assert len(hands.messages("bo", releases)) == 1
    clock.now += 1801
    assert hands.http.post(second, json={"text": "late"}).status_code == 404
    assert hands.http.post(f"{first}x", json={"text": "guess"}).status_code == 404


def test_a_response_url_replaces_and_deletes_the_message(
    hands: Hands, app: App, releases: str, asked: str
) -> None:
    hands("ada", "press", channel_id=releases, ts=asked, action_id="answer")
    url = response_url(app)
    hands.http.post(url, json={"replace_original": True, "text": "Approved"})
    assert [(m["text"], m.get("blocks")) for m in hands.messages("bo", releases)] == [("Approved", None)]
    hands.http.post(url, json={"delete_original": True})
    assert hands.messages("bo", releases) == []


def test_unread_messages_are_counted_until_they_are_looked_at(
    hands: Hands, client: SlackClient, releases: str
) -> None:
    def unread() -> int:
        return next(c["unread"] for c in hands.inbox("ada")["channels"] if c["id"] == releases)

    client.post(releases, "one", op_key="1")
    client.post(releases, "two", op_key="2")
    assert unread() == 2
    hands("ada", "read", channel_id=releases)
    assert unread() == 0
    hands("ada", "say", channel_id=releases, text="my own")
    assert unread() == 0


def test_forty_people_may_press_at_once(hands: Hands, app: App, releases: str, asked: str) -> None:
    def press(serial: int) -> int | None:
        person = ("ada", "bo")[serial % 2]
        return hands(person, "press", channel_id=releases, ts=asked, action_id="answer").json()["status"]

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(press, range(40))) == [200] * 40
    assert len({delivery_id({}, body) for body in app.bodies}) == 40
