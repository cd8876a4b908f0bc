"""Messages in Slack that must stand once: posted by key, found again after a crash, edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect import task
from pydantic import BaseModel

from integrations.errors import NotFound
from integrations.slack.blocks import Block
from tasks.context import ledger, slack
from tasks.effects import RETRY, done, once


class Post(BaseModel):
    """Where a message stands. `ts` is Slack's own text, never a number."""

    channel_id: str
    ts: str


class Content(BaseModel):
    """What a message says: `text` for notifications and screen readers, `blocks` for the eye."""

    text: str
    blocks: list[Block] = []


@task(task_run_name="Slack: {title}", **RETRY)
def post(
    title: str,  # noqa: ARG001  the task run's name
    channel_id: str,
    content: Content,
    op_key: str,
    *,
    subject: str,
    thread_ts: str | None = None,
) -> Post:
    """Post the message once; after a crash it is found by its key in the channel's history."""

    def look(intended_at: datetime) -> dict[str, object] | None:
        oldest = intended_at - timedelta(minutes=2)
        found = slack().find_message(channel_id, op_key, oldest, thread_ts)
        return None if found is None else {"channel_id": found.channel_id, "ts": found.ts}

    def act() -> dict[str, object]:
        sent = slack().post(channel_id, content.text, content.blocks, op_key=op_key, thread_ts=thread_ts)
        ledger().project(op_key, content.model_dump_json(), datetime.now(UTC))
        return {"channel_id": sent.channel_id, "ts": sent.ts}

    outcome = once(
        op_key,
        subject=subject,
        kind="message",
        request={"channel_id": channel_id, "text": content.text},
        look=look,
        act=act,
    )
    return Post.model_validate(outcome)


@task(task_run_name="Slack: {title}", **RETRY)
def post_direct(
    title: str,  # noqa: ARG001  the task run's name
    user_id: str,
    content: Content,
    op_key: str,
    *,
    subject: str,
) -> Post:
    """Post to one person, once."""
    channel_id = slack().direct_channel(user_id)
    return post.fn("", channel_id, content, op_key, subject=subject)


def posted(op_key: str) -> Post | None:
    """Where the message of that key stands, if the ledger knows that it was posted."""
    outcome = done(op_key)
    return None if outcome is None else Post.model_validate(outcome)


def edit(op_key: str, content: Content) -> bool:
    """Replace the message's content; False if it was never posted or is gone. A repeat is harmless."""
    where = posted(op_key)
    if where is None:
        return False
    try:
        slack().update(where.channel_id, where.ts, content.text, content.blocks)
    except NotFound:
        return False
    return True


def edit_if_changed(op_key: str, content: Content) -> bool:
    """Edit only what reads differently from what we last made it say: silence costs Slack nothing.

    Two processes may edit at once and the staler may come last; the next look sees that and mends it.
    """
    said = content.model_dump_json()
    if ledger().projection(op_key) == said or not edit(op_key, content):
        return False
    ledger().project(op_key, said, datetime.now(UTC))
    return True


def whisper(channel_id: str, user_id: str, text: str, blocks: Sequence[Block] = ()) -> None:
    """Tell one person in the channel, seen by nobody else."""
    slack().ephemeral(channel_id, user_id, text, blocks)
