"""A backlog of real reports, read from JSON lines into the rows."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.jira.body import as_object, names
from integrations.sandbox.jira.catalogue import PRIORITIES, STATUSES
from integrations.sandbox.jira.state import Issue, State

_KEY = re.compile(r"[A-Z][A-Z0-9_]+-[1-9]\d*")
_STATUSES = {
    "open": "To Do",
    "reopened": "To Do",
    "new": "To Do",
    "in progress": "In Progress",
    "in review": "Code Review",
    "patch available": "Code Review",
    "in qe test": "QA",
} | {name.casefold(): name for name in STATUSES}
_PRIORITIES = {
    "blocker": "Highest",
    "critical": "Highest",
    "major": "High",
    "minor": "Low",
    "trivial": "Lowest",
} | {name.casefold(): name for name in PRIORITIES}


@dataclass(frozen=True)
class Loaded:
    """What was loaded: how many issues, into which projects, and when the newest was reported (aware UTC)."""

    issues: int
    projects: tuple[str, ...]
    newest: datetime


def load(state: State, source: Path | Iterable[str], project_key: str) -> Loaded:
    """Add each report as an issue; see `JiraSandbox.load_backlog`.

    Raises:
        ValueError: a line is no JSON object, has no title or date, or its key is taken.
    """
    projects: set[str] = set()
    newest = datetime.min.replace(tzinfo=UTC)
    count = 0
    reporter = next(iter(state.people), "")
    with state.lock:
        for number, line in enumerate(_lines(source), 1):
            if not line.strip():
                continue
            try:
                report = json.loads(line)
                if not isinstance(report, dict):
                    raise TypeError("not an object")
                issue = _issue(state, as_object(report), project_key, reporter)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"line {number}: {type(error).__name__}: {error}") from None
            state.add(issue)
            projects.add(issue.project)
            newest = max(newest, issue.created)
            count += 1
    return Loaded(count, tuple(sorted(projects)), newest)


def _lines(source: Path | Iterable[str]) -> Iterator[str]:
    if not isinstance(source, Path):
        yield from source
    elif source.suffix == ".gz":
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            yield from lines
    else:
        with source.open(encoding="utf-8") as lines:
            yield from lines


def _issue(state: State, report: dict[str, Any], project_key: str, reporter: str) -> Issue:
    given = str(report.get("id") or "")
    project = given.rpartition("-")[0] if _KEY.fullmatch(given) else project_key
    state.add_project(project, project)
    key = given if _KEY.fullmatch(given) else state.next_key(project)
    if key in state.issues:
        raise ValueError(f"{key} is there already")
    created = datetime.fromisoformat(report["created"])
    created = created.replace(tzinfo=UTC) if created.tzinfo is None else created.astimezone(UTC)
    status = _status(report)
    resolution = str(report.get("resolution") or "") if STATUSES[status].category.key == "done" else ""
    if resolution:
        state.resolutions.setdefault(resolution, str(10201 + len(state.resolutions)))
    kind = str(report.get("type") or "Task")
    state.issue_types.setdefault(kind, str(10101 + len(state.issue_types)))
    return Issue(
        id=state.next_id(),
        key=key,
        project=project,
        summary=" ".join(str(report["title"]).split())[:255],
        description=str(report.get("description") or ""),
        created=created,
        updated=created,
        reporter=reporter,
        creator=reporter,
        status=status,
        issuetype=kind,
        priority=_PRIORITIES.get(str(report.get("priority") or "").casefold(), ""),
        resolution=resolution,
        resolved=created if resolution else None,
        components=names(report.get("components")),
        labels=["-".join(label.split()) for label in names(report.get("labels"))],
    )


def _status(report: dict[str, Any]) -> str:
    """Unknown statuses are Closed; a report without one is open unless it has a resolution."""
    given = report.get("status")
    if given is None:
        return "Closed" if report.get("resolution") else "To Do"
    return _STATUSES.get(str(given).casefold(), "Closed")
