"""The workspace in memory: people, channels, messages, views, and the short-lived keys Slack hands out.

Everything here is called with `Workspace.lock` held; nothing here does I/O.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.people import SandboxPerson
from integrations.sandbox.slack.files import File

Json = dict[str, Any]

TRIGGER_S = 3.0
RESPONSE_URL_S = 30 * 60.0
RESPONSE_URL_USES = 5


class SlackFault(Exception):
    """`ok: false`, with Slack's own code and what else the answer says."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True)
class User:
    """An account; `handle` is the name in lower case, as Slack's `name`."""

    id: str
    person_id: str
    name: str
    email: str
    tz: str
    is_bot: bool
    deleted: bool = False

    @property
    def handle(self) -> str:
        return self.person_id.lower()


@dataclass
class Message:
    """One message. `ephemeral_for` names the one person who sees it; Slack's API never shows those."""

    ts: str
    user_id: str
    text: str
    blocks: list[Json]
    bot: bool = False
    metadata: Json | None = None
    thread_ts: str = ""
    broadcast: bool = False
    edited_ts: str = ""
    ephemeral_for: str = ""
    files: list[File] = field(default_factory=list[File])
    reactions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    #: What people have put into the message's own inputs and menus: {block_id: {action_id: state}}
    inputs: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])

    @property
    def is_reply(self) -> bool:
        return bool(self.thread_ts) and self.thread_ts != self.ts


@dataclass
class Channel:
    """A channel, or with `direct` the conversation of two."""

    id: str
    name: str
    created: int
    members: list[str]
    direct: bool = False
    topic: str = ""
    messages: list[Message] = field(default_factory=list[Message])
    read: dict[str, str] = field(default_factory=dict[str, str])

    def find(self, ts: str) -> Message | None:
        return next((message for message in self.messages if message.ts == ts), None)

    def replies(self, ts: str) -> list[Message]:
        return [m for m in self.messages if m.thread_ts == ts and m.is_reply and not m.ephemeral_for]


@dataclass
class UserGroup:
    """People who are mentioned together."""

    id: str
    handle: str
    created: int
    updated: int
    members: list[str]


@dataclass
class OpenView:
    """A modal in front of one person, or (`kind` "home") their App Home."""

    id: str
    kind: str
    user_id: str
    view: Json
    hash: str
    root_id: str
    previous_id: str = ""
    errors: dict[str, str] = field(default_factory=dict[str, str])
    inputs: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])


@dataclass
class Trigger:
    user_id: str
    expires: float
    view_id: str = ""
    used: bool = False


@dataclass
class ResponseUrl:
    channel_id: str
    user_id: str
    expires: float
    message_ts: str = ""
    uses: int = 0


