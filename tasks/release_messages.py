"""What a release says in Slack: rendered from its state, decides nothing.

Messages of one release: its card (edited as it goes), one per sign-off step and candidate (see
`tasks.signoff_messages`), and the news (rejected, live, rolled back, closed).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from integrations.settings import settings
from integrations.slack import blocks as b
from lifecycle.events import CandidateRejected
from lifecycle.policy import Project
from lifecycle.release import Phase, Release, release_id
from tasks import posts, timeline
from tasks.context import jira, ledger
from tasks.posts import Content

ICONS = {
    Phase.PLANNED: "📋",
    Phase.VERIFYING: "🔎",
    Phase.STAGING: "🧪",
    Phase.SIGN_OFF: "✍️",
    Phase.REWORK: "🔧",
    Phase.PRODUCTION: "🚀",
    Phase.WATCHING: "👀",
    Phase.ROLLING_BACK: "⏪",
    Phase.ROLLED_BACK: "⏪",
    Phase.FEEDBACK: "💬",
    Phase.CLOSED: "✅",
    Phase.ABANDONED: "🗑️",
    Phase.SUPERSEDED: "↪️",
}


TITLE_CHARS = 120
"""A longer title is cut: many have to fit into one message."""


def card_key(subject: str) -> str:
    """The key of the release's own message."""
    return f"{subject}:card"


def card(release: Release, project: Project, doing: str) -> Content:
    """The release at a glance: where it stands, what is in it, what it waits for."""
    plan = release.plan
    title = f"{project.name} {plan.version}" + (" (hotfix)" if plan.release_kind == "hotfix" else "")
    rows = [
        b.header(f"{ICONS[release.phase]} {title}: {release.phase}"),
        b.section("\n".join(f"• {named(release, key)}" for key in release.delivers)),
    ]
    details = [b.escape(doing)] if doing else []
    if release.candidate:
        details.append(f"candidate `{release.candidate.tag}` · `{release.candidate.sha[:8]}`")
    if release.hold:
        details.append(f"⛔ held: {b.escape(release.hold.reason)}")
    details += history(release_id(plan.project, plan.version))
    if details:
        rows.append(b.context(*details))
    return Content(text=f"{title}: {release.phase}", blocks=b.fit(rows))


def history(stream: str) -> list[str]:
    """Links to this release's or review's history and flow run in Prefect's UI, where that is set."""
    url, run_id = settings().prefect_ui_url, ledger().wakeup(stream).run_id
    if not url or not run_id:
        return []
    story = timeline.address(stream)
    return [
        *([b.link(story, "history")] if story else []),
        b.link(f"{url}/runs/flow-run/{run_id}", "flow run"),
    ]


def named(release: Release, key: str) -> str:
    """The issue by its key and its title, which leads to Jira."""
    title = release.plan.titles.get(key) or "in Jira"
    return f"*{key}* {b.link(jira().browse_url(key), b.cut(title, TITLE_CHARS))}"


def news(icon: str, headline: str, lines: Sequence[str], at: datetime | None = None) -> Content:
    """A short announcement."""
    text = "\n".join(lines)
    rows = [b.section(f"{icon} *{b.escape(headline)}*" + (f"\n{text}" if text else ""))]
    if at is not None:
        rows.append(b.context(f"{at:%Y-%m-%d %H:%M:%S} UTC"))
    return Content(text=headline, blocks=rows)


def rejected(fact: CandidateRejected) -> list[str]:
    """Why a candidate was rejected, each reason with the way to what showed it."""
    pairs = zip_longest(fact.reasons, fact.evidence[: len(fact.reasons)], fillvalue="")
    return [f"• {b.escape(why)}" + (f" ({b.link(url, 'evidence')})" if url else "") for why, url in pairs]


def live_key(subject: str, attempt: int) -> str:
    """The key of the message that an attempt is live."""
    return f"{subject}:live:{attempt}"


def live(subject: str, headline: str, notes: Sequence[str], at: datetime, measured: Sequence[str]) -> Content:
    """The news that production serves the release, with the button that takes it back.

    `measured` says how long going back took before.
    """
    shown = news("🚀", headline, notes, at)
    text = f"You are shown first what goes back. {'; '.join(measured).capitalize()}"
    sure = b.confirm("Roll back?", text.strip(), "Look", "Cancel", style="danger")
    button = b.button("Roll back", "release.rollback", subject, style="danger", confirm=sure)
    return Content(text=shown.text, blocks=[*shown.blocks, b.actions(button)])


def no_button(subject: str, attempt: int, headline: str) -> None:
    """What was rolled back cannot be rolled back once more: its message loses the button."""
    shown = news("⏪", f"{headline} (rolled back since)", ())
    posts.edit_if_changed(live_key(subject, attempt), Content(text=headline, blocks=shown.blocks))


def client_link(project: Project, version: str, name: str, address: str, staging_url: str) -> Content:
    """The signed link for somebody without Slack, handed to whoever looks after them."""
    text = (
        f"{b.escape(name)} decides on {b.escape(project.name)} {version} without Slack. Please hand on this "
        f"personal link (it decides in their name): {b.link(address, 'look and decide')}. "
        f"What they look at: {b.link(staging_url, 'staging')}."
    )
    return Content(text=f"A link for {name}", blocks=[b.section(text)])
