"""`conveyor demo`: run the scenario, check everything from outside, say what was seen."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from deployments.demo import scenario
from deployments.demo.report import conclude
from deployments.demo.scenario import Story
from deployments.demo.waiting import TooLate, eventually
from deployments.demo.world import World
from deployments.stack import ROOT
from integrations.errors import IntegrationError
from integrations.sandbox.http import LOOPBACK


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    json: Path | None = None
    stay: bool = False
    backlog: Path | None = None
    home: Path | None = None
    jira: str = "cloud"


class Teller:
    """Tells the story as it goes, each line with the seconds since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def tell(self, line: str) -> None:
        """One line."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/dim]  {line}", highlight=False)

    def chapter(self, title: str) -> None:
        """A new chapter."""
        self._console.print(f"\n[bold cyan]{title}[/bold cyan]")


_STOPS = (TooLate, AssertionError, RuntimeError, httpx.HTTPError, IntegrationError)
"""What ends the story early: something that should have come did not, or somebody was refused."""


def main(options: Options) -> int:
    """Run it all; 0 only if every check holds."""
    # Told to end, it ends what it started: the shop's processes would live on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    teller = Teller(console)
    home = options.home or Path(tempfile.mkdtemp(prefix="conveyor-demo-"))
    world = World(home, options.jira, options.backlog)
    try:
        story = _tell_story(world, teller, console)
        teller.chapter("Checked from outside")
        code = 0 if conclude(world, story, console, teller.seconds, options.json) else 1
    except _STOPS as error:
        console.print(f"[bold red]The story stopped: {error}[/bold red]")
        console.print(f"Logs: {home / 'logs'}")
        code = 1
    finally:
        if options.stay:
            _stay(console)
        world.stop()
    if options.home is None and code == 0:
        shutil.rmtree(home, ignore_errors=True)
    return code


def _tell_story(world: World, teller: Teller, console: Console) -> Story:
    story = Story(world.people, teller.tell, lambda *words: _conveyor(world, words))
    teller.chapter("Requests come in")
    scenario.client_asks(story)
    world.start_beside()
    console.print(f"          Slack page   {world.vendors.slack.url}/?as=olli&channel=releases")
    console.print(f"          Prefect UI   {world.stack.ui_url}   (coming up)")
    world.ready()
    teller.tell("Prefect, the worker and the gateway are up; production serves 1.3.0")
    if world.prometheus is None:
        teller.tell("Prometheus is not installed: the watch has its HTTP probes only")
    else:
        teller.tell(f"Customers shop, Prometheus measures: {world.prometheus.url}")
    scenario.others_ask(story)
    scenario.duplicates_are_merged(story)
    for title, chapter in (
        ("The weekly review makes the plan", scenario.review),
        ("Development", scenario.development),
        ("Candidate 1: a gate says no", scenario.rejected),
        ("Candidate 2: staging and QA", scenario.first_candidate),
        ("Rework and candidate 3", scenario.rework),
        ("Approvals", scenario.approvals),
        ("Production, and back", scenario.rolled_back),
        ("The hotfix", scenario.hotfix),
        ("Feedback", scenario.feedback),
    ):
        teller.chapter(title)
        chapter(story)
    for name in ("release 1.4.0", "release 1.4.1"):
        eventually(f"the run of {name} has ended", lambda name=name: _has_ended(world, name), 60)
    return story


def _has_ended(world: World, name: str) -> bool:
    """Prefect shows the run of that name as completed."""
    wanted = {"flow_runs": {"name": {"any_": [name]}}}
    found = httpx.post(f"{world.stack.api_url}/flow_runs/filter", json=wanted, timeout=10, **LOOPBACK)
    return [run["state_type"] for run in found.raise_for_status().json()] == ["COMPLETED"]


def _conveyor(world: World, words: Sequence[str]) -> None:
    """The command line, as whoever operates Conveyor types it."""
    command = [str(Path(sys.executable).with_name("conveyor")), *words]
    done = subprocess.run(
        command, cwd=ROOT, env=world.stack.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"conveyor {' '.join(words[:3])}: {done.stderr.strip() or done.stdout.strip()}")


def _stay(console: Console) -> None:
    console.print("Everything stays up. Ctrl-C ends it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Ending.")


if __name__ == "__main__":
    raise SystemExit(
        main(Options(home=Path(sys.argv[1]) if len(sys.argv) > 1 else None, stay="--stay" in sys.argv))
    )
