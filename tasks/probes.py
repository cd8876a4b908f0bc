"""Looking at production from outside, as a customer would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect import task

from integrations import web
from lifecycle.policy import Probe
from lifecycle.watch import Observation
from tasks.context import policy


@task(task_run_name="tick {tick}: look at production")
def observe(url: str, probes: Sequence[Probe], tick: int, now: datetime) -> list[Observation]:  # noqa: ARG001
    """What every probe sees at this tick, whose time is `now`. An answer that does not come counts too."""
    return [_probe(url, probe, now) for probe in probes]


@task(task_run_name="look at production again")
def see_again(url: str, probes: Sequence[Probe]) -> list[Observation]:
    """What every probe sees now, in order; `at` is when it had its answer, which is what is measured here."""
    seen = [_probe(url, probe, datetime.now(UTC)) for probe in probes]
    return [one.model_copy(update={"at": one.at + timedelta(milliseconds=one.latency_ms)}) for one in seen]


def _probe(url: str, probe: Probe, now: datetime) -> Observation:
    seen = web.look(url.rstrip("/") + probe.path, timeout_s=probe.within_ms / 1000)
    return Observation(
        at=now,
        probe=probe.name,
        ok=seen.status == probe.status and seen.latency_ms <= probe.within_ms,
        status=seen.status,
        latency_ms=seen.latency_ms,
        detail=seen.failure,
    )


def look_at(project: str) -> list[str]:
    """One line per probe of the project's production, as it answers now."""
    wanted = policy().project(project)
    seen = observe(wanted.production_url, policy().watch.probes, 0, datetime.now(UTC))
    return [
        f"{'ok ' if o.ok else 'BAD'} {o.probe}: {o.status or o.detail}, {o.latency_ms:.0f} ms" for o in seen
    ]
