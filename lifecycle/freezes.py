"""Times in which nothing is deployed forward: the team's own windows, and GitLab's freeze periods.

A `deny` window closes an environment. Where an environment has `allow` windows, it is closed outside of
them. Deny beats allow. Going back to an earlier version is never asked about here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, Protocol, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from lifecycle.calendar import Duration, ZoneName, is_zone
from lifecycle.review_calendar import Cron, cron
from lifecycle.verdict import Verdict

_DAY = timedelta(days=1)
_FAR = 9 * 366
"""Every day of the calendar, 29 February too, comes at least once in so many days."""
_WINDOWS_IN_A_ROW = 500


class Spell(NamedTuple):
    """One time that a window is open: from `begins` up to `ends` (UTC, not included; None: no end)."""

    begins: datetime
    ends: datetime | None


class Window(Protocol):
    """What may close an environment, or open it. `now` is aware."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Literal["deny", "allow"]: ...
    def covers(self, environment: str) -> bool: ...
    def spell(self, now: datetime) -> Spell | None: ...
    def following(self, now: datetime) -> datetime | None: ...


class Freeze(BaseModel, frozen=True, extra="forbid"):
    """A window of the policy: `lasts` from each moment of `cron`, or once from `from` to `until`.

    All times are wall-clock times in `time_zone`, unless `from` and `until` carry an offset; so is the end
    that `lasts` leads to, whatever the clocks do meanwhile. Without `until` it has no end.
    """

    name: str
    kind: Literal["deny", "allow"] = "deny"
    cron: str = Field(default="", description="minute hour day month weekday; one time a day")
    lasts: Duration | None = None
    from_: datetime | None = Field(default=None, alias="from")
    until: datetime | None = None
    time_zone: ZoneName = "UTC"
    environments: tuple[str, ...] = Field(default=("production",), min_length=1, description="`*` allowed")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.cron) == (self.from_ is not None):
            raise ValueError("a window has either cron and lasts, or from (and until)")
        if self.cron and not self.lasts:
            raise ValueError("a window with cron needs lasts, longer than nothing")
        if self.cron and self.until is not None:
            raise ValueError("until belongs to from: a window with cron ends by lasts")
        if self.cron and self.following(datetime(2024, 1, 1, tzinfo=UTC)) is None:
            raise ValueError(f"{self.cron!r} names no day that ever comes")
        if self.from_ is not None and self.lasts is not None:
            raise ValueError("lasts belongs to cron: a window that comes once ends by until")
        if self.from_ and self.until and self._at(self.from_) >= self._at(self.until):
            raise ValueError("a window must end after it begins")
        return self

    def covers(self, environment: str) -> bool:
        """Whether it is about `environment`."""
        return any(fnmatchcase(environment, pattern) for pattern in self.environments)

    def spell(self, now: datetime) -> Spell | None:
        """The time in which `now` lies, None if it is not open."""
        if self.from_ is not None:
            spell = Spell(self._at(self.from_), self.until and self._at(self.until))
        else:
            begins = _last(cron(self.cron), self.time_zone, now)
            assert begins is not None, "a day that comes has come"
            spell = Spell(begins, self._end(begins))
        return spell if _holds(spell, now) else None

    def following(self, now: datetime) -> datetime | None:
        """When it opens next, None if never again."""
        if self.from_ is not None:
            begins = self._at(self.from_)
            return begins if begins > now else None
        return _next(cron(self.cron), self.time_zone, now)

    def _at(self, moment: datetime) -> datetime:
        zone = ZoneInfo(self.time_zone)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

    def _end(self, begins: datetime) -> datetime:
        lasts = self.lasts or timedelta(0)
        wall = begins.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None) + lasts
        ends = self._at(wall)
        # Where the clocks jump over the end, it may come out before the beginning.
        return ends if ends > begins else begins + lasts


