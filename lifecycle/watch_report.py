"""What a watch saw, told at its end: the slowest answers, what got worse, new errors, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lifecycle import events as e
from lifecycle import rollback
from lifecycle.alerts import firing
from lifecycle.calendar import duration_text
from lifecycle.logs import Comparison, ErrorKind, PathTimes, Times, compare_times
from lifecycle.release import Release
from lifecycle.watch import WatchRules, is_bad

_SLOWEST = 3
_CHANGES = {"new": "new", "more": "more often", "fewer": "less often", "": ""}


@dataclass(frozen=True)
class WatchReport:
    """The release after its watch. `logs` None: they were not read, and `log_note` may say why."""

    title: str
    release: Release
    rules: WatchRules
    probes: tuple[PathTimes, ...]
    logs: Comparison | None = None
    log_note: str = ""

    @property
    def headline(self) -> str:
        """How it ended."""
        back, ended = self.release.rollback, self.release.watch
        if back is not None:
            return f"{self.title}: report of the watch, rolled back to {back.to_tag}"
        return f"{self.title}: report of the watch, {ended.verdict if ended else 'no verdict'}"

    @property
    def looked(self) -> str:
        """How much was seen."""
        seen = [one for tick in self.release.ticks for one in tick.observations]
        bad = sum(is_bad(one, self.rules) for one in seen)
        alerts = len(self.release.alerts_raised)
        return f"{_many(len(self.release.ticks), 'tick')}, {bad} of {_many(len(seen), 'look')} bad, " + _many(
            alerts, "alert"
        )

    @property
    def endpoints(self) -> tuple[PathTimes, ...]:
        """The slowest first: all that customers asked for, or the probes where no log tells."""
        return (self.logs.paths if self.logs else ()) or self.probes

    @property
    def changed(self) -> tuple[ErrorKind, ...]:
        """Kinds of errors that are new, or more or less often than before."""
        return tuple(kind for kind in (self.logs.kinds if self.logs else ()) if kind.change)


def probe_times(release: Release, before: Release | None) -> tuple[PathTimes, ...]:
    """Each probe's times, against those of the watch over the release that was in production before."""
    return compare_times(_by_probe(before.ticks if before else ()), _by_probe(release.ticks))


def _by_probe(ticks: Iterable[e.WatchTicked]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for tick in ticks:
        for one in tick.observations:
            found.setdefault(one.probe, []).append(one.latency_ms)
    return found


def summary(report: WatchReport) -> list[str]:
    """The lines of a message."""
    answered = [one for one in report.endpoints if one.after][:_SLOWEST]
    lines = [report.looked, *rollback.served_again(report.release)]
    if answered:
        lines.append("slowest: " + ", ".join(f"{one.path} {_p95(one.after)}" for one in answered))
    worse = [one for one in report.endpoints if one.got_worse]
    lines += [f"got worse: {one.path} {_p95(one.before)} → {_p95(one.after)}" for one in worse]
    lines += [
        f"{_CHANGES[kind.change]}: {kind.name} ({kind.before} → {kind.after})" for kind in report.changed
    ]
    lines += [f"Alertmanager: {one.name} still fires" for one in firing(report.release)]
    return lines + ([report.log_note] if report.log_note else [])


def page(report: WatchReport) -> str:
    """The whole report as Markdown."""
    parts = [
        f"# {report.headline}",
        report.looked,
        *_reasons(report.release),
        *rollback.served_again(report.release),
    ]
    parts += ["## Slowest endpoints", _times_table(report.endpoints)]
    if report.endpoints != report.probes:
        parts += ["## Probes", _times_table(report.probes)]
    parts += ["## Errors in the log", *_errors(report), "## Alerts", *_alerts(report.release)]
    return "\n\n".join(parts)


def _reasons(release: Release) -> Iterator[str]:
    why = release.rollback.reasons if release.rollback else release.watch.reasons if release.watch else ()
    if why:
        yield "\n".join(f"- {reason}" for reason in why)


def _times_table(rows: Sequence[PathTimes]) -> str:
    if not rows:
        return "Nothing was asked."
    lines = ["| path | requests | p50 | p95 | p50 before | p95 before | |", "|---|---|---|---|---|---|---|"]
    for one in rows:
        cells = [
            _cell(one.path),
            str(one.after.count if one.after else 0),
            *_percentiles(one.after),
            *_percentiles(one.before),
            "**got worse**" if one.got_worse else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percentiles(times: Times | None) -> tuple[str, str]:
    return (f"{times.p50:.0f} ms", _p95(times)) if times else ("", "")


def _p95(times: Times | None) -> str:
    return f"{times.p95:.0f} ms" if times else "no answer"


def _errors(report: WatchReport) -> Iterator[str]:
    if report.log_note:
        yield report.log_note
    logs = report.logs
    if logs is None:
        return
    yield (
        f"{logs.after_lines} lines in {logs.after_hours:.1f} h, "
        f"{logs.before_lines} in the {logs.before_hours:.1f} h before."
    )
    if not logs.kinds:
        yield "No errors."
        return
    lines = ["| error | before | after | per hour | |", "|---|---|---|---|---|"]
    for kind in logs.kinds:
        rates = f"{kind.before / logs.before_hours:.1f} → {kind.after / logs.after_hours:.1f}"
        change = f"**{_CHANGES[kind.change]}**" if kind.change else ""
        lines.append(f"| {_cell(kind.name)} | {kind.before} | {kind.after} | {rates} | {change} |")
    yield "\n".join(lines)
    for kind in report.changed:
        if kind.examples:
            shown = "\n".join(f"    {' '.join(example.split())}" for example in kind.examples)
            yield f"{_CHANGES[kind.change].capitalize()}, for example:\n\n{shown}"


def _alerts(release: Release) -> Iterator[str]:
    over = {(one.cause, one.number): one for one in release.alerts_recovered}
    lines = [
        f"- {one.at:%Y-%m-%d %H:%M:%S} UTC {one.reason}: {_until(one, over.get((one.cause, one.number)))}"
        for one in release.alerts_raised
    ]
    for one in release.alerts_received:
        said = f"{one.name} {one.status} {one.summary}".rstrip()
        lines.append(f"- {one.starts_at:%Y-%m-%d %H:%M:%S} UTC Alertmanager: {said}")
    yield "\n".join(lines) or "None."


def _until(raised: e.AlertRaised, over: e.AlertRecovered | None) -> str:
    return f"over after {duration_text(over.at - raised.at)}, {over.reason}" if over else "not over"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
