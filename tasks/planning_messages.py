"""What planning says in Slack: rendered from the ledger's state, decides nothing.

One message per request and one per review. They are posted once, edited in place, never repeated; a button
carries an opaque id only. `tasks.review_decisions` says which button does what.
"""

from __future__ import annotations

from integrations.slack import blocks as b
from lifecycle import backlog, merging, requests, review
from lifecycle.planning import Decision, PlanLine
from lifecycle.policy import Policy
from lifecycle.requests import AlikeFound, Ask
from lifecycle.review import Proposed, Review
from tasks import posts, release_messages
from tasks.backlog import own_requests, project_of, request_of, state_of
from tasks.context import jira, ledger, policy
from tasks.posts import Content

LINES_SHOWN = 22
"""A line takes two blocks; Slack takes 50 in a message. The rest of the plan is in Prefect's table."""

_SIGNS = {Decision.ACCEPT: "✅", Decision.DEFER: "⏭️", Decision.REJECT: "🚫"}


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


def request_content(key: str) -> Content:
    """One request: who asks, what it is like, and what became of that."""
    state = state_of(project_of(key).id)
    own = request_of(key)
    title = own.received[0].title if own.received else key
    asked = backlog.requesters(key, state, own_requests(key, state))
    names = ", ".join(b.escape(who.name or "somebody") for who in asked) or "somebody"
    source = own.received[0].source.value if own.received else "unknown"
    rows = [
        b.section(f"📥 *{b.link(jira().browse_url(key), key)}* {b.escape(title)}"),
        b.context(f"{source} · asked for by {names}"),
    ]
    standing = state.standing.get(key)
    if standing:
        who = _name(policy(), standing.person)
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
    return Content(text=b.cut(f"New request {key}: {b.escape(title)}", 300), blocks=b.fit(rows))


def _alike(found: AlikeFound, state: backlog.Backlog) -> b.Block:
    into = merging.original_of(state.merges, found.other)
    return b.section(
        f"• *{b.link(jira().browse_url(found.other), found.other)}* {b.escape(found.title)}"
        f" · {found.score:.0%} alike",
        accessory=b.button(f"Merge into {into}", "request.merge", found.request),
    )


def review_content(state: Review, rules: Policy, stream: str) -> Content:
    """The review at a glance: the plan line by line, what is missing, and how it ended."""
    if state.proposed is None:
        return Content(text="Weekly review")
    _, project, week = stream.split(":", 2)
    plan, open_ = state.plan, state.closed is None
    title = f"Weekly review {week}: {rules.project(project).name} {plan.version}"
    rows = [b.header(title), b.section(_summary(state, state.proposed))]
    shown = plan.lines[:LINES_SHOWN]
    for line in shown:
        rows += _line(line, state, state.proposed, rules, open_=open_)
    if left := len(plan.lines) - len(shown):
        rows.append(b.context(f"and {left} more in the plan's table"))
    rows += _ending(state, rules, state.proposed, stream)
    return Content(text=title, blocks=b.fit(rows))


def _summary(state: Review, proposed: Proposed) -> str:
    plan = state.plan
    lines = [
        f"{proposed.open} open requests · {len(plan.accepted)} accepted · "
        f"{plan.used} of {plan.capacity} points",
        *(f"⚠️ {b.escape(warning)}" for warning in plan.warnings[:5]),
        *(f"⛔ {b.escape(obstacle)}" for obstacle in plan.obstacles[:5]),
    ]
    return "\n".join(lines)


def _line(line: PlanLine, state: Review, proposed: Proposed, rules: Policy, *, open_: bool) -> list[b.Block]:
    terms = " + ".join(f"{term.name} {_short(term.value)}" for term in line.score.terms[:-1])
    wave = f" · wave {line.wave}" if line.wave else ""
    decided = f"{_name(rules, line.person)}: " if line.person else ""
    text = (
        f"{_SIGNS[line.decision]} *{b.link(jira().browse_url(line.key), line.key)}* {b.escape(line.title)}\n"
        f"{decided}{b.escape(line.why)}{wave}\n"
        f"{proposed.asked_by.get(line.key, '')} · score {_short(line.score.total)} = ({terms}) / {line.size}"
    )
    rows = [b.section(text)]
    if open_:
        value = review.line_id(proposed.proposal, line.key)
        decided_by_person = state.latest(value)
        standing = decided_by_person.decision if decided_by_person else None
        rows.append(
            b.actions(
                *(
                    b.button(label, f"review.{decision}", value, style=style)
                    for decision, label, style in _BUTTONS
                    if decision is not standing
                ),
                block_id=f"line-{value}",
            )
        )
    return rows


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


_BUTTONS: tuple[tuple[Decision, str, b.Style | None], ...] = (
    (Decision.ACCEPT, "Accept", "primary"),
    (Decision.DEFER, "Defer", None),
    (Decision.REJECT, "Reject", "danger"),
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


def reminder(state: Review, rules: Policy) -> Content:
    """The review is overdue: who is waited for, by name."""
    missing = review.missing_roles(state, rules)
    people = {person.slack or person.name: person for role in missing for person in rules.with_role(role)}
    asked = ", ".join(b.mention(p.slack) if p.slack else b.escape(p.name) for p in people.values())
    text = "The weekly review is still open" + (f"; still to take part: {asked}" if asked else ".")
    return Content(text=text, blocks=[b.section(f"⏰ {text}")])


def _name(rules: Policy, person_id: str) -> str:
    person = rules.person(person_id)
    return b.escape(person.name if person else person_id)


def answer_text(ask: Ask, key: str, *, slack: bool) -> str:
    """What the requester is told at once: the issue, and what is like it."""
    url = jira().browse_url(key)
    alike = request_of(key).alike
    if slack:
        lines = [f"Thank you: your request is {b.link(url, key)}, {b.escape(requests.one_line(ask.title))}."]
        lines += [f"• {b.link(jira().browse_url(a.other), a.other)} {b.escape(a.title)}" for a in alike]
    else:
        lines = [f"Thank you: your request is {key}, {url}"]
        lines += [f"- {a.other}, {jira().browse_url(a.other)}" for a in alike]
    if alike:
        lines.insert(1, "Earlier requests that read alike:")
    return "\n".join(lines)
