"""What a sign-off says in Slack: its one message, edited as people sign, and the modal with every issue.

Rendered from its arguments alone, so that the same ledger always reads the same; decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from itertools import chain
from math import ceil

from integrations.slack import blocks as b
from lifecycle import delta, scope_changes, signoff, timeline
from lifecycle.events import CandidateCut, SignOffAsked, StepOverridden
from lifecycle.policy import Person, Policy, Project, Step
from lifecycle.release import Phase, Release
from lifecycle.requests import Requester
from lifecycle.standing import Standing, awaited, standing
from tasks.posts import Content
from tasks.release_messages import named

PAGE = 40
"""Issues on one page of the modal: two blocks each, and Slack takes 100."""

LINES = 5
"""Issues in one section where they have no buttons of their own: with long titles it takes no more."""

_ICONS = {
    Standing.SIGNED: "✅",
    Standing.KEPT: "♻️",
    Standing.WAITING: "⏳",
    Standing.RETURNED: "↩️",
    Standing.EXPIRED: "⌛",
}
_URGENCY = (Standing.WAITING, Standing.RETURNED, Standing.EXPIRED, Standing.SIGNED, Standing.KEPT)


@dataclass(frozen=True)
class Asking:
    """One step of one candidate. `asked_by` says who wished for an issue."""

    release: Release
    project: Project
    step: Step
    policy: Policy
    number: int
    asked_by: Callable[[str], Sequence[Requester]]

    @property
    def candidate(self) -> CandidateCut:
        """What is signed."""
        return next(c for c in self.release.candidates if c.number == self.number)

    @property
    def title(self) -> str:
        """Such as `QA: Shop 1.4.0-rc.1`."""
        return f"{self.step.title}: {self.project.name} {self.candidate.tag}"

    @cached_property
    def questions(self) -> list[SignOffAsked]:
        """What was asked, in the plan's order."""
        return [a for a in self.release.asked if a.step == self.step.id and a.number == self.number]

    @property
    def superseded(self) -> bool:
        """A newer candidate is asked about instead, or will be: the scope has changed."""
        candidate = self.release.candidate
        return candidate is not None and (candidate.number != self.number or self.release.outdated)

    @property
    def past(self) -> bool:
        """Nobody is asked any more."""
        return self.superseded or self.release.phase not in (Phase.SIGN_OFF, Phase.REWORK)

    @property
    def overridden(self) -> StepOverridden | None:
        """Who let this candidate past the step unsigned."""
        here = (self.step.id, self.number)
        return next((o for o in self.release.overridden if (o.step, o.number) == here), None)

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """How far each question is, by its request; of many issues that is worth finding out once."""
        return {ask.request: standing(self.release, ask, self.step) for ask in self.questions}

    def standing(self, ask: SignOffAsked) -> Standing:
        """How far the question is."""
        return self.standings[ask.request]


def ask_key(subject: str, step: str, number: int) -> str:
    """The key of the message that asks for `step` on candidate `number`."""
    return f"{subject}:ask:{step}:{number}"


def message(about: Asking) -> Content:
    """The one message of a step: what is signed, what it brings, who has, who is missing, until when.

    If all of it is too long for Slack, it counts, shows what waits first, and the rest is in the modal.
    """
    head = [b.header(about.title), b.section("\n".join(_facts(about)))]
    whole = [row for ask in about.questions if ask.issue is None for row in _question(about, ask)]
    tail = [*whole, *_ending(about)]
    rows, everything = _filled(head, _entries(about, about.questions), tail)
    if not everything:
        by_urgency = sorted(about.questions, key=lambda ask: _URGENCY.index(about.standing(ask)))
        rows, _ = _filled([*head, *_counts(about)], _entries(about, by_urgency), [*_open_modal(about), *tail])
    return Content(text=about.title, blocks=b.fit(rows))


def _filled(
    head: list[b.Block], entries: Iterator[list[b.Block]], tail: list[b.Block]
) -> tuple[list[b.Block], bool]:
    """As many entries as go between `head` and `tail`, and whether those were all."""
    rows = head
    for entry in entries:
        if not b.fits([*rows, *entry, *tail]):
            return [*rows, *tail], False
        rows = [*rows, *entry]
    return [*rows, *tail], True


def _entries(about: Asking, questions: Sequence[SignOffAsked]) -> Iterator[list[b.Block]]:
    """The issues: each with its own question, or, where one answer is for all, some lines at a time."""
    each = [ask for ask in questions if ask.issue]
    if each:
        yield from (_question(about, ask) for ask in each)
        return
    keys = about.release.delivers
    for at in range(0, len(keys), LINES):
        yield [b.section("\n".join(f"• {_issue(about, key)}" for key in keys[at : at + LINES]))]


def _open_modal(about: Asking) -> list[b.Block]:
    count = len(about.release.delivers)
    if about.superseded or not about.questions:
        return []
    button = b.button(f"All {count} issues", "signoff.all", about.questions[0].request)
    return [b.actions(button, block_id=f"all-{about.questions[0].request}")]


