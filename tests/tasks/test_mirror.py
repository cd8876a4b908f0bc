"""The mirror of a Jira on loopback: what goes wrong half-way costs nothing, and nothing is there twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.gateway.hints import hint
from integrations.errors import Refused, Transient
from integrations.ledger import Ledger
from lifecycle.policy import Project
from tasks import context, doors, mirror
from tests.tasks.jira_site import COUNT, START, Site


@pytest.fixture(params=["cloud", "server"])
def site(request: pytest.FixtureRequest, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    del book
    made = Site(request.param)
    made.reach(monkeypatch)
    yield made
    made.stop()


@pytest.fixture
def shop(site: Site) -> Project:
    del site
    return context.policy().project("shop")


def now() -> datetime:
    return datetime.now(UTC)


def kept(book: Ledger) -> dict[str, str]:
    return {issue.key: issue.summary for issue in book.mirror_changes("SHOP").issues}


def test_a_project_that_jira_does_not_know_is_refused(site: Site, book: Ledger, shop: Project) -> None:
    with pytest.raises(Refused):
        mirror.refresh(shop.model_copy(update={"jira": "NOPE"}), now())
    assert kept(book) == {}


@pytest.mark.parametrize("do", ["429", "503_after", "hang", "drop_after"])
def test_a_scan_that_is_cut_short_is_continued_by_the_next_call(
    site: Site, book: Ledger, shop: Project, do: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if do == "hang":
        site.reach(monkeypatch, timeout_s=3)
    site.fault(do, skip=2, retry_after="7")
    with pytest.raises(Transient) as cut:
        mirror.refresh(shop, now())
    if do == "429":
        assert cut.value.retry_after_s == 7
    before = kept(book)
    assert 100 < len(before) < COUNT
    assert book.mirror_position("SHOP")["whole"] is None

    site.reach(monkeypatch)
    read = mirror.refresh(shop, now())
    assert kept(book) == {f"SHOP-{n + 1}": f"Wish {n}" for n in range(COUNT)}
    assert read < COUNT - len(before) + 150, "it began anew"
    assert book.mirror_position("SHOP")["whole"] is not None


def test_a_scan_that_fails_again_and_again_still_comes_to_its_end(
    site: Site, book: Ledger, shop: Project
) -> None:
    for _ in range(2 * COUNT // 100):
        site.fault("429", skip=2)
        try:
            mirror.refresh(shop, now())
        except Transient:
            continue
        break
    else:
        pytest.fail("it comes to no end")
    site.ask("DELETE", "/_sandbox/faults")
    mirror.refresh(shop, now())
    assert len(kept(book)) == COUNT


def test_what_is_changed_made_and_deleted_while_a_scan_goes_on_is_right_in_the_end(
    site: Site, book: Ledger, shop: Project
) -> None:
    site.fault("503", skip=2)
    with pytest.raises(Transient):
        mirror.refresh(shop, now())
    read, unread = 20, COUNT - 20
    site.rename(read, "Renamed after it was read")
    site.rename(unread, "Renamed before it was read")
    site.delete(read + 1)
    site.delete(unread + 1)
    made = site.create("Made meanwhile")
    mirror.refresh(shop, now())
    mirror.refresh(shop, now())
    assert kept(book) == site.titles()
    assert kept(book)[made] == "Made meanwhile"


def test_no_issue_is_missed_where_others_leave_the_result_between_two_pages(
    site: Site, shop: Project
) -> None:
    del shop
    seen: list[str] = []
    for number, page in enumerate(
        context.jira().scan("project = SHOP ORDER BY created ASC", ("summary",)), 1
    ):
        seen += [issue.key for issue in page]
        if number == 1:
            for gone in range(1, 60):
                site.delete(gone)
    assert set(seen) >= set(site.titles())


def test_afterwards_one_request_reads_what_changed(site: Site, book: Ledger, shop: Project) -> None:
    mirror.refresh(shop, now())
    site.rename(7, "Renamed")
    made = site.create("New")
    site.asked()
    assert mirror.refresh(shop, now()) == 2
    assert len(site.asked()) == 1
    assert (kept(book)["SHOP-7"], kept(book)[made], len(kept(book))) == ("Renamed", "New", COUNT + 1)


def test_a_change_that_the_index_shows_late_is_still_read(site: Site, book: Ledger, shop: Project) -> None:
    mirror.refresh(shop, now())
    mirror.refresh(shop, now())
    late = now() - mirror.OVERLAP + timedelta(minutes=1)
    site.sandbox.load_backlog([json.dumps({"title": "Late", "created": late.isoformat()})], "SHOP")
    mirror.refresh(shop, now())
    assert "Late" in kept(book).values()


def test_a_refresh_that_is_cut_short_is_continued_too(site: Site, book: Ledger, shop: Project) -> None:
    mirror.refresh(shop, now())
    lines = [json.dumps({"title": f"More {n}", "created": now().isoformat()}) for n in range(300)]
    site.sandbox.load_backlog(lines, "SHOP")
    site.fault("429", skip=1)
    with pytest.raises(Transient):
        mirror.refresh(shop, now())
    assert COUNT < len(kept(book)) < COUNT + 300
    mirror.refresh(shop, now())
    assert len(kept(book)) == COUNT + 300


def test_a_deleted_issue_is_taken_out_when_jira_tells_so(site: Site, book: Ledger, shop: Project) -> None:
    mirror.refresh(shop, now())
    site.delete(5)
    body = {
        "webhookEvent": "jira:issue_deleted",
        "issue": {"key": "SHOP-5", "fields": {"project": {"key": "SHOP"}}},
    }
    id_ = book.receive("jira", "d1", "hook", {}, json.dumps(body).encode(), now()).id
    assert hint(book, book.delivery(id_)).flow == "intake"
    for _ in range(2):
        assert doors.read.fn(id_).nothing == "SHOP-5 was deleted"
    assert "SHOP-5" not in kept(book)
    assert len(kept(book)) == COUNT - 1


def test_a_forged_word_that_an_issue_is_gone_takes_nothing_out(
    site: Site, book: Ledger, shop: Project
) -> None:
    mirror.refresh(shop, now())
    body = {"webhookEvent": "jira:issue_deleted", "issue": {"key": "SHOP-5"}}
    doors.read.fn(book.receive("jira", "d2", "hook", {}, json.dumps(body).encode(), now()).id)
    assert kept(book)["SHOP-5"] == "Wish 4"


def test_reconciling_finds_once_an_hour_what_was_deleted_without_a_word(
    site: Site, book: Ledger, shop: Project
) -> None:
    mirror.keep.fn(shop.id, now())
    site.delete(5)
    mirror.keep.fn(shop.id, now() + timedelta(minutes=30))
    assert "SHOP-5" in kept(book)
    mirror.keep.fn(shop.id, now() + mirror.COMPARED_EVERY + timedelta(minutes=1))
    assert "SHOP-5" not in kept(book)


def test_what_jira_says_of_an_issue_is_kept(site: Site, book: Ledger, shop: Project) -> None:
    site.sandbox.state.issues["SHOP-3"].votes = 4
    update = {"fields": {"labels": ["request"], "priority": {"name": "High"}, "description": "x" * 30_000}}
    site.ask("PUT", "/rest/api/2/issue/SHOP-3", update)
    site.ask("POST", "/rest/api/2/version", {"project": "SHOP", "name": "1.4.0"})
    site.ask("PUT", "/rest/api/2/issue/SHOP-3", {"update": {"fixVersions": [{"add": {"name": "1.4.0"}}]}})
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": "SHOP-3"}, "outwardIssue": {"key": "SHOP-4"}}
    site.ask("POST", "/rest/api/2/issueLink", link)
    mirror.refresh(shop, now())
    found = next(issue for issue in book.mirrored("SHOP", limit=COUNT) if issue.key == "SHOP-3")
    assert (found.project, found.summary, found.type, found.status) == ("SHOP", "Wish 2", "Task", "To Do")
    assert (found.labels, found.priority, found.fix_versions, found.votes) == (
        ("request",),
        "High",
        ("1.4.0",),
        4,
    )
    assert found.text == "x" * mirror.TEXT
    assert [(link.type, link.direction, link.key) for link in found.links] == [
        ("Blocks", "outward", "SHOP-4")
    ]
    assert found.reporter
    assert abs(found.created - START - timedelta(seconds=2)) < timedelta(milliseconds=2)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(0), timedelta(days=9000)))
def test_so_many_minutes_ago_is_never_later_than_meant(then: datetime, age: timedelta) -> None:
    try:
        at = then + age
        asked = at - timedelta(minutes=mirror.minutes_ago(then, at))
    except OverflowError:
        return
    assert asked <= then.replace(second=0, microsecond=0)
    assert then - asked <= timedelta(minutes=2)
