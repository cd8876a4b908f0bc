"""The database of an environment goes forward and back with what is deployed, and keeps what is in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.sandbox import shop
from integrations.sandbox.http import LOOPBACK

World = Any

BASE = ["0001_catalogue", "0002_orders"]
ADDS = {
    "shop/migrations/0003_note.up.sql": "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT '';\n",
    "shop/migrations/0003_note.down.sql": "ALTER TABLE orders DROP COLUMN note;\n",
}
FORGETS = {"shop/migrations/0003_forget.up.sql": "UPDATE orders SET email = '';\n"}
#: The first of its two migrations is well.
BROKEN = {
    **ADDS,
    "shop/migrations/0004_broken.up.sql": "CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n",
    "shop/migrations/0004_broken.down.sql": "DROP TABLE half;\n",
}
NO_WAY_BACK = {**ADDS, "shop/migrations/0003_note.down.sql": "ALTER TABLE nowhere DROP COLUMN note;\n"}


class Host:
    """Where releases are deployed to, as the jobs do it, without a GitLab: the packages are there already."""

    def __init__(self, home: Path) -> None:
        self.home = home
        [self.port] = shop.free_ports(1)

    def package(
        self, sha: str, files: Mapping[str, str] | None = None, environment: str = "production"
    ) -> None:
        """The template with these files, as the release `sha`."""
        release = self.home / environment.replace("/", "-") / "releases" / sha
        shutil.copytree(shop.template_dir(), release, ignore=shutil.ignore_patterns("__pycache__"))
        (release / "REVISION").write_text(f"{sha}\n")
        for name, text in (files or {}).items():
            (release / name).write_text(text)

    def deploy(self, sha: str, environment: str = "production") -> tuple[bool, str]:
        """Whether it went well, and what it printed."""
        env = {"PATH": os.environ["PATH"], "SHOP_HOME": str(self.home), "CI_COMMIT_SHA": sha}
        script = shop.template_dir() / "deploy" / "deploy.py"
        command = ["python3", "-S", "-B", str(script), environment, str(self.port)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def rows(self, question: str, environment: str = "production") -> list[Any]:
        path = self.home / environment.replace("/", "-") / "shop.db"
        with closing(sqlite3.connect(path)) as database:
            return database.execute(question).fetchall()

    def migrations(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT id FROM migrations ORDER BY id")]

    def running(self) -> dict[str, Any]:
        """What the shop says of itself."""
        return httpx.get(f"http://127.0.0.1:{self.port}/healthz", **LOOPBACK).json()

    def order(self, email: str) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", **LOOPBACK) as customer:
            customer.post("/cart/add", data={"product": "cups"})
            assert customer.post("/orders", data={"email": email}).status_code == 303


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    host.package("old")
    assert host.deploy("old")[0]
    yield host
    shop.stop_all(tmp_path)


def test_a_migration_that_fails_changes_nothing_and_what_ran_before_goes_on(host: Host) -> None:
    host.package("new", BROKEN)
    well, said = host.deploy("new")
    assert not well
    assert "the database stays as it is, and what ran before goes on: no such table: nowhere" in said
    assert host.migrations() == BASE
    assert host.rows("SELECT name FROM sqlite_master WHERE name = 'half'") == []
    assert host.running()["sha"] == "old"


def test_a_way_back_that_fails_changes_nothing_and_what_ran_before_goes_on(host: Host) -> None:
    host.package("new", NO_WAY_BACK)
    assert host.deploy("new")[0]
    well, said = host.deploy("old")
    assert not well
    assert "what ran before goes on: no such table: nowhere" in said
    assert host.migrations() == [*BASE, "0003_note"]
    assert host.running()["sha"] == "new"


def test_what_cannot_be_taken_back_cannot_be_left(host: Host) -> None:
    host.package("new", FORGETS)
    assert host.deploy("new")[0]
    well, said = host.deploy("old")
    assert not well
    assert "migration 0003_forget cannot be taken back" in said
    assert host.migrations() == [*BASE, "0003_forget"]
    assert host.running()["sha"] == "new"


def test_a_rollback_takes_the_newer_migration_back_and_keeps_what_customers_ordered(host: Host) -> None:
    host.package("new", ADDS)
    host.order("ada@example.test")
    for sha, more in (("new", ["0003_note"]), ("old", []), ("new", ["0003_note"])):
        assert host.deploy(sha)[0]
        assert host.migrations() == BASE + more
        columns = {row[1] for row in host.rows("PRAGMA table_info(orders)")}
        assert ("note" in columns) is bool(more)
        assert host.rows("SELECT email FROM orders") == [("ada@example.test",)]


def test_the_way_back_is_that_of_the_release_that_is_left(host: Host) -> None:
    host.package("first", {path: text for path, text in ADDS.items() if ".up." in path})
    host.package("second", ADDS)
    assert host.deploy("first")[0]
    assert not host.deploy("old")[0]
    assert host.deploy("second")[0]
    assert host.deploy("old")[0]
    assert host.migrations() == BASE


def test_a_version_that_does_not_start_takes_its_migration_along(host: Host) -> None:
    host.package("new", {**ADDS, "serve.py": "raise SystemExit('no way')\n"})
    well, said = host.deploy("new")
    assert not well
    assert "taken back: 0003_note" in said
    assert host.migrations() == BASE
    assert host.running()["sha"] == "old"


@pytest.mark.parametrize(
    ("environment", "orders"), [("dev", 3), ("review/SHOP-7-search", 3), ("staging", 0), ("production", 0)]
)
def test_only_environments_below_staging_are_seeded_and_once(
    host: Host, environment: str, orders: int
) -> None:
    if environment != "production":
        host.package("old", environment=environment)
    for _ in range(2):
        assert host.deploy("old", environment)[0]
    assert host.rows("SELECT count(*) FROM orders", environment) == [(orders,)]
