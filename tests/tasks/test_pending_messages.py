"""What Slack is given for lists of any length, with whatever people wrote in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from integrations.sandbox.slack.kit import checked_message, checked_view
from integrations.slack import blocks as kit
from lifecycle.pending import Pending
from tasks import pending_messages
from tasks.context import policy

pytestmark = pytest.mark.usefixtures("book")

NOW = datetime(2026, 10, 1, 10, tzinfo=UTC)


def waiting(many: int, title: str = "Search", project: str = "shop") -> tuple[Pending, ...]:
    return tuple(
        Pending(
            project=project,
            version="1.4.0",
            tag="1.4.0-rc.1",
            number=1,
            request=f"{n:024}",
            step="qa",
            title="QA",
            issue=f"SHOP-{n}",
            issue_title=title,
            lacks={"qa": 1},
            people=("quinn",),
            asked_at=NOW,
            due=NOW + timedelta(days=1),
        )
        for n in range(many)
    )


@pytest.mark.parametrize(("many", "shown"), [(0, 0), (1, 1), (45, 45), (46, 45), (10_000, 45)])
@pytest.mark.parametrize("title", ["", "Search", "<&>|" * 500, "ä🎁" * 500])
def test_a_home_is_one_that_slack_takes(many: int, shown: int, title: str) -> None:
    ids = count()
    view = checked_view(
        pending_messages.home(waiting(many, title), policy(), NOW, "note"), lambda p: f"{p}{next(ids)}"
    )
    assert len(view["blocks"]) <= kit.VIEW_BLOCKS
    said = json.dumps(view)
    assert said.count("signoff.approve") == said.count("signoff.return") == shown
    assert (f"and {many - 45} more" in said) == (many > 45)


@pytest.mark.parametrize(("many", "shown"), [(0, 0), (1, 1), (40, 40), (41, 40), (10_000, 40)])
@pytest.mark.parametrize("title", ["", "<&>|" * 500])
def test_an_answer_is_one_that_slack_takes(many: int, shown: int, title: str) -> None:
    ids = count()
    content = pending_messages.list_for(waiting(many, title), policy(), NOW)
    blocks = checked_message(content.blocks, lambda p: f"{p}{next(ids)}")
    assert len(blocks) <= kit.MESSAGE_BLOCKS
    said = json.dumps(blocks)
    assert said.count("SHOP-") == 2 * shown  # its key, and its address in Jira
    assert (f"and {many - 40} more" in said) == (many > 40)


def test_a_release_of_a_project_that_the_policy_no_longer_has_is_still_listed() -> None:
    said = json.dumps(pending_messages.home(waiting(1, project="kiosk"), policy(), NOW))
    assert "*kiosk 1.4.0*" in said
    assert "staging" not in said


def test_what_a_note_says_is_shown_as_text() -> None:
    said = json.dumps(pending_messages.home((), policy(), NOW, "<!channel> & all"))
    assert "&lt;!channel&gt; &amp; all" in said
