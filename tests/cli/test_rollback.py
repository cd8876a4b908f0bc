"""`conveyor release rollback`: what goes back is shown first, and what is unsafe is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import yaml

from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from tests.cli.world import Cli

Team = Any
VERSION = "1.4.0"
STREAM = f"release:shop:{VERSION}"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def live(shop: Cli, team: Team, monkeypatch: pytest.MonkeyPatch, fresh_settings: Callable[[], None]) -> Cli:
    """1.4.0 is on its way to production, which serves 1.3.0; it changes shop/api.py by one commit."""
    vendors = team.vendors
    api = f"{vendors.gitlab.url}/api/v4/projects/{vendors.gitlab_project}"
    login = {"PRIVATE-TOKEN": vendors.tokens["olli"]}
    first = httpx.get(f"{api}/repository/commits/1.3.0", headers=login, **LOOPBACK).json()["id"]
    found = httpx.get(f"{api}/repository/branches/release-1.4", headers=login, **LOOPBACK)
    if found.status_code == 404:
        actions = [{"action": "create", "file_path": "shop/api.py", "content": "X = 1\n"}]
        body = {"branch": "release-1.4", "start_sha": first, "commit_message": "SHOP-1 Add an API"}
        made = httpx.post(
            f"{api}/repository/commits", json={**body, "actions": actions}, headers=login, **LOOPBACK
        )
        sha = made.raise_for_status().json()["id"]
    else:
        sha = found.json()["commit"]["id"]
    shop.record(
        STREAM,
        e.Planned(project="shop", version=VERSION, issues=("SHOP-1",), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=sha, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=sha, url="", pipeline_id=2),
        e.ProductionStarted(number=1, tag=VERSION, sha=sha, previous_tag="1.3.0", previous_sha=first),
    )
    policy = yaml.safe_load(vendors.policy_path.read_text())
    policy["projects"][0]["contracts"] = []
    policy["no_return"] = ["management"]
    shop.policy.write_text(yaml.safe_dump(policy))
    monkeypatch.setenv("CONVEYOR_POLICY", str(shop.policy))
    fresh_settings()
    return shop


def contracts(cli: Cli, *globs: str) -> None:
    policy = yaml.safe_load(cli.policy.read_text())
    policy["projects"][0]["contracts"] = list(globs)
    cli.policy.write_text(yaml.safe_dump(policy))


WHY = ("--reason", "carts are empty")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "say --reason and --as, or --dry-run"),
        ((*WHY, "--as", "olli"), 2, "nobody can be asked here; say --yes"),
        ((*WHY, "--as", "dora", "--yes"), 3, "To roll back a release is for manager"),
        ((*WHY, "--as", "nobody", "--yes"), 3, "people file"),
        (
            (*WHY, "--as", "olli", "--yes", "--to", "0.9"),
            3,
            "0.9 is no earlier good version; these are: 1.3.0",
        ),
        ((*WHY, "--as", "olli", "--yes", "--to", VERSION), 3, "1.4.0 is no earlier good version"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    live: Cli, options: tuple[str, ...], code: int, said: str
) -> None:
    answer = live.run("release", "rollback", VERSION, *options)
    assert answer.code == code
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert "RollbackStarted" not in live.kinds(STREAM)


def test_a_dry_run_shows_what_goes_back_and_decides_nothing(live: Cli) -> None:
    shown = live.run("release", "rollback", VERSION, "--dry-run", "--json").json
    assert (shown["version"], shown["to"]["tag"], shown["issues"]) == (VERSION, "1.3.0", ["SHOP-1"])
    assert [commit["title"] for commit in shown["commits"]] == ["SHOP-1 Add an API"]
    assert (shown["files"], shown["unsafe"]) == (["shop/api.py"], [])
    text = live.run("release", "rollback", VERSION, "--dry-run").out
    assert "1.4.0 goes back to 1.3.0" in text
    assert "safe     yes" in text
    assert "RollbackStarted" not in live.kinds(STREAM)


def test_yes_decides_with_the_reason_and_wakes_the_release(live: Cli) -> None:
    said = live.run("release", "rollback", VERSION, *WHY, "--as", "olli", "--yes")
    assert (said.code, said.out.splitlines()[-1]) == (0, "Rolling back to 1.3.0.")
    started = live.ledger.events(STREAM)[-1].data
    assert (started["reasons"], started["to_tag"], started["unsafe"]) == (["carts are empty"], "1.3.0", [])
    assert live.ledger.wakeup(STREAM).pending


def test_what_is_unsafe_is_forced_by_the_role_alone_and_that_is_recorded(live: Cli) -> None:
    contracts(live, "shop/api.py")
    go = ("release", "rollback", VERSION, *WHY, "--yes")
    refused = live.run(*go, "--as", "olli")
    assert refused.code == 3
    assert "others may rely on what changed in shop/api.py. It can be forced by management." in refused.err
    assert live.run(*go, "--as", "olli", "--force").code == 3
    assert live.run(*go, "--as", "gerd", "--force").code == 0
    unsafe = live.ledger.events(STREAM)[-1].data["unsafe"]
    assert unsafe == ["others may rely on what changed in shop/api.py"]


def test_a_rolled_back_release_that_goes_to_its_own_version_goes_out_again(live: Cli) -> None:
    sha = str(live.ledger.events(STREAM)[-1].data["previous_sha"])
    live.record(
        STREAM,
        e.RollbackStarted(person="olli", reasons=("bad",), to_tag="1.3.0", to_sha=sha),
        e.RolledBack(to_sha=sha, pipeline_id=4, at=NOW),
    )
    options = (*WHY, "--yes", "--to", VERSION)
    assert live.run("release", "rollback", VERSION, *options, "--as", "dora").code == 3
    said = live.run("release", "rollback", VERSION, *options, "--as", "mara")
    assert (said.code, said.out) == (0, "The release goes on.\n")
    assert live.kinds(STREAM)[-1] == "Resumed"


def test_no_return_is_accepted_by_the_role_for_a_candidate_that_cannot_come_back(live: Cli) -> None:
    stream = "release:shop:1.5.0"
    go = ("release", "accept-no-return", "1.5.0", "--reason", "a dump is kept", "--as")
    sha = "a" * 40
    live.record(
        stream,
        e.Planned(project="shop", version="1.5.0", issues=("SHOP-2",), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag="1.5.0-rc.1", sha=sha, branch="release/1.5.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=sha, url="", pipeline_id=2),
    )
    assert live.run(*go, "gerd").code == 3
    live.record(stream, e.Rehearsed(number=1, ok=False, reason="0002 stays"))
    assert live.run(*go, "olli").code == 3
    assert live.run(*go, "gerd").out == "Candidate 1 goes on without a way back.\n"
    fact = live.ledger.events(stream)[-1].data
    assert (fact["person"], fact["role"], fact["reason"]) == ("gerd", "management", "a dump is kept")
