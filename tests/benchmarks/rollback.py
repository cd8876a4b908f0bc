"""From the tick that shows a fault to the old version: `python -m tests.benchmarks.rollback [--rounds N]`.

The demo's world: sandbox, Prefect's server, worker, gateway, customers. In each round a signed release
breaks the cart in production, and the watch takes it back by itself. One JSON line per measure, in seconds
from the tick at which the watch calls it unhealthy: as a customer sees it who asks every 20 ms from outside,
until GitLab's pipeline has ended, and as the release's record has it (its own probes after that). The floor
is the same deployment of the old version started by hand, until its pipeline has ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deployments.demo.waiting import eventually
from deployments.demo.world import World
from deployments.sandbox import FIRST_VERSION
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.shop import changes, template_dir
from tests.benchmarks.report import report
from tests.flows.delivery.conftest import Shop

PATIENCE_S = 180
MEASURES = ("by a customer", "by GitLab's pipeline", "by the record")


def broken(shop: Shop, folder: Path) -> str:
    """A packaged commit whose cart fails in production alone."""
    before, after = template_dir(), folder / "checkout"
    shutil.copytree(before, after)
    paths = {edit.path for edit in changes.apply("gift-wrap", after).edits}
    actions = [
        {
            "action": "update" if (before / path).exists() else "create",
            "file_path": path,
            "content": (after / path).read_text(),
        }
        for path in sorted(paths)
    ]
    body = {"branch": "broken", "start_sha": shop.first, "commit_message": "Wrap", "actions": actions}
    sha = str(shop.api.post("repository/commits", json=body).raise_for_status().json()["id"])
    shop.tag("package-broken", sha)
    if shop.run("package-broken", "verify") != "success":
        raise SystemExit("the broken commit is not packaged")
    return sha


def served_at(url: str, sha: str) -> float:
    """Ask as a customer does until the shop says that it is that commit, and the cart answers."""
    end = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=url, timeout=5, **LOOPBACK) as customer:
        while time.monotonic() < end:
            try:
                if customer.get("/healthz").json().get("sha") == sha and customer.get("/cart").is_success:
                    return time.time()
            except httpx.HTTPError:
                pass  # it is being replaced
            time.sleep(0.02)
    raise SystemExit(f"{sha} is not served")


def taken_back(shop: Shop, sha: str) -> tuple[float, float, float]:
    """One round; seconds until a customer is well, until GitLab's pipeline ended, by the release's record."""
    from tasks import context
    from tasks.decisions import Decision, decide

    stream = shop.signed(sha=sha)
    context.ledger().wake(stream, datetime.now(UTC))
    eventually("it is live and bad", lambda: shop.release(stream).rollback, PATIENCE_S)
    seen = served_at(shop.vendors.production_url, shop.first)
    rolled = eventually("it is rolled back", lambda: shop.release(stream).rolled_back, PATIENCE_S)
    tick = shop.release(stream).ticks[-1]
    if rolled.took_s is None or rolled.noticed_at != tick.at or not all(one.ok for one in rolled.seen):
        raise SystemExit(f"not measured from its tick, or still bad: {rolled}")
    if not decide(Decision("abandon", stream, "mara", "cli", "the next round")).accepted:
        raise SystemExit(f"{stream} is not abandoned")
    pipeline = shop.api.get(f"pipelines/{rolled.pipeline_id}").raise_for_status().json()
    ended = datetime.fromisoformat(pipeline["finished_at"]) - tick.at
    return seen - tick.at.timestamp(), ended.total_seconds(), rolled.took_s


def by_hand(shop: Shop) -> float:
    """Seconds that the deployment of the first version takes by itself."""
    began = time.perf_counter()
    if shop.run(FIRST_VERSION, "production") != "success":
        raise SystemExit("the first version is not deployed")
    return time.perf_counter() - began


def main(folder: Path, rounds: int) -> None:
    """Open the world, break production again and again, print the figures."""
    world = World(folder / "world")
    try:
        world.start_beside()
        world.ready()
        os.environ |= world.stack.environment()
        shop = Shop(world.vendors)
        sha = broken(shop, folder)
        taken: list[tuple[float, float, float]] = []
        for number in range(1, rounds + 1):
            taken.append(taken_back(shop, sha))
            print(number, *(f"{seconds:.2f}" for seconds in taken[-1]), file=sys.stderr, flush=True)
        floor = statistics.median(by_hand(shop) for _ in range(3))
        for what, seconds in zip(MEASURES, zip(*taken, strict=True), strict=True):
            report(f"unhealthy tick to the old version, {what}", "s", seconds, floor)
    finally:
        world.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        main(Path(made), asked.rounds)
