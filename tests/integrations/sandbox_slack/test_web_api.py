"""What the sandbox's Web API takes, refuses and limits, without our client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.slack import Rates, SlackAppSeed, SlackSandbox
from tests.integrations.slack.world import BOT_TOKEN, CHANNELS, PEOPLE, SECRET, Clock, Hands

Api = Callable[..., dict[str, Any]]
BOT = {"Authorization": f"Bearer {BOT_TOKEN}"}


@pytest.fixture
def api(hands: Hands) -> Api:
    """Calls a method with JSON as the bot; the answer's body."""

    def call(method: str, **arguments: Any) -> dict[str, Any]:
        return hands.http.post(f"/api/{method}", json=arguments, headers=BOT).json()

    return call


def test_an_unknown_method_is_named(api: Api) -> None:
    assert api("chat.postPoem") == {"ok": False, "error": "unknown_method", "req_method": "chat.postPoem"}


@pytest.mark.parametrize(
    ("headers", "form", "error"),
    [
        ({}, {}, "not_authed"),
        ({"Authorization": "Bearer xoxb-other"}, {}, "invalid_auth"),
        ({"Authorization": "Bearer token-gone"}, {}, "account_inactive"),
        ({}, {"token": "xoxb-other"}, "invalid_auth"),
    ],
)
def test_who_shows_no_good_token_is_refused(
    hands: Hands, headers: dict[str, str], form: dict[str, str], error: str
) -> None:
    answer = hands.http.post("/api/auth.test", data=form, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


def test_broken_json_is_refused(hands: Hands) -> None:
    headers = BOT | {"Content-Type": "application/json"}
    answers = [hands.http.post("/api/api.test", content=body, headers=headers).json() for body in ("{", "[]")]
    assert [answer["error"] for answer in answers] == ["invalid_json", "json_not_object"]


def test_a_form_with_json_inside_is_the_same_as_json(hands: Hands, releases: str, api: Api) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
    metadata = {"event_type": "e", "event_payload": {"k": "v"}}
    arguments = {"channel": releases, "text": "hello"}
    form = arguments | {"blocks": json.dumps(blocks), "metadata": json.dumps(metadata), "token": BOT_TOKEN}
    first = hands.http.post("/api/chat.postMessage", data=form).json()["message"]
    second = api("chat.postMessage", **arguments, blocks=blocks, metadata=metadata)["message"]
    for message in (first, second):
        del message["ts"], message["blocks"][0]["block_id"]
    assert first == second
    assert first["metadata"] == metadata


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "/blocks/0/text"),
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, "/blocks/0/text/text"),
        ({"type": "section"}, "/blocks/0"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "/blocks/0/text/text"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "/blocks/0/text/text"),
        ({"type": "context", "elements": []}, "/blocks/0/elements"),
        ({"type": "actions", "elements": []}, "/blocks/0/elements"),
        ({"type": "actions", "elements": [{"type": "lever"}]}, "/blocks/0/elements/0/type"),
        (
            {
                "type": "actions",
                "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}],
            },
            "/blocks/0/elements/0/text/text",
        ),
        ({"type": "divider", "block_id": "x" * 256}, "/blocks/0/block_id"),
        ("text", "/blocks/0"),
    ],
)
def test_a_block_that_slack_refuses_is_refused_with_its_place(
    api: Api, releases: str, block: object, place: str
) -> None:
    answer = api("chat.postMessage", channel=releases, text="x", blocks=[block])
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"][0].endswith(f"[json-pointer:{place}]")


def test_blocks_have_ids_of_their_own(api: Api, releases: str) -> None:
    twice = [{"type": "divider", "block_id": "same"}] * 2
    assert api("chat.postMessage", channel=releases, text="x", blocks=twice)["error"] == "invalid_blocks"
    blocks = api("chat.postMessage", channel=releases, text="x", blocks=[{"type": "divider"}] * 50)
    assert len({block["block_id"] for block in blocks["message"]["blocks"]}) == 50
    fifty_one = [{"type": "divider"}] * 51
    assert api("chat.postMessage", channel=releases, text="x", blocks=fifty_one)["error"] == "invalid_blocks"


@pytest.mark.parametrize("ts", ["1800000000.0000010", "1800000000", "1800000000.1", ""])
def test_a_ts_that_lost_a_digit_finds_nothing(api: Api, releases: str, ts: str) -> None:
    answer = api("chat.update", channel=releases, ts=ts, text="x")
    assert answer["error"] in ("message_not_found", "invalid_arguments")


def test_a_ts_is_never_a_number(api: Api, releases: str) -> None:
    ts = api("chat.postMessage", channel=releases, text="x")["ts"]
    assert api("chat.update", channel=releases, ts=float(ts), text="y")["error"] == "invalid_arguments"
    assert api("chat.update", channel=releases, ts=ts, text="y")["ok"]


def test_every_ts_is_another_and_later(api: Api, releases: str) -> None:
    stamps = [api("chat.postMessage", channel=releases, text="x")["ts"] for _ in range(5)]
    assert stamps == sorted(set(stamps))


