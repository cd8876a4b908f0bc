"""A short story: one request, one release, every sign-off, production, a watch, an answer.

Its people see what Slack and the browser show them. Where an app does not answer they try again, as
people do.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from deployments.demo.people import Person
from deployments.demo.waiting import eventually
from deployments.stack import ROOT
from tests.faults.town import Town

PATIENCE_S = 150.0
"""How long anybody waits for one thing to happen; a crash on a loaded machine included."""


@dataclass(frozen=True)
class Tale:
    """What tells one story from another in the same town."""

    number: int
    key: str

    @property
    def version(self) -> str:
        """The release's version."""
        return f"1.{3 + self.number}.0"

    @property
    def stream(self) -> str:
        """The release's stream in the ledger."""
        return f"release:shop:{self.version}"


def begin(town: Town, number: int) -> Tale:
    """Gerd asks for something, Olli plans a release with it, without a review."""
    tale = Tale(number, town.people["gerd"].file_issue(_title(number), "As we said.", ["request"]))
    started = _conveyor(
        town, "release", "start", tale.version, "--project", "shop", "--issues", tale.key, "--as", "olli"
    )
    assert started.returncode == 0, started.stderr or started.stdout
    return tale


def go_on(town: Town, tale: Tale) -> None:
    """Develop it, sign it off, see it in production, answer."""
    people = town.people
    develop(people["dora"], tale)
    _press(people["quinn"], "signoff.approve", tale.key)
    _press(people["mara"], "signoff.approve", f"Manager's check of staging: Shop {tale.version}-rc.1")
    _consent(people["mara"], people["clara"], tale)
    _press(people["gerd"], "signoff.approve", f"Management's approval: Shop {tale.version}-rc.1")
    people["olli"].sees(f"Shop {tale.version}: the watch ended healthy", PATIENCE_S)
    _press(people["gerd"], "feedback.solved", tale.key)
    people["olli"].sees(f"Shop {tale.version} is closed", PATIENCE_S)


def _title(number: int) -> str:
    return f"Say something nice, number {number}"


def _conveyor(town: Town, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("conveyor")), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=town.stack.environment(), capture_output=True, text=True, check=False
    )


def develop(dora: Person, tale: Tale) -> None:
    """Dora's branch, her merge request, and its merge once it is green."""
    branch = f"{tale.key}-nice"
    dora.branch(branch, "main")
    note = f"changes/{tale.key}.md"

    def write(copy: Path) -> None:
        (copy / note).parent.mkdir(exist_ok=True)
        (copy / note).write_text(f"- Something nice, number {tale.number}.\n")

    dora.push(f"{tale.key} Say something nice", write)
    iid = dora.open_merge_request(branch, "main", f"{tale.key} Say something nice")
    dora.wait_for_status(tale.key, "Code Review", PATIENCE_S)
    dora.merge_when_green(iid, PATIENCE_S)


def _press(person: Person, action: str, about: str) -> None:
    """Press the button; again while Slack says that the app did not respond and the button is still there."""

    def has_it() -> bool:
        return next(person.buttons(action, about), None) is not None

    def pressed() -> bool:
        if not has_it():
            return True  # it was taken, though Slack did not hear so
        try:
            return not person.press(action, about, within_s=1)["error_shown"]
        except httpx.HTTPStatusError as gone:
            return gone.response.status_code == httpx.codes.CONFLICT

    eventually(f"{person.name} sees {action} on {about}", has_it, PATIENCE_S)
    eventually(f"{person.name} presses {action} on {about}", pressed, PATIENCE_S)


def _consent(mara: Person, clara: Person, tale: Tale) -> None:
    """Mara hands on the client's link; Clara opens it, sees what is new, agrees."""
    message = mara.sees(f"decides on Shop {tale.version}", PATIENCE_S)
    found = re.search(r"https?://[^|>\s\"]+/decide/[^|>\s\"]+", str(message))
    assert found is not None, "no link in the message"
    address = found[0]
    page = eventually("Clara's page", lambda: _answered(lambda: clara.open_page(address)), PATIENCE_S)
    assert _title(tale.number) in page
    form = {"verb": "approve", "comment": ""}
    eventually("Clara agrees", lambda: _answered(lambda: clara.send_form(address, form)), PATIENCE_S)


def _answered(ask: Callable[[], str]) -> str | None:
    """What the page says; None while the site cannot be reached. Sent twice it says that it was decided."""
    try:
        return ask()
    except httpx.TransportError:
        return None
    except httpx.HTTPStatusError as error:
        if error.response.status_code >= 500:
            return None
        if error.response.status_code == httpx.codes.CONFLICT:
            return error.response.text
        raise