def _ending(about: Asking) -> list[b.Block]:
    newest = about.release.candidate
    if about.superseded and newest is not None and newest.number == about.number:
        return [b.context("The scope of the release was changed; the next candidate is asked about anew.")]
    if about.superseded:
        return [b.context("A newer candidate is out; this one is no longer asked about.")]
    if not about.questions:
        return []
    due = about.questions[0].due.astimezone(UTC)
    date = f"<!date^{int(due.timestamp())}^{{date_short_pretty}} {{time}}|{due:%Y-%m-%d %H:%M} UTC>"
    return [b.context(f"due {date}")]


def page(about: Asking, number: int, viewer: Person | None) -> list[b.Block]:
    """Page `number` (from 0) of all issues in the plan's order; buttons only for what `viewer` may do now."""
    entries = [ask for ask in about.questions if ask.issue] or list(about.release.delivers)
    last = max(0, ceil(len(entries) / PAGE) - 1)
    number = min(max(number, 0), last)
    shown = entries[number * PAGE : (number + 1) * PAGE]
    place = f"{number * PAGE + 1} to {number * PAGE + len(shown)} of {len(entries)}"
    rows = [b.section(f"*{b.escape(about.title)}*"), *_counts(about), b.context(place)]
    for entry in shown:
        if isinstance(entry, str):
            rows.append(b.section(f"• {_issue(about, entry)}"))
        else:
            rows += _question(about, entry, viewer=viewer, everybody=False)
    steps = [("Previous", "previous", number - 1)] if number > 0 else []
    steps += [("Next", "next", number + 1)] if number < last else []
    if steps:
        rows.append(b.actions(*(b.button(text, f"signoff.page.{to}", str(at)) for text, to, at in steps)))
    return rows


def subject_of(about: Asking, request: str) -> str:
    """What one of its questions is about: the issue, and of which candidate."""
    issue = next((ask.issue for ask in about.questions if ask.request == request), None)
    what = named(about.release, issue) if issue else "*The release as a whole*"
    return f"{what}\n{b.escape(about.title)}"


def _facts(about: Asking) -> list[str]:
    """Where it can be tried, what the pipeline said, what changed since the last time it was asked."""
    candidate, release = about.candidate, about.release
    verified = release.verified if release.verified and release.verified.number == about.number else None
    pipeline = b.link(verified.url, "pipeline") if verified and verified.url else "pipeline"
    staging = b.link(about.project.staging_url, "staging")
    lines = [f"On {staging} runs commit `{candidate.sha[:8]}`. Its {pipeline} is green, every gate passed."]
    lines += _way_back(about)
    if not about.superseded and len(release.candidates) > 1:
        before = release.candidates[-2]
        changed = [k for k in candidate.digests if candidate.digests[k] != before.digests.get(k)]
        lines.append(f"Changed since `{before.tag}`: {_some(changed, 20) or 'none of the issues'}.")
    return [*lines, *_delta(about)]


def _way_back(about: Asking) -> Iterator[str]:
    """How long going back took when it was rehearsed, or who accepted that there is no way back."""
    for fact in (about.release.rehearsed, about.release.no_return):
        if fact is not None and fact.number == about.number:
            yield f"{b.escape(timeline.sentence(fact)).capitalize()}."


def _delta(about: Asking) -> Iterator[str]:
    """What production does not have yet: commits, their authors, files, migrations."""
    cut = about.candidate
    if not cut.commits and not cut.files_total:
        return
    authors = [*(_name(about.policy, person) for person in cut.authors), *map(b.escape, cut.strangers)]
    commits = _counted(len(cut.commits), "commit") + (f" by {_some(authors, 10)}" if authors else "")
    # A candidate of an earlier version of Conveyor tells no files.
    files = f", {_counted(cut.files_total, 'file')} changed" if cut.files_total else ""
    since = f"`{cut.since}`" if cut.since else "the version"
    yield f"Since {since} in production: {commits}{files}."
    if flagged := delta.migrations(cut.files, about.project.migrations):
        paths = [f"`{b.escape(b.cut(path.replace('`', chr(39)), 100))}`" for path in flagged]
        yield f"⚠️ {_counted(len(flagged), 'migration')}: {_some(paths, 5)}"


def _counts(about: Asking) -> list[b.Block]:
    """How many questions are how far, and by whose signatures; nothing where one answer is for all."""
    each = [ask for ask in about.questions if ask.issue]
    if not each:
        return []
    found = Counter(map(about.standing, each))
    signed = Counter(
        person for ask in each for person in {who for _, who in signoff.signers(about.release, ask.request)}
    )
    parts = [f"{_ICONS[kind]} {found[kind]} {kind}" for kind in _URGENCY if found[kind]]
    who = [f"{_name(about.policy, person)} {count}" for person, count in sorted(signed.items())]
    return [b.section(" · ".join(parts) + (f"\nsigned by {_some(who, 20)}" if who else ""))]


