"""Packages are made once, deployed without a gap, and an older one really comes back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx

from integrations.sandbox import shop

World = Any


def test_without_a_package_nothing_is_deployed(world: World) -> None:
    world.tag("1.3.0")
    pipeline = world.step("1.3.0", "production")
    assert pipeline["status"] == "failed"
    assert "there is no package of" in world.trace(pipeline, "deploy-production")
    assert shop.running(world.home) == []


def test_verifying_tests_and_packages_the_commit_once(world: World) -> None:
    sha = world.tag("1.3.0-rc.1")
    first = world.step("1.3.0-rc.1", "verify", by_inputs=True)
    assert world.jobs(first) == {"unit": "success", "scan": "success", "package": "success"}
    assert f"packaged {sha}" in world.trace(first, "package")
    total = world.api.get(f"pipelines/{first['id']}/test_report_summary").json()["total"]
    assert (total["count"], total["failed"], total["error"]) == (total["success"], 0, 0)
    assert total["count"] >= 15
    assert float(first["coverage"]) > 90
    again = world.step("1.3.0-rc.1", "verify")
    assert f"the package of {sha} is there already" in world.trace(again, "package")


def test_staging_and_production_run_apart_from_the_same_package(world: World) -> None:
    sha = world.tag("1.3.0-rc.1")
    world.tag("1.3.0")
    world.step("1.3.0-rc.1", "verify")
    assert world.step("1.3.0-rc.1", "staging")["status"] == "success"
    assert world.step("1.3.0", "production")["status"] == "success"
    staging, production = world.health(world.staging), world.health(world.production)
    assert (staging["sha"], staging["version"], staging["environment"]) == (sha, "1.3.0-rc.1", "staging")
    assert (production["sha"], production["version"], production["environment"]) == (
        sha,
        "1.3.0",
        "production",
    )
    assert staging["process"] != production["process"]
    rows = world.api.get("deployments", params={"status": "success", "order_by": "id"}).json()
    seen = [(row["environment"]["name"], row["sha"], row["ref"]) for row in rows]
    assert seen == [("staging", sha, "1.3.0-rc.1"), ("production", sha, "1.3.0")]
    assert rows[1]["environment"]["external_url"] == f"http://127.0.0.1:{world.production}"


def test_a_rollback_brings_the_old_version_back_and_nobody_is_turned_away(world: World) -> None:
    old = world.tag("1.3.0")
    new = world.commit("search")
    world.tag("1.4.0")
    for ref in ("1.3.0", "1.4.0"):
        assert world.step(ref, "verify")["status"] == "success"
    assert world.step("1.3.0", "production")["status"] == "success"

    asking, seen = threading.Event(), []

    def ask() -> None:
        while not asking.is_set():
            seen.append(world.health(world.production)["sha"])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        assert world.step("1.4.0", "production")["status"] == "success"
        assert world.health(world.production)["sha"] == new
        assert world.step("1.3.0", "production")["status"] == "success"
        assert world.health(world.production)["sha"] == old
    finally:
        asking.set()
        thread.join()
    assert set(seen) == {old, new}
    assert len(shop.running(world.home)) == 1


def test_a_version_that_does_not_start_leaves_the_old_one_in_its_place(world: World) -> None:
    old = world.tag("1.3.0")
    world.commit(files={"serve.py": "raise SystemExit('no way')\n"})
    world.tag("1.3.1")
    for ref in ("1.3.0", "1.3.1"):
        world.step(ref, "verify")
    world.step("1.3.0", "production")
    failed = world.step("1.3.1", "production")
    assert failed["status"] == "failed"
    assert "no way" in world.trace(failed, "deploy-production")
    assert world.health(world.production)["sha"] == old
    assert len(shop.running(world.home)) == 1


def test_deploying_the_same_commit_again_gives_a_new_process(world: World) -> None:
    world.tag("1.3.0")
    world.step("1.3.0", "verify")
    world.step("1.3.0", "staging")
    first = world.health(world.staging)
    world.step("1.3.0", "staging")
    second = world.health(world.staging)
    assert first["sha"] == second["sha"]
    assert first["process"] != second["process"]
    assert shop.running(world.home) == [second["process"]]


def test_stopping_everything_leaves_no_process_and_may_be_repeated(world: World) -> None:
    world.tag("1.3.0")
    world.step("1.3.0", "verify")
    world.step("1.3.0", "staging")
    world.step("1.3.0", "production")
    assert len(shop.running(world.home)) == 2
    shop.stop_all(world.home)
    assert shop.running(world.home) == []
    shop.stop_all(world.home)
    try:
        world.health(world.production)
    except httpx.ConnectError:
        return
    raise AssertionError("production still answers")


def test_what_is_deployed_logs_json_and_holds_no_token_of_its_job(world: World) -> None:
    world.tag("1.3.0")
    world.step("1.3.0", "verify")
    world.step("1.3.0", "staging")
    log = (world.home / "staging" / "shop.log").read_text()
    assert '"message": "serving"' in log
    [pid] = shop.running(world.home)
    assert b"CI_JOB_TOKEN" not in Path(f"/proc/{pid}/environ").read_bytes()
