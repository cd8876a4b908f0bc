"""Who may import whom: every contract holds, and every one is really able to say no."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]
PACKAGES: list[str] = PROJECT["tool"]["importlinter"]["root_packages"]


def the(start: str) -> str:
    """The one contract whose name starts so."""
    (name,) = [name for name in CONTRACTS if name.startswith(start)]
    return name


BREAKS: list[tuple[str, str, str]] = [
    (the("Layers"), "lifecycle", "import tasks.context"),
    (the("Layers"), "lifecycle", "import integrations.errors"),
    (the("Layers"), "integrations", "import lifecycle.policy"),
    (the("Layers"), "integrations/jira", "from lifecycle import workflow"),
    (the("Layers"), "tasks", "import flows.release"),
    (the("Layers"), "flows/stages", "import deployments.worker"),
    (the("Flows"), "flows", "import integrations.ledger"),
    (the("Flows"), "flows/stages", "from integrations.jira import JiraClient"),
    (the("Flows"), "flows", "import gitlab"),
    (the("Rules"), "lifecycle", "import prefect"),
    (the("Rules"), "lifecycle", "import sqlalchemy"),
    (the("Rules"), "lifecycle", "from time import sleep"),
    (the("Rules"), "lifecycle", "from pathlib import Path"),
    (the("Integrations"), "integrations", "import prefect"),
    (the("Integrations"), "integrations/ledger", "from prefect import task"),
    (the("Vendors"), "integrations/jira", "import integrations.slack"),
    (the("Vendors"), "integrations/ledger", "import integrations.gitlab"),
    (the("An SDK"), "tasks", "from slack_sdk import WebClient"),
    (the("An SDK"), "integrations/sandbox", "import jira"),
    (the("Jira's SDK"), "integrations/gitlab", "from jira import JIRA"),
    (the("GitLab's SDK"), "deployments", "import gitlab"),
    (the("Slack's SDK"), "deployments/cli", "import slack_bolt"),
    (the("The sandbox"), "tasks", "import integrations.sandbox.http"),
    (the("The sandbox"), "integrations/slack", "from integrations.sandbox import people"),
]
"""What is broken, where, and how."""


def broken(root: Path) -> set[str]:
    """The contracts that the tree under `root` breaks."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    said = dict(re.findall(r"^(.+) (KEPT|BROKEN)$", run.stdout, re.MULTILINE))
    assert list(said) == CONTRACTS, run.stdout + run.stderr
    assert run.returncode == (1 if "BROKEN" in said.values() else 0)
    return {name for name, state in said.items() if state == "BROKEN"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own modules, to break."""
    root = tmp_path_factory.mktemp("layers")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "template")
        )
    return root


@contextmanager
def one_more_line(package: Path, line: str) -> Iterator[None]:
    module = package / "broken_on_purpose.py"
    module.write_text(f"{line}\n", encoding="utf-8")
    try:
        yield
    finally:
        module.unlink()


def test_every_contract_is_kept() -> None:
    assert broken(ROOT) == set()


def test_every_contract_is_broken_on_purpose_below() -> None:
    assert {contract for contract, _, _ in BREAKS} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "package", "line"), BREAKS, ids=[f"{p}: {x}" for _, p, x in BREAKS])
def test_an_import_that_a_contract_forbids_is_caught(
    copy: Path, contract: str, package: str, line: str
) -> None:
    with one_more_line(copy / package, line):
        assert contract in broken(copy)
