"""What the weekly review says in Slack: its one message, and the modal with every line.

Rendered from its arguments alone, so that the same ledger always reads the same; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import ceil

from integrations.slack import blocks as b
from lifecycle import review
from lifecycle.planning import Decision, PlanLine, ReleasePlan
from lifecycle.policy import Policy
from lifecycle.review import Proposed, Review
from lifecycle.review_agenda import Answer
from lifecycle.scoring import RequestSource
from lifecycle.throughput import Capacity
from tasks import value_lines

LINES = 40
"""So many lines stand in the message at most, and on one page of the modal: two of its 100 blocks each."""

DUPLICATES = 5
NAMED = 10
TITLE = 80

_SIGNS = {Decision.ACCEPT: "✅", Decision.DEFER: "⏭️", Decision.REJECT: "🚫"}
_BUTTONS: tuple[tuple[Decision, str, b.Style | None], ...] = (
    (Decision.ACCEPT, "Accept", "primary"),
    (Decision.DEFER, "Defer", None),
    (Decision.REJECT, "Reject", "danger"),
)
_SECTIONS: Mapping[RequestSource | None, str] = {
    RequestSource.CLIENT: "Clients",
    RequestSource.MANAGEMENT: "Management",
    RequestSource.DEVELOPER: "Developers",
    None: "Requests",
}


@dataclass(frozen=True)
class Reviewing:
    """One review as it stands. `merged`: request -> what it was merged into; `url`: an issue's page.

    `needless`: obstacles, one per accepted line whose need is not on record.
    """

    state: Review
    proposed: Proposed
    policy: Policy
    title: str
    merged: Mapping[str, str]
    url: Callable[[str], str]
    needless: tuple[str, ...] = ()

    @cached_property
    def plan(self) -> ReleasePlan:
        """The proposal with what people decided; of many lines that is worth finding out once."""
        return self.state.plan

    @cached_property
    def lines(self) -> list[PlanLine]:
        """Every line by who asked, the best score first."""
        order = list(_SECTIONS)
        return sorted(self.plan.lines, key=lambda line: order.index(self.source(line)))

    @property
    def open(self) -> bool:
        """Lines can still be decided."""
        return self.state.closed is None

    @property
    def undecidable(self) -> int:
        """Open requests without a line."""
        return max(0, self.proposed.open - len(self.lines))

    def source(self, line: PlanLine) -> RequestSource | None:
        """Who asked for it."""
        return self.proposed.agenda.sources.get(line.key)

    def link(self, key: str) -> str:
        """The issue's key, leading to it."""
        return b.link(self.url(key), key)

    def name(self, person_id: str) -> str:
        """A person's name."""
        person = self.policy.person(person_id)
        return b.escape(person.name if person else person_id)


def message(about: Reviewing, tail: Sequence[b.Block]) -> list[b.Block]:
    """The whole message with `tail` at its end, within Slack's limits.

    As many lines as fit have their buttons; others stand shorter, and of more than 40 those that people
    decided or that are accepted come first. All of them are in the modal, which one button opens.
    """
    weight = {line.key: n for n, line in enumerate(_weighty(about))}
    shown = [key for key in weight if weight[key] < LINES]
    whole = _rows(about, shown, shown, tail)
    if len(shown) == len(about.lines) and b.fits(whole):
        return whole
    while shown and not b.fits(_rows(about, shown, (), tail)):
        shown.pop()
    full: list[str] = []
    for key in shown:
        if not b.fits(_rows(about, shown, [*full, key], tail)):
            break
        full.append(key)
    return b.fit(_rows(about, shown, full, tail))


def _weighty(about: Reviewing) -> list[PlanLine]:
    """The lines, those first that a person decided, then the accepted ones."""
    return sorted(about.plan.lines, key=lambda line: (not line.person, not line.accepted))


def _rows(
    about: Reviewing, shown: Collection[str], full: Collection[str], tail: Sequence[b.Block]
) -> list[b.Block]:
    rows = [b.header(about.title), b.section(_summary(about)), *_agenda(about)]
    if len(full) < len(about.lines) and about.open:
        button = b.button(f"All {len(about.lines)} lines", "review.all", about.proposed.proposal)
        rows.append(b.actions(button, block_id=f"all-{about.proposed.proposal}"))
    lines = [line for line in about.lines if line.key in shown]
    for source, group in groupby(lines, key=about.source):
        rows += _section(about, source, list(group), full)
    if left := len(about.lines) - len(lines):
        rows.append(b.context(f"and {_counted(left, 'more line')}"))
    return [*rows, *tail]


