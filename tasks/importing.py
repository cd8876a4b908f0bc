"""Requests of a file become Jira issues, by the core of every other door; see `tasks.requests`.

The team hears of a file by one message in the planning channel, which is edited as the rows come in. Who
asked is not answered: only the one who imports is there to be told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from integrations.errors import IntegrationError, Transient
from lifecycle import backlog
from lifecycle.requests import Ask, one_line, opaque
from tasks import import_message, mirror, posts, requests
from tasks.backlog import request_of
from tasks.context import jira, ledger, policy, slack
from tasks.effects import done

T = TypeVar("T")

_TRIES = 6
_LONGEST_S = 30.0
_TOLD_EVERY_S = 3.0


def _whole(ask: Ask) -> str:
    """Where it is kept by which import everything of this row was made."""
    return f"import:{ask.origin}"


def known(ask: Ask) -> str:
    """The key of the issue that this row became before, "" if it did not."""
    made = done(requests.creation(ask))
    return str(made["key"]) if made else ""


def changed(ask: Ask) -> str:
    """Why this row is not the one that came in under its id before; "" if it is, or is new."""
    key = known(ask)
    for received in request_of(key).received if key else ():
        if received.origin == ask.origin and received.title != one_line(ask.title):
            return f"its id came in before, as {key} “{received.title}”: give it another id"
    return ""


class Imported(NamedTuple):
    """What became of a row: its issue, and the keys of the earlier requests that read alike."""

    key: str
    url: str
    alike: tuple[str, ...]


class Import:
    """One file on its way into a project. The same file again makes what is missing, also of its message.

    Every method raises:
        Terminal: a vendor refuses; a person has to change something.
        Transient: a vendor does not answer, after several tries.
    """

    def __init__(
        self, project_id: str, file: str, asks: Sequence[Ask], pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._project = policy().project(project_id)
        self._pause = pause
        self._op_key = f"import:{project_id}:{opaque(*sorted(ask.origin for ask in asks))}"
        self._state = import_message.Progress(
            file=file, project=self._project.name, total=len(asks), url=jira().browse_url
        )
        self._before = {ask.origin: was for ask in asks if (was := self._earlier(ask))}
        self._wanted = len(self._before) < len(asks)
        self._link: tuple[str, str] = ("", "")
        self._told_at = time.monotonic()

    def _earlier(self, ask: Ask) -> Imported | None:
        """What became of a row that is whole already, which the message then says from the start."""
        here = ledger().projection(_whole(ask))
        return None if here is None else self._noted(ask, known(ask), here)

    def begin(self) -> None:
        """Post the message before anything is made, and read of Jira what the rows are compared with.

        Of a file with nothing new nobody hears.
        """
        if not self._wanted:
            return
        content = import_message.content(self._state)
        subject = backlog.stream(self._project.id)
        where = self._patiently(
            lambda: posts.post.fn("import", policy().review.channel, content, self._op_key, subject=subject)
        )
        url = self._patiently(lambda: slack().permalink(where.channel_id, where.ts))
        self._link = (f"slack:{where.channel_id}:{where.ts}", url)
        self._patiently(lambda: mirror.refresh(self._project, datetime.now(UTC)))

    def bring_in(self, ask: Ask) -> Imported:
        """Make one request of the ask. A repeat makes what is missing."""
        if ask.origin in self._before:
            return self._before[ask.origin]
        key = self._patiently(lambda: requests.take_in.fn(self._project.id, ask))
        self._patiently(lambda: requests.mark.fn(key))
        self._patiently(lambda: requests.compare.fn(key))
        id_, url = self._link
        self._patiently(lambda: jira().remote_link(key, id_, url, requests.PLANNED_THERE))
        ledger().project(_whole(ask), self._op_key, datetime.now(UTC))
        found = self._noted(ask, key, self._op_key)
        self._tell_now_and_then()
        return found

    def _noted(self, ask: Ask, key: str, op_key: str) -> Imported:
        alike = request_of(key).alike
        row = import_message.Row(key, one_line(ask.title), alike)
        self._state.add(row, here=op_key == self._op_key)
        return Imported(key, jira().browse_url(key), tuple(found.other for found in alike))

    def stopped(self, row: int, error: IntegrationError) -> None:
        """Say in the message where it broke, if Slack takes that; running the file again mends it."""
        self._state.stopped = f"stopped at row {row}: {error}"
        with suppress(IntegrationError):
            self._tell()

    def end(self) -> None:
        """Make the message say that all rows are in."""
        self._patiently(self._tell)

    def _tell_now_and_then(self) -> None:
        if time.monotonic() - self._told_at >= _TOLD_EVERY_S:
            with suppress(IntegrationError):
                self._tell()
            self._told_at = time.monotonic()

    def _tell(self) -> None:
        posts.edit_if_changed(self._op_key, import_message.content(self._state))

    def _patiently(self, step: Callable[[], T]) -> T:
        """Take a step that may be repeated, again after a pause where the vendor says "later"."""
        for number in range(_TRIES - 1):
            try:
                return step()
            except Transient as error:
                self._pause(min(error.retry_after_s or 2.0**number / 2, _LONGEST_S))
        return step()
