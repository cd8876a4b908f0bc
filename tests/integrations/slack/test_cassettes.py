"""The client against recorded answers: no server runs, and every request must be one that was recorded.

Each cassette says in its first line where it was recorded; see `tape` for how to record anew.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from integrations.errors import NotFound, Refused
from integrations.slack import blocks as kit
from tests.integrations.slack.tape import FOLDER, RECORDING, anonymous, taped

record = pytest.mark.record


@record
def test_what_is_not_there_and_what_is_wrong_are_told_apart() -> None:
    with taped("refusals") as tape:
        with pytest.raises(NotFound):
            tape.client.post("C0NOWHERE", "text", op_key="cassette:1")
        with pytest.raises(Refused):
            tape.client.post(tape.channel_id, "text", [{"type": "banner"}], op_key="cassette:2")
        with pytest.raises(NotFound):
            tape.client.update(tape.channel_id, "1700000000.000001", "text")


@record
def test_a_message_is_posted_found_answered_and_edited() -> None:
    with taped("message") as tape:
        blocks = [kit.section("Ready?"), kit.actions(kit.button("Yes", "yes", "so-1"))]
        posted = tape.client.post(tape.channel_id, "Ready?", blocks, op_key="cassette:3")
        since = datetime.fromtimestamp(int(posted.ts[:10]), UTC)
        assert re.fullmatch(r"\d{10}\.\d{6}", posted.ts)
        assert tape.client.find_message(tape.channel_id, "cassette:3", since) == posted
        reply = tape.client.post(tape.channel_id, "Not yet.", op_key="cassette:4", thread_ts=posted.ts)
        assert tape.client.find_message(tape.channel_id, "cassette:4", since, posted.ts) == reply
        tape.client.update(tape.channel_id, posted.ts, "Done")
        (edited,) = tape.client.history(tape.channel_id, since, limit=1)
    assert (edited.text, edited.edited, edited.op_key) == ("Done", True, "cassette:3")


@record
def test_a_person_and_the_conversation_with_them() -> None:
    with taped("person") as tape:
        assert tape.client.auth_test().startswith("U")
        person = tape.client.user(tape.user_id)
        direct = tape.client.direct_channel(tape.user_id)
        tape.client.ephemeral(tape.channel_id, tape.user_id, "Only you see this.")
    assert (person.id, person.is_bot, person.deleted) == (tape.user_id, False, False)
    assert direct.startswith("D")


def test_every_cassette_says_where_it_was_recorded_and_holds_no_secret() -> None:
    cassettes = sorted(FOLDER.glob("*.yaml"))
    assert len(cassettes) == 3 or RECORDING
    for path in cassettes:
        text = path.read_text()
        assert text.startswith("# Recorded from: "), path
        assert not re.search(r"authorization|cookie|bearer|xoxb-(?!removed)|127\.0\.0\.1", text, re.I), path
        assert set(re.findall(r"[\w.]+@([\w.]+)", text)) <= {"example.test"}, path


def test_names_are_taken_out_of_what_is_recorded() -> None:
    user = {"id": "U012345678", "name": "ada", "profile": {"real_name": "Ada", "email": "a@example.test"}}
    assert anonymous({"user": user, "team": "Corp", "user_id": "U012345678"}) == {
        "user": {
            "id": "U012345678",
            "name": "someone",
            "profile": {"real_name": "someone", "email": "a@example.test"},
        },
        "team": "someone",
        "user_id": "U012345678",
    }
