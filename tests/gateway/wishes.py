"""Requests for the page /requests: a mirror as a scan leaves it, and the ledger's facts about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.ledger import Ledger, MirroredIssue, NewEvent
from lifecycle import events as e
from lifecycle.backlog import Merged
from lifecycle.requests import Door, Received, Requester, Voted
from lifecycle.scoring import RequestSource

SHA = "a" * 40
START = datetime(2026, 8, 1, 10, tzinfo=UTC)
LIVE = datetime(2026, 11, 3, 12, tzinfo=UTC)


def wish(number: int, title: str, status: str = "To Do", **more: Any) -> MirroredIssue:
    """An issue of the shop; each is a day younger than the one before."""
    created = START + timedelta(days=number)
    plain: dict[str, Any] = {
        "text": "private: nobody reads this on the page",
        "type": "Task",
        "priority": "Medium",
        "labels": (),
        "fix_versions": (),
        "links": (),
        "reporter": "5f0000:clara",
        "votes": 0,
        "updated": created,
    }
    return MirroredIssue(
        key=f"SHOP-{number}",
        project="SHOP",
        summary=title,
        status=status,
        created=created,
        **{**plain, **more},
    )


def record(book: Ledger, stream: str, facts: Sequence[e.Fact], at: datetime = START) -> None:
    """Append facts to the ledger."""
    new = [NewEvent(fact.kind, fact.key(stream), fact.model_dump(mode="json")) for fact in facts]
    book.append(stream, new, now=at)


def received(number: int, title: str, *names: str) -> tuple[Received, ...]:
    """Asked for by so many people in Slack."""
    return tuple(
        Received(
            issue=f"SHOP-{number}",
            origin=f"slack:{number}:{name}",
            door=Door.SLACK,
            source=RequestSource.MANAGEMENT,
            title=title,
            requester=Requester(name=name, slack=f"U0{name.upper()}"),
            at=START,
        )
        for name in names
    )


def voted(number: int, name: str) -> Voted:
    """Somebody wants it too."""
    return Voted(issue=f"SHOP-{number}", who=Requester(name=name, slack=f"U0{name.upper()}"), door="slack")


def merged(issue: int, into: int) -> Merged:
    """Somebody said that the two are the same."""
    return Merged(issue=f"SHOP-{issue}", into=f"SHOP-{into}", round=1, person="mara", door="slack")


def gone_live(version: str, *numbers: int) -> tuple[e.Fact, ...]:
    """The facts of a release until production serves it."""
    return (
        e.Planned(
            project="shop",
            version=version,
            issues=tuple(f"SHOP-{number}" for number in numbers),
            base="main",
            plan_hash="p",
        ),
        e.CandidateCut(number=1, tag=f"{version}-rc.1", sha=SHA, branch="b", authors=("dora",)),
        e.CandidateVerified(number=1, pipeline_id=7),
        e.Staged(number=1, sha=SHA, url="http://staging.example", pipeline_id=8),
        e.ProductionStarted(number=1, tag=version, sha=SHA),
        e.ProductionDeployed(at=LIVE, sha=SHA, url="http://shop.example", pipeline_id=9),
    )
