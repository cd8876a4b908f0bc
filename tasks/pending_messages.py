"""What waits for somebody, as Slack says it: the answer to `/conveyor pending`, and the App Home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from integrations.errors import IntegrationError
from integrations.settings import settings
from integrations.slack import answers
from integrations.slack import blocks as b
from lifecycle.calendar import duration_text
from lifecycle.pending import Pending
from lifecycle.policy import Person, Policy
from tasks import pending, posts, signoff_messages
from tasks.context import jira, ledger, policy, slack
from tasks.posts import Content

ANSWERED = 40
"""Questions in an answer: one block each, and Slack takes 50 in a message."""

AT_HOME = 45
"""Questions in an App Home: two blocks each, and Slack takes 100 in a view."""

_TITLE_CHARS = 150
_NOTHING = "Nothing waits for you."
STRANGER = "You are not among Conveyor's people, so nothing waits for you here."


def answer(person: Person, response_url: str) -> None:
    """Tell the person, in private and where they asked, what waits for them."""
    content = list_for(pending.of_person(person.id), policy(), datetime.now(UTC))
    answers.respond(settings().slack, response_url, content.text, content.blocks)


def publish_home(user_id: str, note: str = "") -> None:
    """Show this Slack user their App Home as it is now, with `note` on top. A repeat is harmless."""
    person = policy().by_slack(user_id)
    waiting = pending.of_person(person.id) if person else None
    view = home(waiting, policy(), datetime.now(UTC), note)
    slack().publish_home(user_id, view)
    ledger().project(_shown(user_id), "published", datetime.now(UTC))


def refresh_home(user_id: str, note: str = "") -> None:
    """Publish anew the App Home of somebody who has ever opened it; whoever has not gets it when they do.

    A `note` is for somebody who is looking at it.
    """
    if note or ledger().projection(_shown(user_id)) is not None:
        publish_home(user_id, note)


def _shown(user_id: str) -> str:
    return f"home:{user_id}"


def list_for(waiting: Sequence[Pending], rules: Policy, now: datetime) -> Content:
    """The list for one person; what they decide is decided at the messages that it leads to."""
    headline = _headline(len(waiting))
    shown = waiting[:ANSWERED]
    links = _message_links(shown)
    rows = [b.section(f"*{headline}*")]
    rows += [b.section(_line(each, rules, now, links.get(_key(each), ""))) for each in shown]
    if waiting[ANSWERED:]:
        rows.append(b.context(f"… and {len(waiting) - ANSWERED} more that are due later"))
    return Content(text=headline, blocks=rows)


def home(waiting: Sequence[Pending] | None, rules: Policy, now: datetime, note: str = "") -> b.View:
    """One person's App Home, with buttons; `waiting` None for somebody who is not in the people file.

    `note` says what became of what they did last.
    """
    rows = [b.header("What waits for you")]
    if note:
        rows += [b.section(b.escape(note)), b.divider()]
    shown = (waiting or ())[:AT_HOME]
    links = _message_links(shown)
    for each in shown:
        rows += [b.section(_line(each, rules, now, links.get(_key(each), ""))), _buttons(each)]
    if waiting is None:
        rows.append(b.section(STRANGER))
    elif not waiting:
        rows.append(b.section(_NOTHING))
    elif waiting[AT_HOME:]:
        rows.append(b.context(f"… and {len(waiting) - AT_HOME} more that are due later"))
    rows.append(b.context(f"as of {_when(now)}"))
    return b.home(rows, callback_id="home")


def _headline(count: int) -> str:
    if not count:
        return _NOTHING
    return "1 sign-off waits for you" if count == 1 else f"{count} sign-offs wait for you"


def _line(each: Pending, rules: Policy, now: datetime, message: str) -> str:
    project = next((p for p in rules.projects if p.id == each.project), None)
    about = b.escape(each.title)
    if each.issue:
        title = b.cut(each.issue_title, _TITLE_CHARS) or "in Jira"
        about += f" of *{each.issue}* {b.link(jira().browse_url(each.issue), title)}"
    name = b.escape(project.name if project else each.project)
    details = [f"due {_when(each.due)}"]
    if each.is_late(now):
        details.append(f"⏰ *late by {duration_text(each.late(now))}*")
    if project:
        details.append(b.link(project.staging_url, "staging"))
    if message:
        details.append(b.link(message, "message"))
    return f"*{name} {each.version}*: {about}\n`{each.tag}` · {' · '.join(details)}"


def _buttons(each: Pending) -> b.Block:
    """The same as under the release's own message, so that they do the same."""
    return b.actions(
        b.button("Approve", "signoff.approve", each.request, style="primary"),
        b.button("Return for rework", "signoff.return", each.request, style="danger"),
        block_id=f"ask-{each.request}",
    )


def _when(at: datetime) -> str:
    """A time as each reader's own clock shows it."""
    stamp = int(at.timestamp())
    return f"<!date^{stamp}^{{date_short_pretty}} {{time}}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def _key(each: Pending) -> str:
    return signoff_messages.ask_key(each.stream, each.step, each.number)


def _message_links(shown: Sequence[Pending]) -> dict[str, str]:
    """Where the messages stand that ask; those that Slack does not name now are left out."""
    links: dict[str, str] = {}
    for key in dict.fromkeys(map(_key, shown)):
        where = posts.posted(key)
        if where is None:
            continue
        try:
            links[key] = _permalink(where.channel_id, where.ts)
        except IntegrationError:
            break  # a list without links now is better than the whole list later
    return links


@lru_cache(maxsize=10_000)
def _permalink(channel_id: str, ts: str) -> str:
    return slack().permalink(channel_id, ts)
