"""Uploaded files, and how Slack writes them in JSON."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from typing import Any


@dataclass
class File:
    """An upload. `key` is the last part of its upload address; `shared` has (channel id, ts)."""

    id: str
    name: str
    user_id: str
    length: int
    created: int
    key: str
    alt_txt: str = ""
    title: str = ""
    content: bytes = b""
    completed: bool = False
    shared: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def file_json(file: File, team_id: str, url: str, *, shared: bool = True) -> dict[str, Any]:
    """One file. Before it is `shared` Slack says neither its kind nor where it can be seen."""
    suffix = file.name.rpartition(".")[2].lower() if shared else ""
    place = f"{url}/files-pri/{team_id}-{file.id}"
    shares: dict[str, list[dict[str, Any]]] = {}
    for channel_id, ts in file.shared if shared else ():
        shares.setdefault(channel_id, []).append({"ts": ts})
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": mimetypes.guess_type(file.name)[0] or "" if shared else "",
        "filetype": suffix,
        "pretty_type": suffix.upper(),
        "user": file.user_id,
        "user_team": team_id,
        "editable": False,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{place}/{file.name}",
        "url_private_download": f"{place}/download/{file.name}",
        "alt_txt": file.alt_txt,
        "permalink": f"{url}/files/{file.user_id}/{file.id}/{file.name}",
        "comments_count": 0,
        "shares": {"public": shares} if shares else {},
        "channels": list(shares),
        "groups": [],
        "ims": [],
        "has_more_shares": False,
        "has_rich_preview": False,
        "file_access": "visible",
    }
