"""Hypothesis: any fact that could be told of a release, likely or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, get_args

from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle.metrics import CommitFact
from lifecycle.readings import Reading
from lifecycle.release import Release
from lifecycle.removal import Reverted
from lifecycle.scope import ScopeLine
from lifecycle.watch import Firing, Observation
from tests.lifecycle.story import NOW, later, sha

MODELS: Mapping[str, type[e.Fact]] = dict(zip(e.KINDS, get_args(get_args(e.ReleaseEvent)[0]), strict=True))
"""Kind -> the class of that fact."""

ISSUES = ("SHOP-1", "SHOP-2", "SHOP-3")
PEOPLE = ("dora", "quinn", "quentin", "mara", "clara", "olli")
ROLES = ("qa", "security", "manager", "client")
STEPS = ("qa", "whole", "check", "client")
NOBODY = "f" * 24


def pools(release: Release | None) -> dict[str, Sequence[Any]]:
    """What a field of that name may hold: what fits `release`, and what does not."""
    newest = release.candidate if release else None
    number, attempt = (newest.number if newest else 0), (release.attempt if release else 0)
    holds = release.holds if release else 0
    shas = [sha(n) for n in (*range(1, number + 2), 99)]
    requests = [a.request for a in (*release.asked, *release.feedback_asked)] if release else []
    asked_scope = release.scope_change if release else None
    requests += [asked_scope.request] if asked_scope else []
    return {
        "project": ("shop",),
        "version": ("1.4.0",),
        "release_kind": ("regular", "hotfix"),
        "issues": (release.plan.issues if release else ISSUES[:2], ISSUES[:2], ISSUES[1:2]),
        "titles": ({}, {"SHOP-1": "Empty cart: 0 €"}),
        "carries": ((), ISSUES[2:]),
        "base": ("main",),
        "plan_hash": (release.plan.plan_hash if release else "p1", "p1", "p2"),
        "new_hash": ("p1", "p2"),
        "add": ((), (ScopeLine(key="SHOP-7", title="Gift"),)),
        "remove": ((), ISSUES[:1]),
        "reverts": ((), (Reverted(sha=sha(7), title="Cart", issues=ISSUES[:1]),)),
        "why": ("the client asked",),
        "roles": ((), ("manager",)),
        "started_by": (None, "olli"),
        "number": (number, number, number + 1, number + 1, max(0, number - 1)),
        "person": PEOPLE,
        "reason": ("", "it breaks"),
        "reasons": (("it breaks",), ("one", "two")),
        "tag": ("1.4.0",),
        "sha": (newest.sha if newest else sha(1), *shas),
        "branch": ("release/1.4.0",),
        "digests": [{k: d for k, d in zip(ISSUES, ds, strict=True) if d} for ds in _DIGESTS],
        "authors": ((), ("dora",), ("quinn", "olli")),
        "strangers": ((), (), (), ("stranger@example.test",)),
        "commits": ((), (CommitFact(sha=sha(5), authored_at=NOW),)),
        "since": ("", "1.3.0"),
        "files": ((), ("shop/cart.py", "db/migrations/0002.sql")),
        "files_total": (0, 2),
        "unfinished": (*[()] * 9, ISSUES[:1]),
        "pipeline_id": (1, 2),
        "passed": ((), ("tests", "coverage")),
        "excepted": ((), ("sast",)),
        "irreversible": ((), ("0002_orders",)),
        "url": ("", "http://gitlab.example/1"),
        "deployment_id": (None, 3),
        "request": (*requests, *requests[-4:], NOBODY),
        "from_request": (*requests, NOBODY),
        "step": STEPS,
        "issue": (*ISSUES, None, "SHOP-9"),
        "environment": ("staging", "production"),
        "due": (NOW, later(30)),
        "role": ROLES,
        "round": (1, 2, 3, holds, holds + 1),
        "door": ("slack", "cli", "link"),
        "comment": ("", "ok: %"),
        "instead_of": (None, None, "quinn"),
        "rung": (1, 2),
        "deputy": PEOPLE,
        "wall": ("", "2026-10-17 22:00 Europe/Berlin"),
        "from_sha": shas,
        "to_sha": (sha(0), *shas),
        "from_digest": ("a", "b"),
        "to_digest": ("a", "b"),
        "attempt": (attempt, attempt, attempt + 1),
        "previous_tag": (None, "1.3.0"),
        "previous_sha": (None, sha(0)),
        "at": (NOW, later(1)),
        "tick": (1, 2, 3),
        "observations": ((), (Observation(at=NOW, probe="health", ok=False, detail="timed out"),)),
        "verdict": ("healthy", "inconclusive", "unhealthy"),
        "missed": (0, 2),
        "readings": ((), (Reading(at=NOW, metric="errors", missing="no data"),)),
        "cause": ("health", "cart"),
        "fingerprint": ("f1", "f2"),
        "status": ("firing", "resolved"),
        "starts_at": (NOW, later(1)),
        "severity": ("", "critical"),
        "summary": ("", "too many errors"),
        "to_tag": ("1.3.0",),
        "incident": (None, "SHOP-7"),
        "group": ("", "spring"),
        "also": ((), ("SHOP-8",)),
        "unsafe": ((), ("migrations cannot be taken back: 0002_orders",)),
        "took_s": (None, 6.2),
        "noticed_at": (None, NOW),
        "seen": ((), (Observation(at=NOW, probe="cart", ok=False),)),
        "firing": ((), (Firing(fingerprint="f1", name="OrdersLost", since=NOW),)),
        "back_s": (None, 2.0),
        "forward_s": (None, 3.0),
        "ok": (True, False),
        "answer": ("solved", "partly", "not"),
        "score": (None, 1, 5),
        "by": ("1.4.1",),
        "outside": (False, True),
        "name": ("", "Bob"),
        "slack": ("", "U0BOB"),
        "place": ("", "gitlab:7:12"),
        "entered_by": ("", "", "mara"),
    }


_DIGESTS = (("a", "a", "a"), ("a", "b", "a"), ("b", "a", "a"), ("", "a", "b"))


def some_fact(seed: int, kinds: Sequence[str], release: Release | None = None) -> e.ReleaseEvent:
    """A fact of one of `kinds`, its fields from the pools; the same for the same seed."""
    chance = Random(seed)
    model = MODELS[chance.choice(kinds)]
    around = pools(release)
    fields = {name: chance.choice(around[name]) for name in model.model_fields if name in around}
    if "issue" in fields and model is not e.SignOffAsked and model is not e.Returned:
        fields["issue"] = fields["issue"] or "SHOP-1"
    if model in (e.Returned, e.StepOverridden, e.ScopeChangeRefused, e.FreezeOverridden, e.NoReturnAccepted):
        fields["reason"] = "it breaks"
    if model is e.CandidateCut:
        fields["number"] = max(1, fields["number"])
    return e.parse(model.model_validate(fields))


seeds = st.integers(0, 2**32)
"""For `some_fact`: one draw instead of ten, so that a machine may tell many facts."""


def any_fact(kinds: Sequence[str] = e.KINDS) -> st.SearchStrategy[e.ReleaseEvent]:
    """Any fact of one of `kinds`."""
    return seeds.map(lambda seed: some_fact(seed, kinds))
