"""Notes: comments on a merge request or an issue, written once per `op_key`."""

from __future__ import annotations

import re

from integrations.gitlab.models import Note
from integrations.gitlab.session import Session


def marker(op_key: str) -> str:
    """The invisible line by which our own note is known again; ValueError if it could end itself."""
    if not re.fullmatch(r"[\w.:/@+-]+", op_key) or "--" in op_key:
        raise ValueError(f"not an op key: {op_key!r}")
    return f"<!-- op:{op_key} -->"


def find_note(session: Session, path: str, op_key: str) -> Note | None:
    """The note among those at `path` (`projects/1/merge_requests/2/notes`) that `op_key` wrote."""
    mark = marker(op_key)
    notes = session.rows(Note, "notes", path, {"sort": "asc", "order_by": "created_at"})
    return next((note for note in notes if mark in note.body), None)


def write_note(session: Session, path: str, body: str, op_key: str) -> Note:
    """Write `body` under its marker; the note that is there already is left as it is."""
    if found := find_note(session, path, op_key):
        return found
    note = session.post(Note, "note", path, {"body": f"{body}\n\n{marker(op_key)}"})
    return note.model_copy(update={"changed": True})
