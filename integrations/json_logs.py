"""Log lines from where a service writes them: a file, an address that serves lines, or Loki.

Addresses: `file:/var/log/shop.log` (with `shop.log.1` before it, as logrotate leaves it), `https://...` with
one line after the other, or Loki's `https://.../loki/api/v1/query_range?query={app="shop"}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from integrations.errors import NotFound, Refused, Transient, from_status

MOST_BYTES = 16 * 1024 * 1024
_LOKI = "/loki/api/v1/query_range"
_LOKI_LINES = 5000
"""The most that Loki answers unless it is set to more."""


@dataclass(frozen=True)
class Lines:
    """The newest lines, oldest first; `complete` False: there are older ones that were not read."""

    lines: tuple[str, ...]
    complete: bool


def read(
    address: str, since: datetime, until: datetime, *, timeout_s: float = 20, most: int = MOST_BYTES
) -> Lines:
    """The newest lines there are, at most `most` bytes of them.

    Only Loki keeps to the time; from elsewhere older and later lines come along.

    Raises:
        NotFound: there is no such log.
        Refused: it may not be read, or what answers is no log.
        Transient: nothing came in time.
    """
    parts = urlsplit(address)
    if parts.scheme == "file":
        return _of_file(Path(parts.path), most)
    try:
        if parts.path.endswith(_LOKI):
            return _of_loki(address, since, until, timeout_s, most)
        return _of_address(address, timeout_s, most)
    except requests.RequestException as error:
        raise Transient("logs", "read", _named(address), None, type(error).__name__) from None


def _of_file(path: Path, most: int) -> Lines:
    """The end of the file; where that is not enough, of the one that was rotated away too."""
    newest, whole = _end(path, most)
    rotated = path.with_name(f"{path.name}.1")
    if whole and rotated.exists():
        older, whole = _end(rotated, most - len(newest))
        newest = older + newest
    return Lines(_split(newest), whole)


def _end(path: Path, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes from the end, from the beginning of a line; and whether that is the whole file.

    A file that is emptied meanwhile (logrotate's copytruncate) is read as far as it still is there.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - most))
            read = file.read(most)
    except FileNotFoundError:
        raise NotFound("logs", "read", str(path)) from None
    except PermissionError:
        raise Refused("logs", "read", str(path), detail="not readable") from None
    except OSError as error:
        raise Transient("logs", "read", str(path), None, type(error).__name__) from None
    if size <= most:
        return read, True
    return read.partition(b"\n")[2], False


def _of_address(address: str, timeout_s: float, most: int) -> Lines:
    """What is served there; a server that knows ranges sends no more than the end of it."""
    headers = {"Range": f"bytes=-{most}"}
    with requests.get(address, headers=headers, timeout=timeout_s, stream=True) as answer:
        _check(address, answer)
        body = _body(answer, most)
    partial = answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith("bytes 0-")
    if partial:
        body = body.partition(b"\n")[2]
    return Lines(_split(body[:most]), not partial and len(body) <= most)


def _of_loki(address: str, since: datetime, until: datetime, timeout_s: float, most: int) -> Lines:
    asked = {
        "start": str(int(since.timestamp() * 1e9)),
        "end": str(int(until.timestamp() * 1e9)),
        "limit": str(_LOKI_LINES),
        "direction": "backward",
    }
    with requests.get(address, params=asked, timeout=timeout_s, stream=True) as answer:
        _check(address, answer)
        body = _body(answer, most)
    try:
        if len(body) > most:
            raise ValueError("too long")
        found = sorted(_streams(json.loads(body)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused("logs", "read", _named(address), detail=f"not Loki's: {type(error).__name__}") from None
    return Lines(tuple(line for _, line in found), len(found) < _LOKI_LINES)


def _streams(answer: Any) -> Iterator[tuple[int, str]]:
    for stream in answer["data"]["result"]:
        for at, line, *_ in stream["values"]:
            yield int(at), str(line)


def _check(address: str, answer: requests.Response) -> None:
    if answer.status_code not in (200, 206):
        raise from_status("logs", "read", _named(address), answer.status_code)


def _body(answer: requests.Response, most: int) -> bytes:
    """The body, or its first bytes: one more than `most`, so that it shows."""
    body = bytearray()
    for chunk in answer.iter_content(64 * 1024):
        body += chunk
        if len(body) > most:
            break
    return bytes(body[: most + 1])


def _split(read: bytes) -> tuple[str, ...]:
    return tuple(line for line in read.decode("utf-8", "replace").split("\n") if line.strip())


def _named(address: str) -> str:
    """The address without what may be a secret in it."""
    parts = urlsplit(address)
    return f"{parts.hostname}{parts.path}"
