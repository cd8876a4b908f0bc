"""`conveyor audit ...`: what happened, for somebody who does not have to trust us."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from deployments.cli import names, say
from deployments.cli.say import Exit, Json, ProjectName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lifecycle.events import ReleaseEvent
    from lifecycle.release import Release

app = App(name="audit", help="The ledger: read it, export it, prove that nobody changed it.")


@app.command
def show(release: str, *, project: ProjectName = "", json: Json = False) -> None:
    """Tell the story of one release in order: every event as it was recorded, with its place in the chain.

    Example: `conveyor audit show 1.4.0 --json`

    Parameters
    ----------
    release:
        A version (1.4.0), or project:version.
    """
    from integrations.ledger import chain
    from lifecycle import events, timeline
    from tasks.context import ledger

    found = ledger().events(names.release_stream(release, project))
    if json:
        say.dump([{**chain.content(event), "hash": event.hash} for event in found])
        return
    told = [events.parse(event.data) for event in found]
    folded = _folded(told)
    rows = (
        (str(e.seq), chain.timestamp(e.at), e.kind, timeline.sentence(fact, folded), e.hash[:12])
        for e, fact in zip(found, told, strict=True)
    )
    say.table(("SEQ", "AT", "KIND", "WHAT", "HASH"), rows)


def _folded(told: Sequence[ReleaseEvent]) -> Release | None:
    """The release, which knows what each signature is on; None if somebody wrote past the rules.

    Then above all one wants to see what was written.
    """
    from lifecycle.release import IllegalEvent, fold

    try:
        return fold(told)
    except IllegalEvent:
        return None


@app.command
def export(*, to: Path | None = None) -> None:
    """Write the whole ledger as JSON lines, each with the hash of the one before.

    Example: `conveyor audit export --to ledger.jsonl`

    Parameters
    ----------
    to:
        The file to write; stdout if left out.
    """
    from tasks.context import ledger

    if to is None:
        for line in ledger().export():
            say.out(line)
        return
    with to.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(f"{line}\n" for line in ledger().export())


@app.command
def verify(*, head: str = "", file: Path | None = None, json: Json = False) -> None:
    """Check that no event was changed, removed, moved or cut off; ends with 1 if one was.

    Example: `conveyor audit verify --head 3f1c...` (the head that an earlier verify printed)

    Parameters
    ----------
    head:
        The hash with which the chain has to end, kept elsewhere.
    file:
        An export to check in place of the ledger itself.
    """
    from integrations.ledger import chain
    from tasks.context import ledger

    with say.busy("Verifying"):
        if file is None:
            seen = ledger().verify(head or None)
        else:
            with file.open("rb") as lines:
                seen = chain.verify(lines, head or None)
    if json:
        say.dump({"ok": seen.ok, "events": seen.seq, "head": seen.head, "problems": list(seen.problems)})
    else:
        say.out(f"{seen.seq} events, head {seen.head}")
        for problem in seen.problems:
            say.out(problem)
    if not seen.ok:
        raise say.Stop(Exit.FAILED, f"the chain is broken: {len(seen.problems)} problems")
