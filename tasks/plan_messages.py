"""What is said in Slack of a closed plan and of its changes: rendered from the ledger, decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.slack import blocks as b
from lifecycle import events as e
from lifecycle import scope_changes
from lifecycle.phases import TRANSITIONS
from lifecycle.planning import Decision, ReleasePlan
from lifecycle.policy import Policy, Project
from lifecycle.release import Release
from lifecycle.scope import Scope
from tasks import folding, posts
from tasks.context import jira, policy
from tasks.posts import Content
from tasks.release_messages import TITLE_CHARS


def summary_key(stream: str) -> str:
    """The key of the one summary of this review's plan."""
    return f"{stream}:summary"


def summary(
    project: Project, plan: ReleasePlan, scope: Scope, wiki: str, milestone: str, left_out: Sequence[str]
) -> Content:
    """The plan in a few lines, for the release's channel, with what was left out; the addresses may be ""."""
    title = f"Plan of {project.name} {plan.version}"
    counts = {decision: sum(line.decision is decision for line in plan.lines) for decision in Decision}
    rows = [
        b.header(f"🗺️ {title}"),
        b.section(
            f"{counts[Decision.ACCEPT]} accepted, {counts[Decision.DEFER]} put off, "
            f"{counts[Decision.REJECT]} rejected · {scope.points} of {plan.capacity} points"
        ),
        *wave_rows(scope),
    ]
    rows += _links(wiki, milestone)
    if left_out:
        rows.append(b.context(*(f"⚠️ left out, {b.escape(each)}" for each in left_out[:5])))
    return Content(text=title, blocks=b.fit(rows))


def wave_rows(scope: Scope) -> list[b.Block]:
    """One section per wave, with its issues."""
    titles = {line.key: line.title for line in scope.lines}
    return [
        b.section("\n".join([f"*Wave {number}*", *(f"• {_named(key, titles[key])}" for key in wave)]))
        for number, wave in enumerate(scope.waves, 1)
    ]


def _named(key: str, title: str) -> str:
    return f"*{b.link(jira().browse_url(key), key)}* {b.escape(b.cut(title, TITLE_CHARS))}".rstrip()


def change_key(stream: str, request: str) -> str:
    """The key of the one message about this change of scope."""
    return f"{stream}:scope:{request}"


def refresh(stream: str) -> int:
    """Make every message about a change of scope say what the ledger says; how many were edited.

    Harmless at any time: a message that was not posted yet, or says it already, is left alone.
    """
    release = folding.release_of(stream)
    if release is None:
        return 0
    contents = {change_key(stream, a.request): change(release, a, policy()) for a in release.scope_asked}
    return sum(posts.edit_if_changed(key, content) for key, content in contents.items())


def change(release: Release, asked: e.ScopeChangeAsked, rules_: Policy) -> Content:
    """One change of scope: the difference, who has approved, who is missing, and how it ended."""
    plan = release.plan
    title = f"Change of scope: {rules_.project(plan.project).name} {plan.version}"
    told = scope_changes.told(release, asked.request)
    lines = [b.escape(line) for line in told.lines] if told else []
    rows = [
        b.header(f"✂️ {title}"),
        b.section(f"{_name(rules_, asked.person)} asks: {b.escape(asked.why)}"),
        b.section("\n".join(f"• {line}" for line in lines) or asked.changes),
    ]
    rows += _reverted(asked)
    if release.scope_change == asked:
        rows += _to_merge(release, asked)
    approved = [a for a in release.scope_approved if a.request == asked.request]
    rows += [
        b.context(f"✅ approved by {_name(rules_, a.person)} as {b.escape(a.voice)}") for a in approved[:10]
    ]
    return Content(text=title, blocks=b.fit([*rows, *_ending(release, asked, rules_)]))


def _to_merge(release: Release, asked: e.ScopeChangeAsked) -> list[b.Block]:
    return [b.section(f"⚠️ {b.escape(line)}") for line in scope_changes.to_merge(release, asked.add)]


def _reverted(asked: e.ScopeChangeAsked) -> list[b.Block]:
    """What leaves the release branch, the newest first, and why some issues leave with others."""
    if not asked.reverts:
        return []
    merges = [f"`{each.sha[:8]}` {b.escape(b.cut(each.title, TITLE_CHARS))}" for each in asked.reverts]
    because = [f"• {b.escape(b.cut(each, 200))}" for each in asked.because[:20]]
    more = [f"and {len(merges) - 15} more"] if len(merges) > 15 else []
    text = "\n".join([*because, "Taken out of the branch, the newest first:", *merges[:15], *more])
    return [b.section(text)]


def _ending(release: Release, asked: e.ScopeChangeAsked, rules_: Policy) -> list[b.Block]:
    refused = next((r for r in release.scope_refused if r.request == asked.request), None)
    if refused is not None:
        return [
            b.context(f"🚫 refused by {_name(rules_, refused.by)}: {b.escape(b.cut(refused.reason, 1500))}")
        ]
    if release.scope_change != asked:
        return [b.context("🏁 in effect; sign-offs given before are asked for anew")]
    if (release.phase, "ScopeChanged") not in TRANSITIONS:
        return [b.context(f"⌛ too late: the release is in {release.phase}")]
    if scope_changes.agreed(release, rules_):
        return [b.context("⏳ approved; the merges are being taken out of the branch")]
    missing = ", ".join(scope_changes.missing(release, asked.request, rules_))
    due = int(asked.due.timestamp())
    by = f"due <!date^{due}^{{date_short_pretty}} {{time}}|{asked.due:%Y-%m-%d %H:%M} UTC>"
    return [
        b.actions(
            b.button("Approve", "scope.approve", asked.request, style="primary"),
            b.button("Refuse", "scope.refuse", asked.request, style="danger"),
            block_id=f"scope-{asked.request}",
        ),
        b.context(f"still to approve: {missing}", by),
    ]


def changed_news(release: Release, request: str, wiki: str, milestone: str) -> Content:
    """What is said in the release's channel once a change is in effect and shown everywhere."""
    told = scope_changes.told(release, request)
    name = policy().project(release.plan.project).name
    title = f"Scope of {name} {release.plan.version} changed"
    lines = [b.escape(line) for line in told.lines] if told else []
    rows = [
        b.section("\n".join([f"✂️ *{b.escape(title)}*", *(f"• {line}" for line in lines)])),
        *(
            row
            for asked in release.scope_asked
            if asked.request == request
            for row in _to_merge(release, asked)
        ),
        *_links(wiki, milestone),
    ]
    return Content(text=title, blocks=rows)


def _links(wiki: str, milestone: str) -> list[b.Block]:
    named = {"the plan": wiki, "its milestone": milestone}
    links = [b.link(url, name) for name, url in named.items() if url]
    return [b.section(" · ".join(links))] if links else []


def _name(rules_: Policy, person_id: str) -> str:
    person = rules_.person(person_id)
    return b.escape(person.name if person else person_id)
