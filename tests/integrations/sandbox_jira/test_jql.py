"""JQL: what is understood means what it means in Jira; the rest is refused."""

from __future__ import annotations

import re

import pytest

from tests.integrations.sandbox_jira.conftest import Site

API = "/rest/api/2"


@pytest.fixture(scope="module")
def found(cloud: Site) -> Site:
    """Five issues: A and B in REL with versions and labels, C closed, D and E in OPS."""
    for name in ("1.0", "2.0"):
        cloud.http.post(f"{API}/version", json={"name": name, "project": "REL"})
    cloud.create("A pays by card", labels=["request", "Urgent"], priority={"name": "High"})
    cloud.create("B pays by invoice", fixVersions=[{"name": "1.0"}], assignee={"accountId": "acc-ana"})
    closed = cloud.create("C is a bug", issuetype={"name": "Bug"}, fixVersions=[{"name": "2.0"}])
    cloud.http.post(f"{API}/issue/{closed}/transitions", json={"transition": {"id": "71"}})
    cloud.create("D pages at night", project={"key": "OPS"}, description="the Pager rings")
    last = cloud.create("E other", project={"key": "OPS"}, priority={"name": "Lowest"})
    cloud.http.post(f"{API}/issue/{last}/comment", json={"body": "see the runbook"})
    return cloud


def letters(site: Site, jql: str) -> str:
    answer = site.http.post(f"{API}/search/jql", json={"jql": jql, "fields": ["summary"], "maxResults": 100})
    assert answer.status_code == 200, answer.text
    return "".join(issue["fields"]["summary"][0] for issue in answer.json()["issues"])


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ("project = REL", "ABC"),
        ('project = "Operations"', "DE"),
        ("project in (REL, OPS)", "ABCDE"),
        ("project != REL", "DE"),
        ("key = REL-2", "B"),
        ("key in (REL-1, OPS-1)", "AD"),
        ("status = 'to do' AND project = REL", "AB"),
        ("statusCategory = Done", "C"),
        ("statusCategory != Done AND project = REL", "AB"),
        ("labels = urgent", "A"),
        ("labels in (urgent, nothing)", "A"),
        ("labels != request", ""),  # an issue without labels has none that differs
        ("labels IS EMPTY AND project = REL", "BC"),
        ("labels is not empty", "A"),
        ("fixVersion = 1.0", "B"),
        ('fixVersion in ("1.0", "2.0")', "BC"),
        ("fixVersion NOT IN (1.0)", "C"),
        ("fixVersion is EMPTY AND project = REL", "A"),
        ("issuetype = Bug", "C"),
        ("type = Bug", "C"),
        ("priority = High OR priority = Lowest", "AE"),
        ("assignee = acc-ana", "B"),
        ("assignee = currentUser()", "B"),
        ("assignee is EMPTY AND project = REL", "AC"),
        ("reporter = currentUser() AND project = OPS", "DE"),
        ("resolution = Unresolved AND project = REL", "AB"),
        ("resolution = Done", "C"),
        ('text ~ "pays card"', "A"),
        ("text ~ pager", "D"),
        ("text ~ runbook", "E"),
        ('summary ~ "pays"', "AB"),
        ('summary !~ "pays" AND project = REL', "C"),
        ("created >= -10m", "ABCDE"),
        ("created < -10m", ""),
        ("created >= 2020-01-01 AND updated > '2020/01/01 10:30'", "ABCDE"),
        ("created <= 2020-01-01", ""),
        ("NOT project = REL", "DE"),
        ("project = REL AND NOT (labels = request OR status = Closed)", "B"),
        ("project = OPS OR project = REL AND labels = request", "ADE"),
        ("(project = OPS OR project = REL) AND labels = request", "A"),
        ("PROJECT = rel and Status In (Closed)", "C"),
    ],
)
def test_a_query_finds_what_it_finds_in_jira(found: Site, jql: str, expected: str) -> None:
    assert "".join(sorted(letters(found, jql))) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", "CBA"),
        ("ORDER BY created ASC", "ABC"),
        ("ORDER BY key DESC", "CBA"),
        ("ORDER BY priority DESC, key", "ABC"),
        ("ORDER BY priority ASC, key DESC", "CBA"),
        ("ORDER BY status, summary DESC", "CBA"),
        ("ORDER BY rank", "ABC"),
    ],
)
def test_results_come_in_the_order_asked_by_default_the_newest_first(
    found: Site, order: str, expected: str
) -> None:
    assert letters(found, f"project = REL {order}") == expected


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("project =", "end of the query"),
        ("project", "ends too early"),
        ("project = REL AND", "ends too early"),
        ("project = REL OR OR project = OPS", "Expecting"),
        ("(project = REL", r"Expecting '\)'"),
        ("project = REL)", "Expecting the end"),
        ("project REL", "Expecting an operator"),
        ("project = REL extra", "Expecting the end"),
        ("project in REL", r"Expecting '\('"),
        ("project in (REL", r"Expecting '\)'"),
        ("labels is 3", "Expecting EMPTY"),
        ('project = "REL', "not understood"),
        ("project = REL ORDER created", "Expecting 'BY'"),
        ("project = REL ORDER BY mood", "cannot sort"),
        ("mood = good", "Field 'mood' does not exist"),
        ("project = NOPE", "does not exist for the field 'project'"),
        ("status in (Closed, Lost)", "does not exist for the field 'status'"),
        ("fixVersion = 9.9", "does not exist for the field 'fixversion'"),
        ("key = REL-999", "does not exist for the field 'key'"),
        ("assignee = membersOf()", "Unable to find JQL function"),
        ("status > 3", "not supported"),
        ("status ~ done", "not supported"),
        ("text = pager", "not supported"),
        ("created ~ 2020-01-01", "not supported"),
        ("created > yesterday", "Date value 'yesterday'"),
        ("created > -5x", "Date value"),
        ("text ~ '...'", "empty text"),
        ("status WAS Closed", "Expecting an operator"),
    ],
)
def test_a_query_that_is_not_understood_is_refused_with_the_reason(
    found: Site, jql: str, message: str
) -> None:
    answer = found.http.post(f"{API}/search/jql", json={"jql": jql})
    assert answer.status_code == 400
    assert re.search(message, answer.json()["errorMessages"][0])
