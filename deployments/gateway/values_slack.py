"""Slack's part of a request's values: what the modal is opened with, and what sending it decides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deployments.gateway import values_modal
from deployments.gateway.values_modal import NEED, REASON, SAID, WAIVE, Filled
from lifecycle import needs
from tasks import needing, valuing
from tasks.backlog import request_of
from tasks.decisions import Outcome


def view(key: str, channel: str) -> dict[str, Any]:
    """The modal of one request, with what stands and what is suggested."""
    standing = valuing.standing_of(key, datetime.now(UTC))
    return values_modal.view(key, channel, standing, needs.standing(request_of(key).needs))


def decide(filled: Filled, person_id: str) -> tuple[Outcome, dict[str, str]]:
    """Record what was filled in: the last outcome, and the errors by field.

    The values are set before the need is noted. If that is refused they stand, and sending the modal again
    sets them no second time.
    """
    outcome = Outcome(accepted=False, message="Choose a value, or say what shows the need.")
    where = REASON
    if filled.values:
        outcome = valuing.set_values(filled.key, filled.values, person_id, filled.reason)
    if filled.need and (outcome.accepted or not filled.values):
        where = REASON if filled.need == WAIVE else SAID
        outcome = _need(filled, person_id)
    elif filled.said and not filled.need:
        where, outcome = NEED, Outcome(accepted=False, message="Say what this is.")
    return outcome, {} if outcome.accepted else {where: outcome.message}


def _need(filled: Filled, person_id: str) -> Outcome:
    if filled.need == WAIVE:
        return needing.waive_need(filled.key, person_id, filled.reason)
    return needing.show_need(filled.key, filled.need, filled.said, person_id)