def test_channels_go_by_name_only_where_slack_takes_names(api: Api, releases: str) -> None:
    posted = api("chat.postMessage", channel="#releases", text="x")
    assert posted["channel"] == releases
    assert api("chat.update", channel="releases", ts=posted["ts"], text="y")["error"] == "channel_not_found"
    assert api("conversations.history", channel="releases")["error"] == "channel_not_found"


def test_a_persons_id_is_the_conversation_with_them(api: Api) -> None:
    posted = api("chat.postMessage", channel="U0TEST002", text="x")
    assert posted["channel"] == api("conversations.open", users="U0TEST002")["channel"]["id"]


def test_the_history_pages_newest_first_and_shows_metadata_when_asked(api: Api, releases: str) -> None:
    metadata = {"event_type": "e", "event_payload": {"k": "v"}}
    for text in "abc":
        api("chat.postMessage", channel=releases, text=text, metadata=metadata)
    page = api("conversations.history", channel=releases, limit=2)
    assert [(m["text"], "metadata" in m) for m in page["messages"]] == [("c", False), ("b", False)]
    assert page["has_more"]
    cursor = page["response_metadata"]["next_cursor"]
    rest = api("conversations.history", channel=releases, limit=2, cursor=cursor, include_all_metadata=True)
    assert [(m["text"], m["metadata"]) for m in rest["messages"]] == [("a", metadata)]
    assert rest["response_metadata"]["next_cursor"] == ""
    assert api("conversations.history", channel=releases, cursor="x")["error"] == "invalid_cursor"


def test_the_history_is_bounded_by_oldest_and_latest(api: Api, releases: str, clock: Clock) -> None:
    stamps: list[str] = []
    for text in "abc":
        stamps.append(api("chat.postMessage", channel=releases, text=text)["ts"])
        clock.now += 10

    def seen(**bounds: Any) -> str:
        found = api("conversations.history", channel=releases, **bounds)["messages"]
        return "".join(message["text"] for message in found)

    assert seen(oldest=stamps[1]) == "c"
    assert seen(oldest=stamps[1], inclusive=True) == "cb"
    assert seen(latest=stamps[1]) == "a"
    assert api("conversations.history", channel=releases, oldest="soon")["error"] == "invalid_ts_oldest"


def test_a_thread_counts_its_replies_and_a_broadcast_is_in_the_channel_too(api: Api, releases: str) -> None:
    parent = api("chat.postMessage", channel=releases, text="parent")["ts"]
    reply = api("chat.postMessage", channel=releases, text="one", thread_ts=parent)["ts"]
    api("chat.postMessage", channel=releases, text="two", thread_ts=reply, reply_broadcast=True)
    messages = api("conversations.history", channel=releases)["messages"]
    assert [(m["text"], m.get("subtype"), m.get("reply_count")) for m in messages] == [
        ("two", "thread_broadcast", None),
        ("parent", None, 2),
    ]
    replies = api("conversations.replies", channel=releases, ts=parent)["messages"]
    assert [(m["text"], m["thread_ts"]) for m in replies] == [(t, parent) for t in ("parent", "one", "two")]


def test_metadata_stays_over_an_update_that_does_not_name_it(api: Api, releases: str) -> None:
    metadata = {"event_type": "e", "event_payload": {"k": "v"}}
    ts = api("chat.postMessage", channel=releases, text="x", metadata=metadata)["ts"]
    assert api("chat.update", channel=releases, ts=ts, text="y")["message"]["metadata"] == metadata
    gone = api("chat.update", channel=releases, ts=ts, text="y", metadata={})
    assert "metadata" not in gone["message"]
    bad = api("chat.update", channel=releases, ts=ts, text="y", metadata={"event_type": "e"})
    assert bad["error"] == "invalid_metadata_schema"


def test_a_deleted_message_is_gone(api: Api, releases: str, hands: Hands) -> None:
    ts = api("chat.postMessage", channel=releases, text="x")["ts"]
    assert api("chat.delete", channel=releases, ts=ts)["ok"]
    assert hands.messages("ada", releases) == []
    assert api("chat.delete", channel=releases, ts=ts)["error"] == "message_not_found"


def test_a_permalink_leads_to_the_page(api: Api, releases: str, hands: Hands) -> None:
    ts = api("chat.postMessage", channel=releases, text="look here")["ts"]
    link = api("chat.getPermalink", channel=releases, message_ts=ts)["permalink"]
    assert f'id="m{ts}"' in hands.http.get(link).text


def test_reactions_are_one_a_person(api: Api, releases: str) -> None:
    ts = api("chat.postMessage", channel=releases, text="x")["ts"]
    asked = {"channel": releases, "timestamp": ts}
    assert api("reactions.add", **asked, name="eyes")["ok"]
    assert api("reactions.add", **asked, name="eyes")["error"] == "already_reacted"
    message = api("reactions.get", **asked)["message"]
    assert message["reactions"] == [{"name": "eyes", "users": ["U0TEST001"], "count": 1}]
    assert api("reactions.remove", **asked, name="eyes")["ok"]
    assert api("reactions.remove", **asked, name="eyes")["error"] == "no_reaction"