class Workspace:
    """All that the sandbox's Slack knows. `revision` grows with every change that a person could see."""

    def __init__(
        self,
        people: Sequence[SandboxPerson],
        channels: Mapping[str, Sequence[str]],
        team_id: str,
        clock: Callable[[], float],
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.team_id = team_id
        self.url = ""
        self.revision = 0
        self.users = {
            person.slack_id: User(
                person.slack_id,
                person.id,
                person.name,
                person.email,
                "Etc/UTC",
                person.is_bot,
                deleted=not person.active,
            )
            for person in people
            if person.in_slack
        }
        self._last_ts = 0
        self._serial = 0
        by_person = {user.person_id: user.id for user in self.users.values()}
        bots = [user for user in self.users.values() if user.is_bot]
        self.bot = bots[0] if bots else self._extra_bot()
        self.channels: dict[str, Channel] = {}
        for name, members in channels.items():
            ids = [by_person[person_id] for person_id in members if person_id in by_person]
            if self.bot.id not in ids:
                ids.append(self.bot.id)
            self.add_channel(name, ids)
        self.views: dict[str, OpenView] = {}
        self.homes: dict[str, OpenView] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.tickets: set[str] = set()
        self.files: dict[str, File] = {}
        #: None: a free plan, which has no user groups.
        self.groups: dict[str, UserGroup] | None = None

    def _extra_bot(self) -> User:
        bot = User("U0CONVEYOR", "conveyor", "Conveyor", "", "Etc/UTC", is_bot=True)
        self.users[bot.id] = bot
        return bot

    def touch(self) -> None:
        self.revision += 1

    def new_id(self, prefix: str) -> str:
        """An id such as Slack's: a letter for the kind, then capitals and digits; the same in every run."""
        self._serial += 1
        return f"{prefix}0SBX{self._serial:06d}"

    def new_ts(self) -> str:
        """A `ts` that no other message of the workspace has, in the order of posting."""
        now = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        self._last_ts = now
        return f"{now // 1_000_000}.{now % 1_000_000:06d}"

    def add_channel(self, name: str, members: list[str], *, direct: bool = False) -> Channel:
        prefix = "D" if direct else "C"
        channel = Channel(self.new_id(prefix), name, int(self.clock()), members, direct)
        self.channels[channel.id] = channel
        return channel

    def channel(self, channel_id: str) -> Channel:
        """The channel of this id (or, as in chat.postMessage, of this name)."""
        found = self.channels.get(channel_id)
        if found is None:
            name = channel_id.removeprefix("#")
            found = next((c for c in self.channels.values() if c.name == name and not c.direct), None)
        if found is None:
            raise SlackFault("channel_not_found")
        return found

    def direct(self, one: str, other: str) -> Channel:
        """The conversation of these two, opened if there is none."""
        for channel in self.channels.values():
            if channel.direct and set(channel.members) == {one, other}:
                return channel
        self.touch()
        return self.add_channel("", [one, other], direct=True)

    def user(self, user_id: str) -> User:
        if user_id not in self.users:
            raise SlackFault("user_not_found")
        return self.users[user_id]

    def person(self, person_id: str) -> User | None:
        return next((user for user in self.users.values() if user.person_id == person_id), None)

    def visible(self, channel: Channel, user_id: str) -> Iterator[Message]:
        """What this person sees there, replies included."""
        return (m for m in channel.messages if m.ephemeral_for in ("", user_id))

    def unread(self, channel: Channel, user_id: str) -> int:
        since = channel.read.get(user_id, "")
        return sum(m.ts > since and m.user_id != user_id for m in self.visible(channel, user_id))

    def add_message(self, channel: Channel, message: Message) -> Message:
        channel.messages.append(message)
        self.touch()
        return message

    def group(self, handle: str) -> UserGroup:
        """The user group of that handle; made if there is none, and then the plan is a paid one."""
        self.groups = self.groups or {}
        for group in self.groups.values():
            if group.handle == handle:
                return group
        now = int(self.clock())
        made = UserGroup(self.new_id("S"), handle, now, now, [])
        self.groups[made.id] = made
        return made

    def new_ticket(self) -> str:
        """Lets in one connection of Socket Mode."""
        ticket = secrets.token_hex(16)
        self.tickets.add(ticket)
        return ticket

    def use_ticket(self, ticket: str) -> bool:
        """Whether it was good; it is no more."""
        with self.lock:
            if ticket not in self.tickets:
                return False
            self.tickets.remove(ticket)
            return True

    def new_trigger(self, user_id: str, view_id: str = "") -> str:
        key = f"{self.new_ts().replace('.', '')}.{secrets.token_hex(16)}"
        self.triggers[key] = Trigger(user_id, self.clock() + TRIGGER_S, view_id)
        return key

    def use_trigger(self, key: str) -> Trigger:
        """The trigger of this id, which cannot be used again."""
        trigger = self.triggers.get(key)
        if trigger is None:
            raise SlackFault("invalid_trigger_id" if key else "invalid_arguments")
        if trigger.used:
            raise SlackFault("exchanged_trigger_id")
        if self.clock() > trigger.expires:
            raise SlackFault("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_response_url(self, channel_id: str, user_id: str, message_ts: str = "") -> str:
        """The path of a new response URL."""
        key = secrets.token_urlsafe(18)
        expires = self.clock() + RESPONSE_URL_S
        self.response_urls[key] = ResponseUrl(channel_id, user_id, expires, message_ts)
        return f"/response/{self.team_id}/{key}"

    def open_views(self, user_id: str) -> list[OpenView]:
        """This person's modals, the topmost last."""
        return [view for view in self.views.values() if view.user_id == user_id]

    def close_view(self, view_id: str, *, whole_stack: bool = False) -> None:
        closing = self.views.get(view_id)
        if closing is None:
            return
        if whole_stack:
            for view in self.open_views(closing.user_id):
                if view.root_id == closing.root_id:
                    del self.views[view.id]
        else:
            del self.views[view_id]
        self.touch()
