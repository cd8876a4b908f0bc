"""`conveyor watch`: how a version in production does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cyclopts import App

from deployments.cli import names, say
from deployments.cli.say import Json, ProjectName

if TYPE_CHECKING:
    from lifecycle.events import WatchTicked
    from lifecycle.policy import Watch
    from lifecycle.readings import Reading

app = App(name="watch", help="How a version in production does.")


@app.command
def show(release: str, *, project: ProjectName = "", json: Json = False) -> None:
    """Show what the last tick of a release's watch saw, and what all its ticks add up to.

    Example: `conveyor watch show 1.4.0`
    """
    from lifecycle.rollback import served_again
    from lifecycle.watching import verdict_on
    from tasks.context import policy

    found = names.release_at(names.release_stream(release, project))
    watched = policy().watch
    verdict = verdict_on(found, watched, datetime.now(UTC))
    last = found.ticks[-1] if found.ticks else None
    stands = "rolled back" if found.rollback else found.watch.verdict if found.watch else verdict.state.value
    reasons = (found.rollback or found.watch or verdict).reasons
    if json:
        tick = last and last.model_dump(mode="json")
        back = found.rolled_back and found.rolled_back.model_dump(mode="json", include=_BACK)
        facts = {"state": stands, "reasons": list(reasons), "ticks": watched.rules.ticks, "last": tick}
        say.dump({**facts, "rolled_back": back})
        return
    say.out(f"{found.plan.project}:{found.plan.version}: {stands}; {_looked(last, watched)}")
    for reason in (*reasons, *served_again(found)) if last or found.rollback else ():
        say.out(f"  {reason}")
    if last is not None:
        say.table(("WHAT", "NOW", "BEFORE", "HOW IT IS"), _rows(last, watched))


_BACK = {"noticed_at", "at", "took_s", "to_sha", "seen"}


def _looked(last: WatchTicked | None, watched: Watch) -> str:
    if last is None:
        return "nobody has looked yet"
    return f"tick {last.tick} of {watched.rules.ticks} at {last.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rows(tick: WatchTicked, watched: Watch) -> Iterator[tuple[str, str, str, str]]:
    for seen in tick.observations:
        answered = "no answer" if seen.status is None else f"{seen.status}, {seen.latency_ms:.0f} ms"
        yield seen.probe, answered, "", "ok" if seen.ok else f"bad {seen.detail}".rstrip()
    for alert in tick.firing:
        yield (
            alert.name,
            f"fires since {alert.since:%Y-%m-%d %H:%M:%S} UTC",
            "",
            f"bad {alert.summary}".rstrip(),
        )
    for read in tick.readings:
        yield _row(read, watched)


def _row(read: Reading, watched: Watch) -> tuple[str, str, str, str]:
    """A metric that the policy does not name any more is shown without its unit."""
    from lifecycle.readings import told

    metric = next((metric for metric in watched.metrics if metric.name == read.metric), None)
    if metric is None or read.missing:
        return read.metric, "", "", read.missing or "not watched any more"
    before = f"{told(metric, read.before)} {read.against}" if read.before else ""
    likely = "" if read.chance is None else f"so by chance with a probability of {read.chance:.2g}"
    return read.metric, told(metric, read.now), before, likely or ("read" if before else "not compared")
