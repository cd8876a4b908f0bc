"""When Jira does not answer, or answers "later": which error, how soon, and how the truth is found."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from integrations.errors import Conflict, IntegrationError, NotFound, Refused, Transient
from integrations.jira.client import JiraClient
from integrations.jira.session import retry_after_s
from integrations.sandbox.faults import Fault
from tests.integrations.jira.world import Jira

New = Callable[[str], str]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_transient(jira: Jira, client: JiraClient, status: int) -> None:
    jira.sandbox.faults.order(Fault("GET /rest/api/2/myself", str(status)))
    with pytest.raises(Transient) as raised:
        client.myself()
    assert raised.value.status == status
    assert client.myself() == "acc-bot"


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (401, Refused), (403, Refused), (404, NotFound), (409, Conflict)]
)
def test_a_lasting_refusal_is_sorted_by_what_to_do(
    jira: Jira, client: JiraClient, status: int, kind: type[IntegrationError]
) -> None:
    jira.sandbox.faults.order(Fault("GET /rest/api/2/myself", str(status)))
    with pytest.raises(kind) as raised:
        client.myself()
    assert pickle.loads(pickle.dumps(raised.value)).status == status


def test_a_busy_jira_says_when_to_come_again(jira: Jira, client: JiraClient) -> None:
    jira.sandbox.faults.order(Fault("GET /rest/api/2/myself", "429", retry_after="17"))
    with pytest.raises(Transient) as raised:
        client.myself()
    assert raised.value.retry_after_s == 17.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Mon, 02 Mar 2026 10:00:30 GMT"}, 30.0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:00 GMT"}, 0.0),
        ({"X-RateLimit-Reset": "2026-03-02T10:01:00Z"}, 60.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_every_way_to_say_when_is_understood(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, datetime(2026, 3, 2, 10, tzinfo=UTC)) == expected


def test_a_jira_that_hangs_is_given_up_in_time(jira: Jira) -> None:
    client = jira.client(timeout_s=0.3, flavor=jira.flavor)
    jira.sandbox.faults.order(Fault("GET /rest/api/2/myself", "hang"))
    began = time.monotonic()
    with pytest.raises(Transient) as raised:
        client.myself()
    assert time.monotonic() - began < 3
    assert raised.value.status is None


def test_nobody_listening_is_transient(jira: Jira, client: JiraClient) -> None:
    jira.sandbox.stop()
    with pytest.raises(Transient) as raised:
        client.myself()
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("do", ["drop_before", "drop_after", "503_after"])
def test_a_create_is_sent_once_whatever_becomes_of_it(jira: Jira, client: JiraClient, do: str) -> None:
    jira.sandbox.faults.order(Fault("POST /rest/api/2/issue", do))
    with pytest.raises(Transient):
        client.create_issue("REL", "Task", "x", "", op_key="intake:1")
    sent = [seen for seen in jira.sandbox.faults.requests if seen.path == "/rest/api/2/issue"]
    assert len(sent) == 1
    executed = do != "drop_before"
    assert client.find_created("REL", "intake:1") == ("REL-1" if executed else None)


def test_a_comment_whose_answer_was_lost_is_not_made_twice(jira: Jira, client: JiraClient, new: New) -> None:
    key = new("x")
    jira.sandbox.faults.order(Fault("POST /rest/api/2/issue/.*/comment", "drop_after"))
    with pytest.raises(Transient):
        client.comment(key, "QA starts", op_key="qa:1")
    client.comment(key, "QA starts", op_key="qa:1")
    assert len(client.comments(key)) == 1


def test_a_transition_whose_answer_was_lost_is_a_repeat_that_does_nothing(
    jira: Jira, client: JiraClient, new: New
) -> None:
    key = new("x")
    jira.sandbox.faults.order(Fault("POST .*/transitions", "drop_after"))
    with pytest.raises(Transient):
        client.transition(key, "In Progress")
    assert client.transition(key, "In Progress") is False


def test_a_conflicting_transition_reads_the_status_again(jira: Jira, client: JiraClient, new: New) -> None:
    key = new("x")
    jira.sandbox.faults.order(Fault("POST .*/transitions", "409_after"))
    assert client.transition(key, "In Progress") is False
    jira.sandbox.faults.order(Fault("POST .*/transitions", "409"))
    with pytest.raises(Conflict):
        client.transition(key, "Code Review")


def test_a_version_made_by_somebody_meanwhile_is_taken(jira: Jira, client: JiraClient) -> None:
    jira.sandbox.faults.order(Fault("POST /rest/api/2/version", "400_after"))
    assert client.ensure_version("REL", "1.4.0").name == "1.4.0"
    assert len(client.versions("REL")) == 1


def test_too_many_writes_to_one_issue_are_told_to_wait(jira: Jira, client: JiraClient, new: New) -> None:
    key = new("x")
    for n in range(20):
        client.set_property(key, "counter", n)
    with pytest.raises(Transient) as raised:
        client.set_property(key, "counter", 20)
    assert raised.value.status == 429
    assert raised.value.retry_after_s is not None
    assert 0 < raised.value.retry_after_s <= 3
    assert client.property(key, "counter") == 19


def test_a_url_that_is_none_is_refused(jira: Jira) -> None:
    with pytest.raises(Refused):
        jira.client(url="jira.example.test", flavor=jira.flavor).myself()
