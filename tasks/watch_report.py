"""The report at the end of a watch: read, shown in Prefect, and told in the release's thread."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from prefect import task
from prefect.runtime import flow_run

from integrations import json_logs
from integrations.errors import IntegrationError
from integrations.settings import settings
from integrations.slack import blocks as b
from lifecycle import logs, release
from lifecycle.policy import Project
from lifecycle.release import Release
from lifecycle.watch_report import WatchReport, page, probe_times, summary
from tasks import folding, posts, release_messages, runs, timeline
from tasks.context import ledger, policy
from tasks.effects import RETRY

_SHORTEST = timedelta(seconds=1)  # no rate is per nothing


def key(subject: str, attempt: int) -> str:
    """The key of the message."""
    return f"{subject}:watch-report:{attempt}"


@task(task_run_name="report of the watch", **RETRY)
def publish(subject: str) -> None:
    """Show the report as an artifact and tell it in the thread, once. What the log lacks is said in it."""
    seen = _folded(subject)
    if seen is None:
        return
    project = policy().project(seen.plan.project)
    report = _report(seen, project)
    address = _show(subject, report)
    root = posts.posted(release_messages.card_key(subject))
    channel, thread = (root.channel_id, root.ts) if root else (project.channel, None)
    lines = [f"• {b.escape(line)}" for line in summary(report)]
    lines += [b.link(address, "the whole report")] if address else []
    content = release_messages.news("📊", report.headline, lines)
    posts.post.fn("", channel, content, key(subject, seen.attempt), subject=subject, thread_ts=thread)


def _folded(subject: str) -> Release | None:
    return folding.release_of(subject)


def _report(seen: Release, project: Project) -> WatchReport:
    tag = seen.production.previous_tag if seen.production else None
    before = _folded(release.release_id(project.id, tag)) if tag else None
    report = WatchReport(
        title=f"{project.name} {seen.plan.version}",
        release=seen,
        rules=policy().watch.rules,
        probes=probe_times(seen, before),
        log_note="" if project.logs.production else "No log is named in the policy (logs.production).",
    )
    if not project.logs.production or seen.deployed is None or not seen.ticks:
        return report
    try:
        compared = _compared(project.logs.production, seen.deployed.at, seen.ticks[-1].at)
    except IntegrationError as error:
        return replace(report, log_note=f"The log could not be read: {error}")
    return replace(report, logs=compared)


def _compared(address: str, started: datetime, ended: datetime) -> logs.Comparison:
    """The log of the watch against that of as long a time before; of less where older lines are not read."""
    lasted = max(ended - started, _SHORTEST)
    since = started - lasted
    read = json_logs.read(address, since, ended)
    found = [one for line in read.lines if (one := logs.entry(line)) and since <= one.at <= ended]
    if not read.complete and found:
        since = max(since, found[0].at)
    before = [one for one in found if one.at < started]
    after = [one for one in found if one.at >= started]
    return logs.compare(before, after, _hours(started - since), _hours(lasted))


def _hours(time: timedelta) -> float:
    return max(time, _SHORTEST) / timedelta(hours=1)


def _show(subject: str, report: WatchReport) -> str:
    """The artifact's address in Prefect's UI; "" outside a flow run, or where that address is not set."""
    if flow_run.id is None:
        return ""
    shown = f"{key(subject, report.release.attempt)}:artifact"
    name = timeline.artifact_key(f"{subject}:watch")
    artifact_id = runs.show(page(report), name, report.headline, ledger().projection(shown) or "")
    ledger().project(shown, artifact_id, report.release.ticks[-1].at)
    url = settings().prefect_ui_url
    return f"{url}/artifacts/artifact/{artifact_id}" if url else ""
