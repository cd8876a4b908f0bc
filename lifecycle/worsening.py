"""What the readings of a whole watch add up to: why a version is unhealthy, and what was not seen.

Three ways to be unhealthy, in the policy's words: over the hard limit more often in a row than the watch
allows; an error rate or a latency that rose by its `effect`, and by chance only with a probability below
`alpha / (ticks * compared metrics)` (`lifecycle.comparison`); a saturation that rose by its `effect` at so
many ticks in a row, `log2(1 / that)`, that a coin thrown at each tick would not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from math import ceil, log2

from lifecycle.calendar import duration_text
from lifecycle.readings import Reading, enough, told
from lifecycle.watch_metrics import Comparison, ErrorRate, Metric, Saturation


def of(metric: Metric, readings: Sequence[Reading]) -> list[Reading]:
    """The readings of one metric, by time."""
    return sorted((seen for seen in readings if seen.metric == metric.name), key=lambda seen: seen.at)


def part_of_alpha(metrics: Sequence[Metric], comparison: Comparison, looks: int) -> float:
    """How likely one comparison of one of `looks` ticks may be wrong, so that all together keep `alpha`."""
    return comparison.alpha / max(1, looks * sum(metric.compare for metric in metrics))


def worsenings(
    readings: Sequence[Reading], metrics: Sequence[Metric], comparison: Comparison, looks: int, allowed: int
) -> Iterator[str]:
    """Why the version is unhealthy; `allowed`: so many readings in a row may be over a hard limit."""
    bound = part_of_alpha(metrics, comparison, looks)
    for metric in metrics:
        row = of(metric, readings)
        for run in _runs(row, lambda seen, m=metric: _over(m, seen), allowed + 1):
            yield (
                f"{metric.name} was over its limit {len(run)} times in a row: "
                f"{told(metric, run[-1].now)}, the limit is {metric.limit:g}"
            )
        if isinstance(metric, Saturation):
            coins = max(1, ceil(log2(1 / bound)))
            for run in _runs(row, lambda seen, m=metric: _risen(m, seen), coins):
                yield f"{_risen_to(metric, run[-1])}, {len(run)} times in a row"
            continue
        worse = (
            seen for seen in row if _risen(metric, seen) and seen.chance is not None and seen.chance < bound
        )
        if first := next(worse, None):
            yield f"{_risen_to(metric, first)}, by chance with a probability of {first.chance:.1g}"


def holes(
    readings: Sequence[Reading],
    metrics: Sequence[Metric],
    started: datetime,
    until: datetime,
    every: timedelta,
    needed: int,
) -> Iterator[str]:
    """What the watch did not see: times without any answer, and metrics that could be judged too seldom.

    A look covers its window: where Prometheus did not answer once, the next look may still cover that time.
    """
    for metric in metrics:
        row = of(metric, readings)
        times = [started, *(seen.at for seen in row if seen.now is not None and seen.at < until), until]
        longest = max(metric.window, 2 * every)
        for before, after in pairwise(times):
            if after - before > longest:
                why = next((s.missing for s in reversed(row) if s.missing and before < s.at <= after), "")
                yield (
                    f"{metric.name} was not read for {duration_text(after - before)} "
                    f"from {before.isoformat()}{f': {why}' if why else ''}"
                )
        judged = sum(_judged(metric, seen) for seen in row)
        if judged < needed:
            enough_to = "be compared" if metric.compare else "be judged"
            yield f"{metric.name} had enough to {enough_to} at {judged} of {len(row)} looks, not at {needed}"


def _runs(
    row: Sequence[Reading], holds: Callable[[Reading], bool], at_least: int
) -> Iterator[tuple[Reading, ...]]:
    for kept, run in groupby(row, key=holds):
        if kept and len(found := tuple(run)) >= at_least:
            yield found


def _judged(metric: Metric, seen: Reading) -> bool:
    return seen.before is not None if metric.compare else enough(metric, seen.now)


def _over(metric: Metric, seen: Reading) -> bool:
    if metric.limit is None or seen.now is None or not enough(metric, seen.now):
        return False
    return seen.now.value is not None and seen.now.value > metric.limit


def _risen(metric: Metric, seen: Reading) -> bool:
    """By as much as counts."""
    if not metric.compare or seen.now is None or seen.before is None:
        return False
    now, before = seen.now.value or 0.0, seen.before.value or 0.0
    if isinstance(metric, ErrorRate):
        return now > before and now - before >= metric.effect
    return now > before and now >= metric.effect * before


def _risen_to(metric: Metric, seen: Reading) -> str:
    return f"{metric.name} rose from {told(metric, seen.before)} {seen.against} to {told(metric, seen.now)}"
