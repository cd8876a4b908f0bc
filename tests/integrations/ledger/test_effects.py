"""Effects: the intent before the call, the outcome after, done is final."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.errors import NotFound
from integrations.ledger import Ledger
from integrations.ledger.models import Conclusion

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RELEASE = "release:shop:1.4.0"


def intend(ledger: Ledger, key: str = "deploy:1") -> None:
    ledger.intend(key, RELEASE, "deploy", {"sha": "a" * 40}, NOW)


def test_an_outcome_without_an_intent_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.conclude("deploy:1", "done", {}, NOW)
    assert ledger.effect("deploy:1") is None


def test_an_intent_reads_back_as_it_was_noted(ledger: Ledger) -> None:
    effect = ledger.intend("deploy:1", RELEASE, "deploy", {"sha": "a" * 40}, NOW)
    assert ledger.effect("deploy:1") == effect
    assert (effect.state, effect.request, effect.outcome) == ("intent", {"sha": "a" * 40}, {})
    assert (effect.subject, effect.kind, effect.intended_at) == (RELEASE, "deploy", NOW)
    assert effect.concluded_at is None


def test_an_intent_noted_again_stays_as_it_was(ledger: Ledger) -> None:
    intend(ledger)
    concluded = ledger.conclude("deploy:1", "unknown", {"why": "no answer"}, NOW)
    assert ledger.intend("deploy:1", "other", "other", {"other": 1}, LATER) == concluded


def test_an_outcome_is_on_record(ledger: Ledger) -> None:
    intend(ledger)
    effect = ledger.conclude("deploy:1", "done", {"pipeline_id": 7}, LATER)
    assert (effect.state, effect.outcome, effect.concluded_at) == ("done", {"pipeline_id": 7}, LATER)
    assert ledger.effect("deploy:1") == effect


@pytest.mark.parametrize("state", ["done", "not_done", "unknown"])
def test_done_is_final(ledger: Ledger, state: Conclusion) -> None:
    intend(ledger)
    done = ledger.conclude("deploy:1", "done", {"pipeline_id": 7}, NOW)
    assert ledger.conclude("deploy:1", state, {"pipeline_id": 8}, LATER) == done


@pytest.mark.parametrize("first", ["not_done", "unknown"])
@pytest.mark.parametrize("second", ["not_done", "unknown", "done"])
def test_what_is_not_done_or_unknown_may_still_be_settled(
    ledger: Ledger, first: Conclusion, second: Conclusion
) -> None:
    intend(ledger)
    ledger.conclude("deploy:1", first, {"said": first}, NOW)
    effect = ledger.conclude("deploy:1", second, {"said": second}, LATER)
    assert (effect.state, effect.outcome, effect.concluded_at) == (second, {"said": second}, LATER)


def test_effects_are_found_by_subject_state_and_kind_oldest_first(ledger: Ledger) -> None:
    ledger.intend("b", RELEASE, "deploy", {}, NOW)
    ledger.intend("a", RELEASE, "message", {}, LATER)
    ledger.intend("c", "project:shop", "deploy", {}, LATER)
    ledger.conclude("a", "done", {}, LATER)
    assert [effect.key for effect in ledger.effects()] == ["b", "a", "c"]
    assert [effect.key for effect in ledger.effects(subject=RELEASE)] == ["b", "a"]
    assert [effect.key for effect in ledger.effects(state="intent")] == ["b", "c"]
    assert [effect.key for effect in ledger.effects(RELEASE, "intent", "deploy")] == ["b"]
    assert ledger.effects(kind="merge") == ()
