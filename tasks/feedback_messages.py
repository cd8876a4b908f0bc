"""What is said about feedback: the questions, the reminder, what was answered. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from integrations import links
from integrations.slack import blocks as b
from lifecycle import feedback
from lifecycle.events import FeedbackAsked, FeedbackGiven
from lifecycle.feedback import Figures, Theme
from lifecycle.policy import Policy, Project
from lifecycle.release import Release
from tasks.posts import Content

SHOWN = 20
"""So many answers are listed in the news of the closing; the artifact has all."""

ANSWERS = {"solved": "Solved", "partly": "Partly", "not": "Not"}


def questions(
    release: Release, project: Project, asked: Sequence[FeedbackAsked], *, reminder: bool = False
) -> Content:
    """In Slack: whether each of these helped, one below the other, with what was answered so far."""
    went_out = f"went out with {b.escape(project.name)} {release.plan.version}."
    lead = f"A reminder, the only one: this {went_out}" if reminder else f"What you asked for {went_out}"
    rows = [b.section(f"{lead} Did it solve what you asked for?")]
    given = {each.request: each for each in release.answers}
    for each in asked:
        said = given.get(each.request)
        answered = f"\n✅ You answered {b.escape(answer_text(said))}." if said else ""
        rows.append(b.section(about(release, each.issue) + answered))
        rows.append(_buttons(each.request, answered=said is not None))
    return Content(text=_headline(release, asked, reminder=reminder), blocks=b.fit(rows))


def about(release: Release, issue: str) -> str:
    """The issue by its title and its key."""
    return f"*{b.escape(b.cut(release.plan.titles.get(issue) or issue, 200))}* ({issue})"


def _buttons(request: str, *, answered: bool) -> b.Block:
    more = [more_button(request)] if answered else []
    return b.actions(
        b.button("Solved", "feedback.solved", request, style="primary"),
        b.button("Partly", "feedback.partly", request),
        b.button("Not", "feedback.not", request, style="danger"),
        *more,
        block_id=f"feedback-{request}",
    )


def more_button(request: str) -> b.Element:
    """Opens the form for a score and a comment."""
    return b.button("Rate and comment", "feedback.more", request)


def offer(request: str, thanks: str) -> list[b.Block]:
    """The private reply to an answer: thanks, and the way to say more."""
    return [b.section(b.escape(thanks)), b.actions(more_button(request))]


def _headline(release: Release, asked: Sequence[FeedbackAsked], *, reminder: bool) -> str:
    first = release.plan.titles.get(asked[0].issue) or asked[0].issue
    what = b.escape(b.cut(first, 200)) if len(asked) == 1 else f"these {len(asked)} things"
    return f"Reminder: did {what} help?" if reminder else f"Did {what} help?"


def question_text(
    release: Release,
    project: Project,
    asked: Sequence[FeedbackAsked],
    name: str,
    *,
    reminder: bool = False,
) -> str:
    """For Jira or GitLab: the same with a signed link for each question."""
    lead = f"{name}: this went out with {project.name} {release.plan.version}. Did it help?"
    if reminder:
        lead = f"{name}: a reminder, the only one. Did what went out with {project.name} " + (
            f"{release.plan.version} help?"
        )
    lines = [(each, links.url(links.Link(each.person, each.request))) for each in asked]
    if len(lines) == 1:
        return f"{lead} {lines[0][1]}"
    named = (f"- {each.issue} {release.plan.titles.get(each.issue, '')}".rstrip() for each, _ in lines)
    return "\n".join([lead, *(f"{what}: {url}" for what, (_, url) in zip(named, lines, strict=True))])


def answer_text(given: FeedbackGiven) -> str:
    """One answer in a line, as it was written."""
    more = [f"{given.score} of 5"] if given.score else []
    more += [given.comment] if given.comment else []
    return given.answer + (f" ({'; '.join(more)})" if more else "")


def called(release: Release, policy: Policy, person_id: str) -> str:
    """The name of who was asked or has answered."""
    person = policy.person(person_id)
    name = next((a.name for a in release.feedback_asked if a.person == person_id), "")
    return person.name if person else name or person_id


def closing(release: Release) -> list[str]:
    """What the channel reads when a release is closed: the figures, the themes, then each answer."""
    figures = feedback.measure(release.feedback_asked, release.answers)
    themes = feedback.themes(given.comment for given in release.answers)
    lines = [b.escape(figures_text(figures))]
    lines += [f"> {b.escape(b.cut(line, 300))}" for line in themes_text(themes[:5])]
    said = [f"• {g.issue}: {b.escape(_first_line(answer_text(g)))}" for g in release.answers]
    lines += said[:SHOWN]
    return [*lines, f"… and {len(said) - SHOWN} more"] if len(said) > SHOWN else lines


def _first_line(text: str) -> str:
    return b.cut(" ".join(text.split()), 200)


def figures_text(figures: Figures) -> str:
    """The figures in one line; nothing that was not measured."""
    if not figures.answers:
        return "Nobody answered." if figures.asked else "Nobody could be asked."
    parts = [f"{figures.answered} of {figures.asked} answered"] if figures.asked else []
    if figures.answers > figures.answered:
        parts.append(f"{figures.answers - figures.answered} more said to the team")
    parts.append(f"{figures.solved} solved, {figures.partly} partly, {figures.unsolved} not")
    if figures.score is not None:
        parts.append(f"satisfaction {figures.score:.1f} of 5")
    return " · ".join(parts)


def themes_text(themes: Iterable[Theme]) -> list[str]:
    """The comments that several people made in their own words."""
    return [f"{theme.size} say: “{theme.comment}”" for theme in themes if theme.size > 1]


def page(release: Release, policy: Policy, subject: str) -> str:
    """The release's feedback as Markdown: figures, themes, every answer that stands."""
    figures = feedback.measure(release.feedback_asked, release.answers)
    themes = feedback.themes(given.comment for given in release.answers)
    rows = [
        f"| {g.issue} | {_cell(called(release, policy, g.person))} | {g.answer} | {g.score or ''} "
        f"| {_cell(g.comment)} | {_cell(_remark(release, policy, g))} |"
        for g in release.answers
    ]
    return "\n".join(
        [
            f"# Feedback on {subject}",
            figures_text(figures),
            "",
            *(["| theme | comments |", "| --- | --- |"] if themes else []),
            *(f"| {_cell(theme.comment)} | {theme.size} |" for theme in themes[:SHOWN]),
            *([""] if themes else []),
            "| issue | who | answer | score | comment | remark |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def _remark(release: Release, policy: Policy, given: FeedbackGiven) -> str:
    followed = feedback.followed_by(release, given.request)
    said = [f"entered by {called(release, policy, given.entered_by)}"] if given.entered_by else []
    said += ["late"] if given in release.feedback_late else []
    said += [f"goes on as {followed}"] if followed else []
    return ", ".join(said)


def _cell(text: str) -> str:
    """What people wrote, so that it stays in one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
