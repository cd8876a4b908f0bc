"""`conveyor env ...`: at the command line, against the sandbox's GitLab."""

from __future__ import annotations

import httpx
import pytest
import yaml

from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from tests.cli.world import SHA, Cli, Team, until_qa

STAGING = "environment:shop:staging"


# What cannot be.


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        (("stagign", "--reason", "x", "--as", "olli"), "no stagign"),
        (("staging", "--reason", "x", "--as", "dora"), "that is for release"),
        (("staging", "--reason", "x", "--until", "2020-01-01", "--as", "olli"), "that time is over"),
    ],
)
def test_a_lock_that_cannot_be_ends_with_3(cli: Cli, tokens: tuple[str, ...], why: str) -> None:
    said = cli.run("env", "lock", *tokens)
    assert (said.code, said.out) == (3, "")
    assert why in said.err
    assert cli.kinds(STAGING) == []


def test_what_is_not_locked_is_not_unlocked(cli: Cli) -> None:
    said = cli.run("env", "unlock", "staging", "--as", "olli")
    assert (said.code, said.err) == (3, "conveyor: staging is not locked.\n")


def test_a_policy_that_lets_real_data_into_development_is_named_with_its_path(cli: Cli) -> None:
    data = yaml.safe_load(cli.policy.read_text())
    data["projects"][0]["environments"] = [{"name": "dev", "tier": "development", "data": "real"}]
    cli.policy.write_text(yaml.safe_dump(data))
    said = cli.run("policy", "check")
    assert said.code == 1
    assert "projects.0.environments.0: environment dev: development uses seeded data only" in said.out


def test_a_regular_release_is_not_let_out_in_a_freeze(cli: Cli) -> None:
    cli.record("release:shop:1.4.0", *until_qa())
    said = cli.run("release", "unfreeze", "1.4.0", "--reason", "urgent", "--as", "olli")
    assert (said.code, said.err) == (3, "conveyor: Only a hotfix may go out in a freeze.\n")


# What is shown and done.


def test_a_lock_is_shown_told_and_taken_away(shop: Cli, team: Team) -> None:
    said = shop.run("env", "lock", "staging", "--reason", "load test", "--as", "olli")
    assert (said.code, said.out) == (0, "staging is locked.\n")
    seen = httpx.get(f"{team.vendors.slack.url}/people/olli/inbox", **LOOPBACK).text
    assert seen.count("Shop: staging is locked") >= 1
    shown = {row["name"]: row for row in shop.run("env", "list", "--json").json}
    assert shown["staging"]["lock"] == "olli: load test"
    assert len(shown["production"]["serves"]) == 40
    assert shown["review/*"]["data"] == "seeded"
    assert "olli: load test" in shop.run("env", "list").out
    assert shop.run("env", "unlock", "staging", "--as", "mara", "--json").json["accepted"]
    assert shop.kinds(STAGING) == ["Locked", "Unlocked"]


def test_the_sandboxs_shop_is_apart_and_what_reaches_production_is_found(shop: Cli, team: Team) -> None:
    said = shop.run("env", "check")
    assert (said.code, said.out) == (0, "nothing of production is in review/*\n")
    vendors = team.vendors
    api = f"{vendors.gitlab.url}/api/v4/projects/{vendors.gitlab_project}/variables"
    with httpx.Client(headers={"PRIVATE-TOKEN": vendors.tokens["olli"]}, **LOOPBACK) as olli:
        body = {"key": "BACKEND", "value": f"{vendors.production_url}/api", "environment_scope": "review/*"}
        olli.post(api, json=body).raise_for_status()
        try:
            said = shop.run("env", "check")
            as_json = shop.run("env", "check", "--json")
        finally:
            olli.delete(f"{api}/BACKEND").raise_for_status()
    assert said.code == as_json.code == 1
    assert "variable BACKEND (scope review/*)\tproduction's address" in said.out
    assert vendors.production_url not in said.out + as_json.out
    assert as_json.json["findings"][0]["environment"] == "review/*"


def test_a_hotfix_is_let_out_in_a_freeze(cli: Cli) -> None:
    plan = e.Planned(
        project="shop",
        version="1.4.1",
        issues=("SHOP-9",),
        base="1.4.0",
        plan_hash="p",
        release_kind="hotfix",
    )
    cut = e.CandidateCut(number=1, tag="1.4.1-rc.1", sha=SHA, branch="release/1.4.1")
    cli.record("release:shop:1.4.1", plan, cut)
    said = cli.run("release", "unfreeze", "1.4.1", "--reason", "the shop is down", "--as", "olli")
    assert (said.code, said.out) == (0, "It may go out in a freeze; everybody is told.\n")
    assert cli.kinds("release:shop:1.4.1")[-1] == "FreezeOverridden"
    shown = cli.run("release", "show", "1.4.1").out
    assert "olli let it out in a freeze as release: the shop is down" in shown
