"""What Prefect shows: one run per release that reads as the process, and nothing that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import groupby

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.on_gitlab import finished_at
from deployments.demo.checks.outside import Json, Outside

POOL = WORKER = "conveyor"

WAITS = {
    "release": (
        "Awaiting development",
        "Awaiting rework",
        "Awaiting QA",
        "Awaiting rework",
        "Awaiting QA",
        "Awaiting manager",
        "Awaiting client",
        "Awaiting approval",
        "Awaiting environment",
        "Watching",
        "Rolled back",
        "Superseded",
    ),
    "hotfix": (
        "Awaiting development",
        "Awaiting QA",
        "Awaiting approval",
        "Awaiting production",
        "Watching",
        "Awaiting feedback",
        "Closed",
    ),
}
"""What the two releases waited for, in order, and how they ended. A pipeline may be too short to show."""

STOOD = {
    "release": "Awaiting environment: production is locked by olli: ",
    "hotfix": "Awaiting production: frozen: GitLab's freeze period ",
}
"""What each stood for once everybody had approved."""

SETTLED = ("prefect.nothing-open", "prefect.event-triggers", "prefect.four-keys")
"""The rows that hold as soon as nothing is under way any more."""

_BAD = ("FAILED", "CRASHED", "CANCELLED", "CANCELLING")


def checks(facts: Facts) -> Iterator[Check]:
    """Runs, their states, their tasks and their artifacts."""

    def row(name: str, look: partial[Finding]) -> Check:
        return Check(f"prefect.{name}", "Prefect", look)

    for which, version, ending in (
        ("release", facts.release, "Superseded"),
        ("hotfix", facts.hotfix, "Closed"),
    ):
        yield row(f"run.{version}", partial(_run, version=version, ending=ending))
        yield row(f"history.{version}", partial(_history, version=version, wanted=WAITS[which]))
        yield row(f"stood.{version}", partial(_stood, version=version, why=STOOD[which]))
        yield row(f"artifact.{version}", partial(_artifact, version=version, ending=ending))
    yield row("review", partial(_review))
    yield row("review-linked", partial(_review_linked))
    yield row("by-deployments", partial(_by_deployments))
    yield row("by-worker", partial(_by_worker))
    yield row("no-failed-run", partial(_no_failed_run))
    yield row("nothing-open", partial(_nothing_open))
    yield row("no-failed-task", partial(_no_failed_task))
    yield row("tasks-once", partial(_tasks_once))
    yield row("event-triggers", partial(_event_triggers))
    yield row("four-keys", partial(_four_keys))


def started_runs(outside: Outside) -> list[Json]:
    """Every flow run, oldest first, but for those that a schedule has yet to start."""
    rows = outside.prefect("/flow_runs/filter", {"sort": "START_TIME_ASC"})
    return [row for row in rows if row["start_time"] or not row["auto_scheduled"]]


def _reviews(outside: Outside) -> list[Json]:
    """Every run of the weekly review."""
    names = flow_names(outside)
    return [row for row in started_runs(outside) if names[row["flow_id"]] == "weekly-review"]


def task_runs(outside: Outside) -> list[Json]:
    """Every task run."""
    return outside.prefect("/task_runs/filter")


def flow_names(outside: Outside) -> dict[str, str]:
    """The flows' names by their ids."""
    return {row["id"]: row["name"] for row in outside.prefect("/flows/filter")}


def _named(outside: Outside, name: str) -> list[Json]:
    return [row for row in started_runs(outside) if row["name"] == name]


def _one(outside: Outside, version: str) -> Json:
    found = _named(outside, f"release {version}")
    if len(found) != 1:
        raise LookupError(f"{len(found)} runs named release {version}")
    return found[0]


def _run(outside: Outside, version: str, ending: str) -> Finding:
    """one run for the release's whole life, and how it ended"""
    seen = [f"{row['state_type']} {row['state_name']}" for row in _named(outside, f"release {version}")]
    return Finding(f"1 run: COMPLETED {ending}", f"{len(seen)} run: {', '.join(seen)}")


