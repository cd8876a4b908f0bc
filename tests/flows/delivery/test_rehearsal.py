"""Staging goes back and forward again before anybody is asked, on the real shop."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from flows.stages.production import release_to_production
from flows.stages.rehearsal import rehearse
from lifecycle.release import Phase
from tasks.decisions import Decision, decide

Shop = Any
Rule = Callable[..., None]


def told(shop: Shop, stream: str, step: str) -> list[tuple[str, str | None, str]]:
    """What the pipelines of this rehearsal were told, and on which commit they ran.

    Their names say step and key, whether these came as inputs or as variables.
    """
    found = []
    for row in shop.api.get("pipelines", params={"per_page": "100"}).json():
        does, _, op = row["name"].partition(" ")
        if op == f"{stream}:pipeline:{step}:1":
            rows = shop.api.get(f"pipelines/{row['id']}/variables").json()
            given = {each["key"]: each["value"] for each in rows}
            found.append((does, given.get("CONVEYOR_ROLLBACK"), row["sha"]))
    return found


def test_without_the_rule_nothing_is_rehearsed(shop: Shop) -> None:
    stream = shop.signed()
    walk = shop.walk(stream, rehearse)
    assert (walk.waiting, walk.release.rehearsed) == (None, None)


def test_a_candidate_goes_back_and_forward_and_its_times_are_kept(shop: Shop, rule: Rule) -> None:
    rule(rehearsal=True)
    stream = shop.signed()
    assert shop.walk(stream, release_to_production).waiting.message == "it was not rehearsed on staging"
    # The answer to the first start is lost: it is found again, not started twice.
    shop.fail("POST .*/pipeline$", "drop_after")
    walk = shop.walk(stream, rehearse)
    assert (walk.waiting.name, walk.release.rehearsed) == ("Awaiting rehearsal", None)
    shop.until(lambda: shop.serves("staging") == shop.first)
    walk = shop.walk_on(stream, rehearse)
    assert (walk.waiting, shop.serves("staging"), shop.serves()) == (None, shop.second, shop.first)
    rehearsed = walk.release.rehearsed
    assert (rehearsed.ok, rehearsed.to_tag) == (True, "1.3.0")
    assert rehearsed.back_s > 0 < rehearsed.forward_s
    assert told(shop, stream, "rehearse-back") == [("staging", "true", shop.first)]
    assert told(shop, stream, "rehearse-forward") == [("staging", None, shop.second)]
    before = walk.revision
    assert shop.walk(stream, rehearse).revision == before
    assert walk.may_go_out.allowed


def test_what_cannot_come_back_waits_until_a_person_of_the_role_accepts_it(shop: Shop, rule: Rule) -> None:
    rule(rehearsal=True, top={"no_return": ["management"]})
    stream = shop.signed(irreversible=("0002_orders",))
    shop.walk_on(stream, rehearse)
    walk = shop.walk_on(stream, rehearse)
    assert walk.waiting.name == "Cannot come back"
    why = "it cannot come back: migrations cannot be taken back: 0002_orders"
    assert walk.waiting.message == why
    assert why in shop.walk(stream, release_to_production).waiting.message
    assert shop.said().count(f'"text":"{walk.release.candidate.tag} cannot come back"') == 1
    assert not decide(Decision("accept-no-return", stream, "olli", "cli", "a dump")).accepted
    assert decide(Decision("accept-no-return", stream, "gerd", "cli", "a dump is kept")).accepted
    assert shop.walk(stream, rehearse).waiting is None
    assert shop.release(stream).phase is Phase.SIGN_OFF
    assert told(shop, stream, "rehearse-back") == []


def test_a_way_back_that_fails_is_told_and_staging_serves_the_candidate_again(shop: Shop, rule: Rule) -> None:
    rule(rehearsal=True)
    stream = shop.signed()
    # The package of the earlier version is nowhere to be had.
    shutil.rmtree(shop.vendors.shop_home / "staging" / "releases" / shop.first, ignore_errors=True)
    shop.fail("GET .*/packages/generic/.*", "500")
    walk = shop.walk_on(stream, rehearse)
    assert walk.waiting.name == "Cannot come back"
    assert "the way back to 1.3.0 is failed" in walk.release.rehearsed.reason
    assert shop.serves("staging") == shop.second


def test_what_does_not_come_forward_again_is_rejected(shop: Shop, rule: Rule) -> None:
    rule(rehearsal=True)
    stream = shop.signed()
    shop.walk(stream, rehearse)
    shop.until(lambda: shop.serves("staging") == shop.first)
    shutil.rmtree(shop.vendors.shop_home / "staging" / "releases" / shop.second)
    shop.fail("GET .*/packages/generic/.*", "500")
    walk = shop.walk_on(stream, rehearse)
    assert (walk.phase, walk.release.rehearsed) == (Phase.REWORK, None)
    assert "did not come forward again" in walk.release.rejected.reasons[0]
    assert shop.said().count(f'"text":"{walk.release.candidate.tag} was rejected"') == 1
