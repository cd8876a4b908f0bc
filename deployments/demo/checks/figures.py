"""What the scenario comes to in numbers."""

from __future__ import annotations

from collections.abc import Callable

from deployments.demo.checks.facts import FAILURES
from deployments.demo.checks.on_ledger import exported
from deployments.demo.checks.on_prefect import flow_names, four_keys, started_runs, task_runs
from deployments.demo.checks.outside import Json, Outside

Figures = dict[str, float | int | None]


def figures(outside: Outside) -> Figures:
    """DORA's four keys and some counts; a figure that cannot be read is left out: its check is red."""
    found: Figures = {}
    for read in (four_keys, _of_prefect, _of_vendors, _of_ledger):
        found |= _read(read, outside)
    return found


def runs(outside: Outside) -> list[Json]:
    """Every flow run as the document lists it: its id, its flow's name, the name of its state."""
    try:
        names = flow_names(outside)
        return [
            {"id": row["id"], "flow": names[row["flow_id"]], "state": row["state_name"]}
            for row in started_runs(outside)
        ]
    except FAILURES:
        return []


def _read(read: Callable[[Outside], Figures], outside: Outside) -> Figures:
    try:
        return read(outside)
    except FAILURES:
        return {}


def _of_prefect(outside: Outside) -> Figures:
    rows = started_runs(outside)
    names = flow_names(outside)
    walks = sum(row["run_count"] for row in rows if names[row["flow_id"]] == "release")
    return {"flow_runs": len(rows), "task_runs": len(task_runs(outside)), "release_walks": walks}


def _of_vendors(outside: Outside) -> Figures:
    told = sum(len(outside.history(channel)) for channel in ("releases", "planning"))
    return {
        "pipelines": len(outside.gitlab("/pipelines")),
        "deployments": len(outside.gitlab("/deployments")),
        "merge_requests": len(outside.gitlab("/merge_requests", state="all")),
        "slack_messages": told,
    }


def _of_ledger(outside: Outside) -> Figures:
    return {"ledger_events": len(exported(outside))}
