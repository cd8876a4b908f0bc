"""Asking for sign-offs, and keeping the messages that ask true."""

from __future__ import annotations

from collections.abc import Iterator

from prefect import task

from integrations import links
from integrations.errors import Refused
from lifecycle.policy import Policy, Step
from lifecycle.release import Release
from tasks import folding, posts, release_messages, signoff_facts, signoff_messages
from tasks.context import ledger, policy
from tasks.effects import RETRY


def _load(subject: str) -> Release | None:
    return folding.release_of(subject)


def _step(step_id: str) -> Step:
    return next(step for step in policy().steps if step.id == step_id)


@task(task_run_name="ask for sign-off {step_id} of candidate {number}", **RETRY)
def ask(subject: str, step_id: str, number: int) -> None:
    """Post the step's message, once, and hand out links to those who decide without Slack."""
    release = _load(subject)
    if release is None:
        return
    step, project = _step(step_id), policy().project(release.plan.project)
    posts.post.fn(
        step.title,
        project.channel,
        signoff_messages.message(signoff_facts.asking(release, step_id, number)),
        signoff_messages.ask_key(subject, step_id, number),
        subject=subject,
    )
    if step.by_link:
        _hand_out_links(subject, release, step, policy())


def _hand_out_links(subject: str, release: Release, step: Step, rules_: Policy) -> None:
    project = rules_.project(release.plan.project)
    keeper = rules_.keeper
    if keeper is None:
        raise Refused("slack", "hand out links of", step.id, detail="nobody in the people file has Slack")
    for question in release.asked_now(step.id):
        for role in step.quorum:
            for person in rules_.with_role(role):
                address = links.url(links.Link(person.id, question.request))
                content = release_messages.client_link(
                    project, release.plan.version, person.name, address, project.staging_url
                )
                key = f"{subject}:link:{question.request}:{person.id}"
                posts.post_direct.fn("link", keeper.slack, content, key, subject=subject)


def refresh(subject: str) -> int:
    """Make every sign-off message of the release say what the ledger says; how many were edited.

    Called right after a decision, so that the name appears at once, and by every walk. A repeat is
    harmless: the content is made anew from the ledger.
    """
    return sum(posts.edit_if_changed(key, content) for key, content in _messages(subject))


def stale(subject: str) -> bool:
    """Some sign-off message of the release says something else than the ledger."""
    return any(
        posts.posted(key) is not None and ledger().projection(key) != content.model_dump_json()
        for key, content in _messages(subject)
    )


def _messages(subject: str) -> Iterator[tuple[str, posts.Content]]:
    release = _load(subject)
    if release is None:
        return
    for step_id, number in sorted({(a.step, a.number) for a in release.asked}):
        content = signoff_messages.message(signoff_facts.asking(release, step_id, number))
        yield signoff_messages.ask_key(subject, step_id, number), content
