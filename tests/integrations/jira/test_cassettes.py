"""The client against recorded answers: no server runs, and every request must be one that was recorded.

Each cassette says in its first line where it was recorded; see `tape` for how to record anew.
"""

from __future__ import annotations

import os
import re
from datetime import date, timedelta

import pytest

from integrations.errors import NotFound, Refused
from tests.integrations.jira.tape import FOLDER, REQUEST, Flavor, anonymous, taped

PROJECT = (
    os.environ.get("CONVEYOR_RECORD_PROJECT", "REL") if os.environ.get("CONVEYOR_RECORD") == "1" else "REL"
)

record = pytest.mark.record
flavors = pytest.mark.parametrize("flavor", ["cloud", "server"])


@record
@flavors
def test_what_is_not_there_and_what_is_wrong_are_told_apart(flavor: Flavor) -> None:
    with taped("refusals", flavor) as client:
        with pytest.raises(NotFound):
            client.issue(f"{PROJECT}-999999")
        with pytest.raises(Refused) as raised:
            list(client.search("project = "))
    assert raised.value.detail


@record
@flavors
def test_an_issue_is_made_moved_and_commented_once(flavor: Flavor) -> None:
    with taped("issue", flavor) as client:
        key = client.create_issue(PROJECT, "Task", "Recorded", "By the tests", op_key="cassette:1")
        assert client.transition(key, "In Progress") is True
        assert client.transition(key, "In Progress") is False
        comment = client.comment(key, "Recorded", op_key="cassette:2")
        assert client.comment(key, "Recorded", op_key="cassette:2") == comment
        client.set_property(key, "conveyor.state", {"phase": "staging"})
        assert client.property(key, "conveyor.state") == {"phase": "staging"}
        issue = client.issue(key)
    assert (issue.summary, issue.status, issue.issue_type) == ("Recorded", "In Progress", "Task")
    assert issue.created is not None


@record
@flavors
def test_a_version_is_made_filled_released_and_taken_back(flavor: Flavor) -> None:
    with taped("version", flavor) as client:
        version = client.ensure_version(PROJECT, "0.0.1-recorded", "By the tests")
        key = client.create_issue(PROJECT, "Task", "Versioned", "", op_key="cassette:3")
        assert client.add_fix_version(key, version.name) is True
        assert client.add_fix_version(key, version.name) is False
        assert client.release_version(PROJECT, version.name, date(2026, 3, 2)) is True
        assert client.unrelease_version(PROJECT, version.name) is True
        assert client.issue(key).fix_versions == (version.name,)


@record
@flavors
def test_the_running_slas_of_a_customers_request_are_read(flavor: Flavor) -> None:
    with taped("sla", flavor) as client:
        found = client.running_slas(os.environ.get("CONVEYOR_RECORD_REQUEST", REQUEST))
    assert found
    for sla in found:
        assert sla.name
        assert sla.breached is (sla.remaining < timedelta(0))


def test_every_cassette_says_where_it_was_recorded_and_holds_no_secret() -> None:
    cassettes = sorted(FOLDER.glob("*.yaml"))
    assert len(cassettes) == 8
    for path in cassettes:
        text = path.read_text()
        assert text.startswith("# Recorded from: "), path
        assert not re.search(
            r"authorization|cookie|bearer|basic |token-bot|ATATT|127\.0\.0\.1", text, re.I
        ), path
        assert set(re.findall(r"[\w.]+@([\w.]+)", text)) <= {"example.test"}, path


def test_people_are_taken_out_of_what_is_recorded() -> None:
    person = {
        "accountId": "5b10",
        "emailAddress": "a@corp.test",
        "displayName": "A",
        "avatarUrls": {"1": "x"},
    }
    seen = anonymous({"fields": {"name": "kept", "reporter": person}, "list": [person]})
    somebody = {"accountId": "account", "emailAddress": "someone@example.test", "displayName": "Someone"}
    assert seen == {"fields": {"name": "kept", "reporter": somebody}, "list": [somebody]}
