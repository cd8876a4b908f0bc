"""`conveyor gates check|prove|except|exceptions|end-exception`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml

from integrations.sandbox.http import LOOPBACK
from lifecycle.gates.exceptions import GateExcepted
from tests.cli.world import Cli, Team, policy_data

TODAY = datetime.now(UTC).date()
UNTIL = str(TODAY + timedelta(days=9))


def ask_for(cli: Cli, **gates: object) -> None:
    """Let the policy ask for more than the sandbox's does."""
    data = policy_data()
    data["projects"][0]["gates"] |= {"exceptions_by": ["release"], **gates}
    cli.policy.write_text(yaml.safe_dump(data))


@pytest.mark.parametrize(
    ("tokens", "code", "named"),
    [
        (("check",), 2, "--sha or --pipeline"),
        (("check", "--sha", "main", "--pipeline", "7"), 2, "--sha or --pipeline"),
        (("check", "--pipeline", "x"), 2, "x"),
        (("prove", "--project", "other"), 2, "no project other"),
        (("except", "tests", "--until", "soon", "--reason", "x", "--as", "olli"), 2, "soon"),
        (("except", "tests", "--until", UNTIL, "--as", "olli"), 2, "--reason"),
        (("except", "tests", "--until", UNTIL, "--reason", " ", "--as", "olli"), 3, "say why"),
        (("except", "tests", "--until", UNTIL, "--reason", "x", "--as", "dora"), 3, "signed by release"),
        (("except", "tests", "--until", UNTIL, "--reason", "x", "--as", "nobody"), 3, "people file"),
        (("except", "spelling", "--until", UNTIL, "--reason", "x", "--as", "olli"), 3, "no such gate"),
        (
            ("except", "commit", "--until", UNTIL, "--reason", "x", "--as", "olli"),
            3,
            "no exception to commit",
        ),
        (("except", "tests", "--until", "2026-01-01", "--reason", "x", "--as", "olli"), 3, "is over"),
        (("end-exception", "tests", "--reason", "x", "--as", "olli"), 3, "no exception to tests"),
        (("end-exception", "tests", "--reason", "x", "--as", "dora"), 3, "signed by release"),
    ],
)
def test_what_is_refused_is_one_line_with_the_reason(
    cli: Cli, tokens: tuple[str, ...], code: int, named: str
) -> None:
    ask_for(cli)
    said = cli.run("gates", *tokens)
    assert (said.code, said.out) == (code, "")
    assert named in said.err
    assert len(said.err.splitlines()) == 1
    assert cli.ledger.events("gates:shop") == ()


def test_an_exception_is_signed_once_listed_and_ended(cli: Cli) -> None:
    ask_for(cli)
    words = ("except", "coverage", "--until", UNTIL, "--reason", "moved out", "--as", "olli")
    assert cli.run("gates", *words).code == 0
    again = cli.run("gates", *words, "--json")
    assert (again.code, again.json["repeated"]) == (0, True)
    assert cli.kinds("gates:shop") == ["GateExcepted"]
    [row] = cli.run("gates", "exceptions", "--json").json
    assert (row["gate"], row["person"], row["role"], row["until"], row["stands"]) == (
        *("coverage", "olli", "release", UNTIL),
        True,
    )
    until = TODAY - timedelta(days=1)
    over = GateExcepted(
        round=2, gate="tests", person="olli", role="release", reason="x", until=until, door="cli"
    )
    cli.record("gates:shop", over)
    rows = [line.split("\t") for line in cli.run("gates", "exceptions").out.splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows] == [("coverage", "stands"), ("tests", "over")]
    assert cli.run("gates", "end-exception", "coverage", "--reason", "done", "--as", "olli").code == 0
    assert [each["gate"] for each in cli.run("gates", "exceptions", "--json").json] == ["tests"]


def test_the_proof_shows_for_every_gate_what_makes_it_fail(cli: Cli) -> None:
    ask_for(cli, scans={"sast": "high"}, minimum_coverage=80, coverage_drop=5)
    said = cli.run("gates", "prove", "--json")
    assert (said.code, said.json["ok"]) == (0, True)
    proven = {proof["gate"] for proof in said.json["proofs"]}
    assert {"commit", "job:unit", "job:package", "tests", "sast", "coverage", "coverage-drop"} <= proven
    rows = [line.split("\t") for line in cli.run("gates", "prove").out.splitlines()]
    assert ["sast", "the scan failed", "fails: the sast ended as failure"] in rows


def test_the_runtime_contract_is_proven_too(cli: Cli) -> None:
    data = policy_data()
    data["projects"][0]["runtime"] = {"metrics": "/metrics", "base_images": ["**"]}
    cli.policy.write_text(yaml.safe_dump(data))
    said = cli.run("gates", "prove")
    assert (said.code, said.err) == (1, "conveyor: not proven: runtime.base_image\n")
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert ["runtime.metrics", "there are no metrics", "fails: /metrics answers 404, not 200"] in rows


def test_a_gate_that_cannot_fail_is_reported(cli: Cli) -> None:
    ask_for(cli, minimum_coverage=90, coverage_drop=10)
    said = cli.run("gates", "prove")
    assert said.code == 1
    assert said.err == "conveyor: not proven: coverage-drop\n"
    assert "it cannot fail: nothing violates it" in said.out


def pipelines(team: Team, **query: str) -> list[dict[str, Any]]:
    """The shop's pipelines, newest first, as GitLab tells them."""
    vendors = team.vendors
    answer = httpx.get(
        f"{vendors.gitlab.url}/api/v4/projects/1/pipelines",
        params=query,
        headers={"PRIVATE-TOKEN": vendors.tokens["olli"]},
        **LOOPBACK,
    )
    return answer.raise_for_status().json()


def test_a_pipeline_is_judged_with_reasons_and_links(shop: Cli, team: Team) -> None:
    newest, *_ = pipelines(team)
    said = shop.run("gates", "check", "--sha", newest["sha"][:12], "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert (said.json["sha"], said.json["pipeline"]) == (newest["sha"], newest["id"])
    rows = {row["id"]: row for row in said.json["gates"]}
    assert rows["commit"]["state"] == "pass"
    assert rows["commit"]["url"] == newest["web_url"]
    assert rows["job:unit"]["state"] == "fail"
    assert rows["sast"]["reasons"] == ["there is no sast report"]
    assert rows["image_size"]["state"] == "not asked"
    table = shop.run("gates", "check", "--pipeline", str(newest["id"]))
    assert table.code == 1
    assert "job:unit" in table.err
    assert ["job:unit", "fail", "required job unit did not run", newest["web_url"]] in [
        line.split("\t") for line in table.out.splitlines()
    ]


def test_a_commit_that_is_not_there_is_said_so(shop: Cli) -> None:
    said = shop.run("gates", "check", "--sha", "f" * 40)
    assert (said.code, said.out) == (2, "")
    assert "404" in said.err
