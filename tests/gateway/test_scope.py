"""A change of scope in Slack: its buttons decide, and a refusal needs its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from deployments.demo.waiting import eventually
from lifecycle import events as e
from lifecycle import scope_changes
from lifecycle.scope import ScopeLine
from tasks import plan_messages
from tests.gateway.world import Asked, Office

_NUMBERS = count(1)


@pytest.fixture
def asked(office: Office) -> Asked:
    """Olli asks for another issue in a planned release; the message is posted."""
    version = f"7.{next(_NUMBERS)}.0"
    subject = f"release:shop:{version}"
    office.record(
        subject,
        e.Planned(project="shop", version=version, issues=("SHOP-3",), base="main", plan_hash="p" * 64),
    )
    change = scope_changes.asking(
        office.release(subject),
        subject,
        [ScopeLine(key="SHOP-4", title="Search", size=3)],
        [],
        why="the client asked",
        person="olli",
        door="cli",
        due=datetime.now(UTC) + timedelta(days=2),
    )
    office.record(subject, change)
    content = plan_messages.change(office.release(subject), change, office.policy)
    ts = office.post(subject, plan_messages.change_key(subject, change.request), content)
    return Asked(subject, version, {"SHOP-3": change.request}, ts)


@pytest.mark.parametrize("slug", ["quinn", "dora"])
def test_who_holds_no_role_of_the_review_is_refused_in_private(
    office: Office, asked: Asked, slug: str
) -> None:
    before = office.message(asked)
    office.press(slug, asked, "scope.approve")
    why = "a change of scope is decided by lead and product"
    eventually("it is told", lambda: any(why in text for text in office.whispers(slug)), 30)
    assert office.kinds(asked.subject) == ["Planned", "ScopeChangeAsked"]
    assert office.message(asked) == before


def test_the_last_role_puts_it_into_effect_and_the_names_stand_there(office: Office, asked: Asked) -> None:
    office.press("mara", asked, "scope.approve")
    eventually("the name", lambda: "approved by Mara" in office.message(asked), 30)
    assert office.ledger.wakeup(asked.subject).pending
    office.press("olli", asked, "scope.approve")
    assert office.kinds(asked.subject)[2:] == ["ScopeChangeApproved", "ScopeChangeApproved", "ScopeChanged"]
    assert office.release(asked.subject).plan.issues == ("SHOP-3", "SHOP-4")
    eventually("the end", lambda: "in effect" in office.message(asked), 30)
    assert "scope.approve" not in office.message(asked)


def test_a_refusal_is_asked_for_its_reason_and_ends_the_change(office: Office, asked: Asked) -> None:
    office.press("mara", asked, "scope.refuse")
    empty = office.people["mara"].submit("scope.refuse", {"reason": "   "})
    assert "say why" in str(empty)
    assert office.kinds(asked.subject) == ["Planned", "ScopeChangeAsked"]
    assert office.people["mara"].submit("scope.refuse", {"reason": "next <time>"})["view"] == "closed"
    event = office.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["reason"]) == ("ScopeChangeRefused", "next <time>")
    eventually("the reason", lambda: "next &lt;time&gt;" in office.message(asked), 30)
    assert "scope.approve" not in office.message(asked)