class GitLabPeriod(NamedTuple):
    """A freeze period of GitLab's: from each moment of `start` to the next of `end`, both cron lines.

    What cannot be read counts as closed without an end: somebody has to look.
    """

    id: int
    start: str
    end: str
    time_zone: str
    kind: Literal["deny"] = "deny"

    @property
    def name(self) -> str:
        """For people."""
        told = f"GitLab's freeze period {self.id}"
        return told if self._lines() else f"{told} ({self.start} to {self.end}), which cannot be read"

    def covers(self, environment: str) -> bool:
        """GitLab's freezes are about production."""
        return environment == "production"

    def spell(self, now: datetime) -> Spell | None:
        """See `Window`."""
        lines = self._lines()
        if lines is None:
            return Spell(now, None)
        begins = _last(lines[0], self.time_zone, now)
        if begins is None:
            return None
        spell = Spell(begins, _next(lines[1], self.time_zone, begins))
        return spell if _holds(spell, now) else None

    def following(self, now: datetime) -> datetime | None:
        """See `Window`."""
        lines = self._lines()
        return lines and _next(lines[0], self.time_zone, now)

    def _lines(self) -> tuple[Cron, Cron] | None:
        try:
            return (cron(self.start), cron(self.end)) if is_zone(self.time_zone) else None
        except ValueError:
            return None


def closed(windows: Sequence[Window], environment: str, now: datetime) -> Verdict:
    """Whether `environment` takes nothing new at `now` (aware), why, and until when if that is known."""
    mine = [window for window in windows if window.covers(environment)]
    causes = _causes(mine, now)
    if not causes:
        return Verdict()
    return Verdict(reasons=tuple(text for text, _ in causes), until=_free_at(mine, now))


def _causes(windows: Sequence[Window], now: datetime) -> list[tuple[str, datetime | None]]:
    """Every window that closes it now, with the moment until which that one surely does."""
    causes: list[tuple[str, datetime | None]] = []
    for window in windows:
        spell = window.spell(now) if window.kind == "deny" else None
        if spell is not None:
            causes.append((f"frozen: {window.name}, {_until(spell.ends)}", spell.ends))
    allowed = [window for window in windows if window.kind == "allow"]
    if allowed and not any(window.spell(now) for window in allowed):
        opens = min((at for w in allowed if (at := w.following(now))), default=None)
        names = ", ".join(window.name for window in allowed)
        causes.append((f"frozen: outside of {names}, {_until(opens)}", opens))
    return causes


def _until(moment: datetime | None) -> str:
    return f"until {moment:%Y-%m-%d %H:%M} UTC" if moment else "with no end"


def _free_at(windows: Sequence[Window], now: datetime) -> datetime | None:
    """The first moment at which nothing closes it, windows that follow each other passed over."""
    for _ in range(_WINDOWS_IN_A_ROW):
        ends = [end for _, end in _causes(windows, now)]
        if not ends:
            return now
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        now = max(known)
    return None


def _holds(spell: Spell, now: datetime) -> bool:
    return spell.begins <= now and (spell.ends is None or now < spell.ends)


def _last(line: Cron, zone: str, now: datetime) -> datetime | None:
    """The last moment of the cron line up to `now`."""
    return next((at for at in _moments(line, zone, now, -1) if at <= now), None)


def _next(line: Cron, zone: str, now: datetime) -> datetime | None:
    """The first moment of the cron line after `now`."""
    return next((at for at in _moments(line, zone, now, 1) if at > now), None)


def _moments(line: Cron, zone: str, now: datetime, way: Literal[-1, 1]) -> Iterator[datetime]:
    """The line's moments from the day of `now` on, one `way` or the other. The first of two equal hours."""
    today: date = now.astimezone(ZoneInfo(zone)).date()
    for n in range(_FAR):
        day = today + way * n * _DAY
        if line.falls_on(day):
            yield _wall(day, line.at, zone)


def _wall(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
