"""What `conveyor review show` says besides the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lifecycle.review import Review
    from lifecycle.review_agenda import Agenda


def facts(stream: str, state: Review) -> dict[str, object]:
    """The review as JSON takes it."""
    from lifecycle.review import missing_roles
    from tasks.context import policy

    agenda = state.proposed.agenda if state.proposed else None
    return {
        "review": stream,
        "closed": state.closed is not None,
        "closed_by": state.closed.person if state.closed else None,
        "due": state.proposed.due if state.proposed else None,
        "open_requests": state.proposed.open if state.proposed else 0,
        "still_to_take_part": missing_roles(state, policy()),
        "reminded": [fact.person for fact in state.reminded if fact.person],
        "deputies": {fact.person: fact.deputy for fact in state.deputies},
        "agenda": agenda.model_dump(mode="json") if agenda else None,
        "decisions": [decided.model_dump(mode="json") for decided in state.decided],
        "plan": state.plan.model_dump(mode="json"),
    }


def remarks(state: Review) -> Iterator[str]:
    """Everything that people look at before the lines, one thing a line; nothing where there is nothing."""
    from lifecycle.review import missing_roles
    from tasks.context import policy
    from tasks.review_messages import capacity_text

    if state.proposed is None:
        return
    plan, agenda = state.plan, state.proposed.agenda
    if agenda.capacity:
        yield capacity_text(agenda.capacity)
    if missing := missing_roles(state, policy()) if state.closed is None else ():
        yield f"still to take part: {', '.join(missing)}"
    for asked in state.deputies:
        yield f"{asked.deputy} may take part as the deputy of {asked.person}"
    yield from (f"warning: {warning}" for warning in plan.warnings)
    yield from (f"in the way of closing: {obstacle}" for obstacle in plan.obstacles)
    if questions := [key for key in plan.accepted if key in agenda.questions]:
        yield f"to be answered before the closing: {', '.join(questions)}"
    for number, wave in enumerate(plan.waves, 1):
        yield f"wave {number}: {', '.join(wave)}"
    yield from _agenda(agenda)
    if others := state.proposed.open - len(plan.lines):
        yield f"{others} more open requests scored less and have no line"


def _agenda(agenda: Agenda) -> Iterator[str]:
    for found in agenda.alike:
        yield f"alike ({found.score:.0%}): {found.issue} and {found.other} {found.title}".rstrip()
    for left in agenda.left_over:
        yield f"left over from {left.version}: {left.issue} {left.title}".rstrip()
    for given in agenda.answers:
        score = f" ({given.score} of 5)" if given.score else ""
        said = f": {given.comment}" if given.comment else ""
        yield f"feedback on {given.issue} in {given.version}: {given.answer}{score}{said}"
