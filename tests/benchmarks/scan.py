"""How a large backlog is read and searched: `python -m tests.benchmarks.scan BACKLOG [cloud|server]`.

BACKLOG is a folder as `conveyor demo --backlog` takes it, loaded into the sandbox's Jira, which is a process
of its own. This process has a ledger on SQLite and mirrors that Jira with the code that a flow runs.
One JSON line per measure: the first scan's requests, seconds and this process's peak memory; the requests
and seconds of a refresh after it; comparing one request with all open ones; and the page /requests over HTTP,
for each letter that somebody types.
"""

from __future__ import annotations

import contextlib
import json
import math
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from starlette.applications import Starlette

from deployments import sandbox_policy
from deployments.demo.backlog import reports
from deployments.gateway import request_page
from deployments.sandbox_policy import CAST, JIRA_KEY
from integrations.sandbox.http import LOOPBACK, Server
from integrations.sandbox.jira import JiraSandbox
from tasks import backlog, context, mirror
from tests.benchmarks.report import report
from tests.cli.world import policy_data

TOKENS = {slug: f"token-{slug}" for slug in CAST}
PEOPLE = sandbox_policy.people(TOKENS)
TYPED = ("android crash on list", "titanium.ui.tableview row", "ios build fails", "gift wrap", "timob-1234")


def main(source: Path, flavor: str) -> None:
    """Start a Jira, then measure."""
    with tempfile.TemporaryDirectory() as made, _jira(source, flavor) as (url, count):
        folder, bot = Path(made), PEOPLE[-1]
        rules = policy_data() | {"requests_page": "public"}
        (folder / "conveyor.yaml").write_text(yaml.safe_dump(rules))
        os.environ |= {
            "CONVEYOR_HOME": made,
            "CONVEYOR_POLICY": str(folder / "conveyor.yaml"),
            "CONVEYOR_JIRA_URL": url,
            "CONVEYOR_JIRA_USER": bot.email,
            "CONVEYOR_JIRA_TOKEN": bot.token,
        }
        _scans(url, count)
        _compares()
        _searches()


def _scans(url: str, count: int) -> None:
    project = context.policy().projects[0]
    for name in ("first scan", "refresh, nothing happened"):
        httpx.delete(f"{url}/_sandbox/requests", **LOOPBACK).raise_for_status()
        began = time.perf_counter()
        mirror.refresh(project, datetime.now(UTC))
        took = time.perf_counter() - began
        asked = len(httpx.get(f"{url}/_sandbox/requests", **LOOPBACK).json())
        limit = math.ceil(count / 100) + 20 if name == "first scan" else 1
        report(f"{name} of {count} issues: requests (floor: the limit)", "requests", [asked], limit)
        report(f"{name} of {count} issues", "s", [took])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report("first scan: peak memory of the process that reads", "MB", [peak])
    assert len(context.ledger().mirrored_keys(project.jira)) == count


def _compares() -> None:
    newest = max(context.ledger().mirrored_keys(JIRA_KEY), key=lambda each: int(each.rpartition("-")[2]))
    for name in ("one request compared with all open ones, the first of a process", "the same, once more"):
        report(name, "s", [_compare(newest)])
    context.ledger().close()
    # As the worker does it (deployments/pool.py): forked from a process that made the index.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["deployments.preload"])
    began = time.perf_counter()
    with forks.Pool(1) as pool:
        pool.apply(_compare, (newest,))
        report(
            "a fork server with all of it, and its first fork",
            "s",
            [time.perf_counter() - began],
        )
    with forks.Pool(1) as pool:
        report("the first of a process of the worker", "s", [pool.apply(_compare, (newest,))])


def _compare(key: str) -> float:
    """How long it takes to compare one request with all open ones."""
    began = time.perf_counter()
    backlog.alike_to(key)
    return time.perf_counter() - began


def _searches() -> None:
    with _served() as http:
        began = time.perf_counter()
        http.get("/requests").raise_for_status()
        report("page /requests, the first look of a process", "s", [time.perf_counter() - began])
        taken: list[float] = []
        for text in TYPED:
            for end in range(1, len(text) + 1):
                began = time.perf_counter()
                http.get("/requests/list", params={"q": text[:end]}).raise_for_status()
                taken.append(time.perf_counter() - began)
        report("page /requests, one letter more is typed", "s", taken)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report("all of it: peak memory", "MB", [peak])


@contextlib.contextmanager
def _served() -> Iterator[httpx.Client]:
    """The page alone, in a thread of this process."""
    server = Server(Starlette(routes=request_page.pages()), 0)
    with httpx.Client(base_url=server.url, timeout=60, **LOOPBACK) as http:
        yield http
    server.stop()


@contextlib.contextmanager
def _jira(source: Path, flavor: str) -> Iterator[tuple[str, int]]:
    """A Jira in a process of its own: its address, and how many issues it has."""
    command = [sys.executable, "-m", "tests.benchmarks.scan", "--serve", str(source), flavor]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield told["url"], told["issues"]
        finally:
            process.kill()


def _serve(source: Path, flavor: Any) -> None:
    """Be that Jira until somebody ends this process."""
    sandbox = JiraSandbox(None, PEOPLE, {JIRA_KEY: "Shop"}, flavor=flavor, bursts=False)
    loaded = sandbox.load_backlog(reports(source, datetime.now(UTC)), JIRA_KEY)
    print(json.dumps({"url": sandbox.url, "issues": loaded.issues}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serves = sys.argv[1] == "--serve"
    backlog_folder, kind, *_ = [*sys.argv[1 + serves :], "cloud"]
    (_serve if serves else main)(Path(backlog_folder), kind)
