"""One look over all releases: what waits, as the ledger and the policy are at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, event

from integrations.ledger import Ledger, NewEvent
from lifecycle import events as e
from lifecycle.phases import TRANSITIONS
from tasks import pending
from tests.cli.world import SHA, policy_data, until_qa

NOW = datetime(2026, 10, 1, 10, tzinfo=UTC)


def record(book: Ledger, stream: str, *facts: Any, at: datetime = NOW) -> None:
    for fact in facts:
        new = NewEvent(fact.kind, fact.key(stream), fact.model_dump(mode="json"))
        book.append(stream, [new], now=at)


def asking(book: Ledger, version: str) -> str:
    """A release that waits for QA of two issues, recorded a minute before and at NOW."""
    stream = f"release:shop:{version}"
    plan, *rest = until_qa()
    record(book, stream, plan.model_copy(update={"version": version}), at=NOW - timedelta(minutes=1))
    for fact in rest:
        if isinstance(fact, e.SignOffAsked):
            record(book, stream, fact.model_copy(update={"request": f"{fact.request}-{version}"}))
        else:
            record(book, stream, fact)
    return stream


def versions() -> list[str]:
    return [each.version for each in pending.everything()]


@contextmanager
def queries() -> Iterator[list[str]]:
    """What is asked of any database meanwhile, without what begins and ends transactions."""
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_more: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_an_empty_ledger_waits_for_nobody(book: Ledger) -> None:
    assert pending.everything() == ()


def test_every_open_release_is_looked_at_and_the_asking_dates_the_question(book: Ledger) -> None:
    asking(book, "1.4.0")
    asking(book, "1.5.0")
    found = pending.everything()
    assert [(each.version, each.issue) for each in found] == [
        ("1.4.0", "SHOP-3"),
        ("1.4.0", "SHOP-4"),
        ("1.5.0", "SHOP-3"),
        ("1.5.0", "SHOP-4"),
    ]
    assert {each.asked_at for each in found} == {NOW}


def test_an_ended_release_is_left_out_also_when_it_ends_between_two_looks(book: Ledger) -> None:
    first, _ = asking(book, "1.4.0"), asking(book, "1.5.0")
    assert len(versions()) == 4
    record(book, first, e.Abandoned(person="mara", reason="no"))
    assert versions() == ["1.5.0", "1.5.0"]


def test_after_the_facts_that_are_looked_for_nothing_can_be_signed_ever_again() -> None:
    reached = {after for (_, kind), after in TRANSITIONS.items() if kind in pending._PAST}
    assert reached
    while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
        reached |= more
    assert not [phase for phase in reached if (phase, "SignOffGiven") in TRANSITIONS]


def test_a_release_that_has_gone_to_production_waits_no_more(book: Ledger) -> None:
    stream = asking(book, "1.4.0")
    assert len(versions()) == 2
    record(book, stream, e.ProductionStarted(number=1, tag="1.4.0", sha=SHA))
    assert versions() == []


def test_a_signature_between_two_looks_is_seen(book: Ledger) -> None:
    stream = asking(book, "1.4.0")
    assert len(pending.of_person("quinn")) == 2
    record(book, stream, e.SignOffGiven(request="r3-1.4.0", role="qa", person="quinn", door="cli"))
    assert [each.issue for each in pending.of_person("quinn")] == ["SHOP-4"]
    assert [each.issue for each in pending.of_person("quentin")] == ["SHOP-4"]
    assert pending.of_person("gerd") == ()


def test_a_changed_policy_counts_at_once(book: Ledger, tmp_path: Path) -> None:
    asking(book, "1.4.0")
    assert pending.everything()[0].people == ("quinn", "quentin")
    changed = policy_data()
    for person in changed["people"]:
        person["active"] = person["id"] != "quinn"
    (tmp_path / "conveyor.yaml").write_text(yaml.safe_dump(changed))
    assert pending.everything()[0].people == ("quentin",)


def test_another_ledger_is_another_look(book: Ledger, tmp_path: Path) -> None:
    asking(book, "1.4.0")
    other = Ledger(f"sqlite:///{tmp_path / 'other.db'}")
    other.upgrade()
    asking(other, "9.9.9")
    assert versions() == ["1.4.0", "1.4.0"]
    other.close()


def test_a_look_takes_the_same_few_queries_for_one_release_as_for_forty(book: Ledger) -> None:
    asking(book, "1.0.0")
    with queries() as for_one:
        pending.everything()
    for number in range(1, 40):
        asking(book, f"1.{number}.0")
    with queries() as for_forty:
        assert len(pending.everything()) == 80
    assert len(for_forty) == len(for_one) == 3
    with queries() as for_nothing_new:
        assert len(pending.everything()) == 80
    assert len(for_nothing_new) == 2
