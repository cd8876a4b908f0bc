"""Whether a released version is well: observations over time -> healthy, unhealthy or inconclusive."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from lifecycle.calendar import Duration
from lifecycle.readings import Reading
from lifecycle.watch_metrics import Comparison, Metric
from lifecycle.worsening import holes, worsenings

_COMPARISON = Comparison()


class Observation(BaseModel, frozen=True):
    """What one probe saw. `status`: HTTP status, None where nothing answered."""

    at: AwareDatetime
    probe: str
    ok: bool
    status: int | None = None
    latency_ms: float = Field(default=0.0, ge=0)
    detail: str = ""


class Firing(BaseModel, frozen=True):
    """An alert of Alertmanager's that fired when somebody looked, and that the policy lets count."""

    fingerprint: str
    name: str
    summary: str = ""
    since: AwareDatetime


class WatchRules(BaseModel, frozen=True, extra="forbid"):
    """How long and how strictly a release is watched.

    `failures_allowed`: bad observations in a row that one probe may give; one more is the hard limit.
    `max_latency_ms`: an answer slower than this is a bad observation. `minimum_observations`: per probe and
    metric. `missed_allowed`: ticks in a row at which nobody looked; one more is a gap.
    """

    lasts: Duration = timedelta(hours=24)
    every: Duration = timedelta(minutes=5)
    failures_allowed: int = Field(default=2, ge=0)
    max_latency_ms: float = Field(default=2000.0, gt=0)
    minimum_observations: int = Field(default=3, ge=1)
    missed_allowed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _ticks(self) -> "WatchRules":
        if not timedelta(0) < self.every <= self.lasts:
            raise ValueError("a watch must tick at least once: 0 < every <= lasts")
        return self

    @property
    def ticks(self) -> int:
        """How many ticks a whole watch has; the last is at its end, also where `every` does not divide it."""
        return -(-self.lasts // self.every)


class WatchState(StrEnum):
    """`watching` until the end or until `unhealthy`; `inconclusive` if the end is reached with holes."""

    WATCHING = "watching"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


class Gap(BaseModel, frozen=True):
    """The ticks `first` to `last`, at which `probe` was due and saw nothing."""

    probe: str
    first: int
    last: int


class WatchVerdict(BaseModel, frozen=True):
    """What the watch says now, with every reason against `healthy`."""

    state: WatchState
    reasons: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


def due_tick(started: datetime, now: datetime, rules: WatchRules) -> int:
    """The number of the newest tick whose time has come, by the clock alone; 0 before the first."""
    if now >= started + rules.lasts:
        return rules.ticks
    return max(0, (now - started) // rules.every)


def time_of(tick: int, started: datetime, rules: WatchRules) -> datetime:
    """When that tick is due."""
    return min(started + rules.every * tick, started + rules.lasts)


def next_tick(started: datetime, now: datetime, rules: WatchRules) -> datetime | None:
    """Return when to look again: the next tick after `now`, then the end of the watch, then None."""
    ends = started + rules.lasts
    if now >= ends:
        return None
    count = max(0, (now - started) // rules.every) + 1
    return min(started + rules.every * count, ends)


def assess(
    observations: Iterable[Observation],
    started: datetime,
    now: datetime,
    rules: WatchRules,
    *,
    readings: Iterable[Reading] = (),
    metrics: Sequence[Metric] = (),
    comparison: Comparison = _COMPARISON,
    firing: Iterable[Sequence[Firing]] = (),
) -> WatchVerdict:
    """Judge the version that went live at `started` by what was seen from then to `now`.

    Unhealthy as soon as one probe or metric passes its hard limit, or a metric is significantly worse than
    before; and it stays so: a later recovery does not take it back. An alert that fires is a bad look of its
    own; `firing` has those of each look, in order. Healthy only at the end, without a gap and with enough
    seen. Order and repeats of what was observed and read do not matter.
    """
    seen = sorted({o for o in observations if started <= o.at <= now}, key=_in_order)
    read = tuple({r for r in readings if started <= r.at <= now})
    probes = {probe: tuple(of_probe) for probe, of_probe in groupby(seen, key=lambda o: o.probe)}
    bad = (
        *(reason for of_probe in probes.values() for reason in _hard_limit(of_probe, rules)),
        *worsenings(read, metrics, comparison, rules.ticks, rules.failures_allowed),
        *_alarming(tuple(firing), rules),
    )
    gaps = tuple(gap for p, of_probe in probes.items() for gap in _gaps(p, of_probe, started, now, rules))
    if bad:
        return WatchVerdict(state=WatchState.UNHEALTHY, reasons=bad, gaps=gaps)
    lost = tuple(_told(gaps, started, rules))
    ends = started + rules.lasts
    if now < ends:
        return WatchVerdict(state=WatchState.WATCHING, reasons=lost, gaps=gaps)
    unread = holes(read, metrics, started, ends, rules.every, rules.minimum_observations)
    unseen = (*_too_few(probes, rules), *lost, *unread)
    state = WatchState.INCONCLUSIVE if unseen else WatchState.HEALTHY
    return WatchVerdict(state=state, reasons=unseen, gaps=gaps)


def _in_order(seen: Observation) -> tuple[str, datetime, bool, float, int, str]:
    """Sort by probe and time, and by all the rest, so that two of one moment have one order too."""
    return (seen.probe, seen.at, seen.ok, seen.latency_ms, seen.status or 0, seen.detail)


def _hard_limit(of_probe: Sequence[Observation], rules: WatchRules) -> Iterator[str]:
    """Yield one reason for each run of bad observations longer than allowed."""
    for bad, run in groupby(of_probe, key=lambda o: is_bad(o, rules)):
        row = tuple(run)
        if bad and len(row) > rules.failures_allowed:
            yield f"{row[0].probe} was bad {len(row)} times in a row: {what_is_bad(row[-1], rules)}"


def _alarming(looks: Sequence[Sequence[Firing]], rules: WatchRules) -> Iterator[str]:
    """Yield one reason for each alert that fired at more looks in a row than a probe may be bad."""
    for fingerprint in dict.fromkeys(alert.fingerprint for look in looks for alert in look):
        of_alert = [next((a for a in look if a.fingerprint == fingerprint), None) for look in looks]
        for fires, run in groupby(of_alert, key=lambda alert: alert is not None):
            row = [alert for alert in run if alert]
            if fires and len(row) > rules.failures_allowed:
                told = f": {row[-1].summary}" if row[-1].summary else ""
                yield f"Alertmanager's {row[-1].name} fired at {len(row)} looks in a row{told}"


def is_bad(seen: Observation, rules: WatchRules) -> bool:
    """The probe failed, or its answer took longer than any may take."""
    return not seen.ok or seen.latency_ms > rules.max_latency_ms


def what_is_bad(seen: Observation, rules: WatchRules) -> str:
    """What was bad about it, in a person's words."""
    if seen.ok:
        return f"{seen.latency_ms:.0f} ms, {rules.max_latency_ms:.0f} ms allowed"
    answered = "no answer" if seen.status is None else f"answered {seen.status}"
    return f"{answered} ({seen.detail})" if seen.detail else answered


def _gaps(
    probe: str, of_probe: Sequence[Observation], started: datetime, now: datetime, rules: WatchRules
) -> Iterator[Gap]:
    """The runs of ticks, longer than allowed, at which the probe saw nothing.

    A look counts until the next tick is due: who comes later has missed it.
    """
    ends = started + rules.lasts
    over = rules.ticks if now >= ends else due_tick(started, now, rules) - 1
    at_tick = {due_tick(started, o.at, rules) for o in of_probe if o.at < ends + rules.every}
    for absent, run in groupby(range(1, over + 1), key=lambda tick: tick not in at_tick):
        ticks = tuple(run)
        if absent and len(ticks) > rules.missed_allowed:
            yield Gap(probe=probe, first=ticks[0], last=ticks[-1])


def _told(gaps: Sequence[Gap], started: datetime, rules: WatchRules) -> Iterator[str]:
    """The gaps, each once for all probes that have it."""
    by_ticks: dict[tuple[int, int], list[str]] = {}
    for gap in gaps:
        by_ticks.setdefault((gap.first, gap.last), []).append(gap.probe)
    for (first, last), probes in sorted(by_ticks.items()):
        yield f"{_ticks(first, last, started, rules)} missed: {', '.join(probes)}"


def _ticks(first: int, last: int, started: datetime, rules: WatchRules) -> str:
    begins, ends = (f"{time_of(n, started, rules).astimezone(UTC):%d %b %H:%M:%S}" for n in (first, last))
    return (
        f"tick {first} ({begins} UTC)"
        if first == last
        else f"ticks {first} to {last} ({begins} to {ends} UTC)"
    )


def _too_few(probes: dict[str, tuple[Observation, ...]], rules: WatchRules) -> Iterator[str]:
    if not probes:
        yield "nothing was observed"
    for probe, seen in probes.items():
        if len(seen) < rules.minimum_observations:
            yield f"{probe} was observed {len(seen)} times, {rules.minimum_observations} are needed"
