"""The watch as a picture: how fast each probe was answered, and when it was not."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from lifecycle.release import Release
from lifecycle.requests import opaque
from lifecycle.watch import WatchRules, is_bad
from tasks.context import slack
from tasks.effects import once

_WIDTH_IN, _ROW_IN, _DPI = 4.8, 1.7, 160
"""768 pixels: a phone shows it without turning, and the letters stay readable."""


class Point(BaseModel, frozen=True):
    """One look: its milliseconds, and whether it was bad."""

    at: datetime
    ms: float
    bad: bool


class Graph(BaseModel, frozen=True):
    """What is drawn: a row for each probe, the limit, the release's moment and the alert's."""

    title: str
    probes: dict[str, tuple[Point, ...]]
    limit_ms: float
    released: datetime
    marked: datetime


def of_watch(title: str, release: Release, rules: WatchRules, marked: datetime) -> Graph:
    """The watch of this attempt so far, with a mark at the alert."""
    seen = [one for tick in release.ticks for one in tick.observations]
    probes: dict[str, tuple[Point, ...]] = {}
    for one in seen:
        point = Point(at=one.at, ms=one.latency_ms, bad=is_bad(one, rules))
        probes[one.probe] = (*probes.get(one.probe, ()), point)
    released = release.deployed.at if release.deployed else marked
    return Graph(title=title, probes=probes, limit_ms=rules.max_latency_ms, released=released, marked=marked)


def png(graph: Graph) -> bytes:
    """The picture. The plotting library is imported here: it takes a second that nobody else should wait."""
    from matplotlib.figure import Figure

    rows = max(1, len(graph.probes))
    figure: Any = Figure(figsize=(_WIDTH_IN, 0.9 + _ROW_IN * rows), dpi=_DPI, layout="constrained")
    figure.suptitle(graph.title, fontsize=10, wrap=True)
    axes: Any = figure.subplots(rows, 1, sharex=True, squeeze=False)
    for axis, (probe, points) in zip(axes[:, 0], graph.probes.items(), strict=False):
        _draw(axis, probe, points, graph)
    last = axes[-1, 0]
    figure.legend(*last.get_legend_handles_labels(), fontsize=7, loc="outside lower center", ncols=4)
    _times(last, graph)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _draw(axis: Any, probe: str, points: Sequence[Point], graph: Graph) -> None:
    bad = [point for point in points if point.bad]
    axis.plot([p.at for p in points], [p.ms for p in points], color="#1f5f99", lw=1.2, marker=".", ms=4)
    axis.plot([p.at for p in bad], [p.ms for p in bad], "x", color="#c0271d", ms=8, mew=2, label="bad")
    axis.axhline(graph.limit_ms, color="#b06a00", ls="--", lw=1, label=f"limit {graph.limit_ms:.0f} ms")
    axis.axvline(graph.released, color="#2e7d32", lw=1.2, label="release")
    axis.axvline(graph.marked, color="#c0271d", lw=1.2, ls=":", label="alert")
    axis.set_title(f"{probe}: {len(bad)} of {len(points)} bad", fontsize=9, loc="left")
    axis.set_ylabel("ms", fontsize=8)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)


def _times(axis: Any, graph: Graph) -> None:
    """Hours for a watch of a day, seconds for one of minutes."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    ends = [points[-1].at for points in graph.probes.values() if points]
    short = max([graph.marked, *ends]) - graph.released < timedelta(minutes=10)
    axis.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=6))
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M:%S" if short else "%d %b\n%H:%M"))
    axis.set_xlabel("UTC", fontsize=8)


def attach(graph: Graph, channel_id: str, op_key: str, *, subject: str, thread_ts: str | None = None) -> str:
    """Share the picture in Slack, once; Slack's id of the file, or of the message that was found to have it.

    A file carries no key in Slack: after a crash it is found by its name, which is made of the key.
    """
    name = f"{opaque(op_key)}.png"

    def look(intended_at: datetime) -> dict[str, object] | None:
        found = slack().find_file(channel_id, name, intended_at - timedelta(minutes=2), thread_ts)
        return None if found is None else {"id": found.ts}

    def act() -> dict[str, object]:
        title = graph.title
        sent = slack().upload(channel_id, name, png(graph), title=title, alt=title, thread_ts=thread_ts)
        return {"id": sent}

    request = {"channel_id": channel_id, "name": name}
    return str(once(op_key, subject=subject, kind="file", request=request, look=look, act=act)["id"])
