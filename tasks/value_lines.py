"""How a request's values, its need and its parts read in a message; wording only."""

from __future__ import annotations

from collections.abc import Callable

from integrations.slack import blocks as b
from lifecycle import needs, parts
from lifecycle.parts import Part
from lifecycle.requests import Request
from lifecycle.scoring import Score, Term
from lifecycle.values import RequestType


def formula(score: Score, size: int) -> str:
    """The score as `8.2 = (business value 9 (set by Mara) + ...) / 3 (suggested)`."""
    *terms, divisor = score.terms
    worth = " + ".join(f"{term.name} {short(term.value)}{_basis(term)}" for term in terms)
    return f"{short(score.total)} = ({worth}) / {size}{_basis(divisor)}"


def _basis(term: Term) -> str:
    """Where the value behind the term comes from; of what is only assumed nothing is said."""
    return f" ({b.escape(term.basis)})" if term.basis not in ("", "assumed") else ""


def short(number: float) -> str:
    """At most one decimal."""
    return f"{number:.1f}".removesuffix(".0")


def on_record(own: Request, name: Callable[[str], str]) -> list[b.Block]:
    """What people said of the request: values, need, parts. `name` is a person's, escaped for mrkdwn."""
    latest = {fact.value: fact for fact in own.values}
    rows = [
        f"{value} *{fact.to}*, {name(fact.person)}: {b.escape(fact.why)}{_instead(fact.suggested, fact.to)}"
        for value, fact in latest.items()
    ]
    if own.needs:
        rows.append(f"need: {b.escape(needs.standing(own.needs))}")
    rows += map(part_line, parts.fold(own.parts))
    return [b.context(*rows[:10])] if rows else []


def part_line(part: Part) -> str:
    """One part: its role, its sub-task, who does it, and what is known of its size and day."""
    points = f", {part.points} points" if part.points is not None else ""
    due = f", by {part.asked.due}" if part.asked.due else ""
    role = "work order" if part.is_order else part.asked.role
    return f"{role}: {part.issue or 'being made'}, {b.escape(part.asked.name)}{points}{due}"


def _instead(suggested: int | RequestType | None, to: int | RequestType) -> str:
    return f" (suggested: {suggested})" if suggested not in (None, to) else ""
