"""What no tool checks for us: no mocks, no packages under tests/, no clock in the rules."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("lifecycle", "flows", "tasks", "integrations", "deployments")

PURE_MODULES = {
    *("__future__", "abc", "collections", "dataclasses", "enum", "types", "typing"),
    *("array", "functools", "heapq", "itertools", "math", "operator", "statistics"),
    *("datetime", "zoneinfo", "fnmatch", "hashlib", "json", "re", "unicodedata"),
    *("pydantic", "numpy", "Stemmer", "lifecycle"),
    "holidays",  # tables in code: which day is a holiday where
}
"""What the rules may import. A new one is a decision: does it read a clock, a file, the network or chance?"""

IMPURE_CALLS = frozenset(
    {"now", "today", "utcnow", "open", "print", "input", "eval", "exec", "uuid4", "getenv"}
)


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Every Python file of the project under `folders`, as path and syntax tree."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names of what is imported: `unittest.mock` however it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[str]:
    """The last names of what is called: `now` of `datetime.now(UTC)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def mocks(tree: ast.AST) -> list[str]:
    """Imports that replace our own code by something that agrees with every test."""
    banned = ("unittest.mock", "mock", "pytest_mock")
    return [name for name in imports(tree) if any(f"{name}.".startswith(f"{b}.") for b in banned)]


def patches(tree: ast.AST) -> list[str]:
    """`monkeypatch.setattr(...)`: environment variables may be set, code may not be exchanged."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("setattr", "delattr", "setitem")
        and isinstance(node.value, ast.Name)
        and node.value.id == "monkeypatch"
    ]


def impurities(tree: ast.AST) -> list[str]:
    """What a rule may neither import nor call."""
    imported = [name for name in imports(tree) if name.split(".")[0] not in PURE_MODULES]
    return imported + [name for name in calls(tree) if name in IMPURE_CALLS]


def test_nothing_of_our_own_is_mocked() -> None:
    found = {path: said for path, tree in modules("tests", *PACKAGES) if (said := mocks(tree))}
    assert found == {}


def test_nothing_of_our_own_is_patched() -> None:
    found = {path: said for path, tree in modules("tests") if (said := patches(tree))}
    assert found == {}


def test_there_is_no_package_under_tests_that_could_hide_one_of_ours() -> None:
    assert [str(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_no_two_tasks_bear_one_name_in_a_run_s_graph() -> None:
    names: dict[str, list[str]] = {}
    for where, tree in modules("tasks"):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "task_run_name":
                names.setdefault(ast.unparse(node.value), []).append(where)
    # A message is posted once and edited later: two steps of one message.
    shared = {name for name, places in names.items() if len(places) > 1}
    assert shared == {"'Slack: {title}'"}


def test_the_rules_look_only_at_their_arguments() -> None:
    found = {path: said for path, tree in modules("lifecycle") if (said := impurities(tree))}
    assert found == {}


Check = Callable[[ast.AST], list[str]]


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (mocks, "from unittest.mock import patch"),
        (mocks, "from unittest import mock"),
        (mocks, "import unittest.mock as m"),
        (mocks, "import mock"),
        (mocks, "import pytest_mock"),
        (patches, "monkeypatch.setattr(ours, 'act', lambda: None)"),
        (patches, "monkeypatch.setitem(ours, 'act', 1)"),
        (impurities, "import os"),
        (impurities, "from importlib import resources"),
        (impurities, "at = datetime.now(UTC)"),
        (impurities, "at = date.today()"),
        (impurities, "text = open('policy.yaml').read()"),
        (impurities, "from uuid import uuid4"),
        (impurities, "def late():\n    import requests"),
    ],
)
def test_each_of_these_checks_is_able_to_say_no(check: Check, line: str) -> None:
    assert check(ast.parse(line))


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (mocks, "from tasks import mocked_up"),
        (patches, "monkeypatch.setenv('CONVEYOR_POLICY', 'x')"),
        (impurities, "from lifecycle.calendar import duration"),
    ],
)
def test_and_to_let_by_what_is_allowed(check: Check, line: str) -> None:
    assert check(ast.parse(line)) == []
