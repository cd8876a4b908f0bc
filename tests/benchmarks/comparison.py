"""How often the watch's comparison is wrong, how soon it is right: `python -m tests.benchmarks.comparison`.

Simulated watches of 24 hours, a tick every five minutes, the policy's defaults (a window of 30 minutes, a
least rise of one per cent, alpha 0.01), with a fixed seed. One JSON line per measure: the share of watches
over an unchanged version that called it worse (`any rise`: without the least rise, the test alone); the
share that found a rise of errors, and after how many ticks.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator

from lifecycle.comparison import Counts, chance
from tests.benchmarks.report import report
from tests.watching.simulation import METRIC, RULES, Service, watches

UNCHANGED = [(rate, share) for rate in (0.2, 1, 10) for share in (0.001, 0.01, 0.1)]
RISES = [
    (1, 0.01, 0.05),
    (1, 0.01, 0.03),
    (1, 0.01, 0.02),
    (0.2, 0.01, 0.05),
    (10, 0.01, 0.05),
    (10, 0.01, 0.02),
]


def main(arguments: list[str]) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watches", type=int, default=2000)
    count = parser.parse_args(arguments).watches
    strict = METRIC.model_copy(update={"effect": 0.0})
    for per_second, share in UNCHANGED:
        service = Service(per_second, usual=share, then=share)
        case = f"{per_second}/s, {share:.1%} errors"
        for rule, metric, rounds in (("", METRIC, count), (", any rise", strict, count // 10)):
            false = [tick is not None for tick in watches(service, rounds, seed=1, metric=metric)]
            report(f"unchanged: {case}{rule}", "share of watches", [statistics.mean(false)], rounds=rounds)
    for since in (0, RULES.ticks // 2):
        for per_second, usual, then in RISES:
            case = f"{per_second}/s, {usual:.0%} to {then:.0%}, {'at once' if not since else 'after 12 h'}"
            _tell_rise(case, Service(per_second, usual, then, since), count // 4)
    report("one test of 36,000 requests", "ms", list(_tests()))


def _tell_rise(case: str, service: Service, count: int) -> None:
    ticks = [tick - service.since for tick in watches(service, count, seed=3) if tick is not None]
    report(f"rise: {case}: found", "share of watches", [len(ticks) / count], rounds=count)
    if ticks:
        report(f"rise: {case}", "ticks", ticks)


def _tests() -> Iterator[float]:
    for bad in range(1000):
        began = time.perf_counter()
        chance(Counts(bad=1000 + bad, total=18_000), Counts(bad=900, total=18_000))
        yield (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main(sys.argv[1:])
