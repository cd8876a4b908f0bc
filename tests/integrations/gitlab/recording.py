"""Cassettes of our own: what the client and a GitLab said to each other, without secrets and names.

Replayed by default. `CONVEYOR_RECORD=1` records anew: against `CONVEYOR_GITLAB_URL` with
`CONVEYOR_GITLAB_TOKEN` and the project `CONVEYOR_GITLAB_PROJECT` (its path; Maintainer, with a
`.gitlab-ci.yml` on its default branch), or against the sandbox where no URL is given. The first line of a
cassette says which it was.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import vcr
from vcr.persisters.filesystem import FilesystemPersister

from integrations.gitlab import GitLabClient
from integrations.settings import GitLabSettings
from tests.integrations.gitlab.world import BOT, World

CASSETTES = Path(__file__).parent / "cassettes"
HOST = "https://gitlab.example.test"
PROJECT = "group/shop"
SANDBOX = "Conveyor's sandbox GitLab (not gitlab.com)"
_KEPT = {"content-type", "link", "retry-after", "x-next-page", "x-page", "x-per-page", "x-total"}
_PAST = "X-Past-The-Tape"
_SECRET = re.compile(r"(?:glpat|gldt|glrt|glcbt|glptt)-[\w.-]+|whsec_[\w+/=]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class Tape:
    """`client` plays or records; `live` speaks to the project past the tape, None while it plays."""

    client: GitLabClient
    path: str
    live: httpx.Client | None


def recording() -> bool:
    """Whether the cassettes are made anew."""
    return os.environ.get("CONVEYOR_RECORD") == "1"


@contextmanager
def tape(name: str, home: Path) -> Iterator[Tape]:
    """The cassette `name`, played or recorded."""
    if not recording():
        client = GitLabClient(_settings(HOST, "not-recorded"))
        with _player("none", "", HOST, "not-recorded").use_cassette(f"{name}.yaml"):
            yield Tape(client, PROJECT, None)
        client.close()
        return
    url, token, path, origin, world = _where(home)
    client = GitLabClient(_settings(url, token))
    api = f"{url}/api/v4/projects/{path.replace('/', '%2F')}"
    headers = {"PRIVATE-TOKEN": token, _PAST: "yes"}
    live = httpx.Client(base_url=api, headers=headers, timeout=30, trust_env=False)
    (CASSETTES / f"{name}.yaml").unlink(missing_ok=True)
    try:
        with _player("all", origin, url, token, path).use_cassette(f"{name}.yaml"):
            yield Tape(client, path, live)
    finally:
        client.close()
        live.close()
        if world:
            world.stop()


def _where(home: Path) -> tuple[str, str, str, str, World | None]:
    if url := os.environ.get("CONVEYOR_GITLAB_URL"):
        token, path = os.environ["CONVEYOR_GITLAB_TOKEN"], os.environ["CONVEYOR_GITLAB_PROJECT"]
        return url.rstrip("/"), token, path, str(urlsplit(url).hostname), None
    world = World(home)
    return world.url, BOT.token, PROJECT, SANDBOX, world


def _settings(url: str, token: str) -> GitLabSettings:
    return GitLabSettings.model_validate({"url": url, "token": token})


def _player(mode: str, origin: str, url: str, token: str, path: str = PROJECT) -> Any:
    scrub = Scrubber(url, token, path)
    player = vcr.VCR(
        cassette_library_dir=str(CASSETTES),
        record_mode=mode,  # pyright: ignore[reportArgumentType]
        match_on=["method", "scheme", "host", "path", "query", "body"],
        filter_headers=["PRIVATE-TOKEN", "Authorization", "Cookie", "User-Agent"],
        before_record_request=scrub.request,
        before_record_response=scrub.response,
        decode_compressed_response=True,
    )
    player.register_persister(_persister(origin))
    return player


def _persister(origin: str) -> Any:
    class Persister(FilesystemPersister):
        """Writes the origin on the first line."""

        @staticmethod
        def save_cassette(cassette_path: Any, cassette_dict: Any, serializer: Any) -> None:
            FilesystemPersister.save_cassette(cassette_path, cassette_dict, serializer)
            text = Path(cassette_path).read_text()
            Path(cassette_path).write_text(f"# Recorded from: {origin}\n{text}")

    return Persister


class Scrubber:
    """Takes hosts, tokens and e-mails out of what is written down, on both ways."""

    def __init__(self, url: str, token: str, path: str) -> None:
        self._url, self._token, self._path = url, token, path

    def text(self, text: str) -> str:
        """`text` without them."""
        text = text.replace(self._url, HOST).replace(self._path, PROJECT)
        text = text.replace(self._path.replace("/", "%2F"), PROJECT.replace("/", "%2F"))
        if self._token:
            text = text.replace(self._token, "TOKEN")
        return _EMAIL.sub("person@example.test", _SECRET.sub("SECRET", text))

    def request(self, request: Any) -> Any:
        """A request as it is written down; only requests to the GitLab are."""
        request.uri = self.text(request.uri)
        if not request.uri.startswith(HOST) or _PAST in request.headers:
            return None
        if request.body:
            request.body = self.text(request.body.decode()).encode()
        request.headers = {"Content-Type": "application/json"} if request.body else {}
        return request

    def response(self, response: Any) -> Any:
        """An answer as it is written down."""
        kept = {name: value for name, value in response["headers"].items() if name.lower() in _KEPT}
        response["headers"] = {name: [self.text(each) for each in value] for name, value in kept.items()}
        body = response["body"]["string"]
        body = body.decode() if isinstance(body, bytes) else body
        response["body"]["string"] = self.text(body).encode()
        return response
