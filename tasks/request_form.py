"""The form of `/request` and of the message shortcut: what it shows, and what somebody wrote into it.

Its private metadata is "channel ts": where the person stood, and the message that they used the shortcut on
("" for the command). One open form is one request: Slack gives each form an id of its own, so that a form
sent twice asks once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from integrations.slack import blocks as b
from integrations.slack.events import ViewSubmission
from lifecycle import requests
from lifecycle.policy import Policy

FORM = "request.form"
SHORTCUT = "request.from_message"
TITLE, TEXT, PROJECT = "title", "text", "project"

_WRITTEN = "written"
_LONGEST = 3000
"""What Slack lets people write into one field."""


class Filled(NamedTuple):
    """What was sent off. `channel` and `message_ts` say where the person stood."""

    title: str
    text: str
    project: str
    channel: str
    message_ts: str


def view(rules: Policy, channel: str, message_ts: str = "", text: str = "") -> b.View:
    """The form, filled with the `text` of a message (as Slack writes it) if it is about one."""
    said = b.readable(text).strip()
    first = next(iter(said.splitlines()), "")
    title = b.text_input(_WRITTEN, initial=requests.one_line(first), max_length=requests.TITLE_LENGTH)
    body = b.text_input(_WRITTEN, multiline=True, initial=said, max_length=_LONGEST)
    rows = [
        b.input_block(TITLE, "What do you wish for?", title, hint="In a few words"),
        b.input_block(TEXT, "Description", body, hint="What for, and how you would see it", optional=True),
    ]
    if len(rules.projects) > 1:
        rows.append(b.input_block(PROJECT, "Project", _projects(rules, channel)))
    return b.modal(
        "New request",
        rows,
        callback_id=FORM,
        submit="Send",
        close="Cancel",
        private_metadata=f"{channel} {message_ts}",
    )


def _projects(rules: Policy, channel: str) -> b.Element:
    options = {project.id: b.option(project.name, project.id) for project in rules.projects}
    here = next((project for project in rules.projects if project.channel == channel), rules.projects[0])
    return b.select(_WRITTEN, list(options.values()), initial=options[here.id])


def read(event: ViewSubmission, rules: Policy) -> Filled:
    """What the form says; without a choice the project is that of the channel, else the first."""
    channel, message_ts, *_ = [*event.private_metadata.split(" "), "", ""]
    here = next((project for project in rules.projects if project.channel == channel), rules.projects[0])
    return Filled(
        title=requests.one_line(_field(event, TITLE)),
        text=_field(event, TEXT).strip(),
        project=_field(event, PROJECT) or here.id,
        channel=channel,
        message_ts=message_ts,
    )


def _field(event: ViewSubmission, name: str) -> str:
    return str(event.values.get(name, {}).get(_WRITTEN, ""))


def errors(filled: Filled, rules: Policy) -> Mapping[str, str]:
    """What has to be mended before it is a request, by the field under which it is said."""
    found: dict[str, str] = {}
    if not filled.title:
        found[TITLE] = "Say in a few words what you wish for."
    if filled.project not in {project.id for project in rules.projects}:
        found[PROJECT] = "This project is not there any more: open the form again."
    return found
