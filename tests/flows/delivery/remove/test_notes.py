"""The notes of a release: asked in Slack, written in GitLab's release, in the requester's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.settings import settings
from lifecycle import events as e
from tasks import context, notes
from tests.flows.delivery.remove.conftest import NOW, Shop, plan, release, tell

Team = Any


@pytest.fixture
def out(shop: Shop) -> str:
    """1.4.0 went out with a request of Gerd's and an issue that somebody made by hand; Gerd's key."""
    team = shop.team
    key = team.take(
        team.from_slack("Gift wrap | Umbrellas look sad. Please wrap them.", "U0GERD", team.planning)
    )
    by_hand = team.file("dora", "Tidy up")
    start = shop.head("main")
    shop.team.gitlab("POST", "repository/tags", "olli", tag_name="1.3.0", ref="main")
    sha = shop.write("main", f"{key} wrap\n\nChangelog: added", wrap="x\n")
    shop.team.gitlab("POST", "repository/tags", "olli", tag_name="1.4.0", ref="main")
    plan(key, by_hand)
    cut = e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=sha, branch="release/1.4.0")
    staged = e.Staged(number=1, sha=sha, url="http://staging.example", pipeline_id=2)
    tell(cut, e.CandidateVerified(number=1, pipeline_id=1), staged)
    going = e.ProductionStarted(
        number=1, tag="1.4.0", sha=sha, attempt=1, previous_tag="1.3.0", previous_sha=start
    )
    tell(going, e.ProductionDeployed(attempt=1, sha=sha, url="http://x.example", pipeline_id=3, at=NOW))
    return key


def publish() -> str:
    """The text of GitLab's release after two tries to publish it."""
    project = context.policy().project("shop")
    for _ in range(2):
        notes.publish.fn(project, release(), notes.of.fn(project, release()))
    found = context.gitlab().repository.release(1, "1.4.0")
    assert found is not None
    return found.notes


def test_the_notes_are_the_requesters_words_not_the_commits(out: str) -> None:
    text = publish()
    assert text.startswith(f"- {out} Gift wrap\n  “Umbrellas look sad.” (management)\n- ")
    assert f"Wish {release().delivers[1]}" in text
    assert "wrap\n\nChangelog" not in text
    assert "###" not in text
    told = notes.told(notes.of.fn(context.policy().project("shop"), release()))
    assert told[:2] == [f"• {out} Gift wrap", "  “Umbrellas look sad.” (management)"]


def test_where_the_team_writes_the_trailer_gitlab_s_changelog_stands_below(out: str) -> None:
    path = Path(settings().policy)
    rules = json.loads(path.read_text())
    rules["projects"][0]["changelog_trailer"] = "Changelog"
    path.write_text(json.dumps(rules))
    text = publish()
    assert "### added (1 change)" in text
    assert text.index("Umbrellas look sad") < text.index("### added")
    del out
