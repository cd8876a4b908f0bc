"""A backlog of reports becomes issues: real keys kept, statuses mapped, nothing lost."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.jira.client import JiraClient
from integrations.settings import JiraSettings
from tests.integrations.sandbox_jira.conftest import Site

TITANIUM = Path(__file__).parents[3].parent / "shared" / "backlog" / "titanium" / "reports.jsonl.gz"


def line(**report: Any) -> str:
    return json.dumps({"title": "t", "created": "2020-01-02T03:04:05", **report})


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        '{"title": "no date"}',
        line(created="yesterday"),
        line(id="TWICE-1") + "\n" + line(id="TWICE-1"),
    ],
)
def test_a_line_that_cannot_be_an_issue_is_named(cloud: Site, bad: str) -> None:
    with pytest.raises(ValueError, match="line "):
        cloud.sandbox.load_backlog(bad.splitlines(), "OPS")


@pytest.mark.parametrize(
    ("status", "resolution", "expected"),
    [
        ("Open", None, ("To Do", "")),
        ("Reopened", "Fixed", ("To Do", "")),
        ("In Progress", None, ("In Progress", "")),
        ("In Review", None, ("Code Review", "")),
        ("In QE Test", None, ("QA", "")),
        ("Resolved", "Fixed", ("Closed", "Fixed")),
        ("Closed", "Won't Do", ("Closed", "Won't Do")),
        ("Some other", None, ("Closed", "")),
        (None, "Fixed", ("Closed", "Fixed")),
        (None, None, ("To Do", "")),
    ],
)
def test_statuses_become_those_of_the_workflow(
    cloud: Site, status: str | None, resolution: str | None, expected: tuple[str, str]
) -> None:
    report = {} if status is None else {"status": status}
    cloud.sandbox.load_backlog([line(**report, resolution=resolution)], "OPS")
    key = list(cloud.sandbox.state.issues)[-1]
    fields = cloud.http.get(f"/rest/api/2/issue/{key}").json()["fields"]
    assert (fields["status"]["name"], (fields["resolution"] or {}).get("name", "")) == expected


def test_an_id_like_a_key_stays_the_key_and_others_get_the_next(cloud: Site, tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl.gz"
    reports = [
        line(id="TI-41", priority="Critical", type="Improvement", components=["Web"]),
        line(id="17"),
        "",
    ]
    path.write_bytes(gzip.compress("\n".join(reports).encode()))
    loaded = cloud.sandbox.load_backlog(path, "TI")
    assert (loaded.issues, loaded.projects) == (2, ("TI",))
    assert loaded.newest == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    fields = cloud.http.get("/rest/api/2/issue/TI-41").json()["fields"]
    assert (fields["priority"]["name"], fields["issuetype"]["name"]) == ("Highest", "Improvement")
    assert fields["components"] == [{"name": "Web"}]
    assert fields["created"] == "2020-01-02T03:04:05.000+0000"
    assert cloud.http.get("/rest/api/2/issue/TI-42").status_code == 200


@pytest.mark.skipif(not TITANIUM.exists(), reason="../shared/backlog/titanium is not here")
def test_a_real_backlog_is_read_completely(cloud: Site) -> None:
    loaded = cloud.sandbox.load_backlog(TITANIUM, "TIMOB")
    assert loaded.issues == 27_546
    user, token = "ana@example.test", "token-ana"
    client = JiraClient(
        JiraSettings.model_validate(
            {"url": cloud.sandbox.url, "user": user, "token": token, "flavor": "cloud"}
        )
    )
    open_ones = {
        i.key for i in client.search("project in (TIMOB, AC, ALOY, MOD, DAEMON) AND status = 'To Do'")
    }
    assert len(open_ones) == 2550 + 190
    assert len({i.key for i in client.search("project = TIMOB", fields=["summary", "description"])}) == 20_986
