"""What a service's JSON logs say: kinds of errors and times of paths, after a release against before it."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, sqrt
from typing import Any, Literal, cast

ERROR_LEVELS = frozenset({"error", "critical", "fatal", "panic", "alert", "emergency"})

MINIMUM_COUNT = 10
"""Of an error, before and after together: of fewer no rate is compared."""

SIGMAS = 3.0
"""So far off what both times together let expect is a change; by chance about one rate in 400 is."""

MINIMUM_REQUESTS = 20
"""Of one path, in each of the two times."""

_EXAMPLES, _EXAMPLE_CHARS, _KIND_CHARS = 3, 300, 160


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `text` is its message, with the error after a colon where it has one."""

    at: datetime
    level: str
    text: str
    path: str = ""
    ms: float | None = None

    @property
    def is_error(self) -> bool:
        return self.level.lower() in ERROR_LEVELS


@dataclass(frozen=True)
class ErrorKind:
    """Errors that read alike but for numbers, ids and quotes; `examples` are masked."""

    name: str
    before: int
    after: int
    change: Literal["new", "more", "fewer", ""]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Times:
    """How long answers took, in milliseconds."""

    count: int
    p50: float
    p95: float


@dataclass(frozen=True)
class PathTimes:
    """One path (or probe) after the release and before it; None where it was not asked."""

    path: str
    before: Times | None
    after: Times | None

    @property
    def got_worse(self) -> bool:
        """Its p95 is half as long again and 20 ms more, with enough requests in both times."""
        if self.before is None or self.after is None:
            return False
        enough = min(self.before.count, self.after.count) >= MINIMUM_REQUESTS
        return enough and self.after.p95 >= max(1.5 * self.before.p95, self.before.p95 + 20)


@dataclass(frozen=True)
class Comparison:
    """The logs of two times. Without a line `before` nothing can be called new."""

    before_lines: int
    after_lines: int
    before_hours: float
    after_hours: float
    kinds: tuple[ErrorKind, ...]
    paths: tuple[PathTimes, ...]


def entry(line: str) -> Entry | None:
    """The line, read with the names that loggers use; None for what is no JSON object with a time."""
    data = json_object(line)
    at = _time(data)
    if at is None:
        return None
    message, error = _first(data, "message", "msg"), _first(data, "error", "exception")
    ms = data.get("ms")
    return Entry(
        at=at,
        level=_first(data, "level", "severity"),
        text=f"{message}: {error}" if message and error else message or error,
        path=_first(data, "path"),
        ms=float(ms) if isinstance(ms, int | float) and not isinstance(ms, bool) else None,
    )


def json_object(line: str) -> Mapping[str, Any]:
    """The JSON object that the line is; {} for any other line."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", data) if isinstance(data, dict) else {}


def compare(
    before: Sequence[Entry], after: Sequence[Entry], before_hours: float, after_hours: float
) -> Comparison:
    """What changed. Hours are how long each time was; both must be greater than 0."""
    return Comparison(
        before_lines=len(before),
        after_lines=len(after),
        before_hours=before_hours,
        after_hours=after_hours,
        kinds=_kinds(before, after, before_hours, after_hours),
        paths=compare_times(_by_path(before), _by_path(after)),
    )


def _kinds(
    before: Sequence[Entry], after: Sequence[Entry], before_hours: float, after_hours: float
) -> tuple[ErrorKind, ...]:
    was = Counter(kind(one.text) for one in before if one.is_error)
    examples: defaultdict[str, list[str]] = defaultdict(list)
    for one in after:
        if one.is_error:
            examples[kind(one.text)].append(one.text)
    found: list[ErrorKind] = []
    for name in sorted({*was, *examples}):
        texts = examples.get(name, [])
        share = after_hours / (before_hours + after_hours)
        change = _change(was[name], len(texts), share, comparable=bool(before))
        shown = tuple(mask(text)[:_EXAMPLE_CHARS] for text in dict.fromkeys(texts))[:_EXAMPLES]
        found.append(ErrorKind(name, was[name], len(texts), change, shown))
    return tuple(sorted(found, key=lambda one: (one.change != "new", -one.after, one.name)))


def _change(
    before: int, after: int, share: float, *, comparable: bool
) -> Literal["new", "more", "fewer", ""]:
    """Whether the rate changed: two Poisson counts, compared given their sum.

    If the rate is the same, each error falls into the time after with the probability `share`. The
    distance from that, in standard deviations, decides.
    """
    if before == 0:
        return "new" if comparable and after else ""
    total = before + after
    if total < MINIMUM_COUNT:
        return ""
    off = (after - total * share) / sqrt(total * share * (1 - share))
    if abs(off) < SIGMAS:
        return ""
    return "more" if off > 0 else "fewer"


def compare_times(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]
) -> tuple[PathTimes, ...]:
    """Every name with its times, the slowest after the release first."""
    found = [
        PathTimes(name, times(before.get(name, ())), times(after.get(name, ())))
        for name in {**before, **after}
    ]
    return tuple(sorted(found, key=lambda one: (-(one.after.p95 if one.after else 0.0), one.path)))


def times(milliseconds: Iterable[float]) -> Times | None:
    """Count and percentiles (by nearest rank); None for none."""
    ranked = sorted(milliseconds)
    if not ranked:
        return None
    return Times(len(ranked), ranked[ceil(0.5 * len(ranked)) - 1], ranked[ceil(0.95 * len(ranked)) - 1])


def _by_path(entries: Iterable[Entry]) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for one in entries:
        if one.path and one.ms is not None:
            found[_NUMBER.sub("N", _HEX.sub("#", one.path))].append(one.ms)
    return found


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_HEX = re.compile(r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


def kind(text: str) -> str:
    """What the errors of one kind have in common: the text without quotes, ids and numbers."""
    bare = _NUMBER.sub("N", _HEX.sub("#", _QUOTED.sub("'…'", mask(text))))
    return " ".join(bare.split())[:_KIND_CHARS]


_SECRETS = (
    re.compile(
        r"(?i)((?:password|passwd|secret|token|api[_-]?key|authorization|cookie|session)[\"']?\s*[=:]\s*[\"']?)"
        r"(?:bearer\s+|basic\s+)?[^\s\"',;&]+"
    ),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"),
    re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+(?=@)"),
    re.compile(r"()\b(?:xox[abprs]-|xapp-|glpat-|ghp_|whsec_|sk_live_|ATATT|AKIA)[\w.-]{6,}"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"),
    re.compile(r"()\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"()\b(?:\d[ -]?){13,19}\b"),
)


def mask(text: str) -> str:
    """The text with what looks like a secret, an e-mail address or a card number as •••."""
    for pattern in _SECRETS:
        text = pattern.sub(r"\1•••", text)
    return text


def _first(data: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := data.get(name), str) and value), "")


def _time(data: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(_first(data, "time", "timestamp", "ts"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
