"""`conveyor requests similar` and `conveyor requests rank`: which requests say the same."""

from __future__ import annotations

import json as jsons
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from deployments.cli import names, say
from deployments.cli.say import Exit, Json, ProjectName

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]+-[1-9][0-9]*")


def similar(text: str, *, project: ProjectName = "", json: Json = False) -> None:
    """Show the open requests that say much the same as an issue, or as a title in words, best first.

    An issue is compared with earlier ones only.

    Example: `conveyor requests similar SHOP-7`, `conveyor requests similar "Pay by invoice"`

    Parameters
    ----------
    text:
        The Jira issue's key, or a title in words.
    """
    from tasks.backlog import alike_to, alike_to_title

    if not text.strip():
        raise say.Stop(Exit.USAGE, "say an issue's key, or a title in words")
    with say.busy(f"Comparing {text}"):
        if _KEY.fullmatch(text):
            found = [(each.other, each.title, each.score) for each in alike_to(text)]
        else:
            found = alike_to_title(names.project_named(project), text, datetime.now(UTC))
    if json:
        say.dump([{"key": key, "title": title, "score": score} for key, title, score in found])
    elif found:
        say.table(("KEY", "SCORE", "TITLE"), ((key, f"{score:.2f}", title) for key, title, score in found))
    else:
        say.note(f"no open request is like {text}")


def rank() -> None:
    """Rank requests read from stdin: one JSON command a line, one line of JSON for each ranking.

    `{"op": "add", "report": {"id": ..., "title": ..., "description": ..., "created": ...}}` takes a request
    in, `{"op": "preload", "reports": [...]}` many. `{"op": "rank", "query": {...}, "k": 20}`, the query
    without an id, is answered by `{"results": [[id, score], ...]}`, best first, with scores of 0..1. Reports
    and queries may have `components`, a list of names. Nothing is kept, and neither policy nor network is
    needed.

    Example: `conveyor requests rank < commands.jsonl`
    """
    for answer in answers(sys.stdin.buffer):
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def answers(lines: Iterable[bytes]) -> Iterator[str]:
    """Obey the commands one by one; a line for each that asks for a ranking.

    Raises:
        Stop: a line is no command.
    """
    from deployments.cli.ranking import Ranking

    ranking = Ranking()
    for number, line in enumerate(lines, 1):
        try:
            results = ranking.answer(line)
        except (ValueError, RecursionError) as error:
            raise say.Stop(Exit.FAILED, f"line {number}: {_wrong(error)}") from error
        if results is not None:
            yield jsons.dumps({"results": results})


def _wrong(error: Exception) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
