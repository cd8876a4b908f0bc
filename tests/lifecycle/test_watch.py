from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.readings import Reading
from lifecycle.watch import (
    Gap,
    Observation,
    WatchRules,
    WatchState,
    WatchVerdict,
    assess,
    due_tick,
    next_tick,
    time_of,
)
from lifecycle.watch_metrics import Metric
from tests.lifecycle.test_readings import ERRORS, errors

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = WatchRules(
    lasts=10 * MINUTE, every=MINUTE, failures_allowed=2, max_latency_ms=500, minimum_observations=3
)
END = START + RULES.lasts


def seen(
    minute: float, *, ok: bool = True, probe: str = "healthz", latency_ms: float = 5, detail: str = ""
) -> Observation:
    return Observation(
        at=START + minute * MINUTE,
        probe=probe,
        ok=ok,
        status=200 if ok else 500,
        latency_ms=latency_ms,
        detail=detail,
    )


def minutes(*, bad: Sequence[int] = (), missed: Sequence[int] = ()) -> list[Observation]:
    return [seen(m, ok=m not in bad) for m in range(1, 11) if m not in missed]


def judge(found: Sequence[Observation], minute: float = 10) -> WatchVerdict:
    return assess(found, START, START + minute * MINUTE, RULES)


@pytest.mark.parametrize(
    "bad",
    [
        {"every": "0s"},
        {"every": "2h", "lasts": "1h"},
        {"lasts": "0s"},
        {"failures_allowed": -1},
        {"max_latency_ms": 0},
        {"minimum_observations": 0},
        {"tick": "1m"},
    ],
)
def test_rules_that_cannot_be_watched_by_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WatchRules.model_validate(bad)


def test_a_whole_watch_without_a_fault_is_healthy() -> None:
    assert judge(minutes()) == WatchVerdict(state=WatchState.HEALTHY)


def test_before_its_end_a_good_watch_goes_on() -> None:
    assert judge(minutes(missed=(6, 7, 8, 9, 10)), 5) == WatchVerdict(state=WatchState.WATCHING)


def test_a_version_is_unhealthy_at_once_when_the_hard_limit_is_passed() -> None:
    verdict = judge([seen(1), seen(2, ok=False), seen(3, ok=False), seen(4, ok=False, detail="cart")], 4)
    assert verdict.state is WatchState.UNHEALTHY
    assert verdict.reasons == ("healthz was bad 3 times in a row: answered 500 (cart)",)


def test_failures_up_to_the_limit_are_allowed() -> None:
    assert judge(minutes(bad=(2, 3, 5, 6, 9, 10))).state is WatchState.HEALTHY


def test_failures_are_counted_for_each_probe_apart() -> None:
    found = [
        seen(m, probe=p, ok=m not in bad) for m in range(1, 11) for p, bad in (("a", (1, 2)), ("b", (3, 4)))
    ]
    assert judge(found).state is WatchState.HEALTHY


def test_a_slow_answer_is_a_bad_one() -> None:
    slow = [seen(m, latency_ms=501) for m in (1, 2, 3)]
    assert judge(slow, 3).reasons == ("healthz was bad 3 times in a row: 501 ms, 500 ms allowed",)
    assert judge([seen(m, latency_ms=500) for m in (1, 2, 3)], 3).state is WatchState.WATCHING


def test_no_answer_is_said_so() -> None:
    silent = [Observation(at=START + m * MINUTE, probe="cart", ok=False) for m in (1, 2, 3)]
    assert judge(silent, 3).reasons == ("cart was bad 3 times in a row: no answer",)


def test_a_later_recovery_does_not_take_unhealthy_back() -> None:
    assert judge(minutes(bad=(2, 3, 4))).state is WatchState.UNHEALTHY


def test_a_gap_is_told_while_watching_and_cannot_end_in_healthy() -> None:
    verdict = judge(minutes(missed=(4, 5, 6, 8, 9, 10)), 7)
    assert verdict.state is WatchState.WATCHING
    reason = "ticks 4 to 6 (02 Mar 12:04:00 to 02 Mar 12:06:00 UTC) missed: healthz"
    assert verdict.reasons == (reason,)
    over = judge(minutes(missed=(4, 5, 6)))
    assert over.state is WatchState.INCONCLUSIVE
    assert over.reasons == (reason,)
    assert over.gaps == (Gap(probe="healthz", first=4, last=6),)


