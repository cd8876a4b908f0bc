"""What people hear while a review waits: that it is late, and that a deputy may take part. Each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from prefect import task

from integrations.slack import blocks as b
from lifecycle import review
from lifecycle.policy import Person, Policy
from tasks import planning_messages, posts
from tasks.context import ledger, policy
from tasks.effects import RETRY, done


class _Note(NamedTuple):
    key: str
    text: str


def tell(stream: str) -> None:
    """Say in the review's thread everything that is on record and was not said yet; a repeat says nothing."""
    if any(done(note.key) is None for note in _notes(stream)):
        say(stream)


@task(task_run_name="remind people of {stream}", **RETRY)
def say(stream: str) -> None:
    """What `tell` found unsaid; each note is posted once however often this is tried."""
    where = posts.posted(planning_messages.message_key(stream))
    for note in _notes(stream):
        if where is not None and done(note.key) is None:
            content = posts.Content(text=note.text, blocks=[b.section(note.text)])
            posts.post.fn("reminder", where.channel_id, content, note.key, subject=stream, thread_ts=where.ts)


def _notes(stream: str) -> Iterator[_Note]:
    state = review.fold(review.parse(event.data) for event in ledger().events(stream))
    rules = policy()
    for fact in state.reminded:
        yield _Note(f"{stream}:reminded:{fact.person}", _reminder(rules, fact.person))
    for asked in state.deputies:
        deputy, person = rules.person(asked.deputy), rules.person(asked.person)
        if deputy is not None and person is not None:
            who = b.escape(person.name)
            text = (
                f"⏰ {_called(deputy)}: the weekly review waits for {who}; as their deputy you may take part."
            )
            yield _Note(f"{stream}:deputy:{asked.person}", text)


def _reminder(rules: Policy, person_id: str) -> str:
    person = rules.person(person_id)
    if person is None:
        return "⏰ The weekly review is still open; everybody has taken part, it can be closed."
    roles = [role for role in rules.review.roles if role in person.roles]
    return f"⏰ {_called(person)}: the weekly review still waits for you as {' and '.join(roles)}."


def _called(person: Person) -> str:
    return b.mention(person.slack) if person.slack else b.escape(person.name)
