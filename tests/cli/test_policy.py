"""`conveyor policy ...`: every mistake is named with its place."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.cli.world import Cli, policy_data


def test_a_missing_file_is_a_wrong_name(cli: Cli) -> None:
    said = cli.run("policy", "check", "nowhere.yaml")
    assert said.code == 2
    assert "nowhere.yaml" in said.err


@pytest.mark.parametrize("text", ["people: [", "- a list", "\x00"])
def test_what_is_no_yaml_mapping_fails_in_one_line(cli: Cli, text: str) -> None:
    cli.policy.write_text(text)
    said = cli.run("policy", "check")
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1


def test_every_problem_is_named_with_its_path(cli: Cli) -> None:
    data = policy_data()
    data["people"][0]["slak"] = "U1"
    data["steps"][1]["due"] = "soon"
    data["watch"]["rules"]["every"] = "0s"
    data["projects"][0]["gitlab"] = "shop/shop"
    cli.policy.write_text(yaml.safe_dump(data))
    said = cli.run("policy", "check", "--json")
    assert said.code == 1
    assert [each["path"] for each in said.json["problems"]] == [
        "people.0.slak",
        "projects.0.gitlab",
        "steps.1.due",
        "watch.rules",
    ]
    assert said.err.endswith("4 problems\n")


def test_names_that_do_not_resolve_are_all_named(cli: Cli) -> None:
    data = policy_data()
    data["people"][0]["deputy"] = "nobody"
    data["people"][1]["slack"] = data["people"][0]["slack"]
    data["steps"][0]["quorum"] = {"qa": 3}
    cli.policy.write_text(yaml.safe_dump(data))
    said = cli.run("policy", "check")
    assert said.code == 1
    for wrong in ("deputy nobody", "stands twice", "needs 3 qa"):
        assert wrong in said.out


def test_a_valid_policy_says_so(cli: Cli) -> None:
    said = cli.run("policy", "check", str(cli.policy))
    assert (said.code, said.out) == (0, f"{cli.policy} is valid\n")


def test_a_command_that_needs_the_policy_says_what_is_wrong_with_it(cli: Cli) -> None:
    cli.policy.write_text("schema: 2\n")
    said = cli.run("review", "show")
    assert said.code == 1
    assert "schema" in said.err
    assert len(said.err.splitlines()) == 1


def test_the_schema_is_printed_or_written(cli: Cli) -> None:
    printed = cli.run("policy", "schema").json
    assert printed["required"] == ["people", "projects", "steps", "review", "watch"]
    assert cli.run("policy", "schema", "--to", "schema.json").code == 0
    assert json.loads((cli.home / "schema.json").read_text()) == printed
