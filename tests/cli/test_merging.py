"""`conveyor requests merge` and `unmerge`: one core with the buttons, refusals in one line."""

from __future__ import annotations

import pytest

from tests.cli.world import Cli, Team


@pytest.fixture
def keys(team: Team) -> tuple[str, str]:
    first, second = (team.issue(title) for title in ("Dark theme", "A theme that is dark"))
    return first, second


@pytest.mark.parametrize(
    ("key", "into", "code", "said"),
    [
        ("SHOP-4711", "SHOP-1", 2, "there is no issue SHOP-4711 in Jira"),
        ("SHOP-1", "SHOP-4711", 2, "there is no issue SHOP-4711 in Jira"),
        ("KIOSK-1", "SHOP-1", 3, "There is no request KIOSK-1."),
        ("SHOP-1", "nonsense", 3, "There is no request nonsense."),
        ("SHOP-1", "", 3, "There is no request ."),
        ("SHOP-1", "SHOP-1", 3, "Not merged: SHOP-1 is never its own duplicate."),
    ],
)
def test_what_cannot_be_merged_is_one_line(
    shop: Cli, team: Team, key: str, into: str, code: int, said: str
) -> None:
    team.issue("The first one")
    outcome = shop.run("requests", "merge", key, into, "--as", "mara")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", f"conveyor: {said}\n")
    assert shop.ledger.head()[0] == 0


@pytest.mark.parametrize("person", ["nobody", "clara"])
def test_who_is_not_of_the_team_merges_nothing(shop: Cli, keys: tuple[str, str], person: str) -> None:
    said = shop.run("requests", "merge", *keys, "--as", person)
    assert said.code == 3
    assert "nothing was decided" in said.err


def test_a_circle_is_refused_and_so_is_a_second_original(
    shop: Cli, team: Team, keys: tuple[str, str]
) -> None:
    first, second = keys
    assert shop.run("requests", "merge", second, first, "--as", "mara").code == 0
    circle = shop.run("requests", "merge", first, second, "--as", "mara")
    assert circle.code == 3
    assert circle.err == f"conveyor: Not merged: {second} is already a duplicate of {first}.\n"
    other = team.issue("Another wish")
    again = shop.run("requests", "merge", second, other, "--as", "mara")
    assert again.err == f"conveyor: Not merged: {second} is already a duplicate of {first}.\n"


def test_a_merge_is_on_record_once_and_wakes_who_carries_it_out(shop: Cli, keys: tuple[str, str]) -> None:
    first, second = keys
    said = shop.run("requests", "merge", second, first, "--as", "mara")
    assert (said.code, said.out) == (0, f"{second} is merged into {first}.\n")
    assert shop.run("requests", "merge", second, first, "--as", "olli", "--json").json["repeated"] is True
    [event] = shop.ledger.events("project:shop")
    assert (event.kind, event.data["person"], event.data["door"]) == ("Merged", "mara", "cli")
    assert shop.ledger.wakeup("project:shop").pending


def test_a_merge_is_taken_back_once(shop: Cli, keys: tuple[str, str]) -> None:
    first, second = keys
    shop.run("requests", "merge", second, first, "--as", "mara")
    assert shop.run("requests", "unmerge", second, "--as", "olli").code == 0
    assert shop.run("requests", "unmerge", second, "--as", "olli", "--json").json["repeated"] is True
    assert shop.kinds("project:shop") == ["Merged", "Unmerged"]


@pytest.mark.parametrize("key", ["SHOP-4711", "nonsense"])
def test_what_is_not_merged_cannot_be_taken_back(shop: Cli, key: str) -> None:
    said = shop.run("requests", "unmerge", key, "--as", "mara")
    assert said.code == 3
    assert len(said.err.splitlines()) == 1
