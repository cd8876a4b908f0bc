"""The scenario's changes do in the shop what the story says of them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.shop import template_dir
from integrations.sandbox.shop.changes import CHANGES, DoesNotApply, apply

World = Any

FAILING_TEST = """
import unittest


class Bad(unittest.TestCase):
    def test_bad(self):
        self.assertTrue(False)
"""


def products(port: int, **query: str) -> list[str]:
    answer = httpx.get(f"http://127.0.0.1:{port}/api/products", params=query, **LOOPBACK)
    return [row["id"] for row in answer.json()]


def status(port: int, path: str) -> int:
    return httpx.get(f"http://127.0.0.1:{port}{path}", **LOOPBACK).status_code


def test_an_unknown_change_and_one_that_does_not_fit_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        apply("world-peace", tmp_path)
    for change in CHANGES.values():
        if any(edit.old for edit in change.edits):
            with pytest.raises(DoesNotApply):
                apply(change.id, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_change_is_applied_once(world: World) -> None:
    apply("search", world.work)
    with pytest.raises(DoesNotApply):
        apply("search", world.work)


@pytest.mark.parametrize("change", ["search-fix", "fault-fix"])
def test_a_rework_needs_what_it_reworks(world: World, change: str) -> None:
    if change == "fault-fix":
        world.commit("gift-wrap")
        apply(change, world.work)
        assert "SHOP_GIFT_WRAP_CENTS" in (world.work / "deploy/production.env").read_text()
    else:
        with pytest.raises(DoesNotApply):
            apply(change, world.work)


def test_the_two_features_touch_no_file_in_common() -> None:
    def paths(*changes: str) -> set[str]:
        return {edit.path for change in changes for edit in CHANGES[change].edits}

    assert paths("gift-wrap", "fault-fix") & paths("search", "search-fix") == set()


def test_the_shops_own_tests_pass_before_and_after_each_change(world: World) -> None:
    for change in (None, "gift-wrap", "search", "search-fix", "fault-fix"):
        if change:
            world.commit(change)
        done = subprocess.run(
            ["python3", "-S", "-B", "tools/run_tests.py"],
            cwd=world.work,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (change, done.stdout)


def test_a_failing_test_fails_the_pipeline_and_is_counted(world: World) -> None:
    world.commit(files={"tests/test_bad.py": FAILING_TEST})
    world.tag("bad")
    pipeline = world.step("bad", "verify")
    assert world.jobs(pipeline) == {"unit": "failed", "scan": "success", "package": "skipped"}
    total = world.api.get(f"pipelines/{pipeline['id']}/test_report_summary").json()["total"]
    assert (total["failed"], total["count"] - total["success"]) == (1, 1)


def test_a_tag_starts_nothing_and_main_is_tested(world: World) -> None:
    world.tag("1.3.0")
    assert world.api.get("pipelines", params={"ref": "1.3.0"}).json() == []
    world.commit("search")
    world.git("push", "-q", "origin", "main")
    [pipeline] = world.api.get("pipelines", params={"ref": "main", "source": "push"}).json()
    assert world.jobs(world.finished(pipeline["id"])) == {"unit": "success"}


def test_a_step_can_be_found_again_by_its_key(world: World) -> None:
    world.tag("1.3.0")
    started = world.step("1.3.0", "verify", by_inputs=True)
    rows = world.api.get("pipelines", params={"name": "verify op-1"}).json()
    assert [row["id"] for row in rows] == [started["id"]]


def test_the_fault_of_1_4_0_shows_in_production_only_and_the_hotfix_mends_it(world: World) -> None:
    world.commit("gift-wrap", "search")
    world.tag("1.4.0")
    assert world.step("1.4.0", "verify")["status"] == "success"
    assert world.step("1.4.0", "staging")["status"] == "success"
    assert status(world.staging, "/cart") == 200
    assert world.step("1.4.0", "production")["status"] == "success"
    assert status(world.production, "/healthz") == 200
    assert status(world.production, "/cart") == 500
    assert (
        '"error": "MissingSetting: SHOP_GIFT_WRAP_CENTS is not set"'
        in (world.home / "production" / "shop.log").read_text()
    )
    metrics = httpx.get(f"http://127.0.0.1:{world.production}/metrics", **LOOPBACK).text
    assert 'shop_requests_total{method="GET",path="/cart",status="500"} 1' in metrics

    world.commit("fault-fix")
    world.tag("1.4.1")
    assert world.step("1.4.1", "verify")["status"] == "success"
    assert world.step("1.4.1", "production")["status"] == "success"
    assert status(world.production, "/cart") == 200


def test_the_first_search_tells_capitals_from_small_letters_and_the_rework_does_not(world: World) -> None:
    world.commit("search")
    world.tag("rc.1")
    world.step("rc.1", "verify")
    world.step("rc.1", "staging")
    assert products(world.staging, q="Teapot") == ["teapot"]
    assert products(world.staging, q="teapot") == []
    world.commit("search-fix")
    world.tag("rc.2")
    world.step("rc.2", "verify")
    world.step("rc.2", "staging")
    assert products(world.staging, q="teapot") == ["teapot"]


def test_a_customer_fills_a_cart(world: World) -> None:
    world.tag("1.3.0")
    world.step("1.3.0", "verify")
    world.step("1.3.0", "staging")
    with httpx.Client(base_url=f"http://127.0.0.1:{world.staging}", **LOOPBACK) as customer:
        assert "Teapot, blue" in customer.get("/").text
        added = customer.post("/cart/add", data={"product": "teapot", "amount": "2"}, follow_redirects=True)
        assert "2 x Teapot, blue" in added.text
        assert customer.get("/api/cart").json()["total"] == 2 * 2490 + 490
        customer.post("/cart/remove", data={"product": "teapot"})
        assert customer.get("/api/cart").json()["total"] == 0
        assert customer.post("/cart/add", data={"product": "moon"}).status_code == 400


def test_the_template_holds_nothing_that_was_generated() -> None:
    names = {path.name for path in template_dir().rglob("*")}
    assert names & {"__pycache__", "REVISION", "reports", "shop.tar.gz", ".git"} == set()
