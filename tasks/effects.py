"""How an effect that must not happen twice is done: intent before, look-up after, outcome on record.

A crash may fall between the vendor's success and our record of it. So the intent is written first; who
finds an intent without an outcome looks the effect up by its natural key before doing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.errors import IntegrationError, Terminal, Transient
from integrations.ledger import Effect
from tasks.context import ledger

Outcome = Mapping[str, object]

_GAVE_UP = (None, 502, 504)
"""We, or a proxy, stopped waiting for an answer; whoever has the request goes on with it."""


def on_transient(_task: object, _run: object, state: object) -> bool:
    """Prefect's retry condition: only what may work next time is tried again."""
    result = getattr(state, "result", None)
    error = result(raise_on_failure=False) if callable(result) else None
    return isinstance(error, Transient)


RETRY: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [0.5, 2, 5],
    "retry_jitter_factor": 0.3,
    "retry_condition_fn": on_transient,
}
"""The one retry layer, for every task with an outside effect."""


def done(key: str) -> Outcome | None:
    """The recorded outcome of the effect `key`; None while it is not known to be done."""
    effect = ledger().effect(key)
    return effect.outcome if effect is not None and effect.state == "done" else None


def once(
    key: str,
    *,
    subject: str,
    kind: str,
    request: Outcome,
    look: Callable[[datetime], Outcome | None],
    act: Callable[[], Outcome],
    settles: timedelta = timedelta(0),
) -> Outcome:
    """Do `act` unless it is done; its outcome, recorded.

    `look(intended_at)` finds the effect of an earlier try by its natural key, None if there is none.
    `act` is called only when nothing was tried before or the look-up finds nothing. After a try that got no
    answer the vendor may still be at it: that nothing is found is believed once `settles` has passed.

    Raises:
        Transient: it is unknown whether the effect took place; the same call later settles it.
        Terminal: the vendor refused; the intent is concluded as not done.
    """
    earlier = ledger().effect(key)
    if earlier is not None:
        if earlier.state == "done":
            return earlier.outcome
        found = look(earlier.intended_at)
        if found is not None:
            return ledger().conclude(key, "done", found, datetime.now(UTC)).outcome
        _settled(earlier, settles)
    else:
        ledger().intend(key, subject, kind, request, datetime.now(UTC))
    try:
        outcome = act()
    except Terminal as error:
        ledger().conclude(key, "not_done", {"why": str(error)}, datetime.now(UTC))
        raise
    except IntegrationError as error:
        silent = {"unanswered_by": error.vendor} if error.status in _GAVE_UP else {}
        ledger().conclude(key, "unknown", {"why": str(error), **silent}, datetime.now(UTC))
        raise
    return ledger().conclude(key, "done", outcome, datetime.now(UTC)).outcome


def _settled(earlier: Effect, settles: timedelta) -> None:
    vendor = earlier.outcome.get("unanswered_by") if earlier.state == "unknown" else None
    left = (earlier.concluded_at or earlier.intended_at) + settles - datetime.now(UTC)
    if vendor and left > timedelta(0):
        why = f"gave no answer and may still be at it; {earlier.key} is not repeated yet"
        raise Transient(str(vendor), earlier.kind, earlier.key, None, why, left.total_seconds())
