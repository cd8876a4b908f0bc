"""What the demo says in the end: the table of checks for people, the document for machines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployments.demo import scenario
from deployments.demo.checks import Account, Facts, Outside, Row, check_all, settle
from deployments.demo.checks.figures import Figures, figures, runs

if TYPE_CHECKING:
    from deployments.demo.scenario import Story
    from deployments.demo.world import World

SCENARIO = "shop"

_ROOT = Path(__file__).resolve().parent.parent.parent

_FOUR_KEYS: Mapping[str, tuple[str, str]] = {
    "deployment_frequency": ("Deployment frequency", "a day over 90 days"),
    "lead_time_for_changes_s": ("Lead time for changes", "s"),
    "change_failure_rate": ("Change failure rate", ""),
    "failed_deployment_recovery_time_s": ("Failed deployment recovery time", "s"),
}


def conclude(world: World, story: Story, console: Console, seconds: float, to: Path | None) -> bool:
    """Check everything from outside, print table and figures, write the document; True if all holds.

    `seconds`: how long the story took. `to`: the document's file, None for none.
    """
    facts = facts_of(world, story)
    with console.status("Checking from outside"):
        settle(facts)
        with Outside(facts) as outside:
            rows = check_all(outside)
            found, listed = figures(outside), runs(outside)
    console.print(table(rows))
    console.print(four_keys(found))
    if to is not None:
        text = json.dumps(document(commit(), seconds, rows, listed, found), ensure_ascii=False, indent=1)
        to.write_text(f"{text}\n", encoding="utf-8")
    return all(row.ok for row in rows)


def facts_of(world: World, story: Story) -> Facts:
    """Where the checks have to look, and what the story's people did."""
    vendors, keys = world.vendors, dict(story.keys)
    deferred = keys.pop("deferred", "")
    people = {
        slug: Account(person.name, person.email, vendors.tokens[slug])
        for slug, person in vendors.people.items()
    }
    return Facts(
        jira_url=vendors.jira.url,
        gitlab_url=vendors.gitlab.url,
        slack_url=vendors.slack.url,
        staging_url=vendors.staging_url,
        production_url=vendors.production_url,
        prefect_api_url=world.stack.api_url,
        people=people,
        keys=keys,
        titles={
            "gift": scenario.GIFT,
            "search": scenario.SEARCH,
            "again": scenario.GIFT_AGAIN,
            "sales": scenario.SALES,
        },
        deferred=tuple(key for key in deferred.split(", ") if key),
        return_reason=scenario.RETURN_REASON,
        removal_reason=scenario.REMOVAL_REASON,
        lock_reason=scenario.LOCK_REASON,
        environment=world.stack.environment(),
    )


def commit() -> str:
    """The commit of Conveyor that ran, 40 hex; "" outside a git checkout."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def document(
    commit: str,
    seconds: float,
    rows: Sequence[Row],
    runs: Sequence[Mapping[str, Any]],
    figures: Figures,
) -> dict[str, Any]:
    """What `--json` writes. Fields are added in later schemas, never changed in this one."""
    return {
        "schema": 1,
        "scenario": SCENARIO,
        "commit": commit,
        "seconds": round(seconds, 1),
        "checks": [
            {"id": row.id, "system": row.system, "expected": row.expected, "seen": row.seen, "ok": row.ok}
            for row in rows
        ],
        "runs": [{"id": run["id"], "flow": run["flow"], "state": run["state"]} for run in runs],
        "figures": dict(figures),
    }


def table(rows: Sequence[Row]) -> Table:
    """One line for what holds; what does not, in red, with what was expected and what was seen."""
    good = sum(row.ok for row in rows)
    shown = Table(title=f"{good} of {len(rows)} checks hold", title_justify="left", box=None, pad_edge=False)
    shown.add_column("")
    shown.add_column("check", no_wrap=True)
    shown.add_column("seen", overflow="ellipsis", ratio=1)
    for row in rows:
        if row.ok:
            seen = Text(" ".join(row.seen.split()), style="dim", no_wrap=True, overflow="ellipsis")
            shown.add_row(Text("✓", style="green"), Text(row.id), seen)
        else:
            said = Text(f"expected  {row.expected}\nseen      {row.seen}", overflow="fold")
            shown.add_row(Text("✗"), Text(row.id), said, style="bold red")
    return shown


def four_keys(found: Figures) -> Table:
    """DORA's four keys of the scenario; a dash where there is nothing to measure."""
    shown = Table(title="DORA's four keys", title_justify="left", box=None, pad_edge=False, show_header=False)
    for name, (title, unit) in _FOUR_KEYS.items():
        value = found.get(name)
        shown.add_row(Text(title), Text("–" if value is None else f"{value:g} {unit}".strip()))
    return shown
