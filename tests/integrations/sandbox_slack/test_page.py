"""The page: what it shows to whom, and that nothing written in a message becomes markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.slack.mrkdwn import plain_to_html, to_html
from integrations.slack import blocks as kit
from integrations.slack.client import SlackClient
from tests.integrations.slack.world import App, Hands

NAMES = {"U1": "Ada <Example>", "C1": "releases"}


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        (
            "*bold* _slanted_ ~gone~ `code`",
            "<strong>bold</strong> <em>slanted</em> <s>gone</s> <code>code</code>",
        ),
        ("2 * 3 * 4, a_b_c", "2 * 3 * 4, a_b_c"),
        ("`*not bold*`", "<code>*not bold*</code>"),
        ("```a\n*b*```", "<pre>a\n*b*</pre>"),
        ("one\ntwo", "one<br>two"),
        ("> said\n> so\nend", "<blockquote>said<br>so</blockquote>end"),
        ("&gt; said", "<blockquote>said</blockquote>"),
        ("• one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        (
            "<@U1> in <#C1>",
            '<span class="mention">@Ada &lt;Example&gt;</span> in <span class="mention">#releases</span>',
        ),
        ("<!here>", '<span class="mention">@here</span>'),
        (
            "<https://example.test/?a=1&amp;b=2|the *site*>",
            '<a href="https://example.test/?a=1&amp;b=2" target="_blank"'
            ' rel="noreferrer noopener">the *site*</a>',
        ),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("fish &amp; chips &lt;b&gt;", "fish &amp; chips &lt;b&gt;"),
        (":rocket: :nothing:", '<span class="emoji info" title="rocket">➤</span> :nothing:'),
        ("✅", '<span class="emoji ok" title="✅">✔</span>'),
    ],
)
def test_mrkdwn_is_shown_as_slack_shows_it(text: str, markup: str) -> None:
    assert to_html(text, NAMES) == markup


@given(st.text(st.sampled_from("<>&\"'`*_~|@!:\n\x00x01 ")))
def test_no_text_breaks_out_of_its_markup(text: str) -> None:
    for shown in (to_html(text, NAMES), plain_to_html(text)):
        for tag in ("strong", "em", "s", "code", "pre", "span", "ul", "li", "blockquote"):
            assert shown.count(f"<{tag}>") + shown.count(f"<{tag} ") == shown.count(f"</{tag}>")
        assert "\x00" not in shown
        assert "<x" not in shown


def test_a_message_is_shown_with_its_blocks_buttons_and_thread(
    client: SlackClient, hands: Hands, releases: str
) -> None:
    blocks = [
        kit.header("Shop 1.4.0"),
        kit.section("*QA* waits for <@U0TEST003>", fields=["*Commit*"]),
        kit.actions(
            kit.button(
                "Approve", "approve", "so-1", style="primary", confirm=kit.confirm("Sign?", "x", "Sign", "No")
            )
        ),
    ]
    posted = client.post(releases, "Shop 1.4.0", blocks, op_key="k")
    client.post(releases, "A reply", op_key="k2", thread_ts=posted.ts)
    client.ephemeral(releases, "U0TEST002", "You cannot sign.")
    page = hands.http.get("/", params={"as": "ada", "channel": "releases"}).text
    for part in (
        "<h3>Shop 1.4.0</h3>",
        "<strong>QA</strong>",
        "@Bo Example</span>",
        'data-action="approve"',
        'class="button primary"',
        "Sign?",
        "1 reply",
        "Only visible to you",
    ):
        assert part in page
    other = hands.http.get("/", params={"as": "bo", "channel": "releases"}).text
    assert "Only visible to you" not in other


def test_a_modal_lies_over_the_page_of_the_one_it_is_for(
    client: SlackClient, app: App, hands: Hands, releases: str
) -> None:
    hands("ada", "command", channel_id=releases, command="/request", text="")
    inputs = [
        kit.input_block("reason", "Reason", kit.text_input("a", multiline=True)),
        kit.input_block("one", "One", kit.select("b", [kit.option("Later", "later")]), optional=True),
        kit.input_block("many", "Many", kit.checkboxes("c", [kit.option("Mail", "mail")]), optional=True),
    ]
    trigger_id = getattr(app.next(), "trigger_id", "")
    client.open_view(trigger_id, kit.modal("Return", inputs, callback_id="c", submit="Send"))
    shown = hands.http.get("/fragment", params={"as": "ada"}).json()["modal"]
    for part in ("<h2>Return</h2>", 'name="reason"', '<option value="later"', 'type="checkbox"', ">Send<"):
        assert part in shown
    assert hands.http.get("/fragment", params={"as": "bo"}).json()["modal"].strip() == ""


def test_what_people_write_is_text_on_the_page(hands: Hands, releases: str) -> None:
    hands("ada", "say", channel_id=releases, text="<script>alert(1)</script>")
    page = hands.http.get("/", params={"as": "ada", "channel": "releases"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_home_and_the_direct_messages_have_their_places(client: SlackClient, hands: Hands) -> None:
    client.publish_home("U0TEST002", kit.home([kit.section("Nothing waits for you.")]))
    direct = client.direct_channel("U0TEST002")
    client.post(direct, "A reminder", op_key="k")
    home = hands.http.get("/", params={"as": "ada", "channel": "home"}).text
    assert "Nothing waits for you." in home
    assert "Direct messages" in home
    assert "A reminder" in hands.http.get("/", params={"as": "ada", "channel": direct}).text


def test_a_stranger_has_no_page(hands: Hands) -> None:
    for path in ("/", "/fragment"):
        assert hands.http.get(path, params={"as": "mallory"}).status_code == 404
    assert hands.http.get("/").status_code == 200


def test_the_page_learns_that_something_changed(hands: Hands, releases: str) -> None:
    before = hands.http.get("/changes").json()["revision"]
    hands("ada", "say", channel_id=releases, text="hello")
    assert hands.http.get("/changes").json()["revision"] > before
    assert hands.http.get("/static/page.js").status_code == 200


def test_a_message_offers_the_shortcut_and_a_private_answer_does_not(
    client: SlackClient, hands: Hands, releases: str
) -> None:
    ts = hands("ada", "say", channel_id=releases, text="The cart forgets").json()["ts"]
    client.ephemeral(releases, "U0TEST002", "You cannot sign.")
    page = hands.http.get("/", params={"as": "ada", "channel": "releases"}).text
    offered = f'data-shortcut="request.from_message" data-channel="{releases}" data-ts="{ts}"'
    assert page.count(offered) == page.count("data-shortcut=") == 1
    assert hands("ada", "shortcut", callback_id="other", channel_id=releases, ts=ts).status_code == 404
