"""The scenarios of tests/scenarios/delivery.yaml on the real shop: each has its one right outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from deployments.stack import ROOT
from tests.flows.delivery.candidates import Candidates
from tests.flows.delivery.conftest import Shop
from tests.flows.delivery.playing import WORDS, Play

SCENARIOS = yaml.safe_load((ROOT / "tests" / "scenarios" / "delivery.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def candidates(town: Shop) -> Candidates:
    return Candidates(town)


@pytest.fixture
def play(
    shop: Shop, candidates: Candidates, rule: Callable[..., None], request: pytest.FixtureRequest
) -> Iterator[Play]:
    number, told = request.param
    yield Play(candidates, rule, f"3.{number}.0", told)
    for period in shop.api.get("freeze_periods").raise_for_status().json():
        shop.api.delete(f"freeze_periods/{period['id']}").raise_for_status()


@pytest.mark.parametrize(
    "play",
    [pytest.param((n, told), id=told["name"]) for n, told in enumerate(SCENARIOS, 1)],
    indirect=True,
)
def test_each_scenario_has_its_one_right_outcome(play: Play) -> None:
    play.play()
    assert play.seen() == play.expected()


def test_scenarios_have_names_of_their_own_and_both_outcomes() -> None:
    names = [scenario["name"] for scenario in SCENARIOS]
    assert len(set(names)) == len(names) > 40
    assert {word for scenario in SCENARIOS for word in scenario} <= WORDS
    assert sum("serves" in scenario for scenario in SCENARIOS) > 12
