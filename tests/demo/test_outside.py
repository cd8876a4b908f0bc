"""Reading a world that is not there, or answers nonsense: red rows that say what was seen, never a crash."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deployments.demo import checks
from deployments.demo.checks import Account, Facts, Outside, Row, all_checks, run_checks, settle
from deployments.demo.checks.figures import figures, runs
from deployments.demo.checks.outside import Failed
from integrations.sandbox.http import Server

FOLDER = Path(checks.__file__).parent
MAY_IMPORT = {"httpx", "deployments"} | sys.stdlib_module_names
KEYS = ("gift", "search", "again", "sales", "incident")
OURS = ("lifecycle", "flows", "tasks", "integrations", "prefect", "jira", "gitlab", "slack_sdk", "sqlalchemy")


class Strange:
    """One server for everything: it answers what it was told last, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.answer: Response = PlainTextResponse("no", 500)
        self.first: list[Response] = []
        self.asked = 0
        methods = ["GET", "POST"]
        self._server = Server(Starlette(routes=[Route("/{path:path}", self._say, methods=methods)]))
        self.url = self._server.url

    async def _say(self, _request: Request) -> Response:
        self.asked += 1
        return self.first.pop(0) if self.first else self.answer

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def strange() -> Iterator[Strange]:
    server = Strange()
    yield server
    server.stop()


def facts_at(url: str, conveyor: tuple[str, ...] = (sys.executable, "-c", "raise SystemExit(4)")) -> Facts:
    slugs = ("olli", "dora", "quinn", "mara", "gerd", "emil", "clara", "bot")
    return Facts(
        jira_url=url,
        gitlab_url=url,
        slack_url=url,
        staging_url=url,
        production_url=url,
        prefect_api_url=url,
        people={slug: Account(slug.capitalize(), f"{slug}@example.test", f"secret-{slug}") for slug in slugs},
        keys={name: f"SHOP-{number}" for number, name in enumerate(KEYS)},
        titles={name: name for name in KEYS if name != "incident"},
        deferred=("SHOP-9",),
        return_reason="why",
        removal_reason="because",
        lock_reason="why not",
        environment={},
        conveyor=conveyor,
    )


def red(facts: Facts) -> list[Row]:
    rows = run_checks(facts)
    assert [row.id for row in rows] == [check.id for check in all_checks(facts)]
    return [row for row in rows if not row.ok]


def test_where_nothing_answers_every_row_is_red_and_says_so(strange: Strange) -> None:
    strange.stop()
    rows = red(facts_at(strange.url))
    assert len(rows) == len(all_checks(facts_at("")))
    assert all(row.expected and ("Error" in row.seen or "Failed" in row.seen) for row in rows)


def test_an_answer_of_500_is_told_with_what_it_said(strange: Strange) -> None:
    strange.answer = PlainTextResponse("the disk is full", 500)
    rows = {row.id: row for row in red(facts_at(strange.url))}
    assert "answered 500: the disk is full" in rows["jira.status.gift"].seen
    assert "the issue stands" in rows["jira.status.gift"].expected


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", "null", '[{"id": 1}]', '{"channels": 7}'])
def test_an_answer_of_another_shape_is_a_red_row(strange: Strange, body: str) -> None:
    strange.answer = PlainTextResponse(body)
    facts = replace(facts_at(strange.url), conveyor=(sys.executable, "-c", f"print('''{body}''')"))
    assert {row.id for row in red(facts)} == {check.id for check in all_checks(facts)}


def test_no_secret_stands_in_a_row(strange: Strange) -> None:
    for text in ("no", "[]"):
        strange.answer = PlainTextResponse(text, 500 if text == "no" else 200)
        assert [row for row in run_checks(facts_at(strange.url)) if "secret-" in row.seen] == []


def test_a_command_that_is_not_there_is_a_red_row(strange: Strange) -> None:
    rows = {row.id: row for row in red(facts_at(strange.url, ("/nowhere/conveyor",)))}
    assert "No such file" in rows["ledger.verified"].seen


def test_a_command_that_cannot_reach_its_ledger_is_told_with_its_words(strange: Strange) -> None:
    program = "import sys; print('conveyor: no ledger', file=sys.stderr); sys.exit(4)"
    rows = {row.id: row for row in red(facts_at(strange.url, (sys.executable, "-c", program)))}
    assert "ended with 4: conveyor: no ledger" in rows["ledger.chain"].seen


def test_a_server_that_says_later_is_asked_again(strange: Strange) -> None:
    strange.first = [PlainTextResponse("locked", 503), PlainTextResponse("slow", 429, {"Retry-After": "0"})]
    strange.answer = PlainTextResponse('{"deploymentType": "Cloud"}')
    with Outside(facts_at(strange.url)) as outside:
        assert outside.jira("/serverInfo") == {"deploymentType": "Cloud"}
    assert strange.asked == 3


def test_what_was_read_once_is_not_asked_for_again_but_a_failure_is(strange: Strange) -> None:
    strange.first = [PlainTextResponse("no", 500)]
    strange.answer = PlainTextResponse('{"fields": {}}')
    with Outside(facts_at(strange.url)) as outside:
        with pytest.raises(Failed, match="answered 500"):
            outside.issue("SHOP-1")
        assert [outside.issue("SHOP-1"), outside.issue("SHOP-1")] == [{"fields": {}}] * 2
    assert strange.asked == 2


def test_figures_that_cannot_be_read_are_left_out(strange: Strange) -> None:
    with Outside(facts_at(strange.url)) as outside:
        assert figures(outside) == {}
        assert runs(outside) == []


def test_settling_gives_up_when_its_time_is_over(strange: Strange) -> None:
    assert settle(facts_at(strange.url), within_s=0) is False


def test_the_checks_import_nothing_of_conveyor_and_no_sdk() -> None:
    files = sorted(FOLDER.glob("*.py"))
    assert len(files) > 5
    for path in files:
        for name in imported(path):
            top = name.partition(".")[0]
            assert top in MAY_IMPORT, f"{path.name} imports {name}"
            assert top != "deployments" or name.startswith("deployments.demo.checks"), f"{path.name}: {name}"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            yield node.module or ""


def test_running_the_checks_loads_nothing_of_conveyor() -> None:
    program = (
        "import sys, deployments.demo.checks, deployments.demo.checks.figures\n"
        f"print([name for name in {OURS} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