def test_one_missed_tick_is_a_gap_unless_the_rules_allow_it() -> None:
    assert judge(minutes(missed=(4,))).reasons == ("tick 4 (02 Mar 12:04:00 UTC) missed: healthz",)
    lenient = RULES.model_copy(update={"missed_allowed": 1})
    assert assess(minutes(missed=(4, 6)), START, END, lenient).state is WatchState.HEALTHY
    assert assess(minutes(missed=(4, 5)), START, END, lenient).state is WatchState.INCONCLUSIVE


def test_a_gap_of_several_probes_is_told_once() -> None:
    found = [seen(m, probe=p) for m in range(1, 11) for p in ("cart", "healthz") if m != 4]
    assert judge(found).reasons == ("tick 4 (02 Mar 12:04:00 UTC) missed: cart, healthz",)


def test_a_late_look_counts_for_its_tick_until_the_next_one_is_due() -> None:
    late = [*minutes(missed=(4,)), seen(4.99)]
    assert judge(late).state is WatchState.HEALTHY
    assert judge([*minutes(missed=(4,)), seen(5.01)]).state is WatchState.INCONCLUSIVE


def test_a_tick_is_not_missed_before_the_next_one_is_due() -> None:
    found = minutes(missed=(7, 8, 9, 10))
    assert judge(found, 7.9).reasons == ()
    assert judge(found, 8).reasons == ("tick 7 (02 Mar 12:07:00 UTC) missed: healthz",)


def test_who_looks_again_long_after_the_end_has_missed_the_end() -> None:
    late = [*minutes(missed=(10,)), seen(11)]
    assert judge(late, 11).gaps == (Gap(probe="healthz", first=10, last=10),)
    assert judge([*minutes(missed=(10,)), seen(10.9)], 10.9).state is WatchState.HEALTHY


def test_a_gap_at_the_start_or_the_end_is_a_gap_too() -> None:
    assert judge(minutes(missed=(1,))).state is WatchState.INCONCLUSIVE
    assert judge(minutes(missed=(10,))).state is WatchState.INCONCLUSIVE


def test_a_probe_that_fell_silent_is_a_gap_though_another_is_seen() -> None:
    found = [*minutes(), *(seen(m, probe="cart") for m in range(1, 6))]
    assert [gap.probe for gap in judge(found).gaps] == ["cart"]


def test_an_unhealthy_version_is_unhealthy_with_gaps_too() -> None:
    verdict = judge(minutes(bad=(1, 2, 3), missed=(5, 6, 7)))
    assert verdict.state is WatchState.UNHEALTHY
    assert len(verdict.gaps) == 1


def test_a_watch_that_saw_nothing_is_inconclusive() -> None:
    assert judge([]).reasons == ("nothing was observed",)
    assert judge([]).state is WatchState.INCONCLUSIVE
    assert judge([], 5).state is WatchState.WATCHING


def test_too_few_observations_are_inconclusive() -> None:
    short = RULES.model_copy(update={"lasts": 2 * MINUTE})
    verdict = assess([seen(1), seen(2)], START, START + 2 * MINUTE, short)
    assert verdict.state is WatchState.INCONCLUSIVE
    assert verdict.reasons == ("healthz was observed 2 times, 3 are needed",)


def test_what_was_seen_before_the_version_was_live_does_not_count() -> None:
    before = [seen(-m, ok=False) for m in (1, 2, 3)]
    assert judge([*before, *minutes()]).state is WatchState.HEALTHY


def test_what_is_said_to_be_seen_in_the_future_does_not_count() -> None:
    assert judge([seen(m, ok=False) for m in (1, 2, 9)], 3).state is WatchState.WATCHING


def test_ticks_are_numbered_by_the_clock_alone_and_the_last_is_at_the_end() -> None:
    assert [due_tick(START, START + m * MINUTE, RULES) for m in (-1, 0.9, 1, 2.5, 10, 99)] == [
        0,
        0,
        1,
        2,
        10,
        10,
    ]
    uneven = RULES.model_copy(update={"every": 4 * MINUTE})
    assert [due_tick(START, START + m * MINUTE, uneven) for m in (4, 9.9, 10)] == [1, 2, 3]
    assert [time_of(tick, START, uneven) for tick in (1, 2, 3)] == [START + m * MINUTE for m in (4, 8, 10)]


