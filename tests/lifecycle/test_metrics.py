from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.metrics import (
    CommitFact,
    DeploymentFact,
    FourKeys,
    StatusChange,
    Window,
    four_keys,
    time_in_status,
)
from lifecycle.workflow import Status

START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = Window(start=START, end=START + timedelta(days=7))


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def deployed(
    hours: float,
    *,
    version: str = "1.0.0",
    ok: bool = True,
    back: float | None = None,
    commits: dict[str, float] | None = None,
    environment: str = "production",
) -> DeploymentFact:
    brought = tuple(CommitFact(sha=sha, authored_at=at(when)) for sha, when in (commits or {}).items())
    return DeploymentFact(
        version=version,
        sha="a" * 40,
        environment=environment,
        finished_at=at(hours),
        succeeded=ok,
        rolled_back_at=None if back is None else at(back),
        commits=brought,
    )


def test_a_window_must_last() -> None:
    with pytest.raises(ValidationError):
        Window(start=START, end=START)


def test_a_window_without_deployments_has_a_frequency_and_nothing_else() -> None:
    assert four_keys([], WEEK) == FourKeys(
        deployment_frequency=0.0,
        lead_time_for_changes_s=None,
        change_failure_rate=None,
        failed_deployment_recovery_time_s=None,
    )


def test_frequency_counts_successful_deployments_a_day() -> None:
    keys = four_keys([deployed(1), deployed(2, ok=False), deployed(3)], WEEK)
    assert keys.deployment_frequency == pytest.approx(2 / 7)


def test_only_production_and_only_the_window_count() -> None:
    keys = four_keys([deployed(-1), deployed(7 * 24), deployed(5, environment="staging")], WEEK)
    assert keys.deployment_frequency == 0
    assert keys.change_failure_rate is None
    assert four_keys([deployed(5, environment="live")], WEEK, "live").change_failure_rate == 0


def test_lead_time_is_the_median_from_authoring_to_production() -> None:
    keys = four_keys([deployed(10, commits={"a": 9, "b": 6, "c": 0})], WEEK)
    assert keys.lead_time_for_changes_s == 4 * 3600


def test_a_commit_is_counted_once_and_at_its_first_good_deployment() -> None:
    facts = [
        deployed(30, commits={"a": 0}),
        deployed(5, ok=False, commits={"a": 0}),
        deployed(20, commits={"a": 0}),
    ]
    assert four_keys(facts, WEEK).lead_time_for_changes_s == 20 * 3600
    later = Window(start=at(25), end=at(100))
    assert four_keys(facts, later).lead_time_for_changes_s is None


def test_a_deployment_taken_back_is_a_failed_change() -> None:
    keys = four_keys([deployed(1), deployed(2, back=3), deployed(4, ok=False), deployed(5)], WEEK)
    assert keys.change_failure_rate == 0.5


def test_recovery_is_the_rollback_or_the_next_good_deployment_whichever_came_first() -> None:
    assert four_keys([deployed(2, back=3)], WEEK).failed_deployment_recovery_time_s == 3600
    fixed_forward = [deployed(2, ok=False), deployed(4)]
    assert four_keys(fixed_forward, WEEK).failed_deployment_recovery_time_s == 2 * 3600
    both = [deployed(2, back=5), deployed(4)]
    assert four_keys(both, WEEK).failed_deployment_recovery_time_s == 2 * 3600


def test_another_failed_deployment_is_no_recovery() -> None:
    assert (
        four_keys([deployed(2, ok=False), deployed(3, ok=False)], WEEK).failed_deployment_recovery_time_s
        is None
    )


def test_a_failure_at_the_end_of_the_window_recovers_after_it() -> None:
    keys = four_keys([deployed(7 * 24 - 1, back=7 * 24 + 1)], WEEK)
    assert keys.failed_deployment_recovery_time_s == 2 * 3600


facts = st.lists(
    st.builds(
        deployed,
        st.one_of(st.integers(-48, 240), st.floats(-48, 240)),
        ok=st.booleans(),
        back=st.none(),
        commits=st.dictionaries(st.sampled_from("abcdef"), st.floats(-400, -48), max_size=3),
    ),
    max_size=12,
)


@given(facts, st.randoms())
def test_the_keys_do_not_depend_on_the_order_of_the_facts(
    found: list[DeploymentFact], chance: object
) -> None:
    shuffled = sorted(found, key=lambda fact: hash((fact.finished_at, str(chance))))
    assert four_keys(found, WEEK) == four_keys(shuffled, WEEK)


@given(facts)
def test_rates_are_shares_and_times_are_never_negative(found: list[DeploymentFact]) -> None:
    keys = four_keys(found, WEEK)
    assert keys.change_failure_rate is None or 0 <= keys.change_failure_rate <= 1
    assert (keys.lead_time_for_changes_s or 0) >= 0
    assert (keys.failed_deployment_recovery_time_s or 0) >= 0


def test_time_in_status_is_the_median_of_the_stays_that_ended() -> None:
    changes = [
        StatusChange(key="SHOP-1", status=Status.QA, at=at(2)),
        StatusChange(key="SHOP-1", status=Status.IN_PROGRESS, at=at(0)),
        StatusChange(key="SHOP-2", status=Status.IN_PROGRESS, at=at(1)),
        StatusChange(key="SHOP-2", status=Status.QA, at=at(5)),
        StatusChange(key="SHOP-2", status=Status.WAITING_RELEASE, at=at(6)),
    ]
    assert time_in_status(changes) == {Status.IN_PROGRESS: 3 * 3600, Status.QA: 3600}
    assert time_in_status([]) == {}
