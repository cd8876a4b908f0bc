"""What a release says in Slack: rendered from its state, decides nothing.

Messages of one release: its card (edited as it goes), one per sign-off step and candidate, and the news
(rejected, live, rolled back, closed). The keys under which they stand are made here.
"""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.settings import settings
from integrations.slack import blocks as b
from lifecycle import signoff
from lifecycle.events import SignOffAsked
from lifecycle.policy import Policy, Project, Step
from lifecycle.release import Phase, Release, release_id
from tasks import timeline
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


def card_key(subject: str) -> str:
    """The key of the release's own message."""
    return f"{subject}:card"


def ask_key(subject: str, step: str, number: int) -> str:
    """The key of the message that asks for `step` on candidate `number`."""
    return f"{subject}:ask:{step}:{number}"


def card(release: Release, project: Project, doing: str) -> Content:
    """The release at a glance: where it stands, what is in it, what it waits for."""
    plan = release.plan
    title = f"{project.name} {plan.version}" + (" (hotfix)" if plan.release_kind == "hotfix" else "")
    rows = [
        b.header(f"{ICONS[release.phase]} {title}: {release.phase}"),
        b.section("\n".join(f"• {_named(release, key)}" for key in release.delivers)),
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


def ask(release: Release, project: Project, step: Step, policy: Policy, number: int) -> Content:
    """The sign-off message of one step: what is signed, who has, who is missing, until when."""
    asked = [a for a in release.asked if a.step == step.id and a.number == number]
    tag = next(c.tag for c in release.candidates if c.number == number)
    superseded = release.candidate is not None and release.candidate.number != number
    title = f"{step.title}: {project.name} {tag}"
    rows = [b.header(title), b.section(_about(release, project, asked))]
    for question in asked:
        rows += _question(release, step, policy, question, open_=not superseded)
    if superseded:
        rows.append(b.context("A newer candidate is out; this one is no longer asked about."))
    elif asked:
        due = int(asked[0].due.astimezone(UTC).timestamp())
        rows.append(
            b.context(f"due <!date^{due}^{{date_short_pretty}} {{time}}|{asked[0].due:%Y-%m-%d %H:%M} UTC>")
        )
    return Content(text=title, blocks=b.fit(rows))


def _about(release: Release, project: Project, asked: list[SignOffAsked]) -> str:
    sha = asked[0].sha[:8] if asked else "?"
    lines = [f"On {b.link(project.staging_url, 'staging')} runs commit `{sha}`."]
    current = release.candidate
    if current and asked and current.number == asked[0].number and len(release.candidates) > 1:
        before = release.candidates[-2]
        changed = [k for k in current.digests if current.digests[k] != before.digests.get(k)]
        lines.append(f"Changed since `{before.tag}`: {', '.join(changed) or 'none of the issues'}.")
    return "\n".join(lines)


def _question(
    release: Release, step: Step, policy: Policy, ask: SignOffAsked, *, open_: bool
) -> list[b.Block]:
    what = _named(release, ask.issue) if ask.issue else "*The release as a whole*"
    state, settled = _state(release, step, policy, ask)
    rows = [b.section(f"{what}\n{state}")]
    if open_ and not settled:
        rows.append(
            b.actions(
                b.button("Approve", "signoff.approve", ask.request, style="primary"),
                b.button("Return for rework", "signoff.return", ask.request, style="danger"),
                block_id=f"ask-{ask.request}",
            )
        )
    return rows


def _state(release: Release, step: Step, policy: Policy, ask: SignOffAsked) -> tuple[str, bool]:
    """The line under a question, and whether nothing more is asked of anybody."""
    for returned in release.returned:
        if returned.request == ask.request:
            return f"↩️ returned by {_name(policy, returned.person)}: {b.escape(returned.reason)}", True
    given = sorted(signoff.signers(release, ask.request))
    signed = [f"{_name(policy, person)} as {role}" for role, person in given]
    carried = next((c for c in release.carried if c.request == ask.request), None)
    kept = f", kept from `{carried.from_sha[:8]}`: its files are unchanged" if carried else ""
    lacks = signoff.missing(release, ask.request, step)
    past = release.phase not in (Phase.SIGN_OFF, Phase.REWORK)
    if not lacks:
        return f"✅ signed by {', '.join(signed)}{kept}", True
    wanted = " and ".join(f"{count} {role}" for role, count in lacks.items())
    so_far = f" · signed by {', '.join(signed)}{kept}" if signed else ""
    return f"⏳ waiting for {wanted}{so_far}", past


def _named(release: Release, key: str) -> str:
    """The issue by its key and its title, which leads to Jira."""
    title = release.plan.titles.get(key) or "in Jira"
    return f"*{key}* {b.link(jira().browse_url(key), title)}"


def _name(policy: Policy, person_id: str) -> str:
    person = policy.person(person_id)
    return b.escape(person.name if person else person_id)


def news(icon: str, headline: str, lines: list[str], at: datetime | None = None) -> Content:
    """A short announcement."""
    text = "\n".join(lines)
    rows = [b.section(f"{icon} *{b.escape(headline)}*" + (f"\n{text}" if text else ""))]
    if at is not None:
        rows.append(b.context(f"{at:%Y-%m-%d %H:%M:%S} UTC"))
    return Content(text=headline, blocks=rows)


def feedback_question(project: Project, version: str, key: str, title: str, request: str) -> Content:
    """The question to one requester whether one issue helped."""
    rows = [
        b.section(
            f"*{b.escape(title or key)}* ({key}) went out with {b.escape(project.name)} {version}.\n"
            "Did it solve what you asked for?"
        ),
        b.actions(
            b.button("Solved", "feedback.solved", request, style="primary"),
            b.button("Partly", "feedback.partly", request),
            b.button("Not", "feedback.not", request, style="danger"),
            block_id=f"feedback-{request}",
        ),
    ]
    return Content(text=f"Did {title or key} help?", blocks=rows)


def client_link(project: Project, version: str, name: str, address: str, staging_url: str) -> Content:
    """The signed link for somebody without Slack, handed to whoever looks after them."""
    text = (
        f"{b.escape(name)} decides on {b.escape(project.name)} {version} without Slack. Please hand on this "
        f"personal link (it decides in their name): {b.link(address, 'look and decide')}. "
        f"What they look at: {b.link(staging_url, 'staging')}."
    )
    return Content(text=f"A link for {name}", blocks=[b.section(text)])