def _question(
    about: Asking, ask: SignOffAsked, *, viewer: Person | None = None, everybody: bool = True
) -> list[b.Block]:
    """One question, with buttons for everybody while it is open, or for what `viewer` alone may do."""
    what = _issue(about, ask.issue) if ask.issue else "*The release as a whole*"
    rows = [b.section(f"{what}\n{_state(about, ask)}")]
    open_ = not about.past and not about.overridden and about.standing(ask) is Standing.WAITING
    may_sign = may_return = open_
    if not everybody:
        may_sign = viewer is not None and _may_sign(about, ask, viewer)
        may_return = viewer is not None and _may_return(about, ask, viewer)
    buttons = [b.button("Approve", "signoff.approve", ask.request, style="primary")] if may_sign else []
    if may_return:
        buttons.append(b.button("Return for rework", "signoff.return", ask.request, style="danger"))
    if _may_leave(about, ask, viewer, everybody=everybody):
        buttons.append(without_button(ask.request))
    return [*rows, b.actions(*buttons, block_id=f"ask-{ask.request}")] if buttons else rows


def without_button(request: str) -> b.Element:
    """Leads to a release without the issue that this question is about."""
    return b.button("Release without it", "signoff.without", request)


def _may_leave(about: Asking, ask: SignOffAsked, viewer: Person | None, *, everybody: bool) -> bool:
    returned = not about.past and about.standing(ask) is Standing.RETURNED
    asks = everybody or (viewer is not None and scope_changes.speaks(viewer, about.policy))
    return returned and asks and scope_changes.may_leave(about.release, ask.issue)


def _may_sign(about: Asking, ask: SignOffAsked, viewer: Person) -> bool:
    needed = about.standing(ask) is Standing.WAITING
    return needed and signoff.may_sign(about.release, ask.request, viewer, about.policy).allowed


def _may_return(about: Asking, ask: SignOffAsked, viewer: Person) -> bool:
    return signoff.may_return(about.release, ask.request, viewer, about.policy).allowed


def _issue(about: Asking, key: str) -> str:
    """The issue by key and title, and who asked for it."""
    people = [b.escape(_known(about.policy, who)) for who in about.asked_by(key)]
    return named(about.release, key) + (f" · asked for by {_some(people, 4)}" if people else "")


def _state(about: Asking, ask: SignOffAsked) -> str:
    """The line under a question: who signed, who is missing, why it was returned, or that it is too late."""
    release = about.release
    for returned in release.returned:
        if returned.request == ask.request:
            reason = b.escape(b.cut(returned.reason, 300))
            return f"↩️ returned by {_name(about.policy, returned.person)}: {reason}"
    if about.standing(ask) is Standing.EXPIRED:
        return "⌛ not signed in time; a new candidate has to be asked about"
    if override := about.overridden:
        who = f"{_name(about.policy, override.person)} ({override.role})"
        return f"🚨 overridden by {who}: {b.escape(b.cut(override.reason, 300))}"
    given = sorted(signoff.signers(release, ask.request))
    absent = {(s.role, s.person): s.instead_of for s in release.signatures}
    signed = [_signature(about.policy, role, person, absent[role, person]) for role, person in given]
    carried = next((c for c in release.carried if c.request == ask.request), None)
    kept = f", kept from `{carried.from_sha[:8]}`: its files are unchanged" if carried else ""
    if not signoff.missing(release, ask.request, about.step):
        return f"✅ signed by {', '.join(signed)}{kept}"
    so_far = f" · signed by {', '.join(signed)}{kept}" if signed else ""
    return f"⏳ waiting for {_missing(about, ask)}{so_far}"


def _signature(policy: Policy, role: str, person: str, absent: str | None) -> str:
    return f"{_name(policy, person)} as {role}" + (f" for {_name(policy, absent)}" if absent else "")


def _missing(about: Asking, ask: SignOffAsked) -> str:
    """The roles that still lack somebody, and by name who may sign in them."""
    lacks = signoff.missing(about.release, ask.request, about.step)
    if about.past:
        return " and ".join(f"{count} {role}" for role, count in lacks.items())
    able = awaited(about.release, ask.request, about.step, about.policy)
    names = {role: [b.escape(person.name) for person in people] for role, people in able.items()}
    return "; ".join(
        f"{count} {role}: {_some(names[role], 6, ' or ') or 'nobody of that role may sign it'}"
        for role, count in lacks.items()
    )


def _some(names: Sequence[str], most: int, between: str = ", ") -> str:
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return between.join(chain(names[:most], more))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _known(policy: Policy, who: Requester) -> str:
    person = policy.person(who.person)
    return person.name if person else who.called


def _name(policy: Policy, person_id: str) -> str:
    person = policy.person(person_id)
    return b.escape(person.name if person else person_id)
