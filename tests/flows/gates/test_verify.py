"""The stage: what it records of a real pipeline, and that it judges again what does not stand any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from flows.stages.verify import verify
from lifecycle import events as e
from tasks import context, pipelines
from tasks.gates import end_exception, sign_exception
from tasks.release_walk import ReleaseWalk
from tasks.walk import new_events
from tests.flows.gates.world import GATES, TAG, Shop, ask_for

Team = Any
SUBJECT = "release:shop:1.4.0"
NOW = datetime.now(UTC)
ONE_WAY = '{"migrations": [{"id": "0002_drop", "reversible": false}]}'


@pytest.fixture
def shop(team: Team) -> Shop:
    return Shop(team)


def look(at: datetime = NOW) -> ReleaseWalk:
    """One look of the stage, as the flow takes it; nothing that goes wrong is swallowed."""
    walk = ReleaseWalk(SUBJECT, at, lambda: None)
    walk.waiting = verify(walk)
    return walk


def tell(*facts: e.ReleaseEvent) -> None:
    context.ledger().append(SUBJECT, new_events(SUBJECT, facts), now=NOW)


def cut(shop: Shop, changed: Mapping[str, str | None] | None = None) -> None:
    """Candidate 1 stands, and its pipeline is through."""
    sha = shop.commit(changed)
    tell(
        e.Planned(project="shop", version="1.4.0", issues=("SHOP-1",), base="main", plan_hash="p"),
        e.CandidateCut(number=1, tag=shop.tag(sha), sha=sha, branch="release/1.4.0"),
    )
    begun = pipelines.start.fn(1, TAG, sha, "verify", 1, subject=SUBJECT)
    shop.ended(begun.pipeline_id)


def stage() -> None:
    candidate = look().release.candidate
    assert candidate is not None
    tell(e.Staged(number=1, sha=candidate.sha, url="http://staging.example", pipeline_id=9))


def except_migrations(until: date) -> None:
    outcome = sign_exception("shop", "migrations", until, "olli", "it only drops a copy", now=NOW)
    assert outcome.accepted, outcome.message


def test_a_candidate_is_verified_with_what_passed_and_what_cannot_be_taken_back(
    team: Team, shop: Shop
) -> None:
    ask_for(**GATES)
    except_migrations(NOW.date())
    cut(shop, {"migrations.json": ONE_WAY})
    walk = look()
    assert walk.waiting is None
    verified = walk.release.verified
    assert verified is not None
    assert (verified.excepted, verified.irreversible, verified.at) == (("migrations",), ("0002_drop",), NOW)
    assert {"commit", "tests", "sast", "licences", "image_size", "duration"} <= set(verified.passed)
    assert "coverage-drop" not in verified.passed


def test_migrations_that_cannot_be_taken_back_are_told_where_no_gate_asks_for_them(
    team: Team, shop: Shop
) -> None:
    ask_for()
    cut(shop, {"migrations.json": ONE_WAY})
    verified = look().release.verified
    assert verified is not None
    assert (verified.excepted, verified.irreversible) == ((), ("0002_drop",))


def test_a_failed_pipeline_is_waited_for_while_it_may_still_be_retried(team: Team, shop: Shop) -> None:
    ask_for(**GATES, settles_after="1h")
    cut(shop, {"fail": "yes"})
    begun = pipelines.started(SUBJECT, "verify", 1)
    assert begun is not None
    pipeline, project = pipelines.look(1, begun.pipeline_id), context.policy().project("shop")
    ended = pipeline.finished_at
    assert ended is not None
    walk = look(ended + timedelta(minutes=59))
    assert walk.waiting is not None
    assert (walk.waiting.name, walk.release.rejected) == ("Awaiting pipeline", None)
    assert pipelines.has_ended(project, pipeline, ended + timedelta(hours=1))


def test_a_verdict_that_got_old_is_given_anew_and_only_then(team: Team, shop: Shop) -> None:
    ask_for(**GATES, valid_for="7d")
    cut(shop)
    stage()
    week, later = NOW + timedelta(days=7), NOW + timedelta(days=7, seconds=1)
    assert look(week).release.judged is None
    stale = ReleaseWalk(SUBJECT, later, lambda: None)
    assert any("too long ago" in reason for reason in stale.may_go_out.reasons)
    judged = look(later).release.judged
    assert judged is not None
    assert (judged.round, judged.at, judged.reasons) == (1, later, ())
    assert not any("gate" in reason for reason in look(later).may_go_out.reasons)
    assert look(later + timedelta(minutes=1)).release.judged == judged


def test_a_candidate_fails_again_when_the_exception_that_it_leant_on_has_ended(
    team: Team, shop: Shop
) -> None:
    ask_for(**GATES)
    except_migrations(NOW.date() + timedelta(days=9))
    cut(shop, {"migrations.json": ONE_WAY})
    stage()
    assert not any("gate" in reason for reason in look().may_go_out.reasons)
    assert end_exception("shop", "migrations", "olli", "a customer needs it", now=NOW).accepted
    assert "the exception to gate migrations has ended" in (
        ReleaseWalk(SUBJECT, NOW, lambda: None).may_go_out.reasons
    )
    said = ("cannot be taken back: 0002_drop",)
    judged = look().release.judged
    assert judged is not None
    assert judged.reasons == said
    assert look().release.judged == judged  # nothing new is said twice
    assert "gate: cannot be taken back: 0002_drop" in look().may_go_out.reasons
    except_migrations(NOW.date() + timedelta(days=3))
    walk = look()
    assert walk.release.judged is not None
    assert (walk.release.judged.round, walk.release.judged.excepted) == (2, ("migrations",))
    assert not any("gate" in reason for reason in walk.may_go_out.reasons)
