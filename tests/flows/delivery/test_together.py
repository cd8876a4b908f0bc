"""Two projects in one release: the kiosk needs the shop, goes out after it, and back before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.stages.production import release_to_production
from flows.stages.rolling_back import roll_back
from integrations.settings import settings
from lifecycle import events as e
from lifecycle.release import Phase
from tasks import context, rollbacks

Shop = Any
KIOSK = "release:kiosk:7.0.0"


@pytest.fixture
def kiosk(shop: Shop) -> str:
    """The kiosk's release, signed, in the group `spring`; its stream. Its code lives beside the shop's."""
    path = Path(settings().policy)
    data = yaml.safe_load(path.read_text())
    [first] = data["projects"]
    second = {**first, "id": "kiosk", "name": "Kiosk", "jira": "KIOSK", "depends_on": ["shop"]}
    data["projects"] = [first, second]
    path.write_text(yaml.safe_dump(data))
    sha = shop.second
    signed = [
        e.StepOverridden(step=s.id, number=1, person="gerd", role="management", reason="x", door="cli")
        for s in context.policy().steps
    ]
    shop.tell(
        KIOSK,
        e.Planned(
            project="kiosk",
            version="7.0.0",
            issues=("KIOSK-1",),
            base="main",
            plan_hash="p",
            group="spring",
        ),
        e.CandidateCut(number=1, tag="7.0.0-rc.1", sha=sha, branch="release/7.0.0"),
        e.CandidateVerified(number=1, pipeline_id=1),
        e.Staged(number=1, sha=sha, url="", pipeline_id=2),
        *signed,
        *(e.StepPassed(step=s.id, number=1) for s in context.policy().steps),
    )
    return KIOSK


def test_what_others_depend_on_goes_out_first_and_comes_back_last(shop: Shop, kiosk: str) -> None:
    stream = shop.signed(group="spring")
    version = stream.split(":")[2]
    waiting = shop.walk(kiosk, release_to_production).waiting
    assert (waiting.name, waiting.message) == (
        "Awaiting production",
        f"shop {version} goes out first and is sign-off",
    )
    assert shop.walk_on(stream, release_to_production).phase is Phase.WATCHING
    assert shop.walk(kiosk).may_go_out.allowed
    sha, before = shop.second, "b" * 40
    started = e.ProductionStarted(number=1, tag="7.0.0", sha=sha, previous_tag="6.0.0", previous_sha=before)
    deployed = e.ProductionDeployed(sha=sha, url="", pipeline_id=3, at=shop.walk(kiosk).now)
    shop.tell(kiosk, started, deployed)

    assert rollbacks.decide_back(stream, "olli", "cli", "carts are empty").accepted
    for _ in range(2):
        waiting = shop.walk(stream, roll_back).waiting
        assert (waiting.name, waiting.message) == ("Awaiting dependents", "first kiosk 7.0.0")
    assert shop.serves() == shop.second
    back = shop.release(kiosk).rollback
    assert (back.to_tag, back.reasons) == ("6.0.0", (f"Shop {version} is rolled back, on which it depends",))
    assert context.ledger().wakeup(kiosk).pending
    shop.tell(kiosk, e.RolledBack(to_sha=before, pipeline_id=4, at=shop.walk(kiosk).now))
    shop.until(lambda: shop.walk(stream, roll_back).phase is Phase.ROLLED_BACK)
    assert shop.serves() == shop.first


@pytest.mark.parametrize(("serves", "goes_back"), [("the mate", True), ("something newer", False)])
def test_a_closed_mate_goes_back_first_as_long_as_production_serves_it(
    shop: Shop, kiosk: str, serves: str, goes_back: bool
) -> None:
    stream = shop.signed(group="spring")
    shop.walk_on(stream, release_to_production)
    sha, before = shop.second if serves == "the mate" else shop.first, "b" * 40
    fresh = e.CandidateCut(number=2, tag="7.0.0-rc.2", sha=sha, branch="release/7.0.0")
    shop.tell(
        kiosk,
        fresh,
        e.CandidateVerified(number=2, pipeline_id=1),
        e.Staged(number=2, sha=sha, url="", pipeline_id=2),
        e.ProductionStarted(number=2, tag="7.0.0", sha=sha, previous_tag="6.0.0", previous_sha=before),
        e.ProductionDeployed(sha=sha, url="", pipeline_id=3, at=shop.walk(kiosk).now),
        e.WatchEnded(verdict="healthy"),
        e.Closed(),
    )
    first = rollbacks.back_first(shop.release(stream))
    assert [mate.plan.version for mate in first] == (["7.0.0"] if goes_back else [])
