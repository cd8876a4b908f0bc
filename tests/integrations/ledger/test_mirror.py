"""The mirror: nothing is kept twice, an older reading replaces nothing, and a reader sees every change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from integrations.errors import Refused
from integrations.ledger import Ledger, MirroredIssue, MirroredLink

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
WISH = MirroredIssue(
    key="SHOP-1",
    project="SHOP",
    summary="Gift wrap 🎁",
    text="<b>lovely</b>",
    type="Task",
    status="To Do",
    priority="High",
    labels=("request", "op-1"),
    fix_versions=("1.4.0",),
    links=(MirroredLink("Blocks", "outward", "SHOP-2"),),
    reporter="acc-ana",
    votes=3,
    created=NOW,
    updated=NOW,
)


def wish(number: int, **changed: object) -> MirroredIssue:
    return replace(WISH, key=f"SHOP-{number}", **changed)  # pyright: ignore[reportArgumentType]


def test_a_mirror_that_was_never_filled_is_empty(ledger: Ledger) -> None:
    assert ledger.mirror_position("SHOP") == {}
    assert ledger.mirrored("SHOP") == ()
    assert ledger.mirrored_keys("SHOP") == frozenset()
    assert ledger.mirror_changes("SHOP").issues == ()
    ledger.unmirror("SHOP", ["SHOP-1"])
    assert ledger.mirror_changes("SHOP").removals == 0
    assert ledger.mirror_revision("SHOP") == (0, 0)


def test_only_the_issues_in_some_statuses_are_read(ledger: Ledger) -> None:
    closed = wish(2, status="Erledigt")
    ledger.mirror("SHOP", [WISH, closed, wish(3)])
    ledger.mirror("SHOPS", [replace(WISH, key="SHOPS-1", project="SHOPS", status="Other")])
    assert ledger.mirror_statuses("SHOP") == {WISH.status, "Erledigt"}
    assert ledger.mirrored("SHOP", statuses=["Erledigt", "Other"]) == (closed,)
    assert ledger.mirrored("SHOP", statuses=[]) == ()


def test_what_is_kept_comes_back_as_it_was_with_the_place(ledger: Ledger) -> None:
    ledger.mirror("SHOP", [WISH], {"at": "12:00"})
    assert ledger.mirrored("SHOP") == (WISH,)
    assert ledger.mirror_position("SHOP") == {"at": "12:00"}
    ledger.mirror("SHOP", [])
    assert ledger.mirror_position("SHOP") == {"at": "12:00"}


def test_a_repeat_keeps_each_issue_once_and_the_newest_state_stays(ledger: Ledger) -> None:
    newer = wish(
        1, subtask=True, summary="Gift wrap, with a ribbon", updated=NOW + timedelta(seconds=1), votes=0
    )
    ledger.mirror("SHOP", [WISH])
    ledger.mirror("SHOP", [newer])
    ledger.mirror("SHOP", [WISH])
    assert ledger.mirrored("SHOP") == (newer,)
    same_time = replace(newer, votes=7)
    ledger.mirror("SHOP", [same_time])
    assert ledger.mirrored("SHOP") == (same_time,)


def test_pages_hold_every_issue_of_the_project_once(ledger: Ledger) -> None:
    ledger.mirror("SHOP", [wish(n) for n in range(1, 24)])
    ledger.mirror("SHOPS", [replace(WISH, key="SHOPS-1", project="SHOPS")])
    seen: list[str] = []
    while page := ledger.mirrored("SHOP", seen[-1] if seen else "", limit=5):
        seen += [issue.key for issue in page]
    assert sorted(seen) == sorted(f"SHOP-{n}" for n in range(1, 24))
    assert ledger.mirrored_keys("SHOP") == set(seen)


def test_changes_are_told_since_a_revision_and_removals_are_counted(ledger: Ledger) -> None:
    ledger.mirror("SHOP", [wish(1), wish(2)])
    first = ledger.mirror_changes("SHOP", texts=False)
    assert [(issue.key, issue.text) for issue in first.issues] == [("SHOP-1", ""), ("SHOP-2", "")]
    assert ledger.mirror_changes("SHOP", first.revision).issues == ()
    ledger.mirror("SHOP", [wish(2, status="QA")])
    then = ledger.mirror_changes("SHOP", first.revision)
    assert [(issue.key, issue.status, issue.text) for issue in then.issues] == [("SHOP-2", "QA", WISH.text)]
    assert then.removals == first.removals
    ledger.unmirror("SHOP", ["SHOP-2", "SHOP-9"])
    gone = ledger.mirror_changes("SHOP", then.revision)
    assert (gone.issues, gone.removals) == ((), first.removals + 1)
    assert ledger.mirror_revision("SHOP") == (gone.revision, gone.removals)
    assert ledger.mirrored_keys("SHOP") == {"SHOP-1"}


def test_what_no_database_takes_is_left_out_of_a_text(ledger: Ledger) -> None:
    ledger.mirror("SHOP", [wish(1, summary="a\0b", text="half \ud83c of one")])
    [kept] = ledger.mirrored("SHOP")
    assert (kept.summary, kept.text) == ("ab", "half ? of one")


def test_a_time_without_a_zone_is_refused_and_nothing_is_kept(ledger: Ledger) -> None:
    naive = wish(2, updated=datetime(2026, 7, 1, 12))  # noqa: DTZ001 - that is the point
    with pytest.raises(Refused):
        ledger.mirror("SHOP", [wish(1), naive], {"at": "x"})
    assert (ledger.mirrored("SHOP"), ledger.mirror_position("SHOP")) == ((), {})
