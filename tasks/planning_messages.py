"""What planning says in Slack: rendered from the ledger's state, decides nothing.

One message per request and one per review. They are posted once, edited in place, never repeated; a button
carries an opaque id only, or the key that its own message names. `tasks.review_decisions` says which button
does what.
"""

from __future__ import annotations

from integrations import links
from integrations.errors import Refused
from integrations.links import Link
from integrations.slack import blocks as b
from lifecycle import backlog, merging, requests, review
from lifecycle.policy import Policy
from lifecycle.requests import AlikeFound, Ask, Door
from lifecycle.review import Proposed, Review
from tasks import needing, posts, release_messages, review_messages, value_lines
from tasks.backlog import own_requests, project_of, request_of, state_of
from tasks.context import jira, ledger, policy
from tasks.posts import Content

VOTERS_NAMED = 10

CUT = f"\nIts text is too long for Jira: it has the first {requests.TEXT_LENGTH:,} characters."

MINE_TOO = "request.mine_too"
PARTS, WORK_ORDER = "request.parts", "request.order"
ALSO = "Earlier requests that read alike. Is one of them yours too? Then yours joins it:"


def message_key(stream: str) -> str:
    """The key of the one message of this request or review."""
    return f"{stream}:message"


def refresh(stream: str) -> bool:
    """Make the message of this request or review say what the ledger says; True if it was edited.

    Harmless at any time: a message that was not posted yet, or says it already, is left alone.

    Raises:
        IntegrationError: Slack did not take it; the walk of the review, or the next intake, mends it.
    """
    kind, _, name = stream.partition(":")
    if kind == "review":
        folded = review.fold(review.parse(event.data) for event in ledger().events(stream))
        return folded.proposed is not None and posts.edit_if_changed(
            message_key(stream), review_content(folded, policy(), stream)
        )
    return kind == "request" and posts.edit_if_changed(message_key(stream), request_content(name))


def refresh_all(stream: str) -> None:
    """`refresh`; of a request also the message of the review that shows it among its duplicates."""
    refresh(stream)
    kind, _, key = stream.partition(":")
    if kind == "request":
        reviews = ledger().subjects(review.stream(project_of(key).id, ""))
        for newest in reviews[-1:]:
            refresh(newest)


def request_content(key: str) -> Content:
    """One request: who asks, what it is like, and what became of that."""
    state = state_of(project_of(key).id)
    own = request_of(key)
    title = own.received[0].title if own.received else key
    asked = backlog.requesters(key, state, own_requests(key, state))
    names = ", ".join(b.escape(who.name or "somebody") for who in asked) or "somebody"
    source = own.received[0].source.value if own.received else "unknown"
    standing = state.standing.get(key)
    too = None if standing or not own.received else b.button("Mine too", MINE_TOO, key)
    rows = [
        b.section(f"📥 *{b.link(jira().browse_url(key), key)}* {b.escape(title)}", accessory=too),
        b.context(f"{source} · asked for by {names}", *_votes(key, state)),
    ]
    if standing:
        who = b.escape(standing.name) or _name(policy(), standing.person)
        rows.append(
            b.section(
                f"🔗 merged into *{b.link(jira().browse_url(standing.into), standing.into)}* by {who}",
                accessory=b.button("Take back", "request.unmerge", standing.alike or key),
            )
        )
    elif own.alike:
        rows.append(b.context("Earlier requests that read alike:"))
        rows += [_alike(found, state) for found in own.alike]
    if why := state.refused.get(key):
        rows.append(b.context(f"⚠️ {b.escape(why)}"))
    if duplicates := merging.duplicates_of(state.merges, key):
        rows.append(b.context(f"merged into this one: {', '.join(duplicates)}"))
    rows += value_lines.on_record(own, lambda person_id: _name(policy(), person_id))
    if not standing:
        buttons = (("Values", "request.values"), ("Parts", PARTS), ("Work order", WORK_ORDER))
        rows.append(b.actions(*(b.button(label, act, key) for label, act in buttons), block_id="values"))
    return Content(text=b.cut(f"New request {key}: {b.escape(title)}", 300), blocks=b.fit(rows))


