"""`conveyor release start`: a release by hand, against a real Jira and GitLab of the sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK
from lifecycle import events as e
from tests.cli.world import SHA, Cli, Team

STREAM = "release:shop:1.4.1"


def start(shop: Cli, *keys: str, person: str = "olli", version: str = "1.4.1", hotfix_of: str = "") -> Any:
    more = ("--hotfix-of", hotfix_of) if hotfix_of else ()
    issues = [token for key in keys for token in ("--issues", key)]
    return shop.run("release", "start", version, *issues, "--as", person, *more)


def production_of(
    version: str, issues: tuple[str, ...], *after: e.ReleaseEvent
) -> tuple[e.ReleaseEvent, ...]:
    """The shortest history of a release that went to production."""
    return (
        e.Planned(project="shop", version=version, issues=issues, base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=SHA, branch=f"release/{version}"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=SHA, url="http://127.0.0.1:1", pipeline_id=2),
        e.ProductionStarted(
            number=1, tag=version, sha=SHA, attempt=1, previous_tag="1.3.0", previous_sha="b" * 40
        ),
        *after,
    )


ROLLED_BACK = (
    e.RollbackStarted(person=None, reasons=("cart was bad",), to_tag="1.3.0", to_sha="b" * 40, attempt=1),
    e.RolledBack(attempt=1, to_sha="b" * 40, pipeline_id=3, at="2026-10-01T10:00:00Z"),  # pyright: ignore
)


@pytest.mark.parametrize(
    ("person", "version", "keys", "why"),
    [
        ("mallory", "1.4.1", ("SHOP-1",), "you are not in Conveyor's people file"),
        ("dora", "1.4.1", ("SHOP-1",), "to start a release is for manager, management, release, devops"),
        ("olli", "1.4", ("SHOP-1",), "1.4 is no version like 1.4.0"),
        ("olli", "1.4.1", ("KIOSK-1",), "KIOSK-1 is no issue of SHOP"),
        ("olli", "1.4.1", ("SHOP-4711",), "Jira has no SHOP-4711"),
    ],
)
def test_what_may_not_be_started_is_refused_with_its_reason(
    shop: Cli, person: str, version: str, keys: tuple[str, ...], why: str
) -> None:
    said = start(shop, *keys, person=person, version=version)
    assert said.code == 3
    assert said.err == f"conveyor: Not started: {why}.\n"
    assert shop.ledger.subjects() == ()


def test_a_finished_issue_is_not_started_again(shop: Cli, team: Team) -> None:
    key = team.issue("done long ago")
    team.close(key)
    assert f"{key} is Closed already" in start(shop, key).err


def test_an_unknown_project_is_a_wrong_name(shop: Cli) -> None:
    said = shop.run("release", "start", "1.4.1", "--issues", "SHOP-1", "--as", "olli", "--project", "kiosk")
    assert said.code == 2
    assert "no project kiosk" in said.err


def test_a_jira_that_does_not_answer_ends_with_4(shop: Cli, team: Team) -> None:
    fault = {"match": "GET /rest/api/2/issue/.*", "do": "503", "times": 1}
    httpx.post(f"{team.vendors.jira.url}/_sandbox/faults", json=fault, **LOOPBACK).raise_for_status()
    said = start(shop, "SHOP-1")
    assert said.code == 4
    assert said.err.startswith("conveyor: jira: ")
    assert shop.ledger.subjects() == ()


def test_an_issue_goes_out_with_one_release_only(shop: Cli) -> None:
    start(shop, "SHOP-1", version="1.5.0")
    said = start(shop, "SHOP-1", version="1.6.0")
    assert said.code == 3
    assert "SHOP-1 goes out with 1.5.0" in said.err


def test_a_started_release_is_planned_with_its_titles_and_shown_in_jira_and_woken(
    shop: Cli, team: Team
) -> None:
    key = team.issue("Gift wrap for umbrellas")
    said = start(shop, key.lower(), version="1.7.0")
    assert (said.code, said.out) == (0, "1.7.0 is started.\n")
    stream = "release:shop:1.7.0"
    [planned] = shop.ledger.events(stream)
    assert planned.data["titles"] == {key: "Gift wrap for umbrellas"}
    assert (planned.data["base"], planned.data["started_by"]) == ("main", "olli")
    assert team.versions_of(key) == ["1.7.0"]
    assert shop.ledger.wakeup(stream).pending


def test_a_repeat_changes_nothing_and_another_plan_of_that_version_is_refused(shop: Cli, team: Team) -> None:
    key = team.issue("once")
    start(shop, key)
    again = start(shop, key)
    assert (again.code, again.out) == (0, "1.4.1 was started already.\n")
    other = start(shop, key, team.issue("another"))
    assert other.code == 3
    assert "this version is planned already" in other.err
    assert shop.kinds(STREAM) == ["Planned"]


def test_a_hotfix_of_a_rolled_back_release_takes_its_issues_along(shop: Cli, team: Team) -> None:
    carried, fix = team.issue("Search"), team.issue("The cart opens again")
    shop.record("release:shop:1.4.0", *production_of("1.4.0", (carried,), *ROLLED_BACK))
    assert start(shop, fix, hotfix_of="1.4.0").code == 0
    planned = shop.ledger.events(STREAM)[0].data
    assert (planned["release_kind"], planned["base"], planned["supersedes"]) == ("hotfix", "1.4.0", "1.4.0")
    assert (planned["issues"], planned["carries"]) == ([fix], [carried])
    assert planned["titles"] == {fix: "The cart opens again", carried: "Search"}
    assert team.versions_of(carried) == ["1.4.1"]


def test_a_hotfix_of_a_release_that_is_out_brings_only_its_own_issues(shop: Cli, team: Team) -> None:
    out, fix = team.issue("Out already"), team.issue("Mends it")
    shop.record("release:shop:1.4.0", *production_of("1.4.0", (out,)))
    assert start(shop, fix, hotfix_of="1.4.0").code == 0
    planned = shop.ledger.events(STREAM)[0].data
    assert (planned["base"], planned["carries"], planned["supersedes"]) == ("1.4.0", [], None)


def test_a_hotfix_of_what_ran_before_conveyor_is_cut_from_production_s_tag(shop: Cli, team: Team) -> None:
    fix = team.issue("Older than the ledger")
    assert start(shop, fix, version="1.3.1", hotfix_of="1.3.0").code == 0
    assert shop.ledger.events("release:shop:1.3.1")[0].data["base"] == "1.3.0"
    said = start(shop, fix, version="1.2.1", hotfix_of="1.2.0")
    assert "1.2.0 is neither a release nor in production" in said.err


def test_a_release_that_was_never_in_production_needs_no_hotfix(shop: Cli, team: Team) -> None:
    shop.record("release:shop:1.4.0", *production_of("1.4.0", ("SHOP-2",))[:4])
    said = start(shop, team.issue("early"), hotfix_of="1.4.0")
    assert said.code == 3
    assert "it needs a candidate, no hotfix" in said.err


def test_releases_that_go_out_together_share_the_name_of_their_group(shop: Cli) -> None:
    said = shop.run("release", "start", "1.9.0", "--issues", "SHOP-1", "--as", "olli", "--group", "spring")
    assert said.code == 0
    assert shop.ledger.events("release:shop:1.9.0")[0].data["group"] == "spring"
