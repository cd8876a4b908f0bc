"""The client against the sandbox, over HTTP."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse, PlainTextResponse

from integrations.errors import Conflict, NotFound, Refused, Transient
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import Server
from integrations.sandbox.slack import SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack import blocks as kit
from integrations.slack.client import SlackClient
from integrations.slack.events import BlockAction, SlashCommand
from tests.integrations.slack.world import App, Clock, Hands

ADA, BO = "U0TEST002", "U0TEST003"
BUTTON = [kit.section("Ready?"), kit.actions(kit.button("Yes", "yes", "so-1"), block_id="decide")]
MODAL = kit.modal(
    "Why",
    [kit.input_block("reason", "Reason", kit.text_input("text"))],
    callback_id="return",
    submit="Return",
    external_id="return:so-1",
)


def since(clock: Clock, minutes: float = 5) -> datetime:
    return datetime.fromtimestamp(clock.now, UTC) - timedelta(minutes=minutes)


def trigger(hands: Hands, app: App, channel_id: str) -> str:
    hands("ada", "command", channel_id=channel_id, command="/request", text="")
    command = app.next()
    assert isinstance(command, SlashCommand)
    return command.trigger_id


def test_a_wrong_token_is_refused(settings: SlackSettings) -> None:
    stranger = SlackClient(settings.model_copy(update={"bot_token": SecretStr("xoxb-other")}))
    with pytest.raises(Refused, match="invalid_auth"):
        stranger.auth_test()


def test_no_token_is_refused(settings: SlackSettings) -> None:
    stranger = SlackClient(settings.model_copy(update={"bot_token": SecretStr("")}))
    with pytest.raises(Refused, match="not_authed"):
        stranger.auth_test()


def test_a_channel_that_does_not_exist_is_not_found(client: SlackClient) -> None:
    with pytest.raises(NotFound, match="channel_not_found"):
        client.post("C0NOWHERE", "hello", op_key="k")


def test_a_channel_without_the_poster_refuses(settings: SlackSettings, sandbox: SlackSandbox) -> None:
    bo = SlackClient(settings.model_copy(update={"bot_token": SecretStr("token-bo")}))
    with pytest.raises(Refused, match="not_in_channel"):
        bo.post(sandbox.channel_id("requests"), "hello", op_key="k")


def test_blocks_that_slack_does_not_take_are_refused_with_the_place(
    client: SlackClient, releases: str
) -> None:
    with pytest.raises(Refused, match=r"invalid_blocks.*/blocks/0/type"):
        client.post(releases, "hello", [{"type": "banner"}], op_key="k")
    assert client.history(releases) == []


def test_no_text_and_no_blocks_are_refused(client: SlackClient, releases: str) -> None:
    with pytest.raises(Refused, match="no_text"):
        client.post(releases, "", op_key="k")


def test_a_text_beyond_the_limit_is_refused(client: SlackClient, releases: str) -> None:
    with pytest.raises(Refused, match="msg_too_long"):
        client.post(releases, "a" * 40_001, op_key="k")


def test_the_bot_knows_itself(client: SlackClient) -> None:
    assert client.auth_test() == "U0TEST001"


def test_a_post_is_seen_by_the_people_of_the_channel(
    client: SlackClient, releases: str, hands: Hands
) -> None:
    posted = client.post(releases, "Ready?", BUTTON, op_key="k")
    (seen,) = hands.messages("ada", releases)
    assert seen["ts"] == posted.ts
    assert seen["blocks"] == [{**BUTTON[0], "block_id": seen["blocks"][0]["block_id"]}, BUTTON[1]]


def test_a_posted_message_is_found_by_its_op_key(client: SlackClient, releases: str, clock: Clock) -> None:
    posted = client.post(releases, "one", op_key="op-1")
    client.post(releases, "two", op_key="op-2")
    assert client.find_message(releases, "op-1", since(clock)) == posted
    assert client.find_message(releases, "op-3", since(clock)) is None


def test_a_message_older_than_asked_is_not_found(client: SlackClient, releases: str, clock: Clock) -> None:
    client.post(releases, "one", op_key="op-1")
    clock.now += 600
    assert client.find_message(releases, "op-1", since(clock)) is None


def test_of_two_messages_with_one_op_key_the_first_is_found(
    client: SlackClient, releases: str, clock: Clock
) -> None:
    first = client.post(releases, "one", op_key="op-1")
    client.post(releases, "one", op_key="op-1")
    assert client.find_message(releases, "op-1", since(clock)) == first


def test_a_reply_is_found_in_its_thread(client: SlackClient, releases: str, clock: Clock) -> None:
    parent = client.post(releases, "parent", op_key="op-1")
    reply = client.post(releases, "reply", op_key="op-2", thread_ts=parent.ts)
    assert client.find_message(releases, "op-2", since(clock), parent.ts) == reply
    assert client.find_message(releases, "op-2", since(clock)) is None
    assert [message.text for message in client.replies(releases, parent.ts)] == ["reply"]


def test_a_reply_to_nothing_is_not_found(client: SlackClient, releases: str) -> None:
    with pytest.raises(NotFound, match="thread_not_found"):
        client.post(releases, "reply", op_key="k", thread_ts="1700000000.000001")


def test_every_page_of_the_history_is_read(
    client: SlackClient, releases: str, clock: Clock, hands: Hands
) -> None:
    first = client.post(releases, "the oldest", op_key="op-1")
    for serial in range(401):
        hands("ada", "say", channel_id=releases, text=f"message {serial}")
    history = client.history(releases)
    assert [message.text for message in history[:2]] == ["the oldest", "message 0"]
    assert len(history) == 402
    assert client.find_message(releases, "op-1", since(clock)) == first
    assert [message.text for message in client.history(releases, limit=2)] == ["message 399", "message 400"]


def test_an_update_replaces_text_and_blocks_and_keeps_the_op_key(
    client: SlackClient, releases: str, clock: Clock, hands: Hands
) -> None:
    posted = client.post(releases, "Ready?", BUTTON, op_key="op-1")
    for _ in range(2):
        client.update(releases, posted.ts, "Approved by Ada")
    (seen,) = hands.messages("ada", releases)
    assert (seen["text"], "blocks" in seen, "edited" in seen) == ("Approved by Ada", False, True)
    assert client.find_message(releases, "op-1", since(clock)) == posted


def test_an_update_of_a_message_that_is_gone_is_not_found(client: SlackClient, releases: str) -> None:
    with pytest.raises(NotFound, match="message_not_found"):
        client.update(releases, "1700000000.000001", "text")


def test_an_update_of_somebody_elses_message_is_a_conflict(
    client: SlackClient, releases: str, hands: Hands
) -> None:
    said = hands("ada", "say", channel_id=releases, text="mine").json()
    with pytest.raises(Conflict, match="cant_update_message"):
        client.update(releases, said["ts"], "yours")


def test_an_ephemeral_message_is_seen_by_one_and_kept_by_none(
    client: SlackClient, releases: str, hands: Hands
) -> None:
    client.ephemeral(releases, ADA, "You cannot sign this.")
    assert [m["text"] for m in hands.messages("ada", releases)] == ["You cannot sign this."]
    assert hands.messages("bo", releases) == []
    assert client.history(releases) == []


def test_an_ephemeral_message_to_somebody_elsewhere_is_refused(
    client: SlackClient, sandbox: SlackSandbox
) -> None:
    with pytest.raises(Refused, match="user_not_in_channel"):
        client.ephemeral(sandbox.channel_id("requests"), BO, "psst")


def test_a_message_has_an_address_while_it_is_there(client: SlackClient, releases: str, hands: Hands) -> None:
    posted = client.post(releases, "look here", op_key="k")
    assert "look here" in hands.http.get(client.permalink(releases, posted.ts)).text
    with pytest.raises(NotFound, match="message_not_found"):
        client.permalink(releases, "1700000000.000001")


def test_the_direct_conversation_with_a_person_is_always_the_same(client: SlackClient, hands: Hands) -> None:
    direct = client.direct_channel(ADA)
    assert client.direct_channel(ADA) == direct
    client.post(direct, "A reminder", op_key="k")
    assert [m["text"] for m in hands.messages("ada", direct)] == ["A reminder"]
    with pytest.raises(NotFound, match="user_not_found"):
        client.direct_channel("U0NOBODY")


def test_a_modal_opens_for_the_person_whose_trigger_it_is(
    client: SlackClient, app: App, hands: Hands, releases: str
) -> None:
    view_id = client.open_view(trigger(hands, app, releases), MODAL)
    (view,) = hands.inbox("ada")["views"]
    assert (view["id"], view["callback_id"]) == (view_id, "return")
    assert hands.inbox("bo")["views"] == []


def test_a_trigger_serves_once_and_for_three_seconds(
    client: SlackClient, app: App, hands: Hands, releases: str, clock: Clock
) -> None:
    used = trigger(hands, app, releases)
    client.open_view(used, MODAL)
    with pytest.raises(Conflict, match="exchanged_trigger_id"):
        client.open_view(used, {**MODAL, "external_id": "another"})
    late = trigger(hands, app, releases)
    clock.now += 3.1
    with pytest.raises(Conflict, match="expired_trigger_id"):
        client.open_view(late, {**MODAL, "external_id": "another"})


def test_a_second_view_of_the_same_external_id_is_a_conflict(
    client: SlackClient, app: App, hands: Hands, releases: str
) -> None:
    client.open_view(trigger(hands, app, releases), MODAL)
    with pytest.raises(Conflict, match="duplicate_external_id"):
        client.open_view(trigger(hands, app, releases), MODAL)


def test_an_open_modal_is_updated_until_it_is_closed(
    client: SlackClient, app: App, hands: Hands, releases: str
) -> None:
    view_id = client.open_view(trigger(hands, app, releases), MODAL)
    client.update_view(view_id, kit.modal("Page 2", [kit.section("more")], callback_id="pages"))
    assert hands.inbox("ada")["views"][0]["title"]["text"] == "Page 2"
    hands("ada", "close", view_id=view_id)
    with pytest.raises(NotFound, match="not_found"):
        client.update_view(view_id, MODAL)


def test_a_home_is_published_for_one_person_and_replaced(client: SlackClient, hands: Hands) -> None:
    client.publish_home(ADA, kit.home([kit.section("one")]))
    client.publish_home(ADA, kit.home([kit.section("two")]))
    assert hands.inbox("ada")["home"]["blocks"][0]["text"]["text"] == "two"
    assert hands.inbox("bo")["home"] is None


def test_a_user_is_read_by_id(client: SlackClient) -> None:
    ada = client.user(ADA)
    assert (ada.id, ada.name, ada.email, ada.is_bot) == (ADA, "Ada Example", "ada@example.test", False)
    with pytest.raises(NotFound, match="user_not_found"):
        client.user("U0NOBODY")


def test_a_user_of_another_workspace_is_not_found() -> None:
    elsewhere = Server(JSONResponse({"ok": False, "error": "user_not_visible"}))
    client = SlackClient(SlackSettings(api_url=f"{elsewhere.url}/api/"))
    with pytest.raises(NotFound, match="user_not_visible"):
        client.user(ADA)
    elsewhere.stop()


def test_a_deactivated_user_is_told_as_such_without_a_time_zone(client: SlackClient) -> None:
    gone = client.user("U0TEST004")
    assert (gone.id, gone.deleted, gone.tz, gone.email) == ("U0TEST004", True, "", "gone@example.test")
    assert (client.user(ADA).deleted, client.user(ADA).tz) == (False, "Etc/UTC")


def test_all_channels_are_listed(client: SlackClient) -> None:
    assert {(c.name, c.is_member) for c in client.channels()} == {("releases", True), ("requests", True)}


def test_a_rate_limit_is_transient_and_says_how_long(client: SlackClient, releases: str) -> None:
    for serial in range(10):
        client.post(releases, f"message {serial}", op_key=f"op-{serial}")
    with pytest.raises(Transient, match="ratelimited") as caught:
        client.post(releases, "one too many", op_key="op-10")
    assert caught.value.retry_after_s == 1
    assert len(client.history(releases)) == 10


@pytest.mark.parametrize("do", ["503", "500", "429", "drop_before", "hang"])
def test_what_was_not_executed_is_transient_and_not_there(
    sandbox: SlackSandbox, settings: SlackSettings, releases: str, clock: Clock, do: str
) -> None:
    client = SlackClient(settings.model_copy(update={"timeout_s": 1}))
    sandbox.faults.order(Fault("POST /api/chat.postMessage", do, retry_after="7" if do == "429" else ""))
    with pytest.raises(Transient) as caught:
        client.post(releases, "hello", op_key="op-1")
    assert caught.value.retry_after_s == (7 if do == "429" else None)
    assert client.find_message(releases, "op-1", since(clock)) is None


@pytest.mark.parametrize("do", ["503_after", "drop_after", "hang_after"])
def test_what_was_executed_unheard_is_sent_once_and_found(
    sandbox: SlackSandbox, settings: SlackSettings, releases: str, clock: Clock, do: str
) -> None:
    client = SlackClient(settings.model_copy(update={"timeout_s": 1}))
    sandbox.faults.order(Fault("POST /api/chat.postMessage", do))
    with pytest.raises(Transient):
        client.post(releases, "hello", op_key="op-1")
    assert client.find_message(releases, "op-1", since(clock)) is not None
    assert [message.op_key for message in client.history(releases)] == ["op-1"]


def test_nobody_at_the_address_is_transient() -> None:
    client = SlackClient(SlackSettings(api_url="http://127.0.0.1:1/api/", timeout_s=1))
    with pytest.raises(Transient, match="no answer"):
        client.auth_test()


def test_an_answer_that_is_not_slacks_is_transient() -> None:
    captive_portal = Server(PlainTextResponse("<html>Please sign in</html>"))
    client = SlackClient(SlackSettings(api_url=f"{captive_portal.url}/api/"))
    with pytest.raises(Transient, match="not Slack's"):
        client.auth_test()
    captive_portal.stop()


def test_an_address_that_is_not_slacks_is_refused(settings: SlackSettings, sandbox: SlackSandbox) -> None:
    client = SlackClient(settings.model_copy(update={"api_url": f"{sandbox.url}/elsewhere/"}))
    with pytest.raises(Refused, match="is api_url right"):
        client.auth_test()


def test_an_error_survives_pickling_and_holds_no_secret(settings: SlackSettings) -> None:
    stranger = SlackClient(settings.model_copy(update={"bot_token": SecretStr("xoxb-very-secret")}))
    with pytest.raises(Refused) as caught:
        stranger.post("C0", "text", op_key="k")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (Refused, str(caught.value))
    assert "very-secret" not in repr(vars(again)) + str(again)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_click_and_a_submitted_modal_go_all_the_way_round(
    client: SlackClient, app: App, hands: Hands, releases: str
) -> None:
    posted = client.post(releases, "Ready?", BUTTON, op_key="k")
    assert hands("ada", "press", channel_id=releases, ts=posted.ts, action_id="yes").status_code == 200
    click = app.next()
    assert isinstance(click, BlockAction)
    assert (click.user_id, click.value, click.block_id) == (ADA, "so-1", "decide")
    assert (click.channel_id, click.message_ts) == (posted.channel_id, posted.ts)
    view_id = client.open_view(click.trigger_id, MODAL)
    outcome = hands("ada", "submit", view_id=view_id, values={"reason": "It forgets the cart"}).json()
    assert outcome["view"] == "closed"
    submission = app.next()
    assert getattr(submission, "values", None) == {"reason": {"text": "It forgets the cart"}}
