"""The hash chain over the ledger's events, as anybody can compute it. Pure.

An exported line is one JSON object with exactly the fields

    {"at", "data", "hash", "key", "kind", "prev", "seq"}
    data = {"payload": the event's own data, "revision": int, "subject": str}

written canonically: keys sorted, no spaces, everything outside ASCII escaped (Python's
`json.dumps(line, sort_keys=True, separators=(",", ":"))`). `hash` is the SHA-256, in hex, of `prev`
followed by the canonical JSON of the line without its `hash`. `prev` is the hash of the line before;
the first line's is 64 zeros. `at` is UTC, `2026-07-01T12:00:00.000000Z`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import cast

from integrations.ledger.models import Event, Verification

GENESIS = "0" * 64
"""What the first event's `prev` holds."""

_FIELDS = {"at", "data", "hash", "key", "kind", "prev", "seq"}


def canonical(value: object) -> str:
    """The one way to write `value` as JSON; ASCII only.

    Raises:
        ValueError: a number that JSON does not have (NaN, infinities).
        TypeError: something in it is no JSON at all.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def normal(value: Mapping[str, object]) -> dict[str, object]:
    """`value` as it reads after a way through JSON: tuples are lists, all keys strings."""
    return json.loads(canonical(value))


def timestamp(at: datetime) -> str:
    """`at` as the ledger writes it; sorts as text.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def digest(prev: str, content: Mapping[str, object]) -> str:
    """The hash of the line whose fields except `hash` are `content`."""
    return hashlib.sha256((prev + canonical(content)).encode()).hexdigest()


def content(event: Event) -> dict[str, object]:
    """The line of `event` without its hash: what is hashed."""
    data = {"payload": event.data, "revision": event.revision, "subject": event.subject}
    return {
        "seq": event.seq,
        "at": timestamp(event.at),
        "kind": event.kind,
        "key": event.key,
        "data": data,
        "prev": event.prev,
    }


def line(event: Event) -> str:
    """`event` as an exported line, without a line end."""
    return canonical({**content(event), "hash": event.hash})


def verify(lines: Iterable[str | bytes], head: str | None = None) -> Verification:
    """Read a whole export and say everything that is wrong with it.

    Any changed byte, removed, added or moved line is found; a cut tail only if `head`, the hash that
    the last line must have, is given. A single line end after each line is allowed. Open files in
    binary: text mode changes line ends before they get here.
    """
    problems: list[str] = []
    prev, seq = GENESIS, 0
    for number, raw in enumerate(lines, start=1):
        wrong, found = _check(raw, number, prev)
        problems += [f"line {number}: {problem}" for problem in wrong]
        prev, seq = found or prev, number
    if head is not None and head != prev:
        problems.append(f"the chain ends with {prev} at line {seq}, not with {head}")
    return Verification(tuple(problems), seq, prev)


def _check(raw: str | bytes, number: int, prev: str) -> tuple[list[str], str | None]:
    """What is wrong with this line, and the hash it claims (None if it cannot be read)."""
    try:
        text = (raw.decode("ascii") if isinstance(raw, bytes) else raw).removesuffix("\n")
        parsed = json.loads(text)
        exact = canonical(parsed) == text
    except (ValueError, RecursionError):
        return ["cannot be read"], None
    if not isinstance(parsed, dict) or set(cast("dict[str, object]", parsed)) != _FIELDS:
        return ["has not exactly the fields of an event"], None
    fields = cast("dict[str, object]", parsed)
    claimed = str(fields.pop("hash"))
    problems: list[str] = []
    if not exact:
        problems.append("is not written canonically")
    if fields["seq"] != number:
        problems.append(f"has seq {fields['seq']}")
    if fields["prev"] != prev:
        problems.append("does not follow the line before")
    if digest(str(fields["prev"]), fields) != claimed:
        problems.append("does not match its hash")
    return problems, claimed