def test_the_next_tick_is_after_now_and_the_last_is_the_end() -> None:
    uneven = RULES.model_copy(update={"every": 4 * MINUTE})
    assert next_tick(START, START - 9 * MINUTE, uneven) == START + 4 * MINUTE
    assert next_tick(START, START, uneven) == START + 4 * MINUTE
    assert next_tick(START, START + 4 * MINUTE, uneven) == START + 8 * MINUTE
    assert next_tick(START, START + 9 * MINUTE, uneven) == END
    assert next_tick(START, END, uneven) is None


observed = st.lists(
    st.builds(
        seen,
        st.one_of(st.integers(-2, 12), st.floats(-2, 12)),  # whole minutes, so that moments meet
        ok=st.booleans(),
        probe=st.sampled_from(("healthz", "cart")),
        latency_ms=st.sampled_from((5.0, 900.0)),
    ),
    max_size=30,
)


@given(observed, st.floats(0, 12))
def test_order_and_repeats_of_observations_do_not_matter(found: list[Observation], minute: float) -> None:
    assert judge([*found[::-1], *found], minute) == judge(found, minute)


@given(observed, st.floats(0, 12), st.floats(0, 12))
def test_once_unhealthy_a_version_stays_unhealthy(found: list[Observation], one: float, other: float) -> None:
    first, later = sorted((one, other))
    if judge(found, first).state is WatchState.UNHEALTHY:
        assert judge(found, later).state is WatchState.UNHEALTHY


@given(observed)
def test_healthy_has_no_gap_no_reason_and_enough_seen(found: list[Observation]) -> None:
    verdict = judge([*found, *minutes()])
    if verdict.state is WatchState.HEALTHY:
        assert not verdict.gaps
        assert not verdict.reasons
    else:
        assert verdict.reasons


@given(st.floats(-1, 15))
def test_the_next_tick_always_moves_on_until_the_end(minute: float) -> None:
    now = START + minute * MINUTE
    tick = next_tick(START, now, RULES)
    assert (tick is None) is (now >= END)
    assert tick is None or now < tick <= END


@given(st.sets(st.integers(1, 10)), st.floats(10, 30))
def test_whatever_is_missed_a_watch_with_a_gap_is_never_healthy(missed: set[int], minute: float) -> None:
    verdict = judge(minutes(missed=tuple(missed)), minute)
    assert (verdict.state is WatchState.HEALTHY) is (not missed)


def read(minute: float, bad: int, *, before: int = 10) -> Reading:
    return errors(START + minute * MINUTE, bad, before)


def judge_both(readings: Sequence[Reading], minute: float = 10, metric: Metric = ERRORS) -> WatchVerdict:
    now = START + minute * MINUTE
    return assess(minutes(), START, now, RULES, readings=readings, metrics=(metric,))


def test_probes_and_metrics_that_are_well_to_the_end_are_healthy() -> None:
    assert judge_both([read(m, 10) for m in range(1, 11)]).state is WatchState.HEALTHY


def test_a_metric_that_got_worse_is_unhealthy_at_once_though_every_probe_is_well() -> None:
    verdict = judge_both([read(1, 10), read(2, 60)], 2)
    assert verdict.state is WatchState.UNHEALTHY
    assert verdict.reasons[0].startswith("errors rose from 1 % (10 of 1000 requests) 1w before to 6 % (60 of")
    assert judge_both([read(m, 60 if m == 2 else 10) for m in range(1, 11)]).state is WatchState.UNHEALTHY


def test_a_metric_that_was_never_read_ends_inconclusive_with_the_reason() -> None:
    silent = [Reading(at=START + m * MINUTE, metric="errors", missing="no answer") for m in range(1, 11)]
    verdict = judge_both(silent)
    assert verdict.state is WatchState.INCONCLUSIVE
    assert verdict.reasons == ("errors had enough to be compared at 0 of 10 looks, not at 3",)
    assert judge_both([]).state is WatchState.INCONCLUSIVE


def test_what_was_read_before_the_version_was_live_or_in_the_future_does_not_count() -> None:
    assert judge_both([read(-1, 600), read(9, 600)], 3).state is WatchState.WATCHING