def _votes(key: str, state: backlog.Backlog) -> list[str]:
    voted = backlog.voters(key, state, own_requests(key, state))
    names = ", ".join(b.escape(who.called) for who in voted[:VOTERS_NAMED])
    more = f" and {len(voted) - VOTERS_NAMED} more" if voted[VOTERS_NAMED:] else ""
    return [f"👍 {len(voted)}: {names}{more}"] if voted else []


def _alike(found: AlikeFound, state: backlog.Backlog) -> b.Block:
    into = merging.original_of(state.merges, found.other)
    return b.section(
        f"• *{b.link(jira().browse_url(found.other), found.other)}* {b.escape(found.title)}"
        f" · {found.score:.0%} alike",
        accessory=b.button(f"Merge into {into}", "request.merge", found.request),
    )


def review_content(state: Review, rules: Policy, stream: str) -> Content:
    """The review at a glance: the agenda and the plan line by line, what is missing, and how it ended."""
    about = reviewing(state, rules, stream)
    if about is None:
        return Content(text="Weekly review")
    tail = _ending(state, rules, about.proposed, stream)
    return Content(text=about.title, blocks=review_messages.message(about, tail))


def reviewing(state: Review, rules: Policy, stream: str) -> review_messages.Reviewing | None:
    """The review as it is shown; None before anything was proposed."""
    if state.proposed is None:
        return None
    _, project, week = stream.split(":", 2)
    title = f"Weekly review {week}: {rules.project(project).name} {state.plan.version}"
    merged = state_of(project).merges.originals
    return review_messages.Reviewing(
        state, state.proposed, rules, title, merged, jira().browse_url, needing.obstacles(state.plan)
    )


def _ending(state: Review, rules: Policy, proposed: Proposed, stream: str) -> list[b.Block]:
    if state.written and state.closed:
        what = f"release {state.written.version} starts" if state.written.version else "no release this time"
        return [
            b.context(
                f"🏁 closed by {_name(rules, state.closed.person)}: {what}", *release_messages.history(stream)
            )
        ]
    if state.closed:
        return [b.context(f"🏁 closed by {_name(rules, state.closed.person)}; the plan is being written")]
    missing = review.missing_roles(state, rules)
    needed = [f"still to take part: {', '.join(missing)}"] if missing else []
    due = int(proposed.due.timestamp())
    by = f"due <!date^{due}^{{date_short_pretty}} {{time}}|{proposed.due:%Y-%m-%d %H:%M} UTC>"
    close = b.button("Close the review", "review.close", proposed.proposal, style="primary")
    return [
        b.actions(close, block_id=f"close-{proposed.proposal}"),
        b.context(*needed, by, *release_messages.history(stream)),
    ]


def _name(rules: Policy, person_id: str) -> str:
    person = rules.person(person_id)
    return b.escape(person.name if person else person_id)


def _join_by_link(ask: Ask, found: AlikeFound) -> str:
    """How the requester joins it without Slack; "" where no links are signed."""
    try:
        return f" - mine too: {links.url(Link(ask.requester.identity, found.request), 'mine-too')}"
    except Refused:
        return ""


def answer(ask: Ask, key: str) -> Content:
    """What the requester is told at once: the issue, and what is like it; in Slack with a button each."""
    url, alike = jira().browse_url(key), request_of(key).alike
    cut = CUT if ask.door is not Door.JIRA and requests.is_cut(ask) else ""
    if ask.door is not Door.SLACK and not (ask.door is Door.FEEDBACK and ask.requester.slack):
        lines = [f"Thank you: your request is {key}, {url}{cut}"]
        lines += [ALSO] if alike else []
        lines += [f"- {a.other}, {jira().browse_url(a.other)}{_join_by_link(ask, a)}" for a in alike]
        return Content(text="\n".join(lines))
    title = b.escape(requests.one_line(ask.title))
    thanks = f"Thank you: your request is {b.link(url, key)}, {title}.{cut}"
    found = [f"{b.link(jira().browse_url(a.other), a.other)} {b.escape(a.title)}" for a in alike]
    if not alike:
        return Content(text=thanks)
    rows = [b.section(thanks), b.context(ALSO)]
    rows += [
        b.section(f"• {text}", accessory=b.button("Mine too", MINE_TOO, a.request))
        for text, a in zip(found, alike, strict=True)
    ]
    return Content(text="\n".join([thanks, ALSO, *(f"• {text}" for text in found)]), blocks=rows)
