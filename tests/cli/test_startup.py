"""The command line starts at once, and says what it can do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import App

from deployments.cli.main import commands
from integrations.ledger import NewEvent
from lifecycle.requests import AlikeFound
from tests.cli.world import START, Cli

CONVEYOR = Path(sys.executable).parent / "conveyor"


def leaves(app: App, name: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The full names of all commands."""
    found: list[tuple[str, ...]] = []
    for each in app:
        if each.startswith("-"):
            continue
        inner = leaves(app[each], (*name, each))
        found += inner or [(*name, each)]
    return found


WANTED = """demo / sandbox up / up / release list / release show / release start / release candidate
release approve / release return / release withdraw / release override / release time
release hold / release resume / release rollback / release abandon / release remove / release hotfix
release accept-no-return
pending / requests list / requests similar / review start / review show / review close / reconcile
requests import / requests merge / requests unmerge / requests set / requests values / requests estimates
requests need / requests waive / requests split / requests estimate / requests order / requests orders
requests rank / plan show / plan diff / plan change / plan approve / plan refuse
feedback show / feedback add / control digest / watch show
gates check / gates prove / gates except / gates exceptions / gates end-exception / release unfreeze
env list / env check / env lock / env unlock
policy check / policy schema / people check / audit show / audit export / audit verify"""


def test_every_command_of_the_description_is_there() -> None:
    wanted = {tuple(name.split()) for line in WANTED.splitlines() for name in line.split(" / ")}
    assert set(leaves(commands)) == wanted


@pytest.mark.parametrize("name", leaves(commands), ids=" ".join)
def test_the_help_of_every_command_has_an_example(cli: Cli, name: tuple[str, ...]) -> None:
    said = cli.run(*name, "--help")
    assert said.code == 0
    assert f"Example: conveyor {' '.join(name)}" in " ".join(said.out.split())


@pytest.mark.parametrize("module", ["deployments.cli.main", "deployments.sandbox", "deployments.demo.run"])
def test_what_starts_first_does_not_import_prefect(module: str) -> None:
    program = f"import sys, {module}; print('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_command_line_imports_neither_vendors_nor_databases() -> None:
    program = "import sys, deployments.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"jira", "gitlab", "slack_sdk", "sqlalchemy", "httpx", "requests", "pydantic", "matplotlib"}
    assert heavy.isdisjoint(done.stdout.split())


def test_a_walk_does_not_wait_for_the_plotting_library() -> None:
    program = "import sys, deployments.preload, flows.release; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_installed_script_lists_the_commands() -> None:
    done = subprocess.run([CONVEYOR, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "release" in done.stdout


def test_the_installed_script_ends_with_the_commands_own_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [CONVEYOR, "policy", "check", "missing.yaml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("conveyor: policy: read missing.yaml")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_has_enough_is_no_error(cli: Cli) -> None:
    program = f"{CONVEYOR} audit export | true; exit ${{PIPESTATUS[0]}}"
    found = [
        AlikeFound(request=f"r{n}", issue="SHOP-1", other="SHOP-2", title="x" * 200, score=0.5)
        for n in range(300)
    ]
    events = [NewEvent(fact.kind, fact.key("request:SHOP-1"), fact.model_dump(mode="json")) for fact in found]
    cli.ledger.append("request:SHOP-1", events, now=START)
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        (("releese",), "release"),
        (("release", "abandon", "1.4.0", "--as", "mara"), "--reason"),
        (("release", "approve", "1.4.0", "qa"), "--as"),
        (("release", "list", "--wrong"), "--wrong"),
        (("sandbox", "up", "--jira", "serbia"), "serbia"),
    ],
)
def test_wrong_usage_is_one_line_that_names_it_and_ends_with_2(
    cli: Cli, tokens: tuple[str, ...], named: str
) -> None:
    said = cli.run(*tokens)
    assert (said.code, said.out) == (2, "")
    assert named in said.err
    assert len(said.err.splitlines()) == 1


def test_a_wrong_variable_is_named_without_its_value(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, fresh_settings: object
) -> None:
    monkeypatch.setenv("CONVEYOR_GATEWAY_PORT", "s3cret")
    said = cli.run("release", "list")
    assert said.code == 2
    assert "gateway_port" in said.err
    assert "s3cret" not in said.err
