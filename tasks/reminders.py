"""What people hear while a sign-off waits: reminders, deputies asked, a time that is over, an override.

The facts say whom it concerns; here each is said once. Nobody is told of what they have signed meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import NamedTuple

from prefect import task

from integrations.errors import Terminal
from integrations.slack import blocks as b
from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import signoff
from lifecycle.policy import Project, Step
from lifecycle.release import Release
from tasks import issues, posts, release_messages
from tasks.context import ledger, policy
from tasks.effects import RETRY, done

log = logging.getLogger(__name__)


class _About(NamedTuple):
    """The step of a release that waits."""

    subject: str
    release: Release
    project: Project
    step: Step
    number: int

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.step.title} of {self.project.name} {self.release.plan.version}"

    def key(self, *what: object) -> str:
        """The key of one message about it."""
        return ":".join(map(str, (self.subject, "waits", self.step.id, self.number, *what)))


@dataclass(frozen=True)
class _Message:
    """Something to say once: `key` names it, `say` says it."""

    key: str
    say: Callable[[], object]


def tell(subject: str, step_id: str, number: int) -> None:
    """Say everything about this step that is on record and was not said yet; a repeat says nothing."""
    if any(done(message.key) is None for message in _messages(_about(subject, step_id, number))):
        say(subject, step_id, number)


@task(task_run_name="tell people of {step_id}, candidate {number}", **RETRY)
def say(subject: str, step_id: str, number: int) -> None:
    """What `tell` found unsaid; each message is posted once however often this is tried.

    Whom Slack does not know, or does not let us write to, is in the way of nobody: the next walk tries again.
    """
    for message in _messages(_about(subject, step_id, number)):
        if done(message.key) is None:
            try:
                message.say()
            except Terminal as error:
                log.warning("%s: not told: %s", message.key, error)


def _about(subject: str, step_id: str, number: int) -> _About:
    release = rules.fold(e.parse(event.data) for event in ledger().events(subject))
    if release is None:
        raise KeyError(f"the ledger knows no {subject}")
    step = next(step for step in policy().steps if step.id == step_id)
    return _About(subject, release, policy().project(release.plan.project), step, number)


def _messages(about: _About) -> Iterator[_Message]:
    waits = signoff.awaited(about.release, about.step, policy())
    here = (about.step.id, about.number)
    for fact in about.release.reminded:
        if (fact.step, fact.number) == here and fact.person in waits:
            key = about.key("reminded", fact.rung, fact.person)
            yield _direct(key, about, fact.person, "still waits for", waits[fact.person])
    for fact in about.release.deputies:
        if (fact.step, fact.number) == here and fact.deputy in waits:
            says = f"was not signed by {_name(fact.person)} in time; as the deputy it waits for"
            yield _direct(about.key("deputy", fact.person), about, fact.deputy, says, waits[fact.deputy])
    yield from _expired(about)
    yield from _overridden(about)


def _direct(
    key: str, about: _About, person_id: str, says: str, waiting: tuple[e.SignOffAsked, ...]
) -> _Message:
    """A direct message; for a person without Slack it goes to whoever looks after them."""
    person = policy().person(person_id)
    to = person if person and person.slack else policy().keeper
    whom = "you" if to is person else _name(person_id)
    what = ", ".join(ask.issue or "the release as a whole" for ask in waiting[:20])
    more = f" and {len(waiting) - 20} more" if len(waiting) > 20 else ""
    due = min(ask.due for ask in waiting).astimezone(UTC)
    date = f"<!date^{int(due.timestamp())}^{{date_short_pretty}} {{time}}|{due:%Y-%m-%d %H:%M} UTC>"
    text = f"{about.title} {says} {whom}"
    rows = [
        b.section(
            f"⏰ *{b.escape(text)}*\n{b.escape(what)}{more}, due {date}, in <#{about.project.channel}>."
        )
    ]
    content = posts.Content(text=text, blocks=rows)
    account = to.slack if to else ""
    return _Message(
        key, lambda: posts.post_direct.fn("reminder", account, content, key, subject=about.subject)
    )


def _name(person_id: str) -> str:
    person = policy().person(person_id)
    return person.name if person else person_id


def _expired(about: _About) -> Iterator[_Message]:
    asks = [a for a in about.release.asked if (a.step, a.number) == (about.step.id, about.number)]
    gone = [a.issue or "the release" for a in asks if about.release.is_expired(a.request)]
    if gone:
        said = f"{about.title}: nobody signed {', '.join(gone[:20])} in time"
        lines = [
            "It can no longer be signed. `conveyor release candidate` asks anew; signatures on files that "
            "have not changed are kept."
        ]
        yield _news(about.key("expired", len(gone)), about, "⌛", said, lines)


def _overridden(about: _About) -> Iterator[_Message]:
    """Nobody shall have to look for an override: the channel and every issue say it."""
    override = about.release.override(about.step.id)
    if override is None:
        return
    said = f"{about.title} was overridden by {_name(override.person)} ({override.role}): {override.reason}"
    yield _news(about.key("overridden"), about, "🚨", said, [])
    for issue in about.release.delivers:
        key = about.key("overridden", issue)
        yield _Message(key, partial(issues.comment.fn, issue, said, key, subject=about.subject))


def _news(key: str, about: _About, icon: str, said: str, lines: list[str]) -> _Message:
    content = release_messages.news(icon, said, lines)
    channel = about.project.channel
    return _Message(key, lambda: posts.post.fn("news", channel, content, key, subject=about.subject))