def _history(outside: Outside, version: str, wanted: tuple[str, ...]) -> Finding:
    """what the run waited for, in order"""
    names = [state["name"] for state in outside.states(_one(outside, version)["id"])]
    seen = [name for name, _ in groupby(name for name in names if name in (*wanted, "Closed"))]
    return Finding(" → ".join(wanted), " → ".join(seen))


def _stood(outside: Outside, version: str, why: str) -> Finding:
    """approved, the release was kept from production, and said by what"""
    states, name = outside.states(_one(outside, version)["id"]), why.partition(":")[0]
    said = [f"{state['name']}: {state['message']}" for state in states if state["name"] == name]
    seen = next(iter(said), "did not stand")
    return Finding(f"{why}…", seen, ok=seen.startswith(why))


def _artifact(outside: Outside, version: str, ending: str) -> Finding:
    """one living Markdown artifact and no older version of it, in the end telling the end"""
    run = _one(outside, version)["id"]
    key = f"release-{outside.facts.product.lower()}-{version.replace('.', '-')}"
    rows = [row for row in outside.prefect("/artifacts/filter") if row["flow_run_id"] == run]
    # The report of the watch is its own, and so is the review's plan, a table that a change of scope renews.
    made = [row for row in rows if row["key"] != f"{key}-watch" and row["type"] != "table"]
    title = f"{outside.facts.product.lower()} {version}: "
    seen = [f"{row['type']} {row['key']} {_after(str(row['data']), title)}" for row in made]
    return Finding(f"markdown {key} {ending}", ", ".join(seen) or "none")


def _after(page: str, title: str) -> str:
    return page.partition(title)[2].partition("\n")[0] or "without its title"


def _review(outside: Outside) -> Finding:
    """one run of the weekly review, closed"""
    runs = _reviews(outside)
    return Finding("1 run: COMPLETED Closed", f"{len(runs)} run: {', '.join(_state(row) for row in runs)}")


def _state(row: Json) -> str:
    return f"{row['state_type']} {row['state_name']}"


def _review_linked(outside: Outside) -> Finding:
    """the release's artifact links to the run of the review that planned it"""
    review = next(row["id"] for row in _reviews(outside))
    run = _one(outside, outside.facts.release)["id"]
    pages = [
        str(row["data"]) for row in outside.prefect("/artifacts/latest/filter") if row["flow_run_id"] == run
    ]
    linked = any(f"/runs/flow-run/{review}" in page for page in pages)
    return Finding(f"a link to run {review}", f"{'a' if linked else 'no'} link to run {review}")


def _by_deployments(outside: Outside) -> Finding:
    """every run was created by a Prefect deployment"""
    rows = started_runs(outside)
    return _all(rows, [row["name"] for row in rows if not row["deployment_id"]], "by a Prefect deployment")


def _by_worker(outside: Outside) -> Finding:
    """every run was executed by the worker of the pool"""
    rows = started_runs(outside)
    strangers = [
        row["name"]
        for row in rows
        if row["work_pool_name"] != POOL or (row["labels"] or {}).get("prefect.worker.name") != WORKER
    ]
    return _all(rows, strangers, f"by the worker of pool {POOL}")


def _all(rows: list[Json], others: list[str], how: str) -> Finding:
    seen = f"{len(rows) - len(others)} of {len(rows)} runs {how}"
    return Finding(
        f"{len(rows)} of {len(rows)} runs {how}",
        f"{seen}; not: {', '.join(sorted(set(others)))}" if others else seen,
        ok=bool(rows) and not others,
    )


def _no_failed_run(outside: Outside) -> Finding:
    """no flow run failed, crashed or was cancelled"""
    rows = started_runs(outside)
    bad = [f"{row['name']}: {_state(row)}" for row in rows if row["state_type"] in _BAD]
    return _none(rows, bad, "none failed")


