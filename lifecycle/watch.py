"""Whether a released version is well: observations over time -> healthy, unhealthy or inconclusive."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from lifecycle.calendar import Duration, duration_text


class Observation(BaseModel, frozen=True):
    """What one probe saw. `status`: HTTP status, None where nothing answered."""

    at: AwareDatetime
    probe: str
    ok: bool
    status: int | None = None
    latency_ms: float = Field(default=0.0, ge=0)
    detail: str = ""


class WatchRules(BaseModel, frozen=True, extra="forbid"):
    """How long and how strictly a release is watched.

    `failures_allowed`: bad observations in a row that one probe may give; one more is the hard limit.
    `max_latency_ms`: an answer slower than this is a bad observation. `minimum_observations`: per probe.
    """

    lasts: Duration = timedelta(hours=24)
    every: Duration = timedelta(minutes=5)
    failures_allowed: int = Field(default=2, ge=0)
    max_latency_ms: float = Field(default=2000.0, gt=0)
    minimum_observations: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _ticks(self) -> "WatchRules":
        if not timedelta(0) < self.every <= self.lasts:
            raise ValueError("a watch must tick at least once: 0 < every <= lasts")
        return self


class WatchState(StrEnum):
    """`watching` until the end or until `unhealthy`; `inconclusive` if the end is reached with holes."""

    WATCHING = "watching"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


class Gap(BaseModel, frozen=True):
    """A time longer than two ticks in which `probe` saw nothing."""

    probe: str
    after: AwareDatetime
    until: AwareDatetime


class WatchVerdict(BaseModel, frozen=True):
    """What the watch says now, with every reason against `healthy`."""

    state: WatchState
    reasons: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


def due_ticks(started: datetime, now: datetime, rules: WatchRules) -> tuple[datetime, ...]:
    """Return the ticks whose time has come, first to last. The first is one `every` after the start."""
    passed = min(now - started, rules.lasts) // rules.every
    return tuple(started + rules.every * count for count in range(1, passed + 1))


def next_tick(started: datetime, now: datetime, rules: WatchRules) -> datetime | None:
    """Return when to look again: the next tick after `now`, then the end of the watch, then None."""
    ends = started + rules.lasts
    if now >= ends:
        return None
    count = max(0, (now - started) // rules.every) + 1
    return min(started + rules.every * count, ends)


def assess(
    observations: Iterable[Observation], started: datetime, now: datetime, rules: WatchRules
) -> WatchVerdict:
    """Judge the version that went live at `started` by what was seen from then to `now`.

    Unhealthy as soon as one probe passes the hard limit, and it stays so: a later recovery does not take
    it back. Healthy only at the end, without a gap and with enough seen. Order and repeats do not matter.
    """
    seen = sorted({o for o in observations if started <= o.at <= now}, key=_in_order)
    probes = {probe: tuple(of_probe) for probe, of_probe in groupby(seen, key=lambda o: o.probe)}
    bad = tuple(reason for of_probe in probes.values() for reason in _hard_limit(of_probe, rules))
    ends = started + rules.lasts
    gaps = tuple(
        gap for p, of_probe in probes.items() for gap in _gaps(p, of_probe, started, min(now, ends), rules)
    )
    if bad:
        return WatchVerdict(state=WatchState.UNHEALTHY, reasons=bad, gaps=gaps)
    holes = (*_too_few(probes, rules), *map(_told, gaps))
    if now < ends:
        return WatchVerdict(state=WatchState.WATCHING, reasons=tuple(map(_told, gaps)), gaps=gaps)
    state = WatchState.INCONCLUSIVE if holes else WatchState.HEALTHY
    return WatchVerdict(state=state, reasons=holes, gaps=gaps)


def _in_order(seen: Observation) -> tuple[str, datetime, bool, float, int, str]:
    """Sort by probe and time, and by all the rest, so that two of one moment have one order too."""
    return (seen.probe, seen.at, seen.ok, seen.latency_ms, seen.status or 0, seen.detail)


def _hard_limit(of_probe: Sequence[Observation], rules: WatchRules) -> Iterator[str]:
    """Yield one reason for each run of bad observations longer than allowed."""
    for bad, run in groupby(of_probe, key=lambda o: not o.ok or o.latency_ms > rules.max_latency_ms):
        row = tuple(run)
        if bad and len(row) > rules.failures_allowed:
            yield f"{row[0].probe} was bad {len(row)} times in a row: {_bad(row[-1], rules)}"


def _bad(seen: Observation, rules: WatchRules) -> str:
    if seen.ok:
        return f"{seen.latency_ms:.0f} ms, {rules.max_latency_ms:.0f} ms allowed"
    answered = "no answer" if seen.status is None else f"answered {seen.status}"
    return f"{answered} ({seen.detail})" if seen.detail else answered


def _gaps(
    probe: str, of_probe: Sequence[Observation], started: datetime, until: datetime, rules: WatchRules
) -> Iterator[Gap]:
    times = [started, *(o.at for o in of_probe if o.at < until), until]
    for before, after in pairwise(times):
        if after - before > 2 * rules.every:
            yield Gap(probe=probe, after=before, until=after)


def _told(gap: Gap) -> str:
    lasted = duration_text(gap.until - gap.after)
    return f"{gap.probe} was not observed for {lasted} from {gap.after.isoformat()}"


def _too_few(probes: dict[str, tuple[Observation, ...]], rules: WatchRules) -> Iterator[str]:
    if not probes:
        yield "nothing was observed"
    for probe, seen in probes.items():
        if len(seen) < rules.minimum_observations:
            yield f"{probe} was observed {len(seen)} times, {rules.minimum_observations} are needed"
