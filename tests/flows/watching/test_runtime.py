"""Staging is looked at: a candidate that breaks the runtime contract is told why, rule by rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import Transient
from integrations.settings import settings
from tasks import context, gates, runtime
from tests.flows.watching.shop import RealShop, running

Team = Any
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def sha(team: Team) -> str:
    """The commit on main with a Dockerfile."""
    team.commit("Dockerfile", "FROM python:3.12-slim AS build\nFROM build\n")
    return context.gitlab().repository.commit(1, "main").sha


@pytest.fixture
def shop(sha: str, tmp_path: Path) -> Iterator[RealShop]:
    with running(tmp_path / "staging", sha) as shop:
        yield shop


def contract(shop: RealShop, **rules: Any) -> None:
    """What the policy asks of this shop."""
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    logs = {"staging": f"file:{shop.log}"}
    data["projects"][0] |= {"staging_url": shop.url, "logs": logs, "runtime": rules}
    path.write_text(json.dumps(data))


def test_nothing_is_asked_where_the_policy_asks_nothing(team: Team, sha: str, tmp_path: Path) -> None:
    contract(RealShop(NOBODY, tmp_path / "none.log"))
    assert runtime.broken("shop", sha) == ()


def test_the_sandboxes_shop_keeps_the_contract(team: Team, shop: RealShop, sha: str) -> None:
    rules = {"health": "/healthz", "metrics": "/metrics", "json_logs": True}
    contract(shop, **rules, base_images=["python:3.12-*"])
    assert runtime.broken("shop", sha) == ()


def test_another_commit_a_foreign_image_and_a_trace_are_each_told(
    team: Team, shop: RealShop, sha: str
) -> None:
    contract(shop, health="/healthz", metrics="/cart", json_logs=True, base_images=["alpine"], data="/data")
    with shop.log.open("a") as log:
        log.write("Traceback (most recent call last):\n")
    other = context.gitlab().repository.create_branch(1, "other", sha).sha
    assert other == sha
    team.commit("VERSION", "2")
    newer = context.gitlab().repository.commit(1, "main").sha
    said = runtime.broken("shop", newer)
    assert f"runtime.health: /healthz says sha {sha}, not {newer}" in said
    assert "runtime.base_image: Dockerfile builds on python:3.12-slim, which is not in the list" in said
    assert [reason.partition(":")[0] for reason in said] == [
        "runtime.health",
        "runtime.data",
        "runtime.metrics",
        "runtime.json_logs",
        "runtime.base_image",
    ]


def test_the_table_shows_the_contract_of_what_staging_serves_and_an_exception_lets_it_past(
    team: Team, shop: RealShop, sha: str
) -> None:
    contract(shop, health="/healthz", base_images=["alpine"])
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["projects"][0]["gates"] = {"exceptions_by": ["release"]}
    path.write_text(json.dumps(data))
    project = context.policy().project("shop")
    assert runtime.look(project, sha) == ()
    deployment = {"environment": "staging", "sha": sha, "ref": "main", "tag": False, "status": "success"}
    team.gitlab("POST", "deployments", "olli", **deployment)
    assert [(row.id, row.state) for row in runtime.look(project, sha)] == [
        ("runtime.health", "pass"),
        ("runtime.base_image", "fail"),
    ]
    until = datetime.now(UTC).date()
    signed = gates.sign_exception("shop", "runtime.base_image", until, "olli", "it moves next week")
    assert signed.accepted, signed.message
    assert runtime.broken("shop", sha) == ()
    assert [row.state for row in runtime.look(project, sha)] == ["pass", "excepted"]


def test_a_staging_that_does_not_answer_breaks_it(team: Team, sha: str, tmp_path: Path) -> None:
    contract(RealShop(NOBODY, tmp_path / "none.log"), health="/healthz", json_logs=True)
    said = runtime.broken("shop", sha)
    assert said[0] == "runtime.health: /healthz does not answer (ConnectionError)"
    assert said[1].startswith("runtime.json_logs: the log cannot be read: logs: read")


def test_a_commit_without_a_dockerfile_breaks_it(team: Team, tmp_path: Path) -> None:
    team.commit("README.md", "shop")
    sha = context.gitlab().repository.commit(1, "main").sha
    contract(RealShop(NOBODY, tmp_path / "none.log"), base_images=["alpine"])
    assert runtime.broken("shop", sha) == ("runtime.base_image: there is no Dockerfile",)


def test_a_gitlab_that_is_down_breaks_nothing_but_is_asked_again(
    team: Team, sha: str, tmp_path: Path
) -> None:
    contract(RealShop(NOBODY, tmp_path / "none.log"), base_images=["alpine"])
    team.fail_gitlab(".*/repository/files/.*", 1)
    with pytest.raises(Transient):
        runtime.broken("shop", sha)
    assert runtime.broken("shop", sha)[0].startswith("runtime.base_image: Dockerfile builds on")
