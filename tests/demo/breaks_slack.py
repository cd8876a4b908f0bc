"""What can be wrong in Slack."""

from __future__ import annotations

from deployments.demo.checks.on_ledger import REFUSED
from integrations.sandbox.slack.state import Channel, Message
from tests.demo.breaking import Act, breaks, named
from tests.demo.ending import AGAIN, GIFT, LIVE, REHEARSED, ROLLED_BACK, SEARCH, asked, roll_back_button
from tests.demo.world import NAMES, PEOPLE, TITLES, World

SIGN_OFFS = {
    "qa.rc-2": "QA: Shop 1.4.0-rc.2",
    "qa.rc-3": "QA: Shop 1.4.0-rc.3",
    "manager": "Manager's check of staging: Shop 1.4.0-rc.3",
    "client": "The client's consent: Shop 1.4.0-rc.3",
    "management": "Management's approval: Shop 1.4.0-rc.3",
    "qa.hotfix": "QA: Shop 1.4.1-rc.1",
    "management.hotfix": "Management's approval: Shop 1.4.1-rc.1",
}
NEWS = {
    "taken-out": "Scope of Shop 1.4.0 changed",
    "locked": "Shop: production is locked",
    "unfrozen": "Shop 1.4.1 (hotfix) may go out in a freeze",
    "live.1.4.0": "Shop 1.4.0 is live",
    "rolled-back": ROLLED_BACK,
    "live.1.4.1": LIVE,
    "healthy": "Shop 1.4.1 (hotfix): the watch ended healthy",
    "card.1.4.0": "Shop 1.4.0: Superseded",
    "card.1.4.1": "Shop 1.4.1 (hotfix): Closed",
}


def _find(world: World, text: str) -> tuple[Channel, Message]:
    for channel in world.slack._workspace.channels.values():
        for message in channel.messages:
            if message.text.startswith(text):
                return channel, message
    raise LookupError(text)


def _delete(world: World, text: str) -> None:
    channel, message = _find(world, text)
    channel.messages.remove(message)


def _edit(world: World, title: str, *sections: str) -> None:
    channel, message = _find(world, title)
    said = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    if not any(each.startswith(REHEARSED) for each in sections):
        sections = (*(each for each in said if each.startswith(REHEARSED)), *sections)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": said}} for said in sections]
    body = {"channel": channel.id, "ts": message.ts, "text": message.text, "blocks": blocks}
    world.on_slack("chat.update", body)


def _unsigned(title: str) -> Act:
    def act(world: World) -> None:
        kept = f"✅ signed by {NAMES['quinn']} as qa, its files are unchanged"
        _edit(world, title, asked(GIFT, kept), asked(SEARCH, "⏳ waiting for 1 qa"))

    return named(act, f"not_all_names_stand_on: {title}")


def _asked_again(title: str) -> Act:
    def act(world: World) -> None:
        world.post("releases", title, asked("", "✅ signed by somebody"), op="another")

    return named(act, f"asked_twice: {title}")


for _name, _title in SIGN_OFFS.items():
    breaks(f"slack.sign-off.{_name}")(_unsigned(_title))
    breaks(f"slack.sign-off.{_name}", "slack.sign-off.no-other")(_asked_again(_title))


@breaks("slack.sign-off.no-other")
def a_sign_off_of_no_candidate_was_asked_for(world: World) -> None:
    world.post("releases", "QA: Shop 1.4.0-rc.4", "?")


def _untimed(tag: str) -> Act:
    def act(world: World) -> None:
        _, message = _find(world, f"QA: Shop {tag}")
        kept = [block["text"]["text"] for block in message.blocks if REHEARSED not in str(block)]
        _edit(world, message.text, f"{REHEARSED}back to `1.3.0` in 99.9 s, forward in 99.9 s.", *kept)

    return named(act, f"the_rehearsal_of_{tag}_took_another_time_than_on_gitlab")


for _tag in ("1.4.0-rc.3", "1.4.1-rc.1"):
    breaks(f"slack.rehearsed.{_tag}")(_untimed(_tag))


@breaks("slack.rejected")
def the_rejection_does_not_lead_to_its_evidence(world: World) -> None:
    _edit(world, "1.4.0-rc.1 was rejected", f"• {REFUSED}")


@breaks("slack.rejected")
def the_rejection_was_told_twice(world: World) -> None:
    world.post("releases", "1.4.0-rc.1 was rejected", op="another")


@breaks("slack.roll-back-button")
def the_button_tells_another_time_than_the_rollback_took(world: World) -> None:
    _, message = _find(world, LIVE)
    message.blocks = [*message.blocks[:-1], {"type": "actions", "elements": [roll_back_button(world, 77.7)]}]


