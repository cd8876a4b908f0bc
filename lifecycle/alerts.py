"""Which alerts a watch raises and takes back: each cause once for each time that it goes bad."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from lifecycle import events as e
from lifecycle.policy import Alerting
from lifecycle.release import Release
from lifecycle.watch import Firing, WatchRules, is_bad, what_is_bad


def due(release: Release, rules: WatchRules, alerting: Alerting) -> tuple[e.ReleaseEvent, ...]:
    """What the newest looks of this attempt say that is not on record yet.

    A cause is a probe. Once raised it is silent until it has recovered: by good looks, or because
    production went back to the earlier version.
    """
    return tuple(fact for cause in _causes(release) for fact in _of_cause(release, cause, rules, alerting))


def open_alert(release: Release, cause: str) -> e.AlertRaised | None:
    """The episode of that cause that is not over, if there is one."""
    raised = [one for one in release.alerts_raised if one.cause == cause]
    over = {one.number for one in release.alerts_recovered if one.cause == cause}
    return raised[-1] if raised and raised[-1].number not in over else None


def firing(release: Release) -> tuple[e.AlertReceived, ...]:
    """What Alertmanager said fires and has not said is resolved, the oldest first."""
    last = {one.fingerprint: one for one in sorted(release.alerts_received, key=_told_in_order)}
    return tuple(one for one in last.values() if one.status == "firing")


def deciding(release: Release, alerting: Alerting) -> tuple[Firing, ...]:
    """Which of them count as a bad look: of a severity that the policy names, and begun since it is live.

    What fired before the release is not its fault, however often it is told again.
    """
    live = release.deployed
    return tuple(
        Firing(fingerprint=one.fingerprint, name=one.name, summary=one.summary, since=one.starts_at)
        for one in firing(release)
        if one.severity in alerting.deciding and live is not None and one.starts_at >= live.at
    )


def _told_in_order(alert: e.AlertReceived) -> tuple[object, bool]:
    return (alert.starts_at, alert.status == "resolved")


def _causes(release: Release) -> tuple[str, ...]:
    return tuple(dict.fromkeys(seen.probe for tick in release.ticks for seen in tick.observations))


def _of_cause(
    release: Release, cause: str, rules: WatchRules, alerting: Alerting
) -> Iterator[e.AlertRaised | e.AlertRecovered]:
    newest_first = [
        seen for tick in reversed(release.ticks) for seen in tick.observations if seen.probe == cause
    ]
    raised = open_alert(release, cause)
    if raised is None:
        bad = list(takewhile(lambda seen: is_bad(seen, rules), newest_first))
        if len(bad) >= alerting.raise_after and release.rolled_back is None:
            number = 1 + sum(one.cause == cause for one in release.alerts_raised)
            yield e.AlertRaised(
                attempt=release.attempt,
                cause=cause,
                number=number,
                reason=f"{cause}: {what_is_bad(bad[0], rules)}",
                at=bad[-1].at,
            )
        return
    good = list(takewhile(lambda seen: not is_bad(seen, rules), newest_first))
    over = {"attempt": raised.attempt, "cause": cause, "number": raised.number}
    if len(good) >= alerting.recover_after:
        yield e.AlertRecovered.model_validate(
            {**over, "at": good[-1].at, "reason": f"{len(good)} good looks in a row"}
        )
    elif release.rolled_back is not None and release.rollback is not None:
        back = f"production serves {release.rollback.to_tag} again"
        yield e.AlertRecovered.model_validate({**over, "at": release.rolled_back.at, "reason": back})
