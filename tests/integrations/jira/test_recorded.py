"""The models read what an older Server really answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.jira.models import account_of, comment_from, issue_from, version_from

RESPONSES = Path(__file__).parents[3].parent / "shared" / "recorded" / "jira" / "responses-server"

pytestmark = pytest.mark.skipif(
    not RESPONSES.exists(), reason="../shared/recorded/jira/responses-server is not here"
)


def load(name: str) -> Any:
    return json.loads((RESPONSES / name).read_bytes())


def test_a_recorded_issue_is_read() -> None:
    raw = load("issue/10002.json")
    issue = issue_from(raw)
    assert (issue.key, issue.id, issue.project_key) == ("SAMPLEPROJECT-1", "10002", "SAMPLEPROJECT")
    assert issue.status == raw["fields"]["status"]["name"]
    assert (issue.issue_type, issue.description, issue.resolution) == ("Task", "", "")
    assert issue.reporter_account_id == "admin"
    assert issue.created == datetime(2011, 12, 13, 21, 26, 6, 30000, UTC)


def issues(raw: Any) -> list[dict[str, Any]]:
    found = raw.get("issues", []) if isinstance(raw, dict) else raw if isinstance(raw, list) else []
    return [one for one in found if isinstance(one, dict) and "key" in one and "id" in one]


def test_every_recorded_list_of_issues_is_read() -> None:
    read = 0
    for path in sorted(RESPONSES.rglob("*issue*.json")):
        for raw in issues(json.loads(path.read_bytes())):
            assert issue_from(raw).key == raw["key"], path
            read += 1
    assert read > 20


def test_recorded_comments_are_read() -> None:
    raw = load("issue/10002/comment.json")["comments"]
    read = [comment_from(one) for one in raw]
    assert [one.body for one in read] == [one["body"] for one in raw]
    assert read[0].created == datetime(2012, 1, 10, 21, 2, 14, 430000, UTC)
    assert comment_from(load("issue/10002/comment.post.json")).author_account_id == "admin"


def test_recorded_versions_are_read() -> None:
    version = version_from(load("version/10000.json"))
    assert (version.name, version.released, version.release_date) == ("1.0", False, "2012-01-12")
    assert version_from(load("version.post.json")).release_date == ""


def test_a_recorded_user_without_account_id_is_its_name() -> None:
    assert account_of(load("user_accountId=1234567890abcdef01234567.json")) == "admin"
