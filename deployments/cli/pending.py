"""`conveyor pending`: which sign-offs wait for whom."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deployments.cli import say
from deployments.cli.say import Exit, Json

if TYPE_CHECKING:
    from lifecycle.pending import Pending


def pending(
    *,
    person: Annotated[str, Parameter(help="Only what this person may sign: their id in the policy.")] = "",
    json: Json = False,
) -> None:
    """Show which sign-offs wait for whom, how long and until when, the earliest due first.

    Example: `conveyor pending --person quinn`
    """
    from tasks import pending as waiting
    from tasks.context import policy

    if person and policy().person(person) is None:
        raise say.Stop(Exit.USAGE, f"the policy has no person {person}")
    found = waiting.of_person(person) if person else waiting.everything()
    now = datetime.now(UTC)
    if json:
        say.dump([_facts(each, now) for each in found])
        return
    if not found:
        say.note(f"nothing waits for {person or 'anybody'}")
        return
    columns = ("RELEASE", "WHAT", "WAITS FOR", "FOR HOW LONG", "DUE (UTC)", "LATE BY")
    say.table(columns, (_row(each, now) for each in found))


def _row(each: Pending, now: datetime) -> tuple[str, ...]:
    from lifecycle.calendar import duration_text

    people = ", ".join(each.people) or "nobody who may sign"
    lacks = " and ".join(f"{count} {role}" for role, count in each.lacks.items())
    return (
        f"{each.project}:{each.version}",
        each.what,
        f"{people} ({lacks})",
        duration_text(each.waited(now)),
        f"{each.due.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        duration_text(each.late(now)) if each.is_late(now) else "",
    )


def _facts(each: Pending, now: datetime) -> dict[str, object]:
    return {
        "release": f"{each.project}:{each.version}",
        "candidate": each.tag,
        "request": each.request,
        "step": each.step,
        "issue": each.issue,
        "title": each.issue_title,
        "lacks": each.lacks,
        "people": list(each.people),
        "asked_at": each.asked_at.isoformat(),
        "due": each.due.isoformat(),
        "waited_s": int(each.waited(now).total_seconds()),
        "late": each.is_late(now),
    }
