"""Whether a new version is worse than the one before it, by a test that is right for small counts too.

**The test** is Fisher's exact one, one-sided. `bad` of `total` requests now, `bad'` of `total'` before:
if the version made no difference, the `K = bad + bad'` bad ones would fall upon the `N = total + total'`
requests by chance, and

    P(X >= bad) = sum over k from bad to min(K, total) of C(total, k) C(total', K - k) / C(N, K)

is how likely so many or more fall upon the new version. Source: R. A. Fisher, Statistical Methods for
Research Workers, 5th ed. (1934), section 21.02; A. Agresti, Categorical Data Analysis, 3rd ed., section 3.5.

**A latency percentile** is compared by the histogram's own bounds: at each bound the requests slower than
it are the bad ones, the most telling bound counts, and its probability is multiplied by the number of
bounds (Bonferroni). It is the median test made for any bound (W. J. Conover, Practical Nonparametric
Statistics, 3rd ed., section 4.3), and needs no assumption about how latencies are spread.

**Many looks** would find something by chance. Each look may therefore only use its part of the whole
watch's `alpha` (Bonferroni again, over all ticks and all compared metrics): `alpha / (ticks * metrics)`.
That holds however much the windows of two ticks overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, inf, isinf, lgamma

from pydantic import BaseModel, Field

_NEGLIGIBLE = 1e-17


class Counts(BaseModel, frozen=True):
    """So many of so many requests were bad; Prometheus' estimates are rounded to whole ones."""

    bad: int = Field(ge=0)
    total: int = Field(ge=0)

    @property
    def share(self) -> float:
        """Of the requests the bad ones, 0 to 1; 0 without any request."""
        return min(self.bad, self.total) / self.total if self.total else 0.0


Buckets = Mapping[float, float]
"""A histogram as Prometheus counts it: upper bound in seconds -> requests not slower; `inf` is all."""


def chance(now: Counts, before: Counts) -> float:
    """How likely the new version has so many bad requests by chance alone: the smaller, the worse it is.

    1 where their share did not rise: then there is nothing to test.
    """
    if now.share <= before.share:
        return 1.0
    n, m = now.total, before.total
    bad = min(now.bad, n)
    together = bad + min(before.bad, m)
    last = min(together, n)
    log_term = _log_choose(n, bad) + _log_choose(m, together - bad) - _log_choose(n + m, together)
    term = exp(log_term)
    found = term
    for k in range(bad, last):
        term *= (n - k) * (together - k) / ((k + 1) * (m - together + k + 1))
        found += term
        if term < found * _NEGLIGIBLE:
            break
    return min(1.0, found)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def requests_in(buckets: Buckets) -> int:
    """How many requests a histogram has seen."""
    return round(max(buckets.values(), default=0.0))


def percentile(buckets: Buckets, quantile: float) -> float | None:
    """The latency in seconds that `quantile` of the requests do not exceed; None without any.

    As Prometheus' `histogram_quantile`: even inside a bucket, and the last finite bound beyond that one.
    """
    bounds = sorted(buckets)
    wanted = quantile * max(buckets.values(), default=0.0)
    if not wanted > 0:
        return None
    reached = next(i for i, bound in enumerate(bounds) if buckets[bound] >= wanted)
    bound, low = bounds[reached], bounds[reached - 1] if reached else 0.0
    if isinf(bound):
        return low if reached else None
    below = buckets[low] if reached else 0.0
    return low + (bound - low) * (wanted - below) / (buckets[bound] - below)


def slower(now: Buckets, before: Buckets) -> tuple[Counts, Counts, float]:
    """The two counts beyond the most telling bound, and their `chance` corrected for having looked for it."""
    bounds = sorted(bound for bound in {*now} & {*before} if bound < inf)
    tables = [(_beyond(now, bound), _beyond(before, bound)) for bound in bounds]
    if not tables:
        return Counts(bad=0, total=requests_in(now)), Counts(bad=0, total=requests_in(before)), 1.0
    telling = min(tables, key=lambda table: chance(*table))
    return *telling, min(1.0, chance(*telling) * len(tables))


def _beyond(buckets: Buckets, bound: float) -> Counts:
    total = requests_in(buckets)
    return Counts(bad=max(0, total - round(buckets[bound])), total=total)