def _section(
    about: Reviewing, source: RequestSource | None, lines: Sequence[PlanLine], full: Collection[str]
) -> Iterator[b.Block]:
    yield _heading(about, source)
    for whole, group in groupby(lines, key=lambda line: line.key in full):
        if whole:
            for line in group:
                yield from entry(about, line, buttons=about.open)
        else:
            yield from _paragraphs([_short_line(about, line) for line in group])


def _heading(about: Reviewing, source: RequestSource | None) -> b.Block:
    count = sum(about.source(line) is source for line in about.lines)
    return b.context(f"*{_SECTIONS[source]}* · {_counted(count, 'line')}, the best score first")


def _paragraphs(lines: Sequence[str]) -> Iterator[b.Block]:
    """The lines in as few sections as Slack takes."""
    text = ""
    for line in lines:
        if text and len(text) + len(line) + 1 > b.SECTION_TEXT:
            yield b.section(text)
            text = ""
        text = f"{text}\n{line}" if text else line
    if text:
        yield b.section(text)


def page(about: Reviewing, number: int, *, may_decide: bool) -> list[b.Block]:
    """Page `number` (from 0) of all lines; buttons only for somebody who `may_decide`."""
    last = max(0, ceil(len(about.lines) / LINES) - 1)
    number = min(max(number, 0), last)
    shown = about.lines[number * LINES : (number + 1) * LINES]
    place = f"{number * LINES + 1} to {number * LINES + len(shown)} of {len(about.lines)}"
    rows = [b.section(f"*{b.escape(about.title)}*\n{_counts(about)}"), b.context(place)]
    for source, group in groupby(shown, key=about.source):
        rows.append(_heading(about, source))
        for line in group:
            rows += entry(about, line, buttons=about.open and may_decide)
    if about.undecidable and number == last:
        rows.append(b.context(_others(about)))
    steps = [("Previous", "previous", number - 1)] if number > 0 else []
    steps += [("Next", "next", number + 1)] if number < last else []
    if steps:
        rows.append(b.actions(*(b.button(text, f"review.page.{to}", str(at)) for text, to, at in steps)))
    return rows


def entry(about: Reviewing, line: PlanLine, *, buttons: bool) -> list[b.Block]:
    """One line: what it is, what stands and who said so, where its score comes from."""
    asked = b.escape(about.proposed.asked_by.get(line.key, ""))
    score = f"score {value_lines.formula(line.score, line.size)}"
    rows = [b.section(f"{_head(about, line, 255)}\n{_standing(about, line)}\n{asked} · {score}")]
    if not buttons:
        return rows
    value = review.line_id(about.proposed.proposal, line.key)
    last = about.state.latest(value)
    offered = [
        b.button(label, f"review.{decision}", value, style=style)
        for decision, label, style in _BUTTONS
        if last is None or decision is not last.decision
    ]
    return [*rows, b.actions(*offered, block_id=f"line-{value}")]


def _head(about: Reviewing, line: PlanLine, limit: int) -> str:
    return f"{_SIGNS[line.decision]} *{about.link(line.key)}* {b.escape(b.cut(line.title, limit))}"


def _standing(about: Reviewing, line: PlanLine) -> str:
    """Who decided and why, and what stands in the way or waits."""
    parts = [f"{about.name(line.person)}: {b.escape(line.why)}" if line.person else b.escape(line.why)]
    if line.wave:
        parts.append(f"wave {line.wave}")
    if line.blocked_by:
        parts.append(f"waits for {_some([about.link(key) for key in line.blocked_by])}")
    if line.key in about.proposed.agenda.questions:
        parts.append("❓ open questions")
    if line.key in about.merged:
        parts.append(f"🔗 merged into {about.link(about.merged[line.key])}")
    return " · ".join(parts)


def _short_line(about: Reviewing, line: PlanLine) -> str:
    decided = f" · {about.name(line.person)}: {b.escape(b.cut(line.why, TITLE))}" if line.person else ""
    score = f"score {value_lines.short(line.score.total)}, {line.size} points"
    return f"{_head(about, line, TITLE)} · {score}{decided}"