def _none(rows: list[Json], bad: list[str], good: str) -> Finding:
    """Nothing bad among the rows; that there are none at all is no good sign either."""
    return Finding(good, "; ".join(sorted(bad)) or (good if rows else "nothing ran"))


def _nothing_open(outside: Outside) -> Finding:
    """no flow run is under way or waits, but for what a schedule has just started"""
    rows = started_runs(outside)
    open_ = [
        f"{row['name']}: {row['state_name']}"
        for row in rows
        if row["state_type"] not in ("COMPLETED", *_BAD) and not row["auto_scheduled"]
    ]
    return _none(rows, open_, "nothing open")


def _no_failed_task(outside: Outside) -> Finding:
    """no task run failed in the end"""
    runs = {row["id"]: row["name"] for row in started_runs(outside)}
    bad = [
        f"{runs.get(row['flow_run_id'], '?')}: {row['name']} {row['state_name']}"
        for row in task_runs(outside)
        if row["state_type"] != "COMPLETED"
    ]
    return _none(task_runs(outside), bad, "all completed")


def _tasks_once(outside: Outside) -> Finding:
    """each step once in its run's graph"""
    runs = {row["id"]: row["name"] for row in started_runs(outside)}
    told = Counter((row["flow_run_id"], row["name"]) for row in task_runs(outside))
    twice = [f"{runs.get(run, '?')}: {count} × {name}" for (run, name), count in told.items() if count > 1]
    return _none(task_runs(outside), twice, "each step once")


def _event_triggers(outside: Outside) -> Finding:
    """runs that Prefect's own event triggers created"""
    product, facts = outside.facts.product.lower(), outside.facts
    wanted = [f"retrospective release:{product}:{version}" for version in (facts.release, facts.hotfix)]
    wanted.append(f"feedback release:{product}:{facts.hotfix}")
    seen = [
        row["name"] for row in started_runs(outside) if (row["created_by"] or {}).get("type") == "AUTOMATION"
    ]
    return Finding(", ".join(sorted(wanted)), ", ".join(sorted(seen)))


def four_keys(outside: Outside) -> dict[str, float | None]:
    """DORA's four keys as the retrospective's artifact shows them; None where it shows a dash."""
    key = f"dora-{outside.facts.product.lower()}"
    pages = [str(row["data"]) for row in outside.prefect("/artifacts/latest/filter") if row["key"] == key]
    if not pages:
        raise LookupError(f"no artifact {key}")
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in pages[0].splitlines() if "|" in line
    ]
    rows = [row for row in cells if len(row) == 2 and row[0] != "key" and set(row[0]) != {"-"}]
    return {name: None if value == "–" else float(value) for name, value in rows}


def _four_keys(outside: Outside) -> Finding:
    """the four keys: one of two deployments failed, and was recovered as fast as GitLab says"""
    keys = four_keys(outside)
    names = (
        "deployment_frequency",
        "lead_time_for_changes_s",
        "change_failure_rate",
        "failed_deployment_recovery_time_s",
    )
    recovered = keys.get("failed_deployment_recovery_time_s") or 0.0
    outage = _outage_s(outside)
    right = (
        set(keys) == set(names)
        and all(keys[name] for name in names)
        and keys["change_failure_rate"] == 0.5
        and outage > 0
        and abs(recovered - outage) <= max(5.0, outage / 2)
    )
    seen = ", ".join(f"{name} {value}" for name, value in keys.items())
    return Finding(
        f"change_failure_rate 0.5, failed_deployment_recovery_time_s about {outage:.0f}, and two more",
        seen,
        ok=right,
    )


def _outage_s(outside: Outside) -> float:
    """Seconds from the end of the failed deployment to the end of its rollback, as GitLab says."""
    refs = (outside.facts.release, outside.facts.first)
    failed, back = (finished_at(outside, "production", ref) for ref in refs)
    return (back - failed).total_seconds()