@breaks("slack.roll-back-button")
def what_is_live_cannot_be_rolled_back_by_button(world: World) -> None:
    _edit(world, LIVE, LIVE)


def _rc_2(world: World, gift: str, search: str) -> None:
    quinn = f"✅ signed by {NAMES['quinn']} as qa"
    _edit(world, SIGN_OFFS["qa.rc-3"], asked(GIFT, quinn + gift), asked(SEARCH, quinn + search))


@breaks("slack.sign-off.kept")
def the_untouched_issue_s_sign_off_was_not_kept(world: World) -> None:
    _rc_2(world, "", "")


@breaks("slack.sign-off.kept")
def the_reworked_issue_s_sign_off_was_kept(world: World) -> None:
    kept = ", kept from `12345678`: its files are unchanged"
    _rc_2(world, kept, kept)


@breaks("slack.author-refused")
def the_author_was_not_refused(world: World) -> None:
    _delete(world, "Not signed: you wrote")


@breaks("slack.author-refused")
def the_author_was_refused_in_public(world: World) -> None:
    _delete(world, "Not signed: you wrote")
    world.post("releases", "Not signed: you wrote part of candidate 3")


@breaks("slack.author-refused")
def somebody_else_was_refused_too(world: World) -> None:
    refusal = {"channel": world.slack.channel_id("releases"), "user": PEOPLE["emil"].slack_id}
    world.on_slack("chat.postEphemeral", {**refusal, "text": "Not signed: you wrote part of candidate 3"})


def _untold(text: str) -> Act:
    def act(world: World) -> None:
        _delete(world, text)

    return named(act, f"not_told: {text}")


def _told_twice(text: str) -> Act:
    def act(world: World) -> None:
        world.post("releases", text, text, op="another")

    return named(act, f"told_twice: {text}")


for _name, _text in NEWS.items():
    _button = ("slack.roll-back-button",) if _text == LIVE else ()
    breaks(f"slack.{_name}", *_button)(_untold(_text))
    breaks(f"slack.{_name}")(_told_twice(_text))


@breaks("slack.closed", "slack.answers")
def the_closing_was_not_told(world: World) -> None:
    _delete(world, "Shop 1.4.1 (hotfix) is closed")


@breaks("slack.answers")
def an_answer_is_missing(world: World) -> None:
    _edit(world, "Shop 1.4.1 (hotfix) is closed", f"✅ *closed*\n• {GIFT}: solved\n• {SEARCH}: partly")


@breaks("slack.answers")
def an_answer_is_another(world: World) -> None:
    told = f"✅ *closed*\n• {GIFT}: solved\n• {GIFT}: not\n• {SEARCH}: partly"
    _edit(world, "Shop 1.4.1 (hotfix) is closed", told)


@breaks("slack.review")
def the_review_s_message_does_not_show_its_closing(world: World) -> None:
    _edit(world, "Weekly review", "4 open requests")


@breaks("slack.review")
def there_are_two_messages_of_the_review(world: World) -> None:
    closed = f"🏁 closed by {NAMES['olli']}: release 1.4.0 starts"
    world.post("planning", "Weekly review 2026-W01: Shop 1.4.0", closed, op="another", edited=True)


@breaks("slack.merged")
def the_duplicate_s_message_does_not_show_the_merge(world: World) -> None:
    _edit(world, f"New request {AGAIN}", "a new request")


@breaks("slack.client-link")
def the_client_s_link_stands_in_the_channel(world: World) -> None:
    world.post("releases", "A link", "<http://gateway.test/decide/abc|here>")


@breaks("slack.client-link")
def the_client_s_link_went_to_somebody_else(world: World) -> None:
    _delete(world, "A link for Clara")
    world.post(
        "emil", "A link for Clara (client)", "Clara (client) decides: <http://gateway.test/decide/abc|here>"
    )


def _unasked(slug: str, name: str) -> Act:
    def act(world: World) -> None:
        _delete(world, f"Did {TITLES[name]} help?")

    return named(act, f"{slug}_was_not_asked")


def _asked_twice(slug: str, name: str) -> Act:
    def act(world: World) -> None:
        world.post(slug, f"Did {TITLES[name]} help?", "Did it?", op="another")

    return named(act, f"{slug}_was_asked_twice")


for _slug, _name in (("gerd", "gift"), ("dora", "search")):
    breaks(f"slack.feedback.{_slug}")(_unasked(_slug, _name))
    breaks(f"slack.feedback.{_slug}")(_asked_twice(_slug, _name))


@breaks("slack.nothing-twice")
def a_message_stands_twice(world: World) -> None:
    for _ in range(2):
        world.post("planning", "the same again")