def test_people_are_listed_in_pages_and_found_by_address(api: Api) -> None:
    page = api("users.list", limit=2)
    rest = api("users.list", limit=2, cursor=page["response_metadata"]["next_cursor"])
    assert [user["name"] for user in page["members"] + rest["members"]] == ["bot", "ada", "bo", "gone"]
    assert api("users.lookupByEmail", email="ADA@example.test")["user"]["id"] == "U0TEST002"
    for email in ("nobody@example.test", "gone@example.test"):
        assert api("users.lookupByEmail", email=email)["error"] == "users_not_found"
    assert api("users.profile.get", user="U0TEST003")["profile"]["real_name"] == "Bo Example"


def test_a_free_plan_has_no_user_groups_and_a_paid_one_tells_who_is_in_them(api: Api, hands: Hands) -> None:
    assert api("usergroups.users.list", usergroup="S1")["error"] == "plan_upgrade_required"
    assert api("usergroups.list")["usergroups"] == []
    made = hands("ada", "group", handle="qa", members=["bo"]).json()["group_id"]
    assert api("usergroups.users.list", usergroup=made)["users"] == ["U0TEST003"]
    assert api("usergroups.users.list", usergroup="S1")["error"] == "no_such_subteam"
    [group] = api("usergroups.list", include_users=True)["usergroups"]
    assert (group["id"], group["handle"], group["users"], group["user_count"]) == (
        made,
        "qa",
        ["U0TEST003"],
        1,
    )


def test_the_members_of_a_channel_and_joining_it(hands: Hands, sandbox: SlackSandbox, api: Api) -> None:
    requests = sandbox.channel_id("requests")
    assert api("conversations.members", channel=requests)["members"] == ["U0TEST002", "U0TEST001"]
    bo = {"Authorization": "Bearer token-bo"}
    hidden = hands.http.post("/api/conversations.history", json={"channel": requests}, headers=bo).json()
    assert hidden["error"] == "not_in_channel"
    joined = hands.http.post("/api/conversations.join", json={"channel": requests}, headers=bo).json()
    assert joined["channel"]["is_member"]
    assert api("conversations.info", channel=requests)["channel"]["num_members"] == 3


@pytest.mark.parametrize(
    ("view", "place"),
    [
        ({"type": "drawer"}, "/view/type"),
        ({"type": "modal", "blocks": []}, "/view/title"),
        (
            {"type": "modal", "title": {"type": "plain_text", "text": "x" * 25}, "blocks": []},
            "/view/title/text",
        ),
        (
            {
                "type": "modal",
                "title": {"type": "plain_text", "text": "x"},
                "blocks": [],
                "private_metadata": "x" * 3001,
            },
            "/view/private_metadata",
        ),
    ],
)
def test_a_view_that_slack_refuses_is_refused_before_the_trigger_is_used(
    api: Api, view: dict[str, Any], place: str
) -> None:
    answer = api("views.open", trigger_id="any", view=view)
    assert answer["error"] == "invalid_arguments"
    assert place in answer["errors"][0]


def test_past_the_burst_a_channel_takes_one_message_a_second(api: Api, sandbox: SlackSandbox) -> None:
    releases, requests = sandbox.channel_id("releases"), sandbox.channel_id("requests")
    answers = [api("chat.postMessage", channel=releases, text="x") for _ in range(11)]
    assert [answer["ok"] for answer in answers] == [True] * 10 + [False]
    assert api("chat.postMessage", channel=requests, text="x")["ok"]


def test_a_429_says_in_whole_seconds_when_to_come_back(
    api: Api, hands: Hands, releases: str, clock: Clock
) -> None:
    for _ in range(10):
        api("chat.postMessage", channel=releases, text="x")
    limited = hands.http.post("/api/chat.postMessage", json={"channel": releases, "text": "x"}, headers=BOT)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    clock.now += 1
    assert api("chat.postMessage", channel=releases, text="x")["ok"]


def strict(clock: Clock, **switches: Any) -> SlackSandbox:
    return SlackSandbox(PEOPLE, CHANNELS, SlackAppSeed(BOT_TOKEN, SECRET), clock=clock, **switches)


def test_each_method_has_the_rate_of_its_tier(clock: Clock) -> None:
    sandbox = strict(clock, rates=Rates(tier_burst=1.0))
    statuses = [
        httpx.post(f"{sandbox.api_url}users.list", headers=BOT, **LOOPBACK).status_code for _ in range(21)
    ]
    other = httpx.post(f"{sandbox.api_url}auth.test", headers=BOT, **LOOPBACK)
    sandbox.stop()
    assert statuses == [200] * 20 + [429]
    assert other.status_code == 200


def test_without_limits_nothing_is_refused(clock: Clock) -> None:
    sandbox = strict(clock, limits=False)
    body = {"channel": sandbox.channel_id("releases"), "text": "x"}
    with httpx.Client(base_url=sandbox.api_url, headers=BOT, **LOOPBACK) as http:
        answers = [http.post("chat.postMessage", json=body).json()["ok"] for _ in range(30)]
    sandbox.stop()
    assert answers == [True] * 30
