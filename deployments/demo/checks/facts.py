"""What the checks are given, and what they give back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx

if TYPE_CHECKING:
    from deployments.demo.checks.outside import Outside


@dataclass(frozen=True)
class Account:
    """One person's way into the vendors: the e-mail is Jira's login, the token is valid at all three."""

    name: str
    email: str
    token: str


def _conveyor() -> tuple[str, ...]:
    return (str(Path(sys.executable).with_name("conveyor")),)


@dataclass(frozen=True)
class Facts:
    """Where to look, and what the story's people did. Nothing here comes from Conveyor itself.

    `people` by slug. `keys` are Jira's keys by the story's names: `gift`, `search`, `again` (the duplicate
    of `gift`), `sales` (which is taken out of the release), `incident`; `titles` are the summaries of all but
    the last. `deferred` are the issues that a
    person put off in the review. `environment` is what the command `conveyor` is run with.
    """

    jira_url: str
    gitlab_url: str
    slack_url: str
    staging_url: str
    production_url: str
    prefect_api_url: str
    people: Mapping[str, Account]
    keys: Mapping[str, str]
    titles: Mapping[str, str]
    deferred: tuple[str, ...]
    return_reason: str
    removal_reason: str
    lock_reason: str
    environment: Mapping[str, str]
    conveyor: tuple[str, ...] = ()
    gitlab_project: str = "shop/shop"
    jira_project: str = "SHOP"
    product: str = "Shop"
    first: str = "1.3.0"
    release: str = "1.4.0"
    hotfix: str = "1.4.1"

    def command(self) -> tuple[str, ...]:
        """How `conveyor` is called: beside this Python unless said otherwise."""
        return self.conveyor or _conveyor()

    def candidate(self, number: int) -> str:
        """The tag of the release's candidate `number`."""
        return f"{self.release}-rc.{number}"

    @property
    def hotfix_candidate(self) -> str:
        """The tag of the hotfix's one candidate."""
        return f"{self.hotfix}-rc.1"


class Finding(NamedTuple):
    """What a check looked for and what was there. It holds if they read alike, unless `ok` says otherwise."""

    expected: str
    seen: str
    ok: bool | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. `seen` is what was really there, also when that is wrong."""

    id: str
    system: str
    expected: str
    seen: str
    ok: bool


FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
    httpx.HTTPError,
    subprocess.SubprocessError,
)
"""What reading can come to, of a world that is not as it should be."""


@dataclass(frozen=True)
class Check:
    """One thing that must be so; called with the outside, it tells a row, whatever it sees."""

    id: str
    system: str
    look: Callable[[Outside], Finding]

    def __call__(self, outside: Outside) -> Row:
        """Look; a look that fails is a red row that says why."""
        try:
            found = self.look(outside)
        except FAILURES as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return Row(self.id, self.system, _promise(self.look), said, ok=False)
        ok = found.expected == found.seen if found.ok is None else found.ok
        return Row(self.id, self.system, found.expected, found.seen, ok)


def _promise(look: Callable[..., Finding]) -> str:
    """What a look was to find, in its own words."""
    text = (getattr(look, "func", look).__doc__ or "").strip()
    return text.partition("\n")[0]