def _summary(about: Reviewing) -> str:
    plan, agenda = about.plan, about.proposed.agenda
    asked = [line.key for line in plan.lines if line.accepted and line.key in agenda.questions]
    lines = [
        _counts(about),
        *([capacity_text(agenda.capacity)] if agenda.capacity else []),
        *([_others(about)] if about.undecidable else []),
        *(f"⚠️ {b.escape(warning)}" for warning in plan.warnings[:5]),
        *(f"⛔ {b.escape(obstacle)}" for obstacle in (*plan.obstacles, *about.needless)[:5]),
    ]
    if asked and about.open:
        lines.append(f"❓ to be answered before the closing: {_some([about.link(key) for key in asked])}")
    return "\n".join(lines)


def _counts(about: Reviewing) -> str:
    plan = about.plan
    return (
        f"{about.proposed.open} open requests · {len(plan.accepted)} accepted · "
        f"{plan.used} of {plan.capacity} points"
    )


def _others(about: Reviewing) -> str:
    return (
        f"{about.undecidable} more open requests scored less and stay open; they have no line in this review"
    )


def capacity_text(capacity: Capacity) -> str:
    """The capacity as the range that it is, or that it was set and why."""
    if not capacity.periods:
        why = f": {capacity.note}" if capacity.note else ""
        return f"capacity {capacity.likely} points, set{why}"
    span = "weeks" if capacity.weeks == 1 else f"times {capacity.weeks} weeks"
    return (
        f"capacity {capacity.low} – {capacity.likely} – {capacity.high} points "
        f"(low – likely – high of the last {capacity.periods} {span})"
    )


def _agenda(about: Reviewing) -> Iterator[b.Block]:
    """What else is to be looked at, each part only if there is something."""
    agenda, plan = about.proposed.agenda, about.plan
    if len(plan.waves) > 1:
        waves = [f"{n}: {_some(wave)}" for n, wave in enumerate(plan.waves, 1)]
        yield b.section(f"*Order of the work in waves*\n{b.cut(' → '.join(waves), 500)}")
    if agenda.left_over:
        rows = [
            f"{about.link(left.issue)} {b.escape(b.cut(left.title, TITLE))} ({b.escape(left.version)})"
            for left in agenda.left_over[:NAMED]
        ]
        yield b.section(f"*Left over from earlier releases*\n{_listed(rows, len(agenda.left_over))}")
    if agenda.answers:
        yield b.section(f"*Feedback since the last review*\n{_feedback(about)}")
    yield from _duplicates(about)


def _feedback(about: Reviewing) -> str:
    agenda = about.proposed.agenda
    counts = ", ".join(f"{count} {answer}" for answer, count in agenda.answers_total.items())
    added_up = [b.escape(b.cut(line, 300)) for line in agenda.feedback]
    told = [_answer(about, each) for each in agenda.answers if each.answer != "solved"][:5]
    return "\n".join([*(added_up or [counts]), *told])


def _answer(about: Reviewing, given: Answer) -> str:
    score = f" ({given.score} of 5)" if given.score else ""
    said = f": {b.escape(b.cut(given.comment, TITLE))}" if given.comment else ""
    return f"• *{given.answer}*{score} {about.link(given.issue)} in {b.escape(given.version)}{said}"


def _duplicates(about: Reviewing) -> Iterator[b.Block]:
    """What reads alike and nobody merged by now, with the button that merges."""
    agenda = about.proposed.agenda
    waiting = [found for found in agenda.alike if found.issue not in about.merged]
    if not waiting or not about.open:
        return
    yield b.context(f"*Duplicates to confirm* · {agenda.alike_total - len(agenda.alike) + len(waiting)}")
    for found in waiting[:DUPLICATES]:
        into = about.merged.get(found.other, found.other)
        text = f"{about.link(found.issue)} reads like {about.link(found.other)} "
        yield b.section(
            f"{text}{b.escape(b.cut(found.title, TITLE))} · {found.score:.0%} alike",
            accessory=b.button(f"Merge into {into}", "request.merge", found.request),
        )


def _listed(rows: Sequence[str], total: int) -> str:
    more = [f"and {total - len(rows)} more"] if total > len(rows) else []
    return "\n".join([*(f"• {row}" for row in rows), *more])


def _some(names: Sequence[str]) -> str:
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
