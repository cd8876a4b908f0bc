"""An upload in three steps: what the sandbox's Slack takes, refuses and shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from integrations.errors import NotFound, Refused, Transient
from integrations.sandbox.faults import Fault
from integrations.sandbox.slack import SlackSandbox
from integrations.settings import SlackSettings
from integrations.slack.client import SlackClient
from tests.contracts.rows import CONTRACTS
from tests.integrations.slack.world import BOT_TOKEN, Clock, Hands

BOT = {"Authorization": f"Bearer {BOT_TOKEN}"}
RECORDED = CONTRACTS.parent / "recorded" / "slack" / "cassettes-ruby-vcr" / "files_upload_v2_channel_id.yml"


def begun(hands: Hands, content: bytes = b"png") -> tuple[str, str]:
    """An address for that content, and the file's id."""
    asked = {"filename": "a.png", "length": str(len(content))}
    answer = hands.http.post("/api/files.getUploadURLExternal", data=asked, headers=BOT).json()
    return answer["upload_url"], answer["file_id"]


def complete(hands: Hands, *file_ids: str, **more: str) -> dict[str, Any]:
    files = json.dumps([{"id": file_id, "title": "A graph"} for file_id in file_ids])
    answer = hands.http.post("/api/files.completeUploadExternal", data={"files": files, **more}, headers=BOT)
    return answer.json()


@pytest.mark.parametrize("asked", [{}, {"filename": "a"}, {"filename": "a", "length": "-1"}, {"length": "3"}])
def test_an_address_needs_a_name_and_a_length(hands: Hands, asked: dict[str, str]) -> None:
    answer = hands.http.post("/api/files.getUploadURLExternal", data=asked, headers=BOT).json()
    assert (answer["ok"], answer["error"]) == (False, "invalid_arguments")


def test_bytes_are_taken_once_at_their_address_and_as_many_as_were_announced(
    hands: Hands, releases: str
) -> None:
    address, file_id = begun(hands)
    assert hands.http.post(f"{address}x", content=b"png").status_code == 404
    assert hands.http.post(address, content=b"pn").status_code == 400
    assert hands.http.post(address, content=b"png").text == "OK - 3"
    assert complete(hands, file_id, channel_id=releases)["ok"]
    assert hands.http.post(address, content=b"png").status_code == 404


def test_a_file_is_completed_once_after_its_bytes_came_and_by_who_began_it(
    hands: Hands, releases: str
) -> None:
    address, file_id = begun(hands)
    assert complete(hands, file_id, channel_id=releases)["error"] == "file_not_found"
    assert complete(hands)["error"] == "invalid_arguments"
    hands.http.post(address, content=b"png")
    assert complete(hands, file_id, channel_id="C0NOWHERE")["error"] == "channel_not_found"
    wrong = {"channel_id": releases, "thread_ts": "1700000000.000001"}
    assert complete(hands, file_id, **wrong)["error"] == "invalid_thread_ts"
    assert complete(hands, file_id, channel_id=releases)["ok"]
    assert complete(hands, file_id, channel_id=releases)["error"] == "file_not_found"


def test_without_a_channel_it_stays_private(hands: Hands, releases: str) -> None:
    address, file_id = begun(hands)
    hands.http.post(address, content=b"png")
    assert complete(hands, file_id)["ok"]
    assert hands.messages("ada", releases) == []
    info = hands.http.post("/api/files.info", data={"file": file_id}, headers=BOT).json()
    assert (info["file"]["title"], info["file"]["shares"]) == ("A graph", {})


def test_a_picture_is_a_reply_that_people_see_and_that_is_found_by_its_name(
    client: SlackClient, hands: Hands, releases: str, clock: Clock
) -> None:
    root = client.post(releases, "the card", op_key="card")
    file_id = client.upload(releases, "a.png", b"png", title="A graph", alt="Alt", thread_ts=root.ts)
    since = datetime.fromtimestamp(clock() - 60, UTC)
    found = client.find_file(releases, "a.png", since, root.ts)
    assert found is not None
    assert client.find_file(releases, "b.png", since, root.ts) is None
    [card] = hands.messages("ada", releases)
    [reply] = card["replies"]
    [file] = reply["files"]
    assert (reply["ts"], file["id"], file["mimetype"], file["alt_txt"]) == (
        found.ts,
        file_id,
        "image/png",
        "Alt",
    )
    page = hands.http.get("/", params={"as": "ada", "channel": "releases"}).text
    assert f'src="{file["permalink"]}" alt="Alt"' in page
    assert hands.http.get(file["permalink"]).content == b"png"
    assert hands.http.get(file["url_private"], headers=BOT).content == b"png"
    assert hands.http.get(file["url_private"]).status_code == 307
    assert hands.http.get("/files/U/F0NONE/a.png").status_code == 404


def test_where_the_bot_is_not_or_the_thread_is_none_nothing_is_shared(
    client: SlackClient, settings: SlackSettings, releases: str, hands: Hands
) -> None:
    with pytest.raises(NotFound):
        client.upload("C0NOWHERE", "a.png", b"png", title="t", alt="t")
    with pytest.raises(Refused):
        client.upload(releases, "a.png", b"png", title="t", alt="t", thread_ts="1700000000.000001")
    assert hands.messages("ada", releases) == []


@pytest.mark.parametrize("path", ["files.getUploadURLExternal", "files.completeUploadExternal", "upload"])
def test_whatever_step_fails_it_is_transient_and_sent_once(
    client: SlackClient, sandbox: SlackSandbox, releases: str, hands: Hands, path: str
) -> None:
    match = "POST /upload/.*" if path == "upload" else f"POST /api/{path}"
    sandbox.faults.order(Fault(match, "503"))
    with pytest.raises(Transient):
        client.upload(releases, "a.png", b"png", title="t", alt="t")
    assert hands.messages("ada", releases) == []


@pytest.mark.skipif(not RECORDED.is_file(), reason="needs ../shared/recorded")
def test_the_answers_have_the_fields_that_were_recorded(hands: Hands, releases: str) -> None:
    recorded = yaml.safe_load(RECORDED.read_text())["http_interactions"]
    asked, sent, done = (json_or_text(one["response"]["body"]["string"]) for one in recorded)
    address, file_id = begun(hands)
    assert set(asked) == {"ok", "upload_url", "file_id"}
    assert sent.startswith("OK - ")
    hands.http.post(address, content=b"png")
    [theirs] = done["files"]
    [ours] = complete(hands, file_id, channel_id=releases)["files"]
    later = {"alt_txt"}  # since 2023 only for files that have one
    assert set(ours) - set(theirs) == later
    assert set(theirs) - set(ours) == {"media_display_type", "permalink_public", "is_starred"}
    differing = {name for name in set(ours) & set(theirs) if type(ours[name]) is not type(theirs[name])}
    assert differing == set()
    assert (ours["mimetype"], ours["shares"]) == (theirs["mimetype"], theirs["shares"]) == ("", {})


def json_or_text(body: str) -> Any:
    return json.loads(body) if body.startswith("{") else body
