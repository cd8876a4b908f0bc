"""The report of a watch: what was slow, what got worse, new errors, alerts."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle import events as e
from lifecycle.logs import Comparison, Entry, compare
from lifecycle.watch import Observation, WatchRules
from lifecycle.watch_report import WatchReport, page, probe_times, summary
from tests.lifecycle.story import NOW, Story, later, live, sha


def tick(number: int, ms: float, *, ok: bool = True) -> e.WatchTicked:
    at = later(5 * number)
    seen = Observation(at=at, probe="cart", ok=ok, status=200 if ok else 503, latency_ms=ms)
    return e.WatchTicked(tick=number, at=at, observations=(seen,))


def watched(ms: float = 40, ticks: int = 20) -> Story:
    return live().tell(*(tick(number, ms) for number in range(1, ticks + 1)))


def report(story: Story, before: Story | None = None, **more: Any) -> WatchReport:
    probes = probe_times(story.release, before.release if before else None)
    return WatchReport("Shop 1.4.0", story.release, WatchRules(), probes, **more)


def requests(path: str, ms: float, count: int = 30) -> list[Entry]:
    return [Entry(NOW, "info", "request", path, ms)] * count


def errors(text: str, count: int) -> list[Entry]:
    return [Entry(NOW, "error", text)] * count


def compared(before: list[Entry], after: list[Entry]) -> Comparison:
    return compare(before, after, 2, 1)


def test_a_quiet_watch_is_told_in_a_few_lines() -> None:
    story = watched().tell(e.WatchEnded(verdict="healthy"))
    seen = report(story, log_note="No log is named.")
    assert seen.headline == "Shop 1.4.0: report of the watch, healthy"
    assert summary(seen) == [
        "20 ticks, 0 of 20 looks bad, 0 alerts",
        "slowest: cart 40 ms",
        "No log is named.",
    ]
    assert page(seen).splitlines() == [
        "# Shop 1.4.0: report of the watch, healthy",
        "",
        "20 ticks, 0 of 20 looks bad, 0 alerts",
        "",
        "## Slowest endpoints",
        "",
        "| path | requests | p50 | p95 | p50 before | p95 before | |",
        "|---|---|---|---|---|---|---|",
        "| cart | 20 | 40 ms | 40 ms |  |  |  |",
        "",
        "## Errors in the log",
        "",
        "No log is named.",
        "",
        "## Alerts",
        "",
        "None.",
    ]


def test_a_watch_that_saw_nothing_says_so() -> None:
    story = live().tell(e.WatchEnded(verdict="inconclusive", reasons=("nothing was observed",)))
    said = page(report(story))
    assert "Nothing was asked." in said
    assert "- nothing was observed" in said
    assert summary(report(story)) == ["0 ticks, 0 of 0 looks bad, 0 alerts"]
    assert report(live()).headline == "Shop 1.4.0: report of the watch, no verdict"


def test_a_probe_that_got_slower_than_over_the_release_before_is_named() -> None:
    seen = report(watched(200), before=watched(50))
    assert summary(seen)[1:] == ["slowest: cart 200 ms", "got worse: cart 50 ms → 200 ms"]
    assert "| cart | 20 | 200 ms | 200 ms | 50 ms | 50 ms | **got worse** |" in page(seen)


def test_the_paths_of_the_log_are_the_endpoints_the_slowest_first_and_probes_stand_apart() -> None:
    logs = compared(
        [*requests("/cart", 10), *requests("/old", 3)],
        [*requests("/cart", 90), *requests("/", 5), *requests("/a|b", 7)],
    )
    seen = report(watched(), logs=logs)
    assert summary(seen)[1:] == [
        "slowest: /cart 90 ms, /a|b 7 ms, / 5 ms",
        "got worse: /cart 10 ms → 90 ms",
    ]
    said = page(seen)
    assert "| /old | 0 |  |  | 3 ms | 3 ms |  |" in said
    assert "| /a\\|b | 30 |" in said
    assert said.index("## Slowest endpoints") < said.index("## Probes") < said.index("| cart | 20 |")
    assert "No errors." in said


def test_new_errors_and_changed_rates_are_told_with_examples() -> None:
    logs = compared(
        errors("timeout after 3 s", 20) + errors("old one", 40),
        errors("timeout after 4 s", 60) + errors("no price for 'mug'\nat 7", 2) + errors("old one", 20),
    )
    said = page(report(watched(), logs=logs))
    assert "82 lines in 1.0 h, 60 in the 2.0 h before." in said
    assert "| no price for '…' at N | 0 | 2 | 0.0 → 2.0 | **new** |" in said
    assert "| timeout after N s | 20 | 60 | 10.0 → 60.0 | **more often** |" in said
    assert "| old one | 40 | 20 | 20.0 → 20.0 |  |" in said
    assert "New, for example:\n\n    no price for 'mug' at 7" in said
    assert summary(report(watched(), logs=logs))[2:] == [
        "new: no price for '…' at N (0 → 2)",
        "more often: timeout after N s (20 → 60)",
    ]


def test_what_is_gone_has_no_example() -> None:
    logs = compared(errors("x", 60), requests("/", 3))
    said = page(report(watched(), logs=logs))
    assert "**less often**" in said
    assert "for example" not in said


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ([], "not over"),
        (
            [e.AlertRecovered(cause="cart", number=1, reason="2 good looks in a row", at=later(15))],
            "over after 10m, 2 good looks in a row",
        ),
    ],
)
def test_alerts_are_told_with_their_ends(over: list[e.ReleaseEvent], told: str) -> None:
    raised = e.AlertRaised(cause="cart", number=1, reason="cart: answered 503", at=later(5))
    received = e.AlertReceived(fingerprint="f", status="firing", name="HighErrors", starts_at=later(6))
    story = live().tell(tick(1, 40, ok=False), raised, *over, received)
    said = page(report(story))
    assert f"- 2026-10-16 10:05:00 UTC cart: answered 503: {told}" in said
    assert "- 2026-10-16 10:06:00 UTC Alertmanager: HighErrors firing\n" in f"{said}\n"
    assert summary(report(story))[0] == "1 tick, 1 of 1 look bad, 1 alert"
    assert summary(report(story))[-1] == "Alertmanager: HighErrors still fires"


def test_a_release_that_was_rolled_back_is_told_as_such_with_the_reasons() -> None:
    story = live().tell(tick(1, 40, ok=False)).start_rollback()
    story.tell(e.RolledBack(to_sha=sha(0), pipeline_id=9, at=later(9), took_s=8, noticed_at=later(1)))
    seen = report(story)
    assert seen.headline == "Shop 1.4.0: report of the watch, rolled back to 1.3.0"
    back = story.release.rollback
    assert back is not None
    assert f"- {back.reasons[0]}" in page(seen)
    assert "1.3.0 served again 8.0 s after" in page(seen)
    assert summary(seen)[1].startswith("1.3.0 served again 8.0 s after")
